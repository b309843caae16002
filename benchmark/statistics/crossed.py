"""The engine: seeds and images as crossed random factors.

The model of a score (error of an image, failure or AUC score) of method m, seed s and image i::

    Y[m,s,i] = mu[m] + image[i] + method_image[m,i] + seed[m,s] + residual[m,s,i]

where all terms but ``mu`` are random with mean 0. It is the multi-reader multi-case model of Obuchowski and Rockette
(1995) and Hillis (2007) with readers = seeds, cases = images, modalities = methods; readers are nested in modalities
(``nested``: each method has its own randomness) or crossed with them (``paired``: seed s fixes the split or the
initialisation of all methods).

Two scopes: in the *procedure* scope seeds and images are random, in the *networks* scope seeds are fixed, and the test
is the t test of the images' differences.

In the procedure scope the variance is V = X + Y, with X the seeds' part, from few degrees of freedom, and Y that of the
images. p-value and interval come from :mod:`.parts`. Satterthwaite's (1946) degrees of freedom of V are given beside
them: a t test with these errs far too often with few seeds, as standard error and degrees of freedom are read from the
same mean square (``docs/validation.md``, Few seeds in a family).

In a cross-validation (a block with ``folds``) the rule is that of :mod:`.folds`, whatever the design; seeds are its
repetitions.

S: seeds, N: images, ``...``: any leading axes, over which everything is vectorised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from .arrays import Floats
from .estimates import ZERO, Estimate, of_parts
from .folds import inflation
from .parts import Part
from .terms import DESIGNS, NESTED, NETWORKS, Design, Scope


@dataclass(frozen=True)
class MeanSquares:
    """Mean squares of a table seeds x images; NaN where there are too few of them.

    Attributes:
        seed: N / (S-1) * sum over s of (Y[s,.] - Y[.,.])^2.
        image: S / (N-1) * sum over i of (Y[.,i] - Y[.,.])^2.
        residual: sum over s, i of (Y[s,i] - Y[s,.] - Y[.,i] + Y[.,.])^2 / ((S-1)(N-1)).
        n_seeds: S.
        n_images: N.
    """

    seed: Floats
    image: Floats
    residual: Floats
    n_seeds: int
    n_images: int

    @property
    def seed_variance(self) -> Floats:
        """Variance component of seeds: max(0, MS_seed - MS_residual) / N."""
        return np.maximum(0.0, self.seed - self.residual) / self.n_images

    @property
    def image_variance(self) -> Floats:
        """Variance component of images: max(0, MS_image - MS_residual) / S; with one seed, image and residual."""
        if self.n_seeds == 1:
            return self.image
        return np.maximum(0.0, self.image - self.residual) / self.n_seeds


def mean_squares(values: Floats) -> MeanSquares:
    """Mean squares of the two-way table without replication.

    Args:
        values: Scores, shape (..., S, N).
    """
    values = np.asarray(values, dtype=np.float64)
    n_seeds, n_images = values.shape[-2:]
    centred = values - values.mean(axis=(-2, -1), keepdims=True)
    seeds, images = centred.mean(axis=-1), centred.mean(axis=-2)
    absent = np.full(values.shape[:-2], np.nan)
    seed = n_images * (seeds**2).sum(axis=-1) / (n_seeds - 1) if n_seeds > 1 else absent
    image = n_seeds * (images**2).sum(axis=-1) / (n_images - 1) if n_images > 1 else absent
    residual = absent
    if n_seeds > 1 and n_images > 1:
        centred -= seeds[..., :, None]
        centred -= images[..., None, :]
        residual = np.einsum('...si,...si->...', centred, centred) / ((n_seeds - 1) * (n_images - 1))
    return MeanSquares(seed, image, residual, n_seeds, n_images)


class Block:
    """Scores of one method, with what all its contrasts share computed once.

    Args:
        values: Scores, shape (..., S, N).
        folds: Folds of a cross-validation, of which the S are the repetitions; None: S networks that all have scored
            the same images.

    Raises:
        ValueError: Another shape, or scores that are not finite.
    """

    def __init__(self, values: Floats, folds: int | None = None) -> None:
        self.folds = folds
        self.values = np.asarray(values, dtype=np.float64)
        if self.values.ndim < 2 or 0 in self.values.shape:
            raise ValueError(f'scores of shape {self.values.shape}: give (seeds, images); scores[None] for one seed')
        if not np.isfinite(self.values).all():
            raise ValueError('scores that are NaN or infinite: leave these images out of all methods, or fill them in')
        self.n_seeds, self.n_images = self.values.shape[-2:]

    @classmethod
    def of(cls, values: Floats | Block) -> Block:
        """The block itself, or one of an array."""
        return values if isinstance(values, Block) else cls(values)

    @cached_property
    def images(self) -> Floats:
        """Y[.,i]: each image's score, averaged over seeds; shape (..., N)."""
        means: Floats = self.values.mean(axis=-2)
        return means

    @cached_property
    def squares(self) -> MeanSquares:
        """Its mean squares."""
        return mean_squares(self.values)

    @cached_property
    def size(self) -> Floats:
        """Largest absolute score."""
        largest: Floats = np.abs(self.values).max(axis=(-2, -1))
        return largest


