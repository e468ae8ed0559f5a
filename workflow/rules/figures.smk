"""Figures: nothing that computes, judges or decides draws, and nothing of it reads a figure.

Requires: verdicts and the artifacts of runs; artifacts of Phases 0 and 1. What a figure is drawn from are the arguments
of its kind's functions (`logg1m.figures.given`).
Produces: results/<mvp>/<figure>.png and, beside it, the same as .svg and its values as .csv, for every figure that an experiment's file
names: one rule per experiment for those of its runs (`figures_mvp_1_2`), one per figure for those of Phases 0 and 1's
own artifacts (`figure_ridge_alpha`). And results/mvp_1_1/fisher.json, a copy of the numbers of MVP-1.1 that is there
once its figures are.
"""

for key, experiment in EXPERIMENTS.items():
    for rule_name, shown in figure_sets(key).items():

        rule:
            name:
                rule_name
            input:
                **figure_inputs(key, shown),
            output:
                figures=update(
                    [
                        report(
                            f"results/{key}/{name}.png",
                            caption="../report/figure.rst",
                            category=f"Phase {experiment.phase}",
                            subcategory=f"MVP-{experiment.id} {experiment.title}",
                            labels={"figure": name},
                        )
                        for name in shown
                    ]
                ),
                drawings=update([f"results/{key}/{name}.svg" for name in shown]),
                tables=update([f"results/{key}/{name}.csv" for name in shown]),
            log:
                f"logs/{key}/{rule_name}.log",
            conda:
                "../../envs/logg1m.yaml"
            resources:
                mem_mb=grows(2000 + CONFIG.protocol.scales[-1] // 250),
                runtime=grows(30),
            params:
                **figure_params(key, shown),
                code=code(
                    "logg1m.experiments.judging.evidence",
                    "logg1m.figures.catalogue",
                    "logg1m.figures.given",
                    *kinds.modules_of(shown.values()),
                ),
            script:
                "../scripts/figures.py"


rule fisher:
    input:
        numbers=NUMBERS,
        # Every figure for which nothing has to be computed that the numbers do not need.
        figures=[
            path
            for key in ("mvp_0_a", "mvp_0_b", "mvp_1_1")
            for path in figure_files(key, without={"scaling", "sweep", "requirements", "errors", "tested", "forecast"})
        ],
    output:
        update("results/mvp_1_1/fisher.json"),
    log:
        "logs/mvp_1_1/fisher.log",
    localrule: True
    conda:
        "../../envs/logg1m.yaml"
    params:
        code=code("logg1m.files"),
    script:
        "../scripts/fisher.py"
