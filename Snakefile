"""logg1m: how well log g can be inferred from Subaru PFS spectra. See README.md."""

import sys
from dataclasses import asdict
from pathlib import Path

from snakemake.utils import min_version, update_config

# The package of this checkout serves the Snakefile and every job, installed or not.
sys.path.insert(0, str(Path(workflow.basedir) / "src"))

from logg1m.jobs import calls
from logg1m.config import load_yaml, refuse_code, validate
from logg1m.config.protocol import scale_name
from logg1m.files import InputError
from logg1m.jobs.frame import prepare_jobs
from logg1m.jobs.provenance import code_fingerprint as code
from logg1m.results.origin import Origin

min_version("9.0")
prepare_jobs()


# In place of `configfile:`, which evaluates Python in a file that asks for it. Overlays come on top of the file.
try:
    if not workflow.config_settings.replace_workflow_config:
        update_config(config, load_yaml("config/config.yaml"))
        update_config(config, workflow.config_settings.overwrite_config)
    for overlay in workflow.overwrite_configfiles:
        refuse_code(overlay)
    CONFIG = validate(config, "config/config.yaml with its overlays")
    SCALES = [scale_name(size) for size in CONFIG.protocol.scales]
    ORIGIN = Origin(CONFIG.seed, tuple(SCALES), CONFIG.data.source)
except InputError as error:
    raise WorkflowError(str(error))


wildcard_constraints:
    scale="|".join(SCALES),


include: "workflow/rules/resources.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/protocol.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/fisher.smk"
include: "workflow/rules/gates.smk"
include: "workflow/rules/inputs.smk"
include: "workflow/rules/denoisers.smk"
include: "workflow/rules/experiments.smk"
include: "workflow/rules/decisions.smk"
include: "workflow/rules/artifacts.smk"
include: "workflow/rules/report.smk"


# A job that failed runs again, also if it left an earlier result where it was: how often it has failed is a parameter
# of every rule. `logg1m.jobs.calls` says why and how.
failures = calls.counted(main=workflow.is_main_process)
for each in workflow.rules:
    if each.script:
        each.set_params(**{calls.PARAM: failures(each.name)})


onstart:
    calls.begin()


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
