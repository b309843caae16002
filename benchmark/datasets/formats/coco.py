"""COCO keypoints in the common layouts."""

from __future__ import annotations

import argparse
import math
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from benchmark.datasets.findings import Finding
from benchmark.datasets.formats.coco_file import (
    Oddities,
    check_images,
    choose_category,
    keep_category,
    load_coco,
    read_bbox,
    read_keypoints,
    stated_size,
)
from benchmark.datasets.formats.common import (
    Sample,
    add_annotators_argument,
    add_common_arguments,
    build_meta,
    flip_indices,
    listed,
    write_dataset,
)
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.fields import NOBODY, ask_for_persons, spacing_of, unused_note
from benchmark.datasets.formats.image_files import find_images
from benchmark.datasets.formats.mmpose_config import read_metainfo
from benchmark.datasets.formats.photographs import same_person
from benchmark.datasets.formats.positions import placer, settle_positions
from benchmark.datasets.formats.recognise import coco_reason
from benchmark.datasets.formats.splits import assign_splits, settle_subjects
from benchmark.datasets.metainfo import SPLITS, DataError, LandmarkMeta
from benchmark.datasets.prepared import load_scheme

DESCRIPTION = """SRC is a folder with annotations/*.json or {train,val,test}.json and its images in images/,
a folder per split, or --images; or one COCO file. A file's split is in its name
(person_keypoints_train2017.json); one file without a split in its name is split by subject, one with it needs
--resplit. Several annotated persons an image need --size, which crops each of them.

  tools/prepare_data.py coco downloads/faces data/faces --size 256 --interocular left_eye:right_eye"""
SPLIT_WORDS = dict(train='train', training='train', val='val', valid='val', validation='val', test='test',
                   testing='test')
_IMAGE_FIELDS = frozenset(('id', 'file_name', 'width', 'height', 'split', 'pixel_spacing', 'license', 'coco_url',
                           'flickr_url', 'date_captured'))
_ANNOTATION_FIELDS = frozenset(('id', 'image_id', 'category_id', 'keypoints', 'num_keypoints', 'bbox', 'area',
                                'iscrowd', 'segmentation'))


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_common_arguments(parser)
    add_annotators_argument(parser)
    parser.add_argument('--subject', metavar='FIELD',
                        help='image field that identifies the person (default: subject or identity, where '
                             'every image has it), or `none`: every image is another person')
    parser.add_argument('--metainfo', metavar='FILE', type=Path,
                        help='names and mirror images of the landmarks where the files have none: the Python config of '
                             'the data set in MMPose (read, not executed), or a metainfo.json')
    parser.add_argument('--category', metavar='NAME', help='the category to read, where several have keypoints')


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str | Finding]:
    """Writes the data set of the COCO files of ``src`` to the new folder ``out``.

    Raises:
        DataError: A missing file or field; the message names the file and the record.
    """
    files, notes = find_files(Path(src))
    base = Path(src) if Path(src).is_dir() else Path(src).parent
    if base.name == 'annotations' and not Path(src).is_dir():
        base = base.parent
    parsed = [(split, path, load_coco(path)) for split, path in files]
    stated = args.metainfo or base / 'metainfo.json'
    scheme = read_metainfo(args.metainfo) if args.metainfo else load_scheme(base) if stated.exists() else None
    fields = {} if scheme is None else scheme.to_dict()
    names, indices, note = _landmarks(base, stated, parsed, scheme, args)
    notes += note
    images = [image for _, _, coco in parsed for image in coco['images']]
    subject = args.subject or fields.get('subject') or next(
        (f for f in ('subject', 'identity') if any(f in i for i in images)), None)
    groups = listed(args.groups) or fields.get('groups') or (
        ['subset'] if any('subset' in i for i in images) else [])
    subject = None if subject == NOBODY else subject
    ask_for_persons([(image, f'{parsed[0][1]}: image {image["file_name"]!r}') for image in images],
                    args if subject is None else argparse.Namespace(subject=subject), {*groups, *_IMAGE_FIELDS})
    annotators = [a.removeprefix('keypoints_') for a in listed(args.annotators)] or fields.get('annotators') or []
    notes += _unused(parsed, {subject, *groups, args.spacing}, annotators, bool(args.annotators))
    meta = build_meta(fields | dict(name=out.name, landmarks=names, flip_indices=indices, subject=subject,
                                    groups=groups, annotators=annotators), args,
                      str(stated) if scheme is not None else f'{parsed[0][1]}: categories')
    samples: list[Sample] = []
    for split, path, coco in parsed:
        samples += _samples(path, coco, None if args.resplit else split, base, meta, args, notes)
    if not samples:
        raise DataError(f'{parsed[0][1]}: no annotation has a landmark with v > 0 (1 or 2: annotated). Check the '
                        'visibilities and the export.')
    samples, settled = settle_positions(samples, names, args)
    notes += settled + settle_subjects(samples, meta, args) + assign_splits(samples, meta, args)
    return notes + write_dataset(out, meta, samples, args, place=placer(args))


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
        claims[_split_in_name(path)].append(path)
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


