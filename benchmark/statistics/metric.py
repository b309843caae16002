"""Metrics of one's own: a class in a file says one number per image, which becomes an endpoint beside those of errors.

It is computed for each run from what the results table has of its images and landmarks, and goes the way of the mean
error from there: contrasts, ranks of its means, figures, tables, LaTeX.
"""

from __future__ import annotations

import copy
import importlib.util
import re
import warnings
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd

from .arrays import Floats
from .endpoints import ENDPOINTS, TESTED, Endpoint, is_rate
from .errors import TableError
from .fold_tables import FOLD, REPETITION
from .measures import ERRORS, HIGHER, LOWER, MOST_DECIMALS, Measures, metric_column
from .per_image import RUN
from .score_columns import SCORES
from .table import COORDINATES, KEYS, NAMES, NUMBERS
from .untrained import COLUMN as TRAINED

METRICS: dict[str, type[Metric]] = {}
#: Where a table carries the metrics that are asked for.
WANTED = 'metrics'
NAME = re.compile(r'[A-Za-z][\w-]*')
#: The landmark of a table without landmarks.
WHOLE = 'image'
#: Columns of tables and of scores, which a metric would overwrite or be taken for.
COLUMNS = frozenset((*KEYS, *NAMES, *NUMBERS, FOLD, REPETITION, 'look', TRAINED, 'n_landmarks'))


@dataclass(frozen=True)
class Run:
    """What one run says of its N images and K landmarks; NaN where an image has not a landmark.

    Each metric gets arrays of its own, so that what one writes into them no other sees.

    Attributes:
        method: Its method.
        condition: Its condition.
        seed: Its seed.
        images: Names, N.
        landmarks: Names, K.
        error: Errors in the unit of the table, (N, K).
        predicted: Positions, (N, K, 2): x and y; None where the table has none.
        true: Annotated positions, likewise.
        columns: Further columns of numbers, such as ``error_mm``, ``normalizer`` and ``score``: (N, K).
    """

    method: str
    condition: str
    seed: int
    images: tuple[str, ...]
    landmarks: tuple[str, ...]
    error: Floats
    predicted: Floats | None
    true: Floats | None
    columns: dict[str, Floats]


class Metric(ABC):
    """A number per image.

    Attributes:
        name: Its short name, over columns and in ``--margin``: letters, digits, ``_`` and ``-``.
        label: What it is, in a few words.
        unit: Of its values; None: that of the errors; empty: none.
        better: ``lower`` or ``higher``.
        decimals: With which it is written.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    unit: ClassVar[str | None] = None
    better: ClassVar[str] = LOWER
    decimals: ClassVar[int] = 3

    @abstractmethod
    def images(self, run: Run) -> Floats:
        """One number per image of a run, shape (N,)."""


def register(metric: type[Metric]) -> type[Metric]:
    """Make a metric known.

    Raises:
        TableError: A name that is taken, that of a column or none, a unit that is no text, an unknown direction, or
            decimals that can't be meant.
    """
    who, name = f'metric {metric.__name__}', getattr(metric, 'name', None)
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise TableError(f'{who}: name {name!r}; give letters, digits, _ and -, a letter first')
    if name in ENDPOINTS or is_rate(name) or name in METRICS:
        raise TableError(f'{who}: the name {name} is taken; choose another')
    if name in COLUMNS:
        raise TableError(f'{who}: the name {name} is that of a column of tables; choose another')
    if not isinstance(getattr(metric, 'label', None), str):
        raise TableError(f'{who}: no label; say in a few words what it is')
    if metric.unit is not None and not isinstance(metric.unit, str):
        raise TableError(f"{who}: unit is {metric.unit!r}; give a text, '' for none, or None for that of the errors")
    if metric.better not in (LOWER, HIGHER):
        raise TableError(f'{who}: better is {metric.better!r}; give {LOWER!r} or {HIGHER!r}')
    if not isinstance(metric.decimals, int) or not 0 <= metric.decimals <= MOST_DECIMALS:
        raise TableError(f'{who}: decimals is {metric.decimals!r}; give a whole number from 0 to {MOST_DECIMALS}')
    METRICS[name] = metric
    return metric


def load(path: str | Path) -> list[str]:
    """Executes a user's file, which registers metrics.

    Returns:
        Their names.

    Raises:
        TableError: No such file, one that fails, or one that registers none.
    """
    path, before = Path(path), set(METRICS)
    if not path.is_file():
        raise TableError(f'--metric: {path}: no such file; give a Python file with a class that @register registers')
    spec = importlib.util.spec_from_file_location(f'metric_{path.stem}', path)
    if spec is None or spec.loader is None:
        raise TableError(f'--metric: {path}: no Python file; its name ends in .py')
    try:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
    except (Exception, SystemExit) as error:
        said = f'{error}' if isinstance(error, TableError) else _said(error)
        raise TableError(f'--metric: {path}: {said}') from error
    added = [name for name in METRICS if name not in before]
    if not added:
        raise TableError(f'--metric: {path}: no metric is registered there; write @register above its class')
    return added


def ask(table: pd.DataFrame, files: Sequence[Path]) -> None:
    """Notes the metrics of files with the table; a file that is given twice is read once.

    Raises:
        TableError: See :func:`load`; or the table has scores in the place of errors.
    """
    if table.attrs.get(SCORES):
        raise TableError('--metric: is computed of errors, and the table has scores; leave it or --score out')
    once = {Path(path).resolve(): path for path in files}
    table.attrs[WANTED] = tuple(name for path in once.values() for name in load(path))


def measures_with(names: Sequence[str]) -> Measures:
    """The endpoints of errors, and these metrics after them."""
    about = {name: _endpoint(METRICS[name]) for name in names}
    return replace(ERRORS, about={**ENDPOINTS, **about}, tested=(*TESTED, *names), metrics=tuple(names))


def _endpoint(metric: type[Metric]) -> Endpoint:
    said = f'Mean over images: {metric.label.rstrip(".")}. Computed by {metric.__name__}.'
    return Endpoint(metric.name, metric.label, said, metric.better, metric.unit, decimals=metric.decimals,
                    shown=metric.unit, difference=metric.unit)


def with_metrics(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The table with a column for each metric: the image's value in each of its rows.

    Raises:
        TableError: A metric that fails, or gives another length or what is no number for an image that is all there.
    """
    found = {name: pd.Series(np.nan, index=table.index) for name in names}
    for key, rows in table.groupby(RUN, sort=False, observed=True) if names else ():
        run = _run(rows, *key)
        place = pd.Categorical(rows['image'], categories=run.images).codes
        for name in names:
            found[name].loc[rows.index] = _values(METRICS[name], run)[place]
    return table.assign(**{metric_column(name): values for name, values in found.items()}) if names else table


