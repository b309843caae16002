#!/usr/bin/env python3
"""Simulates experiments whose truth is known, and counts how often tests and intervals are wrong.

The error of method m, seed s, image i is ``mu[m] + image[i] + method_image[m,i] + seed[m,s] + residual[m,s,i]`` with
normal terms (``normal`` errors), or the exponential of such a sum (``skewed``: log-normal errors). Mean error, failure
rate and AUC then have exact means, over random seeds and images (the *procedure* scope) and for given seed effects (the
*networks* scope). The engine's functions are called as the analysis calls them; beside them stand the common tests.

Exit codes: 0 done, 2 bad input.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.command_line import Parser
from benchmark.validation.plan import plan
from benchmark.validation.studies import STUDIES
from benchmark.validation.tables import report
from benchmark.validation.workers import simulate
from benchmark.utils.refusals import refuse


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--quick', action='store_true', help='few cells and replications: half a minute, wide errors')
    parser.add_argument('--study', action='append', choices=STUDIES, help='this study only; may be given several times')
    parser.add_argument('--seed', type=int, default=0, metavar='N', help='random seed (default: 0)')
    parser.add_argument('--workers', type=int, default=1, metavar='N', help='processes (default: 1)')
    parser.add_argument('--json', type=Path, metavar='FILE', help='write every rate')
    parser.add_argument('--markdown', type=Path, metavar='FILE', help='write the tables there instead of to stdout')
    args = parser.parse_args(argv)
    if args.seed < 0 or args.workers < 1:
        parser.error('--seed takes a number from 0 on, --workers one from 1 on')
    return args


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_args(argv)
    start = time.monotonic()
    effort, tasks = plan(args.quick, args.seed)
    tasks = [task for task in tasks if not args.study or task[0] in args.study]
    rows = simulate(tasks, effort, args.workers)
    text = report(rows, effort)
    try:
        if args.json:
            known = [{key: None if value != value else value for key, value in row.items()} for row in rows]
            args.json.write_text(json.dumps({'effort': asdict(effort), 'rows': known}, indent=1) + '\n')
        if args.markdown:
            args.markdown.write_text(text)
    except OSError as error:
        return refuse(error)
    if not args.markdown:
        print(text, end='')
    print(f'{len(tasks)} tasks in {time.monotonic() - start:.0f} s', file=sys.stderr)
    return 0


if __name__ == '__main__':
    sys.exit(main())
