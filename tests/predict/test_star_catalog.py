"""The survey's catalogue of stars: its columns, empty where nothing was inferred, read by strict FITS."""

import numpy as np
import pandas as pd
import pytest
from made_shard import miniature

from logg1m.cli import main
from logg1m.files import InputError
from logg1m.predict.flags import BITS
from logg1m.predict.star_catalog import HDU, PARAMETERS, star_catalog

fits = pytest.importorskip("astropy.io.fits")


def predictions(bits: list[int], **more: list[float]) -> pd.DataFrame:
    """Rows with these flags."""
    n = len(bits)
    given = {"catId": [1] * n, "objId": range(n), "input": ["a.h5"] * n, "row": range(n), "log_g": [2.0] * n}
    told = {
        "flag": [False] * n,
        "logg1m_flag": np.array(bits, dtype=np.int32),
        "model_id": ["m"] * n,
        "version": ["0"] * n,
    }
    return pd.DataFrame(given | {"log_gErr": [0.3] * n, "v_los": [12.0] * n} | more | told)


def test_what_is_inferred_has_its_words_and_the_rest_is_empty():
    edge, bad = 1 << BITS["PARAMEDGE"], 1 << BITS["BADERROR"]
    found = star_catalog(predictions([0, edge, edge | bad], T_eff=[4800.0, 5000.0, 5200.0]))
    assert list(found["log_gStatus"]) == ["", "PARAMEDGE", "PARAMEDGE BADERROR"]
    assert list(found["T_effStatus"]) == ["", "", "BADERROR"]
    assert (found["T_eff"] > 0).all()
    assert found[["T_effErr", "v_losErr", "EBV", "EBVErr", "M_H", "C"]].isna().all(axis=None)
    assert (found[["EBVStatus", "v_losStatus", "M_HStatus"]] == "").all(axis=None)
    assert (found["v_los"] == 12).all()


def test_a_star_at_rest_has_no_velocity():
    assert star_catalog(predictions([0]), at_rest=True)["v_los"].isna().all()


def test_predictions_without_log_g_are_refused():
    with pytest.raises(InputError, match="log_gErr is not among the predictions"):
        star_catalog(predictions([0]).drop(columns="log_gErr"))


def test_the_command_writes_what_strict_fits_reads(model_folder, tmp_path, capsys):
    miniature(tmp_path / "dataset.h5", 20, noisy=True)
    out, plain = tmp_path / "pfsStarCatalog.fits", tmp_path / "plain.fits"
    said = [
        "predict",
        str(tmp_path / "dataset.h5"),
        "--model",
        str(model_folder),
        "--layout",
        "pfsStarCatalog",
        "--out",
    ]
    assert main([*said, str(tmp_path / "out.parquet")]) == 1
    assert "pfsStarCatalog is a FITS file; name one that ends in .fits" in capsys.readouterr().err
    for more, what in ((["--bound"], "--bound"), (["--estimator", "both"], "--estimator both")):
        assert main([*said, str(out), *more]) == 1
        assert f"{what} asks for more than it holds" in capsys.readouterr().err
    assert not out.exists()
    assert main([*said, str(out)]) == 0
    assert main(["predict", str(tmp_path / "dataset.h5"), "--model", str(model_folder), "--out", str(plain)]) == 0
    with fits.open(out) as file, fits.open(plain) as other:
        file.verify("exception")
        rows, ours = file[HDU].data, other["PREDICTIONS"].data
        assert {f"{name}{end}" for name in PARAMETERS for end in ("", "Err", "Status")} <= set(rows.names)
        assert file[HDU].columns["log_g"].unit == "dex"
        place = rows.names.index("v_los") + 1
        assert file[HDU].header[f"TCOMM{place}"] == "radial velocity that was removed, given and not measured"
        np.testing.assert_array_equal(rows["log_g"], ours["log_g"])
        np.testing.assert_array_equal(rows["log_gErr"], ours["log_gErr"])
        assert list(rows["log_gStatus"]) == list(ours["log_gStatus"])
        assert list(rows["flag"]) == list(ours["flag"])
