"""Tables from anywhere: do all runs speak of the same truth, in the same unit, of the same images?

A table that was put together from several programs can hold two annotations of one landmark, errors in two units, or
folds of a cross-validation as seeds. Its numbers look like any others, so all this is looked for.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd

from .arrays import Floats, Masks
from .errors import TableError
from .scale import SCALES, one_scale

#: Truths nearer to each other than this share of their extent differ by rounding (0.08 px of 256).
TRUTH_ROUNDING = 3e-4
#: The same for normalising distances, as a share of the distance.
NORMALIZER_ROUNDING = 1e-3
#: Ratios of two methods' mean errors that a change of unit explains, with how far around each of them is meant:
#: heatmap and input pixels (strides 4 and 8), mm and cm, shares and percent, mm and m.
UNIT_FACTORS = {4: 0.1, 8: 0.1, 10: 0.1, 100: 0.5, 1000: 0.5}
#: Errors over the distances between predicted and true coordinates: how far apart two methods' medians may lie.
SCALES_APART = 0.1
#: An image in the usual number of seeds, of all images; a seed with nearly all images is no fold.
FOLD_SHARE = 0.9
#: How an empty number is written, by whom ever.
EMPTY = ('', 'nan', 'na', 'n/a', 'null', 'none', '<na>', '#n/a', '#nv', '-')
#: More than this share of a method's cells (seeds x images) is not filled in by a cap.
LOST_BY_CAP = 0.1


def folds(tested: Masks) -> int | None:
    """In how many seeds each image is tested, where the seeds are folds of a cross-validation.

    That is so where no seed has (nearly) all images and each image is in the same number R of the S seeds, R at most
    S / 2: once, or once per repetition.

    Args:
        tested: Which images a seed of one method has scored, shape (S, N).

    Returns:
        R, or None where the seeds are no folds.
    """
    n_seeds = len(tested)
    counts = tested.sum(axis=0)
    counts = counts[counts > 0]
    if n_seeds < 2 or not len(counts):
        return None
    covered = tested[:, tested.any(axis=0)].mean(axis=1)
    usual = int(np.bincount(counts).argmax())
    if usual > n_seeds / 2 or (counts == usual).mean() < FOLD_SHARE or covered.min() == 0 or covered.max() > FOLD_SHARE:
        return None
    return usual


def seen_by_runs(frame: pd.DataFrame) -> dict[str, Masks]:
    """Method (under its condition) -> which of its images each of its seeds has an error of, shape (S, N)."""
    found = {}
    for (condition, method), own in frame.groupby(['condition', 'method'], sort=True, observed=True):
        seed, seeds = pd.factorize(own['seed'])
        image, images = pd.factorize(own['image'])
        known = own['error'].notna().to_numpy()
        seen = np.zeros((len(seeds), len(images)), dtype=bool)
        seen[seed[known], image[known]] = True
        found[f'{method}' if frame['condition'].nunique() == 1 else f'{method} under {condition}'] = seen
    return found


def check_truths(table: pd.DataFrame) -> None:
    """Refuses a table in which an image's landmark has two truths or two normalising distances under one condition.

    Args:
        table: A validated results table.

    Raises:
        TableError: Names image, landmark, both runs and how far apart their values are.
    """
    for _, rows in table.groupby('condition', sort=False, observed=True):
        if {'x_true', 'y_true'} <= {*rows.columns}:
            values = rows[['x_true', 'y_true']].to_numpy(np.float64)
            extent = _range(values).max(initial=0.0)
            place = _apart(rows, values, TRUTH_ROUNDING * extent)
            if place is not None:
                first, second = place
                distance = float(np.hypot(*(values[first] - values[second])))
                raise TableError(
                    f'fields x_true, y_true: {_landmark(rows, first)} has two truths, {distance:.3g} apart: '
                    f'{_point(values[first])} in {_run(rows, first)}, {_point(values[second])} in {_run(rows, second)} '
                    f'({_condition(rows)}the largest such distance). Score all methods against the same annotation, in '
                    'one system of coordinates')
        if 'normalizer' in rows.columns:
            values = rows[['normalizer']].to_numpy(np.float64)
            # Methods with inputs of several sizes have one distance in the photograph, and each its own in heatmap px.
            alike = values / one_scale(rows)[:, None] if {*SCALES} <= {*rows.columns} else values
            place = _apart(rows, np.log(alike), NORMALIZER_ROUNDING)
            if place is not None:
                first, second = place
                raise TableError(
                    f'field normalizer: {_landmark(rows, first)} has two normalising distances: '
                    f'{values[first, 0]:.6g} in {_run(rows, first)}, {values[second, 0]:.6g} in {_run(rows, second)} '
                    f'({_condition(rows)}the largest such ratio). Give the same distance in all runs')


def _range(values: Floats) -> Floats:
    """Largest minus smallest of each column, of what is there."""
    known = values[np.isfinite(values).all(axis=1)]
    return np.ptp(known, axis=0) if len(known) else np.zeros(values.shape[1])


def _apart(rows: pd.DataFrame, values: Floats, tolerance: float) -> tuple[int, int] | None:
    """Two rows of one image's landmark whose values (rows, D) lie furthest apart; None if all are within tolerance."""
    key, names = pd.factorize(rows['image'])
    if 'landmark' in rows.columns:
        landmark, landmarks = pd.factorize(rows['landmark'])
        key = key * len(landmarks) + landmark
    known = np.flatnonzero(np.isfinite(values).all(axis=1))
    if not len(known):
        return None
    order = known[np.argsort(key[known], kind='stable')]
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    spread = np.maximum.reduceat(values[order], starts) - np.minimum.reduceat(values[order], starts)
    size = np.linalg.norm(spread, axis=1)
    # A box's diagonal is at least the largest distance in it: by size, as long as one can still win.
    best, pair = tolerance, None
    for place in np.argsort(-size, kind='stable'):
        if size[place] <= best:
            break
        own = order[starts[place]: starts[place + 1] if place + 1 < len(starts) else None]
        distance = np.linalg.norm(values[own] - values[own[0]], axis=1)
        far = int(distance.argmax())
        other = np.linalg.norm(values[own] - values[own[far]], axis=1)
        near = int(other.argmax())
        if other[near] > best:
            best, pair = float(other[near]), (min(own[far], own[near]), max(own[far], own[near]))
    return pair


