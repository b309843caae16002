"""Where the uncertainty comes from, and what more seeds or images would do.

Components of the model in :mod:`.crossed`, by the analysis of variance (method of moments; negative ones are set to 0).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from scipy import special, stats
from scipy.optimize.elementwise import find_root

from .arrays import Floats
from .crossed import Block, mean_squares
from .estimates import t_quantile
from .options import TESTED, Options
from .parts import Part, Parts, nodes
from .scores import Scores
from .terms import PAIRED, Design

POWER = 0.8
#: Numbers of seeds for which the planner states standard errors; those at hand are added.
SEEDS = (2, 3, 5, 10, 20, 50)
#: Most seeds and images that are looked at, and fewest.
MOST_SEEDS, MOST_IMAGES = 10_000, 10_000_000
FEWEST_SEEDS, FEWEST_IMAGES = 2, 3
#: Points over what the seeds' mean squares may turn out to be, by the most degrees of freedom that they are used for.
SUMS = {3: 41, 9: 21, math.inf: 11}
#: Numbers of which the power is computed at a time.
HELD = 2000
#: One number or many.
Number = TypeVar('Number', float, Floats)


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


@dataclass(frozen=True)
class Components:
    """Variance of a difference a - b as a function of the numbers of seeds S and images N.

    V(S, N) = interaction / N + residual / (S N) + seed / S

    Attributes:
        interaction: Of images between the methods: it shrinks with images only.
        residual: Of a network on an image; in a nested design the sum over both methods.
        seed: Of seeds; in a nested design the sum over both methods. It shrinks with seeds only.
        terms: Seed components that are estimated separately: 2 in a nested, 1 in a paired design.
    """

    interaction: float
    residual: float
    seed: float
    terms: int

    def variance(self, n_seeds: Number, n_images: Number) -> Number:
        """V(S, N)."""
        return self.interaction / n_images + self.residual / (n_seeds * n_images) + self.seed / n_seeds

    def points(self, n_seeds: Floats | float, n_images: Floats | float) -> Points:
        """What is expected at S seeds and N images."""
        n_seeds, n_images = np.broadcast_arrays(np.asarray(n_seeds, np.float64), np.asarray(n_images, np.float64))
        return self._points((self.seed + self.residual / n_images) / n_seeds, n_seeds - 1, self.interaction / n_images,
                            n_images - 1)

    def df(self, n_seeds: Floats | float, n_images: Floats | float) -> Floats:
        """Satterthwaite's degrees of freedom of the variance at S and N, from expected mean squares."""
        n_seeds, n_images = np.asarray(n_seeds, np.float64), np.asarray(n_images, np.float64)
        rest = self.residual / (n_seeds * n_images)
        share, images = self.seed / n_seeds + rest, self.interaction / n_images + rest
        spread = images**2 + rest**2 / (self.terms * (n_seeds - 1))
        weight = share**2 / (self.terms * (n_seeds - 1)) + spread / (n_images - 1)
        return (self.interaction / n_images + share) ** 2 / weight

    def endless_seeds(self, n_images: int) -> Points:
        """The same at N images and endlessly many seeds."""
        return self._points(0.0, 1.0, self.interaction / n_images, n_images - 1.0)

    def endless_images(self, n_seeds: int) -> Points:
        """The same at S seeds and endlessly many images."""
        return self._points(self.seed / n_seeds, n_seeds - 1.0, 0.0, float(MOST_IMAGES))

    def _points(self, seeds: Floats | float, seeds_df: Floats | float, images: Floats | float,
                images_df: Floats | float) -> Points:
        return Points(*np.broadcast_arrays(np.asarray(seeds, np.float64), seeds_df, float(self.terms), images,
                                           images_df))

    def detectable(self, n_seeds: Floats | float, n_images: Floats | float, alpha: float = 0.05) -> Floats:
        """Smallest true difference that the two-part test finds with 80 % power."""
        return detectable(self.points(n_seeds, n_images), alpha)

    def floor(self, n_images: int, alpha: float = 0.05) -> float:
        """What more seeds lead to at N images."""
        return float(detectable(self.endless_seeds(n_images), alpha))

    def image_floor(self, n_seeds: int, alpha: float = 0.05) -> float:
        """What more images lead to at S seeds."""
        return float(detectable(self.endless_images(n_seeds), alpha))


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


def contrast_components(a: Block, b: Block, design: Design) -> Components | None:
    """Components of a contrast; None where one of them can't be estimated (one seed, one image)."""
    if min(a.n_seeds, b.n_seeds) < 2 or a.n_images < 2:
        return None
    if design == PAIRED:
        squares = mean_squares(a.values - b.values)
        return Components(float(squares.image_variance), float(squares.residual), float(squares.seed_variance), 1)
    noise = a.squares.residual / a.n_seeds + b.squares.residual / b.n_seeds
    interaction = max(0.0, float((a.images - b.images).var(ddof=1) - noise))
    return Components(interaction, float(a.squares.residual + b.squares.residual),
                      float(a.squares.seed_variance + b.squares.seed_variance), 2)


