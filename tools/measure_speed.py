#!/usr/bin/env python3
"""Measure what things cost, beside their targets; prints a table. Keep the machine idle meanwhile."""

from __future__ import annotations

import argparse
import importlib
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.command_line import Parser  # noqa: E402
from benchmark.utils.files import write_json  # noqa: E402
from benchmark.utils.machine import describe  # noqa: E402
from benchmark.speed import against, checking, preparing, statistics  # noqa: E402
from benchmark.speed.table import markdown  # noqa: E402


def _measured(part: str) -> Callable:
    """A part that needs torch and MMPose, which are imported when it is asked for."""

    def call(repeats: int, quick: bool, clock: Callable[[], float], **options) -> list:
        import benchmark
        benchmark.register()
        from mmengine.logging import MMLogger
        MMLogger.get_current_instance().setLevel('WARNING')
        module, function = ('training', 'suite') if part == 'suite' else (part, 'measure')
        return getattr(importlib.import_module(f'benchmark.speed.{module}'), function)(repeats, quick, clock, **options)

    return call


PARTS = {'statistics': statistics.measure, 'check': checking.measure, 'prepare': preparing.measure,
         'against': against.measure,
         **{part: _measured(part) for part in ('training', 'choices', 'suite', 'predict', 'growth', 'gpu')}}
#: What the training part compares; benchmark.speed.contestants says what each is.
COMPARED = ('ft', 'fe', 'ftp', 'ctd_ed', 'ctd_com', 'ctd_ed_online', 'ft_bf16', 'stock', 'stock_fe', 'stock_ftp',
            'stock_ctd')
#: Networks that are built of stages, which stock MMPose trains as they are.
CONVERTED = ('mobilenet_v1', 'dlib_resnet', 'efficientnet_lite0')


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = Parser(description=__doc__, epilog='Exit codes: 0 measured, 1 a target was missed.')
    parser.add_argument('parts', nargs='*', metavar='PART',
                        help=f'what to measure: {", ".join(PARTS)} (default: all but against)')
    parser.add_argument('--repeats', type=int, default=3, help='repetitions of each measurement (default: 3)')
    parser.add_argument('--seeds', type=int, default=3, help='seeds of the suite part (default: 3)')
    parser.add_argument('--images', type=int, default=300,
                        help='photographs of the check and prepare parts (default: 300)')
    parser.add_argument('--checkout', type=Path, metavar='DIR',
                        help='of the against part: the other checkout, such as a git worktree of a release')
    parser.add_argument('--finished', type=Path, metavar='DIR',
                        help='of the against part: a finished suite to analyse and report (default: a smoke suite)')
    parser.add_argument('--tests', action='store_true', help='of the against part: run the tests of both too')
    parser.add_argument('--backbone', choices=CONVERTED, help='of the training part, alone: a converted network in '
                        'the place of the ResNets')
    parser.add_argument('--stride', type=int, default=16, help='where it is cut (default: 16)')
    parser.add_argument('--pixels', type=int, default=160, help='side of its input (default: 160)')
    parser.add_argument('--batch', type=int, default=4, help='images of its steps (default: 4)')
    parser.add_argument('--processor-time', action='store_true', help='of the training part, alone: processor time on '
                        'one thread, for a machine that is not idle')
    parser.add_argument('--resnet', type=int, choices=(18, 50), help='of the training part, alone: this one of the two')
    parser.add_argument('--contestants', type=lambda text: text.split(','), default=[], metavar='NAMES',
                        help='of the training part, alone: only these, comma separated, ft among them')
    parser.add_argument('--quick', action='store_true', help='tiny sizes without targets, to see that measuring works')
    parser.add_argument('--json', type=Path, metavar='FILE', help='also write the measurements to this file')
    parser.add_argument('--figure', type=Path, metavar='FILE', help='plot the curves of growth there, .svg or .png')
    args = parser.parse_args(argv)
    if unknown := set(args.parts) - set(PARTS):
        parser.error(f'unknown part {sorted(unknown)[0]}; there are {", ".join(PARTS)}')
    if args.figure and 'growth' not in (args.parts or PARTS):
        parser.error('--figure: only growth has curves')
    if args.repeats < 1 or args.seeds < 1:
        parser.error('--repeats, --seeds: give 1 or more')
    if args.images < 3:
        parser.error('--images: give 3 or more')
    if (args.backbone or args.processor_time or args.resnet or args.contestants) and args.parts != ['training']:
        parser.error('--backbone, --processor-time, --resnet, --contestants: of the training part alone')
    if args.backbone and args.resnet:
        parser.error('--backbone, --resnet: one of the two')
    if args.contestants and not {'ft'} < set(args.contestants) <= set(COMPARED):
        parser.error(f'--contestants: give ft and some of {", ".join(COMPARED[1:])}')
    if ('against' in args.parts) != (args.checkout is not None):
        parser.error('against and --checkout DIR go together')
    return args


def main(argv: list[str] | None = None) -> int:
    """Run the command; returns the exit code."""
    args = parse_args(argv)
    found, curves = [], []
    for part in args.parts or [part for part in PARTS if part != 'against']:
        options = {'suite': dict(seeds=args.seeds), 'check': dict(images=args.images),
                   'prepare': dict(images=args.images),
                   'training': dict(backbone=args.backbone, stride=args.stride, pixels=args.pixels, batch=args.batch,
                                    processor=args.processor_time, resnet=args.resnet, only=args.contestants),
                   'against': dict(checkout=args.checkout, finished=args.finished, tests=args.tests)}.get(part, {})
        for one in PARTS[part](args.repeats, args.quick, time.perf_counter, **options):
            if hasattr(one, 'measurements'):
                curves.append(one)
                found += one.measurements()
            else:
                found.append(one)
    machine = describe()
    print('{cores} cores, {processor} ({instructions}), Python {python}\n'.format(**machine))
    print(markdown(found))
    if args.json:
        write_json(args.json, {'machine': machine, 'measurements': [one.row() for one in found]})
    if args.figure and curves:
        from benchmark.speed.growth import draw
        draw(curves, args.figure)
    return 1 if any(one.reached is False for one in found) else 0


if __name__ == '__main__':
    sys.exit(main())
