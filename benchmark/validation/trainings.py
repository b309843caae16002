"""Real trainings of a small model, by the thousand: ridge regression from random features of images to landmarks.

Two methods see two views of each image (such as two photographs of it); landmarks depend on what the views have in
common. The views have the same law, so the methods are equal as training procedures by symmetry, whatever the size of
the training set, while a data set that favours one of them favours it in all its folds. Images are nested in persons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from benchmark.statistics.arrays import Floats, Integers

#: What is behind an image, and the landmarks' coordinates.
HIDDEN, COORDINATES = 4, 6
#: Standard deviations: of what is behind an image, of persons and within them; of a view; of a landmark.
PERSON, WITHIN, VIEW, LANDMARK = 0.8, 0.6, 0.35, 0.3
#: How much persons differ in how clear their views are, as the standard deviation of a logarithm.
CLEAR = 0.3
METHODS = 2


@dataclass(frozen=True)
class Trained:
    """How networks are trained.

    Attributes:
        width: Random features.
        penalty: Of their weights' squares.
        spread: How much random features differ between trainings (seeds), over their own size; 0: not at all.
    """

    width: int
    penalty: float
    spread: float


def deal(rng: np.random.Generator, count: int, repeats: int, folds: int, persons: int) -> Integers:
    """The fold of each person, of nearly equal sizes; shape (count, R, persons)."""
    order = np.broadcast_to(np.arange(persons) % folds, (count, repeats, persons))
    return rng.permuted(order, axis=-1)


class Photographs:
    """Data sets of the same population, their images in the order of persons.

    Args:
        rng: Draws them.
        count: Data sets.
        persons: In each.
        images: Of each person.
    """

    def __init__(self, rng: np.random.Generator, count: int, persons: int, images: int) -> None:
        def vary(between: float, within: float) -> Floats:
            every: Floats = (between * rng.standard_normal((count, persons, 1, HIDDEN))
                             + within * rng.standard_normal((count, persons, images, HIDDEN)))
            return every

        fixed = np.random.default_rng(7).standard_normal((HIDDEN, COORDINATES)) / np.sqrt(HIDDEN)
        hidden = vary(PERSON, WITHIN)
        clear = np.exp(CLEAR * rng.standard_normal((count, persons, 1, 1)))
        flat = (count, persons * images, HIDDEN)
        self.views = [(hidden + clear * vary(VIEW, VIEW)).reshape(flat) for _ in range(METHODS)]
        straight = hidden.reshape(flat) @ fixed
        self.landmarks: Floats = (straight + 0.3 * np.tanh(straight) ** 2
                                  + LANDMARK * rng.standard_normal((*flat[:2], COORDINATES)))


def errors(rng: np.random.Generator, data: Photographs, method: int, training: Trained, weights: Floats) -> Floats:
    """Mean error of each image, by a network that was trained on some of them; shape (count, N).

    Args:
        rng: The training's seed.
        data: Data sets.
        method: Which view.
        training: How.
        weights: 1 for images that are trained on, shape (count, N).
    """
    fixed = np.random.default_rng(5).standard_normal((1, HIDDEN + 1, training.width))
    if training.spread:
        fixed = fixed + training.spread * rng.standard_normal((len(weights), *fixed.shape[1:]))
    features = np.tanh(0.7 * (data.views[method] @ fixed[:, :-1] + fixed[:, -1:]))
    features = np.concatenate([features, np.ones((*features.shape[:2], 1))], axis=-1)
    chosen = (features * weights[..., None]).swapaxes(1, 2)
    solved = np.linalg.solve(chosen @ features + training.penalty * np.eye(training.width + 1),
                             chosen @ data.landmarks)
    away = (features @ solved - data.landmarks).reshape(*weights.shape, -1, 2)
    found: Floats = np.linalg.norm(away, axis=-1).mean(axis=-1)
    return found


def cross_validated(rng: np.random.Generator, data: Photographs, training: Trained, fold: Integers,
                    left_out: float = 0.0) -> Floats:
    """Errors of each image by the network of its repetition that was not trained on it; shape (count, 2, R, N).

    Args:
        rng: The trainings' seeds.
        data: Data sets.
        training: How.
        fold: Of each image, shape (count, R, N).
        left_out: Share of the training persons that only validates, which ridge regression does not need.
    """
    found = np.empty((fold.shape[0], METHODS, *fold.shape[1:]))
    for repeat in range(fold.shape[1]):
        for one in range(int(fold.max()) + 1):
            trained = (fold[:, repeat] != one).astype(float)
            if left_out:
                trained = kept(rng, trained, left_out)
            for method in range(METHODS):
                scores = errors(rng, data, method, training, trained)
                tested = fold[:, repeat] == one
                found[:, method, repeat][tested] = scores[tested]
    return found


def kept(rng: np.random.Generator, weights: Floats, share: float) -> Floats:
    """The weights without those of a share of the training persons; persons have two images each."""
    persons = weights[:, ::2]
    order = np.where(persons > 0, rng.random(persons.shape), 2.0)
    rank = order.argsort(axis=1).argsort(axis=1)
    least = (share * persons.sum(axis=1, keepdims=True)).round()
    thinned: Floats = np.repeat(np.where(rank < least, 0.0, persons), 2, axis=1)
    return thinned
