"""Each tool starts as users type it, in a process of its own; what the tools do is tested in forked ones."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = sorted((Path(__file__).parents[1] / 'tools').glob('*.py'))


@pytest.mark.slow
@pytest.mark.parametrize('tool', TOOLS, ids=lambda tool: tool.stem)
def test_it_starts_from_any_folder(tool, tmp_path):
    done = subprocess.run([sys.executable, tool, '--help'], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0 and done.stdout.startswith('usage: ') and tool.name in done.stdout, done.stderr
    assert done.stderr == '' and not list(tmp_path.iterdir())
