"""Cross-validation by person: how often tests of two equal procedures err, and what a cross-validation tells.

Suites come from networks that are trained (:mod:`.trainings`), or from a variance model: the error of method m in
repetition r on image i of person p is ``person[p] + image[i] + method_person[m,p] + method_image[m,i] +
training_set[m,f] + seed[m,f] + repetition[m,r] + residual[m,r,i]``, f the fold in which i was tested. The effect of a
training set is the mean over its persons of what each adds, so that training sets that overlap have effects that
correlate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy import special

from benchmark.statistics.arrays import Floats, Integers, Masks
from benchmark.statistics.crossed import Block, crossed_contrast, fixed_seeds_contrast
from benchmark.statistics.estimates import two_sided_p
from benchmark.statistics.resampling import generator
from benchmark.statistics.terms import NESTED, PAIRED

from .model import IMAGE, METHOD_IMAGE, RESIDUAL
from .plan import Effort, Folded
from .portions import portions
from .tally import ALPHA, BOUNDS
from .trainings import METHODS, Photographs, Trained, cross_validated, deal, errors

OURS = 'corrected persons'
NAIVE, RESAMPLED, PERSONS, TODAY, TODAY_PAIRED = (
    't of the folds', 'corrected resampled t', 't of persons', 'crossed, repetitions as nested seeds',
    'crossed, repetitions as paired seeds')
LARGER, DIETTERICH = 'larger of crossed and corrected', '5x2cv F'
RULES = (OURS, RESAMPLED, LARGER, PERSONS, TODAY, TODAY_PAIRED, NAIVE, DIETTERICH)
#: How large the effect of the training set is.
SIZES = {'small': Trained(8, 1.0, 0.0), 'middle': Trained(20, 0.3, 0.0), 'large': Trained(36, 0.05, 0.0)}
#: The variance model's: standard deviation of the effect of one training set, in heatmap px, and that of persons within
#: methods and of repetitions.
EFFECTS = {'none': 0.0, 'small': 0.01, 'large': 0.02}
METHOD_PERSON, REPETITION = 0.05, 0.005
#: A difference of so many standard deviations of its estimate: a test that knew them would find it in four of five.
DIFFERENCE = 2.8


@dataclass(frozen=True)
class Drawn:
    """Suites: scores of both methods, shape (count, 2, R, N), and the fold of each image, (count, R, N)."""

    scores: Floats
    fold: Integers
    cell: Folded

    @property
    def differences(self) -> Floats:
        """First minus second, shape (count, R, N)."""
        found: Floats = self.scores[:, 0] - self.scores[:, 1]
        return found

    def shifted(self, by: float) -> Drawn:
        """The same suites where the first method is worse."""
        return Drawn(self.scores + by * np.array([1.0, 0.0])[:, None, None], self.fold, self.cell)

    def blocks(self, folds: int | None) -> tuple[Block, Block]:
        """Scores of persons, (count, R, P), of both methods."""
        cell = self.cell
        persons = self.scores.reshape(*self.scores.shape[:3], cell.persons, cell.images).mean(axis=-1)
        return Block(persons[:, 0], folds), Block(persons[:, 1], folds)

    def fold_means(self) -> Floats:
        """Difference of each fold's mean, shape (count, R, K)."""
        each = [self.fold == one for one in range(self.cell.folds)]
        return np.stack([(self.differences * own).sum(axis=-1) / own.sum(axis=-1) for own in each], axis=-1)


def suites(cell: Folded, rng: np.random.Generator, count: int) -> Drawn:
    """Draws suites of a cell."""
    fold = deal(rng, count, cell.repeats, cell.folds, cell.persons)
    images = fold.repeat(cell.images, axis=-1)
    if cell.source == 'model':
        return Drawn(modelled(cell, rng, fold), images, cell)
    data = Photographs(rng, count, cell.persons, cell.images)
    return Drawn(cross_validated(rng, data, training(cell), images), images, cell)


