"""The configuration: wrong keys and values are named, overlays merge, nothing but InputError ever comes out."""

import math
from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from logg1m.config import Config, load, load_yaml, validate
from logg1m.files import InputError


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_no_configuration_at_all_is_the_default_run():
    assert validate({}) == Config()


def test_an_unknown_key_is_refused_with_its_path_a_suggestion_and_the_known_keys():
    with pytest.raises(InputError) as caught:
        validate({"data": {"observation": {"seing": 0.8}}}, "config/config.yaml")
    message = str(caught.value)
    assert message.startswith("config/config.yaml is not a valid configuration:")
    assert "data.observation.seing: unknown key (did you mean 'seeing'?); known keys: " in message
    for known in ("zenith_angle", "field_angle", "exposure_time"):
        assert known in message


def test_an_unknown_key_like_no_other_and_one_at_the_top_get_the_known_keys():
    with pytest.raises(InputError, match="xyz: unknown key; known keys: seed, data, protocol"):
        validate({"xyz": 1})
    with pytest.raises(InputError, match=r"sed: unknown key \(did you mean 'seed'"):
        validate({"sed": 1})


def test_a_wrong_choice_is_refused_with_its_value_and_the_choices():
    with pytest.raises(InputError, match=r"data\.labels = 'edges': .*'continuous' or 'grid_edges'"):
        validate({"data": {"labels": "edges"}})
    with pytest.raises(InputError, match=r"compute\.dask_scheduler = 'processes': expected threads, local, or"):
        validate({"compute": {"dask_scheduler": "processes"}})


def test_every_fault_is_named_at_once():
    with pytest.raises(InputError) as caught:
        validate({"seed": -1, "data": {"n_spectra": 0, "sorce": "x"}, "compute": {"device": "tpu"}})
    for name in ("seed = -1", "data.n_spectra = 0", "data.sorce: unknown", "compute.device = 'tpu'"):
        assert name in str(caught.value)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"data": {"priors": {"teff": [5000, 4000]}}}, "teff: low must not exceed high, got .5000.0, 4000.0"),
        ({"data": {"observation": {"field_angle": [0, 0.7]}}}, "field_angle: expected 0 <= low <= high <= 0.65"),
        ({"data": {"observation": {"rv_km_s": [-600, 0]}}}, "rv_km_s: expected -550"),
        ({"data": {"observation": {"mag": [20]}}}, r"data.observation.mag.1: Field required"),
        ({"protocol": {"scales": [500, 500]}}, "scales: sizes must increase"),
        ({"data": {"n_spectra": 500}, "protocol": {"scales": [100, 501]}}, "501 exceeds data.n_spectra = 500"),
        ({"data": None}, "data = None"),
        ({"data": [1, 2]}, "data = "),
        ({1: 2}, "1"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(raw, message):
    with pytest.raises(InputError, match=message):
        validate(raw)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize(
    "path",
    [
        ("data", "observation", "exposure_time"),
        ("data", "observation", "seeing"),
        ("data", "observation", "extinction_av"),
        ("protocol", "noise_level"),
        ("bounds", "ratio_threshold"),
    ],
    ids=".".join,
)
def test_numbers_that_are_not_finite_are_refused(path, value):
    raw: object = value
    for key in reversed(path):
        raw = {key: raw}
    with pytest.raises(InputError, match=rf"{'.'.join(path)} = "):
        validate(raw)  # type: ignore[arg-type]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_ranges_and_lists_with_numbers_that_are_not_finite_are_refused(value):
    for raw in (
        {"data": {"priors": {"teff": [-value, 5000]}}},
        {"data": {"observation": {"mag": [20, value]}}},
        {"baselines": {"ridge": {"alphas": [1.0, value]}}},
    ):
        with pytest.raises(InputError):
            validate(raw)


def test_a_configuration_cannot_be_changed_after_loading():
    with pytest.raises(ValueError, match="frozen"):
        validate({}).data.n_spectra = 5  # type: ignore[misc]


def test_overlays_merge_mappings_and_replace_lists(tmp_path):
    base = written(
        tmp_path, "a.yaml", "seed: 1\ndata: {n_spectra: 500, labels: grid_edges}\nprotocol: {scales: [50, 500]}"
    )
    overlay = written(tmp_path, "b.yaml", "data: {n_spectra: 300}\nprotocol: {scales: [100]}")
    config = load(base, overlay)
    assert (config.seed, config.data.n_spectra, config.data.labels) == (1, 300, "grid_edges")
    assert config.protocol.scales == (100,)
    with pytest.raises(InputError, match=r"b\.yaml \+ .*a\.yaml is not a valid"):
        load(overlay, written(tmp_path, "a.yaml", "sead: 1"))


def test_an_overlay_replaces_a_mapping_by_a_value_and_a_value_by_a_mapping(tmp_path):
    mapping = written(tmp_path, "a.yaml", "data: {n_spectra: 500}\nprotocol: {scales: [50]}")
    with pytest.raises(InputError, match="data = 3"):
        load(mapping, written(tmp_path, "b.yaml", "data: 3"))
    assert load(written(tmp_path, "b.yaml", "data: 3"), mapping).data.n_spectra == 500


def test_an_empty_file_is_an_empty_mapping(tmp_path):
    assert load_yaml(written(tmp_path, "a.yaml", "# nothing\n")) == {}


@pytest.mark.parametrize(
    "text",
    ["- 1\n- 2", "42", "just words", "a: [1, 2", "a: !!python/object:os.system {}", "a: 2001-99-99", "a: 0x_",
     "a: " + "9" * 5000, "? [1]\n: 2", "[" * 5000],
    ids=lambda text: text[:12].replace("\n", " "),
)  # fmt: skip
def test_yaml_that_is_no_mapping_or_no_yaml_is_refused_by_file(tmp_path, text):
    with pytest.raises(InputError, match=r"wrong\.yaml"):
        load_yaml(written(tmp_path, "wrong.yaml", text))


def test_an_unreadable_file_is_refused_by_name(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\xfe")
    for path in (tmp_path / "latin.yaml", tmp_path / "none.yaml", tmp_path):
        with pytest.raises(InputError, match=f"cannot read {path}"):
            load_yaml(path)


KEYS = st.sampled_from(
    ["seed", "data", "protocol", "baselines", "bounds", "bootstrap", "compute", "n_spectra", "labels", "priors", "teff",
     "observation", "mag", "scales", "ridge", "alphas", "convergence", "device", "source", "seeing"]
) | st.text(max_size=5)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["cpu", "embedded"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)


@settings(max_examples=150)
@given(raw=st.dictionaries(KEYS, VALUES, max_size=4))
def test_any_mapping_is_a_configuration_or_an_input_error(raw):
    with suppress(InputError):
        config = validate(raw)
        assert validate(config.model_dump()) == config


@settings(max_examples=100)
@given(text=st.text(max_size=30) | st.dictionaries(KEYS, VALUES, max_size=3).map(yaml.safe_dump))
def test_any_text_is_a_configuration_or_an_input_error(tmp_path_factory, text):
    path = tmp_path_factory.getbasetemp() / "hypothesis.yaml"
    path.write_text(text, encoding="utf-8", errors="replace")
    with suppress(InputError):
        load(path)


def test_an_integer_too_long_to_print_is_refused():
    with pytest.raises(InputError, match="seed"):
        validate({"seed": 10**5000})
