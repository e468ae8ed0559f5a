"""Numbers on the command line: what means nothing is wrong usage, in one line."""

import pytest

from logg1m.cli import main, parser

FETCH = "fetch-bosz URL DIR --teff 4000 --logg 1 --m-h 0 --a-m 0 --c-m 0"


@pytest.mark.parametrize(
    ("said", "option"),
    [
        *((f"predict a.npz --model m --out o.fits --threads {n}", "--threads") for n in ("-5", "0", "1.5", "many", "10**9")),
        *((f"predict a.npz --model m --out o.fits --v-los {v}", "--v-los") for v in ("nan", "inf", "4e5", "fast")),
        *((f"import a.h5 --store s --threads {n}", "--threads") for n in ("-5", "0", "99999999999999")),
        *((f"import a.h5 --store s --n-spectra {n}", "--n-spectra") for n in ("-5", "0", "x")),
        *((f"import a.h5 --store s --pixels {n}", "--pixels") for n in ("-5", "0", "4e3")),
        *((f"{FETCH} --turbulence {n}", "--turbulence") for n in ("-1", "5", "2.0")),
        *((FETCH.replace("4000", n), "--teff") for n in ("nan", "inf", "hot")),
        *((f"status --watch {n}", "--watch") for n in ("0", "-1", "nan", "1e300")),
    ],
)  # fmt: skip
def test_a_number_that_means_nothing_is_wrong_usage(said, option, capsys):
    with pytest.raises(SystemExit) as ended:
        main(said.split())
    assert ended.value.code == 2
    last = capsys.readouterr().err.strip().splitlines()[-1]
    assert f"argument {option}: " in last
    assert "expected a" in last


def test_a_negative_metallicity_is_a_number():
    found = parser().parse_args(FETCH.replace("--m-h 0", "--m-h -1 -0.25").split())
    assert found.m_h == [-1.0, -0.25]
