"""Measurements in the rows of a results table: predicted and annotated values, where all runs have them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmark.utils.measurement import Measurement, read

from .angles import unwrapped
from .arrays import Floats, Masks
from .endpoints import in_millimetres
from .errors import TableError
from .measurements import value
from .scores import Scores
from .table import COORDINATES

#: Images below which nothing is said of a measurement.
FEWEST = 3


@dataclass(frozen=True)
class Taken:
    """A measurement's values in the N images of which every run has one.

    Attributes:
        images: Names of the images.
        kept: Which of all images they are.
        predicted: Method -> values, shape (S, N).
        true: Method -> annotated values beside them, shape (S, N).
        seen: Predictions that have all its landmarks.
        coincide: Those of them without a value, since two of its points are one.
        missing: Method -> predictions of all images that have no value, for whatever reason.
    """

    images: list[str]
    kept: Masks
    predicted: dict[str, Floats]
    true: dict[str, Floats]
    seen: int
    coincide: int
    missing: dict[str, int]


def declared_ones(measurements: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, Measurement]]:
    """Each declared measurement by name.

    Raises:
        TableError: One of the plan can't be meant.
    """
    for name, declared in measurements.items():
        try:
            yield name, read(declared)
        except ValueError as error:
            raise TableError(f'field data.measurements: {name}: {error}; correct metainfo.json') from None


def taken(rows: pd.DataFrame, what: Measurement, scale: Mapping[str, float] | None, scores: Scores) -> Taken:
    """Values of a measurement in every run.

    Args:
        rows: With coordinates.
        what: What is measured.
        scale: From :func:`pixel_sizes`.
        scores: Images, methods and seeds.
    """
    frame = measured(rows, what, scale)
    seen, coincide = len(frame), int(frame['predicted'].isna().sum())
    frame = frame.dropna()
    runs = sum(map(len, scores.seeds.values()))
    complete = frame.groupby('image', observed=True).size()
    images = sorted(complete.index[complete == runs])
    counts = frame.groupby('method', observed=True).size()
    missing = {method: len(seeds) * len(scores.images) - int(counts.get(method, 0))
               for method, seeds in scores.seeds.items()}
    frame = frame[frame['image'].isin(set(images))].sort_values(['method', 'seed', 'image'])
    own = {method: frame[frame['method'] == method] for method in scores.seeds}
    predicted, true = ({method: own[method][kind].to_numpy(np.float64).reshape(len(seeds), len(images))
                        for method, seeds in scores.seeds.items()} for kind in ('predicted', 'true'))
    return Taken(images, np.isin(np.array(scores.images, dtype=object), images), predicted, true, seen, coincide,
                 missing)


def measured(rows: pd.DataFrame, what: Measurement, scale: Mapping[str, float] | None) -> pd.DataFrame:
    """Predicted and annotated values of a measurement, a row per method, seed and image that has all its landmarks.

    Args:
        rows: With coordinates.
        what: What is measured.
        scale: Millimetres per pixel of each image, or None.
    """
    keys = ['method', 'seed', 'image']
    tables = [rows[rows['landmark'] == name].set_index(keys)[[*COORDINATES]] for name in what.landmarks]
    both = pd.concat(tables, axis=1, join='inner', keys=what.landmarks)
    frame = both.index.to_frame(index=False)
    size = frame['image'].map(scale).to_numpy(np.float64) if scale else 1.0
    values = [value(what, {name: both[name][[x, y]].to_numpy(np.float64) for name in what.landmarks}, size)
              for x, y in (('x', 'y'), ('x_true', 'y_true'))]
    known = ~np.isnan(values).any(axis=0)
    if what.turns and known.any():
        values[0][known], values[1][known] = unwrapped(values[0][known], values[1][known])
    for one in values:
        one[~known] = np.nan
    return frame.assign(predicted=values[0], true=values[1])


def pixel_sizes(rows: pd.DataFrame, unit: str) -> tuple[dict[str, float] | None, str]:
    """Millimetres per unit of the coordinates of each image, of errors that are known in both; None where none are.

    Args:
        rows: With coordinates.
        unit: Of the errors: where it is the millimetre they are taken if there is no column ``error_mm``.

    Returns:
        Image -> its scale, and the unit of lengths.
    """
    column = 'error' if 'error_mm' not in rows.columns and in_millimetres(unit) else 'error_mm'
    if column not in rows.columns or rows[column].isna().any():
        return None, 'image px'
    distance = np.hypot(rows['x'] - rows['x_true'], rows['y'] - rows['y_true'])
    totals = pd.DataFrame({'image': rows['image'], 'mm': rows[column], 'px': distance}).groupby(
        'image', observed=True).sum()
    if (totals['px'] <= 0).any():
        return None, 'image px'
    return (totals['mm'] / totals['px']).to_dict(), 'mm'