def _split_in_name(path: Path) -> str | None:
    return next((SPLIT_WORDS[w] for w in re.split(r'[^a-z]+', path.stem.lower()) if w in SPLIT_WORDS), None)


def _landmarks(base: Path, stated: Path, parsed: list, scheme: LandmarkMeta | None,
               args: argparse.Namespace) -> tuple[list[str], list[int], list[str | Finding]]:
    """Landmark names and flip indices on which all files agree, and notes."""
    agreed, where, notes = None, None, []
    for _, path, coco in parsed:
        category = choose_category(path, coco, base, scheme, args)
        names = category['keypoints']
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise DataError(f'{path}: categories: keypoints must be a list of names.')
        if agreed is not None and names != agreed:
            raise DataError(f'{path}: categories[0].keypoints differs from {where}. Make the files agree.')
        agreed, where = names, path
        given = category.get('flip_indices')
        keep_category(path, coco, category)
        info = coco.get('info')
        if isinstance(info, dict) and str(info.get('contributor')).casefold() == 'label studio':
            notes.append(Finding(
                'warning', 'label-studio', f'{path}: info.contributor is Label Studio, whose COCO export rounds to '
                'whole pixels, calls every landmark visible, and lists names in the order of the labelling config but '
                'coordinates in the order of `model_index`, so that names and coordinates can disagree. Take the JSON '
                'export, which names each point: `prepare_data.py labelstudio` reads it.'))
    if scheme is not None:
        if list(scheme.landmarks) != agreed:
            raise DataError(f'{where}: categories[0].keypoints differs from {stated}. '
                            'Make them agree.')
        given = list(scheme.flip_indices)
    if given is not None and args.flip_pairs is None:
        return agreed, list(given), notes
    indices, note = flip_indices(agreed, args.flip_pairs)
    return agreed, indices, [note, *notes]


def _unused(parsed: list, used: set[str | None], annotators: Sequence[str], given: bool) -> list[str]:
    """Notes on fields of images and annotations that nothing takes.

    Raises:
        DataError: An annotator that no annotation has.
    """
    notes = unused_note((image for _, _, coco in parsed for image in coco['images']), used | _IMAGE_FIELDS,
                        'fields of images')
    found = dict.fromkeys(key for _, _, coco in parsed for annotation in coco['annotations'] for key in annotation)
    others = [key.removeprefix('keypoints_') for key in found if key.startswith('keypoints_')]
    for name in annotators if given else ():
        if name not in others:
            raise DataError(f'{parsed[0][1]}: --annotators: annotations have no keypoints_{name}. Further annotators: '
                            f'{", ".join(others) or "none"}.')
    if left := [key for key in found if key not in _ANNOTATION_FIELDS and key.removeprefix('keypoints_') not in
                annotators]:
        takers = [f'--annotators {name} takes keypoints_{name} as a further annotator\'s points' for name in others
                  if name not in annotators]
        notes.append(f'fields of annotations that are not used: {", ".join(left)}'
                     + (f' ({"; ".join(takers)})' if takers else ''))
    return notes