def training(cell: Folded) -> Trained:
    """How the cell's networks are trained."""
    return Trained(SIZES[cell.size].width, SIZES[cell.size].penalty, cell.seed_spread)


def modelled(cell: Folded, rng: np.random.Generator, fold: Integers) -> Floats:
    """Scores by the variance model, shape (count, 2, R, N); seed effects have ``seed_spread`` as standard deviation."""
    count, repeats, persons = fold.shape
    shape = (count, METHODS, persons)
    added = rng.standard_normal(shape)
    fixed = (METHOD_PERSON * rng.standard_normal(shape))[..., None] + METHOD_IMAGE * rng.standard_normal(
        (*shape, cell.images))
    fixed = (fixed + IMAGE * rng.standard_normal((count, 1, persons, cell.images))).reshape(count, METHODS, 1, -1)
    trained = np.stack([fold != one for one in range(cell.folds)], axis=2).astype(float)
    sizes = trained.sum(axis=-1)
    effect = EFFECTS[cell.size] * np.einsum('crkp,cmp->cmrk', trained, added) / np.sqrt(sizes)[:, None]
    effect += cell.seed_spread * rng.standard_normal(effect.shape)
    effect += REPETITION * rng.standard_normal((*effect.shape[:3], 1))
    of_image = np.take_along_axis(effect, fold[:, None].repeat(METHODS, axis=1), axis=-1).repeat(cell.images, axis=-1)
    found: Floats = fixed + of_image + RESIDUAL * rng.standard_normal(of_image.shape)
    return found


def p_values(suite: Drawn) -> dict[str, Floats]:
    """p of the hypothesis that both procedures are equal, by every rule that fits the design."""
    cell = suite.cell
    means = suite.fold_means()
    flat = means.reshape(len(means), -1)
    number = flat.shape[1]
    mean, variance = suite.differences.mean(axis=(1, 2)), flat.var(axis=-1, ddof=1)
    plain, ours = suite.blocks(None), suite.blocks(cell.folds)

    def of_folds(share: float) -> Floats:
        return two_sided_p(mean / np.sqrt(variance * share), number - 1)

    found = {OURS: crossed_contrast(*ours).p, NAIVE: of_folds(1 / number),
             RESAMPLED: of_folds(1 / number + 1 / (cell.folds - 1)), PERSONS: fixed_seeds_contrast(*plain).p}
    if cell.repeats > 1:
        found |= {TODAY: crossed_contrast(*plain, NESTED).p, TODAY_PAIRED: crossed_contrast(*plain, PAIRED).p}
        found[LARGER] = np.maximum(found[TODAY], found[RESAMPLED])
    if (cell.repeats, cell.folds) == (5, 2):
        found[DIETTERICH] = five_by_two(means)
    return found


def five_by_two(means: Floats) -> Floats:
    """p of the combined 5x2cv F test (Alpaydin 1999): sum of squares over twice the sum of variances, F with 10 and 5.

    Args:
        means: Differences of the folds' means, shape (count, 5, 2).
    """
    variances = ((means - means.mean(axis=-1, keepdims=True)) ** 2).sum(axis=(1, 2))
    ratio = (means**2).sum(axis=(1, 2)) / (2 * variances)
    p: Floats = special.fdtrc(10, 5, ratio)
    return p


def folds(cell: Folded, effort: Effort) -> list[dict[str, Any]]:
    """Type-I error and power of every rule, and by how much the variance of the estimate is above that of persons."""
    if cell.split:
        return information(cell, effort)
    rng = generator(effort.seed, 'folds', *asdict(cell).values())
    drawn = [suites(cell, rng, count) for count in portions(effort.trained, cell.cost, 250)]
    means = np.concatenate([one.differences.mean(axis=(1, 2)) for one in drawn])
    persons = np.concatenate([fixed_seeds_contrast(*one.blocks(None)).se ** 2 for one in drawn])
    ratio = float(means.var() / persons.mean())
    rows = []
    for study, by in (('folds: error', 0.0), ('folds: power', DIFFERENCE * float(means.std()))):
        every = [p_values(one.shifted(by)) for one in drawn]
        rows += [_row(study, rule, cell, np.concatenate([one[rule] for one in every]) < ALPHA, ratio)
                 for rule in every[0]]
    return rows


