"""Suites that are looked at more than once, simulated from seeds' means and mean squares.

The model of :mod:`.model` with normal errors: what a look needs of a table of seeds by images are means of the seeds,
which are drawn, and sums of squares over images, which are drawn as running sums with their exact joint law. So ten
thousand suites of twenty seeds cost seconds. The looks of a suite share its seeds and its images.

R: repetitions, K: contrasts (one method against each other one), S: the most seeds, L: looks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from benchmark.statistics.arrays import Floats, Integers, Masks
from benchmark.statistics.parts import Part, Parts
from benchmark.statistics.rank_tests import holm_adjusted
from benchmark.statistics.sequential.levels import bound, sequential_p
from benchmark.statistics.sequential.looks import chance_at_maximum
from benchmark.statistics.sequential.plan import SequentialPlan
from benchmark.statistics.terms import PAIRED, Design

from .model import COMMON, METHOD_IMAGE, RESIDUAL


@dataclass(frozen=True)
class World:
    """Suites that are simulated.

    Attributes:
        design: ``nested`` or ``paired``.
        n_images: N.
        seed_sd: Of the seed effects; in a paired design a share of their variance is common to all methods.
        contrasts: K.
        spread: What each method's seed effects are multiplied by, the shared method first; None: all alike.
    """

    design: Design
    n_images: int
    seed_sd: float
    contrasts: int = 1
    spread: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Draws:
    """Contrasts with 2 to S seeds, as :func:`benchmark.statistics.crossed_contrast` would find them.

    Attributes:
        estimate: mean(a) - mean(b), shape (R, K, S - 1).
        seeds: The seeds' part of its variance, X.
        seeds_df: Its degrees of freedom.
        images: The images' part, Y.
        spread: Half the variance of the estimate of Y.
        n_images: N.
    """

    estimate: Floats
    seeds: Floats
    seeds_df: Floats
    images: Floats
    spread: Floats
    n_images: int

    @property
    def parts(self) -> Parts:
        """Both parts of the variance."""
        return Parts((Part(self.seeds, self.seeds_df),), Part(self.images, np.full(
            self.images.shape, self.n_images - 1.0)), self.spread)

    def p(self) -> Floats:
        """Two-sided p-values of each number of seeds alone."""
        return self.parts.p(self.estimate)

    def shifted(self, by: float) -> Draws:
        """The same suites with another true difference."""
        return replace(self, estimate=self.estimate + by)

    def at(self, counts: Sequence[int]) -> Draws:
        """Those with these numbers of seeds, in the last axis."""
        return self.taken(np.asarray(counts) - 2)

    def taken(self, places: Any) -> Draws:
        """Those at places of the last axis."""
        arrays = (self.estimate, self.seeds, self.seeds_df, self.images, self.spread)
        estimate, seeds, df, images, spread = (np.ascontiguousarray(one[..., places]) for one in arrays)
        return Draws(estimate, seeds, df, images, spread, self.n_images)


def draw(rng: np.random.Generator, world: World, repetitions: int, most: int) -> Draws:
    """Suites of equal methods.

    Args:
        rng: Where they come from.
        world: What they are like.
        repetitions: R.
        most: S.
    """
    paired, n_images, n_methods = world.design == PAIRED, world.n_images, world.contrasts + 1
    own = (world.seed_sd * np.array(world.spread or (1.0,) * n_methods)) ** 2 * ((1 - COMMON) if paired else 1.0)
    noise = RESIDUAL**2 / n_images
    seeds = rng.normal(size=(repetitions, n_methods, most)) * np.sqrt(own + noise)[:, None]
    offsets = rng.normal(size=(repetitions, n_methods)) * METHOD_IMAGE / n_images**0.5
    count = np.arange(1, most + 1)
    estimate = running_mean(seeds[:, :1] - seeds[:, 1:]) + (offsets[:, :1] - offsets[:, 1:])[..., None]
    between, within = _image_squares(rng, (repetitions, world.contrasts, most), n_images)
    variance = between / (n_images - 1) / n_images
    with np.errstate(invalid='ignore', divide='ignore'):
        if paired:
            part = running_variance(seeds[:, :1] - seeds[:, 1:]) / count
            df = np.broadcast_to(count - 1.0, part.shape)
            rest = within / ((count - 1) * (n_images - 1)) / (n_images * count)
            rest_spread = rest**2 / ((count - 1) * (n_images - 1))
        else:
            each = running_variance(seeds) / count
            part = each[:, :1] + each[:, 1:]
            df = part**2 / ((each[:, :1] ** 2 + each[:, 1:] ** 2) / (count - 1))
            squares = np.cumsum(rng.chisquare(n_images - 1, seeds.shape), axis=2) * RESIDUAL**2
            # One block of residuals fewer than there are seeds is free.
            squares = np.concatenate([np.zeros_like(squares[..., :1]), squares[..., :-1]], axis=2)
            single = squares / ((count - 1) * (n_images - 1)) / (n_images * count)
            rest = single[:, :1] + single[:, 1:]
            rest_spread = (single[:, :1] ** 2 + single[:, 1:] ** 2) / ((count - 1) * (n_images - 1))
        spread = variance**2 / (n_images - 1) + rest_spread
    return Draws(estimate, part, df, np.maximum(0.0, variance - rest), spread, n_images).taken(slice(1, None))


def running_mean(values: Floats) -> Floats:
    """Means of the first 1, 2, .. values of the last axis."""
    found: Floats = np.cumsum(values, axis=-1) / np.arange(1, values.shape[-1] + 1)
    return found


def running_variance(values: Floats) -> Floats:
    """Their variances; NaN for one value."""
    count = np.arange(1, values.shape[-1] + 1)
    with np.errstate(invalid='ignore', divide='ignore'):
        found: Floats = (np.cumsum(values**2, axis=-1) - count * running_mean(values) ** 2) / (count - 1)
    return found


def _image_squares(rng: np.random.Generator, shape: tuple[int, ...], n_images: int) -> tuple[Floats, Floats]:
    """Sums of squares of the differences over images, and of their residuals over seeds and images, with 1 to S seeds.

    In the N - 1 directions that are left beside the mean the interactions are one vector, which gives a direction, and
    each seed adds one of residuals. Across that direction a running sum of vectors has a length that only the next
    vector's component along it, and the rest of its length, change.
    """
    unit, count = 2 * RESIDUAL**2, np.arange(1, shape[-1] + 1)
    interaction = np.sqrt(2 * METHOD_IMAGE**2 * rng.chisquare(n_images - 1, shape[:-1]))[..., None]
    along = rng.normal(size=shape) * unit**0.5
    forward, rest = rng.normal(size=shape), rng.chisquare(n_images - 3, shape)
    length, across = np.zeros(shape[:-1]), np.empty(shape)
    for place in range(shape[-1]):
        length = length + 2 * np.sqrt(length) * forward[..., place] + forward[..., place] ** 2 + rest[..., place]
        across[..., place] = length * unit
    total = np.cumsum(along, axis=-1)
    between = (interaction + total / count) ** 2 + across / count**2
    each = np.cumsum((forward**2 + rest) * unit + along**2, axis=-1)
    return between, each - (total**2 + across) / count


@dataclass(frozen=True)
class Settled:
    """How simulated suites ended.

    Attributes:
        rejected: Whether a contrast was called different, shape (R, K).
        futile: Whether it was given up.
        look: Place in the schedule of the look that settled it, the last one where none did.
        trainings: Share of the trainings of the design with the most seeds, shape (R,).
    """

    rejected: Masks
    futile: Masks
    look: Integers
    trainings: Floats


def settle(draws: Draws, p: Floats, plan: SequentialPlan, alpha: float = 0.05) -> Settled:
    """Suites that stop themselves, by :func:`benchmark.statistics.sequential.looks.next_look`'s rules without a margin.

    Args:
        draws: Contrasts at the plan's schedule (:meth:`Draws.at`), shape (R, K, L).
        p: Their p-values, each look's alone.
        plan: What is declared.
        alpha: Level of the family.
    """
    counts, times, size = np.array(plan.schedule()), plan.times(), p.shape[1]
    crossed = holm_along(sequential_p(p, times, plan.spending)) < alpha
    look = np.where(crossed.any(axis=2), crossed.argmax(axis=2), len(counts) - 1)
    futile = np.zeros(look.shape, bool)
    if plan.futility is not None:
        share = draws.seeds * counts / plan.max_seeds
        with np.errstate(invalid='ignore', divide='ignore'):
            df = (draws.images + share) ** 2 / (
                share**2 / (draws.seeds_df * (plan.max_seeds - 1) / (counts - 1)) + draws.spread)
        left = np.maximum(1, size - crossed.sum(axis=1, keepdims=True))
        last = np.array([np.inf, *(bound(times, alpha / number, plan.spending) for number in range(1, size + 1))])
        chance = chance_at_maximum(draws.estimate, draws.images + draws.seeds, draws.images + share, df, last[left])
        given_up = chance < plan.futility
        given_up[..., -1] = False
        when = np.where(given_up.any(axis=2), given_up.argmax(axis=2), len(counts))
        futile = when < look
        look = np.minimum(look, when)
    trained = counts[look]
    trainings = (trained.max(axis=1) + trained.sum(axis=1)) / ((size + 1) * plan.max_seeds)
    return Settled(crossed.any(axis=2) & ~futile, futile, look, trainings)


def holm_along(p: Floats) -> Floats:
    """Holm's adjusted p-values over the second axis, shape (R, K, ...)."""
    return np.moveaxis(holm_adjusted(np.moveaxis(p, 1, -1)), -1, 1)


def detectable(draws: Draws, alpha: float, power: float = 0.8) -> float:
    """The true difference that a test at ``alpha`` with the most seeds finds with this power, by bisection."""
    last = draws.taken(slice(-1, None))
    low, high = 0.0, 10 * float(np.sqrt(np.mean(last.parts.variance)))
    for _ in range(16):
        middle = (low + high) / 2
        one = last.shifted(middle)
        found = float(((one.p() < alpha) & (one.estimate > 0)).mean())
        low, high = (middle, high) if found < power else (low, middle)
    return (low + high) / 2
