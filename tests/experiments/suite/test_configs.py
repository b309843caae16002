"""The shipped configs: short, alike but for the model, and every method builds."""

import ast
import dataclasses
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

METHODS = ('fe', 'ftp', 'ft', 'hg', 'ctd_cd', 'ctd_ed', 'ctd_com')
CONFIGS = Path(__file__).parents[3] / 'mmconfigs'


def lines(path: Path) -> list[str]:
    """A config's lines without its docstring, comments and blank ones."""
    text = path.read_text()
    body = text.split('"""', 2)[2] if text.startswith('"""') else text
    return [line for line in body.splitlines() if line.strip() and not line.strip().startswith('#')]


@pytest.mark.parametrize('method', METHODS)
def test_at_most_ten_lines(method):
    assert len(lines(CONFIGS / 'methods' / f'{method}.py')) <= 10


@pytest.mark.parametrize('method', [m for m in METHODS if m != 'ft'])
def test_methods_differ_from_ft_only_in_the_model(registered, method):
    from mmengine.config import Config
    ft, other = (Config.fromfile(CONFIGS / 'methods' / f'{m}.py').to_dict() for m in ('ft', method))
    assert other['model'] != ft['model']
    assert {k for k in ft | other if ft.get(k) != other.get(k)} == {'model'}


@pytest.mark.parametrize('method', METHODS)
def test_the_defaults_are_the_papers(registered, method):
    from mmengine.config import Config
    cfg = Config.fromfile(CONFIGS / 'methods' / f'{method}.py')
    assert cfg.train_dataloader.batch_size == 2 and cfg.train_cfg.max_epochs == 150
    assert cfg.optim_wrapper.optimizer == dict(type='Adam', lr=1e-3, fused=True)
    assert cfg.param_scheduler[0].power == 0.9 and cfg.param_scheduler[0].convert_to_iter_based
    assert cfg.codec.sigma == 1.5 and cfg.codec.decoding == 'argmax' and not cfg.model.test_cfg.flip_test
    for name, loss in cfg.model.head.get('transfer', {}).items():
        assert loss.weight == 0.002 and (name != 'cd' or loss.temperature == 2)


@pytest.mark.parametrize('method', METHODS)
def test_every_method_learns_on_a_batch(build, batch, method):
    import copy

    import torch
    model = build(method)
    optimiser = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    values = []
    for _ in range(6):
        model.train()
        losses = model(**model.data_preprocessor(copy.deepcopy(batch), True), mode='loss')
        total, log = model.parse_losses(losses)
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        values.append(log['loss_kpt'].item())
    assert values[-1] < values[0]


def test_number_of_landmarks_and_sizes_come_from_outside(config, source_checkpoint):
    for method in METHODS:
        cfg = config(method, source_checkpoint, decoding='dark')
        assert cfg.model.head.out_channels == 3
        assert cfg.model.head.decoder.heatmap_size == (16, 16) and cfg.model.head.decoder.decoding == 'dark'
        assert cfg.train_dataloader.dataset.pipeline[1].encoder.heatmap_size == (16, 16)
        assert cfg.test_dataloader.dataset.input_size == (64, 64)


@pytest.mark.parametrize(('iterations', 'batch_size', 'epochs'), [(6, 4, 3), (7, 4, 4), (1, 8, 1), (4, 3, 2)])
def test_iterations_become_whole_epochs_of_8_images(config, source_checkpoint, iterations, batch_size, epochs):
    cfg = config('ft', source_checkpoint, epochs=None, iterations=iterations, batch_size=batch_size)
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler[0].end == epochs


