"""300-W: the 68 points of iBUG for AFW, HELEN, LFPW and IBUG."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from benchmark.datasets.formats.common import Sample, write_dataset
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.mmpose_faces import has_face_files, read_faces
from benchmark.datasets.formats.points import (
    PointScheme,
    add_point_arguments,
    add_val_argument,
    draw_val,
    image_beside,
    load_points,
    point_meta,
    point_sample,
)
from benchmark.datasets.formats.pts import read_pts
from benchmark.datasets.formats.recognise import having
from benchmark.datasets.metainfo import DataError

DESCRIPTION = """SRC is the folder of 300-W as iBUG gives it, images (.jpg, .png) and .pts files side by side:

  afw/  helen/trainset/  lfpw/trainset/            train, 3148 faces
  helen/testset/  lfpw/testset/                    test, subset common, 554 faces
  ibug/                                            test, subset challenging, 135 faces
  300W/01_Indoor/  300W/02_Outdoor/                --test private, subsets indoor and outdoor, 300 faces each

`full` of the literature is common and challenging together: the test split. Or SRC has annotations/
face_landmarks_300w_{train,valid_common,valid_challenge,test}.json of MMPose and the same folders below images/.
.pts files are one-based, MMPose's files zero-based. The box of --size is that of the 68 points.

  tools/prepare_data.py 300w downloads/300w data/300w --size 256"""
FULL = (('afw', 'train', 'train'), ('helen/trainset', 'train', 'train'), ('lfpw/trainset', 'train', 'train'),
        ('helen/testset', 'test', 'common'), ('lfpw/testset', 'test', 'common'), ('ibug', 'test', 'challenging'))
PRIVATE = (('300W/01_Indoor', 'test', 'indoor'), ('300W/02_Outdoor', 'test', 'outdoor'))
MMPOSE = dict(full=(('train', 'train', 'train'), ('valid_common', 'test', 'common'),
                    ('valid_challenge', 'test', 'challenging')),
              private=(('train', 'train', 'train'), ('test', 'test', '')))
LICENCE = 'terms: https://ibug.doc.ic.ac.uk/resources/300-W/'


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_point_arguments(parser)
    add_val_argument(parser)
    parser.add_argument('--test', choices=('full', 'private'), default='full',
                        help='test split: `full` (default), or the 600 faces of the challenge')


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str]:
    """Writes 300-W to the new folder ``out``.

    Raises:
        DataError: A missing or malformed folder or file; the message names it.
    """
    root, scheme = Path(src), load_points('ibug68')
    meta = point_meta(scheme, out, args, licence=LICENCE, groups=['subset', 'source'])
    samples, notes = [], []
    if has_face_files(root, '300w'):
        for file, split, subset in MMPOSE[args.test]:
            for face in read_faces(root, f'face_landmarks_300w_{file}.json', scheme, args):
                inside = 'indoor' if 'indoor' in face.name.lower() else 'outdoor'
                fields = dict(subset=subset or inside, source=_source(face.name))
                samples.append(point_sample(face.points, scheme, args, face.source, face.name, face.where, split=split,
                                            size=face.size, fields=fields))
    else:
        folders = FULL if args.test == 'full' else (*FULL[:3], *PRIVATE)
        for folder, split, subset in folders:
            found, note = _read_folder(root, folder, split, subset, scheme, args)
            samples += found
            notes += note
    notes += draw_val(samples, args, _photo)
    return notes + write_dataset(out, meta, samples, args, drop_outside=True)


def _read_folder(root: Path, folder: str, split: str, subset: str, scheme: PointScheme,
                 args: argparse.Namespace) -> tuple[list[Sample], list[str]]:
    """The faces of one folder, and a note on the mirrored copies that some distributions add."""
    place = root / folder
    if not place.is_dir():
        raise DataError(f'{place}: no such folder. For `300w` SRC has afw, ibug, helen/{{trainset,testset}} and '
                        'lfpw/{trainset,testset}, and for --test private 300W/{01_Indoor,02_Outdoor}.')
    files = sorted(place.glob('*.pts'))
    kept = [path for path in files if not path.stem.endswith('_mirror')]
    if not kept:
        raise DataError(f'{place}: no *.pts here. Put the .pts files beside the images.')
    images = args.images and args.images / folder
    samples = []
    for path in kept:
        source = image_beside(path, images)
        samples.append(point_sample(read_pts(path, scheme.count), scheme, args, source, f'{folder}/{source.name}',
                                    str(path), split=split, fields=dict(subset=subset, source=_source(folder))))
    left = len(files) - len(kept)
    return samples, [f'{place}: {left} mirrored copies (*_mirror.pts) left out'] if left else []


def _source(name: str) -> str:
    """The collection that a path belongs to: afw, helen, lfpw, ibug or 300w."""
    first = name.split('/')[0].lower()
    return '300w' if first in ('300w', 'test') else first


def _photo(sample: Sample) -> str:
    """The photograph of a face: AFW and HELEN number the faces of one (134212_1.jpg, 134212_2.jpg)."""
    if sample.fields['source'] in ('afw', 'helen'):
        return f'{sample.fields["source"]}/{re.sub("_[0-9]+$", "", sample.source.stem)}'
    return sample.source.as_posix()


CONVERTER = Converter('300w', '300-W (iBUG), 68 points', DESCRIPTION, _add_arguments, convert,
                      having('helen/trainset', 'annotations/face_landmarks_300w_*.json'))
