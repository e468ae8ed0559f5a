"""The configuration: wrong keys and values are named, overlays merge, nothing but InputError ever comes out."""

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from logg1m.config import Config, check_overlay, load, load_yaml, validate
from logg1m.config.networks import PRESETS, Network
from logg1m.files import InputError

PROJECT = Path(__file__).parents[2]


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
        (
            {"data": {"priors": {"teff": [5000, 4000]}}},
            r"data\.priors\.teff = .*: low must not exceed high, got \[5000, 4000\]",
        ),
        ({"data": {"observation": {"field_angle": [0, 0.7]}}}, r"field_angle\.1 = 0\.7: .*less than or equal to 0\.65"),
        ({"data": {"observation": {"rv_km_s": [-600, 0]}}}, r"rv_km_s\.0 = -600: .*greater than or equal to -550"),
        ({"data": {"observation": {"mag": [20]}}}, r"data.observation.mag.1: Field required"),
        ({"protocol": {"scales": [500, 500]}}, "scales: sizes must increase"),
        ({"data": {"n_spectra": 500}, "protocol": {"scales": [100, 501]}}, "501 exceeds data.n_spectra = 500"),
        (
            {"data": {"priors": {"logg": [5.0, 5.5]}}},
            r"data\.priors\.logg = \[5, 5\.5\] leaves the embedded grid, .*\[1, 5\]",
        ),
        ({"data": {"priors": {"logg": [3, 3]}}}, r"data\.priors\.logg is the single value 3"),
        ({"protocol": {"scales": [10], "train_fraction": 0.95}}, "leaves 10 spectra to train on and 0 to test on"),
        ({"protocol": {"scales": [10], "train_fraction": 0.05}}, "leaves 0 spectra to train on and 10 to test on"),
        (
            {"protocol": {"scales": [10], "train_fraction": 0.4}},
            "leaves 4 .* to test on: at least 5 .2 of them for val",
        ),
        ({"protocol": {"scales": [100], "low_noise_fraction": 0.01}}, "leaves no low-noise spectrum among the test"),
        ({"baselines": {"lightgbm_largest": 9_999}}, "9999 is below the smallest of protocol.scales, 10000"),
        ({"denoisers": {"block": 2_049}}, r"denoisers\.block = 2049: two blocks at least must fit into 4096 pixels"),
        ({"data": None}, "data = None"),
        ({"data": [1, 2]}, "data = "),
        ({1: 2}, "1"),
    ],
)
def test_values_that_do_not_fit_are_refused_by_name(raw, message):
    with pytest.raises(InputError, match=message):
        validate(raw)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        ({"bootstrap": {"resamples": 100, "level": 0.99}}, "level = 0.99 needs at least 200 resamples, .* = 100"),
        ({"bootstrap": {"level": 0.999}}, "level = 0.999 needs at least 2000 resamples, .* got resamples = 1000"),
        ({"experiments": {"recipe": {"label_share": 1e-4}, "train_size": {"vit": 20_000}}},
         "recipe: label_share = 0.0001 of the 20000 training spectra of vit leaves 2; at least 5 are needed"),
        ({"experiments": {"recipe": {"training_spectra": "simulated", "train_on": "low_noise"}}},
         "training_spectra = 'simulated' goes with train_on = 'all' and label_share = 1; got train_on = 'low_noise'"),
        ({"experiments": {"recipe": {"model": "ridge", "objective": "ordinal"}}},
         "recipe.objective = 'ordinal' is nothing that model = 'ridge' has; leave it out, or choose projection or vit"),
        ({"experiments": {"recipe": {"model": "lightgbm", "heads": "multi_equal"}}}, "or choose ridge or projection or vit"),
        ({"experiments": {"recipe": {"model": "ridge", "pretraining": "masked_token"}}}, "recipe.pretraining"),
        ({"experiments": {"recipe": {"model": "projection", "projection_token": True}}},
         "recipe.projection_token = True is nothing that model = 'projection' has; leave it out, or choose vit"),
        ({"experiments": {"recipe": {"channels": ["flux", "masked_share"]}}},
         "experiments.recipe.channels: masked_share would be zero everywhere, .*bad_pixels = 0"),
        ({"report": {"date": "20251322"}}, "report.date = '20251322': expected a day as YYYYMMDD"),
        ({"report": {"date": "٢٠٢٥١٢٢٢"}}, "report.date"),
        ({"compute": {"dask_scheduler": ":"}}, "compute.dask_scheduler = ':': expected threads, local, or the address"),
        ({"compute": {"dask_scheduler": "tcp://here"}}, "expected threads, local, or the address"),
        ({"compute": {"dask_scheduler": "tcp://here:65536"}}, "expected threads, local, or the address"),
        ({"compute": {"dask_scheduler": "here:0"}}, "expected threads, local, or the address"),
        ({"protocol": {"noise_level": 0}}, "protocol.noise_level = 0: without noise there is no bound .* at least 0.001"),
        ({"protocol": {"noise_level": 1e-300}}, "protocol.noise_level = 1e-300"),
        ({"data": {"priors": {"logg": [3, 3.001]}}}, r"priors.logg = \[3, 3.001\] is 0.001 wide: .* or at least 0.01"),
        ({"data": {"priors": {"teff": [5000, 5000.1]}}}, "is 0.1 wide: expected one value, or at least 10"),
        ({"data": {"observation": {"nuisances": {"amplitude": "free", "calibration": [0.01, 1e-200]}}}},
         r"nuisances\.calibration\.1 = 1e-200: expected 0, which is none, or at least 1e-12"),
        ({"data": {"observation": {"nuisances": {"amplitude": "free", "ebv": 1e-160}}}}, "nuisances.ebv = 1e-160: expected 0"),
        ({"data": {"observation": {"nuisances": {"velocity_km_s": 1e-13}}}}, "nuisances.velocity_km_s = 1e-13: expected 0"),
        ({"requirements": {"velocity_km_s": [1e-13]}}, r"requirements\.velocity_km_s\.0 = 1e-13: expected 0"),
        ({"forecast": {"line_spread": [1e-13]}}, r"forecast\.line_spread\.0 = 1e-13: expected 0"),
        ({"bounds": {"max_spectra": 20, "full_sample": 2}},
         "bounds.max_spectra = 20, bounds.full_sample = 2 .* leave 22 spectra at most .* needs at least 23"),
        ({"protocol": {"low_noise_fraction": 0.05}, "experiments": {"test_size": 19}},
         "low_noise_fraction = 0.05 leaves no low-noise spectrum among experiments.test_size = 19"),
        ({"protocol": {"low_noise_fraction": 0.05}, "experiments": {"confirmation_size": 19}}, "confirmation_size = 19"),
        ({"baselines": {"lightgbm": {"min_data_in_leaf": 12_801}}},
         "min_data_in_leaf = 12801: the 25600 training spectra .* do not fill two leaves; expected at most 12800"),
        ({"baselines": {"lightgbm": {"min_data_in_leaf": 5_000}, "lightgbm_largest": 10_000}}, "the 8000 training spectra"),
        ({"bounds": {"linear_neighbours": 22}},
         r"linear_neighbours = 22: a local regression on 5 labels has 21 terms .*linear_degree = 2.; expected at least 23"),
        ({"bounds": {"bayes": {"library_max": 1024, "max_iterations": 0, "min_ess": 1025, "target_ess": 2e3}}},
         "bounds.bayes.min_ess = 1025: no star can reach it with the 1,024 samples"),
        ({"forecast": {"min_ess": 301}}, "forecast.min_ess = 301 exceeds bounds.bayes.target_ess = 300"),
        ({"network": {"architecture": {"patch": 2_049, "width": 16, "depth": 1, "heads": 2}}},
         "network.architecture.patch = 2049: two patches at least must fit into 4096 pixels"),
        ({"data": {"observation": {"rv_km_s": [-500, 0], "nuisances": {"velocity_km_s": 10}}}},
         r"rv_km_s = \[-500.*velocity_km_s = 10 reaches 564 km/s at 6.4 σ: expected at most 550"),
        ({"data": {"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": {"train": "a.h5"}, "observation": {"arms": ["b", "m"]}}},
         "mask_o2_a and arms say how spectra are simulated"),
        ({"predict": {"v_los": 3, "rv": "rv.csv"}}, "v_los = 3 and rv = 'rv.csv': expected one velocity for all, or a table"),
        ({"predict": {"mask_bits": ["CR", ""]}}, r"predict\.mask_bits\.1 = ''"),
        ({"predict": {"mask_bits": ["CR,SAT"]}}, r"predict\.mask_bits\.0 = 'CR,SAT'"),
        ({"predict": {"spectra": [""]}}, r"predict\.spectra\.0 = ''"),
        ({"data": {"source": "bosz", "bosz": {"folder": "a\0b"}}}, r"data.bosz.folder = .*: a text with a zero byte"),
        ({"data": {"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": {"train": ["\0"]}}}, "data.pfs_hdf5.train = "),
    ],
)  # fmt: skip
def test_what_would_fail_late_or_answer_nonsense_is_refused(raw, message):
    with pytest.raises(InputError, match=message):
        validate(raw)


