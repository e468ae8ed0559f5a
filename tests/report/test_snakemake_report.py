"""`snakemake --report` with every caption of the workflow: it is made, and shows the page, the documents and the figures."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from logg1m.config.experiments import Experiment
from logg1m.figures import catalogue

CAPTIONS = Path(__file__).parents[2] / "workflow/report"
MARKUP = "`x`_ |y| *z* [1]_ <b>"  # what reStructuredText would take for a link, a substitution, stress, a footnote

SNAKEFILE = """
import json

report: "{captions}/workflow.rst"

EXPERIMENT = json.loads('''{experiment}''')
OUTPUTS = {outputs}
CAPTIONS = {shows}

rule all:
    input: [f"results/{{name}}" for name in OUTPUTS]

for name, caption in OUTPUTS.items():
    rule:
        name: name.replace(".", "_").replace("/", "_")
        output: report(f"results/{{name}}", caption=f"{captions}/{{caption}}.rst", category="Roadmap", labels={{"figure": name}})
        params: experiment=EXPERIMENT, captions=CAPTIONS
        shell: "cp made/{{output}} {{output}}"
"""


@pytest.mark.slow
def test_snakemakes_own_report_is_made_with_every_caption(tmp_path: Path, experiments: dict[str, Experiment]):
    experiment = experiments["mvp_1_2"].model_dump(mode="json") | {"question": MARKUP}
    outputs = {f"{path.stem}.png": path.stem for path in sorted(CAPTIONS.glob("*.rst")) if path.stem != "workflow"}
    outputs |= {"index.html": "page"}
    shows = {"attention_vs_error": catalogue.caption("gradient_vs_error"), MARKUP: "what it shows"}
    made = tmp_path / "made/results"
    made.mkdir(parents=True)
    for name in outputs:
        (made / name).write_text("<p>the page of the run</p>")
    text = SNAKEFILE.format(
        captions=CAPTIONS, experiment=json.dumps(experiment).replace("\\", "\\\\"), outputs=outputs, shows=shows
    )
    (tmp_path / "Snakefile").write_text(text)
    for more in (["--quiet"], ["--report", "report.html"]):
        done = subprocess.run(
            [sys.executable, "-m", "snakemake", "--cores", "1", *more], cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
    report = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "index.html" in report
    assert "The whole run on one page" in report
    assert "`x`_ |y| *z* [1]_ &lt;b&gt;" in report
    assert f"attention_vs_error: {catalogue.caption('gradient_vs_error')}" in report