def test_a_condition_sets_its_own():
    from benchmark.experiments.suite.model import Condition, Hourglass, Settings
    settings = Settings(iterations=9, lr=1, hourglass=Hourglass(num_stacks=2, channels=64), cfg_options={'a.b': 1})
    assert settings.under(Condition(label='x', epochs=2)) == dataclasses.replace(settings, iterations=None, epochs=2)
    assert settings.under(Condition(num_labels=3, lr=2)) == dataclasses.replace(settings, lr=2)
    own = Condition.read(dict(iterations=None, hourglass=dict(channels=8), cfg_options={'a.c': 2}))
    assert settings.under(own) == Settings(lr=1, hourglass=Hourglass(num_stacks=2, channels=8),
                                           cfg_options={'a.b': 1, 'a.c': 2})


def test_width_narrows_the_network_and_its_source(config):
    cfg = config('ctd_ed', 'random', width=16)
    for backbone in (cfg.model.backbone, cfg.model.source.backbone):
        assert (backbone.stem_channels, backbone.base_channels) == (16, 16)
    assert cfg.model.head.in_channels == 128


def test_the_network_is_fitted_to_the_source(config, source_checkpoint, tmp_path):
    """The encoder of every method that starts from a source gives, at the start, what the source gives."""
    from mmpose.registry import MODELS

    from benchmark.experiments.plan.configure import fill_paths
    from benchmark.experiments.plan.encoder import fit_source
    arch = dict(type='VGGFace2ResNet', depth=18)
    torch.manual_seed(5)
    network = MODELS.build(arch | dict(out_indices=(0, 1, 2, 3)))
    network.init_weights()
    state = {f'backbone.{k}': v for k, v in network.state_dict().items()}
    normalisation = dict(mean=[131.0912, 103.8827, 91.4953], std=[1.0, 1.0, 1.0])
    torch.save(dict(meta=dict(arch=arch, normalisation=normalisation), state_dict=state), tmp_path / 'vgg.pth')
    images = torch.randint(0, 256, (2, 3, 64, 64), dtype=torch.uint8)
    for method in ('fe', 'ctd_ed'):
        cfg = config(method, source_checkpoint)
        fit_source(cfg, arch, normalisation)
        model = MODELS.build(fill_paths(cfg, '', str(tmp_path / 'vgg.pth')).model)
        model.init_weights()
        model.eval()
        inputs = model.data_preprocessor(dict(inputs=list(images), data_samples=[]), False)['inputs']
        network.eval()
        expected = network(images.float() - torch.tensor(normalisation['mean']).view(1, 3, 1, 1))[-1]
        torch.testing.assert_close(model.backbone(inputs)[-1], expected)
        if method == 'ctd_ed':
            torch.testing.assert_close(model.source(images.float())['stage4'], expected)


def test_a_source_that_does_not_fit_is_refused_by_every_method_that_starts_from_it(config, source_checkpoint):
    from mmpose.registry import MODELS

    from benchmark.engine import StrictSourceHook
    from benchmark.models.source import SourceError
    for method in ('fe', 'ftp', 'ft'):
        for checkpoint, depth, message in ((source_checkpoint, 34, r'backbone\.layer1\.2\.\S+ is missing'),
                                           ('/none/source.pth', 18, 'no such source checkpoint')):
            model = MODELS.build(config(method, checkpoint, depth=depth).model)
            with pytest.raises(SourceError, match=message):
                StrictSourceHook().before_run(SimpleNamespace(model=model))
        StrictSourceHook().before_run(SimpleNamespace(model=MODELS.build(config(method, source_checkpoint).model)))


def test_overriding_the_length_moves_the_end_of_the_decay(registered):
    from benchmark.datasets.metainfo import LandmarkMeta
    from benchmark.experiments.plan.configure import run_config
    from benchmark.experiments.suite.model import Method, Settings
    meta = LandmarkMeta(name='tiny', landmarks=('a', 'b', 'c'), flip_indices=(1, 0, 2))
    method = Method(config=str(CONFIGS / 'methods/ft.py'), cfg_options={'train_cfg.max_epochs': 9})
    settings = Settings(epochs=3, selection='best_val')
    cfg = run_config(method, settings, meta, dict(init=1, order=2, augmentation=3, split=4), None, 1.2, 8,
                     {'train_cfg.max_epochs': 5})
    assert cfg.train_cfg.max_epochs == cfg.param_scheduler[0].end == 5
    assert cfg.train_cfg.val_interval == 1 and cfg.default_hooks.checkpoint.save_best == 'landmark/ME'


