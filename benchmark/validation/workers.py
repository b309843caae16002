"""Runs studies, in one process or in several, with the same rows in the same order."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any

from benchmark.statistics.resampling import single_threaded

from .looking import World
from .model import Cell
from .plan import Effort, Folded, Several, Task
from .squares import Suite
from .studies import STUDIES


def run_one(task: tuple[str, Cell | Suite | World | Folded | Several, Effort]) -> list[dict[str, Any]]:
    """One study of one cell."""
    study, cell, effort = task
    with single_threaded():
        return STUDIES[study](cell, effort)


def simulate(tasks: list[Task], effort: Effort, workers: int = 1) -> list[dict[str, Any]]:
    """Rows of all tasks, in their order, whatever the number of workers."""
    given = [(study, cell, effort) for study, cell in tasks]
    if workers == 1:
        return [row for rows in counted(map(run_one, given), len(given)) for row in rows]
    with ProcessPoolExecutor(workers) as pool:
        return [row for rows in counted(pool.map(run_one, given), len(given)) for row in rows]


def counted(done: Iterable[Any], count: int) -> Iterator[Any]:
    """The same, and on a terminal how many of them there have been."""
    for number, one in enumerate(done, 1):
        if sys.stderr.isatty():
            print(f'{number} of {count}', end='\r', file=sys.stderr)
        yield one
