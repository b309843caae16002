"""Says how much a source network knows: of faces (verification, identification) and of landmarks (linear probes)."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmark.command_line import Parser

EPILOG = """\
IDENTITIES is an identity set: a folder with index.csv (file, identity, label, split) and, where images are frames of
clips, a column clip: pairs within a clip are left out. Judge on people whom the source has not been trained on.
Beside every figure stands that of the same network with random weights; what is no better than that is no knowledge.
Intervals hold 95 % and are over people, drawn 1000 times.

exit codes: 0 judged, 2 bad input (the reason is on stderr).
"""


def parse_arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """Reads the command line."""
    parser = Parser(description=__doc__, epilog=EPILOG,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('source', metavar='SOURCE', help='a source checkpoint')
    parser.add_argument('identities', metavar='IDENTITIES', help='faces of known people')
    parser.add_argument('--landmarks', metavar='DATA',
                        help='a prepared data set: how much of its landmarks a linear probe of each tap finds')
    parser.add_argument('--size', type=int, nargs=2, metavar=('WIDTH', 'HEIGHT'),
                        help='size of the input in pixels; default: the one that the checkpoint was made for, else '
                             '256 256')
    parser.add_argument('--no-control', action='store_true',
                        help='leave out the same network with random weights (half the time)')
    parser.add_argument('--out', metavar='FILE', help='write everything to this JSON file, too')
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    """Runs the command; returns its exit code."""
    arguments = parse_arguments(argv)
    import benchmark
    benchmark.register()
    from mmengine.logging import MMLogger

    from benchmark.datasets.metainfo import DataError
    from benchmark.judging.judge import judge, read_faces
    from benchmark.judging.judged import as_text
    from benchmark.judging.verification import JudgingError
    from benchmark.models.source import SourceError
    from benchmark.utils.files import write_json
    from benchmark.utils.refusals import refuse
    MMLogger.get_current_instance().setLevel('WARNING')
    if arguments.size and min(arguments.size) < 32:
        return refuse(ValueError(f'--size {arguments.size[0]} {arguments.size[1]}: give at least 32 pixels a side.'))
    try:
        faces = read_faces(arguments.identities)
        found = judge(arguments.source, faces, arguments.size, arguments.landmarks, control=not arguments.no_control)
        if arguments.out:
            write_json(Path(arguments.out), found)
    except JudgingError as error:
        return refuse(ValueError(f'{arguments.identities}/index.csv: {error}'))
    except (SourceError, DataError) as error:
        return refuse(error)
    except OSError as error:
        return refuse(error, arguments.out)
    print(as_text(found))
    return 0
