"""From command to results: a method with a source of its own, on data without a validation split."""

import json
import os
from pathlib import Path

import pandas as pd
import torch
from forked import command

ROOT = Path(__file__).parents[3]
SUITE = f"""
_base_ = {str(ROOT / 'mmconfigs/suites/smoke.py')!r}
methods = dict(_delete_=True, fe={{}}, ft=dict(source='mobile.pth'), ctd_ed=dict(source='mobile.pth'))
source = dict(_delete_=True, type='random')
analysis = dict(pairs=[('ctd_ed', 'ft')], proposed=None, reference=None)
settings = dict(iterations=2, batch_size=3, decoder_channels=16, augmentation='affine', drop_last=True)
seeds = 1
"""


def test_methods_with_their_own_source_are_trained_from_it(registered, tmp_path, monkeypatch):
    from mmpose.registry import MODELS

    from benchmark.experiments.plan.data import target_data
    from benchmark.experiments.suite.inputs import SyntheticFaces
    root = target_data(SyntheticFaces(train=6, val=2, test=3, image_size=64), tmp_path / 'made')
    (root / 'annotations/val.json').unlink()
    torch.manual_seed(0)
    network = MODELS.build(dict(type='MobileNetV1', width=0.25))
    torch.save(dict(meta=dict(arch=dict(type='MobileNetV1', width=0.25), name='quarter'),
                    state_dict={f'backbone.{key}': value for key, value in network.state_dict().items()}),
               tmp_path / 'mobile.pth')
    settings = "methods['ft']['settings'] = methods['ctd_ed']['settings'] = dict(depth=None, width=None, " \
               "backbone=dict(type='MobileNetV1', width=0.25))\n"
    (tmp_path / 'own.py').write_text(SUITE + settings)
    env = os.environ | dict(CTD_CACHE=str(tmp_path / 'cache'), OMP_NUM_THREADS='1')
    done = command([ROOT / 'tools/run_suite.py', tmp_path / 'own.py', '--out', tmp_path / 'out', '--data-root', root],
                   env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = json.loads((tmp_path / 'out/plan.json').read_text())
    assert plan['source']['methods']['ft']['description'].startswith('quarter')
    records = {run['method']: json.loads((tmp_path / 'out' / run['folder'] / 'record.json').read_text())
               for run in plan['runs']}
    assert {name: one['state'] for name, one in records.items()} == dict.fromkeys(('fe', 'ft', 'ctd_ed'), 'done')
    assert records['ft']['source_hash'] == plan['source']['methods']['ft']['hash'] != records['fe']['source_hash']
    assert set(pd.read_parquet(tmp_path / 'out/results.parquet').method) == {'fe', 'ft', 'ctd_ed'}