def test_what_a_runner_may_be_given_is_written_down_whole():
    import inspect

    from mmengine.runner import Runner

    from benchmark.experiments.suite.overrides import OPTIONAL
    assert set(inspect.signature(Runner).parameters) < OPTIONAL


def test_a_hook_is_named_by_its_type(registered):
    from mmengine.config import Config

    from benchmark.experiments.suite.overrides import override
    cfg = Config(dict(a=1, custom_hooks=[dict(type='X'), dict(type='Y', share=0.5)]))
    override(cfg, {'custom_hooks.Y.share': 0.25, 'custom_hooks.0.more': 2, 'sync_bn': 'torch', 'resume': True})
    assert cfg.to_dict() == dict(a=1, sync_bn='torch', resume=True, custom_hooks=[dict(type='X', more=2),
                                                                     dict(type='Y', share=0.25)])


@pytest.mark.parametrize('key, message', [
    ('modell.head.x', r"the config has no 'modell'\. Is it 'model'\? It has: custom_hooks, model, resume\."),
    ('a', "'a': nothing reads 'a'"), ('helper.b', "'helper.b': nothing reads 'helper'"),
    ('custom_hooks.Z.share', "the config has 0 hooks 'Z'. It has: X, Y, Y"),
    ('custom_hooks.Y.share', "the config has 2 hooks 'Y'"),
    ('custom_hooks.3.share', "the config has 0 hooks '3'"),
    ('resume.b', "'resume.b' does not fit the config"), ('custom_hooks.Y', "the config has 2 hooks 'Y'"),
    ('model.plain.0', "'model.plain.0' does not fit the config .* a list of plain values is given as a whole"),
    ('model.plain.7', "'model.plain.7' does not fit the config"), ('model.plain.-1.x', 'does not fit the config')])
def test_a_value_that_names_nothing_is_refused(registered, key, message):
    from mmengine.config import Config

    from benchmark.experiments.suite.overrides import OverrideError, override
    cfg = Config(dict(a=1, helper=dict(b=1, c=2), model=dict(plain=[1.0]), resume=False,
                      custom_hooks=[dict(type='X'), dict(type='Y'), dict(type='Y')]))
    with pytest.raises(OverrideError, match=message):
        override(cfg, {key: 1})


def test_an_entry_of_a_collection_has_a_type(registered):
    from mmengine.config import Config

    from benchmark.experiments.suite.overrides import OverrideError, override
    cfg = Config(dict(model=dict(type='M', head=dict(transfer=dict(ed=dict(type='E'))))))
    with pytest.raises(OverrideError, match=r"model\.head\.transfer has no 'edd'. It has: ed"):
        override(cfg, {'model.head.transfer.edd.weight': 1})
    override(cfg, {'model.head.transfer.cd.type': 'C', 'model.head.loss.weight': 1, 'model.head.transfer.ed.weight': 2})
    assert cfg.model.head.to_dict() == dict(transfer=dict(ed=dict(type='E', weight=2), cd=dict(type='C')),
                                            loss=dict(weight=1))


@pytest.mark.parametrize('name, message', [
    ('modle', "2: nothing reads 'modle'. Is it 'model'"), ('optim_wraper', "'optim_wraper'. Is it 'optim_wrapper'"),
    ('backbone', r"2: nothing reads 'backbone' any more: its value was copied to model\.backbone\. .*'backbone\.\*'"),
    ('codec', r"reads 'codec' any more: .*model\.head\.decoder.*train_dataloader\.dataset\.pipeline\.1\.encoder"),
    ('optimizer', "nothing reads 'optimizer'. Remove it")])
