"""The baselines' configs: short, alike but for the regulariser, weighted by one rule, and each trains."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

CONFIGS = Path(__file__).parents[2] / 'mmconfigs'
BASELINES = ('l2_sp', 'delta', 'lwf', 'kd', 'fitnets', 'attention_transfer', 'pkd', 'channel_wise', 'rkd', 'cka',
             'similarity_preserving', 'bss')
#: A mean squared error of heatmaps starts at about the size of the paper's lambda; the baselines' own weights were made
#: for losses of size 1.
SCALE = 0.002


def lines(path):
    text = path.read_text()
    return [line for line in text.split('"""', 2)[2].splitlines() if line.strip()]


def logged(runner, name):
    return runner.message_hub.get_scalar(f'train/{name}')._log_history


@pytest.mark.parametrize('method', BASELINES)
def test_configs_are_short_and_differ_from_ctd_in_the_regulariser_only(registered, method):
    from mmengine.config import Config

    from benchmark.experiments.suite.configs import find_config
    path = find_config('methods', method)
    ctd, baseline = (Config.fromfile(p).to_dict() for p in (CONFIGS / 'methods/ctd_ed.py', path))
    losses = baseline['model']['head'].pop('transfer')
    ctd['model']['head'].pop('transfer')
    assert path.parent.name == 'baselines' and len(lines(path)) <= 10 and baseline == ctd and len(losses) == 1


@pytest.mark.parametrize('method', BASELINES)
def test_weights_are_the_originals_times_one_scale(registered, method):
    from mmengine.config import Config
    from mmpose.registry import MODELS

    from benchmark.experiments.suite.configs import find_config
    loss, = Config.fromfile(find_config('methods', method)).model.head.transfer.values()
    given = dict(loss)
    assert given.pop('weight') == pytest.approx(SCALE * MODELS.build(dict(type=loss.type)).weight)


def test_names_and_their_order(registered):
    from benchmark.experiments.suite.configs import names
    found = names('methods')
    files = list((CONFIGS / 'methods').rglob('*.py'))
    assert len(found) == len(files) == len({path.stem for path in files})
    assert set(BASELINES) < set(found) and found[:7] == ['ctd_cd', 'ctd_com', 'ctd_ed', 'fe', 'ft', 'ftp', 'hg']


@pytest.mark.parametrize('method', BASELINES)
def test_two_steps_of_training(runner, method):
    one = runner(method)
    name, = one.model.head.transfer
    start = copy.deepcopy(one.model.source.state_dict())
    one.train()
    assert one.iter == 2
    for value in (f'raw_{name}', f'loss_{name}', f'ratio_{name}', 'loss_kpt'):
        assert np.isfinite(logged(one, value)).all(), value
    assert logged(one, f'raw_{name}')[-1] > 0
    assert all(torch.equal(value, start[key]) for key, value in one.model.source.state_dict().items())
    saved = torch.load(Path(one.work_dir) / 'epoch_1.pth', weights_only=True)
    assert not [key for key in saved['state_dict'] if 'transfer' in key or 'source' in key]


@pytest.mark.parametrize('method', BASELINES)
def test_bfloat16_and_channels_last(config, batch, narrow_source, method):
    from mmpose.registry import MODELS
    values = {}
    for precision in ('float32', 'bfloat16'):
        torch.manual_seed(7)
        model = MODELS.build(config(method, narrow_source, width=8, decoder_channels=8).model)
        model.init_weights()
        model.to(memory_format=torch.channels_last)
        (name, loss), = model.head.transfer.items()
        if not loss.prepared:
            loss.prepare(model, [copy.deepcopy(batch)])
        data = model.data_preprocessor(copy.deepcopy(batch), True)
        with torch.autocast('cpu', torch.bfloat16, enabled=precision == 'bfloat16'):
            losses = model(**data, mode='loss')
        model.parse_losses(losses)[0].backward()
        assert losses[f'raw_{name}'].dtype == torch.float32
        assert all(p.grad.isfinite().all() for p in model.parameters() if p.grad is not None)
        values[precision] = float(losses[f'raw_{name}'])
    assert values['bfloat16'] == pytest.approx(values['float32'], rel=0.1, abs=1e-6)
