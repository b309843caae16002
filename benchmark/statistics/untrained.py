"""Landmarks that a run was tested on and could not learn: kept in the table, left out of every error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from .alerts import alert
from .errors import TableError
from .layout import some

COLUMN = 'trained'


def learned(table: pd.DataFrame, labels: Mapping[str, str], alerts: list[dict[str, str]]) -> pd.DataFrame:
    """The rows of landmarks that all runs of their condition could learn.

    The heatmap of a landmark without any annotation in training is noise. It is left out of all runs of the condition,
    also of those whose draw of labels has it: methods and seeds are compared on the same landmarks.

    Args:
        table: The results table; ``trained`` is False in the rows of such landmarks, foreign tables may lack it.
        labels: Condition -> its name for readers.
        alerts: What is left out is appended.

    Raises:
        TableError: Nothing is left of a condition.
    """
    if COLUMN not in table.columns or 'landmark' not in table.columns or table[COLUMN].all():
        return table
    keys = [*zip(table['condition'], table['landmark'], strict=True)]
    lost = {key for key, trained in zip(keys, table[COLUMN], strict=True) if not trained}
    kept = table[[key not in lost for key in keys]]
    for condition, label in labels.items():
        rows = table[table['condition'] == condition]
        if names := sorted({name for one, name in lost if one == condition}):
            alerts.append(_said(rows, names, label if len(labels) > 1 else ''))
            if len(names) == rows['landmark'].nunique():
                raise TableError(f'condition {label}: no landmark of the test images is annotated in the training '
                                 'images of all runs; annotate some, or leave the condition out')
    sets = {labels.get(name, name): own['landmark'].nunique()
            for name, own in kept.groupby('condition', sort=False, observed=True)}
    if len(set(sets.values())) > 1:
        alerts.append(alert('landmarks never trained', 'The conditions are over different landmarks, which a '
                            'difference between conditions includes: '
                            + ', '.join(f'{count} under {label}' for label, count in sets.items()) + '.'))
    return kept


def _said(rows: pd.DataFrame, names: list[str], label: str) -> dict[str, str]:
    told = []
    runs = rows[['method', 'seed']].drop_duplicates()
    for name in names:
        own = rows[(rows['landmark'] == name) & ~rows[COLUMN]]
        lacking = own[['method', 'seed']].drop_duplicates()
        named = some([f'{method} seed {seed}' for method, seed in lacking.itertuples(index=False)], 3)
        which = 'any run' if len(lacking) == len(runs) else f'{len(lacking)} of {len(runs)} runs ({named})'
        told.append(f'{name} ({own["image"].nunique()} test images; in no training image of {which})')
    gone = rows['image'].nunique() - rows[~rows['landmark'].isin(names)]['image'].nunique()
    lost = f' {gone} test images have no other landmark and are left out with it.' if gone else ''
    return alert('landmarks never trained',
                 f'{f"{label}: " if label else ""}{some(told)} can\'t have been learned: left out of ME and of '
                 f'everything that rests on errors, in all runs.{lost}')


def apart(table: pd.DataFrame, kept: pd.DataFrame, condition: str) -> dict[str, dict[str, Any]]:
    """What :func:`learned` left out of a condition: landmark -> number of test images, and mean error by method."""
    if COLUMN not in table.columns or 'landmark' not in table.columns:
        return {}
    rows = table[table['condition'] == condition]
    rows = rows[~rows['landmark'].isin(set(kept.loc[kept['condition'] == condition, 'landmark']))]
    return {str(name): {'n_images': int(own['image'].nunique()),
                        'methods': own.groupby('method', observed=True)['error'].mean().astype(float).to_dict()}
            for name, own in rows.groupby('landmark', sort=True, observed=True)}
