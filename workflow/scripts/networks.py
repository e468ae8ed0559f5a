"""The networks of MVP-0.B: present state (the whole spectrum) and the windows of the line list alone."""

from logg1m.blame import understood
from logg1m.files import read_json, write_json
from logg1m.jobs.frame import job

with job(snakemake):
    rows = []
    for (name, label, runs), path in zip(snakemake.params.rows, snakemake.input):
        found = read_json(path, ("low_noise", "full", "recipe"))
        with understood(path):
            model = found["recipe"]["model"]
        kept = {key: found.get(key) for key in ("n_fit", "n_test", "low_noise", "full", "snr_bins", "efficiency")}
        rows.append({"name": name, "label": label, "runs": runs, "model": model, **kept})
    write_json(snakemake.output[0], {"rows": rows})
