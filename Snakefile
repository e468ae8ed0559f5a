"""logg1m: how well log g can be inferred from Subaru PFS spectra. See README.md."""

from snakemake.utils import min_version

from logg1m.config import validate
from logg1m.config.protocol import scale_name
from logg1m.files import InputError
from logg1m.provenance import code_fingerprint as code

min_version("9.0")


configfile: "config/config.yaml"


try:
    CONFIG = validate(config, "config/config.yaml with its overlays")
except InputError as error:
    raise WorkflowError(str(error))

SCALES = [scale_name(size) for size in CONFIG.protocol.scales]


wildcard_constraints:
    scale="|".join(SCALES),


include: "workflow/rules/data.smk"
include: "workflow/rules/protocol.smk"
include: "workflow/rules/baselines.smk"
include: "workflow/rules/fisher.smk"


rule all:
    default_target: True
    input:
        "results/mvp_0_b/scaling.json",
        "results/mvp_1_1/fisher.json",