def test_what_lies_just_inside_is_accepted():
    assert validate({"bootstrap": {"resamples": 100, "level": 0.98}}).bootstrap.level == 0.98
    for address in ("tcp://10.0.0.1:8786", "tls://[::1]:8786", "node7.cluster:8786"):
        assert validate({"compute": {"dask_scheduler": address}}).compute.dask_scheduler == address
    assert validate({"experiments": {"recipe": {"model": "ridge", "heads": "multi_equal"}}})
    assert validate({"experiments": {"recipe": {"projection_token": True}}})
    told = {"experiments": {"recipe": {"channels": ["flux", "masked_share"]}}}
    assert validate(told | {"data": {"observation": {"bad_pixels": 0.01}}})
    small = {"scales": [10], "train_fraction": 0.5, "low_noise_fraction": 0.5}
    assert validate({"protocol": small, "baselines": {"lightgbm": {"min_data_in_leaf": 2}}})
    assert validate(
        {"protocol": {"low_noise_fraction": 0.05}, "experiments": {"test_size": 20, "confirmation_size": 20}}
    )
    assert validate({"baselines": {"lightgbm": {"min_data_in_leaf": 12_800}}})
    assert validate({"bounds": {"linear_neighbours": 23, "max_spectra": 20, "full_sample": 3}})
    assert validate({"data": {"priors": {"logg": [3, 3.01], "teff": [5000, 5010]}}})
    assert validate(
        {"data": {"observation": {"nuisances": {"velocity_km_s": 1e-12}}}, "forecast": {"calibration": [0]}}
    )
    assert validate({"bounds": {"linear_neighbours": 8, "linear_degree": 1}})
    one = {"teff": [5000, 5000], "m_h": [-1, -1], "a_m": [0, 0], "c_m": [0, 0]}
    assert validate({"bounds": {"linear_neighbours": 8}, "data": {"priors": one}})
    assert validate({"data": {"observation": {"rv_km_s": [-486, 0], "nuisances": {"velocity_km_s": 10}}}})
    assert validate({"network": {"architecture": {"patch": 2_048, "width": 16, "depth": 1, "heads": 2}}})
    shards = {"source": "pfs_hdf5", "n_spectra": None, "pfs_hdf5": {"train": "a.h5", "n_pixels": 512}}
    assert validate({"data": shards, "bounds": {"linear_neighbours": 8}, "network": {"preset": "smoke"}})


