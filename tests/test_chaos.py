"""A few faults, short: tools/chaos.py with all its rounds is what docs/reliability.md reports."""

import json
import subprocess
import sys
from pathlib import Path


def test_faults_lose_nothing_and_change_no_byte(tmp_path):
    report = tmp_path / 'chaos.json'
    done = subprocess.run([sys.executable, Path(__file__).parents[1] / 'tools/chaos.py', '--faults', '4', '--per-round',
                           '4', '--seed', '5', '--json', report], capture_output=True, text=True, timeout=400)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(report.read_text())
    assert found['total'] >= 4 and found['problems'] == []
