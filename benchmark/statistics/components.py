"""Where the uncertainty of means and differences comes from.

Components of the model in :mod:`.crossed`, by the analysis of variance (method of moments; negative ones are set to 0).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from .arrays import Floats
from .crossed import Block, mean_squares
from .folds import inflation
from .options import Options
from .power import Points, detectable
from .scores import Scores
from .terms import PAIRED, Design

#: Most images that are looked at.
MOST_IMAGES = 10_000_000
#: One number or many.
Number = TypeVar('Number', float, Floats)


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


@dataclass(frozen=True)
class FoldComponents(Components):
    """The same of a cross-validation with S repetitions: V = factor (interaction / N + residual / (S N)).

    More images are more to train on too, which is another procedure; that is not reckoned with.

    Attributes:
        factor: See :func:`.folds.inflation`.
        single: Whether there is one repetition, from which the residual can't be told from the interaction.
    """

    factor: float = 1.0
    single: bool = False

    def variance(self, n_seeds: Number, n_images: Number) -> Number:
        """V(S, N)."""
        return self.factor * (self.interaction / n_images + self.residual / (n_seeds * n_images))

    def points(self, n_seeds: Floats | float, n_images: Floats | float) -> Points:
        """What is expected with S repetitions and N images."""
        n_seeds, n_images = np.broadcast_arrays(np.asarray(n_seeds, np.float64), np.asarray(n_images, np.float64))
        return self._points(np.zeros(n_seeds.shape), 1.0, self.variance(n_seeds, n_images), n_images - 1)

    def endless_seeds(self, n_images: int) -> Points:
        """The same at N images and endlessly many repetitions."""
        return self._points(0.0, 1.0, self.factor * self.interaction / n_images, n_images - 1.0)

    def endless_images(self, n_seeds: int) -> Points:
        """The same with endlessly many images, of which nothing is left."""
        return self._points(0.0, 1.0, 0.0, float(MOST_IMAGES))


def contrast_components(a: Block, b: Block, design: Design) -> Components | None:
    """Components of a contrast; None where one of them can't be estimated (one seed, one image)."""
    if a.folds and a.n_images > 1:
        return _fold_components(a, b)
    if min(a.n_seeds, b.n_seeds) < 2 or a.n_images < 2:
        return None
    if design == PAIRED:
        squares = mean_squares(a.values - b.values)
        return Components(float(squares.image_variance), float(squares.residual), float(squares.seed_variance), 1)
    noise = a.squares.residual / a.n_seeds + b.squares.residual / b.n_seeds
    interaction = max(0.0, float((a.images - b.images).var(ddof=1) - noise))
    return Components(interaction, float(a.squares.residual + b.squares.residual),
                      float(a.squares.seed_variance + b.squares.seed_variance), 2)


def _fold_components(a: Block, b: Block) -> FoldComponents:
    """Components of a contrast of a cross-validation; with one repetition all is interaction."""
    assert a.folds
    total = float((a.images - b.images).var(ddof=1))
    if min(a.n_seeds, b.n_seeds) < 2:
        return FoldComponents(total, 0.0, 0.0, 1, inflation(a.folds), single=True)
    residual = float(a.squares.residual + b.squares.residual)
    noise = float(a.squares.residual / a.n_seeds + b.squares.residual / b.n_seeds)
    return FoldComponents(max(0.0, total - noise), residual, 0.0, 1, inflation(a.folds))


def variance_components(scores: Scores, pairs: Sequence[tuple[str, str]], options: Options) -> dict[str, Any]:
    """Components per method, of all methods together, and the shares of V of each planned contrast.

    Returns:
        Endpoint -> ``methods``: method -> ``image`` (with method-by-image), ``seed``, ``residual``; ``overall``:
        ``image``, ``method_by_image``, ``seed``, ``residual``, averaged over methods; ``contrasts``: shares of V
        by ``method_by_image``, ``seed`` and ``residual`` at the seeds and images at hand. None of a cross-validation,
        where the share of the training sets can't be told.
    """
    found: dict[str, Any] = {}
    if scores.folds:
        return found
    for endpoint in scores.endpoints(options.measures.tested):
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
