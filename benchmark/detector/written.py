"""Predicted landmarks in the forms that annotation programs read, so that they can be corrected there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.utils.files import write_text

from .loaded import DetectorError
from .photographs import Source
from .tables import csv_text

#: A photograph, its line, and its landmarks: name -> x, y in pixels, x = 0 at the centre of the first pixel.
Labelled = tuple[Source, Mapping[str, Any], Mapping[str, tuple[float, float]]]


def _pts(out: Path, labelled: Sequence[Labelled]) -> None:
    """``pts/NAME.pts``, as 300-W has them: the centre of the first pixel is (1, 1)."""
    for source, _, points in labelled:
        rows = ''.join(f'{x + 1:.4f} {y + 1:.4f}\n' for x, y in points.values())
        _write(out / 'pts' / PurePosixPath(source.name).with_suffix('.pts'),
               f'version: 1\nn_points: {len(points)}\n{{\n{rows}}}\n')


def _wide(out: Path, labelled: Sequence[Labelled]) -> None:
    """``landmarks.wide.csv``, a row per photograph."""
    names = [*labelled[0][2]] if labelled else []
    _write(out / 'landmarks.wide.csv', csv_text(
        ('image', *(f'{name}_{axis}' for name in names for axis in 'xy')),
        ((source.name, *(value for point in points.values() for value in point)) for source, _, points in labelled)))


def _labelme(out: Path, labelled: Sequence[Labelled]) -> None:
    """``labelme/NAME.json``, which names the photograph where it lies; LabelMe counts from the image's corner."""
    for source, line, points in labelled:
        path = out / 'labelme' / PurePosixPath(source.name).with_suffix('.json')
        shapes = [dict(label=name, points=[[x + 0.5, y + 0.5]], group_id=None, description='', shape_type='point',
                       flags={}) for name, (x, y) in points.items()]
        width, height = line['size']
        where = os.path.relpath(source.path, path.parent.absolute()).replace(os.sep, '/')
        _write(path, json.dumps(dict(version='5.5.0', flags={}, shapes=shapes, imagePath=where, imageData=None,
                                     imageHeight=height, imageWidth=width), indent=1, ensure_ascii=False) + '\n')


FORMATS: dict[str, Callable[[Path, Sequence[Labelled]], None]] = {'pts': _pts, 'csv': _wide, 'labelme': _labelme}


#: Format that a data set came in -> the form that photographs are written in where nothing else is asked for. COCO and
#: a table are written anyway, and other formats are read, not written.
LIKE = {'pts': 'pts', '300w': 'pts', 'csv': 'csv', 'labelme': 'labelme'}


def form_like(came: str | None, sources: Sequence[Source], turned: bool) -> tuple[list[str], str]:
    """The form of the data that a network learnt on, and a note where photographs can't be written in it.

    Args:
        came: The format that they came in, as ``tools/prepare_data.py`` calls it; None: it is not known.
        sources: The photographs.
        turned: Whether an EXIF rotation is applied.
    """
    form = LIKE.get(came or '')
    if form is None:
        return [], ''
    try:
        check_formats([form], sources, turned)
    except DetectorError as error:
        return [], f'The data came as {came}, in which nothing is written: {error}'
    return [form], ''


def check_formats(formats: Iterable[str], sources: Sequence[Source], turned: bool) -> None:
    """Checks that photographs can be written in these forms.

    Args:
        formats: What is asked for, names of ``FORMATS``.
        sources: The photographs.
        turned: Whether an EXIF rotation is applied.

    Raises:
        DetectorError: They can't.
    """
    formats = [*formats]
    if unknown := [name for name in formats if name not in FORMATS]:
        raise DetectorError(f'--format {unknown[0]}: is none of {", ".join(FORMATS)}. Landmarks are written as a table '
                            'and as COCO anyway.')
    if 'labelme' in formats and not turned:
        raise DetectorError('--format labelme: LabelMe turns photographs by their EXIF rotation. Leave --rotation out.')
    stems: dict[PurePosixPath, str] = {}
    for source in sources if {'pts', 'labelme'} & {*formats} else ():
        other = stems.setdefault(PurePosixPath(source.name).with_suffix(''), source.name)
        if other != source.name:
            raise DetectorError(f'--format {formats[0]}: {other} and {source.name} would be one file. Rename one, or '
                                'predict them into two folders.')


def write_formats(out: Path, formats: Iterable[str], scheme: LandmarkMeta, sources: Sequence[Source],
                  lines: Mapping[str, dict[str, Any]], untrained: Iterable[str] = ()) -> None:
    """Writes what is done in further forms; photographs without landmarks are left out.

    Args:
        out: The output folder.
        formats: Names of ``FORMATS``.
        scheme: The landmarks.
        sources: The photographs, in their order.
        lines: Name -> line (:func:`.journal.line_of`).
        untrained: Landmarks that are left out.
    """
    untrained = set(untrained)
    labelled = [(source, line, {name: (x, y) for name, (x, y) in zip(scheme.landmarks, line['points'], strict=True)
                                if name not in untrained})
                for source in sources if (line := lines.get(source.name)) is not None and 'error' not in line]
    for name in formats:
        FORMATS[name](out, labelled)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, text)
