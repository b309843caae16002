"""Sources that are given: a suite's, and those that methods have of their own."""

import json
from pathlib import Path

import pytest
import torch

from benchmark.datasets.metainfo import DataError


def models(plan):
    return {run.method: run.config.model for run in plan.runs}


@pytest.fixture
def mobile(registered, tmp_path):
    """A source checkpoint of a MobileNet v1, as a known source has it."""
    from mmpose.registry import MODELS
    torch.manual_seed(0)
    network = MODELS.build(dict(type='MobileNetV1'))
    path = tmp_path / 'mobile.pth'
    torch.save(dict(meta=dict(arch=dict(type='MobileNetV1'), name='known_mobile', trained_on='drawings',
                              normalisation=dict(mean=[1.0, 2.0, 3.0], std=[4.0, 5.0, 6.0])),
                    state_dict={f'backbone.{key}': value for key, value in network.state_dict().items()}), path)
    return path


SMOKE = Path(__file__).parents[3] / 'mmconfigs/suites/smoke.py'
NOTHING_SAID = 'depth=None, width=None'


def test_a_given_source_that_is_no_resnet_brings_its_network_as_the_encoder(planned, mobile, capsys):
    given = f'dict(_delete_=True, type="checkpoint", path={str(mobile)!r})'
    plan = planned(NOTHING_SAID, ('ft', 'ctd_ed', 'hg'), given)
    found = models(plan)
    for name in ('ft', 'ctd_ed'):
        assert found[name].backbone.network.type == 'MobileNetV1' and found[name].head.in_channels == 1024
        assert found[name].data_preprocessor['mean'] == [1.0, 2.0, 3.0]
    assert found['hg'].backbone.type == 'StackedHourglass'
    assert plan.source.description.startswith('known_mobile; trained on drawings; ')
    # The depth and width of the shipped suite's ResNet have no place in it, and nobody here wrote them.
    capsys.readouterr()
    other = planned('', ('ft', 'ctd_ed', 'hg'), given)
    assert [run.hash for run in other.runs] == [run.hash for run in plan.runs]
    assert 'depth' not in capsys.readouterr().out
    # Said or brought: the same runs.
    said = planned(f"{NOTHING_SAID}, backbone='mobilenet_v1'", ('ft', 'ctd_ed', 'hg'), given)
    assert [run.hash for run in said.runs] == [run.hash for run in plan.runs]


@pytest.mark.parametrize(('arch', 'word'), [
    # As the converter writes it.
    (dict(type='MobileNetV2', out_indices=[1, 2, 4, 7]), 'mobilenet_v2'), (dict(type='DlibResNet'), 'dlib_resnet'),
    (dict(type='MobileNetV2', widen_factor=0.5), None), (dict(type='ResNet', depth=50), None), ({}, None)])
def test_a_network_has_its_word_whichever_maps_it_gives(arch, word):
    from benchmark.experiments.plan.given_source import word_of
    assert word_of(arch) == word


def test_a_known_source_is_named_by_a_word_and_got_once(planned, mobile, monkeypatch):
    from benchmark.models.convert import getting
    asked = []
    monkeypatch.setattr(getting, 'get_source', lambda name, say: asked.append(name) or (mobile, {}))
    plan = planned(NOTHING_SAID, ('ft',), "dict(_delete_=True, type='checkpoint', path='vggface2_mobilenet')")
    assert asked == ['vggface2_mobilenet'] and plan.source.path == mobile


@pytest.mark.parametrize(('path', 'said'), [
    ('vggface2_mobilnet', r"mine\.py: source\.path: 'vggface2_mobilnet' is no file and no known source\. Is it "
                          r"'vggface2_mobilenet'\? Known are vggface2_mobilenet, \w+, \w+, \w+ \("),
    ('dlib-resnet', "'dlib-resnet' is no file and no known source. Is it 'dlib_resnet'[?] Known are dlib_resnet, "),
    ('faces', r"'faces' is no file and no known source\. Known are .*; give one of these, or the path"),
    ('gone.pth', r'mine\.py: source\.path: gone\.pth: no such source checkpoint'),
])
def test_a_source_that_is_not_there(planned, path, said):
    from benchmark.experiments.errors import SuiteError
    with pytest.raises(SuiteError, match=said):
        planned(NOTHING_SAID, ('ft',), f"dict(_delete_=True, type='checkpoint', path={path!r})")


