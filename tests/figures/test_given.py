"""What figures are drawn from, read by name."""

import pandas as pd
import pytest

from logg1m.config.data import Observation
from logg1m.figures import given
from logg1m.files import InputError, write_json, write_parquet


@pytest.fixture
def files(tmp_path) -> dict:
    tables = {
        "snr": pd.DataFrame({"id": [0, 1], "snr": [1.0, 7.0]}),
        "members": pd.DataFrame({"id": [0, 1], "pool": "test", "rank": [0, 1], "low_noise": [False, True]}),
        "stars": pd.DataFrame({"id": [0, 1], "exact_sigma_5d": [0.5, 0.1]}),
        "ridge": pd.DataFrame({"model": "ridge", "scale": [10, 20], "id": 0, "truth": 1.0, "predicted": [2.0, 3.0]}),
        "trees": pd.DataFrame({"model": ["lightgbm"], "scale": 10, "id": 0, "truth": 1.0, "predicted": 1.5}),
    }
    for name, table in tables.items():
        write_parquet(tmp_path / f"{name}.parquet", table)
    write_json(tmp_path / "protocol.json", {"n_spectra": 2})
    found = {name: str(tmp_path / f"{name}.parquet") for name in ("snr", "members", "stars")}
    return found | {
        "predictions": [str(tmp_path / f"{name}.parquet") for name in ("ridge", "trees")],
        "protocol": str(tmp_path / "protocol.json"),
    }


def test_everything_is_read_by_its_name(files):
    names = ["snr", "members", "stars", "protocol", "predictions", "observation"]
    found = given.read(names, files, {"observation": Observation(seeing=0.9).model_dump(mode="json")})
    assert list(found) == names
    assert found["protocol"] == {"n_spectra": 2}
    assert found["members"].loc[1, "snr"] == 7.0
    assert found["observation"].seeing == 0.9


def test_stars_are_those_with_low_noise(files):
    assert given.read(["stars"], files, {})["stars"]["id"].tolist() == [1]


def test_predictions_are_those_of_the_largest_scale_of_each_model(files):
    found = given.read(["predictions"], files, {})["predictions"]
    assert {name: table["predicted"].tolist() for name, table in found.items()} == {"ridge": [3.0], "lightgbm": [1.5]}


def test_the_best_model_comes_first_and_classical_ones_beside_it(files, tmp_path):
    run = tmp_path / "mvp_1_2/flux/seed_0/predictions.parquet"
    write_parquet(run, pd.DataFrame({"id": [0], "truth": 1.0, "predicted": 1.25}))
    write_json(tmp_path / "models.json", {"choice": {"model": "mvp_1_2/flux"}})
    tested = [str(tmp_path / "models.json"), *files["predictions"], str(run)]
    found = given.read(["tested"], {"tested": tested}, {})["tested"]
    assert {name: table["predicted"].tolist() for name, table in found.items()} == {
        "mvp_1_2/flux": [1.25],
        "lightgbm": [1.5],
    }


def test_a_file_that_is_gone_is_named(files):
    with pytest.raises(InputError, match=r"gone\.json does not exist"):
        given.read(["protocol"], files | {"protocol": files["protocol"].replace("protocol.json", "gone.json")}, {})
