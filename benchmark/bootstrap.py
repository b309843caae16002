"""Lets the tools be typed with any Python: they go on in the environment that ``tools/setup_env.sh`` has made.

Without one ``--help`` and ``--version`` still answer, so this module needs the standard library only.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import textwrap
from pathlib import Path

from benchmark.utils.files import ROOT


def use_environment() -> None:
    """Starts the running script again with the environment's Python where this one lacks the packages.

    Where there is no such environment, ``--help`` and ``--version`` are answered here; all else ends with exit code 2
    and one line.
    """
    if importlib.util.find_spec('mmengine') and importlib.util.find_spec('pandas'):
        return
    venv = Path(os.environ.get('CTD_VENV') or ROOT / '.venv')
    python = venv / 'bin' / 'python'
    if python.exists() and Path(sys.prefix) != venv.absolute():
        os.execv(python, [str(python), *sys.argv])
    asked = set(sys.argv[1:])
    if '--version' in asked:
        from benchmark.command_line import version  # Later than all else: it asks for Python 3.9.
        print(version())
        sys.exit(0)
    if asked & {'-h', '--help'}:
        print(help_of(Path(sys.argv[0]).name))
        sys.exit(0)
    print(f'error: the packages are not installed for {sys.executable}, and {venv} has no environment. Run '
          f'{ROOT / "tools" / "setup_env.sh"} first.', file=sys.stderr)
    sys.exit(2)


def help_of(tool: str) -> str:
    """What the generated page of the commands says of a tool, as text for a terminal.

    Args:
        tool: Its file name.
    """
    page = (ROOT / 'docs/reference/commands.md').read_text(encoding='utf-8')
    section = page.partition(f'\n## tools/{tool}\n')[2].partition('\n## ')[0]
    lines = [f'usage: tools/{tool} [options], as below']
    for line in re.sub(r'\\([|*<>])', r'\1', section).splitlines():
        if line.startswith('| ') and not line.startswith(('| argument |', '| subcommand |')):
            name, meaning = (cell.strip(' `') for cell in line[2:-1].split(' | ')[:2])
            lines += [f'  {name}', *textwrap.wrap(meaning, 90, initial_indent=' ' * 6, subsequent_indent=' ' * 6)]
        elif line != '```' and not line.startswith('|'):
            lines.append(line)
    return '\n'.join(lines)
