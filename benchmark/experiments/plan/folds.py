"""Cross-validation: who is tested when. Each fold is a prepared folder of its own, beside the data that it is made of.

In each repetition the persons (or images) are dealt out to the folds, with a seed that is derived from the repetition's
number; those of one fold are tested, and of the others a part validates, as large as the data's own. A fold's folder
holds its annotations and a link to the images, so that a run finds it as it finds any data, and its fingerprint is part
of the run's hash.
"""

from __future__ import annotations

import functools
import shutil
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.datasets.identities import content_digest
from benchmark.datasets.metainfo import LandmarkMeta, read_json
from benchmark.datasets.prepared import Record, Split, fingerprint, read_split
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite.inputs import Data
from benchmark.experiments.suite.seeds import SHARED, derive_seeds
from benchmark.utils.files import digest, write_json

from .data import drawn_once

#: Raised when folds are drawn otherwise.
DRAWING = 1


@dataclass(frozen=True)
class Fold:
    """The data of a run.

    Attributes:
        root: Its prepared folder.
        fingerprint: Of that folder.
        splits: Its images.
        repetition: The repetition that it belongs to; None where the data are split once.
        number: The fold's number in it, from 0 on; likewise.
        never: What was found of landmarks that can't be learned here, see :func:`.answerable.never_trained`.
    """

    root: Path
    fingerprint: str
    splits: dict[str, Split]
    repetition: int | None = None
    number: int | None = None
    never: dict[tuple, dict[str, int]] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """Number of training images."""
        return len(self.splits['train'].records)

    def seed(self, repetition: int, folds: int | None) -> int:
        """What its trainings' seeds are derived from: each has its own."""
        return repetition if self.number is None or folds is None else repetition * folds + self.number

    @property
    def described(self) -> dict[str, Any]:
        """What ``plan.json`` holds of it."""
        return dict(repetition=self.repetition, fold=self.number, fingerprint=self.fingerprint, root=str(self.root),
                    images={name: len(split.records) for name, split in self.splits.items()},
                    tested=[record.file_name for record in self.splits['test'].records])


def make_folds(data: Data, repetitions: Sequence[int], root: Path, content: str, splits: Mapping[str, Split],
               cache: Path) -> list[Fold]:
    """The folds of a suite's data, drawn once and kept; the data themselves where the suite has none.

    Args:
        data: What the suite says of them.
        repetitions: Numbers of the repetitions.
        root: The prepared data.
        content: Their fingerprint.
        splits: Their images.
        cache: Where folds are kept.

    Raises:
        SuiteError: More folds than persons, no column of persons, or a group that the data do not have.
    """
    if not data.folds:
        return [Fold(root, content, dict(splits))]
    meta, records = splits['train'].meta, [record for split in splits.values() for record in split.records]
    units, strata = _units(data, meta, records, root)
    digests = functools.cache(content_digest)
    merged = functools.cache(lambda: merge(root, [*splits]))
    share = len(splits['val'].records) / (len(splits['train'].records) + len(splits['val'].records)) if (
        'val' in splits) else 0.0
    found = []
    for repetition in repetitions:
        rng = np.random.default_rng(derive_seeds(repetition, '', {'folds': SHARED})['folds'])
        fold = deal(units, strata, data.folds, rng)
        for number in range(data.folds):
            tested = [unit for unit, own in fold.items() if own == number]
            rest = [unit for unit, own in fold.items() if own != number]
            validating = _validating({unit: units[unit] for unit in rest}, strata, share, rng)
            chosen = {'train': [unit for unit in rest if unit not in validating], 'test': tested}
            chosen |= {'val': sorted(validating)} if validating else {}
            names = {split: sorted(name for unit in own for name in units[unit]) for split, own in chosen.items()}
            place = cache / 'data' / f'fold-{digest([DRAWING, content, str(root.resolve()), names])[:12]}'

            def make(folder: Path, names: dict[str, list[str]] = names) -> None:
                write_fold(folder, root, merged(), names)

            drawn_once(place, make)
            own = {split: read_split(place, split) for split in names}
            # Folds link to the same images, which are read once.
            content_of = fingerprint(place, lambda path: digests(path.resolve()))
            found.append(Fold(place, content_of, own, repetition, number))
    return found


