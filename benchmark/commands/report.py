"""Make one self-contained HTML page from analysis.json, with its tables (CSV, LaTeX), figures (PDF) and a summary."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.command_line import Parser
from benchmark.statistics.across import FILE
from benchmark.utils.refusals import refuse
from reports import ReportError, build_report
from reports.across.page import build_data_sets
from reports.index import build_index, refresh


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(
        description=__doc__,
        epilog='An index.html of --index that lies beside the suite\'s folder is brought up to date with each report. '
        'Exit codes: 0 written (the path of the page is the last line), 2 bad input.',
    )
    parser.add_argument('analysis', type=Path, metavar='ANALYSIS', nargs='*',
                        help='analysis.json, or a folder that has one; of several data sets datasets.json, or its '
                        'folder; with --index: folders of suites')
    parser.add_argument('--out', type=Path, metavar='DIR',
                        help='folder in which report/index.html is written (default: that of analysis.json); with '
                        '--index: folder of index.html (default: the first folder)')
    parser.add_argument('--index', action='store_true',
                        help='instead of a report, write one page that links to the reports of all suites in the '
                        'folders (default: runs)')
    parser.add_argument('--with-index', action='store_true',
                        help='after the report, write the index of the folder that the suite\'s folder lies in')
    parser.add_argument('--summary', action='store_true', help='print the first screen as Markdown too')
    args = parser.parse_args(argv)
    if not args.index and len(args.analysis) != 1:
        parser.error('give one analysis.json, or --index with folders')
    return args


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_args(argv)
    try:
        page = build_index(args.analysis or [Path('runs')], args.out) if args.index else report(args)
    except (ReportError, OSError) as error:
        return refuse(error)
    print(page)
    return 0


def report(args: argparse.Namespace) -> Path:
    """Make the report, and say what it says where that is wanted."""
    given = args.analysis[0]
    several = given / FILE if given.is_dir() else given
    if given.is_dir() and several.is_file() and (given / 'analysis.json').is_file():
        raise ReportError(f'{given}: has {FILE} and analysis.json, of two analyses; name the file that is meant')
    if several.name == FILE and several.is_file():
        if args.summary:
            raise ReportError(f'{several}: --summary is for one data set; name its folder')
        return build_data_sets(several, args.out or several.parent)
    path = given / 'analysis.json' if given.is_dir() else given
    page = build_report(path, args.out or path.parent)
    if args.with_index:
        build_index([page.resolve().parents[2]])
    else:
        refresh(page)
    if args.summary:
        print((page.parent / 'summary.md').read_text(encoding='utf-8'))
    return page
