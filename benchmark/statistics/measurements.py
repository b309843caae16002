"""Values of declared measurements: distances, angles, ratios, offsets, and sums of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from benchmark.utils.measurement import DISTANCE, LENGTH, OFFSET, RATIO, Classes, Measurement, Term, read

from .angles import angle
from .arrays import Floats, Integers
from .errors import TableError
from .layout import some
from .table import COORDINATES

#: Measurements that the user names for a table, beside those of its plan.
MEASURED = 'measurements'


def value(measurement: Measurement, points: Mapping[str, Floats], size: Floats | float = 1.0) -> Floats:
    """A measurement of each image.

    Args:
        measurement: What is measured.
        points: Landmark -> positions (..., 2), x to the right and y down, in units of one size.
        size: Of a length's unit, shape (...): what lengths are multiplied by.

    Returns:
        Shape (...); NaN where points coincide so that there is no such value.
    """
    total = sum(term.sign * _one(term, np.stack([points[name] for name in term.points], axis=-2))
                for term in measurement.terms)
    found: Floats = np.asarray(total) * (size if measurement.unit == LENGTH else 1.0)
    return found


def _one(term: Term, points: Floats) -> Floats:
    """A term's value of points (..., K, 2)."""
    points = np.asarray(points, np.float64)
    if term.kind not in (DISTANCE, RATIO, OFFSET):
        return angle(points, term.kind == 'signed')
    if term.kind == OFFSET:
        return _offset(points)
    first = np.hypot(*np.moveaxis(points[..., 1, :] - points[..., 0, :], -1, 0))
    if term.kind == DISTANCE:
        return np.asarray(first)
    second = np.hypot(*np.moveaxis(points[..., 3, :] - points[..., 2, :], -1, 0))
    return np.asarray(np.where(second > 0, first / np.where(second > 0, second, 1.0), np.nan))


def _offset(points: Floats) -> Floats:
    """Across the line from the second to the third of three points, or along the direction of the last two of four."""
    along = points[..., -1, :] - points[..., -2, :]
    length = np.hypot(along[..., 0], along[..., 1])
    if points.shape[-2] == 3:
        off = points[..., 0, :] - points[..., 1, :]
        found = along[..., 0] * off[..., 1] - along[..., 1] * off[..., 0]
    else:
        found = ((points[..., 1, :] - points[..., 0, :]) * along).sum(-1)
    return np.asarray(np.where(length > 0, found / np.where(length > 0, length, 1.0), np.nan))


def classify(values: Floats, what: Classes, turns: bool = False) -> Integers:
    """The place of each value's class.

    Args:
        values: Shape (...), without NaN.
        what: Names and bounds.
        turns: Whether values are angles of which 360 degrees more are the same: classes are of those from above -180 to
            180.
    """
    values = 180.0 - np.mod(180.0 - np.asarray(values, np.float64), 360.0) if turns else np.asarray(values, np.float64)
    over = [values >= bound if above else values > bound for bound, above in zip(what.bounds, what.above, strict=True)]
    found: Integers = np.stack(over).sum(axis=0)
    return found


def declare(table: pd.DataFrame, texts: Sequence[str]) -> None:
    """Notes measurements that are given as ``name=a,b,c,signed`` with the table.

    Raises:
        TableError: One that can't be meant, two of one name, a landmark that the table has not, or a table without
            coordinates.
    """
    there = set(map(str, table['landmark'].unique())) if 'landmark' in table.columns else set()
    if not there or not set(COORDINATES) <= set(table.columns):
        raise TableError('--measure: the table has no landmarks with x, y, x_true, y_true; leave it out')
    found = {}
    for text in texts:
        name, equals, words = text.partition('=')
        if not name.strip() or not equals:
            raise TableError(f'--measure {text}: give NAME=LANDMARK,LANDMARK,...')
        if name.strip() in found:
            raise TableError(f'--measure {text}: {name.strip()} is given twice; choose another name, or leave one out')
        declared = [word.strip() for word in words.split(',') if word.strip()]
        try:
            measurement = read(declared)
        except ValueError as error:
            raise TableError(f'--measure {text}: {error}') from None
        if unknown := [one for one in measurement.landmarks if one not in there]:
            raise TableError(f'--measure {text}: no landmark {unknown[0]}; there are {some(sorted(there), 40)}')
        found[name.strip()] = declared
    table.attrs[MEASURED] = found
