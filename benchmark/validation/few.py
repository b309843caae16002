"""Families at one look: today's rule beside the former one, which was t with Satterthwaite's df and Holm.

Both see the same simulated suites (:mod:`.squares`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from benchmark.statistics.arrays import Floats, Masks
from benchmark.statistics.crossed import Block, crossed_contrast, image_differences, mean_squares
from benchmark.statistics.estimates import Estimate
from benchmark.statistics.families import Pool, adjusted, half_width, pool
from benchmark.statistics.rank_tests import holm_adjusted
from benchmark.statistics.resampling import generator
from benchmark.statistics.terms import PAIRED, Design

from .plan import Effort
from .procedures import FORMER
from .squares import EQUAL, METHODS, PAIRS, Suite, Suites, draw, former
from .tally import ALPHA

#: Sizes of families: one contrast, the proposed method against each other one, all pairs.
SIZES = (1, METHODS - 1, len(PAIRS))
#: Tests, as they are named in the tables.
TODAY, TWO_PARTS, JOINT = 'today', 'two parts, Holm', 'simultaneous intervals'
#: A family-wise error above this is outside; above the next one it is simulated again with more repetitions.
WRONG, DOUBTFUL = 0.06, 0.053
#: A difference of fewer standard errors has a p-value above .05, whatever the parts of its variance: the normal law's
#: is at 1.96, and these are mixtures of t tests. It is not computed. The first error of a family takes a p-value below
#: .05 / 6, or a bound below .05 / 5, which is a t test with the same standard error.
CLOSE, CLOSE_IN_FAMILY = 1.95, 2.57


@dataclass(frozen=True)
class Families:
    """The contrasts of simulated suites, as both rules estimate them; see :data:`.squares.PAIRS`."""

    ours: list[Estimate]
    theirs: list[Estimate]
    seeds: list[tuple[int, int]]
    pooled: Pool | None

    @classmethod
    def of(cls, suites: Suites) -> Families:
        """Those of suites."""
        both = [*suites.contrasts()]
        counts = suites.suite.counts
        return cls([ours for ours, _ in both], [theirs for _, theirs in both],
                   [(counts[a], counts[b]) for a, b in PAIRS],
                   pool(suites.means, suites.suite.images, suites.suite.design))

    @classmethod
    def of_tables(cls, blocks: Sequence[Block], design: Design) -> Families:
        """The proposed method, the first one, against each other one, from whole tables of scores."""
        ours, theirs = [], []
        for other in blocks[1:]:
            ours.append(crossed_contrast(blocks[0], other, design))
            differences = image_differences(blocks[0], other)
            squares = [mean_squares(blocks[0].values - other.values)] if design == PAIRED else [
                blocks[0].squares, other.squares]
            images = differences.shape[-1]
            theirs.append(former(differences.mean(axis=-1), differences.var(axis=-1, ddof=1) / images, images, squares))
        return cls(ours, theirs, [(blocks[0].n_seeds, other.n_seeds) for other in blocks[1:]],
                   pool([block.values.mean(axis=-1) for block in blocks], blocks[0].n_images, design))

    def shifted(self, by: float) -> Families:
        """The same suites where the proposed method is worse than all others."""
        def moved(several: list[Estimate]) -> list[Estimate]:
            return [replace(one, estimate=one.estimate + by * (a == 0))
                    for one, (a, _) in zip(several, PAIRS, strict=False)]
        return replace(self, ours=moved(self.ours), theirs=moved(self.theirs))

    def first(self, size: int) -> Families:
        """A family of the first contrasts."""
        return replace(self, ours=self.ours[:size], theirs=self.theirs[:size], seeds=self.seeds[:size])

    def today(self, close: float = CLOSE) -> tuple[Floats, Floats]:
        """Adjusted p-values by the engine, and those by Holm over two-part p-values alone; shape (R, K).

        Args:
            close: Standard errors below which a p-value, but that of the first contrast, does not matter.
        """
        for place, one in enumerate(self.ours):
            if 'p' not in vars(one):
                vars(one)['p'] = far_p(one, close if place else CLOSE)
        return adjusted(self.ours, self.seeds, self.pooled), holm_adjusted(np.stack([one.p for one in self.ours], -1))

    def former(self) -> Floats:
        """Adjusted p-values by the former rule."""
        return holm_adjusted(np.stack([one.p for one in self.theirs], axis=-1))

    def held(self, adjusted_p: Floats) -> Masks:
        """Whether all simultaneous intervals hold 0, shape (R,).

        Args:
            adjusted_p: By the engine: where it is above the level, the interval holds 0.
        """
        held = np.ones(self.ours[0].estimate.shape, bool)
        for one, counts, p in zip(self.ours, self.seeds, adjusted_p.T, strict=True):
            far = np.flatnonzero(p < ALPHA)
            if far.size:
                pooled = self.pooled and replace(self.pooled, mean_square=self.pooled.mean_square[far])
                half = half_width(one.at(far), counts, pooled, ALPHA, len(self.ours))
                held[far] &= np.abs(one.estimate[far]) <= half
        return held


def far_p(one: Estimate, close: float) -> Floats:
    """p-values, 1 for differences of fewer than ``close`` standard errors."""
    p = np.where(np.isnan(one.se), np.nan, 1.0)
    far = np.abs(one.estimate) > close * one.se
    if far.any():
        p[far] = one.at(far).p
    return p


def few_seeds(suite: Suite, effort: Effort) -> list[dict[str, Any]]:
    """Family-wise errors, joint coverage and power of both rules, a row for each."""
    # Two parts of seeds take 37 times as many points as one.
    share = 1 if suite.seeds == suite.others else 3
    rows = errors(suite, effort.suites // share, effort.seed, 'first')
    if any(row['rate'] > DOUBTFUL for row in rows if row['test'] == TODAY):
        # The highest of many cells are too high by chance, so what is named rests on fresh numbers.
        rows = errors(suite, effort.confirmed // share, effort.seed, 'again')
    if suite.world == EQUAL and (share == 1 or suite.images == 310):
        rows += power(suite, effort.suites // 4 // share, effort.seed)
    return rows


def errors(suite: Suite, repetitions: int, seed: int, purpose: str) -> list[dict[str, Any]]:
    """How often methods that are equal are called different, and all simultaneous intervals hold."""
    every = Families.of(draw(generator(seed, 'few', purpose, *asdict(suite).values()), suite, repetitions))
    rows = []
    for size in SIZES:
        family = every.first(size)
        ours, alone = family.today(CLOSE_IN_FAMILY)
        for test, p in ((FORMER, family.former()), (TODAY, ours), (TWO_PARTS, alone)):
            rows.append(_row('families at one look', test, suite, size, np.asarray((p < ALPHA).any(axis=1)),
                             WRONG))
        if size > 1:
            rows.append(_row('joint coverage at one look', JOINT, suite, size, family.held(ours), 1.0, 0.94))
    return rows


def power(suite: Suite, repetitions: int, seed: int) -> list[dict[str, Any]]:
    """Share of the true differences that are found, where the former rule finds four of five."""
    every = Families.of(draw(generator(seed, 'few', 'power', *asdict(suite).values()), suite, repetitions))
    rows = []
    for size in SIZES:
        family, true = every.first(size), min(size, METHODS - 1)
        low, high = 0.0, 40 * float(np.mean([one.se.mean() for one in family.theirs]))
        for _ in range(14):
            middle = (low + high) / 2
            found = (family.shifted(middle).former()[:, :true] < ALPHA).mean()
            low, high = (middle, high) if found < 0.8 else (low, middle)
        there = family.shifted(high)
        ours, alone = there.today()
        for test, p in ((FORMER, there.former()), (TODAY, ours), (TWO_PARTS, alone)):
            rows.append(_row('power at one look', test, suite, size, (p[:, :true] < ALPHA).ravel()) | {
                'difference': high, 'replications': repetitions})
    return rows


def _row(study: str, test: str, suite: Suite, size: int, happened: Masks, most: float = 1.0,
         least: float = 0.0) -> dict[str, Any]:
    rate = float(happened.mean())
    return {'study': study, 'scope': 'procedure', 'test': test, 'endpoint': 'ME', 'errors': 'normal', **asdict(suite),
            'size': size, 'ours': test in (TODAY, JOINT), 'rate': rate,
            'se': (rate * (1 - rate) / happened.size) ** 0.5, 'replications': happened.size, 'without_result': 0,
            'inside': least <= rate <= most}
