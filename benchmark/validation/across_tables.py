"""Tables of several data sets."""

from __future__ import annotations

from typing import Any

from .across import ERROR, HIGGINS, OURS, POWER, PREDICTION, RULES, THESE
from .markdown import Rows, markdown_table, marked, short

KEYS = ('data_sets', 'seeds', 'sizes', 'tau')


def across_table(every: Rows, study: str = ERROR) -> str:
    """One line per cell, one column per rule."""
    lines = []
    for cell in _cells(every, study):
        rates = [every.pick(study=study, test=rule, **cell) for rule in RULES]
        if study == ERROR:
            shown = [marked(rows) if rows else '-' for rows in (*rates, every.pick(study=study, test=THESE, **cell))]
        else:
            shown = [short(rows[0]['rate']) if rows else '-' for rows in rates]
        lines.append([cell['data_sets'], cell['seeds'], cell['sizes'], f'{cell["tau"]:.2f}', *shown])
    return markdown_table(['K', 'S', 'images', 'tau', *RULES, *([THESE] if study == ERROR else [])], lines)


def across_power_table(every: Rows) -> str:
    """Power where a test that knew all variances would have 80 %."""
    return across_table(every, POWER)


def prediction_table(every: Rows) -> str:
    """How often a new data set's true difference lies in its interval: one line per K, S and images."""
    cells = _cells(every, PREDICTION)
    taus = sorted({cell['tau'] for cell in cells})
    lines = []
    for key in dict.fromkeys(tuple(cell[name] for name in KEYS[:3]) for cell in cells):
        here = dict(zip(KEYS[:3], key, strict=True))
        lines.append([*key, *(marked(every.pick(study=PREDICTION, test=test, tau=tau, **here))
                              for test in (OURS[0], HIGGINS) for tau in taus)])
    return markdown_table(['K', 'S', 'images', *(f'{test}, tau {tau:.2f}' for test in (OURS[0], HIGGINS)
                                                 for tau in taus)], lines)


def _cells(every: Rows, study: str) -> list[dict[str, Any]]:
    """What tells cells apart, in the order of the plan."""
    return [dict(zip(KEYS, values, strict=True))
            for values in dict.fromkeys(tuple(row[key] for key in KEYS) for row in every.pick(study=study))]
