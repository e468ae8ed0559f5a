"""Paths as users write them: variables, folders, links, brackets."""

from pathlib import Path

import pytest

from logg1m.config.files_sources import BoszConfig
from logg1m.files import InputError
from logg1m.sources.bosz.files import find_models
from logg1m.sources.paths import expand, one_file, place


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for name in ("mag[20.5-22.5]/train_0/dataset.h5", "plain/train_0/dataset.h5", "plain/train_1/dataset.h5"):
        path = tmp_path / name
        path.parent.mkdir(parents=True)
        path.touch()
    return tmp_path


def test_variables_and_home(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", str(shards / "plain"))
    monkeypatch.setenv("HOME", str(shards))
    monkeypatch.delenv("NOWHERE", raising=False)
    assert len(expand(("${WHERE}/*/dataset.h5",), "key")) == 2
    assert expand(("~/plain/train_1/dataset.h5",), "key") == [shards / "plain/train_1/dataset.h5"]
    with pytest.raises(InputError, match=r"^key: '\$NOWHERE/a\.h5' names the environment variable NOWHERE"):
        expand(("$NOWHERE/a.h5",), "key")
    with pytest.raises(InputError, match="begins with ~nobody_at_all, which is no user"):
        place("~nobody_at_all/a.h5", "key")


def test_a_path_that_exists_is_taken_as_it_is_written(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE", raising=False)
    for name in ("$NOWHERE.h5", "a*[1].h5"):
        (shards / name).touch()
        assert expand((str(shards / name),), "key") == [shards / name]
    literal = shards / "mag[20.5-22.5]/train_0/dataset.h5"
    assert expand((str(literal),), "key") == [literal]


def test_brackets_that_match_nothing_are_explained(shards: Path) -> None:
    with pytest.raises(InputError, match=r"brackets are a pattern .* which matches 1 files") as caught:
        expand((f"{shards}/mag[20.5-22.5]/train_*/dataset.h5",), "key")
    offered = str(caught.value).split("write '")[1].split("'")[0]
    assert expand((offered,), "key") == [shards / "mag[20.5-22.5]/train_0/dataset.h5"]


def test_folders_say_what_lies_in_them(shards: Path) -> None:
    with pytest.raises(InputError, match=r"is a folder; name the file in it: '.*/plain/train_0/dataset\.h5'"):
        expand((f"{shards}/plain/train_0",), "key")
    with pytest.raises(InputError, match=r"is 2 folders; name the file in it: .*train_0/dataset\.h5.*train_1"):
        expand((f"{shards}/plain/train_*",), "key")
    with pytest.raises(InputError, match=r"is a folder; .*no \*\.h5 file lies in it"):
        one_file(str(shards / "plain"), "key")


def test_what_is_missing_is_named(shards: Path) -> None:
    with pytest.raises(InputError, match=rf"no file matches .*{shards}/typo does not exist\); check the path"):
        expand((f"{shards}/typo/train_*/dataset.h5",), "key")
    (shards / "link.h5").symlink_to(shards / "gone.h5")
    with pytest.raises(InputError, match=r"is a link to .*gone\.h5, which does not exist; mend the link"):
        expand((f"{shards}/link.h5",), "key")
    with pytest.raises(InputError, match="is neither a file nor a folder"):
        one_file("/dev/null", "key")


def test_the_folder_of_model_spectra(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHERE", str(shards))
    with pytest.raises(InputError, match=f"{shards}/plain holds no BOSZ spectra"):
        find_models(BoszConfig(folder="${WHERE}/plain"))
    with pytest.raises(InputError, match="is a file; name the folder"):
        find_models(BoszConfig(folder="${WHERE}/plain/train_0/dataset.h5"))
    with pytest.raises(InputError, match=r"^data\.bosz\.folder: .* NOWHERE, which is not set"):
        find_models(BoszConfig(folder="${NOWHERE}/plain"))
