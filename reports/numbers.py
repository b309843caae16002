"""Numbers on the page: each is read from analysis.json, and carries its path and full value with it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape

from benchmark.statistics.endpoints import TESTED, head, p_text, rounded

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


def written(value: Any, digits: int | None = None, scale: float = 1, fixed: bool = False, signed: bool = False) -> str:
    """A number as text, with a true minus sign; other values as they are.

    Args:
        value: None, a number or text.
        digits: Decimals, see :func:`benchmark.statistics.endpoints.rounded`; None writes whole numbers as they are and
            others with four significant digits.
        scale: 100 for percent.
        fixed: All numbers have these decimals.
        signed: What is above 0 as it is shown has a plus sign.
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
        text = rounded(value, digits, scale, fixed)
    return ('+' if signed and value > 0 and text.strip('0.') else '') + text.replace('-', '\u2212')


def probability(value: float | None) -> str:
    """A p-value or another probability; see :func:`benchmark.statistics.endpoints.p_text`."""
    return ABSENT if value is None else p_text(value)


def level(analysis: dict[str, Any]) -> str:
    """The level of the intervals, as '95 %'."""
    return f'{100 * (1 - analysis["alpha"]):g} %'


def tested(analysis: dict[str, Any]) -> Sequence[str]:
    """The endpoints that are tested, the primary one first."""
    found: Sequence[str] = analysis.get('tested', TESTED)
    return found


def primary(analysis: dict[str, Any]) -> str:
    """The endpoint that ranks and headlines are about: the mean error, or a table's first score."""
    return tested(analysis)[0]


def in_brackets(unit: str) -> str:
    """A unit after a name; nothing where there is none."""
    return f' ({unit})' if unit else ''


@dataclass(frozen=True)
class Form:
    """How an endpoint is shown, as analysis.json says it: what shows one asks here.

    Attributes:
        endpoint: Its name in analysis.json.
        head: Its short name.
        digits: Decimals of means and differences.
        factor: What values of analysis.json are multiplied by, 100 for percent.
        unit: Of means.
        difference: Of differences.
        mark: The unit in brief, for heads: '%' for percent, '' for a number from 0 to 1.
        lower: Whether a smaller value is the better one.
        own: Whether it is the primary endpoint, in the unit of the table.
        fixed: Whether all numbers have these decimals, however small they are.
        signed: Whether those above 0 have a plus sign.
    """

    endpoint: str
    head: str
    digits: int
    factor: float
    unit: str
    difference: str
    mark: str
    lower: bool
    own: bool
    fixed: bool = False
    signed: bool = False

    @property
    def arrow(self) -> str:
        """Which direction is better."""
        return '↓' if self.lower else '↑'

    @property
    def direction(self) -> str:
        """The same in words."""
        return f'{"lower" if self.lower else "higher"} is better'

    @property
    def percent(self) -> str:
        """What stands after a share in a sentence or a cell."""
        return ' %' if self.mark == '%' else ''

    @property
    def difference_words(self) -> str:
        """The unit of differences in a sentence."""
        if not self.difference:
            return 'the unit of the table' if self.own else 'its own unit'
        return self.difference if self.mark else f'shares from {self.difference}'

    @property
    def axis(self) -> str:
        """Name and unit of means, for an axis."""
        return f'{self.head}{in_brackets(self.unit)}'

    @property
    def difference_axis(self) -> str:
        """The same of differences."""
        return f'difference in {self.head}{in_brackets(self.difference)}'

    def text(self, value: float | None) -> str:
        """A mean, a difference or an end of an interval, without its unit."""
        return written(value, self.digits, self.factor, self.fixed, self.signed)

    def estimate(self, cell: dict[str, Any], key: str = 'mean') -> tuple[str, str | None, tuple[str, str] | None]:
        """A number, its bound in words where all scores are 0 or 1, and the ends of its interval where it has one.

        Args:
            cell: The block that has them.
            key: The number's name in it.
        """
        if cell.get('bound') is not None and key == 'mean':
            side = 'most' if cell[key] == 0 else 'least'
            return self.text(cell[key]), f'at {side} {self.text(cell["bound"])}{self.percent}', None
        if cell.get('ci_low') is None:
            return self.text(cell.get(key)), None, None
        return self.text(cell[key]), None, (self.text(cell['ci_low']), self.text(cell['ci_high']))


def form(analysis: dict[str, Any], endpoint: str) -> Form:
    """How an endpoint is shown."""
    about = analysis['endpoints'][endpoint]
    return Form(endpoint, about.get('head') or head(endpoint), about['decimals'], about['factor'], about['shown_unit'],
                about['difference_unit'] or about['shown_unit'],
                '%' if about['factor'] == 100 else about['difference_unit'], about['better'] == 'lower',
                endpoint == primary(analysis))


def best(analysis: dict[str, Any], blocks: dict[str, Any], endpoint: str) -> list[str]:
    """The methods with the best mean; none where there is nothing to compare, or where all are the same.

    Args:
        analysis: Content of analysis.json.
        blocks: Method -> what has its ``endpoints``.
        endpoint: By which.
    """
    means = {name: block['endpoints'][endpoint]['mean'] for name, block in blocks.items()
             if endpoint in block['endpoints']}
    if len(set(means.values())) < 2:
        return []
    extreme = (min if form(analysis, endpoint).lower else max)(means.values())
    return [name for name, mean in means.items() if mean == extreme]


def lead(analysis: dict[str, Any]) -> str:
    """The endpoint that a first table begins with: millimetres where all images have them, else percent of the
    normalising distance, else the errors as they are."""
    images = analysis['conditions'][analysis['main_condition']]['n_images']
    for name in ('ME_mm', 'NME'):
        blocks = [block['endpoints'].get(name) for block in analysis['methods'].values() if block['endpoints']]
        if name in analysis['endpoints'] and all(block and block['n_images'] == images for block in blocks):
            return name
    return primary(analysis)


def led(analysis: dict[str, Any], names: Sequence[str]) -> list[Form]:
    """How those of the endpoints are shown that the analysis has, after the one that a first table begins with."""
    there = [name for name in names if name in analysis['endpoints']]
    return [form(analysis, name) for name in dict.fromkeys([lead(analysis), *there])]


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
        like: Form | None = None,
        digits: int | None = None,
        scale: float = 1,
        tag: str = 'td',
        unit: str = '',
        more: str = '',
        form: str = '',
        fixed: bool = False,
    ) -> Markup:
        """An element with the number at ``path``.

        Args:
            path: Where the number is in analysis.json.
            like: How the number's endpoint is shown; else:
            digits: Decimals shown.
            scale: Factor shown, 100 for percent.
            tag: Name of the element.
            unit: Text after the number, not given for an absent one.
            more: Inline style.
            fixed: The number has these decimals however small it is, as others in its column have.
            form: ``p`` writes a probability: three decimals, and '< 0.001' or '> 0.999' beyond them.
        """
        if like is not None:
            digits, scale, fixed = like.digits, like.factor, like.fixed
        value = lookup(self.analysis, path)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        text = probability(value) if form == 'p' else written(
            value, digits, scale, fixed, like is not None and like.signed)
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


def leaves(content: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    """Paths and values of a nested mapping; a list of plain values counts as one value."""
    if isinstance(content, dict):
        return [leaf for key in content for leaf in leaves(content[key], (*path, key))]
    return [(path, content)]
