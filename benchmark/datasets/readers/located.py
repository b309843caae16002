"""What readers ask of an image whose numbers are not pixels: its file, and the resolution that it states."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple

from benchmark.datasets.metainfo import IMAGE_ENDINGS, DataError

from .base import Reader

#: Millimetres in a unit of a resolution.
MM = {'inch': 25.4, 'cm': 10.0}


class Resolution(NamedTuple):
    """Pixels in a unit, across and down.

    Attributes:
        across, down: Above 0.
        unit: ``inch`` or ``cm``, or empty where the file states a number without one.
    """

    across: float
    down: float
    unit: str

    @property
    def mm(self) -> tuple[float, float] | None:
        """Millimetres in a pixel, across and down, or None where the unit is not stated."""
        return (MM[self.unit] / self.across, MM[self.unit] / self.down) if self.unit else None


def image_file(src: Path, name: str, where: str, options: argparse.Namespace) -> Path:
    """The file of an image, looked for where all readers' images are.

    Raises:
        DataError: There is none, or two files fit.
    """
    from benchmark.datasets.formats.image_files import find_images

    base = src if src.is_dir() else src.parent
    folders = [options.images] if options.images else [base, base / 'images']
    return find_images([(name, where)], folders)[0][0].path


def image_of_stem(src: Path, path: Path, stem: str, options: argparse.Namespace) -> str:
    """The image that an annotation file is named after, in its folder or in ``--images``, as readers name it.

    Raises:
        DataError: There is none.
    """
    for folder in (path.parent, *([options.images] if options.images else [])):
        there = sorted(one.name for one in folder.iterdir() if one.stem == stem and one.suffix.lower() in IMAGE_ENDINGS)
        if there:
            return there[0] if folder == options.images else Reader.beside(src, path, there[0])
    raise DataError(f'{path}: no image {stem} lies beside it or in --images. Name the file after its image, or put the '
                    'image there.')


def resolution(path: Path) -> Resolution | None:
    """The resolution that a JPEG's JFIF header or a TIFF's first directory states, or None."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            if image.format == 'TIFF':
                tags = image.tag_v2  # type: ignore[attr-defined]
                across, down = float(tags.get(282, 0)), float(tags.get(283, 0))
                unit = {2: 'inch', 3: 'cm'}.get(tags.get(296, 2), '')
            elif image.format == 'JPEG' and 'jfif_density' in image.info:
                across, down = map(float, image.info['jfif_density'])
                unit = {1: 'inch', 2: 'cm'}.get(image.info.get('jfif_unit'), '')
            else:
                return None
    except (OSError, ValueError, ZeroDivisionError):
        return None
    return Resolution(across, down, unit) if across > 0 and down > 0 else None