def _samples(path: Path, coco: dict, split: str | None, base: Path, meta: LandmarkMeta,
             args: argparse.Namespace, notes: list[str | Finding]) -> list[Sample]:
    """The annotated persons of one file; appends notes and findings."""
    check_images(path, coco)
    by_image = defaultdict(list)
    for annotation in coco['annotations']:
        by_image[annotation['image_id']].append(annotation)
    part = _split_in_name(path)
    folders = [args.images] if args.images else [
        base / 'images', *([base / f'images/{part}', base / part, base / f'{part}2017'] if part else []), base,
        path.parent]
    listed, empty, odd = [], [], Oddities(len(meta.landmarks))
    for image in coco['images']:
        name = image['file_name']
        where = f'{path}: image {name!r}'
        for key in [*([meta.subject] if meta.subject else []), *meta.groups]:
            if image.get(key) in (None, ''):
                raise DataError(f'{where}: field {key!r} is missing. Add it to every image, or do not name '
                                'it.')
        spacing = image.get('pixel_spacing') if args.spacing is None else spacing_of(image, where, args.spacing)
        if spacing is not None and not (isinstance(spacing, (int, float)) and 0 < spacing < math.inf):
            raise DataError(f'{where}: pixel_spacing is {spacing!r}. Give mm per pixel (> 0) or delete it.')
        people = []
        for annotation in by_image.pop(image['id'], []):
            keypoints = read_keypoints(annotation, meta, where)
            odd.look(annotation, keypoints['keypoints'], f'{where}: annotation {annotation.get("id")}')
            if keypoints['keypoints'][:, 2].any():
                people.append((annotation, keypoints))
        if not people:
            empty.append(name)
            continue
        if len(people) > 1 and args.size is None:
            twice = same_person([k['keypoints'] for _, k in people])
            hint = '' if twice is None else (
                f' But annotations {people[twice[0]][0].get("id")} and {people[twice[1]][0].get("id")} lie on each '
                'other: where they are one person annotated twice, keep one.')
            raise DataError(f'{where}: {len(people)} annotated persons. Use --size, which crops each of them.{hint}')
        listed.append((image, where, people))
    if by_image:
        missing, annotations = next(iter(by_image.items()))
        kinds = {type(image['id']) for image in coco['images']}
        hint = (f' Ids are {"text" if str in kinds else "numbers"} in images: write them in one way.'
                if type(missing) not in kinds else ' Add the image, or delete the annotation.')
        raise DataError(f'{path}: annotation {annotations[0].get("id")}: image_id {missing} is not in images.{hint}')
    found, more = find_images([(image['file_name'], where) for image, where, _ in listed], folders) if listed else (
        [], [])
    samples = []
    for (image, where, people), file in zip(listed, found, strict=True):
        fields = {k: v for k, v in image.items() if k not in ('id', 'file_name', 'width', 'height', 'split')}
        if args.spacing is not None:
            fields['pixel_spacing'] = spacing_of(image, where, args.spacing)
        for annotation, keypoints in people:
            target = PurePosixPath(file.name)
            if len(people) > 1:
                target = target.with_stem(f'{target.stem}_{annotation.get("id")}')
            at = f'{where}: annotation {annotation.get("id")}'
            samples.append(Sample(file.path, target.as_posix(), at, keypoints, split, dict(fields),
                                  read_bbox(annotation, where), stated_size(image, where)))
    if empty:
        shown = ', '.join(empty[:5]) + (', ...' if len(empty) > 5 else '')
        notes.append(f'{path.name}: {len(empty)} images without annotated landmarks left out: {shown}')
    notes += more + odd.findings()
    return samples


CONVERTER = Converter('coco', 'COCO keypoints and a folder of images', DESCRIPTION, _add_arguments, convert,
                      coco_reason)
