"""Packages that a config names before the point of a type, as in mmpretrain.ConvNeXt."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

#: What to do where it takes more than its name.
REMEDIES = {'mmpretrain': 'Install it as docs/install.md says (mmpretrain), since pip alone changes other packages'}


def lacking(content: Any) -> str | None:
    """Which type of a config needs a package that is not installed, and what to do; None where none does.

    Args:
        content: A config or a part of one: dicts and lists.
    """
    for kind in _kinds(content):
        package, point, _ = kind.partition('.')
        if point and package and importlib.util.find_spec(package) is None:
            remedy = REMEDIES.get(package, f'Install it (pip install {package})')
            return f'{kind}: needs the package {package}, which is not installed here. {remedy}.'
    return None


def _kinds(content: Any) -> Iterator[str]:
    if isinstance(content, dict):
        if isinstance(kind := content.get('type'), str):
            yield kind
        content = [*content.values()]
    if isinstance(content, (list, tuple)):
        for one in content:
            yield from _kinds(one)