@pytest.mark.parametrize("overlay", sorted((PROJECT / "config").glob("[cs]*/*.yaml")), ids=lambda path: path.stem)
def test_every_overlay_of_ours_is_a_configuration(overlay):
    assert load(overlay)


@pytest.mark.parametrize(
    "key",
    ["protocol.quantiles=0.1", "baselines.ridge.alphas=10.0", "baselines.ridge.pca=5", "bounds.convergence=20",
     "bounds.sweep_magnitudes=20", "experiments.alphas=1.0", "experiments.paused=1.2", "requirements.calibration=0.01",
     "requirements.ebv=0.01", "requirements.velocity_km_s=3", "predict.spectra=a.h5", "predict.mask_bits=CR"],
)  # fmt: skip
def test_a_value_that_stands_twice_in_a_list_is_refused(key):
    name, value = key.split("=")
    raw: object = [value, value] if name.endswith(("paused", "spectra", "mask_bits")) else [float(value), float(value)]
    for part in reversed(name.split(".")):
        raw = {part: raw}
    with pytest.raises(InputError, match=f"{name} = .*stands there twice; expected every value once"):
        validate(raw)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="'flux' stands there twice"):
        validate({"experiments": {"recipe": {"channels": ["flux", "log_error", "flux"]}}})


def test_yes_and_no_are_no_numbers():
    """YAML reads yes, on and true alike, and pydantic would take them for 1."""
    for key in ("seed", "protocol.noise_level", "experiments.train_size.vit", "baselines.lightgbm_largest"):
        raw: object = True
        for part in reversed(key.split(".")):
            raw = {part: raw}
        with pytest.raises(InputError, match=r"true \(in YAML also yes, no, on, off\) is no value here"):
            validate(raw)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"protocol\.scales"):
        validate({"protocol": {"scales": [True, 100]}})
    with pytest.raises(InputError, match="label_share"):
        validate({"experiments": {"recipe": {"label_share": True}}})
    assert validate({"experiments": {"all_variants": True}}).experiments.all_variants is True


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


