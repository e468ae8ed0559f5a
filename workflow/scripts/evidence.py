"""Evidence of a decision: the rule's verdict from measured numbers, and any override beside it."""

from logg1m.config.experiments import Decisions
from logg1m.decisions import gates
from logg1m.files import read_json, understood, write_json
from logg1m.jobs.frame import job

with job(snakemake):
    rule = gates.RULES[snakemake.wildcards.d]
    settings = Decisions.of(snakemake.params.decisions)
    with understood(snakemake.input[0]):
        found = rule(read_json(snakemake.input[0]), settings)
    write_json(snakemake.output[0], found)
