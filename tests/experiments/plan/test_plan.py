"""What cannot be meant is refused when a suite is planned, before anything is trained: one line, with the remedy."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / 'mmconfigs'


def write(path: Path, text: str, base: str = 'suites/smoke.py') -> Path:
    path.write_text(f'_base_ = {str(CONFIGS / base)!r}\n{text}')
    return path


@pytest.mark.parametrize(('text', 'message'), [
    ("seeds = ['a', 'b']", r"seeds=\['a', 'b'\]: 'a' is no whole number"),
    ('seeds = [0.5, 1.5]', r'0\.5 is no whole number'), ('seeds = [0, -1]', '-1 is no whole number'),
    ('seeds = True', 'seeds=True: give a number of seeds'), ('seeds = 2.0', r'seeds=2\.0: give a number'),
    ("ensembles = ['nobody']", "ensembles has 'nobody': the suite has no such method"),
    ("ensembles = ['ft']\nexecution = dict(keep_checkpoints=False)", 'ensembles: no network is kept'),
    ('seeds = [True]', 'True is no whole number'), ('seeds = [1, 1]', 'one stands twice'),
    ('seeds = [2 ** 53]', '9007199254740992 is no whole number'), ("seeds = '3'", "seeds='3': give a number of seeds"),
    ('seeds = -1', 'seeds=-1: give a number of seeds'), ('workers = True', 'workers=True: give a number'),
    ("methods = dict(_delete_=True, fe={}, FE=dict(config='fe'))",
     r"methods\.fe and methods\.FE are both labelled 'FE'.*methods\.FE\.label='FE \(FE\)'"),
    ("methods = dict(_delete_=True, ft=dict(label='Mine'), fe=dict(label=' Mine '))", 'are both labelled'),
    ("methods = ['ft', 'fe', 'ft']", "methods: 'ft' stands twice"),
    ("methods = {'_delete_': True, 'ft': dict(label='A'), 'ft': dict(label='B')}", "the key 'ft' stands twice"),
    ("methods = dict(_delete_=True, **{'fe/v2': dict(config='fe')})", "the name 'fe/v2' has '/' in it"),
    ("methods = dict(_delete_=True, **{' fe': dict(config='fe')})", "the name ' fe' begins or ends with a blank"),
    ("methods = dict(_delete_=True, **{'a,b': dict(config='fe')})", "the name 'a,b' has ',' in it"),
    ("methods = dict(_delete_=True, **{'../fe': dict(config='fe')})", "begins with '.'"),
    ('methods = {3: {}}', 'the name 3 is of type int'), ('methods = 3', 'methods=3: give a dict or a list'),
    ("methods = dict(ft='CTD')", r"methods\.ft='CTD': give a dict"),
    ('methods = dict(ft=dict(label=3))', r'methods\.ft\.label=3: give a text'),
    ('methods = dict(ft=dict(cfg_options=[1]))', r'methods\.ft\.cfg_options=\[1\]: give a dict of config values'),
    ("methods = dict(ft=dict(cfg_options={'a..b': 1}))", r"cfg_options=.*: give a dict of config values by dotted key"),
    ('conditions = {}', 'conditions is empty'), ('conditions = [1]', r'conditions=\[1\]: give a dict'),
    ('conditions = dict(few=3)', r'conditions\.few=3: give a dict'),
    ('conditions = dict(few=dict(num_labels=0))', r'conditions\.few\.num_labels=0: give a whole number, 1 or more'),
    ('conditions = dict(few=dict(num_labels=-3))', r'num_labels=-3: give'),
    ("conditions = dict(few=dict(num_labels='10'))", r"num_labels='10': give"),
    ('conditions = dict(few=dict(num_labels=True))', r'num_labels=True: give'),
    ("conditions = dict(few=dict(value='ten'))", r"conditions\.few\.value='ten': give a number"),
    ("conditions = dict(a=dict(label='x'), b=dict(label='x'))", 'conditions.a and conditions.b are both labelled'),
    ("conditions = {'a': dict(lr=1e-3), 'a': dict(lr=1e-2)}", "the key 'a' stands twice"),
    ("conditions = {'a/b': {}}", "the name 'a/b' has '/' in it"),
    ("conditions = dict(a=dict(method_options=dict(ft=3)))", r'method_options\.ft=3: give a dict of config'),
    ("settings = dict(lr='1e-3')", r"settings\.lr='1e-3': give a number above 0"),
    ('settings = dict(batch_size=True)', r'settings\.batch_size=True: give a whole number'),
    ('settings = dict(input_size=(-64, 64))', r'settings\.input_size=\(-64, 64\): give width and height'),
    ('settings = dict(hourglass=dict(num_stacks=0))', r'settings\.hourglass\.num_stacks=0: give a whole number'),
    ("settings = dict(feature_cache=dict(enabled='no'))", r"settings\.feature_cache\.enabled='no': give True or False"),
    ('data = dict(train=-1)', r'data\.train=-1: give a whole number, 1 or more'),
    ("data = dict(_delete_=True, type='prepared')", r'data\.root is missing'), ('data = 3', 'data=3: give a dict'),
    ("source = dict(_delete_=True, type='checkpoint')", r'source\.path is missing'),
    ("source = dict(epochs='8')", r"source\.epochs='8': give a whole number"),
    ("source = dict(_delete_=True, type='random', num_classes=-1)", r'source\.num_classes=-1: give'),
    ('source = dict(label_smoothing=2)', r'source\.label_smoothing=2: give a number from 0 to below 1'),
    ("source = dict(_delete_=True, type='train')", r'source\.data is missing'),
    ('seeding = 5', 'seeding=5: give a dict'), ("analysis = 'x'", "analysis='x': give a dict"),
    ("analysis = dict(proposed='ft', reference='ft')", r"analysis\.reference='ft' is the proposed method too"),
    ('reported = dict(ft=3)', r'reported\.ft=3: give a dict of numbers'),
    ("reported = dict(ft=dict(ME='low'))", r'reported\.ft=.*: give a dict of numbers'),
    ('title = 3', 'title=3: give a text'), ("execution = dict(keep_checkpoints='no')", 'keep_checkpoints'),
    ('execution = dict(retries=True)', r'execution\.retries=True'),
    ('tuning = dict(trials=2, axes=[1])', r'tuning\.axes=\[1\]: give a dict'),
    ("tuning = dict(trials=2, axes={name: [1, 2] for name in ('fe', 'ftp', 'ft', 'hg', 'ctd_cd', 'ctd_ed', "
     "'ctd_com')})", r'tuning\.axes\.fe=\[1, 2\]: give a dict of config values'),
])
def test_odd_suites_are_refused_in_one_line(tmp_path, text, message):
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.suite.suite import load_suite
    path = write(tmp_path / 'odd.py', text + '\n')
    with pytest.raises(SuiteError, match=message) as caught:
        load_suite(str(path))
    assert 'odd.py' in str(caught.value) and '\n' not in str(caught.value)


def test_none_is_as_good_as_not_there(tmp_path):
    from benchmark.experiments.suite.suite import load_suite
    path = write(tmp_path / 'fine.py', 'conditions = dict(all=dict(num_labels=None, value=None, iterations=None))\n'
                                       'methods = dict(ft=dict(label=None, cfg_options=None))\n'
                                       'data = dict(seed=None)\ncaution = None\n')
    suite = load_suite(str(path))
    assert suite.conditions['all'].given == dict(num_labels=None, value=None, iterations=None, label='all')
    assert suite.settings.iterations == 8 and suite.settings.under(suite.conditions['all']).iterations is None
    assert suite.methods['ft'].label == 'FT' and suite.methods['ft'].cfg_options == {}
    assert suite.data.seed == 0 and 'seed' not in suite.data.given and suite.caution == ''


def test_plan_and_analysis_read_one_schema():
    from benchmark.statistics.errors import TableError
    from benchmark.statistics.inputs import check_plan
    plan = dict(methods=[dict(name='a')], conditions=[dict(name='all')], seeds=[0, 1], analysis=dict(threshold=1.2))
    check_plan(plan)
    with pytest.raises(TableError, match=r"^field seeds\[1\]: 'b' is not of type 'integer'"):
        check_plan(plan | dict(seeds=[0, 'b']))
    with pytest.raises(TableError, match='^alpha: 0.9 is not below 0.5'):
        check_plan(plan | dict(analysis=dict(alpha=0.9)))


SEEDS = dict(init=1, order=2, augmentation=3, split=4)


@pytest.fixture
def run_of():
    """Gives the config of a run of a shipped method with config values, as a suite makes it."""
    from benchmark.datasets.metainfo import LandmarkMeta
    from benchmark.experiments.plan.configure import run_config
    from benchmark.experiments.suite.configs import find_config
    from benchmark.experiments.suite.model import Method, Settings
    meta = LandmarkMeta(name='tiny', landmarks=('a', 'b', 'c'), flip_indices=(1, 0, 2))

    def make(options: dict, method: str = 'ft', images: int = 8, num_labels: int | None = None, **settings):
        settings = Settings.read(dict(depth=18, input_size=(64, 64)) | settings)
        return run_config(Method(config=str(find_config('methods', method)), cfg_options=options), settings, meta,
                          SEEDS, num_labels, 1.2, images)

    return make


def test_what_is_given_to_a_helper_reaches_every_copy(run_of):
    cfg = run_of({'codec.sigma': 3.0, 'test_pipeline.3.meta_keys': ('id', 'img_id')})
    steps = {loader: cfg[f'{loader}_dataloader'].dataset.pipeline for loader in ('train', 'val', 'test')}
    encoders = [step.encoder for pipeline in steps.values() for step in pipeline if 'encoder' in step]
    assert [one.sigma for one in (*encoders, cfg.model.head.decoder)] == [3.0] * 4
    assert steps['test'][3].meta_keys == steps['val'][3].meta_keys == ('id', 'img_id')
    assert steps['train'][2].meta_keys != ('id', 'img_id')
    # It goes before a value for one of the copies that was written earlier, and after the settings.
    assert run_of({'codec.decoding': 'dark'}, decoding='quarter').model.head.decoder.decoding == 'dark'
    assert run_of({'backbone.norm_eval': True}, 'ctd_ed').model.source.backbone.norm_eval is True


def test_helpers_are_no_part_of_a_run(run_of, tmp_path):
    from benchmark.datasets.metainfo import LandmarkMeta
    from benchmark.experiments.plan.configure import method_config, run_config
    from benchmark.experiments.plan.identity import identity
    from benchmark.experiments.suite.model import Method, Settings
    meta = LandmarkMeta(name='tiny', landmarks=('a', 'b', 'c'), flip_indices=(1, 0, 2))
    assert not {'codec', 'backbone', 'train_pipeline', 'data_root', 'meta_keys'} & set(run_of({}))
    identities = []
    for name, text in (('one', ''), ('two', 'width = 7\nmodel = dict(backbone=dict(base_channels=width))\n'),
                       ('three', 'model = dict(backbone=dict(base_channels=7))\n')):
        path = write(tmp_path / f'{name}.py', text, 'methods/ft.py')
        method = Method(config=str(path))
        cfg = run_config(method, Settings(), meta, SEEDS, None, 1.2, 8, base=method_config(method))
        identities.append(identity(cfg, 'data', None))
    assert identities[1] == identities[2] != identities[0]


@pytest.mark.parametrize(('options', 'message'), [
    ({'data_root': '/elsewhere'}, r"'train_dataloader\.dataset\.data_root': is decided by the suite's data"),
    ({'train_dataloader.dataset.split': 'test'}, "decided by the suite's data"),
    ({'train_dataloader.dataset': dict(split='test')}, "decided by the suite's data"),
    ({'source_checkpoint': 'x.pth'}, r"init_cfg\.checkpoint': is decided by the suite's source"),
    ({'randomness.seed': 3}, 'decided by seeds and seeding'),
    ({'train_dataloader.dataset.num_labels': 3}, 'num_labels of a condition'),
    ({'codec.input_size': (32, 32)}, 'decided by the setting input_size'),
    ({'codec': dict(heatmap_size=(8, 8))}, 'decided by the setting input_size'),
    ({'model.head.out_channels': 5}, "decided by the data's landmarks"),
    ({'test_evaluator.threshold': 2.0}, r'decided by analysis\.threshold'),
    ({'load_from': 'x.pth'}, "decided by the suite's source"), ({'sync_bn': 'torch'}, 'a run is one process'),
    ({'data_preprocessor.mean': [1]}, 'decided by model.data_preprocessor'),
    ({'model.head.decoder.sigma': 3.0}, r"a run has one codec.*Give 'codec\.sigma'"),
    ({'train_dataloader.dataset.pipeline.1.encoder.sigma': 3.0}, r"a run has one codec.*Give 'codec\.sigma'"),
    ({'codecc.sigma': 3.0}, r"has no 'codecc'\. It has: custom_hooks"),
])
def test_a_key_that_would_change_nothing_is_refused(run_of, options, message):
    from benchmark.experiments.suite.overrides import OverrideError
    with pytest.raises(OverrideError, match=message) as caught:
        run_of(options)
    assert 'train_pipeline' not in str(caught.value)


def test_a_helper_whose_value_stands_nowhere_is_refused(run_of):
    from benchmark.experiments.suite.overrides import OverrideError
    with pytest.raises(OverrideError, match="'backbone.depth': nothing reads 'backbone'.*Name the part itself"):
        run_of({'backbone.depth': 34}, 'hg')


def test_what_is_written_over_is_told(run_of):
    from benchmark.experiments.plan.decided import check_standing
    from benchmark.experiments.plan.encoder import fit_source
    from benchmark.experiments.suite.overrides import OverrideError
    options = {'model.backbone.depth': 34, 'custom_hooks.TransferHook.priority': 60}
    cfg = run_of(options)
    check_standing(cfg, options)
    fit_source(cfg, dict(type='ResNet', depth=18), dict(mean=[1, 2, 3], std=[1, 1, 1]))
    with pytest.raises(OverrideError, match=r"'model\.backbone\.depth': would change nothing: it is 18 in the run, not "
                                            "34, because the encoder is the source's network. Set depth"):
        check_standing(cfg, options)
    with pytest.raises(OverrideError, match='normalised as the source'):
        check_standing(cfg, {'model.data_preprocessor': dict(mean=[9, 9, 9])})
    # Of what is written twice the later one counts; a list is a tuple.
    check_standing(cfg, {'model.data_preprocessor.mean': [9, 9, 9]}, {'model.data_preprocessor.mean': (1, 2, 3)})
    check_standing(cfg, {'optim_wrapper.optimizer': dict(_delete_=True, **cfg.optim_wrapper.optimizer)})


def test_the_length_counts_steps_of_the_batch_that_is_trained_with(run_of):
    assert run_of({'train_dataloader.batch_size': 4}, iterations=8).train_cfg.max_epochs == 4
    assert run_of({'train_dataloader.drop_last': True, 'train_dataloader.batch_size': 3},
                  iterations=8).train_cfg.max_epochs == 4
    assert run_of({'train_cfg.max_epochs': 9}, iterations=8).train_cfg.max_epochs == 9


def test_views_and_incomplete_batches_are_settings(run_of):
    from benchmark.experiments.plan.protocol import protocol
    usual, affine = run_of({}), run_of({}, augmentation='affine', drop_last=True, batch_size=3, iterations=8)
    view = affine.train_dataloader.dataset.pipeline[0]
    assert (view.scale_range, view.rotation, view.shift, view.views) == ((0.8, 1.2), 15.0, 0.06, 16)
    # Of 8 images two whole batches an epoch.
    assert affine.train_dataloader.drop_last and affine.train_cfg.max_epochs == 4
    told = protocol(affine)
    assert (told['view_scales'], told['view_rotation'], told['views']) == ([0.8, 1.2], 15.0, 16) and told['drop_last']
    assert 'drop_last' not in usual.train_dataloader and 'rotation' not in usual.train_dataloader.dataset.pipeline[0]
    assert not {'views', 'view_rotation', 'drop_last'} & set(protocol(usual))
    # Fewer images than a batch are one batch.
    assert 'drop_last' not in run_of({}, drop_last=True, batch_size=4, num_labels=3).train_dataloader
    from benchmark.experiments.plan.configure import _augment
    from benchmark.experiments.suite.overrides import OverrideError
    with pytest.raises(OverrideError, match="settings.augmentation='affine': the method's .* has no DrawView"):
        _augment(usual.train_dataloader.dataset.pipeline[1:])


def test_a_warm_up_keeps_its_own_end(run_of):
    from mmengine.config import ConfigDict
    schedule = [ConfigDict(type='LinearLR', begin=0, end=5, start_factor=0.1), ConfigDict(
        type='CosineAnnealingLR', T_max=150, begin=5, end=150, by_epoch=True)]
    from benchmark.experiments.plan.configure import _epochs
    cfg = run_of({})
    cfg.param_scheduler = schedule
    _epochs(cfg, 40)
    assert [dict(one) for one in cfg.param_scheduler] == [
        dict(type='LinearLR', begin=0, end=5, start_factor=0.1),
        dict(type='CosineAnnealingLR', T_max=40, begin=5, end=40, by_epoch=True)]


@pytest.mark.parametrize(('text', 'message'), [
    ("model = dict(_delete_=True, type='X')", r'has no model\.backbone\.type which a suite fills in'),
    ("param_scheduler = dict(_delete_=True, type='PolyLR')", 'has no param_scheduler, a list, which'),
    ("train_dataloader = dict(dataset=dict(split='test'))", "train_dataloader.dataset.split is 'test'"),
    ("load_from = 'x.pth'", "load_from='x.pth': a run starts from the suite's source")])
def test_a_method_lacks_nothing_that_a_suite_fills_in(tmp_path, text, message):
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.plan.configure import method_config
    from benchmark.experiments.suite.model import Method
    with pytest.raises(SuiteError, match=message):
        method_config(Method(config=str(write(tmp_path / 'own.py', text + '\n', 'methods/ft.py'))))


def test_sizes_follow_the_rules_of_the_shipped_networks(run_of):
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.plan.sizes import check_sizes, nearest, unit
    fine = [(name, 'all', run_of({}, name)) for name in ('ft', 'fe', 'ctd_ed', 'hg')]
    assert [unit(cfg) for _, _, cfg in fine] == [32, 32, 32, 64]
    check_sizes(fine, 'mine')
    assert unit(run_of({}, 'hg', hourglass=dict(depth=3))) == 32
    assert unit(run_of({'model.backbone.dilations': (1, 1, 1, 2)})) is None
    odd = [(name, 'few', run_of({}, name, input_size=(96, 75))) for name in ('ft', 'hg')]
    with pytest.raises(SuiteError, match=r'^mine: input_size=\(96, 75\) \(condition few\) does not fit the networks: '
                                         r'width and height must be divisible by 32 \(ft\), by 64 \(hg\). Set '
                                         r'input_size=\(128, 64\)'):
        check_sizes(odd, 'mine')
    check_sizes([('ft', 'few', run_of({}, input_size=(96, 32)))], 'mine')
    assert nearest((100, 75), 32) == (96, 64) and nearest((3, 47), 32) == (32, 32)


def test_smallest_batches():
    from benchmark.experiments.plan.sizes import fitting_batches, smallest_batch
    assert [smallest_batch(5, size) for size in (1, 2, 4, 5, 9)] == [1, 1, 1, 5, 5]
    assert [smallest_batch(5, size, drop_last=True) for size in (2, 5, 9)] == [2, 5, 0]
    assert fitting_batches(5, 4, 2) == [3, 5] and fitting_batches(1, 4, 2) == []


@pytest.fixture(scope='module')
def cache(tmp_path_factory):
    """Faces are drawn once."""
    return tmp_path_factory.mktemp('cache')


@pytest.fixture
def planned(tmp_path, cache, monkeypatch):
    """Plans the smoke suite with changes on a few synthetic faces."""
    from benchmark.experiments.plan.plan import make_plan
    from benchmark.experiments.suite.suite import load_suite
    monkeypatch.setenv('CTD_CACHE', str(cache))

    def plan(text: str, **options):
        path = write(tmp_path / 'mine.py', "methods = dict(_delete_=True, ft={}, fe={})\ndata = dict(train=6, val=2, "
                     "test=3)\nsource = dict(_delete_=True, type='random')\nanalysis = dict(proposed=None, "
                     f"reference=None)\n{text}\n")
        return make_plan(load_suite(str(path)), tmp_path / 'out', **options)

    return plan


def test_a_methods_number_of_seeds_may_be_its_own_and_changes_no_hash(planned, capsys):
    from benchmark.experiments.commands.status import describe
    whole = {run.id: run.hash for run in planned('seeds = 3').runs}
    plan = planned('seeds = 3', numbers=dict(ft=3, fe=1))
    assert [(run.method, run.seed) for run in plan.runs] == [('ft', 0), ('fe', 0), ('ft', 1), ('ft', 2)]
    assert {run.id: run.hash for run in plan.runs}.items() <= whole.items()
    assert [(run['method'], run['seed']) for run in plan.content['runs']][-1] == ('ft', 2)
    capsys.readouterr()
    describe(plan)
    assert '\nseeds: ft 3, fe 1\n' in capsys.readouterr().out
    fewer = planned('seeds = 1').runs
    assert {run.id: run.hash for run in fewer}.items() <= whole.items()
    assert [run.seed for run in planned('seeds = [4, 2]', numbers=dict(ft=1)).runs] == [4, 4, 2]


def test_a_batch_larger_than_the_set_is_said_to_be_as_large(planned, capsys):
    plan = planned('conditions = dict(all={}, large=dict(batch_size=9), larger=dict(batch_size=12, label="more"))')
    assert 'note: conditions.large: batches of 9 hold all 6 training images; plan and page say batch_size 6' in \
        capsys.readouterr().out
    sizes = {run.condition: run.config.train_dataloader.batch_size for run in plan.runs}
    assert sizes == dict(all=4, large=6) and all('larger' in run.also for run in plan.runs if run.condition == 'large')


def test_what_is_the_same_training_is_said(planned, capsys):
    plan = planned("seeding = dict(all='shared')\nmethods.update(again=dict(config='ft'))\n"
                   "conditions = dict(all={}, same=dict(label='the same'))")
    said = capsys.readouterr().out
    assert 'note: methods ft and again are the same training' in said and len(plan.runs) == 3
    assert 'note: conditions.same changes nothing of any method' in said


@pytest.mark.parametrize(('text', 'message'), [
    ("settings = dict(cfg_options={'train_dataloader.drop_last': True}, batch_size=7)", 'drops all of the 6 training'),
    ("settings = dict(cfg_options={'codec.stigma': 1})", None),
    ("conditions = dict(few=dict(num_labels=7))", 'num_labels=7: .* has 6 training images'),
    ("methods.update(ft=dict(cfg_options={'model.data_preprocessor.mean': [1, 2, 3]}))", 'a suite has one source, but'),
    ("settings = dict(power=0.5, cfg_options={'param_scheduler': [dict(type='CosineAnnealingLR', T_max=2)]})", None),
    ('analysis.update(margin=dict(NME=0.01))', None),
    ("settings = dict(cfg_options={'train_dataloader.batch_size': 0})", "batch_size': is 0; give a whole number, 1 or"),
    ("settings = dict(cfg_options={'train_cfg.max_epochs': 'many'})", "max_epochs': is 'many'; give a whole number"),
    ("settings = dict(cfg_options={'model': 3})", 'method ft under all: its config .*ft.py.* is not of the form'),
    ("settings = dict(cfg_options={'param_scheduler': None})", 'is not of the form that a run has .TypeError'),
    ("settings = dict(cfg_options={'custom_hooks': []})", "'custom_hooks': has no SetEpochHook, so that every epoch")])
def test_plans_are_refused_for_what_they_say(planned, text, message):
    from benchmark.experiments.errors import SuiteError
    if message is None:
        assert planned(text).runs
        return
    with pytest.raises(SuiteError, match=message):
        planned(text)


def test_a_margin_of_an_endpoint_that_the_data_do_not_have_is_refused(tmp_path):
    import json

    from benchmark.datasets.prepared import read_split
    from benchmark.datasets.synthetic.faces import write_landmark_dataset
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.plan.answerable import answerable
    from benchmark.experiments.suite.fields import changed
    from benchmark.experiments.suite.suite import load_suite
    root = write_landmark_dataset(tmp_path / 'faces', dict(train=2, val=1, test=2), image_size=64, seed=0)
    meta = json.loads((root / 'metainfo.json').read_text())
    del meta['interocular']
    (root / 'metainfo.json').write_text(json.dumps(meta))
    suite = load_suite('demo')
    suite = changed(suite, analysis=changed(suite.analysis, margin=dict(NME=0.01)))
    with pytest.raises(SuiteError, match=r'analysis\.margin\.NME: .* names no inter-ocular pair'):
        answerable(suite, root, read_split(root, 'test'))


def test_a_schedule_that_never_acts_is_told(planned, capsys):
    planned("settings = dict(epochs=3, iterations=None, cfg_options={'param_scheduler': [dict(type='LinearLR', end=1), "
            "dict(type='MultiStepLR', milestones=[170, 200])]})")
    said = capsys.readouterr().out
    assert 'note: method ft: param_scheduler.1 (MultiStepLR) begins to act after epoch 170, the training has 3' in said
    assert 'param_scheduler.0' not in said


def test_methods_of_the_command_line_are_some():
    from benchmark.experiments.commands.arguments import chosen
    from benchmark.experiments.errors import SuiteError
    from benchmark.experiments.suite.suite import load_suite
    with pytest.raises(SuiteError, match="--methods ' ,': names none. The suite smoke has: fe, ftp"):
        chosen(load_suite('smoke'), ' ,')