def _run(rows: pd.DataFrame, condition: str, method: str, seed: int) -> Run:
    marks = rows['landmark'].astype(str) if 'landmark' in rows.columns else pd.Series(WHOLE, index=rows.index)
    images, landmarks = tuple(dict.fromkeys(rows['image'])), tuple(dict.fromkeys(marks))
    place = (pd.Categorical(rows['image'], categories=images).codes,
             pd.Categorical(marks, categories=landmarks).codes)
    numbers = [name for name in rows.columns if name != 'seed' and pd.api.types.is_float_dtype(rows[name])]
    grids = {}
    for name in numbers:
        grids[str(name)] = np.full((len(images), len(landmarks)), np.nan)
        grids[str(name)][place] = rows[name].to_numpy(np.float64)
    points = [np.stack([grids[x], grids[y]], axis=-1) if {x, y} <= set(grids) else None
              for x, y in (COORDINATES[:2], COORDINATES[2:])]
    return Run(str(method), str(condition), int(seed), images, landmarks, grids['error'], points[0], points[1],
               {name: grid for name, grid in grids.items() if name not in ('error', *COORDINATES)})


def _values(metric: type[Metric], run: Run) -> Floats:
    """A metric of a run, shape (N,)."""
    where = f'metric {metric.name}: {run.method}, {run.condition}, seed {run.seed}'
    # A prediction that is missing has no error, and so no metric; all others must have one.
    there = np.isfinite(run.error).any(axis=1) & ~_gaps(run)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', RuntimeWarning)  # of images without a prediction; what comes is looked at
            values = np.asarray(metric().images(copy.deepcopy(run)), np.float64)
    except (Exception, SystemExit) as error:
        raise TableError(f'{where}: {_said(error)}') from error
    if values.shape != (len(run.images),):
        raise TableError(f'{where}: gives shape {values.shape} for {len(run.images)} images; give one number per image')
    if (wrong := there & ~np.isfinite(values)).any():
        image = run.images[int(np.flatnonzero(wrong)[0])]
        more = f' ({int(wrong.sum()) - 1} more images)' if wrong.sum() > 1 else ''
        raise TableError(f'{where}: gives {values[wrong][0]} for image {image}{more}; give a number for each image, '
                         'and pass over landmarks that are NaN')
    return np.where(np.isfinite(values), values, np.nan)


def _said(error: BaseException) -> str:
    """An exception in one line."""
    return f'{type(error).__name__}: {" ".join(str(error).split())}'.removesuffix(': ')


def _gaps(run: Run) -> np.ndarray:
    """Images of which an annotated landmark has no error: shape (N,)."""
    if run.true is None:
        return np.zeros(len(run.images), bool)
    return np.asarray((np.isfinite(run.true).all(-1) & ~np.isfinite(run.error)).any(axis=1))
