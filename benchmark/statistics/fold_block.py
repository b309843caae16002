"""What a reader has to know of a cross-validation: its folds, the rule, and how often the rule errs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from .errors import TableError
from .fold_tables import FOLD
from .folds import inflation
from .options import Options
from .scores import Scores
from .terms import CROSS_VALIDATION

#: Repetitions and folds -> lowest and highest rate at which equal procedures were called different at a nominal 5 %, in
#: simulated cross-validations of 60 images of 30 persons (docs/validation.md, Cross-validation by person).
LEVELS: Mapping[tuple[int, int], tuple[float, float]] = {
    (5, 5): (0.004, 0.080), (1, 10): (0.006, 0.058), (1, 5): (0.007, 0.052)}
#: Rates that the page names nothing of.
RIGHT = (0.03, 0.07)


def declared_design(options: Options, table: pd.DataFrame, choices: Mapping[str, Any]) -> Options:
    """The declared analysis, with the design of a cross-validation where the table or the declaration says so.

    Raises:
        TableError: A design or looks were declared, which a cross-validation does not have.
    """
    if FOLD not in table.columns and options.folds is None:
        return options
    if choices.get('design') is not None:
        raise TableError(f'design: {choices["design"]} is a design of seeds, and this is a cross-validation; leave it '
                         'out')
    if options.sequential is not None:
        raise TableError('sequential: looks add seeds, and repetitions of a cross-validation draw on the same persons '
                         'again; leave it out')
    return replace(options, design=CROSS_VALIDATION)


def fold_block(scores: Scores, notes: list[str]) -> dict[str, Any] | None:
    """The cross-validation of the main condition; None where there is none.

    Args:
        scores: The condition's scores.
        notes: Gets the rate of errors where that is outside of what is right, or not known.

    Returns:
        Folds, repetitions, the factor of the variance, sizes, the simulated ``level``, and ``assigned``: for each
        repetition of the first method the fold of each of the ``units``; null where the table does not say it.
    """
    folds = scores.folds
    if folds is None:
        return None
    repeats = max(map(len, scores.seeds.values()))
    level = LEVELS.get((repeats, folds))
    notes.append(_level(repeats, folds, level))
    found: dict[str, Any] = {
        'n_folds': folds, 'repetitions': repeats, 'factor': inflation(folds),
        'level': None if level is None else {'low': level[0], 'high': level[1]}, 'shared': None, 'sizes': None,
        'units': scores.unit_names(scores.primary), 'assigned': None}
    if scores.fold_of:
        every = [*scores.fold_of.values()]
        first = every[0]
        found |= {'shared': all(np.array_equal(first, one) for one in every[1:]),
                  'sizes': [[int((row == one).sum()) for one in range(folds)] for row in first],
                  'assigned': _by_unit(scores, first).tolist()}
    return found


def _by_unit(scores: Scores, fold: Any) -> Any:
    """The fold of each unit, shape (S, N); images of a subject are in one fold."""
    fold = fold[:, scores.kept[scores.primary]]
    if scores.subjects is None:
        return fold
    _, first = np.unique(scores.subjects[scores.kept[scores.primary]], return_index=True)
    return fold[:, first]


def _level(repeats: int, folds: int, level: tuple[float, float] | None) -> str:
    """How often the tests of procedures err in such a cross-validation."""
    design = f'{repeats} x {folds} folds'
    if level is None:
        known = ', '.join(f'{one} x {two}' for one, two in LEVELS)
        return (f'How often the tests err with {design} was not simulated; with {known} folds of 60 images they called '
                f'equal procedures different in {_percent(min(low for low, _ in LEVELS.values()))} to '
                f'{_percent(max(high for _, high in LEVELS.values()))} of simulated suites, at a nominal 5 %.')
    low, high = level
    ways = (['where the training set matters little they find less than they could'] * (low < RIGHT[0])
            + ['where it matters much they err too often'] * (high > RIGHT[1]))
    where = f': {", and ".join(ways)}' if ways else ''
    return (f'In simulations of {design} of 60 images of 30 persons the tests called equal procedures '
            f'different in {_percent(low)} to {_percent(high)} of suites, at a nominal 5 %{where}.')


def _percent(rate: float) -> str:
    return f'{100 * rate:.1f} %'
