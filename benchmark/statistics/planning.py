"""Where the uncertainty comes from, and what more seeds or images would do.

Components of the model in :mod:`.crossed`, by the analysis of variance (method of moments; negative ones are set to 0).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple, TypeVar

import numpy as np
from scipy import stats
from scipy.optimize.elementwise import find_root

from .arrays import Floats
from .crossed import Block, mean_squares
from .estimates import t_quantile
from .options import TESTED, Options
from .scores import Scores
from .terms import PAIRED, Design

POWER = 0.8
#: Numbers of seeds for which the planner states standard errors; those at hand are added.
SEEDS = (2, 3, 5, 10, 20, 50)
#: Most seeds and images that are looked at.
MOST_SEEDS, MOST_IMAGES = 10_000, 10_000_000
#: Standard errors and degrees of freedom, of one shape.
Points = tuple[Floats, Floats]
#: One number or many.
Number = TypeVar('Number', float, Floats)


def _grid(least: int, most: int) -> Floats:
    """Whole numbers from least to most, each about a tenth more than the one before."""
    steps = np.geomspace(least, most, 1 + math.ceil(math.log(most / least) / math.log(1.1)))
    return np.unique(np.rint(steps))


SEED_GRID, IMAGE_GRID = _grid(2, MOST_SEEDS), _grid(3, MOST_IMAGES)


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

    def df(self, n_seeds: Floats, n_images: Floats) -> Floats:
        """Satterthwaite's degrees of freedom at S and N, from expected mean squares."""
        images = self.interaction / n_images + self.residual / (n_seeds * n_images)
        share, rest = self.seed / n_seeds, self.residual / (n_seeds * n_images)
        # Each of the (equal) terms has the mean squares share + rest and rest, here over their number.
        seeds = (share + rest) ** 2 + rest**2 / (n_images - 1)
        weight = images**2 / (n_images - 1) + (self.seed > 0) * seeds / (self.terms * (n_seeds - 1))
        return (images + share) ** 2 / weight

    def points(self, n_seeds: Floats | float, n_images: Floats | float) -> Points:
        """Standard error and degrees of freedom of the difference at S and N."""
        n_seeds, n_images = np.asarray(n_seeds, np.float64), np.asarray(n_images, np.float64)
        return np.sqrt(self.variance(n_seeds, n_images)), self.df(n_seeds, n_images)

    def endless_seeds(self, n_images: int) -> Points:
        """The same at N images and endlessly many seeds."""
        return np.sqrt(self.interaction / n_images), np.asarray(n_images - 1.0)

    def endless_images(self, n_seeds: int) -> Points:
        """The same at S seeds and endlessly many images."""
        return np.sqrt(self.seed / n_seeds), np.asarray(self.terms * (n_seeds - 1.0))

    def detectable(self, n_seeds: Floats | float, n_images: Floats | float, alpha: float = 0.05) -> Floats:
        """Smallest true difference that a two-sided test finds with 80 % power (noncentral t)."""
        return detectable([self.points(n_seeds, n_images)], alpha)[0]

    def floor(self, n_images: int, alpha: float = 0.05) -> float:
        """The smallest of these that more seeds lead to at N images: at endlessly many, or before."""
        endless, grid = detectable([self.endless_seeds(n_images), self.points(SEED_GRID, n_images)], alpha)
        return least_of(endless, grid)

    def image_floor(self, n_seeds: int, alpha: float = 0.05) -> float:
        """The smallest that more images lead to at S seeds. With few seeds it can lie before endlessly many images, as
        the test's degrees of freedom fall to those of the seeds alone."""
        if self.seed == 0:
            return 0.0
        endless, grid = detectable([self.endless_images(n_seeds), self.points(n_seeds, IMAGE_GRID)], alpha)
        return least_of(endless, grid)


def detectable(points: Sequence[Points], alpha: float) -> list[Floats]:
    """Smallest true differences that a two-sided test finds with 80 % power.

    They are searched together: a search costs about as much for one number as for thousands.

    Args:
        points: Standard errors and degrees of freedom, as :meth:`Components.points` gives them.
        alpha: Level of the test.

    Returns:
        One array for each of the points, of its shape.
    """
    ends = np.cumsum([df.size for _, df in points])
    shifts = np.split(effect(np.concatenate([df.ravel() for _, df in points]), alpha), ends[:-1])
    return [se * shift.reshape(df.shape) for (se, df), shift in zip(points, shifts, strict=True)]


