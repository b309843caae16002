"""Numbers on the page: each is read from analysis.json, and carries its path and full value with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from markupsafe import Markup, escape

from benchmark.statistics.endpoints import rounded

ABSENT = '–'
Path_ = Sequence[str | int]


def pointer(path: Path_) -> str:
    """A path as JSON Pointer (RFC 6901)."""
    return ''.join('/' + str(part).replace('~', '~0').replace('/', '~1') for part in path)


def lookup(content: Any, path: Path_) -> Any:
    """The value at a path; None where a part of it is absent."""
    for part in path:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return None
    return content


def written(value: Any, digits: int | None = None, scale: float = 1) -> str:
    """A number as text, with a true minus sign; other values as they are.

    Args:
        value: None, a number or text.
        digits: Decimals, see :func:`benchmark.statistics.endpoints.rounded`; None writes whole numbers as they are and
            others with four significant digits.
        scale: 100 for percent.
    """
    if value is None:
        return ABSENT
    if isinstance(value, list):
        return ', '.join(written(item) for item in value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    if digits is None:
        text = str(value) if isinstance(value, int) and scale == 1 else f'{value * scale:.4g}'
    else:
        text = rounded(value, digits, scale)
    return text.replace('-', '\u2212')


def probability(value: float | None) -> str:
    """A p-value or another probability with three decimals; never 0 and never 1."""
    if value is None:
        return ABSENT
    return '< 0.001' if value < 0.001 else '> 0.999' if value > 0.999 else f'{value:.3f}'


def look(analysis: dict[str, Any], endpoint: str) -> tuple[int, float]:
    """Decimals and factor with which an endpoint is shown."""
    about = analysis['endpoints'][endpoint]
    return about['decimals'], about['factor']


def lead(analysis: dict[str, Any]) -> str:
    """The endpoint that a first table begins with: millimetres where all images have them, else percent of the
    normalising distance, else the errors as they are."""
    images = analysis['conditions'][analysis['main_condition']]['n_images']
    for name in ('ME_mm', 'NME'):
        blocks = [block['endpoints'].get(name) for block in analysis['methods'].values() if block['endpoints']]
        if name in analysis['endpoints'] and all(block and block['n_images'] == images for block in blocks):
            return name
    return 'ME'


class Numbers:
    """Writes numbers of one analysis.

    Args:
        analysis: Content of analysis.json.
    """

    def __init__(self, analysis: dict[str, Any]) -> None:
        self.analysis = analysis

    def __call__(
        self,
        *path: str | int,
        digits: int | None = None,
        scale: float = 1,
        tag: str = 'td',
        unit: str = '',
        more: str = '',
        form: str = '',
    ) -> Markup:
        """An element with the number at ``path``.

        Args:
            path: Where the number is in analysis.json.
            digits: Decimals shown.
            scale: Factor shown, 100 for percent.
            tag: Name of the element.
            unit: Text after the number, not given for an absent one.
            more: Inline style.
            form: ``p`` writes a probability: three decimals, and '< 0.001' or '> 0.999' beyond them.
        """
        value = lookup(self.analysis, path)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        text = probability(value) if form == 'p' else written(value, digits, scale)
        style = Markup(' style="{}"').format(more) if more else ''
        factor = Markup(' data-scale="{:g}"').format(scale) if scale != 1 and number else ''
        return Markup('<{0} class="{1}"{2} data-path="{3}" data-value="{4}"{5}>{6}</{0}>').format(
            Markup(tag),
            'n' if number or value is None else 't',
            style,
            pointer(path),
            json.dumps(value),
            factor,
            escape(text + (unit if value is not None else '')),
        )


def leaves(content: Any, path: tuple = ()) -> list[tuple[tuple, Any]]:
    """Paths and values of a nested mapping; a list of plain values counts as one value."""
    if isinstance(content, dict):
        return [leaf for key in content for leaf in leaves(content[key], (*path, key))]
    return [(path, content)]
