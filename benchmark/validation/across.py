"""Several data sets: how often methods that are equal over all data sets are called different.

Each data set is simulated as in :mod:`.squares`, two of its methods are compared, and its true difference is drawn with
a standard deviation tau. K: data sets, R: repetitions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from scipy import special, stats

from benchmark.statistics.across.effects import FEWEST, over_fixed, over_random, paule_mandel, predicted, spread_about
from benchmark.statistics.arrays import Floats, Masks
from benchmark.statistics.crossed import of_squares
from benchmark.statistics.estimates import Estimate, t_quantile, two_sided_p
from benchmark.statistics.resampling import generator
from benchmark.statistics.terms import NESTED

from .plan import Effort, Several
from .procedures import rank_p
from .squares import Suite, draw
from .tally import ALPHA

#: Prediction intervals, which are slow, are counted with as many seeds.
FOR_PREDICTION = 5
#: Images of the data sets, in turn.
SIZES = {'equal': (310,), 'unequal': (48, 100, 310, 1000)}
#: Standard errors from 0 at which a test that knew all variances would have 80 % power.
AWAY = float(special.ndtri(0.975) + special.ndtri(0.8))
ERROR, POWER, PREDICTION = 'data sets: error', 'data sets: power', 'data sets: prediction'


@dataclass(frozen=True)
class Drawn:
    """Simulated differences.

    Attributes:
        several: In each data set, of shape (R,); what is true in each is in them.
        true: The data sets' true differences, shape (R, K).
        precise: Variance of the mean by a test that knew all of them.
    """

    several: list[Estimate]
    true: Floats
    precise: float

    @property
    def d(self) -> Floats:
        """Differences, shape (R, K)."""
        return np.stack([one.estimate for one in self.several], axis=-1)

    @property
    def v(self) -> Floats:
        """Their variances, shape (R, K)."""
        return np.stack([one.se**2 for one in self.several], axis=-1)


def drawn(cell: Several, rng: np.random.Generator, repetitions: int) -> Drawn:
    """Differences of two methods that are equal over all data sets.

    Args:
        cell: What they are like.
        rng: Where they come from.
        repetitions: R.
    """
    true = rng.normal(0, cell.tau, (repetitions, cell.data_sets)) if cell.tau else np.zeros(
        (repetitions, cell.data_sets))
    several, known = [], 0.0
    for place in range(cell.data_sets):
        sizes = SIZES[cell.sizes]
        suite = Suite(NESTED, cell.seed_sd, cell.seeds, cell.seeds, sizes[place % len(sizes)])
        suites = draw(rng, suite, repetitions)
        variance, squares = suites.squares(0, 1)
        mean = suites.means[0].mean(axis=1) - suites.means[1].mean(axis=1) + suites.offsets[:, 0] - suites.offsets[:, 1]
        several.append(of_squares(mean + true[:, place], variance, suite.images, squares))
        known += 1 / (cell.tau**2 + float(mean.var()))
    return Drawn(several, true, 1 / known)


def known_variances(d: Floats, v: Floats) -> Floats:
    """p of inverse-variance weights without tau, which counts images and not data sets."""
    mean, _, weights = spread_about(d, v, 0.0)
    return normal_p(mean, weights)


def normal_p(mean: Floats, weights: Floats) -> Floats:
    """p of the normal test of a weighted mean."""
    p: Floats = 2 * special.ndtr(-np.abs(mean) * np.sqrt(weights.sum(axis=-1)))
    return p


def wald(d: Floats, v: Floats) -> Floats:
    """p of the normal test with tau^2 of DerSimonian and Laird (1986)."""
    _, q, weights = spread_about(d, v, 0.0)
    total = weights.sum(axis=-1)
    tau2 = np.maximum(0, (q - d.shape[-1] + 1) / (total - (weights**2).sum(axis=-1) / total))
    mean, _, weights = spread_about(d, v, tau2)
    return normal_p(mean, weights)


def cautious(d: Floats, v: Floats) -> Floats:
    """p of Hartung and Knapp with q of 1 at least: with tau^2 of Paule and Mandel it is never above 1."""
    mean, _, weights = spread_about(d, v, paule_mandel(d, v))
    return two_sided_p(mean * np.sqrt(weights.sum(axis=-1)), d.shape[-1] - 1.0)


def higgins(d: Floats, v: Floats) -> Floats:
    """Half the width of the prediction interval of Higgins, Thompson and Spiegelhalter (2009), equation 12."""
    wide: Floats = t_quantile(0.025, d.shape[-1] - 2.0) * np.sqrt(paule_mandel(d, v) + over_random(d, v).se**2)
    return wide


def t_on_data_sets(d: Floats, v: Floats) -> Floats:
    """p of the t test on K differences, which takes all to be equally precise."""
    count = d.shape[-1]
    return two_sided_p(d.mean(axis=-1) / (d.std(axis=-1, ddof=1) / count**0.5), count - 1.0)


def wilcoxon_on_data_sets(d: Floats, v: Floats) -> Floats:
    """Exact p of Wilcoxon's signed ranks on K differences (Demsar 2006)."""
    return np.asarray(stats.wilcoxon(d, axis=-1, method='exact').pvalue) if d.shape[-1] < 26 else rank_p(d)


