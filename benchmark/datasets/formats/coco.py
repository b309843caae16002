"""COCO keypoints in the common layouts."""

from __future__ import annotations

import argparse
import math
import re
from collections import defaultdict
from pathlib import Path, PurePosixPath

import numpy as np

from benchmark.datasets.formats.common import (
    Sample,
    add_common_arguments,
    assign_splits,
    build_meta,
    flip_indices,
    write_dataset,
)
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.identities import leaves_folder
from benchmark.datasets.metainfo import SPLITS, DataError, LandmarkMeta, read_json
from benchmark.datasets.prepared import load_scheme

DESCRIPTION = """SRC is a folder with annotations/*.json or {train,val,test}.json and its images in images/,
a folder per split, or --images; or one COCO file. A file's split is in its name
(person_keypoints_train2017.json); one file without a split in its name is split by subject. Several annotated
persons an image need --size, which crops each of them.

  tools/prepare_data.py coco downloads/faces data/faces --size 256 --interocular left_eye:right_eye"""
SPLIT_WORDS = dict(train='train', training='train', val='val', valid='val', validation='val', test='test',
                   testing='test')


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    parser.add_argument('--subject', metavar='FIELD',
                        help='image field that identifies the person (default: subject or identity, where '
                             'every image has it)')


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str]:
    """Writes the data set of the COCO files of ``src`` to the new folder ``out``.

    Raises:
        DataError: A missing file or field; the message names the file and the record.
    """
    files, notes = find_files(Path(src))
    base = Path(src) if Path(src).is_dir() else Path(src).parent
    parsed = [(split, path, load_coco(path)) for split, path in files]
    scheme = load_scheme(base) if (base / 'metainfo.json').exists() else None
    fields = {} if scheme is None else scheme.to_dict()
    names, indices, note = _landmarks(base, parsed, scheme, args)
    notes += note
    images = [image for _, _, coco in parsed for image in coco['images']]
    subject = args.subject or fields.get('subject') or next(
        (f for f in ('subject', 'identity') if any(f in i for i in images)), None)
    groups = [g.strip() for g in args.groups.split(',')] if args.groups else fields.get('groups') or (
        ['subset'] if any('subset' in i for i in images) else [])
    meta = build_meta(fields | dict(name=out.name, landmarks=names, flip_indices=indices, subject=subject,
                                    groups=groups), args, str(base))
    samples: list[Sample] = []
    for split, path, coco in parsed:
        samples += _samples(path, coco, split, base, meta, args, notes)
    notes += assign_splits(samples, meta, args) if samples else []
    return notes + write_dataset(out, meta, samples, args)


def find_files(src: Path) -> tuple[list[tuple[str | None, Path]], list[str]]:
    """Finds the annotation files, each with its split (None: to be split), and notes about those left out.

    Raises:
        DataError: None is found, or two files claim the same split.
    """
    if src.is_file():
        return [(None, src)], []
    if not src.is_dir():
        raise DataError(f'{src}: no such file or folder. For `coco` SRC is a folder with COCO files, or one '
                        'file.')
    folder = src / 'annotations' if (src / 'annotations').is_dir() else src
    paths = sorted(p for p in folder.glob('*.json') if p.name != 'metainfo.json')
    if not paths:
        raise DataError(f'{folder}: no *.json here. Put the COCO files into {src / "annotations"}.')
    claims = defaultdict(list)
    for path in paths:
        words = re.split(r'[^a-z]+', path.stem.lower())
        claims[next((SPLIT_WORDS[w] for w in words if w in SPLIT_WORDS), None)].append(path)
    if len(paths) == 1 and None in claims:
        return [(None, paths[0])], []
    files = []
    for split in SPLITS:
        exact = [p for p in claims[split] if p.stem == split]
        narrowed = exact or [p for p in claims[split] if 'keypoint' in p.stem] or claims[split]
        if len(narrowed) > 1:
            raise DataError(f'{narrowed[0]} and {narrowed[1]} both claim split {split}. Rename one to '
                            f'{split}.json.')
        files += [(split, p) for p in narrowed]
    left = sorted(p.name for p in set(paths) - {p for _, p in files})
    if not files:
        raise DataError(f'{folder}: no file name says train, val or test. Rename them, or name one file as '
                        'SRC.')
    return files, [f'left out, no split of its own: {", ".join(left)}'] if left else []


def load_coco(path: Path) -> dict:
    """Reads a COCO file.

    Raises:
        DataError: A field that a converter needs is missing or malformed.
    """
    coco = read_json(path)
    for key in ('images', 'annotations', 'categories'):
        if not isinstance(coco, dict) or not isinstance(coco.get(key), list):
            raise DataError(f'{path}: field {key!r} is missing or no list. The file must be COCO keypoints.')
    for key, field in (('images', 'id'), ('images', 'file_name'), ('annotations', 'image_id')):
        for number, entry in enumerate(coco[key]):
            value = entry.get(field) if isinstance(entry, dict) else None
            if not isinstance(value, (str, int)) or field == 'file_name' and not isinstance(value, str):
                raise DataError(f'{path}: {key}[{number}]: field {field!r} is missing or malformed.')
    return coco


