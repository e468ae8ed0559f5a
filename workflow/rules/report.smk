"""Documents: what people look at.

Requires: the artifacts of this very graph (never a glob: an abandoned branch stays on disk), which
`logg1m.report.collect` reads into one structure.
Produces: in results/report/: roadmap.md, kanban.md, index.csv, changelog.md and one report per experiment. What the
changelog remembers lies in results/.history/, which is no output. And index.html, the page, which also shows spectra
of the store and residuals of predictions. `snakemake --report` makes Snakemake's own report.
"""

from logg1m.report.templates import MARKDOWN, template_fingerprint


report: "../report/workflow.rst"


rule documents:
    input:
        **REPORT_INPUT,
    output:
        roadmap=document("roadmap"),
        kanban=document("kanban"),
        index=document("index", "results/report/index.csv", says="experiment index"),
        changelog=document("changelog"),
        reports=[document("experiment_report", path, "Reports", Path(path).stem) for path in EXPERIMENT_REPORTS],
    log:
        "logs/report/documents.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    params:
        **REPORT_PARAMS,
        templates=template_fingerprint(MARKDOWN),
        code=code("logg1m.report.markdown.documents", "logg1m.report.collect"),
    script:
        "../scripts/documents.py"


rule page:
    input:
        **REPORT_INPUT,
        manifest="results/data/manifest.json",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        pixels="results/mvp_0_a/pixels.parquet",
        sensitivity="results/mvp_1_1/sensitivity.parquet",
        classical=CLASSICAL,
        runs=predictions_of_runs,
        histories=histories_of_runs,
    output:
        document("page", "results/report/index.html"),
    log:
        "logs/report/page.log",
    conda:
        "../../envs/logg1m.yaml"
    resources:
        mem_mb=grows(4000),
        runtime=grows(20),
    params:
        **REPORT_PARAMS,
        scale=CONFIG.protocol.scales[-1],
        noise_level=CONFIG.protocol.noise_level,
        seed=CONFIG.seed,
        templates=template_fingerprint(),
        code=code("logg1m.report.collect", "logg1m.report.page.make", *kinds.modules_of(ASKED)),
    script:
        "../scripts/page.py"
