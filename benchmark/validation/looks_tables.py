"""Tables of looking more than once."""

from __future__ import annotations

from typing import Any

from .looks import DECLARED, LATE, NAIVE, TIMES
from .markdown import Rows, markdown_table, short, span
from .model import ENDPOINTS

RULES = (NAIVE, DECLARED, LATE)
ERROR = 'error over all looks'


def _span(rows: list[dict[str, Any]]) -> str:
    """Lowest and highest rate, in bold where one isn't where it has to be."""
    text = span(row['rate'] for row in rows)
    return f'**{text}**' if any(row['ours'] and not row['inside'] for row in rows) else text


def looks_table(every: Rows) -> str:
    """Errors over all looks: one line per number of seeds, design and world, a column per size and rule."""
    chosen = Rows(every.pick(study=ERROR, tables=False))
    sizes = sorted(every.values('size', chosen.rows))
    lines = []
    for seeds, design, world in sorted({(row['seeds'], row['design'], row['world']) for row in chosen.rows},
                                       key=lambda key: (key[0], key[1], key[2] != 'equal')):
        here = Rows(chosen.pick(seeds=seeds, design=design, world=world))
        lines.append([f'3 to {seeds}', design, world,
                      *(_span(here.pick(size=size, test=test)) for size in sizes for test in RULES)])
    return markdown_table(['looks at', 'design', 'whose seeds vary more', *(
        f'{size}: {test}' for size in sizes for test in RULES)], lines)


def looked_table(every: Rows) -> str:
    """The same of one contrast from whole tables of scores: one line per design and errors, columns by endpoint."""
    chosen = Rows(every.pick(study=ERROR, tables=True))
    lines = []
    for design, errors in dict.fromkeys((row['design'], row['errors']) for row in chosen.rows):
        here = Rows(chosen.pick(design=design, errors=errors))
        lines.append([design, errors, *(_span(here.pick(endpoint=endpoint, test=test))
                                        for endpoint in ENDPOINTS for test in (NAIVE, DECLARED))])
    return markdown_table(['design', 'errors', *(
        f'{endpoint}: {test}' for endpoint in ENDPOINTS for test in (NAIVE, DECLARED))], lines)


def saved_table(every: Rows) -> str:
    """Trainings as a share of the fixed design's, and power of both: one line per world, a column per difference."""
    studies = ('trainings', 'power of looks', 'power of the fixed design')
    chosen = Rows(every.pick(study=studies))
    lines = []
    for key in dict.fromkeys((row['design'], row['images'], row['seed_sd'], row['size']) for row in chosen.rows):
        here = Rows(chosen.pick(**dict(zip(('design', 'images', 'seed_sd', 'size'), key, strict=True))))
        line = [key[0], key[1], f'{key[2]:.2f}', key[3]]
        for times in TIMES:
            trained, ours, fixed = (here.pick(study=study, times=times)[0]['rate'] for study in studies)
            line.append(f'{trained:.2f} ({_two(ours)}, {_two(fixed)})'.removeprefix('0'))
        lines.append(line)
    return markdown_table(['design', 'N', 'seed sd', 'contrasts', *(f'{times:g} x' for times in TIMES)], lines)


def stopped_table(every: Rows) -> str:
    """Estimates after a stop: one line per world."""
    studies = ('estimate above the truth', 'median-unbiased above the truth', 'coverage after a stop')
    chosen = Rows(every.pick(study=studies))
    lines = []
    for key in dict.fromkeys((row['design'], row['images'], row['seed_sd']) for row in chosen.rows):
        here = Rows(chosen.pick(**dict(zip(('design', 'images', 'seed_sd'), key, strict=True))))
        rates = [short(here.pick(study=study)[0]['rate']) for study in studies]
        lines.append([key[0], key[1], f'{key[2]:.2f}', *rates])
    return markdown_table(['design', 'N', 'seed sd', *studies], lines)


def outside_looks_table(every: Rows) -> str:
    """Every error over all looks of a declared plan that is outside of [.01, .07]."""
    lines = []
    for row in every.pick(study=ERROR, ours=True, inside=False):
        world = f'{row["images"]} {row["seed_sd"]:.2f} {row["world"]}'
        lines.append([f'3 to {row["seeds"]}', row['design'], row['endpoint'], row['errors'], row['test'], row['size'],
                      world, short(row['rate'])])
    return markdown_table(['looks at', 'design', 'endpoint', 'errors', 'spending', 'contrasts',
                           'N, seed sd, whose seeds vary more', 'error'], lines)


def _two(rate: float) -> str:
    return f'{rate:.2f}'.removeprefix('0') if rate < 0.995 else '1'
