"""COFW: 29 points a face, each with an occlusion flag, from MMPose's annotation files."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.datasets.formats.common import write_dataset
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.mmpose_faces import read_faces
from benchmark.datasets.formats.points import (
    add_point_arguments,
    add_val_argument,
    draw_val,
    load_points,
    point_meta,
    point_sample,
)
from benchmark.datasets.formats.recognise import having
from benchmark.datasets.metainfo import DataError

DESCRIPTION = """SRC is the folder that MMPose's parse_cofw_dataset.py makes of COFW_{train,test}_color.mat (which are
HDF5 and need h5py, so that is done once, outside of this tool):

  annotations/cofw_train.json  annotations/cofw_test.json      1345 and 507 faces, zero-based
  images/000001.jpg and so on (or --images)

v is 2 for a visible point and 1 for an occluded one; both count. The box of --size is the face box of the file.

  tools/prepare_data.py cofw downloads/cofw data/cofw --size 256"""
LICENCE = 'terms: http://www.vision.caltech.edu/xpburgos/ICCV13/'


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_point_arguments(parser)
    add_val_argument(parser)


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str]:
    """Writes COFW to the new folder ``out``.

    Raises:
        DataError: A missing or malformed file; the message names it and the record.
    """
    root, scheme = Path(src), load_points('cofw29')
    if not (root / 'annotations').is_dir():
        raise DataError(f'{root}: no annotations/cofw_train.json and cofw_test.json here. Make them of the .mat files '
                        "with MMPose's tools/dataset_converters/parse_cofw_dataset.py, which needs `pip install h5py`.")
    meta = point_meta(scheme, out, args, licence=LICENCE)
    samples = []
    for split in ('train', 'test'):
        for face in read_faces(root, f'cofw_{split}.json', scheme, args):
            box = {} if face.bbox is None else dict(bbox=face.bbox)
            samples.append(point_sample(face.points, scheme, args, face.source, face.name, face.where, split=split,
                                        size=face.size, **box))
    return draw_val(samples, args) + write_dataset(out, meta, samples, args, drop_outside=True)


CONVERTER = Converter('cofw', 'COFW, 29 points, by way of MMPose', DESCRIPTION, _add_arguments, convert,
                      having('annotations/cofw_*.json'))
