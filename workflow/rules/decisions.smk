"""Decision points. Evidence is collected first; the outcome alone is what anything else depends on, so new evidence
for the same outcome reruns nothing.

Requires: results/mvp_1_1/models.json, the forecast (whose levers D1 ranks) and the verdicts of Phase 1 (and of Phase 2 for the recipe of Phase 3).
Produces: results/decisions/{d1,d2,d3}.evidence.json → {d1,d2,d3}.json; d4.proposal.json → d4.json and the recipes
recipe_phase2.json and recipe_phase3.json, which say in full what a phase trains. What takes less than a second runs
where Snakemake does (`localrule`), also if everything else goes to a cluster.
"""


wildcard_constraints:
    d="|".join(EVIDENCE),


rule evidence:
    input:
        lambda wildcards: [] if at_rest(wildcards.d) else evidence_for(wildcards.d),
    output:
        update("results/decisions/{d}.evidence.json"),
    log:
        "logs/decisions/{d}.evidence.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    params:
        decisions=settings_of,
        paused=lambda wildcards: at_rest(wildcards.d) or "",
        code=code("logg1m.decisions.gates"),
    script:
        "../scripts/evidence.py"


checkpoint decide:
    input:
        "results/decisions/{d}.evidence.json",
    output:
        update("results/decisions/{d}.json"),
    log:
        "logs/decisions/{d}.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    params:
        code=code("logg1m.decisions.gates"),
    script:
        "../scripts/decide.py"


checkpoint propose:
    input:
        d3="results/decisions/d3.json",
        verdicts=phase_verdicts(1),
    output:
        update("results/decisions/d4.proposal.json"),
    log:
        "logs/decisions/d4.proposal.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    params:
        recipe=whole(CONFIG.experiments.recipe),
        members=CONFIG.decisions.d4_members,
        code=code("logg1m.decisions.recipes"),
    script:
        "../scripts/propose.py"


# A run without an experiment: what it trains is D4's proposal.
use rule run_variant as run_combination with:
    output:
        update(multiext("results/combination/recipe/seed_{seed}/", *RUN_FILES)),
    log:
        "logs/combination/seed_{seed}.log",
    benchmark:
        "logs/combination/seed_{seed}.tsv"
    priority: 0


checkpoint settle_recipe:
    input:
        proposal="results/decisions/d4.proposal.json",
        d3="results/decisions/d3.json",
        members="results/mvp_0_a/members.parquet",
        snr="results/mvp_0_a/snr.parquet",
        trial=trial_runs,
    output:
        d4=update("results/decisions/d4.json"),
        evidence=update("results/decisions/d4.evidence.json"),
        recipe=update(f"results/{RECIPES[2]}"),
    log:
        "logs/decisions/d4.log",
    conda:
        "../../envs/logg1m.yaml"
    resources:
        mem_mb=grows(1000),
        runtime=grows(10),
    params:
        recipe=whole(CONFIG.experiments.recipe),
        bootstrap=whole(CONFIG.bootstrap),
        seed_scatter=CONFIG.experiments.seed_scatter["mae"],
        seed=CONFIG.seed,
        code=code(
            "logg1m.decisions.recipes",
            "logg1m.protocol.members",
            "logg1m.protocol.truths",
        ),
    script:
        "../scripts/settle_recipe.py"


checkpoint recipe_phase3:
    input:
        recipe=f"results/{RECIPES[2]}",
        verdicts=phase_verdicts(2),
    output:
        update(f"results/{RECIPES[3]}"),
    log:
        "logs/decisions/recipe_phase3.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    params:
        code=code("logg1m.decisions.recipes"),
    script:
        "../scripts/recipe_phase3.py"
