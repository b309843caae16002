"""The scores of every image of a results table, of which all endpoints are means."""

from __future__ import annotations

import numpy as np
import pandas as pd

from .arrays import Floats, Integers
from .endpoints import Rates, auc_scores, failures, successes
from .errors import TableError
from .keys import one_key
from .measures import ERRORS, FAILURES, Measures, column_of, metric_column
from .scale import isotropic

RUN = ['condition', 'method', 'seed']


def image_scores(table: pd.DataFrame, threshold: float | None, rates: Rates | None = None,
                 measures: Measures = ERRORS) -> pd.DataFrame:
    """Scores of every image of every run.

    Args:
        table: A validated results table (see :func:`benchmark.statistics.table.validate`).
        threshold: t, in the unit of the errors; None: scores without one.
        rates: The success detection rates that are asked for.
        measures: The endpoints.

    Returns:
        One row per condition, method, seed and image, with ``n_landmarks`` and one column per endpoint that
        the table allows. Where one landmark of an image lacks a value (NaN), the image's score is NaN.
    """
    starts, groups = _groups(table)
    sizes = np.diff([*starts, len(table)])
    error = table['error'].to_numpy(np.float64)

    def per_image(values: Floats) -> Floats:
        return np.add.reduceat(values, starts) / sizes

    scores = groups.copy()
    scores['n_landmarks'] = sizes
    scores[measures.primary] = per_image(error)
    if measures.scores:
        for one in measures.scores[1:]:
            scores[one.name] = per_image(table[column_of(one.name)].to_numpy(np.float64))
        if threshold is not None:
            sign = 1 if measures.lower(measures.primary) else -1
            scores[FAILURES] = failures(sign * scores[measures.primary].to_numpy(), sign * threshold)
        return scores
    assert threshold is not None
    if 'landmark' in table.columns:
        scores['ME_printed'] = np.sqrt(np.add.reduceat(error**2, starts)) / sizes
    scores['FR'] = failures(scores['ME'].to_numpy(), threshold)
    scores['AUC'] = auc_scores(scores['ME'].to_numpy(), threshold)
    if 'normalizer' in table.columns:
        scores['NME'] = per_image(isotropic(table) / table['normalizer'].to_numpy(np.float64))
    for column, endpoint in (('error_photo', 'ME_photo'), ('error_input', 'ME_input'), ('error_mm', 'ME_mm')):
        if column in table.columns:
            scores[endpoint] = per_image(table[column].to_numpy(np.float64))
    for name in measures.metrics:
        scores[name] = per_image(table[metric_column(name)].to_numpy(np.float64))
    if rates is not None:
        for endpoint, success in rates.names.items():
            scores[endpoint] = per_image(successes(table[rates.column].to_numpy(np.float64), success))
    return scores


def _groups(table: pd.DataFrame) -> tuple[Integers, pd.DataFrame]:
    """First row of each image of each run, and these rows' keys. The table is sorted by them."""
    keys = [*RUN, 'image']
    if absent := [key for key in keys if key not in table.columns]:
        raise TableError(f'the table has no column {absent[0]}: pass it through benchmark.statistics.validate first')
    steps = np.diff(one_key(table, keys))
    if (steps < 0).any():
        raise TableError('the table is not in its canonical order: pass it through benchmark.statistics.validate first')
    new = np.append(True, steps > 0)
    starts = np.flatnonzero(new)
    return starts, table.iloc[starts][keys].reset_index(drop=True)
