#!/usr/bin/env python3
"""Simulates experiments whose truth is known, and counts how often tests and intervals are wrong.

The error of method m, seed s, image i is ``mu[m] + image[i] + method_image[m,i] + seed[m,s] + residual[m,s,i]`` with
normal terms (``normal`` errors), or the exponential of such a sum (``skewed``: log-normal errors). Mean error, failure
rate and AUC then have exact means, over random seeds and images (the *procedure* scope) and for given seed effects (the
*networks* scope). The engine's functions are called as the analysis calls them; beside them stand the common tests.

Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

import numpy as np
from scipy import stats

from benchmark.statistics.contrasts import judge
from benchmark.statistics.crossed import (
    Block, Estimate, crossed_contrast, crossed_mean, fixed_seeds_contrast, fixed_seeds_mean)
from benchmark.statistics.effects import probability_better
from benchmark.statistics.endpoints import auc_scores, failures
from benchmark.statistics.options import Options
from benchmark.statistics.rank_tests import holm, sign_flip, signed_rank
from benchmark.statistics.resampling import WeightDraws, generator, single_threaded

#: Standard deviations, in the unit of the errors (heatmap px); for skewed errors over MEAN, on the log scale.
IMAGE, METHOD_IMAGE, RESIDUAL = 0.40, 0.10, 0.15
#: Mean error of a method, the threshold of FR and AUC, and the true difference for coverage, in heatmap px.
MEAN, THRESHOLD, SHIFT = 0.85, 1.2, 0.05
#: Paired design: share of the seed variance that all methods have in common.
COMMON = 0.5
ENDPOINTS = ('ME', 'FR', 'AUC')
SEEDS, IMAGES, SEED_SDS = (1, 3, 5, 10), (50, 310, 1000), (0.0, 0.02, 0.05)
ERRORS, DESIGNS = ('normal', 'skewed'), ('nested', 'paired')
ALPHA = 0.05
#: Scores of one method that are held in memory at a time: 16 MiB.
HELD = 1 << 21
#: Where a rate has to be. One-sided where only an upper (lower) bound is promised.
BOUNDS = {
    'type I': (0.03, 0.07), 'coverage': (0.93, 0.97), 'family-wise': (0.0, 0.07), 'joint coverage': (0.93, 1.0),
    'equivalent at the margin': (0.0, 0.07), 'non-inferior at the margin': (0.0, 0.045), 'rare failures': (0.0, 0.07)}
PROCEDURE, NETWORKS = 'procedure', 'networks'
CROSSED, PAIRED_T, WILCOXON, FLIP, BOOTSTRAP = 'crossed t', 'paired t', 'Wilcoxon', 'sign flip', 'crossed bootstrap'
WALSH, MEAN_T, BETTER = 'Hodges-Lehmann', 'mean of a method', 'P(A better than B)'
POOLED, AVERAGED, STRATIFIED = 'pooled Wilcoxon', 'averaged Wilcoxon', 'stratified bootstrap'
WELCH, ON_SEEDS, MISDECLARED = 'Welch', 'Wilcoxon on seeds', 'crossed t, other design'
OTHERS = (POOLED, AVERAGED, STRATIFIED, WELCH, ON_SEEDS)


@dataclass(frozen=True)
class Cell:
    """One simulated situation.

    Attributes:
        errors: ``normal`` or ``skewed``.
        design: ``nested`` or ``paired``.
        seed_sd: Standard deviation of the seed effects, in heatmap px.
        seeds: S.
        images: N.
        threshold: Of FR and AUC, in heatmap px.
    """

    errors: str
    design: str
    seed_sd: float
    seeds: int
    images: int
    threshold: float = THRESHOLD

    @property
    def unit(self) -> float:
        """What standard deviations are divided by: 1, or the mean where they act on the log scale (skewed errors)."""
        return 1.0 if self.errors == 'normal' else MEAN

    @property
    def image_variance(self) -> float:
        """Variance of the linear predictor for a given network."""
        return (IMAGE**2 + METHOD_IMAGE**2 + RESIDUAL**2) / self.unit**2

    @property
    def variance(self) -> float:
        """Variance of the linear predictor over seeds and images."""
        return self.image_variance + (self.seed_sd / self.unit) ** 2

    @property
    def location(self) -> float:
        """Mean of the linear predictor, such that the mean error over seeds and images is MEAN."""
        return MEAN if self.errors == 'normal' else math.log(MEAN) - self.variance / 2

    def seed_effects(self, rng: np.random.Generator, count: int, methods: int = 2) -> np.ndarray:
        """Seed effects, shape (count, methods, S)."""
        own = rng.standard_normal((count, methods, self.seeds))
        if self.design == 'paired':
            own *= math.sqrt(1 - COMMON)
            own += math.sqrt(COMMON) * rng.standard_normal((count, 1, self.seeds))
        return self.seed_sd / self.unit * own

    def predictor(self, rng: np.random.Generator, seed_effects: np.ndarray) -> np.ndarray:
        """Linear predictor of every image by every network.

        Args:
            rng: Draws images and residuals.
            seed_effects: Shape (count, methods, S).

        Returns:
            Shape (count, methods, S, N).
        """
        count, methods, _ = seed_effects.shape
        values = rng.standard_normal((*seed_effects.shape, self.images))
        values *= RESIDUAL / self.unit
        images = IMAGE * rng.standard_normal((count, 1, self.images))
        images = images + METHOD_IMAGE * rng.standard_normal((count, methods, self.images))
        values += (images / self.unit + self.location)[:, :, None, :]
        values += seed_effects[..., None]
        return values

    def score(self, endpoint: str, predictor: np.ndarray) -> np.ndarray:
        """Scores of an endpoint, of the predictor's shape."""
        errors = predictor if self.errors == 'normal' else np.exp(predictor)
        if endpoint == 'ME':
            return errors
        return (failures if endpoint == 'FR' else auc_scores)(errors, self.threshold)

    def truth(self, endpoint: str, location: float | np.ndarray, variance: float) -> float | np.ndarray:
        """Exact mean of an endpoint's score.

        Args:
            endpoint: ME, FR or AUC.
            location: Mean of the linear predictor.
            variance: Its variance.
        """
        sd, t = math.sqrt(variance), self.threshold
        if self.errors == 'normal':
            z = (t - location) / sd
            return {'ME': lambda: location + 0 * z, 'FR': lambda: stats.norm.sf(z),
                    'AUC': lambda: ((t - location) * stats.norm.cdf(z) + sd * stats.norm.pdf(z)) / t}[endpoint]()
        z = (math.log(t) - location) / sd
        mean = np.exp(location + variance / 2)
        return {'ME': lambda: mean, 'FR': lambda: stats.norm.sf(z),
                'AUC': lambda: stats.norm.cdf(z) - mean / t * stats.norm.cdf(z - sd)}[endpoint]()

    def procedure_truth(self, endpoint: str, shift: float = 0.0) -> float:
        """Mean over seeds and images; ``shift`` is added to the location, in heatmap px (over MEAN where skewed)."""
        return float(self.truth(endpoint, self.location + shift / self.unit, self.variance))

    def networks_truth(self, endpoint: str, seed_effects: np.ndarray, shift: float = 0.0) -> np.ndarray:
        """Mean over images and the given networks; seed effects of shape (..., S)."""
        location = self.location + shift / self.unit + seed_effects
        return self.truth(endpoint, location, self.image_variance).mean(axis=-1)

    def better_truth(self, shift: float, seed_effects: np.ndarray | None = None) -> float | np.ndarray:
        """P(error of A < error of B on an image), A being ``shift`` worse, over all pairs of a seed of A and one of B.

        Args:
            shift: In heatmap px.
            seed_effects: Those of the networks, shape (..., 2, S); None: random ones. In the paired design 1 of S pairs
                shares a seed.
        """
        images = 2 * (METHOD_IMAGE**2 + RESIDUAL**2)
        if seed_effects is not None:
            gap = self.unit * (seed_effects[..., 0, :, None] - seed_effects[..., 1, None, :])
            return stats.norm.cdf(-(shift + gap) / math.sqrt(images)).mean(axis=(-2, -1))
        apart = stats.norm.cdf(-shift / math.sqrt(images + 2 * self.seed_sd**2))
        if self.design == 'nested':
            return float(apart)
        together = stats.norm.cdf(-shift / math.sqrt(images + 2 * (1 - COMMON) * self.seed_sd**2))
        return float(together / self.seeds + (1 - 1 / self.seeds) * apart)


