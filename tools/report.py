#!/usr/bin/env python3
"""Make one self-contained HTML page, and Table 1 as CSV and LaTeX, from analysis.json."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from reports import ReportError, build_report  # noqa: E402


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog='Exit codes: 0 written (the path of the page is the last line), 2 bad input.',
    )
    parser.add_argument(
        'analysis', type=Path, metavar='ANALYSIS', help='analysis.json, or a folder that has one'
    )
    parser.add_argument(
        '--out',
        type=Path,
        metavar='DIR',
        help='folder in which report/index.html is written (default: that of analysis.json)',
    )
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_args(argv)
    path = args.analysis / 'analysis.json' if args.analysis.is_dir() else args.analysis
    try:
        page = build_report(path, args.out or path.parent)
    except ReportError as exc:
        print(f'error: {" ".join(str(exc).split())}', file=sys.stderr)
        return 2
    except OSError as exc:
        print(f'error: {exc.filename}: {exc.strerror}; check path, permissions and free space', file=sys.stderr)
        return 2
    print(page)
    return 0


if __name__ == '__main__':
    sys.exit(main())
