#!/usr/bin/env python3
"""Analyse a suite's results, or any tidy CSV or Parquet table, and write analysis.json."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.statistics import TableError, read_suite, summarize, write_json  # noqa: E402


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='Exit codes: 0 written, 2 bad input (one line on stderr says what to do).',
    )
    parser.add_argument(
        'results',
        type=Path,
        metavar='RESULTS',
        help="a suite's output folder, or a tidy .csv or .parquet file with the columns method, seed, "
        'image, error',
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='DIR',
        help="folder for analysis.json (default: the suite's folder, or that of the table)",
    )
    parser.add_argument(
        '--plan', type=Path, metavar='FILE', help="a plan.json that goes before the folder's own"
    )
    parser.add_argument(
        '--threshold',
        type=float,
        metavar='T',
        help="failure threshold in the unit of the errors (default: the plan's, else 1.2)",
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_args(argv)
    try:
        suite = read_suite(args.results, args.plan)
        content = summarize(suite.table, suite.plan, suite.records, args.threshold)
        out = args.out or (args.results if args.results.is_dir() else args.results.parent)
        path = write_json(content, out / 'analysis.json')
    except TableError as exc:
        print(f'error: {" ".join(str(exc).split())}', file=sys.stderr)
        return 2
    except OSError as exc:
        print(f'error: {exc.filename}: {exc.strerror}; check path, permissions and free space', file=sys.stderr)
        return 2
    for note in content['notes']:
        print(f'note: {note}', file=sys.stderr)
    print(path)
    return 0


if __name__ == '__main__':
    sys.exit(main())
