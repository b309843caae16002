"""Cephalograms of the ISBI 2015 challenge: 19 landmarks by two annotators."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmark.datasets.formats.common import Sample, add_image_arguments, build_meta, write_dataset
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.points import (
    add_val_argument,
    draw_val,
    load_points,
    number,
    read_text,
)
from benchmark.datasets.formats.recognise import having
from benchmark.datasets.metainfo import IMAGE_ENDINGS, DataError

DESCRIPTION = """SRC is the folder of the challenge:

  RawImage/TrainingData  RawImage/Test1Data  RawImage/Test2Data      001 to 150, 151 to 300, 301 to 400 (.bmp, .png)
  AnnotationsByMD/400_junior/001.txt  AnnotationsByMD/400_senior/001.txt and so on

(RawImage/ and AnnotationsByMD/ may be left out.) A .txt file has 19 lines `x,y`, read as zero-based, then the classes
of 8 clinical measurements, which are not kept. The truth is the mean of both annotators; each is kept as `junior` and
`senior`. Test1 and Test2 are both in the test split, as groups of `subset`. 0.1 mm per pixel. The radiographs all
face the same way and are never mirrored. Images are copied whole; --size pads them to a square by repeating their
edges and resizes that, and is not a crop around the landmarks.

  tools/prepare_data.py isbi2015 downloads/isbi data/ceph --size 512"""
FOLDERS = (('TrainingData', 'train', 'train'), ('Test1Data', 'test', 'test1'), ('Test2Data', 'test', 'test2'))
ANNOTATORS = ('junior', 'senior')
MEASUREMENTS = 8
SPACING = 0.1
LICENCE = 'terms: http://www-o.ntust.edu.tw/~cweiwang/ISBI2015/challenge1/'


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_image_arguments(parser)
    add_val_argument(parser)


def read_annotator(path: Path, count: int = 19) -> np.ndarray:
    """Reads one annotator's landmarks of an image.

    Args:
        path: A .txt file of the challenge.
        count: Landmarks that it must have.

    Returns:
        (count, 3): x and y in pixels and v = 2.

    Raises:
        DataError: Another form; the message names the line.
    """
    lines = [line.strip() for line in read_text(path, f'{count} lines `x,y`')]
    while lines and not lines[-1]:
        lines.pop()
    if len(lines) not in (count, count + MEASUREMENTS):
        raise DataError(f'{path}: {len(lines)} lines, not {count} of landmarks and {MEASUREMENTS} of classes. Use the '
                        'file as published.')
    points = np.full((count, 3), 2.0)
    for n, (row, line) in enumerate(zip(points, lines), 1):
        cells = line.split(',')
        if len(cells) != 2:
            raise DataError(f'{path}: line {n}: {line[:40]!r} is not `x,y`. Give two numbers.')
        row[:2] = [number(cell.strip(), f'{path}: line {n}') for cell in cells]
    for n, line in enumerate(lines[count:], count + 1):
        if not line.isdecimal():
            raise DataError(f'{path}: line {n}: {line[:40]!r} is no class. {count} lines of landmarks come first, then '
                            f'{MEASUREMENTS} whole numbers.')
    return points


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str]:
    """Writes the cephalograms to the new folder ``out``.

    Raises:
        DataError: A missing or malformed folder or file; the message names it and the line.
    """
    root, scheme = Path(src), load_points('isbi19')
    args.crop = args.crop or ('whole' if args.size else None)
    meta = build_meta(dict(name=out.name, landmarks=list(scheme.landmarks), flip_indices=list(scheme.flip_indices),
                           groups=['subset'], annotators=list(ANNOTATORS), pixel_spacing=SPACING, licence=LICENCE),
                      args, scheme.name)
    samples = []
    for folder, split, subset in FOLDERS:
        place = _folder(args.images or root, 'RawImage', folder)
        images = sorted(p for p in place.iterdir() if p.suffix.lower() in IMAGE_ENDINGS)
        if not images:
            raise DataError(f'{place}: no image here. Put 001.bmp and so on there.')
        samples += [_sample(root, source, f'{folder}/{source.name}', split, subset) for source in images]
    return draw_val(samples, args) + write_dataset(out, meta, samples, args)


def _sample(root: Path, source: Path, name: str, split: str, subset: str) -> Sample:
    """One radiograph with the mean of its annotators as truth, and each of them."""
    each = {f'keypoints_{a}': read_annotator(_folder(root, 'AnnotationsByMD', f'400_{a}') / f'{source.stem}.txt')
            for a in ANNOTATORS}
    keypoints = dict(keypoints=np.mean(list(each.values()), axis=0)) | each
    return Sample(source, name, str(source), keypoints, split, dict(subset=subset))


def _folder(root: Path, above: str, name: str) -> Path:
    """``root/above/name`` or ``root/name``, whichever is there."""
    for place in (root / above / name, root / name):
        if place.is_dir():
            return place
    raise DataError(f'{root}: neither {above}/{name} nor {name} is here. Unpack the challenge\'s archives there.')


CONVERTER = Converter('isbi2015', 'cephalograms of the ISBI 2015 challenge', DESCRIPTION, _add_arguments, convert,
                      having('AnnotationsByMD'))
