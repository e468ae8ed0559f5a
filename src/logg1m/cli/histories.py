"""`logg1m histories`: what trainings noted per epoch, for TensorBoard or MLflow. Neither is needed by a run."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

STEPS = ("epoch", "iteration")  # columns that number the rows of a history; without one they are counted
TOOLS = {"tensorboard": "tensorboard", "mlflow": "mlflow"}  # name of a tool → its package
DETAILS = """\
Reads history.csv of every run and denoiser below RUN/results: loss and scores per epoch, penalty or tree. Results are
only read. Needs the tool's package: pip install tensorboard, or pip install mlflow.

  logg1m histories runs/mine --to tensorboard --out events && tensorboard --logdir events
  logg1m histories runs/mine --to mlflow --out sqlite:///mlflow.db && mlflow ui --backend-store-uri sqlite:///mlflow.db"""


@dataclass(frozen=True)
class History:
    """One training: its name (mvp_1_2/flux/seed_0), its recipe, its numbers at the end, and (step, name, value) of every one."""

    name: str
    recipe: dict[str, Any]
    final: dict[str, float]
    scalars: list[tuple[int, str, float]]


def add(add: Any) -> None:
    """The command's place on the command line."""
    command = add("histories", run, "training curves for TensorBoard or MLflow", DETAILS)
    command.add_argument("folder", metavar="RUN", nargs="?", default=".", help="the run's folder (default: here)")
    command.add_argument("--to", choices=tuple(TOOLS), required=True, help="the tool that will show them")
    command.add_argument("--out", metavar="PLACE", required=True, help="a new folder; for MLflow a tracking URI")


def run(options: argparse.Namespace) -> int:
    count = export(Path(options.folder), options.to, options.out)
    print(f"{options.out}: {count:,} trainings")
    return 0


def export(run: Path, tool: str, out: str) -> int:
    """Write all histories of a run for a tool; returns how many.

    Raises
    ------
    InputError
        If there is none, one is damaged, the tool's package is missing, or events would mix with earlier ones.
    """
    from logg1m.files import InputError

    if find_spec(TOOLS[tool]) is None:
        raise InputError(f"--to {tool} needs its package: pip install {TOOLS[tool]}")
    found = list(histories(run / "results"))
    if not found:
        raise InputError(
            f"{run / 'results'} holds no history.csv of a training; name the folder of a run that has trained"
        )
    {"tensorboard": _to_tensorboard, "mlflow": _to_mlflow}[tool](found, out)
    return len(found)


def histories(results: Path) -> Iterator[History]:
    """Every history below a folder of results, in the order of names; an empty one is left out."""
    import numpy as np

    from logg1m.blame import understood
    from logg1m.files import read_csv, read_json
    from logg1m.results.run import METRICS

    for path in sorted(results.glob("*/*/seed_*/history.csv")):
        table = read_csv(path, ()).select_dtypes(include="number")
        if table.empty:
            continue
        numbered = next((name for name in STEPS if name in table), None)
        steps = table[numbered] if numbered else range(len(table))
        columns = [name for name in table if name != numbered]
        values = table[columns].to_numpy(dtype=np.float64)
        scalars = [
            (int(step), str(name), float(value))
            for step, row in zip(steps, values)
            for name, value in zip(columns, row)
            if np.isfinite(value)
        ]
        metrics = read_json(path.with_name(METRICS)) if path.with_name(METRICS).exists() else {}
        with understood(path.with_name(METRICS)):
            final = {
                f"{part}/{key}": one["value"] for part in ("low_noise", "full") for key, one in _measured(metrics, part)
            }
        name = path.parent.relative_to(results).as_posix()
        yield History(name, metrics.get("recipe", {}), final, scalars)


def _measured(metrics: dict[str, Any], part: str) -> list[tuple[str, dict[str, float]]]:
    """Metrics of one set of test spectra that are numbers with an interval."""
    from logg1m.metrics import is_measured

    return [(key, one) for key, one in metrics.get(part, {}).items() if is_measured(one)]


def _to_tensorboard(found: list[History], out: str) -> None:
    from torch.utils.tensorboard import SummaryWriter

    from logg1m.files import InputError

    folder = Path(out)
    if folder.exists() and any(folder.iterdir()):
        raise InputError(
            f"{folder} is not empty, and TensorBoard would draw old and new curves as one; name a new folder"
        )
    for history in found:
        with SummaryWriter(folder / history.name) as writer:  # type: ignore[no-untyped-call]
            for step, name, value in history.scalars:
                writer.add_scalar(name, value, step)  # type: ignore[no-untyped-call]
            for name, value in history.final.items():
                writer.add_scalar(f"test/{name}", value, 0)  # type: ignore[no-untyped-call]
            if history.recipe:
                writer.add_text("recipe", f"```json\n{json.dumps(history.recipe, indent=1)}\n```")  # type: ignore[no-untyped-call]


def _to_mlflow(found: list[History], out: str) -> None:
    """One experiment per MVP, one run per training; a training that is there with the same numbers is not written again."""
    import hashlib

    from mlflow.entities import Metric, Param, RunTag
    from mlflow.exceptions import MlflowException
    from mlflow.tracking import MlflowClient

    from logg1m.files import InputError

    try:
        client = MlflowClient(tracking_uri=out)
        client.search_experiments(max_results=1)
    except (MlflowException, ImportError) as error:
        raise InputError(f"--out {out}: MLflow cannot write there, try sqlite:///mlflow.db: {error}") from error
    for history in found:
        mvp, _, name = history.name.partition("/")
        experiment = client.get_experiment_by_name(mvp)
        number = experiment.experiment_id if experiment else client.create_experiment(mvp)
        mark = hashlib.sha256(json.dumps([history.recipe, history.scalars, history.final]).encode()).hexdigest()
        same = f"tags.logg1m_history = '{mark}' and attributes.run_name = '{name}'"
        if client.search_runs([number], filter_string=same, max_results=1):
            continue
        run = client.create_run(number, run_name=name, tags={"logg1m_history": mark})
        metrics = [Metric(key, value, 0, step) for step, key, value in history.scalars]
        metrics += [Metric(f"test/{key}", value, 0, 0) for key, value in history.final.items()]
        params = [Param(key, json.dumps(value)) for key, value in history.recipe.items()]
        for low in range(0, len(metrics), 1000):  # the most that one call takes
            client.log_batch(run.info.run_id, metrics=metrics[low : low + 1000])
        client.log_batch(run.info.run_id, params=params[:100], tags=[RunTag("logg1m_training", history.name)])
        client.set_terminated(run.info.run_id)
