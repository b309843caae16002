"""Split-conformal regions: how far from a predicted landmark its annotation lies, of images that nobody has seen.

N: calibration images, n: their units (subjects; images where nobody knows subjects), m[i]: images of the unit of image
i, K: landmarks, e[i,k]: error, s[i,k]: scale, a[i,k] = e[i,k] / s[i,k], c: coverage. A landmark's region on a new image
of a new unit has the radius s q_k, where q_k is the smallest value for which

    sum of 1 / m[i] over the images with a[i,k] <= q_k  >=  c (n + 1),

and holds with a chance of at least c where units are exchangeable, whatever the network and the errors. With an image
a unit q_k is the ceil(c (n + 1))-th smallest of n values. Regions that hold for all landmarks of an image at once take
the image's largest a[i,k] for a[i,k]. (Vovk et al. 2005; several images a unit: Lee et al. 2023.)

The scale is 1, the plain distance, with fewer than ``LEARNING`` units. With as many, a third of them, drawn by their
names alone, calibrate nothing: on these log(e + ``FLOOR``) is regressed on landmark, log doubt and log spread, and s is
what that gives.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta

from .arrays import Floats, Integers, Masks

#: Units from which on the scale is learnt: 34 of 100 learn it, and 66 remain.
LEARNING = 100
#: Added to errors before their logarithm, in pixels of the input: argmax itself is off by that much.
FLOOR = 0.5
#: Added to doubt and to spread (pixels of the input) before their logarithms.
LEAST = (0.02, 0.5)
#: What of rounding is not taken for a rank more.
TINY = 1e-9


class TooFew(ValueError):
    """Units that can't promise a coverage; says how many could."""


@dataclass(frozen=True)
class Promise:
    """What a number of units can promise.

    Attributes:
        units: n.
        level: c.
        rank: Which of the n ordered values is the radius, from 1.
        low: 5 % of calibrations of this size give regions that hold less often than this.
        high: 5 % give regions that hold more often.
    """

    units: int
    level: float
    rank: int
    low: float
    high: float


def promise(units: int, level: float) -> Promise:
    """What n units promise: coverage, over calibrations, is Beta(rank, n + 1 - rank).

    Raises:
        TooFew: n units promise n / (n + 1) at most.
    """
    if not 0 < level < 1:
        raise ValueError(f'coverage is {level:g}; give one between 0 and 1, such as 0.9')
    rank = math.ceil(level * (units + 1) - TINY)
    if rank > units:
        # Down, so that the level that is named can be asked for.
        most = f'at most {math.floor(1000 * units / (units + 1)) / 10:g} %' if units else 'nothing'
        raise TooFew(f'{units} validation image{"s" * (units != 1)}, one a subject, can promise {most}; '
                     f'{100 * level:g} % takes {math.ceil(level / (1 - level) - TINY)}')
    low, high = beta.ppf([0.05, 0.95], rank, units + 1 - rank)
    return Promise(units, level, rank, float(low), float(high))


def quantile(values: Floats, units: Sequence[str] | Integers, level: float) -> float:
    """q of the values of images; infinite where it is one of a failed prediction.

    Args:
        values: Shape (N,), NaN where an image has none.
        units: Its unit, or the number of its unit, of each image.
        level: c.

    Raises:
        TooFew: Too few units have a value.
    """
    known = ~np.isnan(values)
    _, codes, sizes = np.unique(np.asarray(units)[known], return_inverse=True, return_counts=True)
    promise(len(sizes), level)
    order = np.argsort(values[known], kind='stable')
    reached = np.cumsum((1 / sizes[codes])[order]) >= level * (len(sizes) + 1) - TINY
    return float(values[known][order][np.argmax(reached)])