def _landmark(rows: pd.DataFrame, place: int) -> str:
    row = rows.iloc[place]
    return f'image {row["image"]}' + (f', landmark {row["landmark"]}' if 'landmark' in rows.columns else '')


def _run(rows: pd.DataFrame, place: int) -> str:
    row = rows.iloc[place]
    return f'{row["method"]} seed {row["seed"]}'


def _point(value: Floats) -> str:
    return f'({value[0]:.6g}, {value[1]:.6g})'


def _condition(rows: pd.DataFrame) -> str:
    name = rows['condition'].iloc[0]
    return '' if name == 'all' else f'condition {name}; '


def unit_remarks(rows: pd.DataFrame, means: Mapping[str, float], what: str = 'errors') -> tuple[list[str], list[str]]:
    """Sentences on methods whose errors seem to be in another unit than those of the others.

    Args:
        rows: One condition's rows.
        means: Method -> mean error over the images that all have scored.
        what: The numbers, in words.

    Returns:
        What the coordinates prove: errors of one method are k times the distances between its predicted and true
        points, those of another are not; and what the means suggest.
    """
    scales = _scales(rows)
    if len(scales) > 1:
        low, high = min(scales, key=scales.__getitem__), max(scales, key=scales.__getitem__)
        if scales[high] > (1 + SCALES_APART) * scales[low]:
            return [f'Errors are in different units: those of {high} are {scales[high]:.3g} times the distances '
                    f'between its predicted and true points, those of {low} {scales[low]:.3g} times. No difference '
                    'between such methods means anything.'], []
        return [], []
    if max(means.values()) < 0:  # of scores that are all negative
        means = {method: -mean for method, mean in means.items()}
    least = min(means, key=means.__getitem__)
    if means[least] <= 0:
        return [], []
    odd = {method: mean / means[least] for method, mean in means.items()
           if any(abs(mean / means[least] / factor - 1) <= around for factor, around in UNIT_FACTORS.items())}
    if not odd:
        return [], []
    told = ', '.join(f'{method} {ratio:.3g} times' for method, ratio in odd.items())
    return [], [f'Mean {what} differ by about what a change of unit makes (of that of {least}: {told}). Check that all '
                'are in one unit.']


