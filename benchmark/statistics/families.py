"""Families of contrasts between training procedures: p-values and intervals that hold for all of them at once.

Each contrast has a two-part p-value of its own (:mod:`.parts`). With few seeds it is honest but weak, so a family has a
second way, the *either key*, which borrows from the other methods how many degrees of freedom their seeds have, and
their size only together with a test that doesn't::

    p_adjusted = max(p, min(Holm(p), max(Holm(p_pool), lambda p_bound)))

p_pool is the t test with the seeds' mean square of all methods in the place of the contrast's own. p_bound has the
contrast's own standard error, and degrees of freedom as if its seeds' part were as large as the pool allows. Both must
speak, since three seeds can't show that one method's seeds differ more than the others'. Formulas and what was tried
besides: ``docs/validation.md``, Few seeds in a family.

That no adjusted p-value is below the contrast's own is ours: far out in the tail p_bound can be less than a fifth of
p, and a contrast that isn't different when it is looked at alone must not become so in a family. It can only make the
family's error smaller.

K: contrasts, M: methods, ``...``: any leading axes, over which everything is vectorised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from .arrays import Floats
from .estimates import FEW_IMAGES, Estimate, t_quantile, two_sided_p
from .parts import Parts
from .rank_tests import holm_adjusted
from .terms import PAIRED, Design

#: The bound reckons with a seeds' part as large as the pooled one is with this probability at least.
QUANTILE = 0.1


@dataclass(frozen=True)
class Pool:
    """The seeds' mean square of all methods of a condition.

    Attributes:
        mean_square: As of one method, shape (...).
        df: Its degrees of freedom.
        methods: M.
        n_images: N.
    """

    mean_square: Floats
    df: float
    methods: int
    n_images: int

    @property
    def factor(self) -> float:
        """Lambda, what p_bound is multiplied by."""
        return max(5.0, (self.methods + 3) / 2)


def pool(seed_means: Sequence[Floats], n_images: int, design: Design) -> Pool | None:
    """Pools the methods that have two seeds or more.

    Args:
        seed_means: Mean over images of each seed, of each method: shape (..., S_m); in a paired design in the same
            order of seeds.
        n_images: N.
        design: ``nested`` or ``paired``.

    Returns:
        None where the either key is not known to hold: fewer than three methods, or twelve images; two seeds anywhere
        and unequal numbers; a paired design in which methods lack seeds.
    """
    several = [means for means in seed_means if means.shape[-1] > 1]
    counts = {means.shape[-1] for means in several}
    if len(several) < 3 or n_images < FEW_IMAGES or len(counts) > 1 and (min(counts) == 2 or design == PAIRED):
        return None
    if design == PAIRED:
        table = np.stack(several, axis=-2)
        table = table - table.mean(axis=-1, keepdims=True) - table.mean(axis=-2, keepdims=True)
        table = table - table.mean(axis=(-2, -1), keepdims=True)
        df = (len(several) - 1.0) * (min(counts) - 1)
        total = (table**2).sum(axis=(-2, -1))
    else:
        df = sum(means.shape[-1] - 1.0 for means in several)
        total = np.sum([means.var(axis=-1) * means.shape[-1] for means in several], axis=0)
    return Pool(n_images * total / df, df, len(several), n_images)


class Keys:
    """The two tests of the either key, of one contrast.

    Args:
        one: The contrast.
        parts: Its parts.
        seeds: Numbers of seeds of both methods.
        pooled: The pool.
    """

    def __init__(self, one: Estimate, parts: Parts, seeds: Sequence[int], pooled: Pool) -> None:
        self.estimate, self.factor = one.estimate, pooled.factor
        own, rest, spread = parts.seed_variance, parts.images.variance, parts.spread
        shared = pooled.mean_square / pooled.n_images * sum(1 / count for count in seeds)
        most = pooled.df / (2 * special.gammaincinv(pooled.df / 2, QUANTILE)) * shared
        with np.errstate(invalid='ignore', divide='ignore'):
            # Where the seeds' means are equal their part is 0, and the degrees of freedom are those of the fewest.
            least = np.min([part.df for part in parts.seeds], axis=0)
            per_df = np.where(own > 0, parts.seed_spread / own**2, 1 / least)
            large = np.maximum(own, most)
            self.pooled = np.sqrt(shared + rest), (shared + rest) ** 2 / (shared**2 / pooled.df + spread)
            self.bound = one.se, (large + rest) ** 2 / (large**2 * per_df + spread)

    @property
    def p(self) -> tuple[Floats, Floats]:
        """p_pool and p_bound, not adjusted."""
        with np.errstate(invalid='ignore', divide='ignore'):
            first, second = (two_sided_p(self.estimate / se, df) for se, df in (self.pooled, self.bound))
        return first, second

    def half_width(self, alpha: float, contrasts: int) -> Floats:
        """Half the width of the interval that both keys allow, for a family of so many contrasts."""
        (pooled, many), (own, few) = self.pooled, self.bound
        return np.maximum(t_quantile(alpha / contrasts / 2, many) * pooled,
                          t_quantile(alpha / self.factor / 2, few) * own)


def adjusted(contrasts: Sequence[Estimate], seeds: Sequence[Sequence[int]], pooled: Pool | None) -> Floats:
    """Adjusted p-values of a family.

    Args:
        contrasts: Estimates of shape (...).
        seeds: Numbers of seeds of both methods of each.
        pooled: The pool of the family's condition and endpoint; None: Holm alone.

    Returns:
        Shape (..., K).
    """
    own = np.stack([one.p for one in contrasts], axis=-1)
    found = holm_adjusted(own)
    known = (~np.isnan(own)).sum(axis=-1)
    if pooled is None or not (known > 1).any():
        return found
    first, second = np.full_like(own, np.nan), np.full_like(own, np.nan)
    for place, (one, counts) in enumerate(zip(contrasts, seeds, strict=True)):
        if one.parts is not None:
            first[..., place], second[..., place] = Keys(one, one.parts, counts, pooled).p
    either = np.maximum(holm_adjusted(first), pooled.factor * second)
    used = (known > 1) & (pooled.mean_square > 0)
    return np.where(used[..., None], np.maximum(own, np.fmin(found, either)), found)


def half_width(one: Estimate, seeds: Sequence[int], pooled: Pool | None, alpha: float, contrasts: int) -> Floats:
    """Half the width of an interval that holds for a family of so many contrasts at once.

    Args:
        one: A contrast.
        seeds: Numbers of seeds of both methods.
        pooled: The pool; None: Bonferroni alone.
        alpha: Level of the family.
        contrasts: K, of those that can be estimated.
    """
    alone, wide = one.half_widths([1 - alpha, 1 - alpha / contrasts])
    if pooled is None or one.parts is None or contrasts < 2:
        return wide
    return np.maximum(alone, np.fmin(wide, Keys(one, one.parts, seeds, pooled).half_width(alpha, contrasts)))