def test_a_name_at_the_top_of_a_method_that_nothing_reads_is_refused(registered, tmp_path, name, message):
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.plan.configure import method_config
    from benchmark.experiments.suite.model import Method
    path = tmp_path / 'own.py'
    path.write_text(f"_base_ = {str(CONFIGS / 'methods/ft.py')!r}\n{name} = dict(type='X')\n")
    with pytest.raises(SuiteError, match=f'own.py:{message}' if message[0] == '2' else message):
        method_config(Method(config=str(path)))
    # What the file itself uses is a helper, and what its modules ask the config for is read.
    path.write_text(f"_base_ = {str(CONFIGS / 'methods/ft.py')!r}\nmine = dict(sigma=2.0)\nmodel = dict(own=mine)\n")
    assert method_config(Method(config=str(path))).model.own.sigma == 2.0


def test_a_name_that_a_module_of_ones_own_asks_for_is_read(registered, tmp_path, monkeypatch):
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.plan.configure import method_config
    from benchmark.experiments.suite.model import Method
    path = tmp_path / 'own.py'
    path.write_text(f"_base_ = {str(CONFIGS / 'methods/ft.py')!r}\nwarmth = dict(a=1)\n"
                    "custom_imports = dict(imports=['benchmark', 'asks_for_it'])\n")
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / 'asks_for_it.py').write_text("def before_run(runner):\n    print(runner.cfg.get('warmth'))\n")
    assert method_config(Method(config=str(path))).warmth == dict(a=1)
    path.write_text(path.read_text().replace('warmth', 'coolth'))
    with pytest.raises(SuiteError, match="nothing reads 'coolth'"):
        method_config(Method(config=str(path)))


def test_a_value_is_the_same_for_all_that_it_is_written_into(registered):
    from mmengine.config import Config

    from benchmark.experiments.suite.overrides import override
    options = dict(optim_wrapper=dict(_delete_=True, type='SGD'))
    for _ in range(2):
        cfg = Config(dict(optim_wrapper=dict(type='Adam', fused=True)))
        override(cfg, options)
        assert cfg.optim_wrapper.to_dict() == dict(type='SGD')


def test_the_fields_of_settings_are_those_of_what_they_set(registered):
    import inspect

    from benchmark.engine import FeatureCacheHook
    from benchmark.experiments.suite.fields import entries, rows
    from benchmark.experiments.suite.model import FeatureCache, Hourglass
    from benchmark.models import StackedHourglass
    parameters = inspect.signature(FeatureCacheHook).parameters
    assert set(entries(FeatureCache)) == set(parameters)
    told = {row.name.strip('`'): ast.literal_eval(row.default.strip('`')) for row in rows(FeatureCache)}
    assert told == {name: parameter.default for name, parameter in parameters.items()}
    assert set(entries(Hourglass)) <= set(inspect.signature(StackedHourglass).parameters)


def test_a_failure_without_a_message_is_told(capsys):
    from benchmark.experiments.run.progress import Progress
    with Progress('plain', total=1, done=0) as display:
        display.start('x', Path('.'))
        display.finish('x', dict(error=dict(type='AssertionError', message='')), False)
    assert 'x  0 s  FAILED: AssertionError' in capsys.readouterr().out


def test_suites_load(registered):
    from benchmark.experiments.suite.configs import names
    from benchmark.experiments.suite.suite import load_suite
    assert {'smoke', 'demo', 'real_faces', 'paper'} <= set(names('suites'))
    for name in names('suites'):
        suite = load_suite(name)
        assert tuple(suite.methods) and suite.seeds


