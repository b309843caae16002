"""Checks that look at a whole prepared data set: subjects and sides."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmark.datasets.findings import Report
from benchmark.datasets.labels import untrained
from benchmark.datasets.metainfo import PHOTOGRAPH, LandmarkMeta
from benchmark.datasets.records import Record, in_file


def check_subjects(root: Path, meta: LandmarkMeta, splits: dict[str, list[Record]], report: Report) -> None:
    """Appends an error for each subject that is in more than one split.

    Where photographs stand for subjects (``photograph``), it is a warning: they may show different persons, as those of
    published splits do.
    """
    if meta.subject is None:
        return
    first: dict[str, tuple[str, str]] = {}
    told = set()
    kind = PHOTOGRAPH if meta.subject == PHOTOGRAPH else 'subject'
    for split, records in splits.items():
        for record in records:
            other, name = first.setdefault(record.subject, (split, record.file_name))
            if other != split and (record.subject, split) not in told:
                told.add((record.subject, split))
                report.add(
                    'warning' if kind == PHOTOGRAPH else 'error', f'{kind}-in-two-splits',
                    f'{in_file(root, split, record)}: {meta.subject} {record.subject!r} is also in {other} '
                    f'(image {name!r}). Keep a {kind} in one split.')


def check_trained(root: Path, meta: LandmarkMeta, splits: dict[str, list[Record]], report: Report) -> None:
    """Appends a warning for each landmark that is tested and that no training image lets anybody learn."""
    if not splits.get('train'):
        return
    policy = meta.flip_policy
    for name, count in untrained(meta, splits['train'], splits.get('test', ()), policy, policy == 'swap').items():
        report.add('warning', 'never-trained',
                   f'{root / "annotations/train.json"}: landmark {name} is annotated in {count} test images and can be '
                   'learned from no training image: it is left out of the mean error. Annotate it in some of them, or '
                   'take it out of the test split (v = 0).')


def check_sides(root: Path, meta: LandmarkMeta, splits: dict[str, list[Record]], report: Report,
                told: set[str] = frozenset()) -> None:
    """Appends a warning for each record whose left and right seem swapped.

    The order of a flip pair along x is compared with the mean order over the data set. A record is
    suspect where its pairs lie the other way round in sum, or where one pair does by more than
    half of its mean distance. Images that were ``told`` of already, by their names, are left out.
    """
    pairs = meta.pairs
    listed = [(split, record) for split, records in splits.items() for record in records]
    if not pairs or len(listed) < 3:
        return
    first, second = np.array(pairs).T
    x = np.array([np.where(r.visible, r.landmarks[:, 0], np.nan) for _, r in listed])
    distance = x[:, first] - x[:, second]
    seen = np.isfinite(distance)
    distance = np.where(seen, distance, 0.0)
    mean = distance.sum(0) / np.maximum(seen.sum(0), 1)
    along = distance * np.sign(mean)
    swapped = along < -0.5 * np.abs(mean)
    for row in np.flatnonzero((along.sum(1) < 0) | swapped.any(1)):
        split, record = listed[row]
        if record.file_name in told:
            continue
        worst = int(np.argmin(along[row]))
        names = f'{meta.landmarks[first[worst]]} and {meta.landmarks[second[worst]]}'
        report.add('warning', 'left-right',
                   f'{in_file(root, split, record)}: left and right may be swapped ({names} lie the other '
                   'way round than on average).')
