"""Which differences the tests of training procedures find, from the parts of their variance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy import special, stats
from scipy.optimize.elementwise import find_root

from .arrays import Floats
from .estimates import t_quantile
from .parts import Part, Parts, nodes

POWER = 0.8
#: Points over what the seeds' mean squares may turn out to be, by the most degrees of freedom that they are used for.
SUMS = {3: 41, 9: 21, math.inf: 11}
#: Numbers of which the power is computed at a time.
HELD = 2000


@dataclass(frozen=True)
class Points:
    """What is expected at some numbers of seeds and images; arrays of one shape.

    Attributes:
        seeds: The seeds' part of the variance, with its share of the residuals.
        seeds_df: Degrees of freedom of each of its terms.
        terms: How many are estimated separately, all alike: 2 in a nested, 1 in a paired design.
        images: The images' part.
        images_df: Its degrees of freedom.
    """

    seeds: Floats
    seeds_df: Floats
    terms: Floats
    images: Floats
    images_df: Floats

    @classmethod
    def together(cls, several: Sequence[Points]) -> Points:
        """Those of several, one after the other."""
        return cls(*(np.concatenate([np.ravel(getattr(one, field.name)) for one in several]) for field in fields(cls)))


def detectable(points: Points, alpha: float) -> Floats:
    """Smallest true differences that the two-part test (:mod:`.parts`) finds with 80 % power, on the right side.

    The seeds' part comes out as X G with G like chi2_df / df over its degrees of freedom, and the test rejects above a
    half width h that depends on G. Given G the estimate and h, which the images' mean square moves, make a noncentral
    t. With seeds alone (paired) or images alone this is the power of a t test.

    Fewer than 12 images are tested by a stricter rule, which is not planned with. In a nested design methods are taken
    to vary alike.

    Args:
        points: What is expected, of any shape.
        alpha: Level of the test.

    Returns:
        The differences; 0 where nothing varies.
    """
    one = Points.together([points])
    found = np.zeros(one.seeds.shape)
    only_seeds = (one.images == 0) & (one.seeds > 0) & (one.terms == 1)
    only_images = (one.seeds == 0) & (one.images > 0)
    for place, df in ((only_seeds, one.seeds_df), (only_images, one.images_df)):
        if place.any():
            found[place] = effect(df[place], alpha) * np.sqrt(one.seeds + one.images)[place]
    both = np.flatnonzero((one.seeds > 0) & ((one.images > 0) | (one.terms > 1)))
    sums = np.searchsorted([*SUMS], (one.seeds_df * one.terms)[both])
    for kind, count in enumerate(SUMS.values()):
        alike = both[sums == kind]
        for start in range(0, len(alike), HELD):
            place = alike[start:start + HELD]
            found[place] = _two_part_effect(Points(*(getattr(one, field.name)[place] for field in fields(Points))),
                                            alpha, count)
    return found.reshape(points.seeds.shape)


def _two_part_effect(points: Points, alpha: float, sums: int) -> Floats:
    """The same where both parts are there, or seeds of two methods; arrays of shape (n,), ``sums`` points over G."""
    count, nested = len(points.seeds), (points.terms > 1)[:, None]
    over_g, weights = nodes(points.seeds_df * points.terms, sums)
    # Method a has the share r of the sum of both mean squares, r like Beta(df / 2, df / 2): half, or a gap from it with
    # the variance of r. In a paired design both columns are the same.
    gap = np.where(nested, 0.75 / (points.seeds_df[:, None] + 3), 0.0)
    chance = np.where(nested, np.minimum(1.0, 0.25 / (points.seeds_df[:, None] + 1) / np.maximum(gap, 1e-300)), 0.5)
    squared = 0.5 + 2 * gap
    df = points.seeds_df[:, None] / np.where(nested, np.concatenate([np.full_like(squared, 0.5), squared], axis=1), 1.0)
    seeds = (points.seeds[:, None] / over_g)[:, None, :]
    shape = (count, 2, sums)
    images, images_df = (np.broadcast_to(values[:, None, None], shape) for values in (points.images, points.images_df))
    expected = Parts((Part(np.broadcast_to(seeds, shape), np.broadcast_to(df[:, :, None], shape)),),
                     Part(images, images_df), np.zeros(shape))
    se = np.sqrt(points.seeds + points.images)
    widths = (expected.half_width(1 - alpha, rough=True) / se[:, None, None]).reshape(count, -1)
    weights = (np.stack([1 - chance, chance], axis=1) * weights[:, None, :]).reshape(count, -1)
    with np.errstate(divide='ignore'):
        many = (images_df * (1 + seeds / images) ** 2).reshape(count, -1)
    # The normal approximation of noncentral t.
    centre, spread = widths * (1 - 1 / (4 * many)), np.sqrt(1 + widths**2 / (2 * many))
    shift = np.asarray(stats.norm.isf(alpha / 2) + stats.norm.ppf(POWER)) * np.ones(count)
    low, high = np.zeros(count), np.full(count, 2 * widths.max(axis=1) + 10)
    for _ in range(60):
        z = (shift[:, None] - centre) / spread
        power = (weights * special.ndtr(z)).sum(axis=1)
        slope = (weights * np.exp(-z**2 / 2) / spread).sum(axis=1) / math.sqrt(2 * math.pi)
        low, high = np.where(power < POWER, shift, low), np.where(power < POWER, high, shift)
        with np.errstate(divide='ignore', invalid='ignore'):
            stepped = shift + (POWER - power) / slope
        stepped = np.where((low < stepped) & (stepped < high), stepped, (low + high) / 2)
        settled = np.abs(stepped - shift) <= 1e-9 * shift
        shift = stepped
        if settled.all():
            break
    effect: Floats = shift * se
    return effect


def effect(df: Floats | float, alpha: float) -> Floats:
    """Noncentrality at which a two-sided t test rejects on the right side with a probability of 80 %."""
    df = np.asarray(df, np.float64)
    critical = t_quantile(alpha / 2, df)
    with np.errstate(all='ignore'):
        found = find_root(lambda ncp, c, d: stats.nct.sf(c, d, ncp) - POWER, (np.zeros_like(df), 10 * critical),
                          args=(critical, df), tolerances=dict(xatol=1e-10, xrtol=1e-10))
    return np.where(found.success, found.x, np.nan)
