"""Columns of scores in a results table: they take the place of ``error``, and of all that is measured with it."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd

from .errors import TableError
from .layout import some
from .measures import Score, column_of

#: Where a validated table carries its scores.
SCORES = 'scores'


def with_scores(frame: pd.DataFrame, scores: Sequence[Score], taken: Collection[str], named: Collection[str],
                where: str, notes: list[str]) -> pd.DataFrame:
    """The table with its primary score as ``error`` and further ones as :func:`.measures.column_of` names them.

    Args:
        frame: The table as it was read.
        scores: The columns, the primary one first.
        taken: Columns that mean something beside errors and are left out; those among ``scores`` are not.
        named: Columns of names and keys, which are no scores.
        where: Begins messages.
        notes: Gets a sentence on what is left out.

    Raises:
        TableError: A column is absent, there twice, or one of names.
    """
    columns = [str(name) for name in frame.columns]
    for one in scores:
        if one.name in named:
            raise TableError(f'{where}: column {one.name}: holds names, not scores; name a column of numbers')
        if one.name not in columns:
            others = [name for name in columns if name not in named]
            near = difflib.get_close_matches(one.name.lower(), [name.lower() for name in others], 1, 0.6)
            hint = [name for name in others if near and name.lower() == near[0]]
            ask = f'did you mean {hint[0]}?' if hint else f'there are {some(others, 12) or "no columns of numbers"}'
            raise TableError(f'{where}: no column {one.name}, which is named as a score; {ask}')
        if columns.count(one.name) > 1:
            raise TableError(f'{where}: column {one.name} occurs more than once; keep one of them')
    names = {one.name for one in scores}
    left = [name for name in frame.columns if name in taken and name not in names]
    if left:
        notes.append(f'{some([*map(str, left)])}: not read, as {scores[0].name} takes the place of errors.')
    places = {one.name: 'error' if place == 0 else column_of(one.name) for place, one in enumerate(scores)}
    return frame.drop(columns=left).rename(columns=places)


def sizes_of(table: pd.DataFrame, scores: Sequence[Score]) -> Mapping[str, float]:
    """The usual distance of each score from 0: the mean of its absolute values; NaN where there are none.

    Args:
        table: A validated table of scores.
        scores: Its columns, the primary one first.
    """
    found = {}
    for place, one in enumerate(scores):
        values = np.abs(table['error' if place == 0 else column_of(one.name)].to_numpy(np.float64))
        known = values[np.isfinite(values)]
        found[one.name] = float(known.mean()) if len(known) else float('nan')
    return found
