"""The studies: each draws the replications of one cell and gives its rates, a row for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmark.statistics.contrasts import judge
from benchmark.statistics.crossed import (
    Block,
    crossed_contrast,
    crossed_mean,
    fixed_seeds_contrast,
    fixed_seeds_mean,
)
from benchmark.statistics.effects import probability_better
from benchmark.statistics.estimates import Estimate
from benchmark.statistics.options import Options
from benchmark.statistics.rank_tests import holm_adjusted, sign_flip, signed_rank
from benchmark.statistics.resampling import WeightDraws, generator
from benchmark.statistics.terms import DESIGNS, NESTED, NETWORKS, PROCEDURE, WITHIN

from .across import across
from .few import CLOSE_IN_FAMILY, Families, few_seeds
from .folds import folds
from .looks import looked_tables, looks
from .model import ENDPOINTS, SHIFT, Cell
from .plan import Effort
from .portions import portions
from .procedures import (
    AVERAGED,
    BETTER,
    BOOTSTRAP,
    CROSSED,
    FAMILY,
    FLIP,
    FORMER,
    MEAN_T,
    MISDECLARED,
    ON_SEEDS,
    PAIRED_T,
    POOLED,
    STRATIFIED,
    WALSH,
    WELCH,
    WILCOXON,
    averaged_wilcoxon,
    pooled_wilcoxon,
    stratified_interval,
    stratified_weights,
    welch,
    wilcoxon_on_seeds,
)
from .squares import METHODS
from .tally import ALPHA, Tally


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
                other = DESIGNS[cell.design == NESTED]
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


def families(cell: Cell, effort: Effort) -> list[dict[str, Any]]:
    """The proposed method against six: family-wise errors, and the joint coverage of simultaneous intervals."""
    rng, tally = generator(effort.seed, 'families', *asdict(cell).values()), Tally()
    for count in portions(effort.few, METHODS * cell.seeds * cell.images):
        for scope in (PROCEDURE, NETWORKS):
            effects = cell.seed_effects(rng, count, METHODS)
            if scope == NETWORKS:
                effects = effects[:, :1].repeat(METHODS, axis=1)
            predictor = cell.predictor(rng, effects)
            for endpoint in ENDPOINTS:
                blocks = [Block(cell.score(endpoint, predictor[:, m])) for m in range(METHODS)]
                if scope == NETWORKS:
                    found = [fixed_seeds_contrast(blocks[0], other) for other in blocks[1:]]
                    corrected = holm_adjusted(np.stack([one.p for one in found], axis=-1))
                    held = np.asarray((np.stack([one.p for one in found]) >= ALPHA / len(found)).all(axis=0))
                else:
                    family = Families.of_tables(blocks, cell.design)
                    corrected, _ = family.today(CLOSE_IN_FAMILY)
                    held = family.held(corrected)
                    tally.rejects(scope, FORMER, endpoint, np.fmin.reduce(family.former(), axis=1), 'family-wise')
                test = FAMILY if scope == PROCEDURE else f'Holm, {PAIRED_T}'
                tally.rejects(scope, test, endpoint, np.fmin.reduce(corrected, axis=1), 'family-wise')
                tally.add('joint coverage', scope, f'simultaneous, {CROSSED if scope == PROCEDURE else PAIRED_T}',
                          endpoint, held)
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
            singles = [one.at(i) for i in range(count)]
            Estimate.together(singles, [1 - options.alpha, 1 - 2 * options.alpha])
            relevance = [judge(single, float(p), 'ME', options).relevance
                         for single, p in zip(singles, one.p, strict=True)]
            tally.add('equivalent at the margin', PROCEDURE, 'two one-sided tests', 'ME',
                      np.array([found == WITHIN for found in relevance]))
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


STUDIES: dict[str, Callable[[Any, Effort], list[dict[str, Any]]]] = {
    'many': many_at_once, 'ranks': rank_and_flip, 'bootstraps': bootstraps, 'better': better, 'families': families,
    'margins': margins, 'rare': rare_failures, 'few': few_seeds,
    'looks': looks, 'looked': looked_tables, 'folds': folds, 'across': across}
