"""Tables of a cross-validation: which rows are of which fold of which repetition, and whether that can be.

A table says it by its columns ``repetition`` and ``fold``; ``seed`` stands for ``repetition`` where there is no such
column, and with neither there is one repetition. Without ``fold`` seeds that have each tested a part of the images,
each image in one of them (or once per repetition), are folds. Where the folds of a repetition were put together under
one seed, the table looks like one of networks that have all tested the same images, and only who has made it can say
that it is none (``folds`` of the analysis).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from .arrays import Floats, Integers, Masks
from .consistency import EMPTY, folds
from .errors import TableError
from .layout import some

FOLD, REPETITION = 'fold', 'repetition'
RUN = ['condition', 'method', 'seed']


def name_repetitions(frame: pd.DataFrame) -> pd.DataFrame:
    """The table with the repetitions as seeds; of a cross-validation a column ``seed`` beside them is left out."""
    if FOLD in frame.columns and REPETITION in frame.columns:
        frame = frame.drop(columns='seed', errors='ignore')
    if REPETITION in frame.columns and 'seed' not in frame.columns:
        return frame.rename(columns={REPETITION: 'seed'})
    return frame.assign(seed=0) if FOLD in frame.columns and 'seed' not in frame.columns else frame


def seeds_as_folds(frame: pd.DataFrame, where: str, notes: list[str]) -> pd.DataFrame:
    """The table with repetitions as seeds and with folds, where its seeds are folds; else as it is.

    Args:
        frame: With names as text and seeds as numbers.
        where: Begins messages.
        notes: Gets a sentence on what was recognised.

    Raises:
        TableError: Seeds are folds, but not in an order by which repetitions can be told.
    """
    there = frame['error'].notna()
    if not pd.api.types.is_numeric_dtype(frame['error']):
        there &= ~frame['error'].astype(str).str.strip().str.lower().isin(EMPTY)
    known = frame if there.all() else frame[there]
    found, told = {}, {}
    for key, own in known.groupby(['condition', 'method'], sort=True, observed=True):
        seed, seeds = pd.factorize(own['seed'], sort=True)
        image, images = pd.factorize(own['image'])
        tested = np.zeros((len(seeds), len(images)), dtype=bool)
        tested[seed, image] = True
        if (count := folds(tested)) is None:
            continue
        told[key] = (count, len(seeds))
        order = _repetitions(tested, count)
        if order is None:
            raise TableError(
                f'{where}: each image is tested in {count} of the {len(seeds)} seeds of {key[1]}: this is a '
                'cross-validation with folds as seeds, and which of them make a repetition can\'t be told; add the '
                'columns repetition and fold')
        found.update({(*key, number): place for number, place in zip(seeds.tolist(), order, strict=True)})
    if not found:
        return frame
    count, number = next(iter(told.values()))
    notes.append(f'Each image is tested in {count} of the {number} seeds: seeds are taken for the folds of a '
                 f'cross-validation, {count} repetition{"s" if count > 1 else ""} of {number // count} folds.')
    lacking = (0, 0)
    places = [found.get(key, lacking) for key in known[RUN].itertuples(index=False, name=None)]
    known = known.copy()
    known['seed'] = np.array([repetition for repetition, _ in places], dtype=np.int64)
    known[FOLD] = [str(fold) for _, fold in places]
    return known.reset_index(drop=True)


def _repetitions(tested: Masks, count: int) -> list[tuple[int, int]] | None:
    """Repetition and fold of each seed, shape (S, N): seeds follow repetition by repetition, or fold by fold."""
    number = len(tested)
    if number % count:
        return None
    size = number // count
    for order in ([divmod(seed, size) for seed in range(number)],
                  [(seed % count, seed // count) for seed in range(number)]):
        covered = np.zeros((count, tested.shape[1]), dtype=int)
        np.add.at(covered, [repetition for repetition, _ in order], tested)
        if (covered <= 1).all():
            return order
    return None


def check_folds(frame: pd.DataFrame, where: str, missing_allowed: bool) -> None:
    """Numbers the folds of each repetition from 0 on, and refuses what can't be those of a cross-validation.

    Args:
        frame: The table with names as text and seeds (repetitions) as numbers; ``fold`` is changed in it.
        where: Begins messages.
        missing_allowed: An image may lack its prediction in a repetition.

    Raises:
        TableError: An image is tested twice in a repetition or never, a person is in two folds of a repetition, or
            repetitions or methods have unlike numbers of folds.
    """
    columns = [*RUN, 'image', FOLD] + ['subject'] * ('subject' in frame.columns)
    cells = frame[columns].drop_duplicates()
    twice = cells[cells.duplicated([*RUN, 'image'], keep=False)]
    if len(twice):
        raise TableError(f'{where}: field fold: {_named(twice.iloc[0])} is tested twice, in {_folds(twice)}; an '
                         'image is tested once per repetition')
    if 'subject' in frame.columns:
        persons = cells[cells['subject'] != ''].drop_duplicates([*RUN, 'subject', FOLD])
        split = persons[persons.duplicated([*RUN, 'subject'], keep=False)]
        if len(split):
            first = split.iloc[0]
            both = split[(split[[*RUN, 'subject']] == first[[*RUN, 'subject']]).all(axis=1)]
            raise TableError(
                f'{where}: field fold: subject {first["subject"]} is on both sides in repetition {first["seed"]} of '
                f'{first["method"]}: its images are tested in {_folds(both)}, by networks that have trained on the '
                'others of them; deal out persons, not images')
    sizes = cells.groupby(RUN, sort=True, observed=True)[FOLD].nunique()
    for condition, own in sizes.groupby(level='condition', observed=True):
        usual = int(own.mode().max())
        unlike = own[own != usual]
        if len(unlike):
            _, method, repetition = unlike.index[0]
            raise TableError(
                f'{where}: field fold: {method} has test images in {unlike.iloc[0]} folds of repetition {repetition}, '
                f'and in {usual} elsewhere: a fold has no test image, or training sets are of several sizes; give all '
                'methods and repetitions the same number of folds')
        if usual < 2:
            raise TableError(f'{where}: field fold: one fold only: nothing was trained on the other images; leave the '
                             'column out')
        here = cells[cells['condition'] == condition]
        every = here['image'].nunique()
        tested = here.groupby(['method', 'seed'], sort=True, observed=True)['image'].nunique()
        short = tested[tested < every]
        if len(short) and not missing_allowed:
            method, repetition = short.index[0]
            own_images = set(here[(here['method'] == method) & (here['seed'] == repetition)]['image'])
            lacking = sorted(set(here['image']) - own_images)
            raise TableError(
                f'{where}: field fold: image{"s" if len(lacking) > 1 else ""} {some(lacking)} never tested in '
                f'repetition {repetition} of {method}; each image is tested once per repetition')
    natural = {name: place for place, name in enumerate(sorted(frame[FOLD].unique(), key=_natural))}
    place = frame[FOLD].map(natural)
    frame[FOLD] = place.groupby([frame[key] for key in RUN], observed=True).rank(method='dense').astype('int64') - 1


def _natural(name: str) -> tuple[bool, float, str]:
    """Numbers by size, before names."""
    try:
        return False, float(name), name
    except ValueError:
        return True, 0.0, name


def _named(row: pd.Series) -> str:
    return f'image {row["image"]} of repetition {row["seed"]} of {row["method"]}'


def _folds(rows: pd.DataFrame) -> str:
    names = sorted({str(name) for name in rows[FOLD].head(2)}, key=_natural)
    return f'fold{"s" if len(names) > 1 else ""} {" and ".join(names)}'


def folds_of(rows: pd.DataFrame, declared: int | None) -> int | None:
    """Folds of a condition's cross-validation, by the table or else as declared; None where it is none.

    Raises:
        TableError: Another number was declared than the table has.
    """
    if FOLD not in rows.columns:
        return declared
    count = int(rows[FOLD].max()) + 1
    if declared not in (None, count):
        raise TableError(f'folds: {declared} were declared and the table has {count}; leave the number out')
    return count


def folds_by_method(rows: pd.DataFrame, images: Sequence[str], seeds: dict[str, list[int]]) -> dict[str, Integers]:
    """Method -> the fold of each image in each repetition, shape (S, N); -1 where it was not tested."""
    if FOLD not in rows.columns:
        return {}
    cells = rows[['method', 'seed', 'image', FOLD]].drop_duplicates()
    cells = cells[cells['image'].isin(set(images))]
    found = {}
    for method, numbers in seeds.items():
        own = cells[cells['method'] == method]
        found[method] = np.full((len(numbers), len(images)), -1)
        place = pd.Index(numbers).get_indexer(own['seed']), pd.Index(images).get_indexer(own['image'])
        found[method][place] = own[FOLD]
    return found


def fold_means(fold: Integers, values: Floats) -> Floats:
    """Mean of each fold of each repetition, shape (S, K).

    Args:
        fold: Of each image, shape (S, N).
        values: Scores, shape (S, N).
    """
    return np.array([[row[own == one].mean() for one in range(int(fold.max()) + 1)]
                     for row, own in zip(values, fold, strict=True)])
