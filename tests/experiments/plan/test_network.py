"""The source is of the methods' own network, whatever it is, or the suite is refused when it is planned."""

import json
from pathlib import Path

import pytest
import torch

CONFIGS = Path(__file__).parents[3] / 'mmconfigs'
OWN = """
backbone = dict(_delete_=True, type='MobileNetV2', widen_factor=0.25, out_indices=(6,))
start = dict(type='Pretrained', checkpoint='', prefix='backbone.')
"""
FT = OWN + 'model = dict(backbone=dict(**backbone, init_cfg=start), head=dict(in_channels=80))\n'
FROZEN = OWN + ('model = dict(backbone=dict(**backbone, frozen_stages=2, norm_eval=True, init_cfg=start), '
                'head=dict(in_channels=80))\n')
ED = OWN + ('model = dict(backbone=dict(**backbone, init_cfg=start), source=dict(backbone=backbone), '
            "head=dict(in_channels=80, transfer=dict(ed=dict(stage='stage7'))))\n")
WIDER = FT.replace('0.25', '0.5')


@pytest.fixture
def planned(registered, tmp_path, monkeypatch):
    """Plans a suite of methods of one's own on a few synthetic faces."""
    from benchmark.experiments.plan.plan import make_plan
    from benchmark.experiments.suite.suite import load_suite
    monkeypatch.setenv('CTD_CACHE', str(tmp_path / 'cache'))

    def plan(methods: dict[str, str], text: str = '', source: str = "dict(_delete_=True, type='random')"):
        entries = {}
        for name, content in methods.items():
            entries[name] = {}
            if content:
                base = 'ctd_ed' if 'transfer' in content else 'ft'
                (tmp_path / f'{name}.py').write_text(f"_base_ = {str(CONFIGS / 'methods' / f'{base}.py')!r}\n{content}")
                entries[name] = dict(config=f'{name}.py')
        (tmp_path / 'mine.py').write_text(
            f"_base_ = {str(CONFIGS / 'suites/smoke.py')!r}\nmethods = dict(_delete_=True, **{entries!r})\n"
            'data = dict(train=4, val=2, test=3)\nanalysis = dict(proposed=None, reference=None)\n'
            f'source = {source}\n{text}\n')
        return make_plan(load_suite(str(tmp_path / 'mine.py')), tmp_path / 'out')

    return plan


@pytest.fixture
def model():
    """Builds a run's model with its source made, as a Runner does."""
    from mmpose.registry import MODELS

    from benchmark.experiments.plan.plan import write_config
    from benchmark.experiments.run.one_run import _make_source

    def build(plan, run):
        if not plan.source.path.exists():
            write_config(plan, 'source')
            _make_source(plan.source.job, dict(kind=plan.source.kind), {})
        made = MODELS.build(run.config.model)
        made.init_weights()
        return made

    return build


def test_a_random_source_is_of_the_methods_own_network(planned, model):
    plan = planned(dict(own_ft=FT, own_frozen=FROZEN, own_ed=ED, hg=''))
    model(plan, plan.runs[0])
    state = torch.load(plan.source.path, weights_only=True)
    assert state['meta']['arch'] == dict(type='MobileNetV2', widen_factor=0.25, out_indices=[6])
    weights = {key[9:]: value for key, value in state['state_dict'].items() if key.startswith('backbone.')}
    assert state['state_dict']['classifier.weight'].shape == (64, 80)
    assert 'MobileNetV2' in plan.source.description
    for run in plan.runs:
        if run.method == 'hg':
            assert run.source_hash is None and run.config.model.backbone.type == 'StackedHourglass'
            continue
        built = model(plan, run)
        assert type(built.backbone).__name__ == 'MobileNetV2' and run.source_hash == plan.source.hash
        own = built.backbone.state_dict()
        assert own.keys() == weights.keys() and all(torch.equal(own[key], weights[key]) for key in weights)
        if run.method == 'own_ed':
            source = built.source.backbone.state_dict()
            assert all(torch.equal(source[key], weights[key]) for key in weights)


def test_a_trained_source_is_of_it_too(planned):
    source = "dict(data=dict(identities=2, shots=2, image_size=64), epochs=1)"
    plan = planned(dict(own_ft=FT, own_ed=ED), source=source)
    assert plan.source.config.model.backbone.to_dict() == dict(type='MobileNetV2', widen_factor=0.25, out_indices=[6])
    from mmpose.registry import MODELS
    classifier = MODELS.build(plan.source.config.model)
    assert classifier.classifier.in_features == 80 and type(classifier.backbone).__name__ == 'MobileNetV2'
    wider = planned(dict(own_ft=WIDER), source=source)
    assert wider.source.hash != plan.source.hash


