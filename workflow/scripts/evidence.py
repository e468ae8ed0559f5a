"""Evidence of a decision: the rule's verdict from measured numbers, and any override beside it."""

from logg1m.blame import understood
from logg1m.config.decisions import Decisions
from logg1m.decisions import gates
from logg1m.files import read_json, write_json
from logg1m.jobs.frame import job

with job(snakemake):
    name, paused = snakemake.wildcards.d, snakemake.params.paused
    settings = Decisions.of(snakemake.params.decisions)
    if paused:
        found = gates.at_rest(name, paused, settings)
    else:
        with understood(snakemake.input[0]):
            beside = [read_json(path) for path in snakemake.input[1:]]  # of D1 the forecast, where there is one
            found = gates.RULES[name](read_json(snakemake.input[0]), settings, *beside)
    write_json(snakemake.output[0], found)
