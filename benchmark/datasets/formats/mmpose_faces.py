"""MMPose's annotation files of public face sets: COCO keypoints whose category names no landmarks."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmark.datasets.formats.coco_file import load_coco, read_bbox, read_keypoints
from benchmark.datasets.formats.points import PointScheme
from benchmark.datasets.identities import leaves_folder
from benchmark.datasets.metainfo import DataError, LandmarkMeta


@dataclass(frozen=True)
class Face:
    """One annotation of an MMPose file.

    Attributes:
        source: The image file.
        name: Its path as in the file.
        where: File and record, for messages.
        points: (P, 3): x, y in pixels (pixel centres) and v.
        annotation: The annotation as it is in the file.
        bbox: x, y, width, height in pixels, or None.
        size: Width and height that the file states, or None.
    """

    source: Path
    name: str
    where: str
    points: np.ndarray
    annotation: dict
    bbox: tuple[float, float, float, float] | None
    size: tuple[int, int] | None


def has_face_files(root: Path, name: str) -> bool:
    """Whether a folder has ``annotations/face_landmarks_<name>_*.json``."""
    return any((root / 'annotations').glob(f'face_landmarks_{name}_*.json'))


def read_faces(root: Path, file: str, scheme: PointScheme, args: argparse.Namespace) -> Iterator[Face]:
    """The faces of ``root/annotations/<file>``, with their images below ``root/images`` or ``--images``.

    MMPose's files count pixels from 0, x = 0 being the centre of the first.

    Raises:
        DataError: A missing file, field or image; the message names file and record.
    """
    path = root / 'annotations' / file
    coco = load_coco(path)
    meta = LandmarkMeta(scheme.name, scheme.landmarks, scheme.flip_indices)
    folder = args.images or root / 'images'
    images = {image['id']: image for image in coco['images']}
    for annotation in coco['annotations']:
        if annotation['image_id'] not in images:
            raise DataError(f'{path}: annotation {annotation.get("id")}: image_id {annotation["image_id"]} is not in '
                            'images. Use the whole file.')
        image = images[annotation['image_id']]
        name = image['file_name']
        where = f'{path}: image {name!r}'
        if message := leaves_folder(name):
            raise DataError(f'{where}: {message}')
        if not (folder / name).is_file():
            raise DataError(f'{where}: not in {folder}. Put it there or use --images.')
        size = (image['width'], image['height']) if 'width' in image and 'height' in image else None
        points = read_keypoints(annotation, meta, where)['keypoints']
        yield Face(folder / name, name, f'{where}: annotation {annotation.get("id")}', points, annotation,
                   read_bbox(annotation, where), size)
