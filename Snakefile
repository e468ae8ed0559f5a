"""logg1m: how well log g can be inferred from Subaru PFS spectra. See README.md."""

import shlex
import sys
from dataclasses import asdict
from pathlib import Path

from snakemake.utils import min_version, update_config

# The package of this checkout serves the Snakefile and every job, installed or not.
sys.path.insert(0, str(Path(str(workflow.current_basedir)) / "src"))

from logg1m.config import check_overlay, load_yaml, validate
from logg1m.config.base import part, whole
from logg1m.config.places import WORKFLOW, place
from logg1m.config.protocol import scale_name
from logg1m.files import InputError
from logg1m.jobs import calls, replaced
from logg1m.jobs.frame import prepare_jobs
from logg1m.jobs.provenance import code_fingerprint as code, with_script
from logg1m.report.ending import ending
from logg1m.results.origin import Origin
from logg1m.sources.paths import expand as files_of

min_version("9.17")  # the first whose `priority` may be a function
if shlex.quote(sys.executable) != sys.executable:
    raise WorkflowError(
        f"the path of Python, {sys.executable!r}, holds a space or another character that a shell reads, and Snakemake "
        "cannot start jobs by it (snakemake/snakemake#2645): make the environment in another folder, "
        "e.g. python3 -m venv ~/logg1m-env"
    )
prepare_jobs()


# In place of `configfile:`, which evaluates Python in a file that asks for it. Overlays come on top of the file.
# A run's folder (`--directory`) that has no configuration of its own takes the workflow's.
try:
    configuration = place("config.yaml")
    if not workflow.config_settings.replace_workflow_config:
        update_config(config, load_yaml(configuration))
        update_config(config, workflow.config_settings.overwrite_config)
    for overlay in workflow.overwrite_configfiles:
        check_overlay(overlay)
    CONFIG = validate(config, f"{configuration} with its overlays")
    SCALES = [scale_name(size) for size in CONFIG.protocol.scales]
    ORIGIN = Origin(CONFIG.seed, tuple(SCALES), CONFIG.data.source)
    SPECTRA = [str(path) for path in files_of(CONFIG.predict.spectra, "predict.spectra")]
    about_to = replaced.replaced(CONFIG.model_dump(mode="json"))
    if about_to and workflow.is_main_process:
        print(about_to, file=sys.stderr)
except InputError as error:
    raise WorkflowError(str(error))


wildcard_constraints:
    scale="|".join(SCALES),


include: "workflow/rules/resources.smk"
include: "workflow/rules/origin.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/protocol.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/fisher.smk"
include: "workflow/rules/forecast.smk"
include: "workflow/rules/gates.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/figure_inputs.smk"
include: "workflow/rules/denoisers.smk"
include: "workflow/rules/experiments.smk"
include: "workflow/rules/figures.smk"
include: "workflow/rules/decisions.smk"
include: "workflow/rules/confirmation.smk"
include: "workflow/rules/model.smk"
include: "workflow/rules/predict.smk"
include: "workflow/rules/artifacts.smk"
include: "workflow/rules/report.smk"


# A job that failed runs again, also if it left an earlier result where it was: how often it has failed is a parameter
# of every rule. `logg1m.jobs.calls` says why and how. And a rule's code is its script's too.
failures = calls.counted(main=workflow.is_main_process)
for each in workflow.rules:
    if each.script:
        source = WORKFLOW / "workflow/scripts" / Path(each.script).name
        at = list(each.params).index(each.params.code)
        each.params[at] = each.params.code = with_script(each.params.code, source)
        each.set_params(**{calls.PARAM: failures(each.name)})


onstart:
    replaced.note(CONFIG.model_dump(mode="json"))
    calls.begin()


onsuccess:
    said = ending()
    if said:
        print(said, file=sys.stderr)


onerror:
    calls.note_failed(workflow.scheduler.failed)


rule all:
    default_target: True
    input:
        foundations(),
        extras(),
        "results/mvp_0_b/networks.json",
        later_verdicts,
        "results/report/index.html",
        "results/report/roadmap.md",
