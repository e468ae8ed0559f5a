"""Documents.

Requires: the verdicts and decisions of this very graph (never a glob: an abandoned branch stays on disk).
Produces: results/report/roadmap.md, the state of every MVP and decision.
"""


rule roadmap_document:
    input:
        foundations=foundations(),
        later=later_verdicts,
        decisions=expand("results/decisions/{d}.json", d=["d1", "d2", "d3", "d4"]),
    output:
        update("results/report/roadmap.md"),
    log:
        "logs/report/roadmap.log",
    conda:
        "../../envs/logg1m.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        experiments={key: e.model_dump(mode="json") for key, e in EXPERIMENTS.items()},
        paused=CONFIG.experiments.paused,
        code=code("logg1m.report.status"),
    script:
        "../scripts/roadmap_document.py"
