"""What to do next. Nothing gates it and no experiment reads it.

Requires: the store and the protocol, whose test stars the levers are computed on.
Produces: results/forecast/forecast.json: σ(log g) against exposure time, magnitude and conditions, of the population and of
named stars; the exposure time that a goal needs; and levers (priors, sky subtraction, flux calibration, line spread, windows).
Only a source that simulates has a forecast.
"""

FORECAST = "results/forecast/forecast.json"


rule forecast:
    input:
        manifest="results/data/manifest.json",
        members="results/mvp_0_a/members.parquet",
        population=CONFIG.forecast.population or [],
    output:
        update(FORECAST),
    log:
        "logs/forecast/forecast.log",
    benchmark:
        "logs/forecast/forecast.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(3000),
        runtime=grows(30),
    params:
        data=whole(CONFIG.data),
        forecast=whole(CONFIG.forecast),
        bayes=whole(CONFIG.bounds.bayes),
        max_condition=CONFIG.bounds.max_condition,
        bootstrap=whole(CONFIG.bootstrap),
        noise_level=CONFIG.protocol.noise_level,
        seed=CONFIG.seed,
        files=DATA_FILES,
        code=code(
            "logg1m.forecast.make",
            "logg1m.forecast.reweighted",
            "logg1m.bounds.compute",
            "logg1m.sources",
            "logg1m.sources.identity",
            "logg1m.spectra.store",
        ),
    script:
        "../scripts/forecast.py"
