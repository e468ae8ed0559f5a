"""Shards, arrays and tables of arrays: the same spectra say the same, in whatever file and in whatever chunks."""

import numpy as np
import pandas as pd
import pytest
from made_shard import miniature

from logg1m.cli import main
from logg1m.files import InputError
from logg1m.predict.planning import merge, plan
from logg1m.predict.reading import Options, open_spectra
from logg1m.predict.running import Asking, predict_blocks, predict_files

N = 40
NUMBERS = ["log_g", "log_gErr", "log_g_p2_5", "log_g_p50", "log_g_p97_5", "snr_m", "chi2_red"]


@pytest.fixture(scope="module")
def shard(tmp_path_factory):
    path = tmp_path_factory.mktemp("shard") / "dataset.h5"
    miniature(path, N, noisy=True)
    return path


@pytest.fixture(scope="module")
def arrays(shard):
    import h5py

    with h5py.File(shard) as file:
        found = {name: file[f"dataset/arrays/{name}/value"][()] for name in ("noisy", "error", "mask")}
        return {
            "wave": file["spectrumdataset/wave"][()],
            "flux": found["noisy"],
            "error": found["error"],
            "mask": found["mask"] != 0,
        }


@pytest.fixture(scope="module")
def table(predictor, shard):
    reader = open_spectra(shard)
    return predict_blocks(predictor, reader.blocks(), Asking(), N)[0]


def test_a_shard_has_its_own_velocities_and_noisy_spectra(table, predictor, shard):
    assert len(table) == N
    assert table["v_los"].eq(0).all()
    assert table["n_masked"].gt(0).any()
    reader = open_spectra(shard, Options(array="flux"))
    clean, _ = predict_blocks(predictor, reader.blocks(), Asking(), N)
    assert clean["chi2_red"].max() < 0.1 < table["chi2_red"].min()


@pytest.mark.parametrize("kind", ["npz", "parquet", "own_waves", "no_labels", "good_mask"])
def test_the_same_spectra_in_other_files(predictor, table, arrays, tmp_path, kind):
    import h5py

    path = tmp_path / {"npz": "a.npz", "parquet": "a.parquet"}.get(kind, "a.h5")
    if kind == "npz":
        np.savez(path, **arrays)
    elif kind == "parquet":
        pd.DataFrame(
            {name: list(np.broadcast_to(values, (N, values.shape[-1]))) for name, values in arrays.items()}
        ).to_parquet(path)
    else:
        with h5py.File(path, "w") as file:
            if kind == "own_waves":
                file["dataset/arrays/wave/value"] = np.tile(arrays["wave"], (N, 1))
            else:
                file["spectrumdataset/wave"] = arrays["wave"]
            for name in ("flux", "error"):
                file[f"dataset/arrays/{name}/value"] = arrays[name]
            mask = ~arrays["mask"] if kind == "good_mask" else 4 * arrays["mask"].astype(np.int64)
            file["dataset/arrays/mask/value"] = mask.astype(np.int64)
    reader = open_spectra(path)
    assert reader.n_spectra == N
    found, _ = predict_blocks(predictor, reader.blocks(), Asking(frame="rest"), N)
    tolerance = 2e-2 if kind in ("parquet", "own_waves") else 1e-4  # their pixels are rebinned, one by one
    np.testing.assert_allclose(found["log_g"], table["log_g"], atol=tolerance)
    np.testing.assert_allclose(found["snr_m"], table["snr_m"], rtol=1e-3)
    with pytest.raises(InputError, match="no radial velocity for row 0"):
        predict_blocks(predictor, reader.blocks(), Asking(), N)


def test_a_nonsense_mask_bit_or_file_is_one_error(shard, tmp_path):
    with pytest.raises(InputError, match="--mask-bits CR: there is no such bit"):
        open_spectra(shard, Options(("CR",)))
    (tmp_path / "a.txt").write_text("no spectra")
    with pytest.raises(InputError, match=r"no file of spectra that is known here.*it begins with b'no spectr"):
        open_spectra(tmp_path / "a.txt")
    np.savez(tmp_path / "a.npz", wave=np.arange(5))
    with pytest.raises(InputError, match="lacks flux, error; it holds wave"):
        open_spectra(tmp_path / "a.npz")
    with pytest.raises(InputError, match="cannot read"):
        open_spectra(tmp_path / "none.h5")


