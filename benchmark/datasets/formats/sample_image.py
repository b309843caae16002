"""The image of a sample, in the frame of its landmarks and with square pixels."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import cv2
import numpy as np

from benchmark.datasets import images
from benchmark.datasets.checks_images import Scan, scan_of
from benchmark.datasets.dicom import SPACINGS
from benchmark.datasets.formats.sample import Sample
from benchmark.datasets.metainfo import DataError


class Read(NamedTuple):
    """The image of a sample as it was read.

    Attributes:
        sample: Its landmarks and box are in pixels of ``pixels``; it has the file's spacing where SRC gives none.
        data: The file's bytes where they are copied as they are, else None.
        pixels: (h, w, 3), uint8 BGR.
        said: What was done (``images.PHRASES``).
        photograph: Width and height of the photograph, in the frame that its landmarks are in.
        spacing: Millimetres from row to row and from column to column of the photograph, or None.
        spacing_from: What states them.
        scan: What the check asks of a file that is copied, or None.
    """

    sample: Sample
    data: bytes | None
    pixels: np.ndarray
    said: dict[str, str]
    photograph: tuple[int, int]
    spacing: tuple[float, float] | None
    spacing_from: str
    scan: Scan | None


def add_reading_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of how images are read."""
    parser.add_argument('--rotation', choices=('turned', 'stored'),
                        help='frame of the landmarks of images that carry an EXIF rotation: `turned`, as viewers show '
                             'them, or `stored`, as PIL, dlib and ImageJ read them (default: what the program of '
                             'the format does, where that is known; else the one that fits the size that SRC states, '
                             'or turned)')
    parser.add_argument('--dicom-window', action='store_true',
                        help='rescale grey values of DICOM over the first window of each file, not over the full range')


def read_image(sample: Sample, args: argparse.Namespace, spacing: float | None,
               place: Callable[[Sample, int, int], Sample] | None = None) -> Read:
    """Reads the image of a sample.

    Args:
        sample: Its landmarks are in pixels of the file as stored or turned, see ``--rotation``.
        args: ``rotation`` and ``dicom_window``.
        spacing: The set's millimetres per pixel, or None.
        place: Sample, width and height -> the sample in pixel centres, where SRC counts otherwise.

    Raises:
        DataError: No such file, one that does not decode, or another size or spacing than SRC states.
    """
    if not sample.source.is_file():
        raise DataError(f'{sample.where}: {sample.source} does not exist. Add it or use --images.')
    data, where = sample.source.read_bytes(), f'{sample.where}: {sample.source}'
    decoded = images.decode(data, where, args.rotation != 'stored', args.dicom_window)
    if args.rotation is None and decoded.orientation > 1 and sample.size == decoded.stored != decoded.size:
        decoded = images.decode(data, where, turned=False)
    if sample.size not in (None, decoded.size):
        width, height = decoded.size
        hint = ' The image carries an EXIF rotation: leave out --rotation.' if sample.size == decoded.stored else ''
        raise DataError(f'{where} is {width} x {height}, but the record says {sample.size[0]} x {sample.size[1]}. '
                        f'Correct it.{hint}')
    if place is not None:
        sample = place(sample, *decoded.size)
    sample, pixels, said = _square_pixels(sample, decoded, spacing)
    source = next((SPACINGS[kind] for kind in decoded.said if kind in SPACINGS and kind in said), '')
    known = decoded.spacing if source else None
    if known is None and (stated := sample.fields.get('pixel_spacing') or spacing) is not None:
        known, source = (stated, stated), 'SRC'
    copied = decoded.as_it_is and args.size is None
    return Read(sample, data if copied else None, pixels, said, decoded.size, known, source,
                scan_of(decoded) if copied else None)


def _square_pixels(sample: Sample, decoded: images.Decoded,
                   stated: float | None) -> tuple[Sample, np.ndarray, dict[str, str]]:
    """Makes pixels square along the wider side, u = (x + 0.5) w' / w - 0.5, and takes the file's spacing.

    Raises:
        DataError: SRC states another spacing than the file.
    """
    said, pixels = dict(decoded.said), decoded.pixels
    down, across = decoded.aspect
    fine = min(down, across)
    square = abs(down / across - 1) <= images.SQUARE
    found = None if decoded.spacing is None else across if square else fine
    stated = sample.fields.get('pixel_spacing') or stated
    if stated is not None:
        for kind in (*SPACINGS, 'no-spacing'):
            said.pop(kind, None)
        if not square or found is not None and abs(stated / found - 1) > 0.01:
            raise DataError(f'{sample.where}: {sample.source} has pixels of {down:g} x {across:g}'
                            f'{" mm" if decoded.spacing else ""}, but pixel_spacing is {stated:g}. Correct one, or '
                            'leave out pixel_spacing: the file\'s is taken then.')
    elif found is not None:
        sample = replace(sample, fields=sample.fields | dict(pixel_spacing=found))
    if square:
        return sample, pixels, said
    height, width = pixels.shape[:2]
    size = round(width * across / fine), round(height * down / fine)
    scale = np.array(size) / (width, height)
    keypoints = {key: np.column_stack([(k[:, :2] + 0.5) * scale - 0.5, k[:, 2]]) for key, k in sample.keypoints.items()}
    bbox = sample.bbox and tuple(float(v) for v in np.array(sample.bbox) * np.tile(scale, 2))
    said['anisotropic'] = f'{down:g} x {across:g}, now {size[0]} x {size[1]} pixels'
    return (replace(sample, keypoints=keypoints, bbox=bbox, size=size),
            cv2.resize(pixels, size, interpolation=cv2.INTER_LINEAR), said)
