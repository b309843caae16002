"""Linear probes: what can be read off frozen features by ridge regression; numpy only.

Ridge regression is written in its dual form, so that its cost is set by the number of images and not by the width of
their features. Its strength is chosen among :data:`STRENGTHS` by leaving out groups of the training images (clips,
people), never by looking at the images that are tested.

Symbols: N: training images, M: tested images, d: features, T: targets.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from .verification import DRAWS, LEVEL, interval_of

#: Ridge strengths, as multiples of the training images' mean square distance from their mean.
STRENGTHS = tuple(float(f'1e{power}') for power in range(-6, 3))
FOLDS = 5


def kernel(features: np.ndarray) -> np.ndarray:
    """Products of features (N, d), each feature less its mean for the sake of rounding: (N, N)."""
    centred = np.asarray(features, np.float64) - np.mean(features, axis=0, dtype=np.float64)
    return centred @ centred.T


def ridge(products: np.ndarray, targets: np.ndarray, train: np.ndarray, test: np.ndarray,
          strength: float) -> np.ndarray:
    """Ridge regression with an offset that is not penalised.

    With k the products less the training images' means, predictions are
    mean + k_test (k_train + s trace(k_train) / N)^-1 (y - mean).

    Args:
        products: Products of the features of all images, (N + M, N + M).
        targets: Of all images, (N + M, T); those of tested images are not read.
        train: Numbers of the training images, (N,).
        test: Numbers of the tested ones, (M,).
        strength: s.

    Returns:
        Predictions, (M, T).
    """
    inner = products[np.ix_(train, train)]
    mean, middle = inner.mean(axis=0), targets[train].mean(axis=0)
    inner = inner - mean - mean[:, None] + mean.mean()
    outer = products[np.ix_(test, train)]
    outer = outer - outer.mean(axis=1, keepdims=True) - mean + mean.mean()
    penalty = strength * np.trace(inner) / len(train)
    if penalty <= 0:
        return np.repeat(middle[None], len(test), axis=0)
    return middle + outer @ np.linalg.solve(inner + penalty * np.eye(len(train)), targets[train] - middle)


def folds_of(groups: Sequence[object], folds: int = FOLDS, seed: int = 0) -> np.ndarray:
    """A fold of each image, (N,), such that images of one group are in one fold and folds are nearly of one size."""
    names, number, sizes = np.unique(np.asarray(groups, dtype=str), return_inverse=True, return_counts=True)
    order = np.random.default_rng([seed, 2]).permutation(len(names))
    order = order[np.argsort(-sizes[order], kind='stable')]
    filled, fold = np.zeros(min(folds, len(names))), np.empty(len(names), int)
    for group in order:
        fold[group] = int(filled.argmin())
        filled[fold[group]] += sizes[group]
    return fold[number]


def chosen_strength(groups: np.ndarray, train: np.ndarray, loss: Callable[[np.ndarray, np.ndarray, float], np.ndarray]
                    ) -> float:
    """The strength with the least mean loss on left-out groups of the training images; of a single group the middle.

    Args:
        groups: Group of each image, (N + M,).
        train: Numbers of the training images.
        loss: Losses of images, given the numbers of those that are fitted, of those that are left out, and a strength.
    """
    fold = folds_of(groups[train])
    if fold.max() == 0:
        return STRENGTHS[len(STRENGTHS) // 2]
    means = [np.nanmean(np.concatenate([loss(train[fold != one], train[fold == one], strength)
                                        for one in range(fold.max() + 1)])) for strength in STRENGTHS]
    return STRENGTHS[int(np.argmin(means))]


def identification(features: np.ndarray, identities: Sequence[int], clips: Sequence[str | None]) -> np.ndarray | None:
    """Whether a linear probe that has seen other clips of the same people names each image's person.

    One target per identity, 1 for its images and 0 for the others; the largest prediction names the person. The clips
    of each identity are dealt out to :data:`FOLDS` folds, and each image is named by a probe of the other folds. Images
    of identities with a single clip can't be tested so, and are left out.

    Args:
        features: (N, d).
        identities: Number of each image's person, (N,).
        clips: Clip of each image; None for one that is of no clip.

    Returns:
        Per image 1, 0, or NaN where it was left out, (N,); None where no identity has two clips.
    """
    who = np.asarray(identities)
    groups = np.array([f'clip {one}' if one is not None else f'image {n}' for n, one in enumerate(clips)])
    fold = np.full(len(who), -1)
    for start, one in enumerate(np.unique(who)):
        own = np.flatnonzero(who == one)
        names, rank = np.unique(groups[own], return_inverse=True)
        if len(names) > 1:
            fold[own] = (start + rank) % FOLDS
    usable = np.flatnonzero(fold >= 0)
    if not len(usable):
        return None
    products, (_, number) = kernel(features), np.unique(who, return_inverse=True)
    targets = np.eye(number.max() + 1)[number]

    def wrong(kept: np.ndarray, asked: np.ndarray, strength: float) -> np.ndarray:
        return ridge(products, targets, kept, asked, strength).argmax(axis=1) != number[asked]

    right = np.full(len(who), np.nan)
    for one in np.unique(fold[usable]):
        test, train = usable[fold[usable] == one], usable[fold[usable] != one]
        right[test] = ~wrong(train, test, chosen_strength(groups, train, wrong))
    return right


@dataclass(frozen=True)
class Landmarks:
    """Landmarks of images, as the probe needs them.

    Attributes:
        positions: As shares of the image's width and height, (N + M, K, 2).
        visible: (N + M, K).
        scale: What a distance of 1 along x and y is in the unit of the errors, (N + M, 2).
        people: Person of each image, or the image itself, (N + M,).
    """

    positions: np.ndarray
    visible: np.ndarray
    scale: np.ndarray
    people: np.ndarray

    def errors(self, predicted: np.ndarray, images: np.ndarray) -> np.ndarray:
        """Mean error over the visible landmarks of each image (n,), from predicted positions (n, K, 2)."""
        offset = (predicted - self.positions[images]) * self.scale[images][:, None]
        distance = np.linalg.norm(offset, axis=2)
        there = self.visible[images] & np.isfinite(distance)
        seen = there.sum(axis=1)
        total = np.where(there, distance, 0.0).sum(axis=1)
        return np.divide(total, seen, out=np.full(len(images), np.nan), where=seen > 0)


def landmark_probe(features: np.ndarray, landmarks: Landmarks, train: np.ndarray, test: np.ndarray) -> np.ndarray:
    """Errors of landmarks that ridge regression reads off flattened feature maps.

    A landmark is fitted on the training images that show it; one that none of them shows is not predicted.

    Args:
        features: (N + M, d).
        landmarks: Of the same images.
        train: Numbers of the training images.
        test: Numbers of the tested images.

    Returns:
        Mean error of each tested image, (M,).
    """
    products = kernel(features)

    def fitted(kept: np.ndarray, asked: np.ndarray, strength: float) -> np.ndarray:
        found = np.full((len(asked), *landmarks.positions.shape[1:]), np.nan)
        patterns, pattern = np.unique(landmarks.visible[kept], axis=1, return_inverse=True)
        for number, seen in enumerate(patterns.T):
            if seen.any():
                which = np.flatnonzero(pattern == number)
                targets = landmarks.positions[:, which].reshape(len(landmarks.positions), -1)
                found[:, which] = ridge(products, targets, kept[seen], asked, strength).reshape(-1, len(which), 2)
        return found

    def errors(kept: np.ndarray, asked: np.ndarray, strength: float) -> np.ndarray:
        return landmarks.errors(fitted(kept, asked, strength), asked)

    return errors(train, test, chosen_strength(landmarks.people, train, errors))


def mean_over(values: np.ndarray, units: Sequence[object], draws: int = DRAWS, seed: int = 0,
              level: float = LEVEL) -> tuple[float, tuple[float, float]]:
    """A mean over images, with a percentile interval over the units (people) that they are of.

    Args:
        values: Per image, NaN for those left out, (N,).
        units: Unit of each image, (N,).
        draws: Draws of units.
        seed: Seed of the draws.
        level: Level of the interval.
    """
    there = np.isfinite(values)
    _, unit = np.unique(np.asarray(units, dtype=str)[there], return_inverse=True)
    sums, counts = np.bincount(unit, values[there]), np.bincount(unit)
    drawn = np.random.default_rng([seed, 3]).integers(0, len(sums), (draws, len(sums)))
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return float(values[there].mean()), interval_of(means, level)
