"""What the numbers of an annotation file mean: unit, origin, first pixel, and positions that say 'not annotated'."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from benchmark.datasets import images
from benchmark.datasets.findings import Finding
from benchmark.datasets.formats.sample import Sample
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.readers.base import PIXEL_ORIGINS
from benchmark.datasets.values import repeated_positions

UNITS = ('pixels', 'relative', 'percent')
ORIGINS = ('top-left', 'bottom-left')
#: Images whose sizes are looked up to tell percent from pixels, and the shortest side from which that is told.
_LOOKED_UP, _SHORTEST = 24, 200
_SLACK = 0.05


def add_position_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of a person's own landmarks."""
    parser.add_argument('--units', choices=UNITS,
                        help='unit of the coordinates in SRC: `pixels` (default), `relative` (0 to 1) or `percent` '
                             '(0 to 100) of width and height')
    parser.add_argument('--origin', choices=ORIGINS, default='top-left',
                        help='where y begins in SRC (default top-left); `bottom-left`: y grows upwards')
    parser.add_argument('--pixel-origin', '--first-pixel', type=_origin, dest='first_pixel',
                        metavar='centre|corner|one-based',
                        help='where coordinates count from in SRC: `centre` of the first pixel (or 0), `corner` of the '
                             'image (or 0.5: pixel centres are at .5; what relative and percent are of), `one-based` '
                             '(or 1: MATLAB). Default: what the format has, see above, else centre')
    parser.add_argument('--missing', metavar='X,Y', action='append', default=[],
                        help='a position that means `not annotated` in SRC, such as 0,0 or, with an equals sign, '
                             '--missing=-1,-1; may be given more than once')


def settle_positions(samples: Sequence[Sample], landmarks: Sequence[str],
                     args: argparse.Namespace) -> tuple[list[Sample], list[str | Finding]]:
    """Applies ``--missing``, in place, and refuses coordinates that are no pixels unless ``--units`` says so.

    Args:
        samples: All samples, with coordinates as they are in SRC.
        landmarks: Names of the landmarks.
        args: The options of ``add_position_arguments``.

    Returns:
        The samples that have a landmark left, and notes and findings.

    Raises:
        DataError: A malformed option, or values from 0 to 1 or 0 to 100 where pixels are expected.
    """
    notes: list[str | Finding] = []
    dropped, emptied = 0, []
    for text in args.missing:
        position = _parse_position(text)
        for sample in samples:
            for points in sample.keypoints.values():
                there = (points[:, 2] > 0) & (points[:, :2] == position).all(axis=1)
                dropped += int(there.sum())
                points[there] = 0
    if args.missing:
        notes.append(f'{dropped} landmarks at {" or ".join(args.missing)} were taken as not annotated (--missing)')
        emptied = [s for s in samples if not s.keypoints['keypoints'][:, 2].any()]
        if emptied:
            notes.append(f'{len(emptied)} images without a landmark were left out, the first is {emptied[0].where}')
    left = [s for s in samples if s.keypoints['keypoints'][:, 2].any()] if emptied else list(samples)
    if left and args.units is None:
        _refuse_other_units(left)
    notes += [Finding('warning', 'one-position', message) for message in repeated_positions(
        [(s.where, s.keypoints['keypoints']) for s in left], landmarks,
        lambda position: f'use --missing={position}')]
    if transform_needed(args):
        first = first_pixel(args)
        how = {None: 'pixels', 'pixels': 'pixels', 'relative': 'shares of width and height',
               'percent': 'percent of width and height'}[args.units]
        if args.units in ('relative', 'percent'):
            how += (', 0 being the edge of the first pixel (--pixel-origin centre: its centre)' if first == 0.5 else
                    f', the centre of the first pixel being {first:g} pixels from 0')
        elif first:
            how += f', the centre of the first pixel at {first:g}'
        notes.append(f'coordinates were read as {how}' + (', y from below' if args.origin == 'bottom-left' else ''))
        if (args.units in ('relative', 'percent') or args.origin == 'bottom-left') and any(s.bbox for s in left):
            notes.append('bounding boxes were left out, since the coordinates are not in pixels from the top left')
    return left, notes


def transform_needed(args: argparse.Namespace) -> bool:
    """Whether coordinates are anything but pixels from the top left with the first pixel's centre at 0."""
    return args.units in ('relative', 'percent') or args.origin == 'bottom-left' or first_pixel(args) != 0


