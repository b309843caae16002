"""Rates as text, and tables in Markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any


def span(rates: Iterable[float]) -> str:
    """Lowest and highest rate, without the leading zero: .041-.055."""
    rates = sorted(rate for rate in rates if not math.isnan(rate))
    if not rates:
        return '-'
    low, high = short(rates[0]), short(rates[-1])
    return low if low == high else f'{low}-{high}'


def short(rate: float) -> str:
    """.049, or 1.00."""
    if math.isnan(rate):
        return '-'
    return f'{rate:.3f}'.removeprefix('0') if round(rate, 3) < 1 else '1.00'


def marked(rows: list[dict[str, Any]]) -> str:
    """The rates' span, in bold where one isn't where it has to be; - without a row."""
    text = span(row['rate'] for row in rows)
    return text if all(row['inside'] or math.isnan(row['rate']) for row in rows) else f'**{text}**'


class Rows:
    """Rows with a way to pick some."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def pick(self, **wanted: Any) -> list[dict[str, Any]]:
        """Those with these values; a tuple allows each of its own."""
        sets = {key: value if isinstance(value, tuple) else (value,) for key, value in wanted.items()}
        return [row for row in self.rows if all(row[key] in values for key, values in sets.items())]

    def values(self, key: str, rows: list[dict[str, Any]] | None = None) -> list[Any]:
        """The values of a column, in order of appearance."""
        return [*dict.fromkeys(row[key] for row in (self.rows if rows is None else rows))]


def markdown_table(header: Iterable[str], lines: Iterable[Iterable[Any]]) -> str:
    """A table in Markdown."""
    header = [*header]
    return '\n'.join('| ' + ' | '.join(map(str, line)) + ' |' for line in (header, ['---'] * len(header), *lines))
