"""Does the conclusion survive? Each planned contrast by other analyses, including those that others use.

The headline is the two-part test (:mod:`.parts`) in the procedure scope (with one seed: the networks scope). Every
other row is read by the same rule: a is better, b is better, or undecided at level alpha, without adjustment. A row
whose reading differs from that of the same endpoint's headline is a flip.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

from .arrays import Floats
from .crossed import Block, contrast, crossed_contrast, fixed_seeds_contrast, image_differences
from .endpoints import auc_scores, failures
from .estimates import ZERO, Estimate
from .fold_tables import fold_means
from .image_tests import bayesian_signed_rank, mcnemar_exact
from .options import Options
from .rank_tests import nemenyi_p, sign_flip, signed_rank
from .resampling import BOTH, bootstrap_means, generator, single_threaded
from .scores import Scores
from .terms import A_BETTER, B_BETTER, NESTED, NETWORKS, PAIRED, PROCEDURE, UNDECIDED, Scope

THRESHOLDS = (0.8, 1.0, 1.2, 1.4, 1.6)
TRIMMED = 0.05
#: What is drawn (seeds, images) -> means of each pair's methods in these draws.
Drawn = Callable[[tuple[str, ...]], dict[str, Floats]]
#: Endpoints of errors that have a headline.
HEADLINES = ('ME', 'FR', 'AUC')
#: Most images for the Bayesian signed-rank test (its cost grows with their square), and its draws.
ROPE_IMAGES, ROPE_DRAWS = 1000, 2000


def sensitivity(scores: Scores, pairs: Sequence[tuple[str, str]], friedman: dict[str, Any] | None,
                options: Options) -> list[dict[str, Any]]:
    """The sensitivity table of each planned contrast.

    Args:
        scores: The main condition's scores.
        pairs: Planned pairs.
        friedman: The rank summary of :mod:`.ranking`, for Nemenyi's test.
        options: Design, level, draws, margin.

    Returns:
        Per pair: the ``headlines`` by endpoint, and ``rows`` with ``analysis``, ``scope``, ``estimate``, ``p``,
        interval, ``reading``, ``flip`` and, where an analysis can't be made, ``reason`` and no reading.
    """
    found = []

    @cache
    def signs(count: int) -> Floats:
        """Of the sign flips of so many images, shape (draws, count): the same ones for each contrast."""
        shape = min(options.draws, 20_000_000 // count + 1), count
        found: Floats = np.array([-1.0, 1.0])[generator(options.seed, 'signs').integers(0, 2, size=shape)]
        return found

    @cache
    def drawn(over: tuple[str, ...]) -> dict[str, Floats]:
        """Means of the pairs' methods in crossed bootstrap draws, shape (draws, 2)."""
        values = {repr((a, b)): {method: block.values for method, block in zip(
            (a, b), scores.pair(scores.primary, a, b, options.design), strict=True)} for a, b in pairs}
        return bootstrap_means(values, options.draws, options.seed, options.design, over, scores.folds)

    for a, b in pairs:
        table = _Table(scores, a, b, options, signs)
        if scores.folds:
            table.cross_validated(drawn)
            found.append(table.written())
            continue
        table.tests_of_others()
        table.bootstrap(drawn)
        table.other_scores()
        table.other_design()
        table.leave_out()
        table.thresholds()
        table.mcnemar()
        table.nemenyi(friedman)
        table.rope()
        found.append(table.written())
    return found


