"""Checks of what values mean: positions that stand for 'missing', faces that stand on their heads, spellings."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Hashable, Sequence
from pathlib import Path

import numpy as np

from benchmark.datasets.findings import Report
from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.datasets.records import Record, in_file

#: Images that share a position, and how many times the next common one's, before it is told.
_IMAGES, _TIMES = 5, 10
_UPPER = re.compile(r'eye|canth|pupil|brow|nasion|glabella|forehead|trichion|orbit|sella|porion', re.IGNORECASE)
_LOWER = re.compile(r'mouth|(?<![a-z])lips?(?![a-z])|labi|cheil|stomi|chin|gnath|menton|pogonion|philtr|incis',
                    re.IGNORECASE)


def repeated_positions(entries: Sequence[tuple[str, np.ndarray]], landmarks: Sequence[str],
                       remedy: Callable[[str], str]) -> list[str]:
    """Positions that many images share exactly, as those do that stand for 'not annotated'.

    (0, 0) is told from the first on: nobody marks the corner. Any other position is told where a landmark, or all
    together, has it in at least 5 images and 10 times as often as the next common one.

    Args:
        entries: File and record for messages, and (K, 3): x, y, v, of each image.
        landmarks: Names of the K landmarks.
        remedy: The position, as ``x,y`` -> what to do where it means 'not annotated'.

    Returns:
        A message for each position.
    """
    if not entries:
        return []
    points = np.stack([k for _, k in entries]).astype(np.float64)
    seen = points[:, :, 2] > 0
    # 0.0 + x: -0.0 and 0.0 are one position.
    place = (0.0 + points[:, :, 0]) + 1j * (0.0 + points[:, :, 1])
    told = {0j} if (seen & (place == 0)).any() else set()
    for columns in (slice(None), *range(len(landmarks))):
        values, counts = np.unique(place[:, columns][seen[:, columns]], return_counts=True)
        if not len(counts):
            continue
        order = np.argsort(counts)[::-1]
        following = counts[order[1]] if len(order) > 1 else 1
        if counts[order[0]] >= max(_IMAGES, _TIMES * following) and len(entries) >= _IMAGES:
            told.add(complex(values[order[0]]))
    messages = []
    for value in sorted(told, key=lambda v: (v.real, v.imag)):
        there = seen & (place == value)
        row = int(np.flatnonzero(there.any(axis=1))[0])
        names = [landmarks[k] for k in np.flatnonzero(there.any(axis=0))]
        shown = ', '.join(names[:3]) + (f' and {len(names) - 3} more' if len(names) > 3 else '')
        position = f'{value.real:g},{value.imag:g}'
        messages.append(
            f'{entries[row][0]}: {int(there.sum())} landmarks in {int(there.any(axis=1).sum())} of {len(entries)} '
            f'images lie at exactly ({position.replace(",", ", ")}) ({shown}). Where that means `not annotated`, '
            f'{remedy(position)}.')
    return messages


def check_positions(root: Path, meta: LandmarkMeta, splits: dict[str, list[Record]], report: Report) -> None:
    """Appends a warning for each position that many images share exactly."""
    entries = [(in_file(root, split, record), np.column_stack([record.landmarks, record.visible]))
               for split, records in splits.items() for record in records]
    for message in repeated_positions(entries, meta.landmarks,
                                      lambda position: f'set v to 0, or prepare the set with --missing={position}'):
        report.add('warning', 'one-position', message)


def check_upright(root: Path, meta: LandmarkMeta, splits: dict[str, list[Record]], report: Report) -> None:
    """Appends a warning where, by the landmarks' names, most faces stand on their heads or lie on their sides.

    Of each image with landmarks of both the eyes or above (by name) and the mouth or below, the direction from the
    mean of the former to that of the latter is taken. Single images are the business of the mean shape.
    """
    upper = [k for k, n in enumerate(meta.landmarks) if _UPPER.search(n) and not _LOWER.search(n)]
    lower = [k for k, n in enumerate(meta.landmarks) if _LOWER.search(n) and not _UPPER.search(n)]
    down, first = [], {}
    for split, records in splits.items():
        for record in records:
            up, low = (record.landmarks[[k for k in group if record.visible[k]]] for group in (upper, lower))
            if len(up) and len(low):
                x, y = low.mean(0) - up.mean(0)
                down.append('beside' if abs(x) > abs(y) else 'below' if y > 0 else 'above')
                first.setdefault(down[-1], in_file(root, split, record))
    if len(down) < 3 or down.count('below') >= len(down) / 2:
        return
    names = f'{meta.landmarks[lower[0]]} and the like', f'{meta.landmarks[upper[0]]} and the like'
    for side, what, remedy in (
            ('above', 'upside down', 'Where y counts from below in SRC, prepare the set with --origin bottom-left'),
            ('beside', 'on the side', 'Look whether x and y are exchanged, or the photographs lie on their sides')):
        if count := down.count(side):
            report.add('warning', 'upside-down' if side == 'above' else 'on-its-side',
                       f'{first[side]}: {what}: {names[0]} lie {side} {names[1]} in {count} of {len(down)} images. '
                       f'{remedy}.')


def spelling_key(value: str) -> str:
    """What is left of a subject without case, blanks, Unicode form, leading zeros of its numbers and a final ``.0``."""
    text = re.sub(r'\s+', '', unicodedata.normalize('NFKC', value)).casefold()
    text = re.sub(r'(?<=\d)\.0+$', '', text)
    return re.sub(r'(?<![\d.])0+(?=\d)', '', text)


def spellings(values: Sequence[tuple[str, Hashable]]) -> list[list[tuple[str, Hashable]]]:
    """Subjects that are equal but for leading zeros, ``.0``, case or blanks.

    Args:
        values: Subject, and where it stands, of each image.

    Returns:
        For each person that seems to be written in more than one way the first place of each way.
    """
    groups: dict[str, dict[str, Hashable]] = {}
    for value, where in values:
        groups.setdefault(spelling_key(value), {}).setdefault(value, where)
    return [list(ways.items()) for ways in groups.values() if len(ways) > 1]


def check_spelling(root: Path, meta: LandmarkMeta, splits: dict[str, list[Record]], report: Report) -> None:
    """Appends a warning for each subject that seems to be written in more than one way."""
    if meta.subject is None:
        return
    values = [(record.subject, in_file(root, split, record)) for split, records in splits.items() for record in records]
    for ways in spellings(values):
        (one, at), (two, there) = ways[:2]
        report.add('warning', 'subject-spelling',
                   f'{there}: {meta.subject} {two!r} differs from {one!r} ({at}) only in zeros, case or blanks. Where '
                   'they are one person, write it in one way: a person in two splits makes results too good.')
