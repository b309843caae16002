"""Methods are built before anything is trained: what is misspelt costs no training."""

import json
import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize('changes, message', [
    ({'model.head.transfer.ed.wieght': 1.0}, "^model, EncoderCosineLoss: TypeError: .*argument 'wieght'"),
    ({'model.head.transfer.ed.stage': 'stage9'}, "^model, CTDPoseEstimator: SourceError: .*no tap 'stage9'. It has: "),
    ({'optim_wrapper.optimizer.weigth_decay': 0.1}, '^optim_wrapper, Adam: .*weigth_decay'),
    ({'param_scheduler.0.powr': 2.0}, '^param_scheduler.0: .*powr'),
    ({'train_cfg.max_epoch': 3}, '^train_cfg: .*max_epoch'),
    ({'custom_hooks.3.often': 1}, "^custom_hooks.3, FiniteLossHook: .*unexpected keyword argument 'often'"),
    ({'default_hooks.chekpoint.interval': 1}, '^default_hooks.chekpoint: '),
    ({'train_dataloader.batch_sise': 1}, "^train_dataloader: .*no argument 'batch_sise'"),
    ({'train_dataloader.dataset.veiw_bytes': 1}, '^train_dataloader, LandmarkDataset: .*veiw_bytes'),
    ({'train_dataloader.dataset.pipeline.0.flipp': 1}, '^train_dataloader, DrawView: .*flipp'),
    ({'test_evaluator.treshold': 1}, '^test_evaluator, LandmarkErrorMetric: .*treshold'),
    ({'val_evaluator.treshold': 1}, '^val_evaluator, LandmarkErrorMetric: .*treshold'),
    ({'val_dataloader.dataset.veiw_bytes': 1}, '^val_dataloader, LandmarkDataset: .*veiw_bytes'),
    ({'train_dataloader.sampler.shufle': False}, '^train_dataloader.sampler: TypeError: .*shufle'),
    ({'model.test_cfg.flip_tset': True}, "^model.test_cfg: TypeError: nothing reads 'flip_tset'. It may have: flip_m"),
    ({'model.train_cfg.compute_ac': True}, "^model.train_cfg: TypeError: nothing reads 'compute_ac'"),
    ({'optim_wrapper.paramwise_cfg': dict(norm_decay=0)}, "^optim_wrapper.paramwise_cfg: .* reads 'norm_decay'"),
    ({'env_cfg.cudnn_bench': True}, "^env_cfg: TypeError: nothing reads 'cudnn_bench'"),
    ({'randomness.determinstic': True}, '^randomness: TypeError: .*determinstic'),
    ({'log_processor.windowsize': 3}, '^log_processor, LogProcessor: TypeError: .*windowsize'),
    ({'default_hooks.checkpoint.intervall': 1}, "^default_hooks.checkpoint: .*no argument 'intervall'"),
    ({'test_cfg.fp61': True}, '^test_cfg: TypeError: .*fp61'),
    ({'optim_wrapper.optimizer.lr': '1e-3'}, '^optim_wrapper, Adam: '),
    ({'model.backbone.out_indices': (0, 1, 2, 7)}, r'^model, ResNet: AssertionError: resnet\.py:\d+: assert max\(out'),
    ({'model.head.in_channels': 7}, '^model, CTDPoseEstimator: SourceError: .*gives 7 channels'),
    ({'model.head.deconv_out_channels': (16, 16), 'model.head.deconv_kernel_sizes': (4, 4)},
     '^settings.input_size: .*heatmaps have 8 x 8 pixels, the targets 16 x 16. No size near it works'),
    ({'train_dataloader.batch_size': 3, 'tried': dict(images=4, smallest=1), 'model.head.transfer.bss.type':
      'SpectralShrinkageLoss', 'model.head.transfer.bss.weight': 1.0},
     '^settings.batch_size: ValueError: 4 training images in batches of 3 leave one of 1: head.transfer.bss: ')])
def test_what_cannot_be_built_is_named(tiny_config, changes, message):
    from benchmark.experiments.plan.build_check import PartError, build, is_mistake
    tiny_config.merge_from_dict(changes)
    with pytest.raises(PartError, match=message) as caught:
        build(tiny_config)
    assert is_mistake(caught.value.__cause__)


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    root = tmp_path_factory.mktemp('build_check') / 'faces'
    write_landmark_dataset(root, dict(train=2, val=1, test=2), image_size=64, seed=0)
    return str(root)


