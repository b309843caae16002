"""``landmark-bench``: the tools of a checkout as one command, where the package is installed."""

from __future__ import annotations

import importlib
import sys
from typing import NamedTuple

from benchmark.command_line import version
from benchmark.utils.spoken import COMMANDS, speak_as_installed

#: What comes with the extra ``train``; the rest is there in every installation.
TRAINING = ('torch', 'mmengine', 'mmcv', 'mmpose', 'pycocotools', 'xtcocotools')
#: As ``requirements/no-deps.txt`` has them: what they ask for themselves does not install.
WITHOUT_DEPENDENCIES = 'onedl-mmengine==0.10.12 onedl-mmcv==2.3.6 mmpose==1.3.2'


class Command(NamedTuple):
    """A subcommand: its module, which has ``main()``, and what it does."""

    module: str
    does: str


def _in(name: str, does: str, package: str = 'benchmark.commands') -> Command:
    return Command(f'{package}.{name}', does)


TABLE = {COMMANDS[command.module.rpartition('.')[2]]: command for command in (
    _in('prepare_data', 'convert a data set, or check a prepared one'),
    _in('run_suite', 'plan a suite and do its runs', 'benchmark.experiments.commands'),
    _in('work', "join the work on a suite's folder", 'benchmark.experiments.commands'),
    _in('analyze', 'a suite or a table of errors to analysis.json'),
    _in('report', 'analysis.json to a page, tables and figures'),
    _in('predict', 'landmarks on photographs that nobody has annotated'),
    _in('to_photographs', 'positions of test images in pixels of the original photographs'),
    _in('average', "what averaging the seeds' heatmaps would give"),
    _in('export', 'a detector as one ONNX file'),
    _in('get_source', 'fetch a public source network'),
    _in('convert_source', 'make a source of a pre-trained network'),
    _in('judge_source', 'what a source network knows'),
    _in('train', 'one run from a config'),
    _in('test', 'test a checkpoint'),
    _in('mmpose_tool', "one of MMPose's own tools on a run"),
    _in('cache', 'show or clear what is cached'),
)}


def overview() -> str:
    """What can be typed."""
    lines = [f'  {name:<16}{command.does}' for name, command in TABLE.items()]
    return '\n'.join(['usage: landmark-bench COMMAND [arguments]', '', *lines, '',
                      'landmark-bench COMMAND --help says more; --version names the program.'])


def main(argv: list[str] | None = None) -> int:
    """Runs a subcommand.

    Args:
        argv: The command line without the program's name.

    Returns:
        The subcommand's exit code; 2 for one that is not there or lacks packages.
    """
    given = sys.argv[1:] if argv is None else argv
    if not given or given[0] in ('-h', '--help'):
        print(overview())
        return 0 if given else 2
    if given[0] == '--version':
        print(version())
        return 0
    name = next((name for name in TABLE if name.split() == given[:len(name.split())]), None)
    if name is None:
        word = ' '.join(given[:2] if given[0] == 'source' else given[:1])
        print(f'error: landmark-bench has no command {word!r}. Choose one of {", ".join(TABLE)}.', file=sys.stderr)
        return 2
    speak_as_installed()
    sys.argv = [f'landmark-bench {name}', *given[len(name.split()):]]
    try:
        code: int = importlib.import_module(TABLE[name].module).main()
    except ModuleNotFoundError as error:
        if (error.name or '').partition('.')[0] not in TRAINING:
            raise
        print(f"error: landmark-bench {name} needs {error.name}, which is not installed. Do: pip install "
              f"'landmark-benchmark[train]', then pip install --no-deps {WITHOUT_DEPENDENCIES}", file=sys.stderr)
        return 2
    return code


if __name__ == '__main__':
    sys.exit(main())
