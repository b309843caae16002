"""Commands are named as they were typed: ``tools/analyze.py`` or ``landmark-bench analyze``."""

from __future__ import annotations

import re

#: Tools of a checkout -> the subcommands of ``landmark-bench`` that do the same.
COMMANDS = {'run_suite': 'run', 'work': 'work', 'analyze': 'analyze', 'report': 'report', 'prepare_data': 'data',
            'predict': 'predict', 'to_photographs': 'photographs', 'average': 'average', 'export': 'export',
            'get_source': 'source get', 'convert_source': 'source convert', 'judge_source': 'source judge',
            'train': 'train', 'test': 'test', 'mmpose_tool': 'mmpose', 'cache': 'cache'}
TOOL = re.compile(rf'\b(?:tools/)({"|".join(COMMANDS)})\.py\b')
#: Whether ``landmark-bench`` was typed.
_installed: list[bool] = []


def speak_as_installed() -> None:
    """From now on commands are named as subcommands of ``landmark-bench``."""
    _installed[:] = [True]


def spoken(text: str) -> str:
    """Text that names tools, with their names as they were typed."""
    return TOOL.sub(lambda found: f'landmark-bench {COMMANDS[found[1]]}', text) if _installed else text
