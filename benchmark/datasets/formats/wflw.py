"""WFLW: 98 points and six attributes a face."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmark.datasets.formats.common import Sample, write_dataset
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.mmpose_faces import has_face_files, read_faces
from benchmark.datasets.formats.points import (
    PointScheme,
    add_point_arguments,
    add_val_argument,
    draw_val,
    load_points,
    number,
    number_faces,
    point_meta,
    point_sample,
    read_text,
)
from benchmark.datasets.formats.recognise import having
from benchmark.datasets.identities import leaves_folder
from benchmark.datasets.metainfo import DataError

DESCRIPTION = """SRC is the folder of WFLW as its authors give it:

  WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_{train,test}.txt      7500 and 2500 faces
  WFLW_images/0--Parade/... and so on (or --images)

A line is 98 x y pairs (zero-based), the face's rectangle (x_min y_min x_max y_max), six attributes of 0 or 1 (pose,
expression, illumination, make-up, occlusion, blur: groups of the prepared set) and the image. Or SRC has
annotations/face_landmarks_wflw_{train,test}.json of MMPose and images/; these have neither rectangle nor attributes.
The box of --size is the rectangle, for MMPose's files that of the 98 points.

  tools/prepare_data.py wflw downloads/WFLW data/wflw --size 256"""
FOLDERS = ('WFLW_annotations/list_98pt_rect_attr_train_test', 'list_98pt_rect_attr_train_test', '.')
ATTRIBUTES = dict(pose=('normal', 'large'), expression=('normal', 'exaggerated'), illumination=('normal', 'extreme'),
                  make_up=('no', 'yes'), occlusion=('no', 'yes'), blur=('clear', 'blurred'))
CELLS = 2 * 98 + 4 + len(ATTRIBUTES) + 1
LICENCE = 'terms: https://wywu.github.io/projects/LAB/WFLW.html'


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_point_arguments(parser)
    add_val_argument(parser)


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str]:
    """Writes WFLW to the new folder ``out``.

    Raises:
        DataError: A missing or malformed file; the message names it and the line.
    """
    root, scheme = Path(src), load_points('wflw98')
    samples: list[Sample] = []
    from_mmpose = has_face_files(root, 'wflw')
    meta = point_meta(scheme, out, args, licence=LICENCE, groups=[] if from_mmpose else list(ATTRIBUTES))
    for split in ('train', 'test'):
        if from_mmpose:
            samples += [point_sample(face.points, scheme, args, face.source, face.name, face.where, split=split,
                                     size=face.size)
                        for face in read_faces(root, f'face_landmarks_wflw_{split}.json', scheme, args)]
        else:
            samples += _read_list(root, split, scheme, args)
    number_faces(samples, args)
    return draw_val(samples, args) + write_dataset(out, meta, samples, args, drop_outside=True)


def _read_list(root: Path, split: str, scheme: PointScheme, args: argparse.Namespace) -> list[Sample]:
    """The faces of one of the two lists."""
    name = f'list_98pt_rect_attr_{split}.txt'
    path = next((root / folder / name for folder in FOLDERS if (root / folder / name).is_file()),
                root / FOLDERS[0] / name)
    images = args.images or root / 'WFLW_images'
    samples = []
    for n, line in enumerate(read_text(path, 'a face per line, see `prepare_data.py wflw --help`'), 1):
        if not line.strip():
            continue
        cells, where = line.split(), f'{path}: line {n}'
        if len(cells) != CELLS:
            raise DataError(f'{where}: {len(cells)} cells, not {CELLS} (98 x y pairs, 4 of the rectangle, 6 '
                            'attributes, image). Use the file as published.')
        *numbers, image = cells
        values = np.array([number(cell, where) for cell in numbers])
        points = np.column_stack([values[:196].reshape(98, 2), np.full(98, 2.0)])
        x, y, right, bottom = values[196:200].tolist()
        if not (right > x and bottom > y):
            raise DataError(f'{where}: the rectangle {x:g} {y:g} {right:g} {bottom:g} has no extent. It is x_min y_min '
                            'x_max y_max.')
        attributes = {}
        for (attribute, words), cell in zip(ATTRIBUTES.items(), numbers[200:], strict=True):
            if cell not in ('0', '1'):
                raise DataError(f'{where}: attribute {attribute} is {cell!r}. Attributes are 0 or 1.')
            attributes[attribute] = words[int(cell)]
        if message := leaves_folder(image):
            raise DataError(f'{where}: image {image!r}: {message}')
        samples.append(point_sample(points, scheme, args, images / image, image, f'{where}: image {image!r}',
                                    split=split, fields=attributes, bbox=(x, y, right - x, bottom - y)))
    return samples


CONVERTER = Converter('wflw', 'WFLW, 98 points, six attributes', DESCRIPTION, _add_arguments, convert,
                      having('WFLW_annotations', 'annotations/face_landmarks_wflw_*.json'))
