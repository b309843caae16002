"""Another encoder by one word: what stands in the runs' configs, in the source and on the page, and what is refused."""

import json
from pathlib import Path

import pytest
import torch

from benchmark.experiments.suite.backbones import LAYERS, TAPS, WORDS

CONFIGS = Path(__file__).parents[3] / 'mmconfigs'
MOBILE = "depth=None, width=None, backbone='mobilenet_v2'"
NARROW = "depth=None, width=None, backbone=dict(type='MobileNetV2', widen_factor=0.25)"
ALL = ('fe', 'ftp', 'ft', 'hg', 'ctd_cd', 'ctd_ed', 'ctd_com')


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    """Faces are drawn, networks asked and sources made once."""
    return tmp_path_factory.mktemp('cache')


def models(plan):
    return {run.method: run.config.model for run in plan.runs}


def test_one_word_is_the_encoder_of_all_methods_and_of_their_source(planned):
    plan = planned(MOBILE)
    known, found = WORDS['mobilenet_v2'], models(plan)
    for method, model in found.items():
        if method == 'hg':
            assert model.backbone.type == 'StackedHourglass'
            continue
        frozen = dict(fe=dict(frozen_stages=4), ftp=dict(frozen_stages=3)).get(method, {})
        assert model.backbone.to_dict() == dict(
            type='TappedBackbone', network=known.network, taps=known.taps, **frozen,
            init_cfg=dict(type='Pretrained', checkpoint=str(plan.source.path), prefix='backbone.'))
        assert model.head.in_channels == 1280 and model.head.deconv_out_channels == (64, 64, 64)
        if 'source' in model:
            assert model.source.backbone.to_dict() == dict(type='TappedBackbone', network=known.network,
                                                           taps=known.taps)
    assert plan.source.arch == dict(type='MobileNetV2', taps=[*known.taps])
    assert 'MobileNetV2' in plan.source.description
    settings = plan.content['settings']
    assert {name: settings[name]['network'] for name in ('FE', 'HG')} == {
        'FE': 'MobileNetV2 (up to conv2)', 'HG': 'StackedHourglass'}
    assert settings['FE']['encoder_stride'] == 32 and settings['FTP']['frozen_stages'] == 3


def test_a_word_for_a_resnet_is_its_depth(planned):
    runs = {name: {run.method: run.hash for run in planned(settings).runs} for name, settings in dict(
        word="depth=None, backbone='resnet34'", depth='depth=34', other="depth=None, backbone='resnet18'").items()}
    assert runs['word'] == runs['depth'] and runs['word'] != runs['other']


def test_a_cut_encoder_has_fewer_stages_fewer_deconvolutions_and_losses_that_read_its_last(planned):
    plan = planned(f'{MOBILE}, encoder_stride=16', ('fe', 'ftp', 'ctd_ed', 'ctd_cd', 'pkd', 'attention_transfer',
                                                    'similarity_preserving', 'rkd', 'cka', 'rtl_spatial',
                                                    'rtl_channel'))
    found = models(plan)
    for model in found.values():
        assert model.backbone.taps == ('layer2', 'layer3', 'layer5') and model.head.in_channels == 96
        assert model.head.deconv_out_channels == (64, 64) and model.head.deconv_kernel_sizes == (4, 4)
    assert (found['fe'].backbone.frozen_stages, found['ftp'].backbone.frozen_stages) == (3, 2)
    losses = {name: dict(loss) for name in found if 'transfer' in found[name].head
              for loss in found[name].head.transfer.values()}
    assert losses['ctd_ed']['stage'] == losses['pkd']['stage'] == 'stage3'
    assert losses['rkd']['tap'] == losses['cka']['tap'] == 'stage3'
    assert losses['attention_transfer']['stages'] == ['stage1', 'stage2', 'stage3']
    assert all(losses[name]['stages'] == ['stage3'] for name in ('rtl_spatial', 'rtl_channel'))
    assert losses['similarity_preserving']['stages'] == ['stage3'] and 'stage' not in losses['ctd_cd']


