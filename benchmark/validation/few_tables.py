"""Tables of families at one look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .few import SIZES, TODAY
from .markdown import Rows, markdown_table, short, span
from .procedures import FORMER
from .squares import EQUAL

ERRORS, COVERAGE, POWER = 'families at one look', 'joint coverage at one look', 'power at one look'


def _lines(every: Rows, study: str) -> Iterable[tuple[list[str], Rows]]:
    """Design and seeds, and the rows of each; equal numbers of seeds first."""
    found = every.pick(study=study)
    keys = dict.fromkeys((row['design'], row['seeds'], row['others']) for row in found)
    for design, seeds, others in sorted(keys, key=lambda key: (key[1] != key[2], key)):
        text = str(seeds) if seeds == others else f'{seeds} against {others}'
        yield [design, text], Rows([row for row in found if (row['design'], row['seeds'], row['others'])
                                    == (design, seeds, others)])


def _span(rows: Iterable[dict[str, Any]]) -> str:
    """Lowest and highest rate, in bold where one isn't where it has to be."""
    rows = [*rows]
    text = span(row['rate'] for row in rows)
    return f'**{text}**' if any(row['ours'] and not row['inside'] for row in rows) else text


def family_table(every: Rows) -> str:
    """Family-wise errors: one line per design and numbers of seeds, three columns per size of the family."""
    lines = []
    for key, here in _lines(every, ERRORS):
        for size in SIZES:
            ours = here.pick(size=size, test=TODAY)
            key += [_span(here.pick(size=size, test=FORMER)), _span(row for row in ours if row['world'] == EQUAL),
                    _span(row for row in ours if row['world'] != EQUAL)]
        lines.append(key)
    columns = (f'{size}: {name}' for size in SIZES for name in ('former', 'today, equal', 'today, unequal'))
    return markdown_table(['design', 'seeds', *columns], lines)


def price_table(every: Rows) -> str:
    """Joint coverage, and power where the former rule has 80 %: one line per design and numbers of seeds."""
    joint = {tuple(key): _span(here.rows) for key, here in _lines(every, COVERAGE)}
    lines = []
    for key, here in _lines(every, POWER):
        line = [*key, joint.get(tuple(key), '-')]
        for size in SIZES:
            before = {_cell(row): row['rate'] for row in here.pick(size=size, test=FORMER)}
            ratios = [row['rate'] / before[_cell(row)] for row in here.pick(size=size, test=TODAY)]
            line.append(f'{min(ratios):.2f}-{max(ratios):.2f}')
        lines.append(line)
    return markdown_table(['design', 'seeds', 'joint coverage', *(f'{size}: power' for size in SIZES)], lines)


def _cell(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[key] for key in ('design', 'seeds', 'others', 'images', 'seed_sd', 'world'))


def above_table(every: Rows) -> str:
    """Every family-wise error of today's rule above its bound: one line per design, seeds and size."""
    lines = []
    for key, here in _lines(every, ERRORS):
        for size in SIZES:
            found = [f'{row["images"]} {row["seed_sd"]:.2f} {row["world"]}: {short(row["rate"])}'
                     for row in here.pick(size=size, test=TODAY) if not row['inside']]
            if found:
                lines.append([*key, size, '; '.join(found)])
    return markdown_table(['design', 'seeds', 'contrasts', 'N, seed sd, whose seeds vary more: value'], lines)
