"""A section passed in part: what a rule declared can be read, checked and exact, and nothing else can."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from pydantic import ValidationError

from logg1m.config import Config
from logg1m.config.base import NotDeclared, part, whole
from logg1m.config.bounds import Bounds
from logg1m.config.denoisers import Denoisers
from logg1m.config.networks import PRESETS, Network, Training
from logg1m.config.protocol import Protocol
from logg1m.protocol.pools import Pools

ROOT = Path(__file__).parents[2]
PROTOCOL = Protocol(noise_level=0.5, scales=(50, 500))


def test_what_was_declared_is_read_as_it_was_configured_and_what_was_not_is_named():
    passed = part(PROTOCOL, "scales", "noise_level")
    assert passed == {"scales": [50, 500], "noise_level": 0.5} == json.loads(json.dumps(passed))
    protocol = Protocol.of(passed)
    assert isinstance(protocol, Protocol)
    assert (protocol.scales, protocol.noise_level) == ((50, 500), 0.5)
    for name in set(Protocol.model_fields) - set(passed):
        with pytest.raises(NotDeclared, match=rf"^Protocol\.{name} was read, .* only: (noise_level|scales), "):
            getattr(protocol, name)


def test_a_missing_field_is_no_missing_attribute_which_a_script_could_pass_over():
    nothing = Protocol.of({})
    with pytest.raises(NotDeclared, match=r"Protocol\.scales was read.* only: nothing"):
        hasattr(nothing, "scales")
    with pytest.raises(NotDeclared):
        getattr(nothing, "scales", (1, 2))
    assert not hasattr(nothing, "no_such_thing")


def test_a_whole_section_is_the_section():
    for section in (Config().data, Config().bounds, Config().denoisers, Config().experiments.recipe, PROTOCOL):
        assert type(section).of(whole(section)) == section


def test_sections_within_are_passed_in_part_too():
    network = Network.of(whole(Network(training=Training(epochs=3)), but=("threads", "training.checkpoint_seconds")))
    assert (network.training.epochs, network.chosen) == (3, PRESETS["laptop"])
    with pytest.raises(NotDeclared, match=r"^Training\.checkpoint_seconds was read"):
        _ = network.training.checkpoint_seconds
    with pytest.raises(NotDeclared, match=r"^Network\.threads was read"):
        _ = network.threads
    bounds = Bounds.of(part(Bounds(), "bayes.min_reached", "max_condition", "bayes.min_ess"))
    assert (bounds.max_condition, bounds.bayes.min_reached, bounds.bayes.min_ess) == (1e8, 0.98, 100.0)
    with pytest.raises(NotDeclared, match=r"^BayesConfig\.n_full was read"):
        _ = bounds.bayes.n_full


def test_a_property_or_a_function_that_reads_more_fails_with_the_name_of_what_is_missing():
    with pytest.raises(NotDeclared, match=r"^Network\.architecture was read"):
        _ = Network.of(part(Network(), "preset")).chosen
    with pytest.raises(NotDeclared, match=r"^Protocol\.train_fraction was read"):
        Pools.draw(1, 1_000, Protocol.of(part(PROTOCOL, "scales")))


@pytest.mark.parametrize(
    ("wrong", "named"), [({"noise_level": -1.0}, "noise_level"), ({"scales": [5]}, "scales"), ({"noise": 1}, "noise")]
)
def test_what_is_given_is_checked_as_a_configuration_is(wrong, named):
    with pytest.raises(ValidationError, match=named):
        Protocol.of(wrong)


def test_a_field_that_does_not_exist_cannot_be_declared():
    for name in ("scale", "scales.first", "noise_level.x"):
        with pytest.raises(ValueError, match=rf"Protocol has no field {name}; its fields: low_noise_fraction, "):
            part(PROTOCOL, name)
    with pytest.raises(ValueError, match=r"Network has no field training\.checkpoints"):
        whole(Network(), but=("training.checkpoints",))


def test_what_a_digest_is_made_of_holds_the_declared_fields_alone():
    training = Network.of(whole(Network(), but=("training.checkpoint_seconds",))).training
    assert training.model_dump(exclude={"checkpoint_seconds"}) == Training().model_dump(exclude={"checkpoint_seconds"})
    assert training.model_copy(update={"epochs": 5}).model_dump()["epochs"] == 5
    pca = Denoisers.of(whole(Denoisers(), but=("training",)))
    assert "training" not in pca.model_dump(exclude={"training": {"checkpoint_seconds"}})
    assert Denoisers.of(json.loads(pca.model_dump_json())) == pca


def test_what_changes_no_result_is_read_from_the_jobs_configuration_and_only_that():
    network = Network.of(whole(Network(), but=("training.checkpoint_seconds",)))
    configured = {"threads": 7, "training": {"epochs": 99, "checkpoint_seconds": 0.5}}
    now = network.as_in(configured, "training.checkpoint_seconds")
    assert (now.training.checkpoint_seconds, now.training.epochs, now.threads) == (0.5, 8, 1)
    assert network.as_in({}, "training.checkpoint_seconds").training.checkpoint_seconds == 60.0


FORGED = """
import json, sys
from types import SimpleNamespace as Names
snakemake = Names(
    rule="protocol", threads=1, log=["a.log"], config={}, input=Names(snr="snr.parquet"), output=[],
    params=type("Params", (dict,), {"__getattr__": dict.__getitem__})(json.loads(sys.argv[2])),
)
exec(compile(open(sys.argv[1]).read(), sys.argv[1], "exec"))
"""


@pytest.mark.slow
def test_a_script_that_reads_what_its_rule_does_not_declare_stops_with_the_name_of_the_field(tmp_path):
    """The protocol's script with the params of the survey, which declare the noise level alone."""
    pd.DataFrame({"id": range(600), "snr": range(600)}).to_parquet(tmp_path / "snr.parquet")
    params = json.dumps({"protocol": part(PROTOCOL, "noise_level"), "seed": 1, "source": "embedded"})
    command = [sys.executable, "-c", FORGED, str(ROOT / "workflow/scripts/protocol.py"), params]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stderr
    said = (tmp_path / "a.log").read_text()
    assert "NotDeclared: Protocol.train_fraction was read, but the rule declares of Protocol only: noise_level" in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [".a.log.lock", "a.log", "snr.parquet"]


def found_in(folder: str, pattern: str) -> dict[str, list[str]]:
    texts = {
        path.name: path.read_text(encoding="utf-8") for path in sorted((ROOT / folder).iterdir()) if path.is_file()
    }
    return {name: found for name, text in texts.items() if (found := re.findall(pattern, text))}


def test_no_rule_and_no_script_goes_round_it():
    """Rules pass sections by `part` and `whole`; scripts rebuild none with defaults."""
    assert len(found_in("workflow/rules", r"\b(?:part|whole)\(")) >= 9
    assert not found_in("workflow/rules", r"model_dump")
    assert len(found_in("workflow/scripts", r"\b[A-Z]\w+\.of\((?:snakemake\.)?params\.")) >= 15
    passed = found_in("workflow/scripts", r"\b[A-Z]\w+\(\*\*(?!read_json|\{\*\*base, \*\*params\.change\}).*")
    assert not passed, "build it with Section.of"
