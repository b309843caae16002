"""Which settings the files of a suite's author say, and which only come with a shipped suite that they build on."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .configs import CONFIGS, present, read_config


def written(suite: Path, settings: dict[str, Any]) -> set[str]:
    """Names of the settings that a suite's own files say, and no shipped suite that they build on.

    What a base that is shipped says fits the network of that base; nobody asked for it beside another one.

    Args:
        suite: The suite's file.
        settings: What it gives in ``settings``, its bases' values among them.
    """
    if not suite.is_file():
        return set(settings)
    named: set[str] = set()
    shipped: dict[str, Any] = {}
    for path in _files(suite):
        if CONFIGS in path.resolve().parents:
            shipped |= read_config(path).to_dict().get('settings') or {}
        else:
            named |= _named(path)
    return {name for name, value in settings.items() if name in named or shipped.get(name) != value}


def _files(path: Path) -> Iterator[Path]:
    """A suite's file and the bases that it names, first what is built on; nothing below a shipped one."""
    if CONFIGS not in path.resolve().parents:
        for one in _assigned(path, '_base_'):
            bases = [node.value for node in ast.walk(one) if isinstance(node, ast.Constant)]
            for place in (present(path.parent / base) for base in bases if isinstance(base, str)):
                if place.is_file():
                    yield from _files(place)
    yield path


def _named(path: Path) -> set[str]:
    """The settings that a file names in a dict that it writes as ``settings``."""
    found: set[str] = set()
    for one in _assigned(path, 'settings'):
        if isinstance(one, ast.Call):
            found |= {word.arg for word in one.keywords if word.arg}
        elif isinstance(one, ast.Dict):
            found |= {str(key.value) for key in one.keys if isinstance(key, ast.Constant)}
    return found


def _assigned(path: Path, name: str) -> Iterator[ast.expr]:
    """What a config file writes at its top as a name."""
    for one in ast.parse(path.read_text(encoding='utf-8')).body:
        if isinstance(one, ast.Assign) and getattr(one.targets[0], 'id', None) == name:
            yield one.value