def _units(data: Data, meta: LandmarkMeta, records: Sequence[Record],
           root: Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Person (or image) -> file names, and -> stratum."""
    if data.by == 'subject' and not meta.subject:
        raise SuiteError(f"data.by='subject': {root} names no subject in its metainfo.json, so that images of one "
                         "person could be on both sides. Name the field, or write by='image' where each image is "
                         'another person.')
    group = meta.groups[0] if data.balance == 'group' and 'group' not in meta.groups and meta.groups else data.balance
    if group is not None and group not in meta.groups:
        raise SuiteError(f'data.balance={data.balance!r}: {root} has no such group. It has: '
                         f'{", ".join(meta.groups) or "none"}.')
    units: dict[str, list[str]] = defaultdict(list)
    strata: dict[str, str] = {}
    for record in records:
        unit = str(record.subject) if data.by == 'subject' else record.file_name
        units[unit].append(record.file_name)
        strata.setdefault(unit, record.groups[group] if group else '')
    if data.folds and data.folds > len(units):
        kind = 'persons' if data.by == 'subject' else 'images'
        raise SuiteError(f'data.folds={data.folds} (--folds): {root} has {len(units)} {kind}, so that some fold '
                         f'would have no test image. Ask for at most {len(units)}.')
    return {unit: sorted(units[unit]) for unit in sorted(units)}, strata


def deal(units: Mapping[str, Sequence[str]], strata: Mapping[str, str], folds: int,
         rng: np.random.Generator) -> dict[str, int]:
    """The fold of each unit: strata are spread evenly, then images; no fold is empty.

    Args:
        units: Unit -> its images; at least as many units as folds.
        strata: Unit -> its stratum.
        folds: K.
        rng: Breaks the ties.
    """
    order = [[*units][place] for place in rng.permutation(len(units))]
    order.sort(key=lambda unit: (strata[unit], -len(units[unit])))
    within, images, found = defaultdict(lambda: np.zeros(folds)), np.zeros(folds), {}
    for unit in order:
        own = within[strata[unit]]
        fold = min(rng.permutation(folds), key=lambda one: (own[one], images[one]))
        own[fold] += 1
        images[fold] += len(units[unit])
        found[unit] = int(fold)
    if empty := sorted({*range(folds)} - {*found.values()}):
        # Strata of few units can leave one out: it gets the unit of the fold with the most.
        for fold in empty:
            counts = [sum(own == one for own in found.values()) for one in range(folds)]
            most = int(np.argmax(counts))
            found[next(unit for unit in order if found[unit] == most)] = fold
    return {unit: found[unit] for unit in units}


def _validating(units: Mapping[str, Sequence[str]], strata: Mapping[str, str], share: float,
                rng: np.random.Generator) -> set[str]:
    """The training units that only validate; none where that would leave nothing to train on."""
    parts = round(1 / share) if share else 0
    if parts < 2 or parts > len(units):
        return set()
    return {unit for unit, part in deal(units, strata, parts, rng).items() if part == 0}


def merge(root: Path, splits: Sequence[str]) -> dict[str, Any]:
    """The annotations of all splits in one, with ids of their own."""
    found: dict[str, Any] = {}
    for split in splits:
        content = read_json(root / 'annotations' / f'{split}.json')
        found = found or {**content, 'images': [], 'annotations': []}
        first, places = len(found['images']), {}
        for number, image in enumerate(content['images'], start=first + 1):
            places[image['id']] = number
            found['images'].append({**image, 'id': number})
        found['annotations'] += [{**one, 'id': len(found['annotations']) + number, 'image_id': places[one['image_id']]}
                                 for number, one in enumerate(content['annotations'], start=1)]
    return found


def write_fold(folder: Path, root: Path, merged: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> None:
    """Writes a fold's folder: annotations, the scheme, and a link to the images.

    Args:
        folder: It.
        root: The data.
        merged: All annotations.
        names: Split -> file names.
    """
    (folder / 'annotations').mkdir(parents=True)
    if (root / 'metainfo.json').exists():
        shutil.copyfile(root / 'metainfo.json', folder / 'metainfo.json')
    (folder / 'images').symlink_to((root / 'images').resolve(), target_is_directory=True)
    for split, own in names.items():
        kept = {*own}
        images = [image for image in merged['images'] if image['file_name'] in kept]
        ids = {image['id'] for image in images}
        annotations = [one for one in merged['annotations'] if one['image_id'] in ids]
        write_json(folder / 'annotations' / f'{split}.json', {**merged, 'images': images, 'annotations': annotations})


def folds_part(data: Data, folds: Sequence[Fold]) -> dict[str, Any]:
    """What ``plan.json`` holds of a cross-validation; empty where there is none."""
    if not data.folds:
        return {}
    return dict(folds=dict(folds=data.folds, repeats=data.repeats or 1, by=data.by, balance=data.balance,
                           drawn=[fold.described for fold in folds]))
