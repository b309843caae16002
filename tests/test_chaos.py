"""A few faults, short: tools/chaos.py with all its rounds is what docs/reliability.md reports."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
@pytest.mark.parametrize('options', [['--faults', '4', '--per-round', '4', '--seed', '5'],
                                     ['--faults', '10', '--per-round', '10', '--seed', '0', '--only',
                                      'storm of signals']])
def test_faults_lose_nothing_and_change_no_byte(tmp_path, options):
    report = tmp_path / 'chaos.json'
    done = subprocess.run([sys.executable, Path(__file__).parents[1] / 'tools/chaos.py', *options, '--json', report],
                          capture_output=True, text=True, timeout=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    assert found['total'] >= int(options[1]) and found['problems'] == []