def _landmarks(base: Path, parsed: list, scheme: LandmarkMeta | None,
               args: argparse.Namespace) -> tuple[list[str], list[int], list[str]]:
    """Landmark names and flip indices on which all files agree."""
    agreed, where = None, None
    for _, path, coco in parsed:
        found = [c for c in coco['categories'] if isinstance(c, dict) and c.get('keypoints')]
        if len(found) != 1:
            raise DataError(f'{path}: categories: {len(found)} of them have `keypoints`, not 1. Keep the '
                            'one that is annotated.')
        names = found[0]['keypoints']
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(f'{path}: categories: keypoints must be a list of names.')
        if agreed is not None and names != agreed:
            raise DataError(f'{path}: categories[0].keypoints differs from {where}. Make the files agree.')
        agreed, where = names, path
        given = found[0].get('flip_indices')
    if scheme is not None:
        if list(scheme.landmarks) != agreed:
            raise DataError(f'{where}: categories[0].keypoints differs from {base / "metainfo.json"}. '
                            'Make them agree.')
        given = list(scheme.flip_indices)
    if given is not None and args.flip_pairs is None:
        return agreed, list(given), []
    indices, note = flip_indices(agreed, args.flip_pairs)
    return agreed, indices, [note]


def _samples(path: Path, coco: dict, split: str | None, base: Path, meta: LandmarkMeta,
             args: argparse.Namespace, notes: list[str]) -> list[Sample]:
    """The annotated persons of one file; appends a note on images without annotation."""
    by_image = defaultdict(list)
    for annotation in coco['annotations']:
        by_image[annotation['image_id']].append(annotation)
    folders = [args.images] if args.images else [base / 'images', base / f'images/{split}', base / f'{split}',
                                                 base / f'{split}2017', base]
    samples, empty, known = [], [], set()
    for image in coco['images']:
        name = image['file_name']
        where = f'{path}: image {name!r}'
        if message := leaves_folder(name):
            raise DataError(f'{where}: {message}')
        if image['id'] in known:
            raise DataError(f'{where}: id {image["id"]} appears more than once. Image ids must be unique.')
        known.add(image['id'])
        for key in [*([meta.subject] if meta.subject else []), *meta.groups]:
            if image.get(key) in (None, ''):
                raise DataError(f'{where}: field {key!r} is missing. Add it to every image, or do not name '
                                'it.')
        spacing = image.get('pixel_spacing')
        if spacing is not None and not (isinstance(spacing, (int, float)) and 0 < spacing < math.inf):
            raise DataError(f'{where}: pixel_spacing is {spacing!r}. Give mm per pixel (> 0) or delete it.')
        people = [(a, k) for a in by_image.pop(image['id'], [])
                  if (k := read_keypoints(a, meta, where))['keypoints'][:, 2].any()]
        if not people:
            empty.append(name)
        if len(people) > 1 and args.size is None:
            raise DataError(f'{where}: {len(people)} annotated persons. Use --size, which crops each of '
                            'them.')
        source = next((f / name for f in folders if (f / name).is_file()), None)
        if people and source is None:
            raise DataError(f'{where}: found in none of {", ".join(map(str, folders))}. Use --images.')
        fields = {k: v for k, v in image.items() if k not in ('id', 'file_name', 'width', 'height', 'split')}
        size = (image['width'], image['height']) if 'width' in image and 'height' in image else None
        for annotation, keypoints in people:
            target = PurePosixPath(name)
            if len(people) > 1:
                target = target.with_stem(f'{target.stem}_{annotation.get("id")}')
            at = f'{where}: annotation {annotation.get("id")}'
            samples.append(Sample(source, target.as_posix(), at, keypoints, split, dict(fields),
                                  read_bbox(annotation, at), size))
    if by_image:
        missing, annotations = next(iter(by_image.items()))
        raise DataError(f'{path}: annotation {annotations[0].get("id")}: image_id {missing} is not in '
                        'images.')
    if empty:
        shown = ', '.join(empty[:5]) + (', ...' if len(empty) > 5 else '')
        notes.append(f'{path.name}: {len(empty)} images without annotated landmarks left out: {shown}')
    return samples


def read_keypoints(annotation: dict, meta: LandmarkMeta, where: str) -> dict[str, np.ndarray]:
    """(K, 3) for the main and each further annotator; all zero where there are none.

    Raises:
        DataError: Another number of values, or one that is no finite number.
    """
    result, count = {}, len(meta.landmarks)
    for key in ('keypoints', *(f'keypoints_{a}' for a in meta.annotators)):
        if key not in annotation:
            if key == 'keypoints':
                result[key] = np.zeros((count, 3))
            continue
        values, at = annotation[key], f'{where}: annotation {annotation.get("id")}: {key}'
        if not isinstance(values, list) or len(values) != 3 * count:
            raise DataError(f'{at} has {len(values) if isinstance(values, list) else "no"} numbers, not '
                            f'{3 * count} (x, y, v for each of the {count} landmarks).')
        if not all(isinstance(v, (int, float)) and abs(v) < 1e9 for v in values):
            raise DataError(f'{at} has a value that is no finite number. Use 0, 0, 0 where not annotated.')
        result[key] = np.asarray(values, np.float64).reshape(count, 3)
    return result


def read_bbox(annotation: dict, where: str) -> tuple[float, float, float, float] | None:
    """The annotation's x, y, width and height in pixels, or None where it has none.

    Raises:
        DataError: A box that is malformed or has no extent.
    """
    bbox = annotation.get('bbox')
    if not bbox:
        return None
    if not (isinstance(bbox, list) and len(bbox) == 4 and all(
            isinstance(v, (int, float)) and math.isfinite(v) for v in bbox) and bbox[2] > 0 and bbox[3] > 0):
        raise DataError(f'{where}: annotation {annotation.get("id")}: bbox is {bbox}. Give x, y, width, '
                        'height.')
    return tuple(map(float, bbox))


CONVERTER = Converter('coco', 'COCO keypoints and a folder of images', DESCRIPTION, _add_arguments, convert)
