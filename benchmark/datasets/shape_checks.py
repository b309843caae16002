"""Checks of a whole set's landmarks by their shape: outliers, orders of names, coinciding points, mirror images."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path

import numpy as np

from benchmark.datasets.findings import Report
from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.datasets.records import Record, in_file
from benchmark.datasets.shapes import (
    MeanShape,
    find_order,
    fit_shape,
    mean_shape,
    mirror,
    propose_flips,
    reversed_pairs,
    same_shapes,
    to_complex,
)

#: Standard deviations beyond the typical distance: what may still be called fitting, what needs an explanation, and
#: what is told without one.
FITS, SUSPECT, FAR = 3, 4, 8
#: The same of a single landmark: in its own standard deviations, and in units of the size.
ASTRAY, ASTRAY_SIZE = 10, 0.25
#: A shape that differs by less from its mirror image is symmetric; a set whose typical distance is above has no shape.
SYMMETRIC, SHAPELESS = 0.15, 0.5
#: Most images whose order is searched for; the orders found are tried on all others.
SEARCHED = 200
#: Degrees that an image must be turned by among upright ones.
TURNED = 60


def check_shapes(root: Path, meta: LandmarkMeta, splits: dict[str, list[Record]], report: Report) -> set[str]:
    """Compares every image's landmarks with the set's mean shape.

    Says nothing where nothing can be said: with fewer than three landmarks or eight images only coinciding points and
    copied annotations are looked for.

    Returns:
        Names of the images that were found to be mirrored, in another order or far off.
    """
    listed = [(in_file(root, split, record), record)
              for split, records in splits.items() for record in records]
    if not listed:
        return set()
    points = np.array([record.landmarks for _, record in listed])
    z = to_complex(points, np.array([record.visible for _, record in listed]))
    places = [place for place, _ in listed]
    shape = _shape(z, meta)
    _coinciding(z, shape, meta, places, report)
    for i, j in same_shapes(z, shape):
        report.add('warning', 'same-points', f'{places[j]}: its landmarks are those of image '
                   f'{listed[i][1].file_name!r}. Unless both are one photograph, one of them has the other\'s points: '
                   'annotate it anew.')
    if shape is None:
        return set()
    if shape.typical > SHAPELESS:
        report.add('warning', 'no-common-shape',
                   f'{root}: the images\' landmarks have no shape in common: half of them lie more than '
                   f'{shape.typical:.0%} of their size from the mean shape. Were names or images mixed up?')
        return set()
    _flip_pairs(root, meta, shape, report)
    return {listed[row][1].file_name for row in _outliers(root, meta, z, shape, places, report)}


def _shape(z: np.ndarray, meta: LandmarkMeta) -> MeanShape | None:
    """The mean shape; of two halves in different orders that of the half which the flip pairs fit."""
    shape = mean_shape(z)
    if shape is None or not meta.pairs or not mirror(shape.mean, np.array(meta.flip_indices)) > SYMMETRIC:
        return shape
    rest = shape.fit.distance > shape.far(SUSPECT)
    other = mean_shape(z[rest]) if rest.sum() >= len(z) / 3 else None
    if other is None or mirror(other.mean, np.array(meta.flip_indices)) > SYMMETRIC:
        return shape
    return mean_shape(z, other.mean) or shape


def _outliers(root: Path, meta: LandmarkMeta, z: np.ndarray, shape: MeanShape, places: list[str],
              report: Report) -> list[int]:
    """Adds a warning for each image that lies far from the mean shape, with the change that would make it fit."""
    distance, told = shape.fit.distance, {}
    usual = f'half of the images: within {shape.typical:.0%}'
    with np.errstate(invalid='ignore'):
        astray = (abs(shape.fit.residual) > np.maximum(ASTRAY * shape.spread, ASTRAY_SIZE)).any(1)
    suspects = np.flatnonzero((distance > shape.far(SUSPECT)) | astray | reversed_pairs(shape))
    suspects = suspects[np.argsort(-distance[suspects], kind='stable')]
    reflected = fit_shape(z.conj()[suspects], shape.mean)
    orders: list[tuple[int, ...]] = []
    found: dict[int, tuple[int, ...]] = {}
    for place, row in enumerate(suspects.tolist()):
        far = f'{places[row]}: lies {distance[row]:.0%} of its size from the mean shape ({usual})'
        if _explains(reflected.distance[place], distance[row], shape):
            told[row] = 'mirrored', f'{far}. {_reflection(reflected.turn[place], meta)}'
            continue
        order = next((one for one in orders if _explains(_distance(z[row], one, shape), distance[row], shape)), None)
        if order is None and place < SEARCHED and (new := find_order(z[row], shape)) is not None:
            order = tuple(new.tolist())
            if _explains(_distance(z[row], order, shape), distance[row], shape):
                orders.append(order)
            else:
                order = None
        if order is not None:
            found[row] = order
            told[row] = 'order', f'{far}. {_changes(order, meta)}'
        elif distance[row] > shape.far(FAR) or astray[row]:
            told[row] = 'far-from-mean', (f'{far}, {_worst(row, shape, meta)} farthest off. Look whether it was '
                                          'misplaced, or whether points are exchanged or belong to another image.')
    for order, count in Counter(found.values()).items():
        if count >= max(3, 0.05 * len(z)):
            names = ', '.join(meta.landmarks[k] for k in order)
            first = places[min(row for row in found if found[row] == order)].rpartition('image ')[2]
            report.add('warning', 'mixed-orders',
                       f'{root}: {count} of {len(z)} images have their points in another order than the rest, the '
                       f'first is {first}. The order of names that fits them: {names}')
    for row, turn in _turned(shape):
        if row not in told:
            told[row] = 'turned', (f'{places[row]}: turned by {turn:.0f} degrees against the other images. Turn image '
                                   'and landmarks upright, or see whether the EXIF rotation was ignored when the image '
                                   'was annotated.')
    for row in sorted(told, key=lambda row: -distance[row]):
        report.add('warning', *told[row])
    return list(told)


def _explains(after: float, before: float, shape: MeanShape) -> bool:
    """Whether a change makes an image fit that did not."""
    return bool(after <= shape.far(FITS) and after < before / 2)


def _distance(points: np.ndarray, order: tuple[int, ...], shape: MeanShape) -> float:
    """Distance of an image from the mean shape when the point under name k is landmark ``order[k]``."""
    return float(fit_shape(points[None], shape.mean[list(order)]).distance[0])


def _reflection(turn: float, meta: LandmarkMeta) -> str:
    """What to do about an image that fits when y is turned round, with the shape then turned by an angle."""
    if abs(turn) < math.pi / 4:
        return 'It fits upside down: its y seems to count from below. Write height - 1 - y.'
    if abs(turn) < 3 * math.pi / 4:
        return 'It fits with x and y exchanged. Exchange them.' if turn < 0 else \
            'It fits turned and mirrored. See how the image is stored and how its points were exported.'
    sides = ' Exchange the names of left and right or, where' if meta.pairs else ' Where'
    return f'It fits mirrored.{sides} the points are those of the mirrored image, write width - 1 - x.'


def _changes(order: tuple[int, ...], meta: LandmarkMeta) -> str:
    """An order of names in words."""
    moved = [k for k, other in enumerate(order) if k != other]
    if len(moved) == 2:
        return f'It fits when {meta.landmarks[moved[0]]} and {meta.landmarks[moved[1]]} are exchanged.'
    return 'It fits in another order; what is under the first name is the second: ' + ', '.join(
        f'{meta.landmarks[k]} is {meta.landmarks[order[k]]}' for k in moved) + '.'


def _worst(row: int, shape: MeanShape, meta: LandmarkMeta) -> str:
    return meta.landmarks[int(np.nanargmax(abs(shape.fit.residual[row])))]


def _turned(shape: MeanShape) -> list[tuple[int, float]]:
    """Images of a typical shape that lie on their side or on their head among upright ones, with their turn."""
    turn = np.degrees(shape.fit.turn)
    if not shape.upright:
        return []
    rows = np.flatnonzero((abs(turn) > max(TURNED, 6 * shape.leaning)) & (shape.fit.distance <= shape.far(SUSPECT)))
    return [(int(row), float(turn[row])) for row in rows]


def _coinciding(z: np.ndarray, shape: MeanShape | None, meta: LandmarkMeta, places: list[str], report: Report) -> None:
    """Adds a warning for two landmarks that lie on one point in an image, although they do not on average.

    Landmarks that touch, such as those of closed lips, may share a pixel: where the mean shape puts two within two
    pixels or 5 percent of the size of each other, they are left alone. So are single images in which a turned head may
    do it, unless the two lie six standard deviations apart, and points at (0, 0), which stand for missing ones.
    """
    order = np.argsort(z, axis=1, kind='stable')
    ranked = np.take_along_axis(z, order, 1)
    rows, columns = np.nonzero((ranked[:, 1:] == ranked[:, :-1]) & (ranked[:, 1:] != 0))
    pairs: dict[tuple[int, int], list[int]] = {}
    clear = set()
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        i, j = sorted((int(order[row, column]), int(order[row, column + 1])))
        if shape is not None and np.isfinite(shape.mean[[i, j]]).all() and np.isfinite(shape.fit.scale[row]):
            gap = abs(shape.mean[i] - shape.mean[j]) * shape.fit.scale[row]
            known = z[row][np.isfinite(z[row])]
            if gap < 0.05 or gap * np.sqrt((abs(known - known.mean()) ** 2).mean()) < 2:
                continue
            if gap > 6 * shape.spread[[i, j]].max():
                clear.add((i, j))
        pairs.setdefault((i, j), []).append(row)
    for (i, j), found in sorted(pairs.items(), key=lambda item: -len(item[1])):
        if len(found) < max(2, 0.02 * len(z)) and (i, j) not in clear:
            continue
        images = f'{len(found)} of {len(places)} images' if len(found) > 1 else 'one image'
        report.add('warning', 'same-point',
                   f'{places[found[0]]}: {meta.landmarks[i]} and {meta.landmarks[j]} lie on one point; so they do in '
                   f'{images}. Correct them, or mark the one that was not seen as not annotated.')


def _flip_pairs(root: Path, meta: LandmarkMeta, shape: MeanShape, report: Report) -> None:
    """Adds a warning where flip pairs are missing or do not fit the mean shape, or where all images face one way."""
    if meta.mirroring == 'never' and not meta.unpaired:
        return
    given = mirror(shape.mean, np.array(meta.flip_indices))
    if not meta.unpaired and not given > SYMMETRIC:
        return
    proposed = propose_flips(shape.mean, shape.upright)
    if proposed is None or proposed[1] > SYMMETRIC:
        nearest = '' if proposed is None else (f', which differs from its mirror image by {proposed[1]:.0%} of its '
                                               'size at best: the images all face one way')
        if meta.unpaired:
            report.add('warning', 'one-way' if proposed else 'flip-pairs',
                       f'{root}: no flip pairs are known, and none are seen in the mean shape{nearest}. No image '
                       'is mirrored. Say so with --flip-policy never, name the pairs with --flip-pairs, or say with '
                       '--flip-pairs none that each landmark is its own mirror image.')
        elif given > max(SYMMETRIC, float(np.nanquantile(shape.fit.distance, 0.98))):
            report.add('warning', 'one-way',
                       f'{root}: the images all face one way: the mean shape differs from its mirror image by '
                       f'{given:.0%} of its size, more than nearly every image does from it, so mirrored views show '
                       'what no image does. --flip-policy never (or flip_policy in metainfo.json) mirrors none.')
        return
    text = pairs_text(meta.landmarks, proposed[0])
    if meta.unpaired:
        report.add('warning', 'flip-pairs',
                   f'{root}: no flip pairs are known, so no image is mirrored. Proposed from the mean shape, which '
                   f'then differs from its mirror image by {proposed[1]:.1%} of its size: --flip-pairs {text}. '
                   '`--flip-pairs proposed` takes them when the set is prepared; `--flip-policy never` declines.')
    elif proposed[1] < given / 2:
        report.add('warning', 'flip-pairs',
                   f'{root}: the flip pairs do not fit the mean shape: mirrored with them it differs by {given:.0%} of '
                   f'its size, with others by {proposed[1]:.1%}. Those that fit: --flip-pairs {text}')


def pairs_text(landmarks: tuple[str, ...] | list[str], indices: np.ndarray | list[int]) -> str:
    """Flip indices as ``--flip-pairs`` takes them: ``a:b,c:d``, or ``none``."""
    return ','.join(f'{landmarks[i]}:{landmarks[j]}' for i, j in enumerate(indices) if i < j) or 'none'