def test_a_known_source_that_cannot_be_fetched_says_why(planned, monkeypatch):
    from benchmark.experiments.errors import SuiteError
    from benchmark.models.convert import ConversionError, getting

    def fail(name, say):
        raise ConversionError('npm: no network.')

    monkeypatch.setattr(getting, 'get_source', fail)
    with pytest.raises(SuiteError, match=r'source\.path: npm: no network\.'):
        planned(NOTHING_SAID, ('ft',), "dict(_delete_=True, type='checkpoint', path='dlib_resnet')")


def test_pooled_features_stand_for_the_class_scores_of_a_source_without_a_classifier(planned, mobile, tmp_path):
    given = f'dict(_delete_=True, type="checkpoint", path={str(mobile)!r}LOGITS)'
    plan = planned(NOTHING_SAID, ('ft', 'ctd_cd', 'ctd_ed_random'), given.replace('LOGITS', ''))
    found = models(plan)
    assert found['ctd_cd'].source.logits == 'pooled' and 'logits' not in found['ctd_ed_random'].source
    assert plan.source.description == 'known_mobile; trained on drawings; its pooled features stand for class scores'
    assert plan.content['settings']['CTD-CD']['class_scores'] == 'pooled features of the source'
    said = planned(NOTHING_SAID, ('ft', 'ctd_cd'), given.replace('LOGITS', ", logits='classifier'"))
    assert 'logits' not in models(said)['ctd_cd'].source and said.runs[0].hash == plan.runs[0].hash
    content = torch.load(mobile, weights_only=True)
    content['state_dict'] |= {'classifier.weight': torch.zeros(3, 1024), 'classifier.bias': torch.zeros(3)}
    torch.save(content, tmp_path / 'with.pth')
    given = given.replace(str(mobile), str(tmp_path / 'with.pth'))
    assert 'logits' not in models(planned(NOTHING_SAID, ('ctd_cd',), given.replace('LOGITS', '')))['ctd_cd'].source
    asked = planned(NOTHING_SAID, ('ctd_cd',), given.replace('LOGITS', ", logits='pooled'"))
    assert models(asked)['ctd_cd'].source.logits == 'pooled'


TWO = "dict(mine=dict(config='ctd_ed', source=PLACE), theirs=dict(config='ft', source=PLACE))"


def own_sources(planned, mobile, methods=TWO, text=''):
    """A plan of FE with the suite's source, beside methods that have their own."""
    return planned('', ('fe',), text=f'methods.update({methods.replace("PLACE", repr(str(mobile)))})\n{text}')


def test_a_method_has_its_own_source_and_its_network(planned, mobile):
    from benchmark.utils.files import file_digest
    plan = own_sources(planned, mobile)
    found, usual = models(plan), planned('', ('fe',))
    assert found['fe'].backbone.type == 'ResNet' and found['mine'].backbone.network.type == 'MobileNetV1'
    assert found['mine'].source.checkpoint == found['theirs'].backbone.init_cfg.checkpoint == str(mobile)
    assert found['mine'].data_preprocessor['mean'] == [1.0, 2.0, 3.0]
    hashes = {run.method: run.source_hash for run in plan.runs}
    assert hashes['mine'] == hashes['theirs'] == file_digest(mobile) != hashes['fe'] == plan.source.hash
    # What has the suite's source is the run that it is without the others.
    assert [run.hash for run in plan.runs if run.method == 'fe'] == [run.hash for run in usual.runs]
    assert plan.content['source']['hash'] == plan.source.hash
    about = plan.content['source']['methods']
    assert about['mine'] == about['theirs'] and about['mine']['description'].startswith('known_mobile; trained on draw')
    assert 'fe' not in about and 'methods' not in usual.content['source']


def test_a_planned_pair_that_differs_in_network_and_source_is_remarked(planned, mobile, capsys):
    from benchmark.experiments.commands.status import describe
    two = "dict(mine=dict(config='ctd_ed', source=PLACE), theirs=dict(config='ft', source=PLACE), hg={})"
    pairs = [('mine', 'theirs'), ('mine', 'fe'), ('hg', 'fe')]
    plan = own_sources(planned, mobile, two, f'analysis = dict(pairs={pairs}, proposed=None, reference=None)')
    capsys.readouterr()
    describe(plan)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith('note: planned pairs')]
    assert [line.split(', so')[0] for line in said] == ['note: planned pairs that differ in source and network',
                                                        'note: planned pairs that differ in network']
    assert [line.split('difference: ')[1] for line in said] == ['MINE − FE', 'HG − FE']