def first_pixel(args: argparse.Namespace) -> float:
    """Coordinate, in pixels, of the centre of the first pixel."""
    if args.first_pixel is not None:
        return args.first_pixel
    return 0.5 if args.units in ('relative', 'percent') else 0.0


def placer(args: argparse.Namespace) -> Callable[[Sample, int, int], Sample] | None:
    """What turns a sample's coordinates into pixel centres from the top left, given its image's width and height.

    With the scale s = (1, 1), (w, h) or (w, h) / 100 and the first pixel's centre at f, a position p becomes s p - f,
    and y becomes h - 1 - y where it is counted from below.
    """
    if not transform_needed(args):
        return None
    first, below = first_pixel(args), args.origin == 'bottom-left'
    share = dict(relative=1.0, percent=0.01).get(args.units)

    def place(sample: Sample, width: int, height: int) -> Sample:
        scale = np.array([1.0, 1.0] if share is None else [share * width, share * height])
        placed = {}
        for key, points in sample.keypoints.items():
            points = points.copy()
            points[:, :2] = points[:, :2] * scale - first
            if below:
                points[:, 1] = height - 1 - points[:, 1]
            placed[key] = points
        simple = share is None and not below
        bbox = tuple(np.subtract(sample.bbox, (first - 0.5,) * 2 + (0, 0))) if simple and sample.bbox else None
        return replace(sample, keypoints=placed, bbox=bbox)

    return place


def _origin(text: str) -> float:
    """``--pixel-origin``: a word or the coordinate of the first pixel's centre."""
    text = text.strip().lower()
    if text in PIXEL_ORIGINS:
        return PIXEL_ORIGINS[text]
    try:
        if (value := float(text)) in PIXEL_ORIGINS.values():
            return value
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f'{text!r} is unknown. Use {", ".join(PIXEL_ORIGINS)} (or 0, 0.5, 1).')


def _parse_position(text: str) -> tuple[float, float]:
    try:
        x, y = map(float, text.split(','))
    except ValueError:
        raise DataError(f'--missing: {text!r} is not of the form X,Y. Give a position such as 0,0 or, with an equals '
                        'sign, --missing=-1,-1.') from None
    return x, y


def _refuse_other_units(samples: Sequence[Sample]) -> None:
    """Raises DataError where the values of all or single images lie in 0 to 1, or all in 0 to 100 of larger ones."""
    seen = [k[k[:, 2] > 0, :2] for k in (s.keypoints['keypoints'] for s in samples)]
    small = [bool((p >= -_SLACK).all() and (p <= 1 + _SLACK).all()) for p in seen]
    remedy = '--units relative, or --units pixels where they are pixels'
    if all(small) and sum(map(len, seen)) > 2:
        raise DataError(f'{samples[0].where}: all coordinates of SRC lie between 0 and 1, as shares of width and '
                        f'height do; in pixels the landmarks would span under 1 % of the image. Use {remedy}.')
    for sample, points, in_unit in zip(samples, seen, small, strict=True):
        if in_unit and len(points) > 2 and np.ptp(points, axis=0).any():
            raise DataError(f'{sample.where}: all coordinates of this image lie between 0 and 1, those of others do '
                            f'not. Give all in pixels, or say --units pixels.')
    everything = np.concatenate(seen)
    if len(samples) < 3 or everything.max() > 100 or everything.min() < 0:
        return
    step = max(1, len(samples) // _LOOKED_UP)
    sizes = [_size(sample) for sample in samples[::step]]
    if all(size is not None and min(size) >= _SHORTEST for size in sizes):
        width, height = min(sizes)
        raise DataError(f'{samples[0].where}: all coordinates of SRC lie between 0 and 100 though images have '
                        f'{width} x {height} pixels and more, as percent of width and height do (Label Studio). Use '
                        '--units percent, or --units pixels where they are pixels.')


def _size(sample: Sample) -> tuple[int, int] | None:
    """Width and height, stated or decoded; None where the image cannot be read (what comes later says so)."""
    if sample.size is not None:
        return sample.size
    if not sample.source.is_file():
        return None
    try:
        return images.decode(sample.source.read_bytes(), sample.where).size
    except DataError:
        return None
