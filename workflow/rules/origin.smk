"""Where the spectra come from, and whose results lie here already. Requires the configuration; no rules."""

from logg1m.files import InputError
from logg1m.sources.identity import stamp

# The users' own files: one that is replaced or added makes the spectra anew, and with them all that builds the source.
DATA_FILES = stamp(CONFIG.data)


def files_behind(wildcards):
    """DATA_FILES, once it is clear that results which lie here already are this configuration's or will be remade."""
    if workflow.is_main_process and not workflow.dag_settings.forceall:
        triggers = {trigger.name for trigger in workflow.rerun_triggers}
        try:
            ORIGIN.require_recorded(Path("results"), Path(".snakemake/metadata"), "PARAMS" in triggers)
        except InputError as error:
            raise WorkflowError(str(error))
    return DATA_FILES