def test_only_runs_with_the_suites_source_wait_for_it(planned, mobile):
    from benchmark.experiments.state.tasks import work_of
    plan = own_sources(planned, mobile)
    work = work_of(json.loads(json.dumps(plan.content)), plan.out)
    assert {task.entry['method']: task.needs_source for task in work.runs} == dict(fe=True, mine=False, theirs=False)
    assert {task.entry['source'] for task in work.runs if task.entry['method'] != 'fe'} == {str(mobile)}


def test_settings_of_a_method_go_before_those_of_its_condition(planned, mobile):
    plan = own_sources(planned, mobile, "dict(mine=dict(config='ctd_ed', source=PLACE, settings=dict(iterations=12)), "
                       "ft=dict(settings=dict(lr=0.25, decoder_channels=8)))",
                       "conditions = dict(a=dict(epochs=2), b=dict(epochs=2, lr=0.5))")
    by = {(run.method, condition): run.config for run in plan.runs for condition in (run.condition, *run.also)}
    assert [by['mine', name].train_cfg.max_epochs for name in 'ab'] == [12, 12]
    assert [by[method, name].train_cfg.max_epochs for method in ('fe', 'ft') for name in 'ab'] == [2] * 4
    assert [by[method, 'b'].optim_wrapper.optimizer.lr for method in ('mine', 'fe', 'ft')] == [0.5, 0.5, 0.25]
    assert by['ft', 'a'].model.head.deconv_out_channels == (8, 8, 8) != by['fe', 'a'].model.head.deconv_out_channels


@pytest.mark.parametrize(('methods', 'said'), [
    ("dict(mine=dict(config='ft', source='vggface2_mobilnet'))",
     r"mine\.py: methods\.mine\.source: 'vggface2_mobilnet' is no file and .* Is it 'vggface2_mobilenet'\?"),
    ("dict(mine=dict(config='ft', source='gone.pth'))", r'methods\.mine\.source: gone\.pth: no such source'),
    ("dict(mine=dict(config='ft', source=PLACE, settings=dict(backbone='mobilenet_v2')))",
     r"methods\.mine\.source: .*mobile\.pth: is of a network with type='MobileNetV1', not of the encoder with"),
    ("dict(mine=dict(config='ft', settings=dict(epochs=2, iterations=2)))",
     r'methods\.mine\.settings\.epochs and methods\.mine\.settings\.iterations both set'),
    ("dict(mine=dict(config='ft', settings=dict(lr='much')))", r"methods\.mine\.settings\.lr='much': give a number"),
])
def test_what_a_methods_own_source_cannot_be(planned, mobile, methods, said):
    from benchmark.experiments.errors import SuiteError
    with pytest.raises(SuiteError, match=said):
        own_sources(planned, mobile, methods)


KNOWN = "dict(known='vggface2_mobilenet')"


def test_a_known_source_stands_for_one_that_would_be_trained(planned, mobile, monkeypatch, capsys):
    from benchmark.models.convert import getting
    monkeypatch.setattr(getting, 'get_source', lambda name, say: (mobile, {}))
    plan = planned(NOTHING_SAID, ('ft',), KNOWN)
    assert plan.source.kind == 'checkpoint' and plan.source.path == mobile and plan.content['source']['job'] is None
    assert 'note: source vggface2_mobilenet (the default of this suite; --source train' in capsys.readouterr().out


def test_a_known_source_that_cannot_be_fetched_says_what_else_there_is(planned, monkeypatch):
    from benchmark.experiments.errors import SuiteError
    from benchmark.models.convert import ConversionError, getting

    def fail(name, say):
        raise ConversionError('npm: no network.')

    monkeypatch.setattr(getting, 'get_source', fail)
    with pytest.raises(SuiteError, match=r'source\.known: npm: no network\. Without it, train .*--source-data FOLDER'):
        planned(NOTHING_SAID, ('ft',), KNOWN)


@pytest.mark.parametrize(('options', 'known', 'kind'), [
    ([], 'vggface2_mobilenet', 'train'), (['--source', 'train'], None, 'train'),
    (['--source-data', 'people'], None, 'train'), (['--source', 'dlib_resnet'], None, 'checkpoint'),
    (['--source', 'random'], None, 'random')])
