"""Success detection rates: how many landmarks are found to within a distance, as cephalometry reports it.

S: seeds, N: images, K: landmarks, d[s,i,k]: error, u: a success threshold. The rate is a mean over images of a share,

    SDR_u = mean over s and i of (number of k with d[s,i,k] <= u) / (number of k of image i),

so that it has the crossed intervals and tests of any other endpoint. Where all images have the same landmarks it is the
share of landmarks x images of Wang et al. (2016). A missing prediction that counts as a failure is no success at any
threshold; without a cap its image is left out, as for every endpoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .arrays import Floats, Masks
from .contrasts import contrasts
from .endpoints import Rates, in_millimetres, successes
from .options import SUCCESS_MM, Options
from .scores import Scores
from .sequential.repeated import Looked
from .terms import RATES


def which_rates(table: pd.DataFrame, options: Options, notes: list[str]) -> Rates | None:
    """The success detection rates that the plan asks for and the table allows.

    Args:
        table: The results table, all conditions.
        options: Thresholds and the unit of the errors.
        notes: A sentence is appended where declared rates can't be computed.

    Returns:
        None where there are none: errors neither in millimetres nor with declared thresholds, or no landmarks.
    """
    own = in_millimetres(options.unit)
    known = not own and 'error_mm' in table.columns and bool(table['error_mm'].notna().any())
    thresholds = options.success
    if thresholds is None:
        thresholds = SUCCESS_MM if own or known else ()
    if not thresholds:
        return None
    if 'landmark' not in table.columns:
        if options.success:
            notes.append('Success detection rates count landmarks, and the table has none: each row is a whole image.')
        return None
    return Rates(thresholds, 'error_mm', 'mm') if known else Rates(thresholds, 'error', options.unit)


@dataclass(frozen=True)
class RadialErrors:
    """Errors of one condition, landmark by landmark.

    Attributes:
        landmarks: K names, sorted; one without a name where each row is a whole image.
        expected: Which landmarks an image has in any run, shape (N, K).
        errors: Method -> errors, shape (S, N, K); NaN where there is no row or no number.
    """

    landmarks: list[str]
    expected: Masks
    errors: dict[str, Floats]

    def filled(self, method: str, scores: Scores, options: Options, column: str) -> Floats:
        """Errors with predictions that are missing counted as the endpoints count them: the whole image as the cap.

        A cap is in the unit of the errors; in millimetres such an image has none.
        """
        values = self.errors[method]
        if method not in scores.absent:
            return values
        cap = np.nan if options.missing_cap is None or column != 'error' else options.missing_cap
        return np.where(scores.absent[method][:, :, None] & self.expected, cap, values)


def radial_errors(rows: pd.DataFrame, scores: Scores, column: str) -> RadialErrors:
    """Errors as arrays.

    Args:
        rows: The condition's rows.
        scores: Its scores: the images and seeds are those.
        column: ``error`` or ``error_mm``.
    """
    rows = rows[rows['image'].isin(set(scores.images))]
    names = rows['landmark'] if 'landmark' in rows.columns else pd.Series('', index=rows.index)
    landmark, landmarks = pd.factorize(names, sort=True)
    image = pd.Index(scores.images).get_indexer(rows['image'])
    expected = np.zeros((len(scores.images), len(landmarks)), dtype=bool)
    expected[image, landmark] = True
    value, found = rows[column].to_numpy(np.float64), {}
    for method, seeds in scores.seeds.items():
        own = (rows['method'] == method).to_numpy()
        seed = pd.Index(seeds).get_indexer(rows['seed'][own])
        found[method] = np.full((len(seeds), *expected.shape), np.nan)
        found[method][seed, image[own], landmark[own]] = value[own]
    return RadialErrors([*map(str, landmarks)], expected, found)


def success(rows: pd.DataFrame, scores: Scores, condition: str, pairs: Sequence[tuple[str, str]], rates: Rates | None,
            options: Options, looked: Looked | None = None) -> dict[str, Any] | None:
    """What stands beside the rates, which are endpoints like others.

    Args:
        rows: The main condition's rows.
        scores: Its scores.
        condition: Its name.
        pairs: Planned pairs.
        rates: The rates, or None.
        options: Level and cap.
        looked: Looks that were declared.

    Returns:
        ``unit``, ``thresholds``, ``endpoints`` (their names), ``mean`` (the mean radial error's endpoint), ``methods``:
        ``error_sd``, the SD over landmarks and images of a network's errors (ddof 1), averaged over seeds; and the
        planned ``contrasts`` of the rates: exploratory, adjusted by Holm within rate and scope. None without rates.
    """
    if rates is None or not scores.endpoints([*rates.names]):
        return None
    radial = radial_errors(rows, scores, rates.column)
    kept = scores.kept.get(rates.mean, np.zeros(len(scores.images), dtype=bool))
    return {
        'unit': rates.unit, 'thresholds': [*rates.thresholds], 'endpoints': [*rates.names], 'mean': rates.mean,
        'methods': {method: {'error_sd': spread(radial.filled(method, scores, options, rates.column)[:, kept])}
                    for method in scores.methods},
        'contrasts': contrasts(scores, condition, RATES, pairs, options, [*rates.names], looked),
    }


def spread(errors: Floats) -> float | None:
    """SD (ddof 1) over all but the first axis, of what is there, averaged over the first; None with fewer than two."""
    found = [row[np.isfinite(row)] for row in errors]
    if any(len(row) < 2 for row in found):
        return None
    return float(np.mean([row.std(ddof=1) for row in found]))


def landmark_rates(rows: pd.DataFrame, plain: RadialErrors, scores: Scores,
                   rates: Rates | None) -> dict[tuple[str, str], dict[str, float]]:
    """Rates landmark by landmark, and the mean in millimetres where the errors have another unit.

    Here only the landmark that lacks a prediction counts as missed, not its image.

    Args:
        rows: The main condition's rows.
        plain: Their errors in the unit of the errors.
        scores: Its scores.
        rates: The rates, or None.

    Returns:
        (method, landmark) -> ``SDR_u`` for each threshold, and ``mean_mm``.
    """
    if rates is None:
        return {}
    radial = plain if rates.column == 'error' else radial_errors(rows, scores, rates.column)
    missed = {method: plain.expected & np.isnan(errors) for method, errors in plain.errors.items()}
    shown = {name: {method: np.where(missed[method], 0.0, successes(errors, threshold))
                    for method, errors in radial.errors.items()} for name, threshold in rates.names.items()}
    if rates.column == 'error_mm':
        shown['mean_mm'] = radial.errors
    found: dict[tuple[str, str], dict[str, float]] = {}
    for name, arrays in shown.items():
        known = np.all([np.isfinite(values).all(axis=0) for values in arrays.values()], axis=0)
        for k, landmark in enumerate(radial.landmarks):
            for method, values in arrays.items():
                if known[:, k].any():
                    units = scores.by_unit(values[:, known[:, k], k], known[:, k])
                    found.setdefault((method, landmark), {})[name] = float(units.mean())
    return found
