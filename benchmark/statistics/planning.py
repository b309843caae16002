"""What more seeds or images would do, from the components of variance (:mod:`.components`)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .arrays import Floats
from .components import MOST_IMAGES, Components, FoldComponents, contrast_components
from .options import Options
from .power import Points, detectable
from .scores import Scores

#: Numbers of seeds for which the planner states standard errors; those at hand are added.
SEEDS = (2, 3, 5, 10, 20, 50)
#: Most seeds that are looked at, and fewest of both.
MOST_SEEDS = 10_000
FEWEST_SEEDS, FEWEST_IMAGES = 2, 3


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
    cases = [case for endpoint in scores.endpoints(options.measures.tested) for a, b in pairs
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
            'floor_images': float(endless_images), 'images_needed': images[row],
            'seeds_needed': None if case.single else seeds[row],
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
    def single(self) -> bool:
        """Whether what more seeds would do can't be told."""
        return isinstance(self.parts, FoldComponents) and self.parts.single

    @property
    def grid(self) -> list[int]:
        """Numbers of seeds that are stated."""
        return [self.n_seeds] if self.single else sorted({*SEEDS, self.n_seeds})

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