@dataclass(frozen=True)
class Effort:
    """How much is simulated.

    Attributes:
        seed: Of everything random.
        replications: Of each cell, for what is computed in one go for many replications.
        few: For families, verdicts, power and rare failures.
        others: For the pooled and the averaged Wilcoxon.
        ranks: For signed ranks, Hodges-Lehmann and sign flips.
        resampled: For the bootstraps.
        better: For the interval of P(A better than B).
        draws: Of each bootstrap or set of sign flips.
        shared: Replications that share one set of draws: it saves time, and lets the draws' own error not average out
            within them only.
    """

    seed: int = 0
    replications: int = 4000
    few: int = 2000
    others: int = 600
    ranks: int = 1500
    resampled: int = 400
    better: int = 400
    draws: int = 1000
    shared: int = 25


QUICK = Effort(replications=400, few=400, others=60, ranks=60, resampled=40, better=8, draws=200)


class Tally:
    """Counts of how often something happened, out of how many times it could."""

    def __init__(self) -> None:
        self.counts: dict[tuple[str, str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])

    def add(self, study: str, scope: str, test: str, endpoint: str, happened: np.ndarray,
            known: np.ndarray | None = None) -> None:
        """Adds replications.

        Args:
            study: What is counted, a key of BOUNDS or ``power``.
            scope: ``procedure`` or ``networks``.
            test: Name of the test or interval.
            endpoint: ME, FR or AUC.
            happened: Whether it did, one boolean per replication.
            known: Where there was a result at all; the rate is over these (default: all).
        """
        happened = np.atleast_1d(happened)
        known = np.ones(happened.shape, dtype=bool) if known is None else np.atleast_1d(known)
        counts = self.counts[study, scope, test, endpoint]
        counts[0] += int(np.count_nonzero(happened & known))
        counts[1] += int(np.count_nonzero(known))
        counts[2] += happened.size

    def rejects(self, scope: str, test: str, endpoint: str, p: np.ndarray, study: str = 'type I') -> None:
        """Adds tests of a true hypothesis; where there is no p-value it is not rejected."""
        self.add(study, scope, test, endpoint, np.asarray(p) < ALPHA)

    def covers(self, scope: str, test: str, endpoint: str, interval: tuple[np.ndarray, np.ndarray],
               truth: np.ndarray | float) -> None:
        """Adds intervals; the rate is over those that exist."""
        low, high = interval
        self.add('coverage', scope, test, endpoint, (low <= truth) & (truth <= high), ~np.isnan(low))

    def rows(self, cell: Cell) -> list[dict[str, Any]]:
        """One dict per rate, with its Monte Carlo standard error and whether it lies where it has to."""
        found = []
        for (study, scope, test, endpoint), (hits, known, count) in self.counts.items():
            rate = hits / known if known else math.nan
            low, high = BOUNDS.get(study, (0.0, 1.0))
            found.append({
                'study': study, 'scope': scope, 'test': test, 'endpoint': endpoint, **asdict(cell),
                'ours': test not in OTHERS + (MISDECLARED,) and (test, scope) != (PAIRED_T, PROCEDURE),
                'rate': rate, 'se': math.sqrt(rate * (1 - rate) / known) if known else math.nan,
                'replications': count, 'without_result': count - known, 'inside': low <= rate <= high})
        return found


