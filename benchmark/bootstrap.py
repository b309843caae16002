"""Lets the tools be typed with any Python: they go on in the environment that ``tools/setup_env.sh`` has made."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path


def use_environment() -> None:
    """Starts the running script again with the environment's Python where this one lacks the packages.

    Ends with exit code 2 and one line where there is no such environment.
    """
    if importlib.util.find_spec('mmengine') and importlib.util.find_spec('pandas'):
        return
    root = Path(__file__).resolve().parents[1]
    venv = Path(os.environ.get('CTD_VENV') or root / '.venv')
    python = venv / 'bin' / 'python'
    if not python.exists() or Path(sys.prefix) == venv.absolute():
        print(f'error: the packages are not installed for {sys.executable}, and {venv} has no environment. Run '
              f'{root / "tools" / "setup_env.sh"} first.', file=sys.stderr)
        sys.exit(2)
    os.execv(python, [str(python), *sys.argv])
