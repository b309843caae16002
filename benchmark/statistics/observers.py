"""How far annotators are from each other on measurements: what a method's agreement with the annotation is read beside.

Of a pair of annotators d[i] is the second's value minus the first's, from their positions (columns ``x_by_<name>``,
``y_by_<name>``; the reference annotation is ``x_true``, ``y_true``). One further annotator is compared with the
reference, several with each other. Annotators are fixed and images random, so bias, limits and ICC are those of a
method with one seed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from benchmark.utils.measurement import Measurement

from .agreement import bland_altman, icc
from .angles import unwrapped
from .arrays import Floats, Masks
from .crossed import Block, mean
from .errors import TableError
from .measured import FEWEST, declared_ones, pixel_sizes
from .measurements import value
from .options import Options
from .scores import Scores
from .table import COORDINATES, REFERENCE, X_BY, Y_BY, has_positions, of_annotators

#: Positions of an annotator that differ by more than this between runs are not one annotation.
SAME = 1e-6


@dataclass(frozen=True)
class Observed:
    """Values (N,) of a measurement by both annotators of a ``pair``, in the images ``kept`` among all."""

    pair: tuple[str, str]
    first: Floats
    second: Floats
    kept: Masks


def disagreement(rows: pd.DataFrame, scores: Scores, measurements: Mapping[str, Sequence[str]],
                 options: Options) -> list[dict[str, Any]]:
    """The annotators' own agreement on each measurement.

    Args:
        rows: The main condition's rows.
        scores: Its images.
        measurements: Name -> what is declared.
        options: Level, draws.

    Returns:
        An item for each measurement and pair of annotators: bias and limits of agreement, ICC, and ``off``, the mean
        distance of both values, with its interval. Empty without positions of further annotators.

    Raises:
        TableError: An annotator's position is not the same in all runs.
    """
    if not annotators_of(rows) or not has_positions(rows):
        return []
    rows = rows[rows['image'].isin(set(scores.images))]
    scale, _ = pixel_sizes(rows.dropna(subset=[*COORDINATES]), options.unit)
    items, rated = [], []
    for name, what in declared_ones(measurements):
        for one in observed(rows, what, scale, scores):
            if len(one.first) < FEWEST:
                continue
            first, second = (scores.by_unit(values[None], one.kept) for values in (one.first, one.second))
            far = mean(Block(scores.by_unit(np.abs(one.second - one.first)[None], one.kept)))
            low, high = map(float, far.interval(1 - options.alpha))
            items.append({'measurement': name, 'pair': [*one.pair], 'n_images': len(one.first),
                          'off': float(far.estimate), 'off_low': low, 'off_high': high,
                          **bland_altman(second, first[0], options.alpha)})
            rated.append(('', second, first[0]))
    return [{**item, 'icc': found} for item, found in zip(items, icc(rated, options), strict=True)]


def annotators_of(rows: pd.DataFrame) -> list[str]:
    """Names of the further annotators whose positions the table has."""
    return [name.removeprefix(X_BY) for name in of_annotators(rows.columns)
            if name.startswith(X_BY) and rows[name].notna().any()]


def observed(rows: pd.DataFrame, what: Measurement, scale: Mapping[str, float] | None,
             scores: Scores) -> list[Observed]:
    """A measurement's values by the annotators of each pair, in the images that both have annotated."""
    names = annotators_of(rows)
    columns = {REFERENCE: ('x_true', 'y_true')} | {name: (X_BY + name, Y_BY + name) for name in names}
    images = np.array(scores.images, dtype=object)
    size = np.array([scale.get(image, np.nan) for image in images]) if scale else 1.0
    values = {name: value(what, {landmark: _positions(rows, landmark, columns[name], images)
                                 for landmark in what.landmarks}, size) for name in columns}
    found = []
    for pair in combinations(names if len(names) > 1 else (REFERENCE, *names), 2):
        first, second = (values[name] for name in pair)
        kept = np.isfinite(first) & np.isfinite(second)
        first, second = first[kept], second[kept]
        if what.turns and kept.any():
            second, first = unwrapped(second, first)
        found.append(Observed(pair, first, second, kept))
    return found


def _positions(rows: pd.DataFrame, landmark: str, columns: tuple[str, str], images: Any) -> Floats:
    """Positions (N, 2) of a landmark, NaN where there is none; any run that has them will do."""
    own = rows[rows['landmark'] == landmark].groupby('image', observed=True)[[*columns]]
    if columns != COORDINATES[2:] and (unlike := ((own.max() - own.min()) > SAME).any(axis=1)).any():
        raise TableError(f'fields {columns[0]}, {columns[1]}: image {unlike.index[unlike][0]}, landmark {landmark}: '
                         'not the same in all runs; an annotation does not depend on method and seed: repeat it in '
                         'each of their rows')
    found: Floats = own.first().reindex(images).to_numpy(np.float64)
    return found
