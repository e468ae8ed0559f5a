import pytest

from logg1m.figures import catalogue, sigma_map
from logg1m.figures.interactive import Shown
from logg1m.files import InputError


def test_each_cell_holds_its_median(draw, fisher, stars):
    values = draw("sigma_map", fisher=fisher, stars=stars)
    assert len(values) == 12 * 10
    assert values["n"].sum() >= len(stars) - 1  # stars on an edge between cells count in both
    for _, cell in values.iloc[::17].iterrows():
        inside = stars["teff"].between(cell["teff_low"], cell["teff_high"]) & stars["logg"].between(
            cell["logg_low"], cell["logg_high"]
        )
        expected = stars.loc[inside, "exact_sigma_5d"].dropna()
        assert cell["n"] == len(expected)
        assert cell["sigma"] == pytest.approx(expected.median(), rel=1e-6)


def test_cells_with_few_stars_stay_open(draw, fisher, stars):
    values = draw("sigma_map", fisher=fisher, stars=stars.head(240))
    assert values["sigma"].isna().equals(values["n"] < 3)
    assert values["n"].max() >= 3


def test_a_map_of_hardly_any_star_is_empty_and_no_error(draw, fisher, stars):
    assert draw("sigma_map", fisher=fisher, stars=stars.head(10))["sigma"].isna().all()


def test_a_figure_of_the_same_values_is_the_same_file(tmp_path, fisher, stars):
    for name in ("a.png", "b.png"):
        catalogue.draw("sigma_map", {"fisher": fisher, "stars": stars}, tmp_path / name)
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


@pytest.mark.parametrize("content", ["a\n1\n", ""])
def test_a_table_that_is_not_what_it_should_be_is_refused_by_name(csv, content):
    csv.write_text(content)
    with pytest.raises(InputError, match=r"values\.csv"):
        sigma_map.plot(Shown(str(csv), None, {}.get), "key")


def test_a_label_that_does_not_vary_has_cells_all_the_same(draw, fisher, stars):
    values = draw("sigma_map", fisher=fisher, stars=stars.assign(teff=4500.0))
    assert values.groupby("logg_low")["teff_low"].nunique().eq(12).all()
    assert values["n"].sum() > 0
