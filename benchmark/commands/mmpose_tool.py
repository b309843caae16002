"""One of MMPose's own tools on a run: tools/mmpose_tool.py NAME [its arguments].

They take a run's detector.py and network.pth, as in: tools/mmpose_tool.py test RUN/detector.py RUN/network.pth

MMPose's wheel brings them (mmpose/.mim/tools) and its demos don't: test, train, browse_dataset, get_flops, analyze_logs
and more; without NAME they are listed. What this command adds is that MMPose is importable without its compiled extras,
and that the suite's plug-ins are registered.
"""

import argparse
import runpy
import sys
from pathlib import Path

import benchmark
from benchmark.command_line import Parser


def main() -> int:
    """Runs the tool; exit code 2 for one that is not there."""
    parser = Parser(prog='tools/mmpose_tool.py', description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('name', nargs='?', help="the tool's file name without .py")
    parser.add_argument('arguments', nargs=argparse.REMAINDER, help="the tool's own arguments")
    args = parser.parse_args()
    benchmark.register()
    import mmpose
    found = {path.stem: path for path in sorted((Path(mmpose.__file__).parent / '.mim' / 'tools').rglob('*.py'))}
    if args.name is None:
        print('\n'.join(found))
        return 0
    if args.name not in found:
        print(f'error: {args.name}: MMPose has no such tool. Choose one of {", ".join(found)}.', file=sys.stderr)
        return 2
    sys.argv = [str(found[args.name]), *args.arguments]
    sys.path.insert(0, str(found[args.name].parent))
    runpy.run_path(sys.argv[0], run_name='__main__')
    return 0
