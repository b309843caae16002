"""Every method trains on other encoders than a ResNet; what is frozen stays, and is computed once where it can be."""

from pathlib import Path

import pytest
import torch

from benchmark.experiments.suite.backbones import LAYERS, TAPS, WORDS

MOBILE = dict(type='MobileNetV2', widen_factor=0.25)
WIDTHS = (4, 8, 16, 32)
HRNET = dict(type='HRNet', extra={
    'stage1': dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(1,), num_channels=(8,)),
    **{f'stage{n}': dict(num_modules=1, num_branches=n, block='BASIC', num_blocks=(1,) * n, num_channels=WIDTHS[:n])
       for n in (2, 3, 4)}})
NETWORKS = dict(mobile=(MOBILE, WORDS['mobilenet_v2'].taps, (8, 8, 24, 1280), (4, 8, 16, 32)),
                own=(dict(type='MobileNetV1', width=0.25), LAYERS, (32, 64, 128, 256), (4, 8, 16, 32)),
                hrnet=(HRNET, TAPS['HRNet'], (32, 4, 4, 4), (4, 4, 4, 4)))
#: Those that show each part at work; the others are slow only in their number.
FEW = ('mobile', 'fe'), ('mobile', 'ft'), ('mobile', 'ctd_com'), ('hrnet', 'ftp')
METHODS = [path.stem for path in sorted((Path(__file__).parents[2] / 'mmconfigs/methods').rglob('*.py'))
           if path.stem not in ('hg', 'delta', 'ftp_block')]


@pytest.fixture
def train_on(runner, tmp_path, monkeypatch):
    """Gives a runner of a method on one of the networks, with a source of it."""
    from mmpose.registry import MODELS

    from benchmark.experiments.plan import encoder
    from benchmark.experiments.suite.backbones import Backbone

    def make(name, method, folder='whole', **settings):
        network, taps, channels, strides = NETWORKS[name]
        # As the network says when it is asked, in another test.
        monkeypatch.setattr(encoder, 'ask_network', lambda *_: Backbone(network, taps, channels, strides))
        path = tmp_path / f'{name}.pth'
        if not path.exists():
            torch.manual_seed(3)
            made = MODELS.build(dict(type='TappedBackbone', network=network, taps=taps))
            made.init_weights()
            state = {f'backbone.{key}': value for key, value in made.state_dict().items()}
            width = channels[(3 if settings.get('encoder_stride') is None else 2)]
            state |= {'classifier.weight': torch.randn(5, width), 'classifier.bias': torch.randn(5)}
            torch.save(dict(meta={}, state_dict=state), path)
        settings = dict(depth=None, width=None, backbone=network, batch_size=4, epochs=1) | settings
        return runner(method, f'{name}-{method}-{folder}', source=path, **settings)

    return make


@pytest.mark.parametrize(('name', 'method'), [
    pytest.param(name, method, marks=() if (name, method) in FEW else pytest.mark.slow)
    for name in ('mobile', 'hrnet') for method in METHODS])
def test_every_method_takes_its_steps(train_on, name, method):
    one = train_on(name, method)
    before = {key: value.clone() for key, value in one.model.state_dict().items()}
    one.train()
    after = one.model.state_dict()
    assert one.iter == 2 and all(value.isfinite().all() for value in after.values())
    assert not torch.equal(after['head.final_layer.weight'], before['head.final_layer.weight'])
    assert tuple(one.model.head(one.model.extract_feat(torch.zeros(1, 3, 64, 64))).shape[2:]) == (16, 16)


@pytest.mark.parametrize(('name', 'method', 'moves'), [
    ('mobile', 'fe', ()), pytest.param('hrnet', 'fe', (), marks=pytest.mark.slow),
    pytest.param('mobile', 'ftp', ('layer6.', 'layer7.', 'conv2.'), marks=pytest.mark.slow),
    ('hrnet', 'ftp', ('transition3.3.', 'stage4.')), ('mobile', 'ftp_convolution', ('conv2.conv.',))])
def test_what_a_method_freezes_stays_bit_for_bit(train_on, name, method, moves):
    one = train_on(name, method)
    source = torch.load(one.cfg.model.backbone.init_cfg.checkpoint, weights_only=True)['state_dict']
    one.train()
    own = one.model.backbone.state_dict()
    changed = {key for key, value in own.items() if not torch.equal(value, source[f'backbone.{key}'])}
    assert all(moves and key.startswith(moves) for key in changed) and bool(changed) == bool(moves)