def crossed_mean(values: Floats | Block) -> Estimate:
    """Mean of one method over random seeds and random images.

    X = MS_seed / (S N) with S - 1 degrees of freedom, Y = max(0, MS_image - MS_residual) / (S N).

    Args:
        values: Scores, shape (..., S, N); in a paired design, the differences.
    """
    block = Block.of(values)
    if block.folds:
        return _estimate(block.images, [], block.size, block.folds)
    return _estimate(block.images, [block.squares], block.size)


def crossed_contrast(a: Floats | Block, b: Floats | Block, design: Design = NESTED) -> Estimate:
    """mean(a) - mean(b) over random seeds and random images: the procedure scope.

    nested: X = sum over both methods of MS_seed / (N S), Y = max(0, var(D) / N - sum of MS_residual / (N S)), with D[i]
    the difference of image i, averaged over seeds. With equal numbers of seeds X is one part with Satterthwaite's
    degrees of freedom, else each method's is one. paired: the mean of the differences, see :func:`crossed_mean`.

    Args:
        a: Scores, shape (..., S_a, N).
        b: Scores on the same images, shape (..., S_b, N); in a paired design S_b = S_a, and seeds in the same order.
        design: ``nested`` or ``paired``; declared beforehand, not chosen by the data.

    Raises:
        ValueError: The shapes don't fit.
    """
    a, b = Block.of(a), Block.of(b)
    size = np.maximum(a.size, b.size)
    if a.folds or b.folds:
        if a.folds != b.folds:
            raise ValueError(f'a has {a.folds} folds and b has {b.folds}: deal the persons out alike')
        return _estimate(image_differences(a, b), [], size, a.folds)
    if design not in DESIGNS:
        raise ValueError(f'design {design!r} is not one of {", ".join(DESIGNS)}')
    if design == NESTED:
        return _estimate(image_differences(a, b), [a.squares, b.squares], size)
    if a.n_seeds != b.n_seeds:
        raise ValueError(f'paired: a has {a.n_seeds} seeds and b has {b.n_seeds}; keep the common ones')
    return _estimate(image_differences(a, b), [mean_squares(a.values - b.values)], size)


def fixed_seeds_contrast(a: Floats | Block, b: Floats | Block) -> Estimate:
    """mean(a) - mean(b) for these very networks, on random images: paired t on D[i], the networks scope.

    Args:
        a: Scores, shape (..., S_a, N).
        b: Scores on the same images, shape (..., S_b, N).
    """
    a, b = Block.of(a), Block.of(b)
    return _estimate(image_differences(a, b), [], np.maximum(a.size, b.size))