def test_the_command_line_goes_before_the_known_source(tmp_path, options, known, kind):
    from benchmark.experiments.commands.arguments import adjust, parser
    from benchmark.experiments.suite.suite import load_suite
    (tmp_path / 'mine.py').write_text(f"_base_ = {str(SMOKE)!r}\nsource = {KNOWN}\n")
    suite = adjust(load_suite(str(tmp_path / 'mine.py')), parser().parse_args(['mine.py', *options]))
    assert suite.source.type == kind and getattr(suite.source, 'known', None) == known


def test_a_suite_without_a_trained_source_trains_none(tmp_path):
    from benchmark.experiments.commands.arguments import adjust, parser
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.suite.suite import load_suite
    (tmp_path / 'mine.py').write_text(f"_base_ = {str(SMOKE)!r}\nsource = dict(_delete_=True, type='random')\n")
    with pytest.raises(SuiteError, match='--source train: mine trains no source. Name faces for it: --source-data'):
        adjust(load_suite(str(tmp_path / 'mine.py')), parser().parse_args(['mine.py', '--source', 'train']))


def test_a_resnet_of_a_methods_own_is_its_encoder_beside_a_converted_suite_source(planned, mobile, narrow_source):
    plan = planned('', ('ft',), f'dict(_delete_=True, type="checkpoint", path={str(mobile)!r})',
                   f"methods.update(dict(fe=dict(source={str(narrow_source)!r})))")
    found = models(plan)
    assert found['ft'].backbone.network.type == 'MobileNetV1' and found['fe'].backbone.type == 'ResNet'
    assert found['fe'].backbone.init_cfg.checkpoint == str(narrow_source)


@pytest.mark.parametrize(('methods', 'text', 'said'), [
    ("dict(mine=dict(config='ft', source=PLACE, settings=dict(depth=18)))", '',
     r"mine\.py: methods\.mine\.settings\.depth=18: the encoder of mine is its own source's network, mobilenet_v1\."),
    ("dict(mine=dict(config='ft', source=PLACE))", 'conditions = dict(all={}, deep=dict(depth=34))',
     r'conditions\.deep\.depth=34: the encoder of mine is')])
def test_a_resnets_depth_is_refused_beside_another_network(planned, mobile, methods, text, said):
    from benchmark.experiments.errors import SuiteError
    with pytest.raises(SuiteError, match=said):
        own_sources(planned, mobile, methods, text)


MOBILE, NARROW = 'mobilenet_v1', 'ResNet-18 of width 8'
UNFIT = [('depth=34', '', r'settings\.depth=34'), ('', 'settings.update(width=16)', r'settings\.width=16'),
         ('', 'methods.update(ft=dict(settings=dict(depth=34)))', r'methods\.ft\.settings\.depth=34'),
         ('', 'conditions = dict(all={}, deep=dict(depth=34))', r'conditions\.deep\.depth=34')]


@pytest.mark.parametrize(('network', 'settings', 'text', 'said'), [
    # What the shipped suite below says too, but here its author does.
    (MOBILE, 'depth=18', '', r'settings\.depth=18'), *((MOBILE, *one) for one in UNFIT),
    *((NARROW, *one) for one in UNFIT)])
def test_one_rule_for_what_an_author_writes_that_does_not_fit_the_source(
        planned, mobile, narrow_source, tmp_path, network, settings, text, said):
    from benchmark.experiments.errors import SuiteError
    path = mobile
    if network == NARROW:
        path = tmp_path / 'narrow.pth'
        arch = dict(type='ResNet', depth=18, stem_channels=8, base_channels=8)
        torch.save(torch.load(narrow_source, weights_only=True) | dict(meta=dict(arch=arch)), path)
    given = f'dict(_delete_=True, type="checkpoint", path={str(path)!r})'
    with pytest.raises(SuiteError, match=rf"mine\.py: {said}: the encoder is the source's network, {network}\. Re"):
        planned(settings, ('ft',), given, text)


