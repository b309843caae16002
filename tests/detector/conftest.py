"""A tiny suite whose networks have learnt something, so that no rounding moves a maximum."""

import json
import os
import shutil
from pathlib import Path

import pytest
from forked import command
from once import once

ROOT = Path(__file__).parents[2]
SUITE = f"""
_base_ = {str(ROOT / 'mmconfigs/suites/smoke.py')!r}
methods = dict(_delete_=True, ft={{}}, ctd_com={{}}, ema={{}})
data = dict(train=8, val=12, test=6)
source = dict(_delete_=True, type='random')
analysis = dict(proposed=None, reference=None, groups=[])
seeds = 2
settings = dict(width=8, iterations=60, decoder_channels=16, channels_last=True)
"""


class Runs:
    """The suite's folder, ``out``, and where its images are."""

    def __init__(self, out: Path) -> None:
        self.out = out
        plan = json.loads((out / 'plan.json').read_text())
        self.images = Path(plan['data']['root']) / 'images'
        self.folders = {(run['method'], run['seed']): out / run['folder'] for run in plan['runs']}

    def points(self, method: str, seed: int = 0):
        """The test's predictions: image -> landmarks (K, 2) in pixels."""
        import pandas
        table = pandas.read_parquet(self.folders[method, seed] / 'predictions.parquet')
        return {image: rows[['x', 'y']].to_numpy() for image, rows in table.groupby('image')}

    def copied(self, method: str, to: Path, seed: int = 0) -> Path:
        """A copy of what a run keeps of its network, and of nothing else."""
        to.mkdir(parents=True)
        for name in ('network.pth', 'detector.py'):
            shutil.copy(self.folders[method, seed] / name, to / name)
        return to


@pytest.fixture(scope='session')
def runs(tmp_path_factory):
    """The suite, done once for all test processes. Tests leave it as it is."""
    def make(folder: Path) -> None:
        (folder / 'tiny.py').write_text(SUITE)
        done = command([ROOT / 'tools/run_suite.py', folder / 'tiny.py', '--out', folder / 'out'],
                       os.environ | dict(CTD_CACHE=str(folder / 'cache'), OMP_NUM_THREADS='1'))
        assert done.returncode == 0, done.stdout + done.stderr

    return Runs(once(tmp_path_factory, 'detectors', make) / 'out')
