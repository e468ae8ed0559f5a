"""A trained model asked about the same stars under other conditions than it was trained for.

    python benchmarks/other_conditions.py results/model [--n STARS] [OVERLAY …]

Stars are simulated with ids of their own; the low-noise fifth has the highest signal-to-noise under ideal conditions.
"""

import argparse
from pathlib import Path

import pandas as pd
import yaml
from sklearn.metrics import r2_score

from logg1m import ids
from logg1m.config.data import Data
from logg1m.predict.model import load
from logg1m.predict.predicting import Predictor
from logg1m.predict.stars import identity_of, simulated
from logg1m.sources.embedded import EmbeddedSource

CONDITIONS = Path(__file__).parents[1] / "config/conditions"
SEED = 20251222


def asked(predictor: Predictor, overlay: Path, n: int) -> pd.DataFrame:
    """Of n stars: truth and estimate (dex), median signal-to-noise per pixel, and whether the model flags its answer."""
    source = EmbeddedSource(Data.model_validate(yaml.safe_load(overlay.read_text())["data"]), SEED)
    tables = []
    for known in simulated(source, predictor.model.wave, ids.first(n, ids.CONFIRMATION), SEED, 1.0):
        table = predictor.rows(known.ready, identity_of("", known.ids))
        tables.append(table.assign(truth=known.labels["logg"], snr=known.ready.snr))
    return pd.concat(tables, ignore_index=True)[["truth", "log_g", "snr", "flag"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a model trained under ideal conditions")
    parser.add_argument(
        "overlays", type=Path, nargs="*", default=[CONDITIONS / "reference.yaml", CONDITIONS / "survey.yaml"]
    )
    parser.add_argument("--n", type=int, default=8_192, help="stars")
    args = parser.parse_args()
    predictor = Predictor(load(args.model))
    print(f"{'conditions':12} {'R² low-noise':>12} {'MAE, dex':>9} {'bias, dex':>9} {'R² full':>8} {'flagged':>8}")
    low_noise = None
    for overlay in (CONDITIONS / "ideal.yaml", *args.overlays):
        found = asked(predictor, overlay, args.n)
        low_noise = found["snr"] >= found["snr"].quantile(0.8) if low_noise is None else low_noise
        error, low = found["log_g"] - found["truth"], found[low_noise]
        r2, full = r2_score(low["truth"], low["log_g"]), r2_score(found["truth"], found["log_g"])
        mae, bias = error[low_noise].abs().mean(), error[low_noise].mean()
        print(f"{overlay.stem:12} {r2:12.3f} {mae:9.3f} {bias:+9.3f} {full:8.3f} {low['flag'].mean():8.1%}")


if __name__ == "__main__":
    main()
