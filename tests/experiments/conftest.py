"""A tiny suite, from command to results, in processes of its own."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TINY = f"""
_base_ = {str(ROOT / 'mmconfigs/suites/smoke.py')!r}
methods = dict(_delete_=True, ft={{}}, ctd_com={{}}, hg={{}})
data = dict(train=6, val=2, test=4)
source = dict(data=dict(identities=4, shots=4), epochs=1, batch_size=4)
analysis = dict(proposed=None, reference=None)
settings = dict(iterations=2, batch_size=3, decoder_channels=16, hourglass=dict(channels=16))
"""


class Tiny:
    """The suite in a folder: ``out`` and ``cache`` are in it.

    Args:
        folder: Where.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / 'out'

    def start(self, *options, text: str = '', **env: str) -> subprocess.Popen:
        """Starts tools/run_suite.py."""
        path = self.folder / 'tiny.py'
        path.write_text(TINY + text)
        return subprocess.Popen(
            [sys.executable, ROOT / 'tools/run_suite.py', path, '--out', self.out, *map(str, options)],
            env=os.environ | dict(CTD_CACHE=str(self.folder / 'cache'), OMP_NUM_THREADS='1') | env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def run(self, *options, text: str = '', **env: str) -> subprocess.CompletedProcess:
        """Runs tools/run_suite.py to its end."""
        process = self.start(*options, text=text, **env)
        out, err = process.communicate(timeout=900)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def runs(self) -> dict[str, Path]:
        """Folder of each run, by method."""
        plan = json.loads((self.out / 'plan.json').read_text())
        return {run['method']: self.out / run['folder'] for run in plan['runs']}

    def record(self, method: str) -> dict:
        """A run's record."""
        return json.loads((self.runs()[method] / 'record.json').read_text())

    def digests(self) -> dict[str, str]:
        """Digest of every file that a run leaves, and of the results table."""
        return {str(p.relative_to(self.out)): hashlib.sha256(p.read_bytes()).hexdigest()
                for name in ('*.parquet', 'heatmaps.npz', 'history.json')
                for p in sorted(self.out.rglob(name)) if 'set_aside' not in p.parts}


@pytest.fixture(scope='session')
def done(tmp_path_factory):
    """The tiny suite, done once."""
    tiny = Tiny(tmp_path_factory.mktemp('suite'))
    first = tiny.run()
    assert first.returncode == 0, first.stdout + first.stderr
    return tiny


@pytest.fixture
def tiny(tmp_path, done):
    """The tiny suite with nothing done, but for its data and source."""
    (tmp_path / 'cache').symlink_to(done.folder / 'cache')
    return Tiny(tmp_path)
