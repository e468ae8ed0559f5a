"""The model that the answer names, and what was accepted on stars that chose nothing.

Requires: runs, verdicts and recipes of every phase that the decisions allow; the classical models of MVP-0.B.
Produces: results/confirmation/winner.json, the best honest model of all phases, chosen on low-noise validation stars; and
confirmation.json: every accepted variant and its reference, paired, and the winner, asked once more by their saved models
on fresh simulated stars (of a source that cannot simulate, on the part of the test pool that is in no test), with how many
configurations have been looked at there. Nothing is decided from either. Which configurations have looked is remembered in
results/.history/, which is no output.
"""

CONFIRMATION = ["results/confirmation/winner.json", "results/confirmation/confirmation.json"]


rule winner:
    input:
        selection=honest_everywhere("selection.parquet"),
        metrics=honest_everywhere(METRICS),
        classical=[path.replace(".parquet", "_selection.parquet") for path in EVERY_CLASSICAL],
        models="results/mvp_1_1/models.json",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
    output:
        update("results/confirmation/winner.json"),
    log:
        "logs/confirmation/winner.log",
    conda:
        "../../envs/logg1m.yaml"
    resources:
        mem_mb=grows(2000),
        runtime=grows(20),
    params:
        recipe=whole(CONFIG.experiments.recipe),
        bootstrap=whole(CONFIG.bootstrap),
        seed=CONFIG.seed,
        code=code(
            "logg1m.bounds.choice",
            "logg1m.bounds.comparison",
            "logg1m.protocol.members",
            "logg1m.results.run",
        ),
    script:
        "../scripts/winner.py"


rule confirmation:
    input:
        manifest="results/data/manifest.json",
        protocol="results/mvp_0_a/protocol.json",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        pixels="results/mvp_0_a/pixels.parquet",
        sensitivity="results/mvp_1_1/sensitivity.parquet",
        winner="results/confirmation/winner.json",
        verdicts=verdicts_to_confirm,
        metrics=everywhere(METRICS),
        models=everywhere(MODEL),
        predictions=everywhere(PREDICTIONS),
        denoisers=denoisers_to_confirm,
        classical=EVERY_CLASSICAL,
        classical_models=[path.replace(".parquet", ".safetensors") for path in EVERY_CLASSICAL],
    output:
        update("results/confirmation/confirmation.json"),
    log:
        "logs/confirmation/confirmation.log",
    benchmark:
        "logs/confirmation/confirmation.tsv"
    conda:
        "../../envs/logg1m.yaml"
    threads: CONFIG.compute.threads
    resources:
        mem_mb=grows(6000 + CONFIG.experiments.confirmation_size * PIXELS * 16 / 1e6),
        runtime=grows(120),
    params:
        data=whole(CONFIG.data),
        files=DATA_FILES,
        experiments={key: whole(EXPERIMENTS[key], but=("figures",)) for key in JUDGED},
        runs={key: {name: catalogue.runs_in(EXPERIMENTS, key, name) for name in variants_of(key)} for key in JUDGED},
        training={model: training_of(model) for model in sorted(KINDS)},
        projection=projection_settings(),
        size=CONFIG.experiments.confirmation_size,
        seeds={key: seeds_in(key) for key in JUDGED} | {"winner": CONFIG.experiments.seeds},
        seed_scatter=CONFIG.experiments.seed_scatter,
        protocol=part(CONFIG.protocol, *SPLITS),
        bootstrap=whole(CONFIG.bootstrap),
        seed=CONFIG.seed,
        code=code(
            "logg1m.bounds.comparison",
            "logg1m.experiments.confirmation",
            "logg1m.experiments.looks",
            "logg1m.experiments.scales",
            "logg1m.nn.denoisers",
            "logg1m.protocol.members",
            "logg1m.sources",
        ),
    script:
        "../scripts/confirmation.py"
