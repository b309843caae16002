"""DeepLabCut: CollectedData_<scorer>.csv or .h5 of a project's labeled frames."""

from __future__ import annotations

import argparse
import csv
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmark.datasets.findings import Finding
from benchmark.datasets.metainfo import DataError

from .base import Annotated, Reader, finite_number, peek, register

LEVELS = ('scorer', 'individuals', 'bodyparts', 'coords')
#: The individual of body parts that the scene has once.
UNIQUE = 'single'


class Table(NamedTuple):
    """A table of labels.

    Attributes:
        columns: For each column its scorer, individual (empty where the project has one animal), body part and
            coordinate.
        rows: For each image a name for messages, the parts of its path, and the cells, empty where nothing is marked.
    """

    columns: list[tuple[str, str, str, str]]
    rows: list[tuple[str, tuple[str, ...], list[str]]]


def parse_table(path: Path) -> Table:
    """A table of labels, CSV or HDF5, of three or four header rows and one or three index columns.

    Raises:
        DataError: Another form, or packages that HDF5 needs are missing.
    """
    if path.suffix.lower() == '.h5':
        return _hdf(path)
    with open(path, encoding='utf-8-sig', newline='') as stream:
        lines = list(csv.reader(stream))
    header: dict[str, list[str]] = {}
    while lines and lines[len(header):] and lines[len(header)] and lines[len(header)][0] in LEVELS:
        header[lines[len(header)][0]] = lines[len(header)]
    if not {'scorer', 'bodyparts', 'coords'} <= header.keys():
        raise DataError(f'{path}: line 1: a table of DeepLabCut begins with rows of scorer, (individuals,) bodyparts '
                        f'and coords; found {", ".join(header) or "none of them"}. Give CollectedData_<scorer>.csv of '
                        'a labeled-data folder.')
    index = next((k for k, cell in enumerate(header['coords'][1:], 1) if cell), len(header['coords']))
    wide = len(header['coords'])
    columns = [(header['scorer'][k], header.get('individuals', [''] * wide)[k], header['bodyparts'][k],
                header['coords'][k]) for k in range(index, wide)]
    rows = []
    for number, cells in enumerate(lines[len(header):], len(header) + 1):
        if not any(cells):
            continue
        if len(cells) != wide:
            raise DataError(f'{path}: line {number}: {len(cells)} cells, but the header has {wide}. Save the table '
                            'again with DeepLabCut.')
        rows.append((f'{path}: line {number}', _parts(cells[:index]), cells[index:]))
    return Table(columns, rows)


def _hdf(path: Path) -> Table:
    try:
        import pandas as pd
        import tables  # noqa: F401  what pandas reads HDF5 with
    except ImportError:
        raise DataError(f'{path}: HDF5 is read with PyTables, which is not installed. Install it (pip install tables), '
                        f'or give {path.with_suffix(".csv").name}, which DeepLabCut writes beside it.') from None
    try:
        frame = pd.read_hdf(path)
    except Exception as error:  # noqa: BLE001  a file of another kind fails anywhere in it
        raise DataError(f'{path}: is no table of DeepLabCut ({type(error).__name__}: {error}). Give '
                        'CollectedData_<scorer>.h5 of a labeled-data folder.') from None
    names = [str(name) for name in frame.columns.names]
    if not {'scorer', 'bodyparts', 'coords'} <= set(names):
        raise DataError(f'{path}: its columns are {", ".join(names)}, not scorer, bodyparts, coords. Give '
                        'CollectedData_<scorer>.h5 of a labeled-data folder.')
    keys = [dict(zip(names, column)) for column in frame.columns]
    columns = [(str(key['scorer']), str(key.get('individuals', '')), str(key['bodyparts']), str(key['coords']))
               for key in keys]
    rows = []
    for index, values in zip(frame.index, frame.to_numpy(float), strict=True):
        parts = _parts([str(part) for part in (index if isinstance(index, tuple) else (index,))])
        cells = ['' if math.isnan(value) else repr(float(value)) for value in values]
        rows.append((f'{path}: row {"/".join(parts)}', parts, cells))
    return Table(columns, rows)


