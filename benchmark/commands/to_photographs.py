"""Positions of a suite's test images in pixels of the original photographs: a table of predictions and truth."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.command_line import Parser
from benchmark.datasets.formats.originals import in_photographs, read_originals
from benchmark.datasets.metainfo import DataError
from benchmark.utils.files import write_text
from benchmark.utils.refusals import refuse

EPILOG = """examples:
  tools/to_photographs.py runs/mine data/faces --out landmarks.csv
  tools/to_photographs.py runs/mine/results.parquet data/faces --out landmarks.csv

A row is a method, condition, seed, image and landmark: x, y and x_true, y_true in pixels of the photograph (x = 0 is
the centre of the first pixel), error_px between them, and error_mm = sqrt((dx mm_across)^2 + (dy mm_down)^2) where the
millimetres are known. `frame` says of a photograph with an EXIF rotation which way it is held.

exit codes: 0 written, 2 bad input (one line on stderr)"""


def parser() -> Parser:
    """The command's arguments."""
    p = Parser(prog='tools/to_photographs.py', description=__doc__, epilog=EPILOG,
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('results', type=Path, help="a suite's --out, or a results.parquet or predictions.parquet")
    p.add_argument('data', type=Path, help='the prepared set that it was trained on')
    p.add_argument('--out', type=Path, required=True, metavar='FILE', help='table to write, .csv')
    return p


def main(argv: list[str] | None = None) -> int:
    """Writes the table; see the exit codes above."""
    args = parser().parse_args(argv)
    try:
        import pandas as pd
        path = args.results / 'results.parquet' if args.results.is_dir() else args.results
        if not path.is_file():
            raise DataError(f'{path}: no such file. Give the --out of a suite with results, or a .parquet.')
        table = in_photographs(pd.read_parquet(path), read_originals(args.data), str(path), str(args.data))
        write_text(args.out, table.to_csv(index=False, float_format='%.4f'))
    except (DataError, OSError, ValueError) as error:
        return refuse(error, args.out)
    print(f'{len(table)} rows: {args.out}')
    return 0
