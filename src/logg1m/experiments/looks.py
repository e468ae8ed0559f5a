"""How many configurations have been looked at on stars that are to confirm: a set that is asked often chooses in the end.

The list lies in results/.history/, which is no output of Snakemake, so that nothing but a user ever deletes it. A
configuration that is looked at again, with the same models, counts once.
"""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

from logg1m.files import read_json, write_json

NAME = "confirmation_looks.json"


def fingerprint(recipe: Mapping[str, Any], models: list[Path]) -> str:
    """Of a configuration: what was trained, and the models that came of it (files, one per seed)."""
    digest = sha256(repr(sorted(recipe.items())).encode())
    for path in models:
        digest.update(sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def count(folder: Path, identity: str, looked: Mapping[str, str]) -> dict[str, int]:
    """Add configurations to those that have looked at a set, and say how many they are.

    Parameters
    ----------
    identity : of the set of stars
    looked : name of a model → fingerprint of its configuration

    Returns
    -------
    now, of this artifact; ever, all that have looked at this set
    """
    path = folder / NAME
    known: dict[str, dict[str, str]] = read_json(path) if path.exists() else {}
    of_set = dict(known.get(identity, {}))
    for name, print_ in looked.items():
        of_set.setdefault(print_, name)
    if of_set != known.get(identity):
        write_json(path, known | {identity: of_set})
    return {"now": len(set(looked.values())), "ever": len(of_set)}