def _parts(index: Sequence[str]) -> tuple[str, ...]:
    """Folders and name of an image: three cells, or one with separators of either kind."""
    return tuple(part for cell in index for part in cell.replace('\\', '/').split('/') if part)


@register
class DeepLabCut(Reader):
    """Labels of DeepLabCut projects."""

    name = 'deeplabcut'
    summary = 'labels of a DeepLabCut project'
    description = """SRC is a project's folder, a labeled-data folder, or one CollectedData_<scorer>.csv or .h5
(which needs PyTables; where both lie there, the .csv is read). The images are labeled-data/<video>/<image>, or lie
beside the table. Each individual of a project with several is a person, and needs --size where an image shows
several. The video is a field of the image: frames of one video resemble each other, so --subject video keeps them in
one split.

  tools/prepare_data.py deeplabcut project data/mouse --subject video"""
    patterns = ('CollectedData_*.csv', 'CollectedData_*.h5')

    def sniff(self, path: Path) -> str | None:
        if path.suffix.lower() == '.h5':
            return f'{path.name} is named as the labels of DeepLabCut are'
        first = [line.split(',')[0] for line in peek(path).lstrip('\ufeff').splitlines()[:4]]
        return (f'{path.name} begins with rows of scorer, bodyparts and coords'
                if first[:1] == ['scorer'] and {'bodyparts', 'coords'} <= set(first) else None)

    def read(self, src: Path, options: argparse.Namespace) -> Iterator[Annotated | str | Finding]:
        files = self.some_files(src)
        doubled = [path for path in files if path.suffix.lower() == '.h5' and path.with_suffix('.csv') in files]
        if doubled:
            yield f'{len(doubled)} .h5 files lie beside a .csv of the same name, which is read'
        for path in files:
            if path not in doubled:
                yield from self._table(src, path)

    def _table(self, src: Path, path: Path) -> Iterator[Annotated | str]:
        table = parse_table(path)
        scorers = dict.fromkeys(column[0] for column in table.columns)
        if len(scorers) > 1:
            raise DataError(f'{path}: labels of {len(scorers)} scorers ({", ".join(scorers)}). Give a table of one.')
        people = dict.fromkeys(column[1] for column in table.columns if column[1] != UNIQUE)
        unused = ([f'body parts of the individual {UNIQUE!r}'] if any(c[1] == UNIQUE for c in table.columns) and people
                  else [])
        people = people or {UNIQUE: None}
        if any(column[3] == 'likelihood' for column in table.columns):
            unused.append('likelihood')
        for where, parts, cells in table.rows:
            if len(parts) == 1 and parts[0].isdecimal():
                raise DataError(f'{where}: {parts[0]!r} is the number of a frame, as in predictions on a video. Give '
                                'CollectedData_<scorer>.csv, whose rows name images.')
            found: dict[str, dict[str, dict[str, float]]] = {person: defaultdict(dict) for person in people}
            for (_, person, part, axis), cell in zip(table.columns, cells, strict=True):
                if person in found and axis in ('x', 'y') and cell:
                    found[person][part][axis] = finite_number(
                        cell, f'{where}: {part} {axis}', 'Correct it, or leave it empty where nothing is marked.')
            name = '/'.join(parts)
            if (path.parent / parts[-1]).is_file():
                name = self.beside(src, path, parts[-1])
            marked = {person: points for person, points in found.items() if points}
            for person, points in (marked or dict.fromkeys(list(found)[:1], {})).items():
                for part, position in points.items():
                    if len(position) < 2:
                        raise DataError(f'{where}: {part} has only one coordinate. Mark it again in DeepLabCut.')
                yield Annotated(name, {part: (p['x'], p['y']) for part, p in points.items()},
                                where if person in ('', UNIQUE) else f'{where}: {person}',
                                fields={'video': parts[-2]} if len(parts) > 1 else {}, unused=unused)