def least_of(endless: Floats, grid: Floats) -> float:
    """The smallest detectable difference at endlessly many seeds or images, or before."""
    return min(float(endless), float(grid.min()))


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

    The level is alpha over the number of planned contrasts, which is what Holm asks of the first of them.

    Numbers of seeds are per method. The target is the margin where there is one, else the difference that was
    observed, which is itself uncertain.

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
    found = iter(detectable([points for case in cases for points in case.looked_at()], alpha))
    looks = [_Look(*islice(found, len(_Look._fields))) for _ in cases]
    # What is needed lies between two numbers of the grids: a second look finds it exactly.
    between = [(_between(SEED_GRID, look.more_seeds, case.target), _between(IMAGE_GRID, look.more_images, case.target))
               for case, look in zip(cases, looks, strict=True)]
    found = iter(detectable([points for case, (seeds, images) in zip(cases, between, strict=True)
                             for points in (case.parts.points(seeds, case.n_images),
                                            case.parts.points(case.n_seeds, images))], alpha))
    outlooks = []
    for case, look, (seeds, images) in zip(cases, looks, between, strict=True):
        outlooks.append({
            'endpoint': case.endpoint, 'a': case.a, 'b': case.b, 'n_seeds': case.n_seeds, 'n_units': case.n_images,
            'target': case.target,
            'target_is': 'margin' if case.endpoint in options.margin else 'observed difference',
            'alpha': alpha, 'detectable': look.now,
            'floor_seeds': least_of(look.endless_seeds, look.more_seeds),
            'floor_images': least_of(look.endless_images, look.more_images) if case.parts.seed else 0.0,
            'seeds_needed': _first(seeds, next(found), case.target),
            'images_needed': _first(images, next(found), case.target),
            'grid': [{'n_seeds': count, 'se': math.sqrt(case.parts.variance(count, case.n_images)),
                      'detectable': difference} for count, difference in zip(case.grid, look.grid, strict=True)],
        })
    return outlooks


class _Look(NamedTuple):
    """What is detectable as it is, at the numbers of seeds that are stated, with more seeds or images, with endless."""

    now: Floats
    grid: Floats
    more_seeds: Floats
    more_images: Floats
    endless_seeds: Floats
    endless_images: Floats


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
        """What the fields of :class:`_Look` are about."""
        parts = self.parts
        return (parts.points(self.n_seeds, self.n_images), parts.points(np.array(self.grid), self.n_images),
                parts.points(SEED_GRID, self.n_images), parts.points(self.n_seeds, IMAGE_GRID),
                parts.endless_seeds(self.n_images), parts.endless_images(self.n_seeds))


def _case(scores: Scores, endpoint: str, a: str, b: str, options: Options) -> _Case | None:
    """A contrast; None where its components can't be estimated, or are all 0."""
    first, second = scores.pair(endpoint, a, b, options.design)
    parts = contrast_components(first, second, options.design)
    if parts is None or parts.variance(2, 2) == 0:
        return None
    observed = abs(float(first.images.mean() - second.images.mean()))
    return _Case(endpoint, a, b, parts, min(first.n_seeds, second.n_seeds), first.n_images,
                 options.margin.get(endpoint, observed))


def _between(grid: Floats, found: Floats, target: float) -> Floats:
    """Numbers of which the first that is enough is the least; none where no number is.

    Args:
        grid: Numbers of seeds or images.
        found: What is detectable at each.
        target: The difference that is to be found.
    """
    enough = np.flatnonzero(found <= target)
    if not len(enough):
        return grid[:0]
    if enough[0] == 0:
        return grid[:1]
    low, high = int(grid[enough[0] - 1]), int(grid[enough[0]])
    return np.unique(np.rint(np.linspace(low + 1, high, min(high - low, 2000))))


def _first(numbers: Floats, found: Floats, target: float) -> int | None:
    """The first of the numbers at which a difference of the target's size is found; None where there are none."""
    return int(numbers[found <= target][0]) if len(numbers) else None


def images_for(parts: Components, n_seeds: int, target: float, alpha: float) -> int | None:
    """The least number of images that finds a true difference with 80 % power; None where none does.

    Args:
        parts: Components of the contrast.
        n_seeds: Seeds per method.
        target: The difference that is to be found.
        alpha: Level of the test.
    """
    numbers = IMAGE_GRID
    for _ in range(2):
        found = parts.detectable(n_seeds, numbers, alpha)
        if len(numbers := _between(numbers, found, target)) == 0:
            return None
    return _first(numbers, parts.detectable(n_seeds, numbers, alpha), target)