@pytest.mark.parametrize(('name', 'method', 'settings'), [
    pytest.param('mobile', 'fe', {}, marks=pytest.mark.slow), pytest.param('hrnet', 'fe', {}, marks=pytest.mark.slow),
    ('mobile', 'fe', dict(encoder_stride=16)), ('own', 'ftp', {})])
def test_with_kept_features_a_method_is_what_it_is_without_bit_for_bit(train_on, name, method, settings):
    results, computed = [], []
    for folder, enabled in (('without', False), ('with', True), ('again', True)):
        one, images = train_on(name, method, folder, epochs=3, batch_size=3, feature_cache=dict(enabled=enabled),
                               **settings), []
        first = next(module for module in one.model.backbone.modules() if isinstance(module, torch.nn.Conv2d))
        first.register_forward_hook(lambda module, given, *_, images=images: images.append(
            len(given[0])))
        one.train()
        results.append(one.model.state_dict())
        computed.append(sum(images))
    assert all(torch.equal(value, other[key]) for key, value in results[0].items() for other in results[1:])
    # 8 images in each of 3 epochs, an incomplete batch as a whole one; 2 more in the validation after the last.
    assert computed[0] == 27 + 2 and 8 < computed[1] <= computed[0] and computed[2] <= 3 + 2


def test_a_cut_source_is_not_taken_for_the_whole_one(train_on):
    """Same weights, another end or images of another size: what is pooled is not the same, nor where it is kept."""
    folders = []
    for stride, size in ((None, None), (16, None), (None, (60, 60))):
        one = train_on('mobile', 'ctd_ed', f'{stride}-{size}', encoder_stride=stride)
        one.model.source.input_size = size
        one.train()
        features = Path(one.work_dir).parent / 'cache/features'
        folders.append({path.name for path in features.iterdir()})
    assert [len(one) for one in folders] == [1, 2, 3]


def test_rates_fall_from_the_head_to_the_first_tap(train_on):
    one = train_on('mobile', 'layer_lr')
    one.train()
    names, groups = {id(value): name for name, value in one.model.named_parameters()}, []
    for group in one.optim_wrapper.optimizer.param_groups:
        found = [names[id(value)].split('.') for value in group['params'] if id(value) in names]
        groups.append({parts[parts[0] == 'backbone'] for parts in found})
    assert groups[:5] == [{'head'}, {'layer6', 'layer7', 'conv2'}, {'layer4', 'layer5'}, {'layer3'},
                          {'conv1', 'layer1', 'layer2'}]
    rates = [group['initial_lr'] for group in one.optim_wrapper.param_groups][:5]
    assert rates == pytest.approx([1e-3 / 2.6**place for place in range(5)])


def test_lambda_zero_is_fine_tuning_on_another_encoder_too(train_on):
    results = []
    for method in ('ft', 'ctd_ed_zero'):
        one = train_on('mobile', method)
        one.train()
        results.append(one.model.state_dict())
    assert all(torch.equal(value, results[1][key]) for key, value in results[0].items())


@pytest.mark.parametrize('method', [pytest.param('fe', marks=pytest.mark.slow), 'ftp',
                                    pytest.param('ft', marks=pytest.mark.slow)])
def test_a_resnet_with_taps_trains_as_the_plain_one(runner, method):
    """FE, FTP and FT of MMPose's own freezing, caching and names, and ours: the same bytes."""
    from mmengine.runner import Runner
    plain = runner(method, 'plain')
    cfg = plain.cfg.copy()
    plain.train()
    backbone = cfg.model.backbone
    network = {key: backbone.pop(key) for key in ('type', 'depth', 'base_channels', 'stem_channels')}
    backbone.pop('out_indices')
    backbone.update(type='TappedBackbone', network=network, taps=('layer1', 'layer2', 'layer3', 'layer4'))
    cfg.work_dir, cfg.experiment_name = f'{plain.work_dir}-tapped', f'{plain.experiment_name}-tapped'
    tapped = Runner.from_cfg(cfg)
    tapped.train()
    other = tapped.model.state_dict()
    assert all(torch.equal(value, other[key]) for key, value in plain.model.state_dict().items())