@pytest.fixture
def tiny_config(config, narrow_source, faces):
    from benchmark.experiments.plan.configure import fill_paths
    return fill_paths(config('ctd_com', narrow_source, width=8), faces, str(narrow_source))


def test_what_is_changed_in_these_tests_is_sound(tiny_config):
    from benchmark.experiments.plan.build_check import build
    build(tiny_config)


def test_what_may_be_due_to_the_machine_is_no_mistake(tiny_config):
    from benchmark.experiments.plan.build_check import PartError, build, is_mistake
    tiny_config.merge_from_dict({'optim_wrapper.type': 'AmpOptimWrapper'})
    with pytest.raises(PartError, match='^optim_wrapper') as caught:
        build(tiny_config)
    assert not is_mistake(caught.value.__cause__)


def test_methods_do_not_see_what_others_register(tiny_config, tmp_path, monkeypatch):
    from benchmark.experiments.plan.build_check import FORK, _build_all
    folder = tmp_path / 'asked'
    folder.mkdir()
    for name in ('mod_a', 'mod_b'):
        (tmp_path / f'{name}.py').write_text(
            "from mmengine.hooks import Hook\nfrom mmpose.registry import HOOKS\n\n\n"
            "@HOOKS.register_module()\nclass MineHook(Hook):\n    pass\n")
    for number, imports in enumerate((['benchmark', 'mod_a'], ['benchmark', 'mod_b'], ['benchmark'])):
        tiny_config.custom_imports.imports = imports
        hooks = [*tiny_config.custom_hooks, dict(type='MineHook')]
        (folder / f'{number}.py').write_text(f'{tiny_config.pretty_text}\ncustom_hooks = {hooks!r}\n')
    monkeypatch.syspath_prepend(tmp_path)
    child = FORK.Process(target=_build_all, args=(str(folder),))
    child.start()
    child.join()
    answers = [json.loads((folder / f'{number}.json').read_text()) for number in range(3)]
    assert answers[:2] == [dict(said=None, mistake=False)] * 2
    assert answers[2]['mistake'] and answers[2]['said'].startswith(f'custom_hooks.{len(hooks) - 1}, MineHook: KeyErr')


def test_what_decides_whether_it_can_be_built(config, source_checkpoint):
    from benchmark.experiments.plan.build_check import _kinds
    one, other = (_kinds(config('ctd_ed', source_checkpoint).to_dict()) for _ in range(2))
    assert one == other
    changed = config('ctd_ed', source_checkpoint)
    changed.merge_from_dict({'train_dataloader.dataset.view_seed': 9, 'model.head.transfer.ed.weight': 0.5})
    assert _kinds(changed.to_dict()) == one
    # More labels are longer epochs, and so fewer of them.
    changed.merge_from_dict({'train_dataloader.dataset.num_labels': 3, 'train_cfg.max_epochs': 7,
                             'param_scheduler.0.end': 7})
    assert _kinds(changed.to_dict()) == one
    changed.model.backbone.depth = 34
    assert _kinds(changed.to_dict()) != one


def test_it_is_refused_in_one_line_before_anything_is_trained(tiny):
    text = "methods.update(ctd_com=dict(cfg_options={'model.head.transfer.ed.type': 'Encoder'}))\n"
    out = tiny.run(text=text)
    assert out.returncode == 2 and not (tiny.out / 'runs').exists()
    error, = (line for line in out.stderr.splitlines() if line.startswith('error: '))
    assert error.startswith('error: method ctd_com (') and "model, Encoder: KeyError: Encoder is not in the" in error


def test_what_has_been_built_is_not_built_again(tiny):
    built = tiny.cache / 'built'
    before = set(built.iterdir()) if built.exists() else set()
    marks = []
    for weight in (0.1, 0.2):
        options = {'model.head.transfer.cd.weight': weight, 'model.gradient_interval': 7}
        assert tiny.run('--dry-run', text=f'methods.update(ctd_com=dict(cfg_options={options}))\n').returncode == 0
        marks.append(set(built.iterdir()) - before)
    assert len(marks[0]) == 1 and marks[0] == marks[1]