class _Table:
    """Rows of one contrast."""

    def __init__(self, scores: Scores, a: str, b: str, options: Options, signs: Callable[[int], Floats]) -> None:
        self.scores, self.a, self.b, self.options, self.signs = scores, a, b, options, signs
        self.primary = scores.primary
        self.blocks = scores.pair(self.primary, a, b, options.design)
        self.seeds = min(block.n_seeds for block in self.blocks)
        self.folds = scores.folds
        self.scope: Scope = PROCEDURE if self.seeds > 1 or self.folds else NETWORKS
        self.difference = image_differences(*self.blocks)
        self.head = options.measures[self.primary].head
        self.rows: list[dict[str, Any]] = []
        self.headlines: dict[str, dict[str, Any]] = {}
        told = scores.endpoints(options.measures.tested if options.measures.scores else HEADLINES)
        found = {endpoint: self.main(*scores.pair(endpoint, a, b, options.design)) for endpoint in told}
        Estimate.together([*found.values()], [1 - options.alpha])
        for endpoint, one in found.items():
            self.headlines[endpoint] = {'scope': self.scope, **self.numbers(one),
                                        'reading': self.read(float(one.p), float(one.estimate), endpoint)}

    def written(self) -> dict[str, Any]:
        """The table as it stands in ``analysis.json``."""
        return {'a': self.a, 'b': self.b, 'endpoint': self.primary, 'headlines': self.headlines, 'rows': self.rows,
                'flips': sum(row['flip'] is True for row in self.rows),
                'read': sum(row['reading'] is not None for row in self.rows)}

    def cross_validated(self, drawn: Drawn) -> None:
        """The rows of a cross-validation: those that go by its rule, and what others make of the folds."""
        self.of_folds()
        self.bootstrap(drawn)
        self.other_scores()
        self.leave_out()
        self.thresholds()

    def of_folds(self) -> None:
        """t tests of the folds' means: corrected for training sets that overlap, and as if folds were independent."""
        assert self.folds
        names = 'corrected resampled t of folds', 't of folds, uncorrected'
        fold_of, values, means = self.scores.fold_of, self.scores.values[self.primary], None
        if fold_of and np.array_equal(fold_of[self.a], fold_of[self.b]):
            means = fold_means(fold_of[self.a][:, self.scores.kept[self.primary]], values[self.a] - values[self.b])
        if means is None or not means.std() > ZERO * float(self.blocks[0].size):
            reason = 'no folds in the table that both methods share' if means is None else 'no variance between folds'
            for name in names:
                self.add(name, PROCEDURE, reason=reason)
            return
        for name, share in zip(names, (1 / means.size + 1 / (self.folds - 1), 1 / means.size), strict=True):
            se, df = np.sqrt(means.var(ddof=1) * share), np.float64(means.size - 1)
            corrected = share > 1 / means.size
            self.estimate(name, PROCEDURE, Estimate(means.mean(), se, df), note=(
                'Nadeau and Bengio (2003)' if corrected else
                'takes folds for independent; see docs/validation.md for how often it errs'))

    def main(self, first: Block, second: Block) -> Estimate:
        """The headline's analysis of other scores."""
        first, second = (Block(block.values, self.folds) for block in (first, second))
        return contrast(first, second, self.scope, self.options.design)

    def numbers(self, one: Estimate) -> dict[str, Any]:
        low, high = one.interval(1 - self.options.alpha)
        return {'estimate': one.estimate, 'p': one.p, 'ci_low': low, 'ci_high': high}

    def read(self, p: float, estimate: float, endpoint: str | None = None) -> str | None:
        """a better, b better, undecided; None where there is no test."""
        if math.isnan(p):
            return None
        if p >= self.options.alpha or estimate == 0:
            return UNDECIDED
        return A_BETTER if (estimate < 0) == self.options.measures.lower(endpoint or self.primary) else B_BETTER

    def add(self, analysis: str, scope: Scope, numbers: dict[str, Any] | None = None, reason: str | None = None,
            endpoint: str | None = None, reading: str | None = None, note: str | None = None) -> None:
        """A row; without numbers, the reason why there are none."""
        endpoint = endpoint or self.primary
        numbers = {'estimate': None, 'p': None, 'ci_low': None, 'ci_high': None, **(numbers or {})}
        if reading is None and numbers['p'] is not None:
            reading = self.read(float(numbers['p']), float(numbers['estimate']), endpoint)
            reason = reason or (None if reading else 'no variance to judge by')
        expected = self.headlines[endpoint]['reading']
        flip = None if reading is None or expected is None else reading != expected
        self.rows.append({'analysis': analysis, 'scope': scope, 'endpoint': endpoint, **numbers, 'reading': reading,
                          'flip': flip, 'reason': reason, 'note': note})

    def estimate(self, analysis: str, scope: Scope, one: Estimate, endpoint: str | None = None,
                 note: str | None = None) -> None:
        self.add(analysis, scope, self.numbers(one), endpoint=endpoint, note=note)

    def tests_of_others(self) -> None:
        """Tests of seed-averaged images or of seed means: each forgets one of the two random factors."""
        if self.scope == PROCEDURE:
            self.estimate('paired t on seed-averaged images', NETWORKS, fixed_seeds_contrast(*self.blocks))
        test = signed_rank(self.difference, 1 - self.options.alpha)
        self.add('Wilcoxon on seed-averaged images', NETWORKS,
                 {'estimate': test.pseudomedian, 'p': test.p, 'ci_low': test.low, 'ci_high': test.high},
                 note='estimate: Hodges-Lehmann; ignores seeds')
        with single_threaded():
            p = sign_flip(self.difference, self.signs(len(self.difference))) if self.difference.any() else math.nan
        self.add('sign-flip permutation of images', NETWORKS, {'estimate': self.difference.mean(), 'p': p},
                 note='ignores seeds')
        means = [block.values.mean(axis=1) for block in self.blocks]
        if self.seeds < 2:
            self.add('Welch t on seed means', PROCEDURE, reason='needs two seeds of each method')
        else:
            self.welch(*means)
        least = self.least_p(*map(len, means))
        if least >= self.options.alpha:
            self.add('Wilcoxon on seed means', PROCEDURE,
                     reason=f'with {self.seeds} seed{"s" if self.seeds > 1 else ""} p is at least {least:.4g}: it '
                            'can\'t reject, whatever the data')
        elif self.options.design == PAIRED:
            test = signed_rank(means[0] - means[1], 1 - self.options.alpha)
            self.add('Wilcoxon on seed means', PROCEDURE, {'estimate': test.pseudomedian, 'p': test.p,
                                                           'ci_low': test.low, 'ci_high': test.high})
        else:
            test = stats.mannwhitneyu(*means, alternative='two-sided', method='auto')
            self.add('Wilcoxon on seed means', PROCEDURE,
                     {'estimate': means[0].mean() - means[1].mean(), 'p': float(test.pvalue)},
                     note='rank sum, as the design is nested')

    def least_p(self, first: int, second: int) -> float:
        """The smallest p that a rank test of seed means can have: signed ranks if paired, else the rank sum."""
        if self.options.design == PAIRED:
            return min(1.0, 2.0 ** (1 - first))
        return min(1.0, 2 / math.comb(first + second, first))

    def welch(self, first: Floats, second: Floats) -> None:
        """Seed means only: it treats the test images as the whole population."""
        paired = self.options.design == PAIRED
        spread = (first - second).std() if paired else max(first.std(), second.std())
        if spread <= ZERO * max(abs(first).max(), abs(second).max()):
            self.add('Welch t on seed means', PROCEDURE, reason='no variance between seeds')
            return
        test = stats.ttest_rel(first, second) if paired else stats.ttest_ind(first, second, equal_var=False)
        interval = test.confidence_interval(1 - self.options.alpha)
        self.add('paired t on seed means' if paired else 'Welch t on seed means', PROCEDURE,
                 {'estimate': first.mean() - second.mean(), 'p': float(test.pvalue), 'ci_low': interval.low,
                  'ci_high': interval.high}, note='ignores the sampling of images')

    def bootstrap(self, drawn: Drawn) -> None:
        """Crossed bootstrap percentile interval; p from the share of draws on the other side of 0."""
        means = drawn(BOTH if self.scope == PROCEDURE else ('images',))[repr((self.a, self.b))]
        draws = means[:, 0] - means[:, 1]
        name = f'bootstrap of {self.scores.unit}s' if self.folds else 'crossed bootstrap'
        if not np.ptp(draws) > ZERO * float(self.blocks[0].size):
            self.add(name, self.scope, reason='no variance to judge by')
            return
        low, high = np.quantile(draws, [self.options.alpha / 2, 1 - self.options.alpha / 2])
        below, above = np.count_nonzero(draws <= 0), np.count_nonzero(draws >= 0)
        p = min(1.0, 2 * (1 + min(below, above)) / (1 + len(draws)))
        self.add(name, self.scope, {'estimate': self.difference.mean(), 'p': p, 'ci_low': low, 'ci_high': high},
                 note='percentile interval')

    def other_scores(self) -> None:
        """The headline's analysis of log errors, and without the easiest and hardest images."""
        first, second = (block.values for block in self.blocks)
        sign = -1 if max(first.max(), second.max()) < 0 else 1  # of scores that are all negative
        if min((sign * first).min(), (sign * second).min()) > 0:
            one = self.main(*(Block(sign * np.log(sign * values)) for values in (first, second)))
            self.estimate(f'log {self.head}', self.scope, one, note='estimate: difference of mean logarithms')
        else:
            self.add(f'log {self.head}', self.scope, reason='not all scores are above 0'
                     if self.options.measures.scores else 'an error is 0')
        count = len(self.difference)
        cut = math.ceil(TRIMMED * count)
        if count - 2 * cut < 3:
            self.add(f'trimmed {self.head}', self.scope, reason='too few images')
            return
        order = np.argsort(self.blocks[0].images + self.blocks[1].images, kind='stable')[cut:count - cut]
        self.estimate(f'trimmed {self.head}', self.scope, self.main(Block(first[:, order]), Block(second[:, order])),
                      note=f'without the {cut} easiest and the {cut} hardest {self.scores.unit}s of both methods')

    def other_design(self) -> None:
        """The other of nested and paired."""
        other = PAIRED if self.options.design == NESTED else NESTED
        name = f'{other} instead of {self.options.design}'
        if self.seeds < 2:
            self.add(name, PROCEDURE, reason='needs two seeds of each method')
        elif other == NESTED:
            self.estimate(name, PROCEDURE, crossed_contrast(*self.blocks, NESTED))
        elif len(self.scores.common_seeds(self.a, self.b)) < 2:
            self.add(name, PROCEDURE, reason='fewer than two common seeds')
        else:
            self.estimate(name, PROCEDURE, crossed_contrast(
                *self.scores.pair(self.primary, self.a, self.b, PAIRED), PAIRED))

    def leave_out(self) -> None:
        """The least favourable result without one seed, and without the most influential image."""
        first, second = (block.values for block in self.blocks)
        name, one = ('leave one repetition out', 'repetitions') if self.folds else ('leave one seed out', 'seeds')
        if self.seeds < 3:
            self.add(name, PROCEDURE, reason=f'needs three {one} of each method')
        else:
            if self.options.design == PAIRED or self.folds:
                cases = [(np.delete(first, k, 0), np.delete(second, k, 0)) for k in range(len(first))]
            else:
                cases = [(np.delete(first, k, 0), second) for k in range(len(first))]
                cases += [(first, np.delete(second, k, 0)) for k in range(len(second))]
            found = [self.main(Block(one), Block(two)) for one, two in cases]
            Estimate.together(found, [1 - self.options.alpha])
            readings = [self.read(float(one.p), float(one.estimate)) for one in found]
            changed = sum(reading != self.headlines[self.primary]['reading'] for reading in readings)
            self.estimate(name, PROCEDURE, self.least_favourable(found),
                          note=f'the one of {len(found)} that speaks most against the headline; '
                               f'{changed} change{"s" if changed == 1 else ""} the conclusion')
        if len(self.difference) < 4:
            self.add('without the most influential image', self.scope, reason='too few images')
            return
        without = int(np.abs(self.difference - self.difference.mean()).argmax())
        rest = self.main(*(Block(np.delete(values, without, 1)) for values in (first, second)))
        self.estimate(f'without the most influential {self.scores.unit}', self.scope, rest)

    def least_favourable(self, found: Sequence[Estimate]) -> Estimate:
        """Where the headline is a difference the largest p (a change of sign is larger still), else the smallest."""
        headline = self.headlines[self.primary]
        reading, sign = headline['reading'], np.sign(float(headline['estimate']))
        known = [one for one in found if not math.isnan(float(one.p))] or [*found]

        def against(one: Estimate) -> float:
            p = float(one.p)
            return (p if np.sign(float(one.estimate)) == sign else 2 - p) if reading in (A_BETTER, B_BETTER) else -p

        return max(known, key=against)

    def thresholds(self) -> None:
        """FR and AUC at thresholds of 0.8 to 1.6 times the declared one, from each image's error; of scores none."""
        if self.options.measures.scores:
            return
        kinds: dict[str, Callable[[Floats, float], Floats]] = {'FR': failures, 'AUC': auc_scores}
        found = {(endpoint, factor): self.at_threshold(endpoint, score, factor * self.options.limit)
                 for endpoint, score in kinds.items() for factor in THRESHOLDS}
        Estimate.together([*found.values()], [1 - self.options.alpha])
        for (endpoint, factor), one in found.items():
            self.estimate(f'{endpoint} at {factor:g} t', self.scope, one, endpoint=endpoint)

    def at_threshold(self, endpoint: str, score: Callable[[Floats, float], Floats], threshold: float) -> Estimate:
        """The headline's analysis of scores at another threshold."""
        missed, blocks = self.options.measures.worst(endpoint), []
        for method in (self.a, self.b):
            values = score(self.scores.values[self.primary][method], threshold)
            if missed is not None and method in self.scores.absent:
                values = np.where(self.scores.absent[method], missed, values)
            if self.options.design == PAIRED:
                values = values[self.scores.places(method, self.scores.common_seeds(self.a, self.b))]
            blocks.append(Block(self.scores.by_unit(values, self.scores.kept[self.primary])))
        return self.main(*blocks)

    def mcnemar(self) -> None:
        """Exact McNemar test of failures, one network of each method at a time (in the order of their seeds)."""
        if 'FR' not in self.headlines:
            return
        if self.scores.unit == 'subject':
            self.add('exact McNemar per seed', NETWORKS, endpoint='FR',
                     reason='images of a subject are not independent')
            return
        first, second = (block.values for block in self.scores.pair('FR', self.a, self.b, self.options.design))
        count = min(len(first), len(second))
        tables = [(int(((one == 1) & (two == 0)).sum()), int(((one == 0) & (two == 1)).sum()))
                  for one, two in zip(first[:count], second[:count], strict=True)]
        if not any(map(sum, tables)):
            self.add('exact McNemar per seed', NETWORKS, endpoint='FR', reason='no image fails in one method only')
            return
        tests = mcnemar_exact(*np.transpose(tables)).tolist()
        readings = {self.read(p, float(one.mean() - two.mean()), 'FR')
                    for p, one, two in zip(tests, first[:count], second[:count], strict=True)}
        rejected = sum(p < self.options.alpha for p in tests)
        self.add('exact McNemar per seed', NETWORKS,
                 {'estimate': float(first[:count].mean() - second[:count].mean()), 'p': float(np.median(tests))},
                 endpoint='FR', reading=readings.pop() if len(readings) == 1 else UNDECIDED,
                 note=f'{rejected} of {count} pairs of networks differ; p: median, from {min(tests):.3g} to '
                      f'{max(tests):.3g}')

    def nemenyi(self, friedman: dict[str, Any] | None) -> None:
        """Difference of mean ranks; it depends on the pool of methods."""
        if not friedman:
            return
        difference = friedman['mean_ranks'][self.a] - friedman['mean_ranks'][self.b]
        methods = len(friedman['mean_ranks'])
        p = nemenyi_p(difference, methods, friedman['n_units'])
        # The better method has the lower rank, whichever way its scores go.
        signed = difference if self.options.measures.lower(self.primary) else -difference
        self.add('Nemenyi on mean ranks', NETWORKS, {'estimate': difference, 'p': p}, reading=self.read(p, signed),
                 note=f'estimate: difference of mean ranks; depends on the pool of {methods} methods; ignores seeds')

    def rope(self) -> None:
        """Bayesian signed-rank test with a region of practical equivalence (Benavoli et al. 2017); needs a margin."""
        margin, count = self.options.margin.get(self.primary), len(self.difference)
        if margin is None:
            self.add('Bayesian signed-rank with ROPE', NETWORKS, reason='needs a margin')
        elif count > ROPE_IMAGES:
            self.add('Bayesian signed-rank with ROPE', NETWORKS, reason=f'more than {ROPE_IMAGES} {self.scores.unit}s')
        else:
            sign = 1 if self.options.measures.lower(self.primary) else -1
            better, same, worse = bayesian_signed_rank(sign * self.difference, margin, ROPE_DRAWS,
                                                       generator(self.options.seed, 'rope', self.a, self.b))
            level = 1 - self.options.alpha
            self.add('Bayesian signed-rank with ROPE', NETWORKS, {'estimate': self.difference.mean()},
                     reading=A_BETTER if better > level else B_BETTER if worse > level else UNDECIDED,
                     note=f'P(a better by more than the margin) {better:.3f}, P(within) {same:.3f}, P(b better) '
                          f'{worse:.3f}; depends on its prior, ignores seeds')
