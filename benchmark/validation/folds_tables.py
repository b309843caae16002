"""Tables of cross-validations."""

from __future__ import annotations

from typing import Any

from .folds import RULES
from .markdown import Rows, markdown_table, marked, short

ERROR, POWER, INFORMATION = 'folds: error', 'folds: power', 'folds: information'


def _cells(rows: Rows) -> list[dict[str, Any]]:
    """What tells cells apart, in the order of the plan."""
    keys = ('source', 'repeats', 'folds', 'size', 'seed_spread')
    return [dict(zip(keys, values, strict=True))
            for values in dict.fromkeys(tuple(row[key] for key in keys) for row in rows.rows)]


def folds_table(every: Rows, study: str = ERROR) -> str:
    """One line per cell, one column per rule; first the variance of the estimate over that of persons."""
    rows = Rows(every.pick(study=study))
    lines = []
    for cell in _cells(rows):
        here = Rows(rows.pick(**cell))
        lines.append([cell['source'], f'{cell["repeats"]} x {cell["folds"]}', cell['size'], f'{cell["seed_spread"]:g}',
                      f'{here.rows[0]["ratio"]:.2f}',
                      *((marked if study == ERROR else _plain)(here.pick(test=rule)) for rule in RULES)])
    return markdown_table(['networks', 'design', 'training set', 'seeds', 'variance ratio', *RULES], lines)


def folds_power_table(every: Rows) -> str:
    """Power where a test that knew the variance would have 80 %."""
    return folds_table(every, POWER)


def information_table(every: Rows) -> str:
    """One line per size and way: information over that of 5 x 5 folds, power, and type-I error."""
    rows = Rows(every.pick(study=INFORMATION))
    lines = []
    for row in rows.rows:
        error = every.pick(study=f'{INFORMATION}, error', size=row['size'], test=row['test'])
        lines.append([row['size'], row['test'], f'{row["ratio"]:.2f}', short(row['rate']), marked(error)])
    return markdown_table(['training set', 'design', 'information', 'power', 'type-I error'], lines)


def _plain(rows: list[dict[str, Any]]) -> str:
    return short(rows[0]['rate']) if rows else '-'
