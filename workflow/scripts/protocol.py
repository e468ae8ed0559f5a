"""Thresholds, pools and scales."""

import json

from logg1m.config.protocol import Protocol
from logg1m.files import read_parquet, write_json, write_parquet
from logg1m.jobs.frame import job
from logg1m.protocol.pools import define, reproduces

with job(snakemake):
    snr = read_parquet(snakemake.input.snr, ("id", "snr"))
    protocol, members = define(
        snr, snakemake.params.seed, Protocol.of(snakemake.params.protocol), snakemake.params.source
    )
    written = json.loads(json.dumps(protocol))
    protocol["reproduced_from_this_file"] = reproduces(written, snr, members)
    write_parquet(snakemake.output.members, members)
    write_json(snakemake.output.protocol, protocol)