@pytest.mark.slow
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


def test_mappings_given_in_part_keep_the_other_entries():
    config = validate(
        {
            "experiments": {"train_size": {"vit": 300}, "seed_scatter": {"r2": 0.01}},
            "decisions": {"default": {"d1": "stop"}},
        }
    )
    assert config.experiments.train_size == {"ridge": 5_000, "lightgbm": 16_000, "projection": 25_000, "vit": 300}
    assert config.experiments.seed_scatter == Config().experiments.seed_scatter | {"r2": 0.01}
    assert config.decisions.default == {"d1": "stop", "d2": "full", "d3": "single"}
    with pytest.raises(InputError, match=r"experiments\.train_size = \[1\]"):
        validate({"experiments": {"train_size": [1]}})


def test_a_key_given_twice_is_refused_with_its_file_and_lines(tmp_path):
    path = written(tmp_path, "a.yaml", "seed: 1\ndata:\n  n_spectra: 500\n  labels: continuous\n  n_spectra: 600\n")
    for read in (load_yaml, check_overlay):
        with pytest.raises(InputError, match=r"a\.yaml gives the key 'n_spectra' twice, in lines 3 and 5"):
            read(path)
    with pytest.raises(InputError, match=r"'seed' twice, in lines 2 and 3"):
        check_overlay(written(tmp_path, "b.json", '{\n\t"seed": 1,\n\t"seed": 2\n}'))
    check_overlay(written(tmp_path, "b.json", '{\n\t"seed": 1,\n\t"data": {"n_spectra": 500}\n}'))
    merged = "a: &a {seed: 1}\nb:\n  <<: *a\n  seed: 2\n"
    assert load_yaml(written(tmp_path, "c.yaml", merged))["b"] == {"seed": 2}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "\n".join(["a0: &a0 [1, 2]", *(f"a{k}: &a{k} [*a{k - 1}, *a{k - 1}]" for k in range(1, 60))]),
            "aliases counted",
        ),
        ("a: &a [*a]", "aliases counted"),
        ("a: " + ":".join(["59"] * 4_000), "line 1: a value of 11,999 characters"),
        ("a: [" + "1," * 200_000 + "]", "more than 100,000 values"),
        ("#" * 2_000_000, "more than 1,000,000 bytes"),
    ],
    ids=["aliases", "loop", "base 60", "list", "file"],
)
def test_a_file_that_would_hang_the_validation_is_refused_at_once(tmp_path, text, message):
    with pytest.raises(InputError, match=message):
        load_yaml(written(tmp_path, "endless.yaml", text))


def test_an_overlay_that_asks_for_python_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a\.yaml says __use_yte__, by which Snakemake runs Python in it"):
        check_overlay(written(tmp_path, "a.yaml", "__use_yte__: true\nseed: ?1 + 1\n"))


def test_a_network_is_passed_on_with_its_architecture_in_full(monkeypatch):
    network = Config().network
    first = network.model_dump(mode="json")
    assert first["architecture"] == network.chosen.model_dump()
    monkeypatch.setitem(PRESETS, "laptop", PRESETS["smoke"])
    assert network.model_dump(mode="json")["architecture"] == PRESETS["smoke"].model_dump()
    assert Network.model_validate(first).chosen.model_dump() == first["architecture"]


def test_settings_of_a_projection_that_are_left_out_are_its_own_and_not_those_of_networks():
    training = validate({"projection": {"training": {"epochs": 3}}}).projection.training
    assert (training.epochs, training.batch_size, training.learning_rate) == (3, 512, 2e-3)
    assert validate({}).network.training.batch_size == 128