def test_a_resnet_is_cut_too(planned):
    found = models(planned('encoder_stride=16', ('ft', 'ctd_com')))
    network = dict(type='ResNet', depth=18, stem_channels=32, base_channels=32)
    for model in found.values():
        assert model.backbone.network == network and model.backbone.taps == LAYERS[:3]
        assert model.head.in_channels == 128 and len(model.head.deconv_out_channels) == 2


def test_hrnet_ends_at_a_quarter_and_needs_no_deconvolution(planned):
    found = models(planned("depth=None, width=None, backbone='hrnet_w32'", ('ftp', 'ctd_ed')))
    for model in found.values():
        assert model.head.deconv_out_channels == () and model.head.in_channels == 32
        assert model.backbone.taps == TAPS['HRNet']


def test_the_encoder_by_condition_goes_before_the_depth_of_all(planned):
    plan = planned('depth=18', ('hg', 'scratch'), text="conditions = dict(all={}, other=dict(backbone='mobilenet_v2'))")
    kinds = {(run.method, run.condition): run.config.model.backbone.type for run in plan.runs}
    assert kinds['scratch', 'all'] == 'ResNet' and kinds['scratch', 'other'] == 'TappedBackbone'
    assert ('hg', 'other') not in kinds


def build(plan, run):
    """A run's model with its source made, as a Runner does."""
    from mmpose.registry import MODELS

    from benchmark.experiments.plan.plan import write_config
    from benchmark.experiments.run.one_run import _make_source
    if not plan.source.path.exists():
        write_config(plan, 'source')
        _make_source(plan.source.job, dict(kind=plan.source.kind, data=plan.source.data), dict(save_every=None))
    torch.manual_seed(run.config.randomness.seed)
    made = MODELS.build(run.config.model)
    made.init_weights()
    return made


@pytest.mark.parametrize('stride', [None, 16])
@pytest.mark.parametrize('kind', ['random', 'train', 'checkpoint'])
def test_every_kind_of_source_is_of_the_encoders_network(planned, tmp_path, kind, stride):
    """Random, trained and given: the encoder starts with the source's weights, and the frozen source has them."""
    source = dict(random="dict(_delete_=True, type='random')",
                  train='dict(data=dict(identities=3, shots=4, image_size=64), epochs=1, batch_size=4)')
    settings = f'{NARROW}, encoder_stride={stride}'
    if kind == 'checkpoint':
        from mmpose.registry import MODELS
        torch.manual_seed(5)
        network = MODELS.build(dict(type='MobileNetV2', widen_factor=0.25))
        state = {f'backbone.{name}': value for name, value in network.state_dict().items()}
        state |= {'classifier.weight': torch.randn(6, 1280), 'classifier.bias': torch.randn(6)}
        torch.save(dict(meta=dict(arch=dict(type='MobileNetV2', widen_factor=0.25)), state_dict=state),
                   tmp_path / 'given.pth')
        source[kind] = f"dict(_delete_=True, type='checkpoint', path={str(tmp_path / 'given.pth')!r})"
    methods = ('ft', 'ctd_ed') if kind == 'checkpoint' and stride else ('ft', 'ctd_com')
    plan = planned(settings, methods, source[kind])
    for run in plan.runs:
        made = build(plan, run)
        assert type(made.backbone).__name__ == 'MobileNetV2' and run.source_hash == plan.source.hash
        weights = torch.load(plan.source.path, weights_only=True)['state_dict']
        own = made.backbone.state_dict()
        assert all(torch.equal(value, weights[f'backbone.{name}']) for name, value in own.items())
        if run.method != 'ft':
            assert all(torch.equal(value, weights[f'backbone.{name}'])
                       for name, value in made.source.backbone.state_dict().items())
            assert made.source.taps[-1] == ('pooled' if kind == 'checkpoint' and stride else 'logits')