def fixed_seeds_mean(values: Floats | Block) -> Estimate:
    """Mean of these very networks on random images; values of shape (..., S, N)."""
    block = Block.of(values)
    return _estimate(block.images, [], block.size)


def contrast(a: Floats | Block, b: Floats | Block, scope: Scope, design: Design = NESTED) -> Estimate:
    """mean(a) - mean(b) in a scope: ``procedure`` (:func:`crossed_contrast`) or ``networks`` (fixed seeds).

    The networks of a cross-validation have each scored other images, so nothing is said of them: there is no standard
    error.
    """
    a, b = Block.of(a), Block.of(b)
    if scope == NETWORKS and a.folds:
        one = fixed_seeds_contrast(a, b)
        absent = np.full(np.shape(one.se), np.nan)
        return Estimate(one.estimate, absent, absent)
    return fixed_seeds_contrast(a, b) if scope == NETWORKS else crossed_contrast(a, b, design)


def mean(values: Floats | Block) -> Estimate:
    """Mean of one method over random seeds and images; with one seed, over images only."""
    block = Block.of(values)
    return crossed_mean(block) if block.n_seeds > 1 or block.folds else fixed_seeds_mean(block)


def image_differences(a: Block, b: Block) -> Floats:
    """D[i] = a - b of each image, averaged over seeds, shape (..., N); what is only rounding is 0."""
    if a.n_images != b.n_images:
        raise ValueError(f'a has {a.n_images} images and b has {b.n_images}: score both on the same images')
    difference = a.images - b.images
    return np.where(np.abs(difference) > ZERO * np.maximum(a.size, b.size)[..., None], difference, 0.0)


def _estimate(images: Floats, seeds: Sequence[MeanSquares], size: Floats, folds: int | None = None) -> Estimate:
    """A mean over images with its variance and degrees of freedom.

    Args:
        images: What is averaged, shape (..., N).
        seeds: Mean squares of what has random seeds; none in the networks scope.
        size: Size of the scores, that a variance of 0 is told from rounding.
        folds: Of a cross-validation.
    """
    n_images = images.shape[-1]
    mean = images.mean(axis=-1)
    variance = images.var(axis=-1, ddof=1) / n_images if n_images > 1 else np.full(mean.shape, np.nan)
    if folds:
        variance = inflation(folds) * variance
    return of_squares(mean, variance, n_images, seeds, size)


def of_squares(mean: Floats, images: Floats, n_images: int, seeds: Sequence[MeanSquares],
               size: Floats | float = 0.0) -> Estimate:
    """The estimate of a mean, or of a difference of means, from what is left of a table.

    Args:
        mean: The mean, shape (...).
        images: Variance of the images' means over their number: var(D) / N, which is MS_image / (S N) in a paired
            design.
        n_images: N.
        seeds: Mean squares of what has random seeds: of both methods (nested), or of the differences (paired), or of
            one method; none in the networks scope.
        size: Size of the scores, that a variance of 0 is told from rounding.
    """
    return of_parts(mean, *parts_of(images, n_images, seeds), size)


def parts_of(images: Floats, n_images: int, seeds: Sequence[MeanSquares]) -> tuple[Part, list[Part], list[Part]]:
    """The images' part with the residuals in it, the seeds' parts, and the residuals in these.

    Args:
        images: As :func:`of_squares` takes it.
        n_images: N.
        seeds: As there.
    """
    def part(variance: Floats, df: float) -> Part:
        return Part(variance, np.full(np.shape(images), float(df)))

    counts = [squares.n_seeds * n_images for squares in seeds]
    return (part(images, n_images - 1),
            [part(squares.seed / count, squares.n_seeds - 1) for squares, count in zip(seeds, counts, strict=True)],
            [part(squares.residual / count, (squares.n_seeds - 1) * (n_images - 1))
             for squares, count in zip(seeds, counts, strict=True)])