def learners(units: Sequence[str]) -> Masks:
    """Which images belong to the third of the units that learns the scale; none with fewer than ``LEARNING`` units."""
    names = sorted(set(units), key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    chosen = set(names[:math.ceil(len(names) / 3)] if len(names) >= LEARNING else ())
    return np.array([name in chosen for name in units], dtype=bool)


@dataclass(frozen=True)
class Regions:
    """Regions of new images, in the unit of the errors: pixels of the input.

    Attributes:
        each: q of each landmark, shape (K,); NaN where too few units have it.
        together: q of all landmarks of an image at once.
        promise: What the units of ``together`` promise.
        scale: Coefficients of the scale: of each landmark, of log doubt, and of log spread where there is one; None:
            the plain distance.
        bounds: Least and largest log doubt (and log spread) that it was learnt on, shape (F, 2); beyond, it stays.
    """

    each: Floats
    together: float
    promise: Promise
    scale: Floats | None = None
    bounds: Floats | None = None

    def scales(self, doubt: Floats, spread: Floats | None) -> Floats:
        """s of images, shape (N, K), of their landmarks' doubt and spread, of the same shape."""
        if self.scale is None:
            return np.ones_like(doubt, dtype=np.float64)
        return _scales(self.scale, self.bounds, _features(doubt, spread))

    def radii(self, doubt: Floats, spread: Floats | None) -> tuple[Floats, Floats]:
        """Radii of a landmark's own region and of those that hold together, shape (N, K) each."""
        scales = self.scales(doubt, spread)
        return scales * self.each, scales * self.together


def calibrate(errors: Floats, units: Sequence[str], level: float, doubt: Floats,
              spread: Floats | None = None) -> Regions:
    """Regions by calibration images.

    Args:
        errors: e, shape (N, K); NaN where a landmark is not annotated, infinite where a prediction failed.
        units: The unit of each image.
        level: c.
        doubt: 1 less the score, shape (N, K).
        spread: Of an ensemble, in the unit of the errors, shape (N, K).

    Raises:
        TooFew: The images' units can't promise it.
    """
    errors = np.asarray(errors, np.float64)
    annotated: Masks = np.asarray(~np.isnan(errors).all(axis=1))
    part = np.zeros(len(errors), dtype=bool)
    part[annotated] = learners([unit for unit, known in zip(units, annotated, strict=True) if known])
    features = _features(doubt, spread)
    scale = bounds = None
    if part.any():
        scale, bounds = _learn(errors[part], features[part])
    rest = annotated & ~part
    scales = np.ones_like(errors) if scale is None else _scales(scale, bounds, features)
    values, own = (errors / scales)[rest], np.unique(np.asarray(units), return_inverse=True)[1][rest]
    said = promise(len(np.unique(own)), level)
    highest = np.nanmax(values, axis=1)
    return Regions(np.array([_one(column, own, level) for column in values.T]), quantile(highest, own, level), said,
                   scale, bounds)


def _one(values: Floats, units: Integers, level: float) -> float:
    try:
        return quantile(values, units, level)
    except TooFew:
        return math.nan


def _features(doubt: Floats, spread: Floats | None) -> Floats:
    """Log doubt and log spread, shape (N, K, F)."""
    given = [doubt] if spread is None else [doubt, spread]
    return np.stack([np.log(np.maximum(np.asarray(one, np.float64), 0.0) + least)
                     for one, least in zip(given, LEAST, strict=False)], axis=-1)


def _learn(errors: Floats, features: Floats) -> tuple[Floats, Floats]:
    """Coefficients of the scale, and the bounds of what they were learnt on."""
    known = np.isfinite(errors) & np.isfinite(features).all(axis=-1)
    landmark = np.broadcast_to(np.arange(errors.shape[1]), errors.shape)[known]
    design = np.concatenate([np.eye(errors.shape[1])[landmark], features[known]], axis=1)
    found: Floats = np.linalg.lstsq(design, np.log(errors[known] + FLOOR), rcond=None)[0]
    return found, np.stack([features[known].min(axis=0), features[known].max(axis=0)], axis=1)


def _scales(scale: Floats, bounds: Floats | None, features: Floats) -> Floats:
    count = len(scale) - features.shape[-1]
    limited = features if bounds is None else np.clip(features, bounds[:, 0], bounds[:, 1])
    found: Floats = np.exp(scale[:count] + limited @ scale[count:])
    return found