@pytest.mark.parametrize(('settings', 'message'), [
    ("backbone='mobilnet', depth=None", r"settings\.backbone='mobilnet': give one of resnet18, .*, mobilenet_v2, "),
    ("backbone='mobilenet_v2'", r'settings\.backbone names the whole network, settings\.depth sets the depth of'),
    ("backbone='resnet18'", r'settings\.backbone names .* settings\.depth'),
    ('depth=None, width=None, backbone=dict(depth=18)', 'settings.backbone=.*give one of'),
    ("depth=None, width=None, backbone=dict(type='VGG', depth=11, frozen_stages=1)", 'without init_cfg, frozen_stages'),
    ("depth=None, width=None, backbone=dict(type='MobilNet')", r'settings\.backbone: MobilNet: MMPose registers no'),
    ("depth=None, width=None, backbone=dict(type='absent_models.ConvNeXt')", 'needs the package absent_models, '),
    ("depth=None, width=None, backbone=dict(type='MobileNetV2', wide=1)", "MobileNetV2: .*argument 'wide'"),
    ("depth=None, width=None, backbone=dict(type='MobileNetV2', taps=['layer3', 'layer2'])", 'in another order'),
    ("depth=None, width=None, backbone='hrnet_w32', encoder_stride=16",
     r"settings\.backbone='hrnet_w32', settings\.encoder_stride=16: has no map of this stride; its taps have strides"),
    ("depth=None, width=None, backbone=dict(type='MobileNetV2', taps=['conv2'])",
     r'the encoder has 1 stage, too few for a method that trains the last 1 and freezes what is before them'),
    ("depth=None, width=None, backbone=dict(type='MobileNetV2', taps=['layer1'])", 'the encoder ends at stride 2')])
def test_what_cannot_be_an_encoder_is_refused_when_it_is_planned(planned, settings, message):
    from benchmark.experiments.errors import SuiteError
    with pytest.raises(SuiteError, match=message) as caught:
        planned(settings, ('ftp',))
    assert '\n' not in str(caught.value)


def test_depth_of_a_condition_beside_a_backbone_is_refused(planned):
    from benchmark.experiments.errors import SuiteError
    with pytest.raises(SuiteError, match=r'conditions\.deep\.backbone names the whole network, conditions'):
        planned(MOBILE, ('ft',), text='conditions = dict(all={}, deep=dict(depth=34))')


@pytest.mark.parametrize(('arch', 'settings', 'message'), [
    (dict(type='ResNet', depth=18), MOBILE, "type='ResNet', not of the encoder with type='MobileNetV2'"),
    (dict(type='MobileNetV2', widen_factor=1.0), NARROW, 'widen_factor=1.0, not of the encoder with widen_factor=0.25'),
    (dict(type='ResNet', depth=50), "depth=None, backbone='resnet18'",
     r"settings\.backbone='resnet18': the encoder is the source's network, with depth=50"),
    (dict(type='ResNet', depth=50), "depth=None, backbone='resnet18', encoder_stride=16", 'with depth=50')])
def test_a_given_source_of_another_network_is_refused(planned, tmp_path, arch, settings, message):
    from benchmark.experiments.errors import SuiteError
    torch.save(dict(meta=dict(arch=arch), state_dict={'backbone.x': torch.zeros(1)}), tmp_path / 'given.pth')
    with pytest.raises(SuiteError, match=message):
        planned(settings, ('ft',), f"dict(_delete_=True, type='checkpoint', path={str(tmp_path / 'given.pth')!r})")


def test_a_cut_resnet_is_the_resnet_of_the_source(planned, tmp_path):
    torch.save(dict(meta=dict(arch=dict(type='VGGFace2ResNet', depth=50)), state_dict={'backbone.x': torch.zeros(1)}),
               tmp_path / 'given.pth')
    plan = planned('encoder_stride=16', ('ft',),
                   f"dict(_delete_=True, type='checkpoint', path={str(tmp_path / 'given.pth')!r})")
    model = models(plan)['ft']
    assert model.backbone.network == dict(type='VGGFace2ResNet', depth=50) and model.head.in_channels == 1024