def variance_components(scores: Scores, pairs: Sequence[tuple[str, str]], options: Options) -> dict[str, Any]:
    """Components per method, of all methods together, and the shares of V of each planned contrast.

    Returns:
        Endpoint -> ``methods``: method -> ``image`` (with method-by-image), ``seed``, ``residual``; ``overall``:
        ``image``, ``method_by_image``, ``seed``, ``residual``, averaged over methods; ``contrasts``: shares of V
        by ``method_by_image``, ``seed`` and ``residual`` at the seeds and images at hand.
    """
    found = {}
    for endpoint in scores.endpoints(TESTED):
        blocks = {method: scores.block(endpoint, method) for method in scores.methods}
        found[endpoint] = {
            'methods': {method: {'image': block.squares.image_variance, 'seed': block.squares.seed_variance,
                                 'residual': block.squares.residual} for method, block in blocks.items()},
            'overall': overall(blocks.values()),
            'contrasts': [_shares(scores, endpoint, a, b, options) for a, b in pairs],
        }
    return found


def overall(blocks: Iterable[Block]) -> dict[str, float | None]:
    """Components of the whole table, averaged over methods: those of y ~ method + (image) + (method:image) + (seed)."""
    several = [block for block in blocks if block.n_seeds > 1]
    if not several or several[0].n_images < 2:
        return dict.fromkeys(('image', 'method_by_image', 'seed', 'residual'))
    residual = float(np.mean([block.squares.residual for block in several]))
    seed = float(np.mean([block.squares.seed_variance for block in several]))
    own = float(np.mean([block.images.var(ddof=1) - block.squares.residual / block.n_seeds for block in several]))
    if len(several) == 1:
        return {'image': max(0.0, own), 'method_by_image': None, 'seed': seed, 'residual': residual}
    total = np.sum([block.images for block in several], axis=0).var(ddof=1)
    each = sum(block.images.var(ddof=1) for block in several)
    image = float((total - each) / (len(several) * (len(several) - 1)))
    return {'image': max(0.0, image), 'method_by_image': max(0.0, own - image), 'seed': seed, 'residual': residual}


def _shares(scores: Scores, endpoint: str, a: str, b: str, options: Options) -> dict[str, Any]:
    first, second = scores.pair(endpoint, a, b, options.design)
    parts = contrast_components(first, second, options.design)
    shares: dict[str, float | None] = dict.fromkeys(('method_by_image', 'seed', 'residual'))
    if parts and first.n_seeds == second.n_seeds and (total := parts.variance(first.n_seeds, first.n_images)) > 0:
        shares = {'method_by_image': parts.interaction / first.n_images / total,
                  'seed': parts.seed / first.n_seeds / total,
                  'residual': parts.residual / (first.n_seeds * first.n_images) / total}
    return {'a': a, 'b': b, **shares}


def planning(scores: Scores, pairs: Sequence[tuple[str, str]], options: Options) -> list[dict[str, Any]]:
    """What more seeds or images would do for each planned contrast, in the procedure scope.

    The level is alpha over the number of planned contrasts, which is what Holm asks of the first of them. Numbers of
    seeds are per method. The target is the margin where there is one, else the difference that was observed, which is
    itself uncertain.

    Returns:
        One dict per endpoint and pair; ``seeds_needed`` is the least number of seeds, at the images at hand, with which
        a true difference of the size of the target is found with 80 % power; None where no number does.
        ``images_needed`` likewise, at the seeds at hand.
    """
    alpha = options.alpha / max(1, len(pairs))
    cases = [case for endpoint in scores.endpoints(TESTED) for a, b in pairs
             if (case := _case(scores, endpoint, a, b, options)) is not None]
    if not cases:
        return []
    looks = _detectable([points for case in cases for points in case.looked_at()], alpha)
    targets = np.array([case.target for case in cases])
    seeds = _least(lambda rows, counts: [cases[row].parts.points(count, cases[row].n_images)
                                         for row, count in zip(rows, counts, strict=True)],
                   targets, alpha, FEWEST_SEEDS, MOST_SEEDS)
    images = _least(lambda rows, counts: [cases[row].parts.points(cases[row].n_seeds, count)
                                          for row, count in zip(rows, counts, strict=True)],
                    targets, alpha, FEWEST_IMAGES, MOST_IMAGES)
    outlooks = []
    for row, case in enumerate(cases):
        now, grid, endless_seeds, endless_images = looks[4 * row:4 * row + 4]
        outlooks.append({
            'endpoint': case.endpoint, 'a': case.a, 'b': case.b, 'n_seeds': case.n_seeds, 'n_units': case.n_images,
            'target': case.target,
            'target_is': 'margin' if case.endpoint in options.margin else 'observed difference',
            'alpha': alpha, 'detectable': float(now), 'floor_seeds': float(endless_seeds),
            'floor_images': float(endless_images), 'seeds_needed': seeds[row], 'images_needed': images[row],
            'grid': [{'n_seeds': count, 'se': math.sqrt(case.parts.variance(count, case.n_images)),
                      'detectable': difference} for count, difference in zip(case.grid, grid, strict=True)],
        })
    return outlooks


