"""Configuration files: YAML that holds values only, each key once, and no more than a configuration can need."""

import json
from pathlib import Path
from typing import Any

import yaml

from logg1m.files import InputError

_LARGEST_FILE, _LONGEST_VALUE, _MOST_VALUES = 1_000_000, 10_000, 100_000  # bytes, characters, values


def load_yaml(path: str | Path) -> dict[str, Any]:
    """Read one YAML mapping safely.

    Raises
    ------
    InputError
        If the file is missing, malformed, no mapping, gives a key twice, or is too large to be a configuration.
    """
    text = _text(path)
    try:
        loader = yaml.SafeLoader(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return {}
            _check(node, path)
            value = loader.construct_document(node)
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # ValueError: 2025-13-01, or an endless integer
        raise InputError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(value, dict):
        raise InputError(f"{path} holds a {type(value).__name__}, expected a mapping of keys to values")
    return value


def check_overlay(path: str | Path) -> None:
    """Stop at an overlay that Snakemake, which reads it before we can, reads as something other than plain values.

    Raises
    ------
    InputError
        If it says `__use_yte__`, by which Snakemake evaluates Python in it, or for what `load_yaml` refuses.
    """
    if "__use_yte__" in _text(path):
        raise InputError(
            f"{path} says __use_yte__, by which Snakemake runs Python in it; a configuration holds values only"
        )
    load_yaml(path)


def _text(path: str | Path) -> str:
    try:
        with open(path, "rb") as stream:
            content = stream.read(_LARGEST_FILE + 1)
        text = content.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot read {path}: {error}") from error
    if len(content) > _LARGEST_FILE:
        raise InputError(f"{path} holds more than {_LARGEST_FILE:,} bytes, which is no configuration")
    if "\t" in text:
        try:  # JSON may be indented by tabs, which YAML does not allow
            json.loads(text)
        except (ValueError, RecursionError):
            return text
        return text.replace("\t", " ")
    return text


def _check(root: yaml.Node, path: str | Path) -> None:
    """Refuse keys given twice, values too long to be meant, and aliases that multiply into endless values."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        if id(node) in sizes:
            return sizes[id(node)]
        sizes[id(node)] = _MOST_VALUES  # of a node inside itself
        line = node.start_mark.line + 1
        if isinstance(node, yaml.ScalarNode):
            if len(node.value) > _LONGEST_VALUE:
                raise InputError(f"{path}, line {line}: a value of {len(node.value):,} characters is no configuration")
            total = 1
        elif isinstance(node, yaml.MappingNode):
            _once(node, path)
            total = 1 + sum(size(key) + size(value) for key, value in node.value)
        else:
            total = 1 + sum(map(size, node.value))
        if total > _MOST_VALUES:
            raise InputError(
                f"{path}, line {line}: more than {_MOST_VALUES:,} values, aliases counted, are no configuration"
            )
        sizes[id(node)] = total
        return total

    size(root)


def _once(node: yaml.MappingNode, path: str | Path) -> None:
    lines: dict[tuple[str, str], int] = {}
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            continue
        line, name = key.start_mark.line + 1, (key.tag, key.value)
        if name in lines:
            raise InputError(
                f"{path} gives the key {key.value[:100]!r} twice, in lines {lines[name]} and {line}; keep one of them"
            )
        lines[name] = line