@pytest.mark.parametrize('backbone, channels', [
    (dict(type='MobileNetV2', widen_factor=0.25, out_indices=(6,)), 80), (None, 64)])
def test_a_size_that_a_network_cannot_take_is_told_with_the_rule_and_the_nearest_that_it_can(
        registered, tiny_config, backbone, channels):
    from mmpose.registry import MODELS

    from benchmark.experiments.plan.build_check import PartError, _takes_its_input, unfit
    own = dict(tiny_config.model.backbone, init_cfg=None) if backbone is None else backbone
    head = dict(type='HeatmapHead', in_channels=channels, out_channels=3, deconv_out_channels=(8, 8, 8))
    model = MODELS.build(dict(type='TopdownPoseEstimator', backbone=own, head=head))
    tiny_config.train_dataloader.dataset.input_size = (100, 75)
    with pytest.raises(PartError, match=r'^settings.input_size: ValueError: 100 x 75 pixels: its heatmaps have 32 x 24 '
                                        r'pixels, the targets 25 x 18.75. Width and height must be divisible by 32: '
                                        r'set input_size=\(96, 64\)'):
        _takes_its_input(tiny_config, model)
    assert unfit(model, (96, 64)) is None and unfit(model, (64, 64), training=True) is None
    assert 'more than 1 value per channel' in unfit(model, (32, 32), training=True)
    assert 'cannot compute it (Given' in unfit(MODELS.build(dict(type='TopdownPoseEstimator', backbone=own, head=dict(
        head, in_channels=7))), (64, 64))
    assert unfit(model, (32, 32)) is None
    tiny_config.merge_from_dict({'tried': dict(images=5, smallest=1), 'train_dataloader.batch_size': 4})
    tiny_config.train_dataloader.dataset.input_size = (32, 32)
    with pytest.raises(PartError, match='^settings.batch_size: ValueError: 5 training images in batches of 4 leave one '
                                        'of 1: .* Set batch_size to 3, 5'):
        _takes_its_input(tiny_config, model)
    tiny_config.tried.smallest = 2
    _takes_its_input(tiny_config, model)


def test_a_source_that_is_given_fits_or_is_refused(tiny_config, source_checkpoint):
    from benchmark.experiments.plan.build_check import PartError, build
    tiny_config.model.backbone.init_cfg.checkpoint = str(source_checkpoint)
    with pytest.raises(PartError, match='^model.backbone: SourceError: .*source.pth: backbone.conv1.weight has shape'):
        build(tiny_config)


#: A parent that has computed on two threads, as one that fetched and converted a source has.
FORKED = '''
import multiprocessing, sys
import torch
torch.set_num_threads(2)
torch.mm(torch.ones(900, 900), torch.ones(900, 900)).sum().item()
torch.nn.Conv2d(8, 64, 3)(torch.ones(4, 8, 128, 128))
from benchmark.experiments.plan.ask_network import ask_network
from benchmark.experiments.plan.build_check import _build_all
if sys.argv[1] == 'ask':
    print(ask_network(dict(type='MobileNetV2', out_indices=(1, 2, 4, 6))).strides)
else:
    child = multiprocessing.get_context('fork').Process(target=_build_all, args=(sys.argv[2],))
    child.start()
    child.join()
'''


@pytest.mark.parametrize('what', ['ask', 'build'])
def test_nothing_waits_for_threads_of_a_parent_that_has_computed(tiny_config, tmp_path, what):
    (tmp_path / '0.py').write_text(tiny_config.pretty_text)
    done = subprocess.run([sys.executable, '-c', FORKED, what, str(tmp_path)], capture_output=True, text=True,
                          timeout=300, env={**os.environ, 'OMP_NUM_THREADS': '2', 'CTD_CACHE': str(tmp_path / 'cache')})
    assert done.returncode == 0, done.stderr
    if what == 'ask':
        assert done.stdout == '(4, 8, 16, 32)\n'
    else:
        assert json.loads((tmp_path / '0.json').read_text()) == dict(said=None, mistake=False)