@dataclass(frozen=True)
class _Case:
    """A contrast whose outlook is asked for."""

    endpoint: str
    a: str
    b: str
    parts: Components
    n_seeds: int
    n_images: int
    target: float

    @property
    def grid(self) -> list[int]:
        """Numbers of seeds that are stated."""
        return sorted({*SEEDS, self.n_seeds})

    def looked_at(self) -> tuple[Points, ...]:
        """As it is, at the numbers of seeds that are stated, at endlessly many seeds, and at endlessly many images."""
        parts = self.parts
        return (parts.points(self.n_seeds, self.n_images), parts.points(np.array(self.grid, np.float64), self.n_images),
                parts.endless_seeds(self.n_images), parts.endless_images(self.n_seeds))


def _detectable(several: Sequence[Points], alpha: float) -> list[Floats]:
    """What is detectable at each of several points, of their shapes; computed together."""
    ends = np.cumsum([points.seeds.size for points in several])
    found = np.split(detectable(Points.together(several), alpha), ends[:-1])
    return [one.reshape(points.seeds.shape) for one, points in zip(found, several, strict=True)]


def _least(points: Callable[[Sequence[int], Sequence[int]], list[Points]], targets: Floats, alpha: float, fewest: int,
           most: int) -> list[int | None]:
    """The least number with which a difference of each target's size is found; None where no number is enough.

    More is detectable with each seed or image, so the number is searched between two that are not and are enough: where
    the line through both in logarithms meets the target, or halfway.

    Args:
        points: What is expected of some of the targets (their rows) at a number each.
        targets: Differences.
        alpha: Level.
        fewest: The least number that is looked at.
        most: The largest.
    """
    def at(rows: Sequence[int], counts: Sequence[int]) -> Floats:
        return np.concatenate([np.ravel(one) for one in _detectable(points(rows, counts), alpha)])

    every = range(len(targets))
    low, high = np.full(len(targets), fewest), np.full(len(targets), most)
    found_low, found_high = at(every, low.tolist()), at(every, high.tolist())
    high = np.where(found_low <= targets, fewest, high)
    unreached = found_high > targets
    turn = 0
    while len(rows := np.flatnonzero(~unreached & (high - low > 1))):
        turn += 1
        least, largest = np.log(low[rows]), np.log(high[rows])
        with np.errstate(divide='ignore', invalid='ignore'):
            share = np.log(found_low[rows] / targets[rows]) / np.log(found_low[rows] / found_high[rows])
        share = np.where(np.isfinite(share) & (turn % 3 > 0), share, 0.5)
        tried = np.clip(np.rint(np.exp(least + share * (largest - least))).astype(int), low[rows] + 1, high[rows] - 1)
        found = at(rows.tolist(), tried.tolist())
        enough = found <= targets[rows]
        low[rows], found_low[rows] = np.where(enough, low[rows], tried), np.where(enough, found_low[rows], found)
        high[rows], found_high[rows] = np.where(enough, tried, high[rows]), np.where(enough, found, found_high[rows])
    return [None if none else int(count) for none, count in zip(unreached, high, strict=True)]


def _case(scores: Scores, endpoint: str, a: str, b: str, options: Options) -> _Case | None:
    """A contrast; None where its components can't be estimated, or are all 0."""
    first, second = scores.pair(endpoint, a, b, options.design)
    parts = contrast_components(first, second, options.design)
    if parts is None or parts.variance(2, 2) == 0:
        return None
    observed = abs(float(first.images.mean() - second.images.mean()))
    return _Case(endpoint, a, b, parts, min(first.n_seeds, second.n_seeds), first.n_images,
                 options.margin.get(endpoint, observed))


def images_for(parts: Components, n_seeds: int, target: float, alpha: float) -> int | None:
    """The least number of images that finds a true difference with 80 % power; None where none does.

    Args:
        parts: Components of the contrast.
        n_seeds: Seeds per method.
        target: The difference that is to be found.
        alpha: Level of the test.
    """
    return _least(lambda _, counts: [parts.points(n_seeds, count) for count in counts], np.array([target]), alpha,
                  FEWEST_IMAGES, MOST_IMAGES)[0]