def test_a_source_of_the_command_line_goes_before_the_depth_of_a_suite(planned, mobile, tmp_path, capsys):
    from benchmark.experiments.commands.arguments import adjust, parser
    from benchmark.experiments.plan.plan import make_plan
    planned('depth=34', ('ft',))
    from benchmark.experiments.suite.suite import load_suite
    suite = load_suite(str(tmp_path / 'mine.py'))
    capsys.readouterr()
    plan = make_plan(adjust(suite, parser().parse_args(['mine.py', '--source', str(mobile)])), tmp_path / 'out')
    assert models(plan)['ft'].backbone.network.type == 'MobileNetV1'
    said = capsys.readouterr().out
    assert said.count('note: settings.depth=34 of mine.py does not apply: the encoder is the source') == 1
    assert 'width' not in said


def test_a_bases_settings_are_its_authors_too(tmp_path):
    from benchmark.experiments.suite.suite import load_suite
    from benchmark.experiments.suite.written import written
    (tmp_path / 'base.py').write_text(f"_base_ = [{str(SMOKE)!r}]\nsettings = dict(depth=18)\n")
    (tmp_path / 'mine.py').write_text("_base_ = 'base.py'\nsettings = {'lr': 0.5}\nsettings['power'] = 2.0\n")
    suite = load_suite(str(tmp_path / 'mine.py'))
    assert written(suite.file, suite.settings.given) == {'depth', 'lr', 'power'}
    assert written(SMOKE, load_suite('smoke').settings.given) == set()


def test_sources_of_methods_that_are_left_out_are_not_looked_for(planned, tmp_path):
    from benchmark.experiments.plan.plan import make_plan
    from benchmark.experiments.suite.suite import load_suite
    (tmp_path / 'mine.py').write_text(f"_base_ = {str(SMOKE)!r}\nmethods = dict(ft=dict(source='gone.pth'))\n"
                                      "source = dict(_delete_=True, type='random')\n")
    assert make_plan(load_suite(str(tmp_path / 'mine.py')), tmp_path / 'out', ['fe']).sources == {}


@pytest.mark.parametrize('source', ["dict(_delete_=True, type='random')", 'dict(data=dict(identities=4, shots=4))'])
def test_a_suites_source_that_no_run_takes_is_said_to_be_unused(planned, mobile, source, tmp_path):
    from benchmark.experiments.state.tasks import work_of
    plan = planned('', ('ft',), source, f'methods.update(dict(ft=dict(source={str(mobile)!r})))')
    assert plan.source.description.startswith('not used: each method') and plan.source.job is None
    assert plan.content['source']['description'] == plan.source.description and 'source' not in plan.content['made']
    assert work_of(json.loads(json.dumps(plan.content)), plan.out).source is None
    # Nor are faces drawn for it.
    assert not [*(tmp_path / 'cache/data').glob('synthetic-identities-*')]


def test_nothing_is_asked_of_the_faces_of_a_source_where_no_method_takes_one(planned, tmp_path):
    nowhere = "dict(data=dict(_delete_=True, type='identities', root='nowhere'))"
    alone = planned('', ('hg', 'scratch'), nowhere)
    assert alone.source.description == 'not used: no method takes one' and alone.source.job is None
    # Their runs are those that they are beside methods that do.
    both = planned('', ('hg', 'scratch', 'ft'), 'dict(data=dict(identities=4))')
    hashes = {run.method: run.hash for run in both.runs}
    assert {run.method: run.hash for run in alone.runs}.items() <= hashes.items()
    assert [*(tmp_path / 'cache/data').glob('synthetic-identities-*')]
    with pytest.raises(DataError, match='nowhere'):
        planned('', ('hg', 'ft'), nowhere)


def test_a_shipped_suite_leaves_out_what_data_of_the_command_line_are_too_few_for(planned, capsys):
    import dataclasses

    from benchmark.experiments.plan.plan import _with_enough
    suite = planned('', ('ft',), text='conditions = dict(all={}, few=dict(num_labels=3))').suite
    many = dataclasses.replace(suite.conditions['few'], num_labels=20)
    suite = dataclasses.replace(suite, conditions=suite.conditions | dict(many=many))
    assert _with_enough(suite, 4, 'mine') is suite
    replaced = dataclasses.replace(suite, data_replaced=True)
    assert [*_with_enough(replaced, 4, 'mine').conditions] == ['all', 'few']
    assert 'note: mine has 4 training images: conditions.many, with 20 labels, is left out' in capsys.readouterr().out
    assert _with_enough(replaced, 20, 'mine') is replaced
