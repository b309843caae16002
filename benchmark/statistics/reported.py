"""What a printed table can and can't say: contrasts from means and SDs over images of one run per method.

Not printed are the correlation r between two methods' errors on the same images, and everything about seeds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import optimize

from .estimates import t_quantile, two_sided_p
from .image_tests import mcnemar_exact
from .options import Options

#: Correlations between two methods' errors that are looked at; measured ones are mostly between .3 and .9.
CORRELATIONS = (0.0, 0.3, 0.5, 0.7, 0.9)


def reanalyse(reported: Mapping[str, Mapping[str, float]], pairs: Sequence[tuple[str, str]], n_images: int,
              options: Options, measured: Mapping[tuple[str, str], float] | None = None) -> dict[str, Any] | None:
    """Re-analysis of reported results over the plausible range of the correlation.

    Args:
        reported: Method -> ``ME``, ``SD`` (over images), ``FR`` (percent).
        pairs: Contrasts (a, b).
        n_images: Test images behind the numbers.
        options: Level.
        measured: Correlation of the pair's image errors in these data, as an orientation.

    Returns:
        Per pair: difference, p for each correlation, the correlation from which p < alpha, the seed SD above which even
        that difference is undecided; for FR the counts and the range of McNemar's exact p over all possible overlaps.
    """
    items = [_pair(reported[a], reported[b], a, b, n_images, options.alpha, (measured or {}).get((a, b)))
             for a, b in pairs if _has(reported.get(a)) and _has(reported.get(b))]
    return {'n_images': n_images, 'correlations': [*CORRELATIONS], 'items': items} if items else None


def _has(block: Mapping[str, float] | None) -> bool:
    return block is not None and block.get('ME') is not None and block.get('SD') is not None


def _pair(a: Mapping[str, float], b: Mapping[str, float], name_a: str, name_b: str, count: int, alpha: float,
          measured: float | None) -> dict[str, Any]:
    difference = a['ME'] - b['ME']
    by_correlation = [paired_from_summary(difference, a['SD'], b['SD'], r, count) for r in CORRELATIONS]
    se = [one[0] for one in by_correlation]
    return {
        'a': name_a, 'b': name_b, 'difference': difference,
        'se': se, 'p': [one[1] for one in by_correlation],
        'least_correlation': least_correlation(difference, a['SD'], b['SD'], count, alpha),
        'measured_correlation': measured,
        'seed_sd_limit': [seed_sd_limit(difference, one, count, alpha) for one in se],
        'failures': failures_range(a.get('FR'), b.get('FR'), count),
    }


def paired_from_summary(difference: float, sd_a: float, sd_b: float, r: float, count: int) -> tuple[float, float]:
    """Standard error and two-sided p of a paired t test with correlation r: SE^2 = (sa^2 + sb^2 - 2 r sa sb) / N."""
    se = math.sqrt((sd_a**2 + sd_b**2 - 2 * r * sd_a * sd_b) / count)
    return se, float(two_sided_p(difference / se, count - 1)) if se > 0 else math.nan


def least_correlation(difference: float, sd_a: float, sd_b: float, count: int, alpha: float) -> float | None:
    """The correlation from which on p < alpha; None where no correlation below 1 does."""
    def excess(r: float) -> float:
        return paired_from_summary(difference, sd_a, sd_b, r, count)[1] - alpha

    if difference == 0 or not excess(1 - 1e-9) < 0:
        return None
    return -1.0 if excess(-1.0) < 0 else float(optimize.brentq(excess, -1.0, 1 - 1e-9))


def seed_sd_limit(difference: float, se: float, count: int, alpha: float) -> float | None:
    """SD between seeds of each method above which one run each can't tell: |difference| = t sqrt(SE^2 + 2 SD^2).

    Even known, such a seed SD would leave the printed difference within chance. None: undecided without any.
    """
    reach = abs(difference) / float(t_quantile(alpha / 2, count - 1))
    return math.sqrt((reach**2 - se**2) / 2) if reach > se else None


def failures_range(fr_a: float | None, fr_b: float | None, count: int) -> dict[str, Any] | None:
    """McNemar's exact p for all overlaps of the failed images that the two counts allow.

    Args:
        fr_a: Failure rate in percent.
        fr_b: The same.
        count: Number of test images.
    """
    if fr_a is None or fr_b is None:
        return None
    a, b = (round(rate / 100 * count) for rate in (fr_a, fr_b))
    shared = np.arange(max(0, a + b - count), min(a, b) + 1)
    tests = mcnemar_exact(a - shared, b - shared)
    return {'count_a': a, 'count_b': b, 'p_low': tests.min(), 'p_high': tests.max()}