#: Where the estimates come from that are compared, and how many trainings of a method they take.
SPLITS: dict[str, tuple[int, int]] = {'5 x 5 folds': (5, 25), 'one split, 5 seeds': (5, 5), '5 folds': (1, 5),
                                      'one split, 25 seeds': (25, 25)}


def information(cell: Folded, effort: Effort) -> list[dict[str, Any]]:
    """Variance of the estimate, by cross-validation and from one split into 36, 12 and 12 images, and the power.

    The same data sets and the same size of training set everywhere; the difference is the one at which a test that knew
    the variance of 5 x 5 folds would have a power of 80 %.
    """
    rng = generator(effort.seed, 'information', *asdict(cell).values())
    found: dict[str, list[tuple[Floats, Callable[[float], Floats]]]] = {name: [] for name in SPLITS}
    for count in portions(effort.trained, cell.cost, 250):
        data = Photographs(rng, count, cell.persons, cell.images)
        for name, (number, _) in SPLITS.items():
            found[name].append(_split(cell, rng, data, number) if 'split' in name
                               else _folds(cell, rng, data, number))
    spread = {name: np.concatenate([estimates for estimates, _ in every]) for name, every in found.items()}
    by = DIFFERENCE * float(spread['5 x 5 folds'].std())
    rows = []
    for name, every in found.items():
        for study, shift in (('folds: information, error', 0.0), ('folds: information', by)):
            p = np.concatenate([test(shift) for _, test in every])
            rows.append(_row(study, name, cell, p < ALPHA,
                             float(spread['5 x 5 folds'].var() / spread[name].var()), ours='split' not in name))
    return rows


def _folds(cell: Folded, rng: np.random.Generator, data: Photographs,
           repeats: int) -> tuple[Floats, Callable[[float], Floats]]:
    """Estimates, and the test of a shifted difference, by cross-validation; a quarter of the training set validates."""
    fold = deal(rng, len(data.landmarks), repeats, cell.folds, cell.persons).repeat(cell.images, axis=-1)
    suite = Drawn(cross_validated(rng, data, training(cell), fold, 0.25), fold, cell)
    return suite.differences.mean(axis=(1, 2)), lambda by: crossed_contrast(*suite.shifted(by).blocks(cell.folds)).p


def _split(cell: Folded, rng: np.random.Generator, data: Photographs,
           seeds: int) -> tuple[Floats, Callable[[float], Floats]]:
    """The same from the first 3/5 of the persons for training and the last fifth for testing: the crossed rule."""
    first, last = 3 * cell.persons // 5 * cell.images, 4 * cell.persons // 5 * cell.images
    weights = np.zeros(data.landmarks.shape[:2])
    weights[:, :first] = 1
    scores = np.stack([np.stack([errors(rng, data, method, training(cell), weights)[:, last:] for _ in range(seeds)],
                                axis=1) for method in range(METHODS)], axis=1)
    persons = scores.reshape(*scores.shape[:3], -1, cell.images).mean(axis=-1)
    return ((scores[:, 0] - scores[:, 1]).mean(axis=(1, 2)),
            lambda by: crossed_contrast(persons[:, 0] + by, persons[:, 1]).p)


def _row(study: str, rule: str, cell: Folded, happened: Masks, ratio: float,
         ours: bool | None = None) -> dict[str, Any]:
    rate, (low, high) = float(happened.mean()), BOUNDS['type I']
    return {'study': study, 'scope': 'procedure', 'test': rule, 'endpoint': 'ME', **asdict(cell), 'seeds': 0,
            'ours': rule == OURS if ours is None else ours, 'rate': rate,
            'se': (rate * (1 - rate) / happened.size) ** 0.5, 'replications': happened.size, 'without_result': 0,
            'ratio': ratio, 'inside': low <= rate <= high or 'error' not in study}
