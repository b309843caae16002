"""A tiny suite, from command to results, in processes of its own."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from forked import Forked, command, start
from once import once

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
    """The suite, with the folder that commands are given.

    Args:
        folder: A folder of its own; ``out`` and ``cache`` are in it where no others are given.
        out: The suite's output folder.
        cache: Where its data and source are made.
    """

    def __init__(self, folder: Path, out: Path | None = None, cache: Path | None = None) -> None:
        self.folder, self.out, self.cache = folder, out or folder / 'out', cache or folder / 'cache'

    def command(self, *options, text: str = '', **env: str) -> tuple[list, dict[str, str]]:
        """What follows ``python``, and its environment."""
        path = self.folder / 'tiny.py'
        path.write_text(TINY + text)
        return ([ROOT / 'tools/run_suite.py', path, '--out', self.out, *options],
                os.environ | dict(CTD_CACHE=str(self.cache), OMP_NUM_THREADS='1') | env)

    def start(self, *options, **more: str) -> Forked:
        """Starts tools/run_suite.py."""
        return start(*self.command(*options, **more))

    def run(self, *options, **more: str) -> subprocess.CompletedProcess:
        """Runs tools/run_suite.py to its end."""
        return command(*self.command(*options, **more))

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
                for name in ('*.parquet', 'heatmaps.npz', 'history.json', 'decodings.json',
                             'validation.json')
                for p in sorted(self.out.rglob(name)) if 'set_aside' not in p.parts}


@pytest.fixture(scope='session')
def done(tmp_path_factory):
    """The tiny suite, done once for all test processes, by a process as users start it. Tests leave it as it is."""
    def make(folder: Path) -> None:
        argv, env = Tiny(folder).command()
        subprocess.run([sys.executable, *argv], env=env, check=True)

    folder = once(tmp_path_factory, 'done', make)
    return Tiny(tmp_path_factory.mktemp('suite'), folder / 'out', folder / 'cache')


@pytest.fixture
def tiny(tmp_path, done):
    """The tiny suite with nothing done, but for its data and source."""
    (tmp_path / 'cache').symlink_to(done.cache)
    return Tiny(tmp_path)