#: The rule for fixed data sets, about the mean of their own true differences.
THESE = 'these data sets'
OURS = ('ours', THESE)
#: The usual prediction interval.
HIGGINS = 'Higgins'
#: Rules for random ones; ours is Hartung and Knapp's with the floor.
RULES: dict[str, Callable[[Floats, Floats], Floats]] = {
    OURS[0]: lambda d, v: over_random(d, v).p,
    'Hartung-Knapp': lambda d, v: replace(over_random(d, v), least=None).p,
    'q at least 1': cautious,
    't on data sets': t_on_data_sets,
    'Wilcoxon on data sets': wilcoxon_on_data_sets,
    'DerSimonian-Laird': wald,
    'inverse variances': known_variances,
}


def across(cell: Several, effort: Effort) -> list[dict[str, Any]]:
    """Type-I error and power of all rules, and how often a new data set lies in the prediction interval."""
    rng = generator(effort.seed, 'data sets', *asdict(cell).values())
    found = drawn(cell, rng, effort.replications)
    if cell.data_sets < FEWEST:
        one = over_fixed(found.several)
        centred = Estimate(one.estimate - found.true.mean(axis=1), one.se, one.df, one.parts, one.least)
        return [_row(ERROR, THESE, cell, centred.p < ALPHA, 0.03, 0.07)]
    d, v, away = found.d, found.v, AWAY * found.precise**0.5
    rows = [_row(ERROR, name, cell, rule(d, v) < ALPHA, 0.03, 0.07) for name, rule in RULES.items()]
    rows += [_row(POWER, name, cell, rule(d + away, v) < ALPHA) for name, rule in RULES.items()]
    new = rng.normal(0, cell.tau, len(d)) if cell.tau else np.zeros(len(d))
    if cell.seeds < FOR_PREDICTION:
        return rows
    rows.append(_row(PREDICTION, HIGGINS, cell, np.abs(new - over_random(d, v).estimate) <= higgins(d, v), 0.93))
    few = slice(effort.looked)
    low, high = predicted(d[few], v[few], rng, effort.draws // 5)
    return [*rows, _row(PREDICTION, OURS[0], cell, (low <= new[few]) & (new[few] <= high), 0.93)]


def _row(study: str, test: str, cell: Several, happened: Masks, least: float = 0.0,
         most: float = 1.0) -> dict[str, Any]:
    rate = float(happened.mean())
    return {'study': study, 'scope': 'procedure', 'test': test, 'endpoint': 'ME', 'errors': 'normal', 'design': NESTED,
            **asdict(cell), 'size': cell.sizes, 'ours': test in OURS, 'rate': rate,
            'se': (rate * (1 - rate) / happened.size)**0.5, 'replications': happened.size, 'without_result': 0,
            'inside': least <= rate <= most}
