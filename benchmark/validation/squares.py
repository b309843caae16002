"""Suites simulated from seeds' means and mean squares alone, at one look.

The model of :mod:`.model` with normal errors. What a contrast needs of a table of seeds by images are the means of the
seeds, which are drawn, and sums of squares and products over images, which have Wishart laws: thousands of suites of
seven methods cost a second, however many images they have. Errors that all methods share on an image cancel, and so
are left out.

R: repetitions, M: methods, S: seeds of a method.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from benchmark.statistics.arrays import Floats
from benchmark.statistics.crossed import MeanSquares, of_squares, parts_of
from benchmark.statistics.estimates import Estimate, satterthwaite
from benchmark.statistics.terms import DESIGNS, NESTED, PAIRED, Design

from .model import COMMON, METHOD_IMAGE, RESIDUAL

#: M. The first method is the one that is proposed.
METHODS = 7
#: All pairs: first the proposed method against each other one.
PAIRS = tuple(combinations(range(METHODS), 2))
#: What the seeds' SD of each method is multiplied by.
WORLDS: dict[str, tuple[float, ...]] = {
    'equal': (1,) * METHODS, 'proposed x 3': (3, *(1,) * 6), 'proposed x 5': (5, *(1,) * 6),
    'another x 3': (1, 3, *(1,) * 5), 'another x 5': (1, 5, *(1,) * 5),
    'proposed alone': (1, *(0,) * 6), 'another alone': (0, 1, *(0,) * 5)}
EQUAL = 'equal'


@dataclass(frozen=True)
class Suite:
    """Suites that are simulated.

    Attributes:
        design: ``nested`` or ``paired``.
        seed_sd: Standard deviation of the seed effects; in a paired design a share of their variance is common.
        seeds: S of the proposed method.
        others: S of each other one; in a paired design the same.
        images: N.
        world: A key of :data:`WORLDS`.
    """

    design: Design
    seed_sd: float
    seeds: int
    others: int
    images: int
    world: str = EQUAL

    @property
    def counts(self) -> tuple[int, ...]:
        """Seeds of each method."""
        return (self.seeds, *(self.others,) * (METHODS - 1))


@dataclass(frozen=True)
class Suites:
    """Simulated suites of equal methods.

    Attributes:
        suite: What they are like.
        means: Mean over images of each seed, of each method: shapes (R, S_m).
        offsets: What a method's mean owes to the choice of images, shape (R, M).
        between: Products of the images' means of two methods over N - 1, shape (R, M, M).
        within: Mean products of the residuals of two methods (paired), shape (R, M, M), or mean squares of those of
            each (nested), shape (R, M).
    """

    suite: Suite
    means: list[Floats]
    offsets: Floats
    between: Floats
    within: Floats

    def squares(self, a: int, b: int) -> tuple[Floats, list[MeanSquares]]:
        """var(D) / N of a contrast, and the mean squares of what has random seeds."""
        suite, images = self.suite, self.suite.images
        variance = _of_difference(self.between, a, b) / images
        absent = np.full(variance.shape, np.nan)
        if suite.design == PAIRED:
            seed = images * (self.means[a] - self.means[b]).var(axis=1, ddof=1)
            return variance, [MeanSquares(seed, absent, _of_difference(self.within, a, b), suite.seeds, images)]
        return variance, [MeanSquares(images * self.means[m].var(axis=1, ddof=1), absent, self.within[:, m],
                                      suite.counts[m], images) for m in (a, b)]

    def contrasts(self) -> Iterator[tuple[Estimate, Estimate]]:
        """Each of :data:`PAIRS` as the engine estimates it, and as :func:`former` does."""
        for a, b in PAIRS:
            variance, squares = self.squares(a, b)
            mean = self.means[a].mean(axis=1) - self.means[b].mean(axis=1) + self.offsets[:, a] - self.offsets[:, b]
            given = mean, variance, self.suite.images, squares
            yield of_squares(*given), former(*given)


def former(mean: Floats, images: Floats, n_images: int, seeds: list[MeanSquares]) -> Estimate:
    """The contrast as it was estimated before: t with Satterthwaite's degrees of freedom, seeds' parts cut off at 0.

    Args:
        mean: The difference, shape (...).
        images: var(D) / N.
        n_images: N.
        seeds: Mean squares of what has random seeds.
    """
    return Estimate(mean, *satterthwaite(*parts_of(images, n_images, seeds)))


def draw(rng: np.random.Generator, suite: Suite, repetitions: int) -> Suites:
    """Suites of equal methods.

    Args:
        rng: Where they come from.
        suite: What they are like.
        repetitions: R.
    """
    paired, images, counts = suite.design == PAIRED, suite.images, np.array(suite.counts)
    sds = suite.seed_sd * np.array(WORLDS[suite.world], np.float64) * ((1 - COMMON) ** 0.5 if paired else 1.0)
    # The part of the seeds that paired methods have in common cancels in every difference.
    means = [rng.normal(size=(repetitions, count)) * (sd**2 + RESIDUAL**2 / images) ** 0.5
             for sd, count in zip(sds, counts, strict=True)]
    offsets = rng.normal(size=(repetitions, METHODS)) * METHOD_IMAGE / images**0.5
    own = np.sqrt(METHOD_IMAGE**2 + RESIDUAL**2 / counts)
    between = wishart(rng, repetitions, images - 1) * np.outer(own, own)
    if paired:
        return Suites(suite, means, offsets, between, wishart(rng, repetitions, (suite.seeds - 1) * (images - 1))
                      * RESIDUAL**2)
    df = (counts - 1.0) * (images - 1)
    return Suites(suite, means, offsets, between, rng.chisquare(df, (repetitions, METHODS)) / df * RESIDUAL**2)


def wishart(rng: np.random.Generator, repetitions: int, df: int) -> Floats:
    """Mean products of M independent unit normals with ``df`` degrees of freedom, shape (R, M, M) (Bartlett 1933)."""
    root = np.zeros((repetitions, METHODS, METHODS))
    below = np.tril_indices(METHODS, -1)
    root[:, below[0], below[1]] = rng.normal(size=(repetitions, len(below[0])))
    place = np.arange(METHODS)
    root[:, place, place] = np.sqrt(rng.chisquare(df - place, (repetitions, METHODS)))
    found: Floats = root @ root.transpose(0, 2, 1) / df
    return found


def _of_difference(products: Floats, a: int, b: int) -> Floats:
    """Mean square of the difference of two methods."""
    found: Floats = products[:, a, a] + products[:, b, b] - 2 * products[:, a, b]
    return found


def suites(seeds: Sequence[int], images: Sequence[int], seed_sds: Sequence[float], worlds: Sequence[str],
           unequal: Sequence[tuple[int, int]] = ()) -> list[Suite]:
    """Every combination; without seed variance all worlds are one, and unequal numbers of seeds are nested.

    Args:
        seeds: S of all methods.
        images: N.
        seed_sds: Standard deviations of the seed effects.
        worlds: Keys of :data:`WORLDS`.
        unequal: S of the proposed method and of each other one.
    """
    kinds = [(design, count, count) for design in DESIGNS for count in seeds] + [(NESTED, *pair) for pair in unequal]
    return [Suite(design, sd, one, other, count, world) for design, one, other in kinds for count in images
            for sd in seed_sds for world in (worlds if sd else (EQUAL,))]
