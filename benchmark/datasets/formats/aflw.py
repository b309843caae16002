"""AFLW with 19 points: AFLWinfo_release.mat, or MMPose's annotation files."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.io import loadmat
from scipy.io.matlab import MatReadError

from benchmark.datasets.formats.common import Sample, write_dataset
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.mmpose_faces import Face, has_face_files, read_faces
from benchmark.datasets.formats.points import (
    PointScheme,
    add_point_arguments,
    add_val_argument,
    draw_val,
    load_points,
    number_faces,
    point_meta,
    point_sample,
)
from benchmark.datasets.formats.recognise import having
from benchmark.datasets.identities import leaves_folder
from benchmark.datasets.metainfo import DataError

DESCRIPTION = """SRC is one of two folders:

  AFLWinfo_release.mat  flickr/0/image00002.jpg and so on (or --images for what is below flickr/)
  annotations/face_landmarks_aflw_{train,test,test_frontal}.json of MMPose  images/ (or --images)

Of the .mat file `data` (19 x, then 19 y, read as one-based), `mask_new` (1: visible), `bbox` (left, right, top,
bottom), `nameList` and `ra` are read: the first 20000 faces in the order of `ra` are for training, 4386 for the test.
MMPose's files are zero-based. Hidden points have a position in both; in the .mat file they get v = 1. The box of --size
is the face box, in MMPose's files that of center and scale.

  tools/prepare_data.py aflw downloads/aflw data/aflw --size 256 --test frontal"""
MAT = 'AFLWinfo_release.mat'
TRAIN_FACES = 20000
#: Pixels of a box whose `scale` is 1 in MMPose's files.
PIXEL_STD = 200.0
LICENCE = 'terms: https://www.tugraz.at/institute/icg/research/team-bischof/lrs/downloads/aflw/'


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_point_arguments(parser)
    add_val_argument(parser)
    parser.add_argument('--test', choices=('full', 'frontal'), default='full',
                        help='test split: all 4386 faces (default), or those with all 19 points visible')


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str]:
    """Writes AFLW to the new folder ``out``.

    Raises:
        DataError: A missing or malformed file; the message names it and the record.
    """
    root, scheme = Path(src), load_points('aflw19')
    meta = point_meta(scheme, out, args, licence=LICENCE)
    if has_face_files(root, 'aflw'):
        samples = []
        for split, file in (('train', 'train'), ('test', 'test_frontal' if args.test == 'frontal' else 'test')):
            samples += [point_sample(face.points, scheme, args, face.source, face.name, face.where, split=split,
                                     size=face.size, bbox=_face_box(face))
                        for face in read_faces(root, f'face_landmarks_aflw_{file}.json', scheme, args)]
    else:
        samples = _read_mat(root, scheme, args)
    number_faces(samples, args)
    return draw_val(samples, args) + write_dataset(out, meta, samples, args, drop_outside=True)


def _face_box(face: Face) -> tuple[float, float, float, float]:
    """x, y, width, height in pixels of MMPose's ``center`` and ``scale``."""
    centre, scale = face.annotation.get('center'), face.annotation.get('scale')
    if not (isinstance(centre, list) and len(centre) == 2 and isinstance(scale, (int, float)) and scale > 0):
        raise DataError(f'{face.where}: center and scale are {centre} and {scale}. Give two numbers and one above 0.')
    side = PIXEL_STD * scale
    return centre[0] - side / 2, centre[1] - side / 2, side, side


def _read_mat(root: Path, scheme: PointScheme, args: argparse.Namespace) -> list[Sample]:
    """The faces of the .mat file, training first."""
    path = root / MAT
    data, mask, boxes, names, order = _load_mat(path, scheme.count)
    images = args.images or root / 'flickr'
    samples = []
    for rank, row in enumerate(order):
        name, split = names[row], 'train' if rank < TRAIN_FACES else 'test'
        where = f'{path}: face {row + 1}: image {name!r}'
        if message := leaves_folder(name):
            raise DataError(f'{where}: {message}')
        seen = mask[row] == 1
        if split == 'test' and args.test == 'frontal' and not seen.all():
            continue
        points = np.column_stack([data[row, :scheme.count] - 1, data[row, scheme.count:] - 1, np.where(seen, 2.0, 1.0)])
        left, right, top, bottom = boxes[row].tolist()
        if not (np.isfinite(points).all() and right > left and bottom > top):
            raise DataError(f'{where}: a point or the box {left:g}, {right:g}, {top:g}, {bottom:g} is malformed. Use '
                            'the file as published.')
        samples.append(point_sample(points, scheme, args, images / name, name, where, split=split,
                                    bbox=(left - 1, top - 1, right - left, bottom - top)))
    return samples


def _load_mat(path: Path, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str], np.ndarray]:
    """Points (N, 2 count), mask (N, count), boxes (N, 4), N names, and the order (from 0) of the .mat file."""
    if not path.is_file():
        raise DataError(f'{path.parent}: neither {MAT} nor annotations/face_landmarks_aflw_*.json is here. Put one of '
                        'them there.')
    try:
        content = loadmat(path)
    except (MatReadError, NotImplementedError, ValueError, TypeError) as error:
        raise DataError(f'{path}: no MATLAB file of version 5 ({error}). Download it again.') from None
    for key in ('data', 'mask_new', 'bbox', 'nameList', 'ra'):
        if key not in content:
            raise DataError(f'{path}: variable {key!r} is missing. Use the file as published.')
    data, mask, boxes = (np.asarray(content[key], np.float64) for key in ('data', 'mask_new', 'bbox'))
    names = [str(np.squeeze(cell)) for cell in content['nameList'].ravel()]
    order = np.asarray(content['ra']).ravel().astype(int) - 1
    rows = len(names)
    for key, found, wanted in (('data', data.shape, (rows, 2 * count)), ('mask_new', mask.shape, (rows, count)),
                               ('bbox', boxes.shape, (rows, 4))):
        if found != wanted:
            raise DataError(f'{path}: variable {key!r} has the shape {found}, not {wanted}. Use the file as published.')
    if sorted(order.tolist()) != list(range(rows)):
        raise DataError(f'{path}: variable \'ra\' is no order of the {rows} faces. Use the file as published.')
    return data, mask, boxes, names, order


CONVERTER = Converter('aflw', 'AFLW, 19 points', DESCRIPTION, _add_arguments, convert,
                      having('AFLWinfo_release.mat', 'annotations/face_landmarks_aflw_*.json'))