def test_an_own_network_is_used_as_it_is_whatever_the_settings_say_of_resnets(planned):
    plan = planned(dict(own_ft=FT), 'settings = dict(depth=34, width=16)')
    assert plan.runs[0].config.model.backbone.to_dict() == dict(
        type='MobileNetV2', widen_factor=0.25, out_indices=(6,),
        init_cfg=dict(type='Pretrained', checkpoint=str(plan.source.path), prefix='backbone.'))
    assert plan.runs[0].config.model.head.in_channels == 80


def test_the_source_is_normalised_as_its_methods_are(planned):
    from benchmark.experiments.errors import SuiteError
    other = FT + 'model.update(data_preprocessor=dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0]))\n'
    plan = planned(dict(own_ft=other))
    assert plan.source.normalisation == dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0])
    with pytest.raises(SuiteError, match='one source, but one normalise images by .*; two normalise images by'):
        planned(dict(one=FT, two=other))


@pytest.mark.parametrize(('methods', 'text', 'message'), [
    (dict(own_ft=FT, ft=''), '', r'a suite has one source, but own_ft start from MobileNetV2 \(.*\); ft start from '
                                 'ResNet-18 of width 32. Give all methods and conditions one network'),
    (dict(own_ft=FT, wider=WIDER), '', 'widen_factor=0.25.*widen_factor=0.5'),
    (dict(ft='', fe=''), "conditions = dict(all={}, deep=dict(depth=34))",
     'ft under all, fe under all start from ResNet-18 of width 32; ft under deep, fe under deep start from ResNet-34'),
    (dict(scratch='', ft=''), "conditions = dict(all={}, deep=dict(method_options=dict(scratch="
                              "{'model.backbone.depth': 34})))", 'model.backbone.depth.: would change nothing'),
    (dict(scratch=''), 'conditions = dict(all={}, wide=dict(width=64))', None)])
def test_what_one_source_cannot_serve_is_refused(planned, methods, text, message):
    from benchmark.experiments.errors import SuiteError
    if message is None:
        message = r'conditions\.wide\.width=64: the encoder is the source'
    with pytest.raises(SuiteError, match=message):
        planned(methods, text)


@pytest.mark.parametrize(('content', 'message'), [
    (FT.replace("checkpoint=''", "checkpoint='imagenet.pth'"), "init_cfg.checkpoint='imagenet.pth': the suite's"),
    (FT.replace(", prefix='backbone.'", ''), "has no prefix='backbone.'"),
    (ED.replace('source=dict(', "source=dict(checkpoint='t.pth', "), "model.source.checkpoint='t.pth'")])
def test_a_start_that_would_be_written_over_or_load_nothing_is_refused(planned, content, message):
    from benchmark.experiments.errors import SuiteError
    with pytest.raises(SuiteError, match=message):
        planned(dict(own=content))


@pytest.mark.parametrize(('arch', 'content', 'message'), [
    (dict(type='ResNet', depth=18), FT, "type='ResNet', not of the encoder with type='MobileNetV2'"),
    (dict(type='MobileNetV2', widen_factor=1.0), FT, 'widen_factor=1.0, not of the encoder with widen_factor=0.25'),
    (dict(type='ShuffleNetV2'), '', "type='ShuffleNetV2', not of the encoder with type='ResNet'"),
    (dict(type='ResNet', depth=18), "model = dict(backbone=dict(style='caffe'))\n", "style='pytorch', not of the enc"),
    (dict(type='ResNet', depth=50), '', None), (dict(type='VGGFace2ResNet', depth=50), '', None), ({}, FT, None),
    (dict(type='MobileNetV2', widen_factor=0.25, out_indices=[6]), FT, None)])
def test_a_given_source_is_of_the_encoders_network(planned, tmp_path, arch, content, message):
    from benchmark.experiments.errors import SuiteError
    path = tmp_path / 'given.pth'
    torch.save(dict(meta=dict(arch=arch), state_dict={'backbone.x': torch.zeros(1)}), path)
    methods = dict(own=content) if content else dict(fe='')
    source = f"dict(_delete_=True, type='checkpoint', path={str(path)!r})"
    if message:
        with pytest.raises(SuiteError, match=message):
            planned(methods, source=source)
        return
    backbone = planned(methods, source=source).runs[0].config.model.backbone
    if arch.get('depth'):
        assert (backbone.type, backbone.depth) == (arch['type'], 50) and 'base_channels' not in backbone
    else:
        assert backbone.type == 'MobileNetV2'


def test_what_makes_a_network():
    from benchmark.experiments.plan.network import architecture
    plain = dict(type='ResNet', depth=18)
    assert architecture(plain | dict(out_indices=(3,), init_cfg={}, frozen_stages=4, norm_eval=True, base_channels=64,
                                     norm_cfg=dict(type='StochNorm', p=0.5))) == plain
    grouped = architecture(plain | dict(style='caffe', norm_cfg=dict(type='GN', num_groups=4, requires_grad=True)))
    assert grouped == plain | dict(style='caffe', norm_cfg=dict(type='GN', num_groups=4))
    assert json.loads(json.dumps(architecture(dict(type='X', widths=(1, 2))))) == dict(type='X', widths=[1, 2])