@pytest.mark.parametrize(('settings', 'method', 'message'), [
    (MOBILE, 'delta', 'DeltaLoss: channels can be knocked out of a ResNet only, not of a MobileNetV2'),
    (MOBILE, 'ftp_block', "train='last_block' fits no parameter"),
    (f'{MOBILE}, input_size=(72, 72)', 'ft', 'Width and height must be divisible by 32'),
    ("depth=None, width=None, backbone='hrnet_w32', input_size=(72, 72)", 'ft', 'must be divisible by 32'),
    ("depth=None, width=None, backbone='hrnet_w32', input_size=(128, 128)", 'rkd',
     'stage4 has 1024 places, whose relations take room with their third power; at most 256'),
    ("depth=None, width=None, backbone=dict(type='MobileNetV2', taps=['layer5'])", 'fitnets', "no tap 'stage2'"),
    ("depth=None, width=None, backbone=dict(type='SwinTransformer', embed_dims=8, depths=[1, 1, 1, 1], "
     'num_heads=[1, 1, 1, 1])', 'bn_frozen', 'SwinTransformer has no batch norm')])
def test_what_a_method_cannot_do_with_a_network_is_told_before_anything_is_trained(planned, settings, method, message):
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.plan.build_check import check_methods
    plan = planned(settings, (method,))
    with pytest.raises(SuiteError, match=message) as caught:
        check_methods(plan)
    assert '\n' not in str(caught.value) and 'settings.backbone' in str(caught.value)


def test_a_network_is_asked_once_and_its_answer_kept(registered, tmp_path, monkeypatch):
    from benchmark.experiments.plan import ask_network
    monkeypatch.setenv('CTD_CACHE', str(tmp_path / 'cache'))
    asked = ask_network._answer
    calls = []
    monkeypatch.setattr(ask_network, '_answer', lambda *given: calls.append(given) or asked(*given))
    network = dict(type='MobileNetV2', widen_factor=0.35)
    for _ in range(2):
        ask_network._ANSWERS.clear()
        found = ask_network.ask_network(network)
    assert len(calls) == 1 and len([*(tmp_path / 'cache/networks').glob('*.json')]) == 1
    assert (found.taps, found.channels, found.strides) == (
        WORDS['mobilenet_v2'].taps, (8, 16, 32, 1280), (4, 8, 16, 32))
    assert ask_network.ask_network(network | dict(widen_factor=0.5)).channels == (16, 16, 48, 1280)


@pytest.mark.parametrize(('network', 'taps', 'channels', 'strides'), [
    (dict(type='MobileNetV2', widen_factor=0.25, out_indices=(2, 4)), ('layer3', 'layer5'), (8, 24), (8, 16)),
    (dict(type='ShuffleNetV2', widen_factor=0.5), ('layers.0', 'layers.1', 'layers.3'), (48, 96, 1024), (8, 16, 32)),
    (dict(type='CSPNeXt', deepen_factor=0.17, widen_factor=0.125), ('stage1', 'stage2', 'stage3', 'stage4'),
     (16, 32, 64, 128), (4, 8, 16, 32)),
    (dict(type='SwinTransformer', embed_dims=8, depths=(1, 1, 1, 1), num_heads=(1, 1, 1, 1)), (), (8, 16, 32, 64),
     (4, 8, 16, 32))])
def test_a_network_says_its_taps(registered, network, taps, channels, strides):
    from benchmark.experiments.plan.ask_network import describe
    found = describe(json.loads(json.dumps(network)))
    assert (tuple(found['taps']), tuple(found['channels']), tuple(found['strides'])) == (taps, channels, strides)


def test_the_number_of_other_networks_is_part_of_their_hash_alone(planned, monkeypatch):
    from benchmark.experiments.plan import identity
    before = [planned(text, ('ft', 'hg', 'ctd_ed_random')) for text in ('', MOBILE)]
    monkeypatch.setattr(identity, 'OTHER_NETWORKS', identity.OTHER_NETWORKS + 1)
    after = [planned(text, ('ft', 'hg', 'ctd_ed_random')) for text in ('', MOBILE)]
    hashes = [[{run.method: run.hash for run in plan.runs} for plan in plans] for plans in (before, after)]
    assert hashes[0][0] == hashes[1][0] and before[0].source.hash == after[0].source.hash
    changed = {name for name, value in hashes[0][1].items() if hashes[1][1][name] != value}
    assert changed == {'ft', 'ctd_ed_random'} and before[1].source.hash != after[1].source.hash