def portions(total: int, values: int, cap: int | None = None) -> Iterator[int]:
    """Numbers of replications, each few enough for the memory, that sum to ``total``.

    Args:
        total: Replications.
        values: Scores of one replication and method.
        cap: Most replications in a portion.
    """
    size = max(1, HELD // values)
    size = min(size, cap) if cap else size
    for start in range(0, total, size):
        yield min(size, total - start)


# What others do. a, b: scores of two methods, shape (..., S, N).


def pooled_wilcoxon(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """p of Wilcoxon's signed-rank test on all S x N differences."""
    return rank_p((a - b).reshape(*a.shape[:-2], -1))


def averaged_wilcoxon(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """p of Wilcoxon's signed-rank test on the N differences of the seeds' averages."""
    return rank_p(a.mean(axis=-2) - b.mean(axis=-2))


def rank_p(differences: np.ndarray) -> np.ndarray:
    """p of Wilcoxon's signed-rank test over the last axis, by the normal law; differences of rounding's size are 0."""
    scale = np.abs(differences).max(axis=-1, keepdims=True)
    differences = np.where(np.abs(differences) <= 1e-12 * scale, 0.0, differences)
    with np.errstate(all='ignore'), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return stats.wilcoxon(differences, axis=-1, method='asymptotic', correction=False).pvalue


def wilcoxon_on_seeds(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Exact p of Wilcoxon's signed-rank test on the S differences of the images' averages."""
    differences = a.mean(axis=-1) - b.mean(axis=-1)
    p = np.ones(differences.shape[:-1])
    some = np.abs(differences).max(axis=-1) > 0
    if some.any():
        p[some] = stats.wilcoxon(differences[some], axis=-1, method='exact').pvalue
    return p


def welch(a: np.ndarray, b: np.ndarray) -> Any:
    """Welch's t on the S + S seed means."""
    with np.errstate(all='ignore'), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        return stats.ttest_ind(a.mean(axis=-1), b.mean(axis=-1), axis=-1, equal_var=False)


def stratified_weights(rng: np.random.Generator, draws: int, seeds: int, images: int) -> np.ndarray:
    """How often each score was drawn, over S N: seeds within each image, as rliable draws runs within tasks.

    Returns:
        Shape (draws, N * S).
    """
    start = np.arange(0, images * seeds, seeds)
    weights = np.empty((draws, images * seeds), dtype=np.float32)
    for row in weights:
        drawn = rng.integers(0, seeds, size=(seeds, images)) + start
        row[:] = np.bincount(drawn.ravel(), minlength=images * seeds)
    weights /= seeds * images
    return weights


# The studies. Each takes a cell and the effort and gives rows.


def many_at_once(cell: Cell, effort: Effort) -> list[dict[str, Any]]:
    """What is computed for many replications at once: the t tests and intervals, and what others test."""
    rng, tally = generator(effort.seed, 'many', *asdict(cell).values()), Tally()
    done = 0
    for count in portions(effort.replications, cell.seeds * cell.images):
        pooled = max(0, min(count, effort.others - done))
        done += count
        effects = cell.seed_effects(rng, count)
        predictor = cell.predictor(rng, effects)
        for endpoint in ENDPOINTS:
            a, b = (Block(cell.score(endpoint, predictor[:, m])) for m in (0, 1))
            shifted = Block(cell.score(endpoint, predictor[:, 0] + SHIFT / cell.unit))
            networks = [cell.networks_truth(endpoint, effects[:, m], shift) for m, shift in enumerate((SHIFT, 0.0))]
            truth = cell.procedure_truth(endpoint, SHIFT) - cell.procedure_truth(endpoint)
            common_tests(tally, PROCEDURE, endpoint, a, b, pooled)
            tally.rejects(PROCEDURE, PAIRED_T, endpoint, fixed_seeds_contrast(a, b).p)
            tally.covers(NETWORKS, PAIRED_T, endpoint, fixed_seeds_contrast(shifted, b).interval(),
                         networks[0] - networks[1])
            tally.covers(NETWORKS, MEAN_T, endpoint, fixed_seeds_mean(b).interval(), networks[1])
            if cell.seeds > 1:
                other = DESIGNS[cell.design == 'nested']
                tally.rejects(PROCEDURE, CROSSED, endpoint, crossed_contrast(a, b, cell.design).p)
                tally.rejects(PROCEDURE, MISDECLARED, endpoint, crossed_contrast(a, b, other).p)
                tally.covers(PROCEDURE, CROSSED, endpoint, crossed_contrast(shifted, b, cell.design).interval(), truth)
                tally.covers(PROCEDURE, MEAN_T, endpoint, crossed_mean(b).interval(), cell.procedure_truth(endpoint))
                interval = welch(shifted.values, b.values).confidence_interval()
                tally.covers(PROCEDURE, WELCH, endpoint, (interval.low, interval.high), truth)
        # The networks scope: both methods have the same seed effects, so their networks are equally good.
        same = cell.seed_effects(rng, count, methods=1).repeat(2, axis=1)
        predictor = cell.predictor(rng, same)
        for endpoint in ENDPOINTS:
            a, b = (Block(cell.score(endpoint, predictor[:, m])) for m in (0, 1))
            tally.rejects(NETWORKS, PAIRED_T, endpoint, fixed_seeds_contrast(a, b).p)
            common_tests(tally, NETWORKS, endpoint, a, b, pooled)
    return tally.rows(cell)


def common_tests(tally: Tally, scope: str, endpoint: str, a: Block, b: Block, pooled: int) -> None:
    """Adds the tests that others use, of methods that are equal in the scope; the first ``pooled`` for Wilcoxon's."""
    if pooled:
        tally.rejects(scope, POOLED, endpoint, pooled_wilcoxon(a.values[:pooled], b.values[:pooled]))
        tally.rejects(scope, AVERAGED, endpoint, averaged_wilcoxon(a.values[:pooled], b.values[:pooled]))
    if scope == PROCEDURE:  # Tests on seed means speak of procedures only.
        tally.rejects(scope, ON_SEEDS, endpoint, wilcoxon_on_seeds(a.values, b.values))
        if a.n_seeds > 1:
            tally.rejects(scope, WELCH, endpoint, welch(a.values, b.values).pvalue)


def rank_and_flip(cell: Cell, effort: Effort) -> list[dict[str, Any]]:
    """Signed ranks with the Hodges-Lehmann interval, and sign flips: networks scope, equal networks.

    Then D is symmetric about 0, so that 0 is the pseudomedian too.
    """
    rng, tally = generator(effort.seed, 'ranks', *asdict(cell).values()), Tally()
    for count in portions(effort.ranks, cell.seeds * cell.images, effort.shared):
        signs = rng.choice(np.array([-1.0, 1.0]), size=(effort.draws, cell.images))
        predictor = cell.predictor(rng, cell.seed_effects(rng, count, methods=1).repeat(2, axis=1))
        for endpoint in ENDPOINTS:
            scores = cell.score(endpoint, predictor).mean(axis=-2)
            differences = scores[:, 0] - scores[:, 1]
            tally.rejects(NETWORKS, FLIP, endpoint, np.array([sign_flip(one, signs) for one in differences]))
            if endpoint != 'FR':
                tests = [signed_rank(one, 1 - ALPHA) for one in differences]
                tally.rejects(NETWORKS, WILCOXON, endpoint, np.array([one.p for one in tests]))
                tally.covers(NETWORKS, WALSH, endpoint, tuple(np.array([(one.low, one.high) for one in tests]).T), 0.0)
    return tally.rows(cell)


def bootstraps(cell: Cell, effort: Effort) -> list[dict[str, Any]]:
    """Percentile intervals of the crossed bootstrap, and of the stratified one that others use."""
    rng, tally = generator(effort.seed, 'bootstrap', *asdict(cell).values()), Tally()
    tail = [ALPHA / 2, 1 - ALPHA / 2]
    for count in portions(effort.resampled, cell.seeds * cell.images, effort.shared):
        effects = cell.seed_effects(rng, count)
        predictor = cell.predictor(rng, effects)
        same = cell.predictor(rng, cell.seed_effects(rng, count, methods=1).repeat(2, axis=1))
        weights = WeightDraws(int(rng.integers(1 << 31)), 0, effort.draws, cell.design)
        runs = [stratified_weights(rng, effort.draws, cell.seeds, cell.images) for _ in (0, 1)]
        for endpoint in ENDPOINTS:
            truth = cell.procedure_truth(endpoint, SHIFT) - cell.procedure_truth(endpoint)
            a, b, shifted, same_a, same_b = (cell.score(endpoint, values) for values in (
                predictor[:, 0], predictor[:, 1], predictor[:, 0] + SHIFT / cell.unit, same[:, 0], same[:, 1]))
            if cell.seeds > 1:
                drawn_a, drawn_b, drawn_shifted = (
                    np.stack([weights.mean(method, one) for one in values], axis=-1)
                    for method, values in (('a', a), ('b', b), ('a', shifted)))
                low, high = np.quantile(drawn_a - drawn_b, tail, axis=0)
                tally.add('type I', PROCEDURE, BOOTSTRAP, endpoint, (low > 0) | (high < 0))
                tally.covers(PROCEDURE, BOOTSTRAP, endpoint, np.quantile(drawn_shifted - drawn_b, tail, axis=0), truth)
            for scope, first, second in ((PROCEDURE, a, b), (NETWORKS, same_a, same_b), (None, shifted, b)):
                low, high = stratified_interval(first, second, runs, tail)
                if scope:
                    tally.add('type I', scope, STRATIFIED, endpoint, (low > 0) | (high < 0))
                else:
                    tally.covers(PROCEDURE, STRATIFIED, endpoint, (low, high), truth)
    return tally.rows(cell)


def stratified_interval(a: np.ndarray, b: np.ndarray, runs: list[np.ndarray], tail: list[float]) -> np.ndarray:
    """Percentile interval of mean(a) - mean(b), scores of shape (count, S, N); result of shape (2, count).

    With one seed there is nothing to draw from, and the interval is a point.
    """
    if a.shape[1] == 1:
        return np.tile(a.mean(axis=(1, 2)) - b.mean(axis=(1, 2)), (2, 1))
    columns = [values.swapaxes(1, 2).reshape(len(values), -1).T.astype(np.float32) for values in (a, b)]
    drawn = [(weights @ column).astype(np.float64) for weights, column in zip(runs, columns)]
    return np.quantile(drawn[0] - drawn[1], tail, axis=0)


def better(cell: Cell, effort: Effort) -> list[dict[str, Any]]:
    """Interval of P(A better than B); with one seed, for these networks."""
    rng, tally = generator(effort.seed, 'better', *asdict(cell).values()), Tally()
    for _ in range(effort.better):
        effects = cell.seed_effects(rng, 1)
        values = cell.score('ME', cell.predictor(rng, effects)[0] + np.array([SHIFT, 0.0])[:, None, None] / cell.unit)
        options = Options(draws=effort.draws, seed=int(rng.integers(1 << 31)), design=cell.design)
        found = probability_better({('a', 'b'): (Block(values[0]), Block(values[1]))}, options)['a', 'b']
        scope = NETWORKS if cell.seeds == 1 else PROCEDURE
        truth = cell.better_truth(SHIFT, effects if cell.seeds == 1 else None)
        tally.covers(scope, BETTER, 'ME', (np.array([found['ci_low']]), np.array([found['ci_high']])), truth)
    return tally.rows(cell)


def families(cell: Cell, effort: Effort, methods: int = 7) -> list[dict[str, Any]]:
    """The proposed method against six: Holm's family-wise error, and the joint coverage of simultaneous intervals."""
    rng, tally = generator(effort.seed, 'families', *asdict(cell).values()), Tally()
    for count in portions(effort.few, methods * cell.seeds * cell.images):
        for scope in (PROCEDURE, NETWORKS):
            effects = cell.seed_effects(rng, count, methods)
            if scope == NETWORKS:
                effects = effects[:, :1].repeat(methods, axis=1)
            predictor = cell.predictor(rng, effects)
            blocks = [Block(cell.score('ME', predictor[:, m])) for m in range(methods)]
            contrasts = [crossed_contrast(blocks[0], other, cell.design) if scope == PROCEDURE
                         else fixed_seeds_contrast(blocks[0], other) for other in blocks[1:]]
            test = CROSSED if scope == PROCEDURE else PAIRED_T
            p = np.stack([one.p for one in contrasts], axis=1)
            adjusted = np.array([holm(row) for row in p])
            tally.rejects(scope, f'Holm, {test}', 'ME', adjusted.min(axis=1), 'family-wise')
            intervals = [one.interval(1 - ALPHA / len(contrasts)) for one in contrasts]
            inside = np.logical_and.reduce([(low <= 0) & (0 <= high) for low, high in intervals])
            tally.add('joint coverage', scope, f'simultaneous, {test}', 'ME', inside)
    return tally.rows(cell)


def margins(cell: Cell, effort: Effort, margin: float = SHIFT) -> list[dict[str, Any]]:
    """Verdicts where a is worse than b by just the margin, and the power to find a difference of .02 and .05."""
    rng, tally = generator(effort.seed, 'margins', *asdict(cell).values()), Tally()
    true = cell.procedure_truth('ME', margin) - cell.procedure_truth('ME')
    options = Options(margin={'ME': true}, design=cell.design)
    for count in portions(effort.few, cell.seeds * cell.images):
        predictor = cell.predictor(rng, cell.seed_effects(rng, count))
        b = Block(cell.score('ME', predictor[:, 1]))
        for shift in sorted({0.02, 0.05, margin}):
            a = Block(cell.score('ME', predictor[:, 0] + shift / cell.unit))
            one = crossed_contrast(a, b, cell.design)
            tally.rejects(PROCEDURE, f'{CROSSED}, difference {shift:.2f}', 'ME', one.p, 'power')
            fixed = fixed_seeds_contrast(a, b)
            tally.rejects(NETWORKS, f'{PAIRED_T}, difference {shift:.2f}', 'ME', fixed.p, 'power')
            if shift != margin:
                continue
            singles = [Estimate(one.estimate[i], one.se[i], one.df[i]) for i in range(count)]
            relevance = [judge(single, float(p), 'ME', options).relevance for single, p in zip(singles, one.p)]
            tally.add('equivalent at the margin', PROCEDURE, 'two one-sided tests', 'ME',
                      np.array([found == 'within' for found in relevance]))
            tally.add('non-inferior at the margin', PROCEDURE, 'non-inferiority', 'ME', one.interval()[1] < true)
    return tally.rows(cell)


def rare_failures(cell: Cell, effort: Effort) -> list[dict[str, Any]]:
    """FR where few images fail; where there is no variance there is no test, which is counted."""
    rng, tally = generator(effort.seed, 'rare', *asdict(cell).values()), Tally()
    for count in portions(effort.few, cell.seeds * cell.images):
        for scope in (PROCEDURE, NETWORKS):
            effects = cell.seed_effects(rng, count)
            if scope == NETWORKS:
                effects = effects[:, :1].repeat(2, axis=1)
            elif cell.seeds == 1:
                continue
            a, b = np.moveaxis(cell.score('FR', cell.predictor(rng, effects)), 1, 0)
            one = crossed_contrast(a, b, cell.design) if scope == PROCEDURE else fixed_seeds_contrast(a, b)
            tally.add('rare failures', scope, CROSSED if scope == PROCEDURE else PAIRED_T, 'FR', one.p < ALPHA,
                      ~np.isnan(one.se))
    return tally.rows(cell)


def rare_threshold(errors: str, share: float) -> float:
    """The threshold that a share of the errors is above, in heatmap px."""
    cell = Cell(errors, 'nested', 0.02, 1, 1)
    value = cell.location + math.sqrt(cell.variance) * float(stats.norm.isf(share))
    return value if errors == 'normal' else math.exp(value)


RARE = (0.02, 0.005)
STUDIES: dict[str, Callable[[Cell, Effort], list[dict[str, Any]]]] = {
    'many': many_at_once, 'ranks': rank_and_flip, 'bootstraps': bootstraps, 'better': better, 'families': families,
    'margins': margins, 'rare': rare_failures}


def cells(seeds: Iterable[int] = SEEDS, images: Iterable[int] = IMAGES,
          seed_sds: Iterable[float] = SEED_SDS) -> list[Cell]:
    """Every combination."""
    seeds, images, seed_sds = [*seeds], [*images], [*seed_sds]
    return [Cell(errors, design, sd, n_seeds, n_images) for design in DESIGNS for errors in ERRORS
            for n_seeds in seeds for n_images in images for sd in seed_sds]


def work(every: list[Cell]) -> list[tuple[str, Cell]]:
    """Which cells each study runs.

    Signed ranks, sign flips and rare failures know no design, so they take the nested one; what is slow takes a seed sd
    of .02 only.
    """
    found = [(study, cell) for study in ('many', 'bootstraps') for cell in every]
    middle = [cell for cell in every if cell.seed_sd == 0.02]
    nested = [cell for cell in middle if cell.design == 'nested']
    found += [('better', cell) for cell in middle]
    found += [('ranks', cell) for cell in nested]
    found += [('families', cell) for cell in middle if cell.seeds > 1]
    found += [('margins', cell) for cell in every if cell.seeds > 1
              and (cell in middle or (cell.errors, cell.design) == ('normal', 'nested'))]
    found += [('rare', replace(cell, threshold=rare_threshold(cell.errors, share)))
              for cell in nested for share in RARE]
    return found


def run_one(task: tuple[str, Cell, Effort]) -> list[dict[str, Any]]:
    """One study of one cell."""
    study, cell, effort = task
    with single_threaded():
        return STUDIES[study](cell, effort)


def simulate(tasks: list[tuple[str, Cell]], effort: Effort, workers: int = 1) -> list[dict[str, Any]]:
    """Rows of all tasks, in their order, whatever the number of workers."""
    tasks = [(*task, effort) for task in tasks]
    if workers == 1:
        return [row for rows in counted(map(run_one, tasks), len(tasks)) for row in rows]
    with ProcessPoolExecutor(workers) as pool:
        return [row for rows in counted(pool.map(run_one, tasks), len(tasks)) for row in rows]


def counted(done: Iterable[Any], count: int) -> Iterator[Any]:
    """The same, and on a terminal how many of them there have been."""
    for number, one in enumerate(done, 1):
        if sys.stderr.isatty():
            print(f'{number} of {count}', end='\r', file=sys.stderr)
        yield one


# The tables.


def span(rates: Iterable[float]) -> str:
    """Lowest and highest rate, without the leading zero: .041-.055."""
    rates = sorted(rate for rate in rates if not math.isnan(rate))
    if not rates:
        return '-'
    low, high = short(rates[0]), short(rates[-1])
    return low if low == high else f'{low}-{high}'


def short(rate: float) -> str:
    """.049, or 1.00."""
    if math.isnan(rate):
        return '-'
    return f'{rate:.3f}'.removeprefix('0') if round(rate, 3) < 1 else '1.00'


def marked(rows: list[dict[str, Any]]) -> str:
    """The rates' span, in bold where one isn't where it has to be; - without a row."""
    text = span(row['rate'] for row in rows)
    return text if all(row['inside'] or math.isnan(row['rate']) for row in rows) else f'**{text}**'


class Rows:
    """Rows with a way to pick some."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        self.rows = rows

    def pick(self, **wanted: Any) -> list[dict[str, Any]]:
        """Those with these values; a tuple allows each of its own."""
        sets = {key: value if isinstance(value, tuple) else (value,) for key, value in wanted.items()}
        return [row for row in self.rows if all(row[key] in values for key, values in sets.items())]

    def values(self, key: str, rows: list[dict[str, Any]] | None = None) -> list[Any]:
        """The values of a column, in order of appearance."""
        return [*dict.fromkeys(row[key] for row in (self.rows if rows is None else rows))]


def markdown_table(header: Iterable[str], lines: Iterable[Iterable[Any]]) -> str:
    """A table in Markdown."""
    header = [*header]
    return '\n'.join('| ' + ' | '.join(map(str, line)) + ' |' for line in (header, ['---'] * len(header), *lines))


def crossed_table(every: Rows) -> str:
    """Crossed t: one line per design, errors, S, N; one column per endpoint and seed sd."""
    chosen = every.pick(study='type I', scope=PROCEDURE, test=CROSSED, seeds=SEEDS)
    sds = sorted(every.values('seed_sd', chosen))
    lines = []
    for design, errors, seeds, images in sorted(
            {(row['design'], row['errors'], row['seeds'], row['images']) for row in chosen}):
        here = Rows([row for row in chosen if (row['design'], row['errors'], row['seeds'], row['images'])
                     == (design, errors, seeds, images)])
        lines.append([design, errors, seeds, images,
                      *(marked(here.pick(endpoint=endpoint, seed_sd=sd)) for endpoint in ENDPOINTS for sd in sds)])
    return markdown_table(['design', 'errors', 'S', 'N',
                           *(f'{endpoint}, {sd:.2f}' for endpoint in ENDPOINTS for sd in sds)], lines)


def networks_table(every: Rows) -> str:
    """Paired t, Wilcoxon and sign flips: one line per errors, S, N."""
    chosen = Rows(every.pick(study='type I', scope=NETWORKS, test=(PAIRED_T, WILCOXON, FLIP), seeds=SEEDS))
    columns = [(test, endpoint) for test in (PAIRED_T, WILCOXON, FLIP) for endpoint in ENDPOINTS
               if (test, endpoint) != (WILCOXON, 'FR')]
    lines = []
    for errors, seeds, images in sorted({(row['errors'], row['seeds'], row['images']) for row in chosen.rows}):
        here = Rows(chosen.pick(errors=errors, seeds=seeds, images=images))
        found = (here.pick(test=test, endpoint=endpoint) for test, endpoint in columns)
        lines.append([errors, seeds, images, *map(marked, found)])
    return markdown_table(['errors', 'S', 'N', *(f'{test}, {endpoint}' for test, endpoint in columns)], lines)


SIDE = (POOLED, AVERAGED, PAIRED_T, STRATIFIED, WELCH, ON_SEEDS, BOOTSTRAP, CROSSED)
NAMES = {PAIRED_T: 'paired t on images', CROSSED: '**crossed t**', BOOTSTRAP: 'crossed bootstrap'}


def spans(rows: Rows) -> list[str]:
    """Lowest and highest rate of each test of SIDE."""
    return [span(row['rate'] for row in rows.pick(test=test)) for test in SIDE]


def side_by_side(every: Rows, design: str = 'nested', errors: str = 'normal') -> str:
    """All tests of two equal procedures: one line per S, N, seed sd."""
    chosen = Rows(every.pick(study='type I', scope=PROCEDURE, endpoint='ME', design=design, errors=errors,
                             seeds=SEEDS))
    lines = []
    for seeds, images, sd in sorted({(row['seeds'], row['images'], row['seed_sd']) for row in chosen.rows}):
        here = Rows(chosen.pick(seeds=seeds, images=images, seed_sd=sd))
        lines.append([seeds, images, f'{sd:.2f}', *spans(here)])
    return markdown_table(['S', 'N', 'seed sd', *(NAMES.get(test, test) for test in SIDE)], lines)


def spans_of_others(every: Rows) -> str:
    """All tests of two equal procedures: one line per S and endpoint."""
    chosen = Rows(every.pick(study='type I', scope=PROCEDURE))
    lines = []
    for seeds in sorted(every.values('seeds', chosen.rows)):
        for endpoint in ENDPOINTS:
            lines.append([seeds, endpoint, *spans(Rows(chosen.pick(seeds=seeds, endpoint=endpoint)))])
    return markdown_table(['S', 'endpoint', *(NAMES.get(test, test) for test in SIDE)], lines)


def bootstrap_table(every: Rows) -> str:
    """Crossed bootstrap: one line per S, N, seed sd; one column per design and endpoint."""
    chosen = Rows(every.pick(study='type I', test=BOOTSTRAP))
    columns = [(design, endpoint) for design in DESIGNS for endpoint in ENDPOINTS]
    lines = []
    for seeds, images, sd in sorted({(row['seeds'], row['images'], row['seed_sd']) for row in chosen.rows}):
        here = Rows(chosen.pick(seeds=seeds, images=images, seed_sd=sd))
        lines.append([seeds, images, f'{sd:.2f}', *(marked(here.pick(design=design, endpoint=endpoint))
                                                    for design, endpoint in columns)])
    return markdown_table(['S', 'N', 'seed sd', *(f'{design}, {endpoint}' for design, endpoint in columns)], lines)


def networks_of_others(every: Rows) -> str:
    """What others do where only images are random: one line per S and endpoint."""
    tests = (POOLED, AVERAGED, STRATIFIED, PAIRED_T)
    chosen = Rows(every.pick(study='type I', scope=NETWORKS, test=tests, seeds=SEEDS))
    lines = []
    for seeds, endpoint in sorted({(row['seeds'], row['endpoint']) for row in chosen.rows},
                                  key=lambda key: (key[0], ENDPOINTS.index(key[1]))):
        here = Rows(chosen.pick(seeds=seeds, endpoint=endpoint))
        lines.append([seeds, endpoint, *(span(row['rate'] for row in here.pick(test=test)) for test in tests)])
    return markdown_table(['S', 'endpoint', POOLED, AVERAGED, STRATIFIED, '**paired t**'], lines)


def coverage_table(every: Rows) -> str:
    """Intervals: one line per scope, interval and S."""
    chosen = Rows(every.pick(study='coverage', seeds=SEEDS))
    lines = []
    for scope, test, seeds in sorted({(row['scope'], row['test'], row['seeds']) for row in chosen.rows},
                                     key=lambda key: (key[1] in OTHERS, key[0] == NETWORKS, key[1], key[2])):
        here = Rows(chosen.pick(scope=scope, test=test, seeds=seeds))
        outside = sum(not row['inside'] for row in here.rows)
        lines.append([scope, test, seeds,
                      *(span(row['rate'] for row in here.pick(endpoint=endpoint)) for endpoint in ENDPOINTS),
                      f'{outside} of {len(here.rows)}'])
    return markdown_table(['scope', 'interval', 'S', *ENDPOINTS, 'outside of [.93, .97]'], lines)


def verdict_table(every: Rows) -> str:
    """Family-wise errors, joint coverage, verdicts at the margin: one line per test, one column per S."""
    studies = ('family-wise', 'joint coverage', 'equivalent at the margin', 'non-inferior at the margin')
    chosen = Rows(every.pick(study=studies))
    seeds = sorted(every.values('seeds', chosen.rows))
    lines = []
    for study, test in dict.fromkeys((row['study'], row['test']) for row in chosen.rows):
        here = Rows(chosen.pick(study=study, test=test))
        lines.append([test, study, *(marked(here.pick(seeds=count)) for count in seeds)])
    return markdown_table(['what', 'rate', *(f'S = {count}' for count in seeds)], lines)


def power_table(every: Rows) -> str:
    """How often a difference is found: one line per S, N; one column per seed sd and difference."""
    chosen = Rows(every.pick(study='power', scope=PROCEDURE, design='nested', errors='normal'))
    tests, sds = every.values('test', chosen.rows), sorted(every.values('seed_sd', chosen.rows))
    lines = []
    for seeds, images in dict.fromkeys((row['seeds'], row['images']) for row in chosen.rows):
        here = Rows(chosen.pick(seeds=seeds, images=images))
        lines.append([seeds, images, *(span(row['rate'] for row in here.pick(test=test, seed_sd=sd))
                                       for test in tests for sd in sds)])
    return markdown_table(['S', 'N', *(f'{test.rpartition(" ")[2]}, seed sd {sd:.2f}' for test in tests for sd in sds)],
                          lines)


def rare_table(every: Rows) -> str:
    """Rare failures: one line per scope, S and N; one column per errors and share."""
    chosen = Rows(every.pick(study='rare failures'))
    kinds = [(errors, share) for errors in every.values('errors', chosen.rows) for share in RARE]
    lines = []
    for scope, seeds, images in sorted({(row['scope'], row['seeds'], row['images']) for row in chosen.rows},
                                       key=lambda key: (key[0] == NETWORKS, key[1:])):
        here = Rows(chosen.pick(scope=scope, seeds=seeds, images=images))
        line = [scope, seeds, images]
        for errors, share in kinds:
            row = here.pick(errors=errors, threshold=rare_threshold(errors, share))[0]
            line.append(f'{short(row["rate"])} ({100 * row["without_result"] / row["replications"]:.0f} %)')
        lines.append(line)
    return markdown_table(['scope', 'S', 'N', *(f'{errors}, {100 * share:g} % fail' for errors, share in kinds)], lines)


def design_table(every: Rows) -> str:
    """The crossed t with the design that is not the data's: one line per design and S; one column per seed sd."""
    chosen = Rows([row for row in every.pick(study='type I', scope=PROCEDURE, test=(CROSSED, MISDECLARED))
                   if row['seeds'] > 1])
    sds = sorted(every.values('seed_sd', chosen.rows))
    lines = []
    for design in every.values('design', chosen.rows):
        for seeds in sorted(every.values('seeds', chosen.rows)):
            here = Rows(chosen.pick(design=design, seeds=seeds, endpoint='ME'))
            lines.append([design, DESIGNS[design == 'nested'], seeds,
                          *(span(row['rate'] for row in here.pick(test=MISDECLARED, seed_sd=sd)) for sd in sds)])
    return markdown_table(['the data are', 'analysed as', 'S', *(f'seed sd {sd:.2f}' for sd in sds)], lines)


def outside_table(every: Rows) -> str:
    """Every rate of ours that is not where it has to be: one line per study, scope, test, endpoint and S.

    The crossed bootstrap's are in bold in its own table. Two seeds are not judged.
    """
    groups = defaultdict(list)
    for row in every.pick(ours=True, inside=False, seeds=SEEDS):
        if row['test'] != BOOTSTRAP and not math.isnan(row['rate']):
            cell = f'{row["design"]} {row["errors"]} {row["images"]} {row["seed_sd"]:.2f}: {short(row["rate"])}'
            groups[tuple(row[key] for key in ('study', 'scope', 'test', 'endpoint', 'seeds'))].append(cell)
    lines = [[*key, '; '.join(groups[key])] for key in sorted(groups)]
    return markdown_table(['rate', 'scope', 'test', 'endpoint', 'S', 'design, errors, N, seed sd: value'], lines)


TABLES: dict[str, Callable[[Rows], str]] = {
    'Type-I error of the crossed t: procedure scope': crossed_table,
    'Type-I error in the networks scope: lowest and highest over seed sd and design': networks_table,
    'Type-I error about procedures, side by side: ME, nested, normal errors': side_by_side,
    'Type-I error about procedures, side by side: lowest and highest over the rest': spans_of_others,
    'Type-I error about networks, side by side: lowest and highest over the rest': networks_of_others,
    'Type-I error of the crossed bootstrap: normal and skewed errors': bootstrap_table,
    'Coverage of 95 % intervals: lowest and highest over N, seed sd, errors and design': coverage_table,
    'Families and verdicts: ME, lowest and highest over N, seed sd, errors and design': verdict_table,
    'Power of the crossed t: ME, nested, normal errors': power_table,
    'Rare failures: type-I error where there is a test (share without one)': rare_table,
    'The wrong design declared: crossed t, ME, lowest and highest over N and errors': design_table,
    'Cells of ours outside of their bounds': outside_table,
}


def report(rows: list[dict[str, Any]], effort: Effort) -> str:
    """All tables as one text in Markdown."""
    head = (f'{len(rows)} rates from seed {effort.seed}. Replications: {effort.replications} of t tests and intervals, '
            f'{effort.few} of families, verdicts, power and rare failures, {effort.others} of pooled and averaged '
            f'Wilcoxon, {effort.ranks} of signed ranks and sign flips, {effort.resampled} of bootstraps and '
            f'{effort.better} of P(A better than B), these with {effort.draws} draws each.')
    return '\n\n'.join([head, *(f'## {title}\n\n{table(Rows(rows))}' for title, table in TABLES.items())]) + '\n'


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='few cells and replications: half a minute, wide errors')
    parser.add_argument('--seed', type=int, default=0, metavar='N', help='of everything random (default: 0)')
    parser.add_argument('--workers', type=int, default=1, metavar='N', help='processes (default: 1)')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write every rate')
    parser.add_argument('--markdown', type=Path, metavar='FILE', help='write the tables there instead of to stdout')
    args = parser.parse_args(argv)
    if args.seed < 0 or args.workers < 1:
        parser.error('--seed takes a number from 0 on, --workers one from 1 on')
    return args


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_args(argv)
    start = time.monotonic()
    if args.quick:
        effort, tasks = replace(QUICK, seed=args.seed), work(cells(seeds=(1, 3), images=(50,), seed_sds=(0.02,)))
    else:
        effort = Effort(seed=args.seed)
        tasks = work(cells()) + [('many', cell) for cell in cells(seeds=(2,))]
    rows = simulate(tasks, effort, args.workers)
    text = report(rows, effort)
    try:
        if args.json:
            known = [{key: None if value != value else value for key, value in row.items()} for row in rows]
            args.json.write_text(json.dumps({'effort': asdict(effort), 'rows': known}, indent=1) + '\n')
        if args.markdown:
            args.markdown.write_text(text)
    except OSError as exc:
        print(f'error: {exc.filename}: {exc.strerror}; check path, permissions and free space', file=sys.stderr)
        return 2
    if not args.markdown:
        print(text, end='')
    print(f'{len(tasks)} tasks in {time.monotonic() - start:.0f} s', file=sys.stderr)
    return 0


if __name__ == '__main__':
    sys.exit(main())
