"""What averaging the seeds' heatmaps would give on a suite's test images: tools/average.py SUITE."""

import argparse
from pathlib import Path

import benchmark
from benchmark.command_line import Parser
from benchmark.utils.machine import threads
from benchmark.utils.refusals import refuse

EPILOG = """Each method's networks are averaged under each condition, without any training: the mean of their heatmaps,
decoded once. Its mean error, in heatmap pixels, stands beside the mean of the single networks' with the interval of the
difference over subjects: of these networks, on new faces. SUITE gets ensembles.json with the same numbers and
ensembles.parquet, of which tools/analyze.py makes the report's section on averaged networks, with what can be said of
other seeds. A suite does this for its main condition by itself (its field ensembles).

exit codes: 0 compared; 2 bad input"""


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = Parser(prog='tools/average.py', description=__doc__, epilog=EPILOG,
               formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('suite', type=Path, help="a suite's --out whose runs have kept their networks")
    p.add_argument('--level', type=float, default=0.95, help='of the intervals (default: 0.95)')
    return p


def main() -> int:
    """Compares; see the exit codes above."""
    args = parser().parse_args()
    benchmark.register()
    import torch

    from benchmark.detector.averaged import average
    try:
        if not 0 < args.level < 1:
            raise ValueError(f'--level {args.level:g}: give a number between 0 and 1, such as 0.95.')
        torch.set_num_threads(threads())
        found = average(args.suite, args.level, lambda line: print(line, flush=True))
    except (ValueError, OSError) as error:
        return refuse(error, args.suite)
    print(f'\n| method | condition | seeds | mean single network | ensemble | difference, {100 * args.level:g} % | '
          'subjects |\n|---|---|---|---|---|---|---|')
    for one in found:
        difference = f'{one["difference"]:+.3f}' + (' ({:+.3f} to {:+.3f})'.format(*one['interval'])
                                                    if one['interval'] else '')
        print(f'| {one["method"]} | {one["condition"]} | {len(one["seeds"])} | {one["single"]:.3f} | '
              f'{one["ensemble"]:.3f} | {difference} | {one["subjects"]} |')
    return 0
