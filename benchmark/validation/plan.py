"""What is simulated: the cells that each study runs, and how many replications of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from benchmark.statistics.terms import DESIGNS, NESTED

from .looking import World
from .model import ERRORS, Cell, rare_threshold
from .squares import EQUAL, METHODS, WORLDS, Suite, suites

SEEDS, IMAGES, SEED_SDS = (1, 3, 5, 10), (50, 310, 1000), (0.0, 0.02, 0.05)
#: Shares of images that fail, in the study of rare failures.
RARE = (0.02, 0.005)


@dataclass(frozen=True)
class Folded:
    """A cross-validation by person that is simulated.

    Attributes:
        source: ``trained``: networks that are trained; ``model``: a variance model.
        size: How large the effect of the training set is.
        seed_spread: How much trainings with other seeds differ: of random features (trained), or the standard
            deviation of a network's effect in heatmap px (model).
        repeats: R.
        folds: K.
        persons: P.
        images: Of each person.
        split: Whether it is compared with one split of the same data.
    """

    source: str
    size: str
    seed_spread: float
    repeats: int
    folds: int
    persons: int = 30
    images: int = 2
    split: bool = False

    @property
    def cost(self) -> int:
        """Scores of one suite and method."""
        return self.repeats * self.persons * self.images


@dataclass(frozen=True)
class Several:
    """Several data sets on which two methods are compared.

    Attributes:
        data_sets: K.
        tau: Standard deviation of their true differences, in heatmap px.
        seeds: S of each method in each of them.
        sizes: ``equal`` or ``unequal`` numbers of images.
        seed_sd: Standard deviation of the seed effects.
    """

    data_sets: int
    tau: float
    seeds: int = 5
    sizes: str = 'unequal'
    seed_sd: float = 0.02


#: A study and what it simulates.
Task = tuple[str, Cell | Suite | World | Folded | Several]


@dataclass(frozen=True)
class Effort:
    """How much is simulated.

    Attributes:
        seed: Of everything random.
        replications: Of each cell, for what is computed in one go for many replications.
        suites: Of each cell of families at one look; where a rate is doubtful, ``confirmed`` fresh ones.
        confirmed: These.
        looked: Of suites that are looked at more than once.
        stopped: Of those that stop themselves.
        trained: Cross-validations.
        few: For families, verdicts, power and rare failures.
        others: For the pooled and the averaged Wilcoxon.
        ranks: For signed ranks, Hodges-Lehmann and sign flips.
        resampled: For the bootstraps.
        better: For the interval of P(A better than B).
        draws: Of each bootstrap or set of sign flips.
        shared: Replications that share one set of draws: it saves time, and lets the draws' own error not average out
            within them only.
    """

    seed: int = 0
    replications: int = 4000
    suites: int = 2500
    confirmed: int = 10000
    looked: int = 1000
    stopped: int = 200
    trained: int = 2500
    few: int = 2000
    others: int = 600
    ranks: int = 1500
    resampled: int = 400
    better: int = 400
    draws: int = 1000
    shared: int = 25


QUICK = Effort(replications=400, suites=90, confirmed=90, looked=60, stopped=10, trained=100, few=400, others=60,
               ranks=60, resampled=40, better=8, draws=200)


def cells(seeds: Iterable[int] = SEEDS, images: Iterable[int] = IMAGES,
          seed_sds: Iterable[float] = SEED_SDS) -> list[Cell]:
    """Every combination."""
    seeds, images, seed_sds = [*seeds], [*images], [*seed_sds]
    return [Cell(errors, design, sd, n_seeds, n_images) for design in DESIGNS for errors in ERRORS
            for n_seeds in seeds for n_images in images for sd in seed_sds]


#: Families at one look: every combination of these.
FEW: dict[str, Any] = {
    'seeds': (2, 3, 4, 5, 10), 'images': (48, 310, 1000), 'seed_sds': (0.0, 0.02, 0.05, 0.1),
    'worlds': tuple(WORLDS), 'unequal': ((2, 10), (10, 2), (3, 10))}
QUICK_FEW: dict[str, Any] = {
    'seeds': (2, 10), 'images': (310,), 'seed_sds': (0.05,), 'worlds': (EQUAL, 'another alone'), 'unequal': ((3, 10),)}


#: A world in which one method's seeds vary more than the others'.
MORE = 'another x 5'


def worlds(images: Iterable[int], seed_sds: Iterable[float]) -> list[World]:
    """Suites that are looked at more than once, in both designs; without seed variance all worlds are one."""
    images, seed_sds = [*images], [*seed_sds]
    return [World(design, count, sd, METHODS - 1, spread) for design in DESIGNS for count in images for sd in seed_sds
            for spread in ((None, WORLDS[MORE]) if sd else (None,))]


def work(every: list[Cell]) -> list[Task]:
    """Which cells each study runs.

    Signed ranks, sign flips and rare failures know no design, so they take the nested one; what is slow takes a seed sd
    of .02 only, families those above 0.
    """
    found: list[Task] = [(study, cell) for study in ('many', 'bootstraps') for cell in every]
    middle = [cell for cell in every if cell.seed_sd == 0.02]
    nested = [cell for cell in middle if cell.design == NESTED]
    found += [('better', cell) for cell in middle]
    found += [('ranks', cell) for cell in nested]
    found += [('families', cell) for cell in every if cell.seeds > 1 and cell.seed_sd > 0]
    found += [('margins', cell) for cell in every if cell.seeds > 1
              and (cell in middle or (cell.errors, cell.design) == ('normal', NESTED))]
    found += [('rare', replace(cell, threshold=rare_threshold(cell.errors, share)))
              for cell in nested for share in RARE]
    return found


#: Designs of cross-validations: repetitions and folds.
FOLD_DESIGNS = ((5, 5), (1, 10), (1, 5))


def cross_validations() -> list[Folded]:
    """Every design with every size of the training set's effect, and some seeds; Dietterich's design in the middle."""
    found = [Folded('trained', size, spread, repeats, folds) for repeats, folds in FOLD_DESIGNS
             for size in ('small', 'middle', 'large') for spread in (0.0, 0.3, 1.0)]
    found += [Folded('model', size, spread, repeats, folds) for repeats, folds in FOLD_DESIGNS
              for size in ('none', 'small', 'large') for spread in (0.0, 0.02, 0.05)]
    found += [Folded('trained', size, 0.3, 5, 2) for size in ('small', 'large')]
    return found + [Folded('trained', size, 0.3, 5, 5, split=True) for size in ('small', 'middle', 'large')]


def data_sets() -> list[Several]:
    """Random data sets, many to few, that differ not at all to several standard errors; then fixed ones."""
    found = [Several(count, tau, seeds, sizes) for count in (5, 8, 15) for seeds in (3, 5)
             for sizes in ('equal', 'unequal') for tau in (0.0, 0.01, 0.02, 0.05)]
    return found + [Several(count, 0.05, seeds, sizes) for count in (2, 4) for seeds in (3, 5)
                    for sizes in ('equal', 'unequal')]


def plan(quick: bool, seed: int) -> tuple[Effort, list[Task]]:
    """The effort, and the studies with their cells; of ``quick``, few of both."""
    if quick:
        tasks = work(cells(seeds=(1, 3), images=(50,), seed_sds=(0.02,)))
        tasks += [('few', suite) for suite in suites(**QUICK_FEW)]
        tasks += [('looks', world) for world in worlds((310,), (0.02,))]
        tasks += [('folds', Folded('trained', 'small', 0.3, 5, 5)), ('folds', Folded('model', 'small', 0.02, 1, 5)),
                  ('folds', Folded('trained', 'small', 0.3, 5, 5, split=True))]
        tasks += [('across', cell) for cell in (Several(5, 0.02), Several(2, 0.05))]
        return replace(QUICK, seed=seed), [*tasks, ('looked', Cell('skewed', NESTED, 0.02, 5, 50))]
    tasks = work(cells()) + [('many', cell) for cell in cells(seeds=(2,))]
    tasks += [('few', suite) for suite in suites(**FEW)]
    tasks += [('looks', world) for world in worlds((50, 310, 1000), (0.0, 0.02, 0.05, 0.1))]
    tasks += [('looked', cell) for cell in cells((10,), (50, 310), (0.0, 0.05))]
    tasks += [('folds', cell) for cell in cross_validations()]
    tasks += [('across', cell) for cell in data_sets()]
    return Effort(seed=seed), tasks