@pytest.mark.parametrize(('text', 'message'), [
    ('seeds = 0\n', 'give a number of seeds'),
    ('settings = dict(epoch=3)\n', r'unknown field settings\.epoch\. Known fields here: .*epochs'),
    ('settings = dict(epochs=3)\n', r'settings\.epochs and settings\.iterations both set'),
    ("settings = dict(selection='best')\n", r"settings\.selection='best' is unknown"),
    ('settings = dict(depth=20)\n', r'settings\.depth=20 is unknown'),
    ("seeding = dict(init='crossed')\n", "seeding.init='crossed' is unknown"),
    ('execution = dict(retry=1)\n', r'unknown field execution\.retry\. Known fields here: .*retries'),
    ('execution = dict(retries=-1)\n', r'execution\.retries=-1'),
    ('execution = dict(time_limit=0)\n', r'execution\.time_limit=0: give seconds'),
    ('analysis = dict(treshold=1)\n', r'unknown field analysis\.treshold'),
    ("data = dict(_delete_=True, type='zip')\n", r"data\.type='zip' is unknown"),
    ("methods = ['ft', 'fft']\n", 'fft: no such method. There are: ctd_cd'),
    ('colour = 1\n', 'unknown field colour'),
    ('settings = dict(hourglass=dict(num_stakcs=2))\n', r'unknown field settings\.hourglass\.num_stakcs'),
    ('conditions = dict(few=dict(labels=3))\n', r'unknown field conditions\.few\.labels'),
    ('seeds = = 3\n', 'does not load as a config'),
    ("settings = dict(iterations='4')\n", r"settings\.iterations='4': give a whole number"),
    ('settings = dict(input_size=64)\n', r'settings\.input_size=64: give width and height'),
    ('settings = dict(lr=0)\n', r'settings\.lr=0: give a number above 0'),
    ('conditions = dict(few=dict(batch_size=2.5))\n', r'conditions\.few\.batch_size=2\.5: give a whole number'),
    ("analysis = dict(proposed='ctd_edd')\n", r"analysis\.proposed='ctd_edd': the suite has no such method"),
])
def test_bad_suites_name_file_field_and_remedy(registered, tmp_path, text, message):
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.suite.suite import load_suite
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = {str(CONFIGS / 'suites' / 'demo.py')!r}\n" + text)
    with pytest.raises(SuiteError, match=message) as caught:
        load_suite(str(path))
    assert 'mine.py' in str(caught.value) or 'fft' in str(caught.value)


def test_own_data_carry_nothing_of_the_paper(registered, tmp_path, capsys):
    from benchmark.datasets.prepared import read_split
    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    from benchmark.experiments.plan.answerable import answerable
    from benchmark.experiments.suite.suite import load_suite
    root = tmp_path / 'faces'
    write_landmark_dataset(root, dict(train=2, val=1, test=2), image_size=64, seed=0)
    suite = load_suite('demo')
    suite = answerable(suite, root, read_split(root, 'test'))
    assert suite.reported['ft']['ME'] == 0.858
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = {str(CONFIGS / 'suites' / 'demo.py')!r}\n"
                    f"data = dict(_delete_=True, type='prepared', root={str(root)!r})\nanalysis = dict(groups=[])\n")
    inherited = load_suite(str(path))
    inherited = answerable(inherited, root, read_split(root, 'test'))
    assert inherited.reported == {} and "the paper's numbers" in capsys.readouterr().out
    path.write_text(path.read_text() + 'reported = dict(ft=dict(ME=1.5, SD=0.3, FR=2.0, AUC=0.2))\n')
    own = load_suite(str(path))
    own = answerable(own, root, read_split(root, 'test'))
    assert own.reported['ft']['ME'] == 1.5
    for name in ('real_faces', 'paper'):
        suite = load_suite(name)
        assert suite.reported == {} and 'face' not in f'{suite.title} {suite.question} {suite.caution}'


