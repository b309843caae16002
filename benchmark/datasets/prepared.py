"""Reads and checks prepared data: landmark data sets (target task) and identity sets (source task).

The layout of a landmark data set is that of ``metainfo.py``, that of an identity set is in ``identities.py``.
Coordinates follow the pixel-centre convention:
x = 0 is the centre of the first pixel, so that an image of width w spans -0.5 to w - 0.5.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from benchmark.datasets.checks import check_sides, check_subjects, check_trained
from benchmark.datasets.checks_images import Scan, check_images
from benchmark.datasets.findings import Report
from benchmark.datasets.identities import (
    content_digest,
    hash_files,
    identity_fingerprint,
    leaves_folder,
    read_identities,
)
from benchmark.datasets.metainfo import SPLITS, DataError, LandmarkMeta, load_metainfo, read_json
from benchmark.datasets.records import Record, Split
from benchmark.datasets.shape_checks import check_shapes
from benchmark.datasets.values import check_positions, check_spelling, check_upright

__all__ = ['Record', 'Report', 'Split', 'check_dataset', 'fingerprint', 'identity_fingerprint',
           'read_identities', 'read_split']
_CLUTTER = ('.DS_Store', 'Thumbs.db', 'desktop.ini')


def read_split(root: str | Path, split: str) -> Split:
    """Reads one split of a prepared data set.

    Args:
        root: The data set's folder.
        split: ``train``, ``val``, ``test`` or another file under ``annotations/`` without its suffix.

    Raises:
        DataError: A file or field is missing or wrong; the message names file, record and remedy.
    """
    root = Path(root)
    meta = load_scheme(root)
    report = Report(root)
    records = _scan_split(root, split, meta, report)
    if problems := report.errors:
        count = len(problems) - 1
        more = f' ({count} more: `tools/prepare_data.py check {root}` lists them.)' if count else ''
        raise DataError(problems[0] + more)
    return Split(meta, records)


def check_dataset(root: str | Path, decode: bool = True, scanned: Mapping[Path, Scan] | None = None) -> Report:
    """Checks a whole prepared data set and collects every problem.

    Args:
        root: The data set's folder.
        decode: Whether to decode the images, which most checks of them need; their bytes are read in any case.
        scanned: What is known of image files that were decoded just now.

    Returns:
        Errors, warnings and a summary; nothing is raised for bad data.
    """
    root = Path(root)
    report = Report(root)
    try:
        meta = load_scheme(root)
    except DataError as error:
        report.add('error', 'scheme', str(error))
        return report
    splits: dict[str, list[Record]] = {}
    for split in SPLITS:
        path = root / 'annotations' / f'{split}.json'
        if split == 'val' and not path.exists():
            report.add('warning', 'no-validation',
                       f'{path}: no such file, so nothing can be chosen on a validation split.')
            continue
        try:
            records = _scan_split(root, split, meta, report)
        except DataError as error:
            report.add('error', 'file', str(error))
            continue
        splits[split] = records
        if len(records) < 2:
            report.add('warning', 'few-images', f'{path}: {len(records)} usable images; a split needs at least 2.')
        elif split == 'test' and meta.subject and len({record.subject for record in records}) < 2:
            report.add('warning', 'one-subject',
                       f'{path}: one subject only: nothing can be said about others. Test on at '
                       'least two (more subjects, or splits of your own).')
        report.summary[split] = dict(
            images=len(records),
            subjects=len({r.subject for r in records}) if meta.subject else None,
            groups={g: dict(sorted(Counter(r.groups[g] for r in records).items())) for g in meta.groups},
            landmarks={n: sum(bool(r.visible[k]) for r in records) for k, n in enumerate(meta.landmarks)})
    check_subjects(root, meta, splits, report)
    check_trained(root, meta, splits, report)
    check_images(root, splits, decode, report, scanned)
    check_sides(root, meta, splits, report, told=check_shapes(root, meta, splits, report))
    check_positions(root, meta, splits, report)
    check_upright(root, meta, splits, report)
    check_spelling(root, meta, splits, report)
    return report


def fingerprint(root: str | Path, digest: Callable[[Path], str] = content_digest) -> str:
    """SHA-256 (hex) over names and contents of ``metainfo.json``, ``annotations/*.json`` and ``images/``.

    Args:
        root: A prepared data set.
        digest: As of :func:`.identities.hash_files`.

    Raises:
        DataError: There are no annotation files.
    """
    root = Path(root)
    annotations = sorted((root / 'annotations').glob('*.json'))
    if not annotations:
        raise DataError(f'{root / "annotations"}: no *.json here. Make the set with tools/prepare_data.py.')
    meta = root / 'metainfo.json'
    # Folders that are links are followed: what can be trained on counts.
    images = [path for folder, _, names in os.walk(root / 'images', followlinks=True) for name in names
              if (path := Path(folder, name)).is_file() and name not in _CLUTTER]
    return hash_files(root, [*annotations, *([meta] if meta.exists() else []), *images], digest)


def load_scheme(root: Path) -> LandmarkMeta:
    """The landmark scheme of a prepared data set, every name a text.

    Raises:
        DataError: As ``load_metainfo``, and for a value of the wrong type.
    """
    path = root / 'metainfo.json'
    path = path if path.exists() else root / 'annotations'
    try:
        meta = load_metainfo(root)
    except (TypeError, AttributeError) as error:
        raise DataError(f'{path}: a field has a value of the wrong type ({error}). Compare it with '
                        'that of a set made by tools/prepare_data.py.') from None
    named = [*meta.landmarks, *meta.groups, *meta.annotators, meta.subject or '']
    if wrong := [value for value in named if not isinstance(value, str)]:
        raise DataError(f'{path}: {wrong[0]!r} is no name. Landmarks, subject, groups, annotators are text.')
    return meta


def _scan_split(root: Path, split: str, meta: LandmarkMeta, report: Report) -> list[Record]:
    """The sound records of a split; the problems of the others go to the report."""
    path = root / 'annotations' / f'{split}.json'
    coco = read_json(path)
    for key in ('images', 'annotations', 'categories'):
        if not isinstance(coco, dict) or not isinstance(coco.get(key), list):
            raise DataError(f'{path}: field {key!r} is missing or no list. The file must be COCO keypoints.')
    _check_category(coco['categories'], meta, path, report)
    by_image: dict = defaultdict(list)
    for number, annotation in enumerate(coco['annotations']):
        if not isinstance(annotation, dict) or not _is_id(annotation.get('image_id')):
            report.add('error', 'no-image',
                       f'{path}: annotations[{number}]: field \'image_id\' is missing. Name an image.')
        else:
            by_image[annotation['image_id']].append(annotation)
    records, ids, names = [], set(), set()
    for number, image in enumerate(coco['images']):
        name = image.get('file_name') if isinstance(image, dict) else None
        if not isinstance(name, str) or not name:
            report.add('error', 'no-file-name', f'{path}: images[{number}]: no file_name. Give a path below images/.')
            continue
        where = f'{path}: image {name!r}'
        image_id, before = image.get('id'), len(report.findings)
        if not _is_id(image_id):
            report.add('error', 'id', f'{where}: field \'id\' is missing. Give each image a unique id.')
            continue
        if image_id in ids:
            report.add('error', 'id', f'{where}: id {image_id} appears more than once. Image ids must be unique.')
        if name in names:
            report.add('error', 'file-name-twice', f'{where}: file_name appears more than once. List each image once.')
        ids.add(image_id)
        names.add(name)
        annotations = by_image.get(image_id, [])
        if not annotations:
            report.add('error', 'no-annotation',
                       f'{where}: no annotation for image id {image_id}. Annotate it or delete it.')
        elif len(annotations) > 1:
            listed = ', '.join(str(a.get('id')) for a in annotations)
            report.add('error', 'several-annotations',
                       f'{where}: {len(annotations)} annotations (ids {listed}). Keep one per image.')
        record = _read_record(root, image, annotations[:1], meta, where, report)
        if len(report.findings) == before:
            records.append(record)
    for image_id in sorted(set(by_image) - ids, key=str):
        listed = by_image[image_id][0].get('id')
        report.add('error', 'no-image',
                   f'{path}: annotation {listed}: image_id {image_id} is not in images. Add the image '
                   'or delete the annotation.')
    return records


def _is_id(value: object) -> bool:
    return isinstance(value, (int, str)) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    # The bound also refuses integers that no float can hold.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e9


def _check_category(categories: list, meta: LandmarkMeta, path: Path, report: Report) -> None:
    if len(categories) != 1 or not isinstance(categories[0], dict):
        report.add('error', 'category', f'{path}: categories has {len(categories)} entries. Keep the one that is '
                   'annotated.')
        return
    for key, expected in (('keypoints', meta.landmarks), ('flip_indices', meta.flip_indices)):
        found = categories[0].get(key, () if key == 'keypoints' else list(expected))
        if not isinstance(found, list) or tuple(found) != tuple(expected):
            report.add('error', 'category', f'{path}: categories[0].{key} is {str(found)[:200]}, but the scheme says '
                       f'{str(list(expected))[:200]}. Make it agree with metainfo.json or, where '
                       'there is none, with the other splits.')


def _read_record(root: Path, image: dict, annotations: list[dict], meta: LandmarkMeta, where: str,
                 report: Report) -> Record | None:
    """Builds one record; what is wrong with it goes to the report."""
    name, width, height = image['file_name'], image.get('width'), image.get('height')
    path = root / 'images' / name
    if message := leaves_folder(name):
        report.add('error', 'file-name', f'{where}: {message}')
    elif not path.is_file():
        report.add('error', 'image-file', f'{where}: {path} does not exist. Add the file or delete the record.')
    for key in ('width', 'height'):
        if not (isinstance(image.get(key), int) and not isinstance(image[key], bool) and image[key] > 0):
            report.add('error', 'image-size',
                       f'{where}: field {key!r} is {image.get(key)!r}. Give the size in whole pixels.')
            return None
    for key in [*([meta.subject] if meta.subject else []), *meta.groups]:
        if image.get(key) is None or image[key] == '':
            report.add('error', 'empty-field',
                       f'{where}: field {key!r} is missing, which the scheme names as subject or '
                       'group. Give it a value.')
    spacing = image.get('pixel_spacing')
    if spacing is None:
        spacing = meta.pixel_spacing
    elif not _is_number(spacing) or spacing <= 0:
        report.add('error', 'pixel-spacing',
                   f'{where}: pixel_spacing is {spacing!r}. Give mm per pixel (> 0) or leave it out.')
        spacing = None
    if not annotations:
        return None
    annotation = annotations[0]
    where = f'{where}: annotation {annotation.get("id")}'
    if not _is_id(annotation.get('id')):
        report.add('error', 'id', f'{where}: field \'id\' is missing. Give each annotation an id.')
    bbox = annotation.get('bbox')
    if bbox is not None and not (isinstance(bbox, list) and len(bbox) == 4 and all(map(_is_number, bbox))
                                 and bbox[2] > 0 and bbox[3] > 0):
        report.add('error', 'bbox', f'{where}: bbox is {bbox}. Give x, y, width, height (> 0), or leave it out.')
        bbox = None
    parsed = _read_keypoints(annotation, 'keypoints', meta, width, height, where, report)
    others = {a: _read_keypoints(annotation, f'keypoints_{a}', meta, width, height, where, report)
              for a in meta.annotators if f'keypoints_{a}' in annotation}
    if parsed is None or None in others.values():
        return None
    points, visible = parsed
    return Record(image['id'], name, path, width, height, points, visible,
                  subject=str(image.get(meta.subject)) if meta.subject else None,
                  groups={g: str(image.get(g)) for g in meta.groups},
                  pixel_spacing=None if spacing is None else float(spacing),
                  bbox=tuple(map(float, bbox)) if bbox else None,
                  annotators={a: np.where(seen[:, None], xy, np.nan) for a, (xy, seen) in others.items()})


def _read_keypoints(annotation: dict, key: str, meta: LandmarkMeta, width: int, height: int, where: str,
                    report: Report) -> tuple[np.ndarray, np.ndarray] | None:
    """Landmarks (K, 2) in pixels and visibility (K,) of one annotator, or None with a finding."""
    values, count = annotation.get(key), len(meta.landmarks)
    if not isinstance(values, list):
        report.add('error', 'keypoints',
                   f'{where}: field {key!r} is missing. Give x, y, v for each of the {count} landmarks.')
        return None
    if len(values) != 3 * count:
        report.add('error', 'keypoints',
                   f'{where}: {key} has {len(values)} numbers, not {3 * count} (x, y, v for each of the '
                   f'{count} landmarks). Complete it; v = 0 marks a landmark that is not annotated.')
        return None
    before, seen = len(report.findings), np.zeros(count, bool)
    for k, landmark in enumerate(meta.landmarks):
        x, y, v = values[3 * k:3 * k + 3]
        if not (_is_number(x) and _is_number(y)):
            report.add('error', 'not-finite',
                       f'{where}: {key}: {landmark} is ({x}, {y}), not two finite numbers. Use 0, 0, 0 '
                       'for a landmark that is not annotated.')
        elif isinstance(v, bool) or v not in (0, 1, 2):
            report.add('error', 'visibility', f'{where}: {key}: {landmark} has visibility {v!r}. Use 0, 1 or 2.')
        elif v > 0:
            seen[k] = True
            if not (-0.5 <= x <= width - 0.5 and -0.5 <= y <= height - 0.5):
                report.add('error', 'outside', f'{where}: {key}: {landmark} at ({x}, {y}) is outside of the {width} x '
                           f'{height} image. Correct it or set its v to 0.')
    if len(report.findings) > before:
        return None
    if not seen.any():
        report.add('error', 'no-landmark',
                   f'{where}: {key}: no visible landmark. Annotate at least one or delete the image.')
        return None
    points = np.asarray(values, dtype=np.float64).reshape(count, 3)[:, :2]
    if (pair := meta.interocular_indices) and seen[list(pair)].all() and (points[pair[0]] == points[pair[1]]).all():
        report.add('error', 'same-point',
                   f'{where}: {key}: {" and ".join(meta.interocular)} coincide, so that their distance cannot '
                   'normalise an error. Correct them.')
        return None
    return np.where(seen[:, None], points, 0.0), seen
