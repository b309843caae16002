"""From a reader to a prepared data set: what all readers have in common."""

from __future__ import annotations

import argparse
import os
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np

from benchmark.datasets.findings import Finding
from benchmark.datasets.formats.common import (
    add_annotators_argument,
    add_common_arguments,
    build_meta,
    flip_indices,
    listed,
    write_dataset,
)
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.fields import PATTERN_HELP, ask_for_persons, find_subject, spacing_of, unused_note
from benchmark.datasets.formats.image_files import Found, find_images
from benchmark.datasets.formats.points import number_faces
from benchmark.datasets.formats.positions import placer, settle_positions
from benchmark.datasets.formats.sample import Sample
from benchmark.datasets.formats.splits import assign_splits, settle_subjects
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.readers.base import PIXEL_ORIGINS, Annotated, Landmarks, Points, Reader
from benchmark.datasets.values import spelling_key


def as_converter(reader: Reader) -> Converter:
    """The format of a reader, with the options that all of them have."""
    def add_arguments(parser: argparse.ArgumentParser) -> None:
        add_common_arguments(parser)
        parser.add_argument('--subject', metavar='FIELD|PATTERN', help=PATTERN_HELP)
        parser.add_argument('--names', metavar='A,B,C', help='names of the landmarks where SRC only counts them '
                                                             '(default: p1, p2, ...)')
        add_annotators_argument(parser)
        reader.add_arguments(parser)
        parser.set_defaults(first_pixel=PIXEL_ORIGINS[reader.pixel_origin], origin=reader.y_from,
                            rotation=reader.rotation,
                            units=None if reader.units == 'pixels' else reader.units)

    return Converter(reader.name, reader.summary, reader.description, add_arguments,
                     lambda src, out, args: convert(reader, src, out, args), reader.recognise)


def convert(reader: Reader, src: str, out: Path, args: argparse.Namespace) -> list[str | Finding]:
    """Writes the data set of what ``reader`` finds in ``src`` to the new folder ``out``.

    Raises:
        DataError: Bad input; the message names file, record and remedy.
    """
    read = list(reader.read(Path(src), args))
    items = [item for item in read if isinstance(item, Annotated)]
    stated = next((item for item in read if isinstance(item, Landmarks)), Landmarks(None))
    notes: list[str | Finding] = [item for item in read if not isinstance(item, (Annotated, Landmarks))]
    items, more = _annotated(src, items, stated.names, args)
    notes += more
    names = _landmarks(items, stated.names)
    notes += _rare_names(names, items)
    indices, note = flip_indices(names, args.flip_pairs)
    if stated.flip_indices is not None and args.flip_pairs is None:
        indices, note = list(stated.flip_indices), 'flip pairs from SRC'
    groups = listed(args.groups)
    ask_for_persons([(item.fields, item.where) for item in items], args, groups)
    annotators = listed(args.annotators)
    subject, persons = find_subject([(item.image, item.fields, item.where) for item in items], args.subject)
    meta = build_meta(dict(name=out.name, landmarks=names, flip_indices=indices, subject=subject, groups=groups,
                           annotators=annotators), args, src)
    notes += [note, *unused_note([item.fields for item in items], {subject, *groups, args.spacing}),
              *_unkept(items, annotators)]
    if meta.interocular is None:
        notes.append('no --interocular pair: errors are not given as NME')
    found, more = _images(Path(src), items, args)
    notes += more
    samples = []
    for item, image, person in zip(items, found, persons, strict=True):
        fields = {} if person is None or subject is None else {subject: person}
        for group in groups:
            if item.fields.get(group) in (None, ''):
                raise DataError(f'{item.where}: {group!r}, which --groups names, is missing. Fields: '
                                f'{", ".join(map(str, item.fields)) or "none"}.')
            fields[group] = item.fields[group]
        spacing = spacing_of(item.fields, item.where, args.spacing) or item.spacing
        if spacing is not None:
            fields['pixel_spacing'] = spacing
        keypoints = {'keypoints': _array(item.points, names, item.where)}
        for annotator in annotators:
            if annotator in item.annotators:
                keypoints[f'keypoints_{annotator}'] = _array(item.annotators[annotator], names, item.where)
        samples.append(Sample(image.path, image.name, item.where, keypoints,
                              None if args.resplit else item.split, fields, item.box, item.size))
    number_faces(samples, args)
    samples, settled = settle_positions(samples, names, args)
    notes += settled + settle_subjects(samples, meta, args) + assign_splits(samples, meta, args)
    return notes + write_dataset(out, meta, samples, args, place=placer(args))