def test_suites_that_repeat_the_paper_decode_by_argmax_and_the_one_for_own_images_by_dark(registered):
    from benchmark.experiments.suite.suite import load_suite
    found = {name: load_suite(name).settings.decoding for name in ('paper', 'demo', 'smoke', 'baselines', 'real_faces')}
    assert found == dict.fromkeys(('paper', 'demo', 'smoke', 'baselines')) | {'real_faces': 'dark'}
    suite = load_suite('real_faces')
    assert {suite.settings.under(condition).decoding for condition in suite.conditions.values()} == {'dark'}


@pytest.mark.parametrize(('conditions', 'name', 'values'), [
    (dict(all={}, few=dict(num_labels=10, value=10, iterations=40)), 'labelled training images', [59, 10]),
    (dict(few=dict(num_labels=10), all=dict(label='all')), 'labelled training images', [10, 59]),
    (dict(base={}, more=dict(value=1.5, cfg_options={'codec.sigma': 1.5})), 'sigma', [None, 1.5]),
    (dict(a=dict(value=1, batch_size=1), b=dict(value=2, batch_size=2, epochs=7)), 'batch size', [1, 2]),
    (dict(a=dict(value=1, lr=1e-3, method_options=dict(ft={'model.head.loss.w': 1})), b=dict(value=2)),
     'value of the condition', [1, 2]),
])
def test_an_axis_has_its_own_name(conditions, name, values):
    from benchmark.experiments.suite.axis import axis
    from benchmark.experiments.suite.model import Condition
    found = axis({one: Condition.read(content) for one, content in conditions.items()}, 59)
    assert found == (name, dict(zip(conditions, values)))


def test_what_the_data_cannot_answer_is_refused_before_training(registered, tmp_path, capsys):
    from benchmark.datasets.prepared import read_split
    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.plan.answerable import answerable
    from benchmark.experiments.suite.fields import changed
    from benchmark.experiments.suite.suite import load_suite
    root = tmp_path / 'faces'
    write_landmark_dataset(root, dict(train=2, val=1, test=2), image_size=64, seed=0)
    test, suite = read_split(root, 'test'), load_suite('demo')
    assert answerable(suite, root, test) == suite
    suite = changed(suite, analysis=changed(suite.analysis, groups=('phenotype', 'sex')))
    with pytest.raises(SuiteError, match="no subgroup 'sex'. It has: phenotype, skin, glasses"):
        answerable(suite, root, test)
    suite = changed(suite, data_replaced=True)
    assert answerable(suite, root, test).analysis.groups == ('phenotype',)
    assert 'question about it is left out' in capsys.readouterr().out
    one = dataclasses.replace(test, records=test.records[:1])
    with pytest.raises(SuiteError, match=r'test\.json: 1 subject: nothing can be said about other subjects'):
        answerable(suite, root, one)


def test_unknown_suite_lists_those_there_are(registered):
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.suite.suite import load_suite
    with pytest.raises(SuiteError, match='nosuch: no such suite. There are: .*demo, mine, paper, real_faces'):
        load_suite('nosuch')


def test_padding_stands_in_a_config_only_where_it_is_asked_for():
    from benchmark.datasets.metainfo import LandmarkMeta
    from benchmark.experiments.plan.configure import run_config
    from benchmark.experiments.plan.protocol import protocol
    from benchmark.experiments.suite.model import Method, Settings
    meta = LandmarkMeta(name='tiny', landmarks=('a', 'b', 'c'), flip_indices=(1, 0, 2))

    def made(settings):
        return run_config(Method(config=str(CONFIGS / 'methods/ft.py')), settings, meta,
                          dict(init=1, order=2, augmentation=3, split=4), None, 1.2, 8)

    plain, named, padded = made(Settings()), made(Settings(resize='squeeze')), made(Settings(resize='letterbox'))
    assert plain.to_dict() == named.to_dict() != padded.to_dict()
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        assert 'resize' not in plain[loader].dataset and padded[loader].dataset.resize == 'letterbox'
    assert protocol(plain)['resize'] == 'squeeze' and protocol(padded)['resize'] == 'letterbox'
