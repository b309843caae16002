"""Bootstrap by weights: draws of seeds and images are counts, and means are matrix products of them.

Draws come in chunks, each with a random generator of its own made from (seed, purpose, chunk): the result depends
neither on the number of threads nor on what else was drawn. Numbers in a chunk are summed by one thread.

B: draws, M: methods, S: seeds, N: images.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TypeVar

import numpy as np
from threadpoolctl import ThreadpoolController

from benchmark.utils.machine import threads

from .arrays import Floats, Integers
from .folds import inflation
from .terms import NESTED, PAIRED, Design

#: Draws in a chunk.
CHUNK = 250
BOTH = ('seeds', 'images')
#: Most counts in a chunk that is kept for whoever draws the same images next, and how many such chunks.
KEPT, CHUNKS_KEPT = 2**22, 40
T = TypeVar('T')


def generator(seed: int, *purpose: str | int) -> np.random.Generator:
    """A random generator of its own for each purpose."""
    words = [zlib.crc32(str(part).encode()) for part in purpose]
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))


@contextmanager
def single_threaded() -> Iterator[None]:
    """Linear algebra on one thread: sums are not split, so the bytes don't depend on the machine's load."""
    with _linear_algebra().limit(limits=1, user_api='blas'):
        yield


@cache
def _linear_algebra() -> ThreadpoolController:
    """The libraries that multiply matrices: looked for once, for numpy's is loaded with it."""
    return ThreadpoolController()


def in_chunks(draws: int, work: Callable[[int, int], T]) -> list[T]:
    """``work(chunk, size)`` for each chunk, on as many threads as there are cores; results in order."""
    sizes = [min(CHUNK, draws - start) for start in range(0, draws, CHUNK)]
    with single_threaded(), ThreadPoolExecutor(max_workers=threads()) as pool:
        return [*pool.map(work, range(len(sizes)), sizes)]


def image_counts(rng: np.random.Generator, draws: int, n_images: int, number: int) -> Integers:
    """How often each image was drawn among ``number``; shape (draws, N)."""
    drawn = rng.integers(0, n_images, size=(draws, number), dtype=np.int32)
    drawn += (np.arange(draws, dtype=np.int32) * n_images)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * n_images).reshape(draws, n_images)


def image_weights(rng: np.random.Generator, draws: int, n_images: int, number: int | None = None) -> Floats:
    """How often each image was drawn, over the number drawn (default: N); shape (draws, N)."""
    number = number or n_images
    return image_counts(rng, draws, n_images, number) / number


@lru_cache(maxsize=CHUNKS_KEPT)
def _kept_counts(seed: int, chunk: int, size: int, n_images: int, number: int) -> Integers:
    """The counts of a chunk's images: every statistic draws the same ones."""
    counts = image_counts(generator(seed, 'images', chunk), size, n_images, number)
    return counts.astype(np.min_scalar_type(number))


def seed_weights(rng: np.random.Generator, draws: int, n_seeds: int) -> Floats:
    """Weights of seeds with the right variance for few of them; shape (draws, S).

    Plain bootstrap weights c (counts over S) have a variance that is too small by (S-1)/S; they are stretched about
    1/S: 1/S + (c - 1/S) sqrt(S/(S-1)). With one seed its weight is 1.
    """
    if n_seeds == 1:
        return np.ones((draws, 1))
    plain = image_weights(rng, draws, n_seeds)
    return 1 / n_seeds + (plain - 1 / n_seeds) * math.sqrt(n_seeds / (n_seeds - 1))


def bootstrap_means(values: Mapping[str, Mapping[str, Floats]], draws: int, seed: int, design: Design = NESTED,
                    over: Sequence[str] = BOTH, folds: int | None = None) -> dict[str, Floats]:
    """Means of all methods in crossed bootstrap draws (Owen 2007: seeds and images are drawn independently).

    Images are drawn for all methods and endpoints jointly; seeds within each method, or jointly where the design is
    paired and all methods have as many seeds.

    Args:
        values: Endpoint -> method -> scores, shape (S, N).
        draws: B.
        seed: Of the draws.
        design: ``nested`` or ``paired``.
        over: What is drawn: ``seeds``, ``images`` or both; the rest is kept as it is.
        folds: Of a cross-validation.

    Returns:
        Endpoint -> means, shape (B, M), methods in their order.
    """
    # The same scores of a method may stand under several keys.
    different = {(method, id(scores)): scores for methods in values.values() for method, scores in methods.items()}

    def work(chunk: int, size: int) -> dict[str, Floats]:
        drawn = WeightDraws(seed, chunk, size, design, over, folds)
        means = {key: drawn.mean(key[0], scores) for key, scores in different.items()}
        return {endpoint: np.stack([means[method, id(scores)] for method, scores in methods.items()], axis=1)
                for endpoint, methods in values.items()}

    parts = in_chunks(draws, work)
    return {endpoint: np.concatenate([part[endpoint] for part in parts]) for endpoint in values}


class WeightDraws:
    """One chunk of draws: the weights of images and of each method's seeds, each made when it is first asked for.

    Of a cross-validation fewer images are drawn than there are, N over the factor of :mod:`.folds`, so that means vary
    as that rule has it; repetitions are not drawn.

    Args:
        seed: Of the draws.
        chunk: Number of the chunk.
        size: Draws in it.
        design: ``nested`` or ``paired``.
        over: What is drawn.
        folds: Of a cross-validation.
    """

    def __init__(self, seed: int, chunk: int, size: int, design: Design, over: Sequence[str] = BOTH,
                 folds: int | None = None) -> None:
        self.key = (seed, chunk)
        self.size = size
        self.paired = design == PAIRED
        self.over = over
        self.folds = folds
        self._images: dict[int, Floats] = {}
        self._seeds: dict[tuple[str, int], Floats] = {}

    def drawn(self, n_images: int) -> int:
        """How many of N images are drawn."""
        return max(2, round(n_images / inflation(self.folds))) if self.folds else n_images

    def images(self, n_images: int) -> Floats:
        """Weights of the images, shape (size, N)."""
        if n_images not in self._images:
            number = self.drawn(n_images)
            self._images[n_images] = self.counts(n_images) / np.float64(number)
        return self._images[n_images]

    def counts(self, n_images: int) -> Integers:
        """How often each image was drawn, shape (size, N)."""
        draw = _kept_counts if self.size * n_images <= KEPT else _kept_counts.__wrapped__
        return draw(*self.key, self.size, n_images, self.drawn(n_images))

    def seeds(self, method: str, n_seeds: int) -> Floats:
        """Weights of a method's seeds, shape (size, S)."""
        key = ('' if self.paired else method, n_seeds)
        if key not in self._seeds:
            rng = generator(self.key[0], 'seeds', key[0], self.key[1])
            self._seeds[key] = (np.full((self.size, n_seeds), 1 / n_seeds) if self.folds else
                                seed_weights(rng, self.size, n_seeds))
        return self._seeds[key]

    def mean(self, method: str, scores: Floats) -> Floats:
        """Weighted means of scores (S, N), shape (size,)."""
        n_seeds, n_images = scores.shape
        per_seed: Floats
        means: Floats
        if 'images' not in self.over:
            per_seed = np.broadcast_to(scores.mean(axis=1), (self.size, n_seeds))
        elif 'seeds' not in self.over:
            means = self.images(n_images) @ scores.mean(axis=0)
            return means
        else:
            per_seed = self.images(n_images) @ scores.T
        means = np.einsum('bs,bs->b', per_seed, self.seeds(method, n_seeds))
        return means
