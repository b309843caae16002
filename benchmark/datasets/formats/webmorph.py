"""WebMorph templates: the 189 points of the FRL template in .tem files."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from benchmark.datasets.formats.beside import convert_beside, read_rows
from benchmark.datasets.formats.converter import Converter
from benchmark.datasets.formats.points import (
    add_point_arguments,
    add_subject_argument,
    read_text,
)
from benchmark.datasets.formats.recognise import having
from benchmark.datasets.metainfo import DataError

DESCRIPTION = """SRC is a folder of WebMorph (Psychomorph) templates with the 189 points of the FRL template, each
beside its image (or --images), in folders of any depth. A .tem file is the number of points, a line `x y` for each
(tabs or spaces), then the lines that connect them, which are not read; empty lines and comments (#) are skipped.
(0, 0) is the corner of the image, so that the centre of its first pixel is (0.5, 0.5). Images are split by person,
64/16/20 percent. The box of --size is that of the 189 points, the head with some margin, so that --padding 1 is the
default.

  tools/prepare_data.py webmorph downloads/london data/london --size 256 --subject '^([0-9]+)'"""


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    add_point_arguments(parser)
    add_subject_argument(parser)
    parser.set_defaults(padding=1.0)


def read_tem(path: Path, count: int) -> np.ndarray:
    """Reads the points of a .tem file.

    Args:
        path: The file.
        count: Points that it must have.

    Returns:
        (count, 3): x and y in pixels with the centre of the first pixel at 0, and v = 2.

    Raises:
        DataError: Another form or number of points; the message names the line.
    """
    lines = [(n, line.strip()) for n, line in enumerate(read_text(path, 'a WebMorph template'), 1)]
    lines = [(n, line) for n, line in lines if line and not line.startswith('#')]
    if not lines or not lines[0][1].isdecimal():
        raise DataError(f'{path}: the first line is no number of points. Save the template with WebMorph again.')
    n, stated = lines[0]
    if int(stated) != count:
        raise DataError(f'{path}: line {n}: {stated} points, not {count}. Use the {count}-point FRL template.')
    if len(lines) <= count:
        raise DataError(f'{path}: {len(lines) - 1} lines follow for {count} points. Complete the file.')
    return read_rows(path, lines[1:count + 1], 0.5)


def convert(src: str, out: Path, args: argparse.Namespace) -> list[str]:
    """Writes the data set of the templates below ``src`` to the new folder ``out``.

    Raises:
        DataError: A missing or malformed file; the message names it and the line.
    """
    return convert_beside(src, out, args, 'frl189', '.tem', read_tem)


CONVERTER = Converter('webmorph', 'WebMorph templates, 189 points', DESCRIPTION, _add_arguments, convert,
                      having('*.tem', '*/*.tem'))
