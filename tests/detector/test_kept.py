"""What a run keeps of its network."""

import hashlib
import json
import os
from pathlib import Path

import pytest
from forked import command

ROOT = Path(__file__).parents[2]


def test_tensors_and_plain_data_that_the_record_vouches_for(runs):
    import torch
    for (method, seed), folder in runs.folders.items():
        record = json.loads((folder / 'record.json').read_text())
        content = torch.load(folder / 'network.pth', weights_only=True)
        assert record['network'] == dict(
            file='network.pth', bytes=(folder / 'network.pth').stat().st_size,
            sha256=hashlib.sha256((folder / 'network.pth').read_bytes()).hexdigest())
        meta, state = content['meta'], content['state_dict']
        assert (meta['run']['method'], meta['run']['seed'], meta['run']['hash']) == (method, seed, record['hash'])
        assert not [name for name in state if name.startswith('source.')]
        # Kept once: not as MMEngine's checkpoint, too.
        assert not [*folder.glob('epoch_*.pth')] and not (folder / 'last_checkpoint').exists()


def test_they_can_be_left_out_and_change_no_run(runs, tmp_path):
    (tmp_path / 'less.py').write_text(f"_base_ = {str(runs.out.parent / 'tiny.py')!r}\n"
                                      'execution = dict(keep_checkpoints=False)\n')
    env = os.environ | dict(CTD_CACHE=str(runs.out.parent / 'cache'), OMP_NUM_THREADS='1')
    argv = [ROOT / 'tools/run_suite.py', tmp_path / 'less.py', '--out', tmp_path / 'out', '--only', 'ft/*seed0*']
    done = command(argv, env)
    assert done.returncode == 0, done.stdout + done.stderr
    before = runs.folders['ft', 0]
    folder = tmp_path / 'out' / before.relative_to(runs.out)
    for name in ('predictions.parquet', 'heatmaps.npz', 'identity.json'):
        assert (folder / name).read_bytes() == (before / name).read_bytes()
    assert not [*folder.glob('*.pth')] and not (folder / 'detector.py').exists()
    assert 'network' not in json.loads((folder / 'record.json').read_text())
    assert 'kept:' not in command([*argv, '--dry-run'], env).stdout


def test_the_plan_says_what_they_take(runs):
    env = os.environ | dict(CTD_CACHE=str(runs.out.parent / 'cache'), OMP_NUM_THREADS='1')
    said = command([ROOT / 'tools/run_suite.py', runs.out.parent / 'tiny.py', '--out', runs.out, '--dry-run'], env)
    line = next(line for line in said.stdout.splitlines() if line.startswith('kept: '))
    planned = float(line.split()[2])
    there = sum((folder / 'network.pth').stat().st_size for folder in runs.folders.values()) / 2**20
    assert planned == pytest.approx(there, abs=1 + 0.15 * there)