def _annotated(src: str, items: Sequence[Annotated], stated: Sequence[str] | None,
               args: argparse.Namespace) -> tuple[list[Annotated], list[str]]:
    """The images with a landmark, all landmarks by name; a note on the others.

    Raises:
        DataError: No landmark at all, or ``--names`` does not fit.
    """
    given = listed(args.names) or None
    counts: dict[int, Annotated] = {}
    for item in items:
        if not hasattr(item.points, 'keys'):
            counts.setdefault(len(item.points), item)
    if given is not None and (stated or not counts) and items:
        known = stated or _landmarks(items)
        raise DataError(f'--names: SRC names its landmarks itself ({", ".join(known[:5])} ...). Leave it out.')
    if len(counts) > 1:
        (one, first), (two, second) = list(counts.items())[:2]
        raise DataError(f'{second.where}: {two} points, but {first.where} has {one}. Points that are only counted must '
                        'be as many in each image: add what is missing, or mark it as not annotated.')
    named = list(given or stated or [f'p{k + 1}' for k in range(*counts or [0])])
    for count, item in counts.items():
        if len(named) != count or len(set(named)) != count:
            raise DataError(f'--names: {len(set(named))} different names for {count} points ({item.where}). Give one '
                            'for each, in the order of SRC.')
    result, empty = [], []
    for item in items:
        item = replace(item, points=_by_name(item.points, named),
                       annotators={a: _by_name(p, named) for a, p in item.annotators.items()})
        (result if item.points else empty).append(item)
    if not result:
        raise DataError(f'{src}: {len(items)} images and no landmark in any of them. Look whether this is the right '
                        'file and the right FORMAT.')
    notes = [f'{len(named)} landmarks without names: p1 to p{len(named)} (--names)'] if counts and not (
        given or stated) else []
    if empty:
        shown = ', '.join(PurePosixPath(item.image).name for item in empty[:5]) + (', ...' if len(empty) > 5 else '')
        notes.append(f'{len(empty)} images without annotated landmarks left out: {shown}')
    return result, notes


def _by_name(points: Points, names: Sequence[str]) -> dict[str, Sequence[float]]:
    """The annotated points by name."""
    pairs = points.items() if hasattr(points, 'keys') else zip(names, points, strict=True)
    return {name: point for name, point in pairs if point is not None and (len(point) < 3 or point[2] != 0)}


def _landmarks(items: Sequence[Annotated], stated: Sequence[str] | None = None) -> list[str]:
    """Names of all landmarks: as SRC states, else in the order of the first of the images with the most."""
    if stated and not any(name not in stated for item in items for name in item.points):
        return list(stated)
    fullest = max(items, key=lambda item: len(item.points))
    return list(dict.fromkeys([*fullest.points, *(name for item in items for name in item.points)]))


def _rare_names(names: Sequence[str], items: Sequence[Annotated]) -> list[Finding]:
    """Warnings on names that differ only in case, blanks or zeros: probably one landmark."""
    ways: dict[str, list[str]] = defaultdict(list)
    for name in names:
        ways[re.sub(r'[\W_]+', '', spelling_key(name))].append(name)
    counts = Counter(name for item in items for name in item.points)
    return [Finding('warning', 'names-alike', f'{" and ".join(f"{n!r} ({counts[n]} images)" for n in alike)} differ '
                    'only in case, blanks or zeros, and are read as different landmarks. Where they are one, write '
                    'its name in one way.') for alike in ways.values() if len(alike) > 1]


def _unkept(items: Sequence[Annotated], annotators: Sequence[str]) -> list[str]:
    """Notes on what the files say and a prepared set does not hold.

    Raises:
        DataError: ``--annotators`` names nobody.
    """
    known = dict.fromkeys(name for item in items for name in item.annotators)
    for name in annotators:
        if name not in known:
            raise DataError(f'--annotators: nobody is called {name!r}. Annotators: {", ".join(known) or "none"}.')
    notes = [f'points of a further annotator are not used: --annotators {name} takes them' for name in known
             if name not in annotators]
    counts = Counter(what for item in items for what in item.unused)
    if counts:
        notes.append('not used: ' + ', '.join(f'{what} ({count} images)' for what, count in counts.items()))
    return notes


def _images(src: Path, items: Sequence[Annotated], args: argparse.Namespace) -> tuple[list[Found], list[str]]:
    """The image file of each item; several items may name one."""
    base = src if src.is_dir() else src.parent
    if args.images is not None and not args.images.is_dir():
        raise DataError(f'--images: {args.images}: no such folder.')
    first = {item.image: item.where for item in reversed(items)}
    names = list(dict.fromkeys(item.image for item in items))
    folders, lifted, notes = [args.images] if args.images else [base, base / 'images'], names, []
    climbing = [name for name in names if name.startswith('../')]
    if climbing and not args.images and all((base / name).is_file() for name in names):
        top = Path(os.path.commonpath([os.path.abspath(base / name) for name in names] + [os.path.abspath(base)]))
        folders, lifted = [top], [Path(os.path.relpath(base / name, top)).as_posix() for name in names]
        notes.append(f'images lie beside SRC, in {top}')
    found, more = find_images([(name, first[stated]) for name, stated in zip(lifted, names, strict=True)], folders)
    of_name = dict(zip(names, found, strict=True))
    return [of_name[item.image] for item in items], notes + more


def _array(points: Points, names: Sequence[str], where: str) -> np.ndarray:
    """(K, 3): x, y in the file's numbers, and v."""
    result = np.zeros((len(names), 3))
    for k, name in enumerate(names):
        if (point := points.get(name)) is not None:
            values = [float(v) for v in point]
            if len(values) not in (2, 3) or not np.isfinite(values).all():
                raise DataError(f'{where}: {name} is {list(point)}. Give x and y, finite numbers.')
            result[k] = values if len(values) == 3 else (*values, 2)
    return result