def test_chunks_merge_to_the_whole(predictor, shard, tmp_path):
    whole = tmp_path / "whole.parquet"
    predict_files([shard], predictor, whole, Asking())
    planned = plan([str(shard), str(shard)], 30, Options())
    assert planned["chunks"] == [[0, 30], [30, 60], [60, 80]]
    parts = []
    for number, (start, stop) in enumerate(planned["chunks"]):
        parts.append(tmp_path / f"chunk_{number}.parquet")
        predict_files([shard, shard], predictor, parts[-1], Asking(rows=(start, stop), threads=2))
    assert merge(parts, tmp_path / "merged.parquet") == 80
    merged, once = pd.read_parquet(tmp_path / "merged.parquet"), pd.read_parquet(whole)
    twice = pd.concat([once, once], ignore_index=True)
    np.testing.assert_allclose(merged[NUMBERS], twice[NUMBERS], atol=1e-4)
    assert merged["row"].tolist() == [*range(N), *range(N)]


def test_a_table_of_velocities_goes_by_objid_or_row(predictor, shard, tmp_path):
    rv = pd.DataFrame({"row": np.arange(N), "v_los": np.linspace(-200, 200, N)})
    rv.to_csv(tmp_path / "rv.csv", index=False)
    reader = open_spectra(shard)
    found, _ = predict_blocks(predictor, reader.blocks(), Asking(rv=tmp_path / "rv.csv"), N)
    np.testing.assert_allclose(found["v_los"], rv["v_los"], rtol=1e-6)
    assert found["log_gStatus"].astype(str).str.contains("OUTOFDOMAIN|COVERAGE|BADERROR").any()  # they were at rest
    rv.iloc[:-1].to_csv(tmp_path / "few.csv", index=False)
    with pytest.raises(InputError, match=f"no radial velocity for row {N - 1}"):
        predict_blocks(predictor, reader.blocks(), Asking(rv=tmp_path / "few.csv"), N)
    pd.DataFrame({"star": [1], "v_los": [0.0]}).to_csv(tmp_path / "bad.csv", index=False)
    with pytest.raises(InputError, match="expected v_los"):
        predict_blocks(predictor, reader.blocks(), Asking(rv=tmp_path / "bad.csv"), N)


def test_the_command(model_folder, shard, tmp_path, capsys):
    out = tmp_path / "out.parquet"
    said = ["predict", str(shard), "--model", str(model_folder), "--out", str(out)]
    assert main([*said, "--dry-run"]) == 0
    assert not out.exists()
    assert f"{N} spectra" in capsys.readouterr().out
    assert main(said) == 0
    written = out.read_bytes()
    assert main(said) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert main([*said[:-1], str(tmp_path / "out.csv")]) == 1
    assert out.read_bytes() == written
    assert main([*said, "--overwrite", "--v-los", "0", "--rows", "0:10"]) == 0
    assert len(pd.read_parquet(out)) == 10
    assert (
        main(["predict", str(tmp_path / "*.h5"), "--model", str(model_folder), "--out", str(out), "--overwrite"]) == 1
    )
    assert "no file matches" in capsys.readouterr().err
    assert len(pd.read_parquet(out)) == 10  # a failed call leaves the earlier output


def test_without_astropy_fits_says_what_to_install_and_the_rest_works(predictor, shard, tmp_path, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "astropy", None)
    (tmp_path / "a.fits").write_bytes(b"SIMPLE  =                    T" + b" " * 50)
    with pytest.raises(
        InputError, match=r"FITS is read by astropy, which is not installed: pip install 'logg1m\[fits\]'"
    ):
        open_spectra(tmp_path / "a.fits")
    with pytest.raises(InputError, match=r"\.ecsv is written by astropy"):
        predict_files([shard], predictor, tmp_path / "out.ecsv", Asking())
    assert predict_files([shard], predictor, tmp_path / "out.parquet", Asking()) == (N, 0)