def _scales(rows: pd.DataFrame) -> dict[str, float]:
    """Method -> median of error over distance between predicted and true point; where the table has coordinates.

    Where the scales of the axes are known, the distance is the scaled one.
    """
    if not {'x', 'y', 'x_true', 'y_true'} <= {*rows.columns}:
        return {}
    across, down = ((rows[name] - rows[f'{name}_true']).to_numpy(np.float64) for name in 'xy')
    if {*SCALES} <= {*rows.columns}:
        across, down = (way * rows[name].to_numpy(np.float64) for way, name in zip((across, down), SCALES, strict=True))
    distance, error = np.hypot(across, down), rows['error'].to_numpy(np.float64)
    # Distances near 0 have lost their digits to rounding.
    known = np.isfinite(distance) & np.isfinite(error) & (error > 0)
    if not known.any():
        return {}
    known &= distance > 0.1 * np.median(distance[known])
    ratio = pd.Series(error[known] / distance[known]).groupby(rows['method'].to_numpy()[known], sort=True).median()
    return {str(method): float(value) for method, value in ratio.items()}


def canonical(name: str) -> str:
    """A name as a reader sees it: composed (NFC), every run of blanks of any kind one space, nothing invisible."""
    text = unicodedata.normalize('NFC', name)
    text = ''.join(sign for sign in text if unicodedata.category(sign) != 'Cf')
    return re.sub(r'\s+', ' ', text).strip()


def spellings(names: Sequence[str]) -> dict[str, str]:
    """Spelling -> the one that is used, for names that look the same; the composed one where it is there.

    Args:
        names: Distinct names.
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(canonical(name), []).append(name)
    return {name: shown if shown in group else min(group) for shown, group in groups.items() if len(group) > 1
            for name in group}


def differing_in_case(names: Sequence[str]) -> list[list[str]]:
    """Groups of names that differ only in capital and small letters."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.casefold(), []).append(name)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def how_names_differ(first: Sequence[str], second: Sequence[str]) -> str:
    """A remark on two sets of names without a common one, half of which would meet if written alike; else ''.

    Args:
        first: Names of one run's images.
        second: Names of another's.
    """
    rules: dict[str, Callable[[str], str]] = {
        'leading zeros or decimals': lambda name: re.sub(r'^0+(?=\d)', '', re.sub(r'\.0+$', '', name)),
        'capital and small letters': str.casefold,
        'the folder': lambda name: re.split(r'[/\\]', name)[-1],
        'the ending of the file name': lambda name: re.sub(r'\.[A-Za-z]{2,5}$', '', name),
        'folder and ending': lambda name: re.sub(r'\.[A-Za-z]{2,5}$', '', re.split(r'[/\\]', name)[-1]),
    }
    for what, rule in rules.items():
        one, two = {rule(name): name for name in first}, {rule(name): name for name in second}
        common = sorted(one.keys() & two.keys())
        if common and len(common) >= 0.5 * min(len(one), len(two)):
            return f'{one[common[0]]!r} and {two[common[0]]!r} differ in {what} only: write the names alike'
    return ''
