"""What cannot be meant is refused when a suite is planned, before anything is trained: one line, with the remedy."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / 'mmconfigs'


def write(path: Path, text: str, base: str = 'suites/smoke.py') -> Path:
    path.write_text(f'_base_ = {str(CONFIGS / base)!r}\n{text}')
    return path


@pytest.mark.parametrize(('text', 'message'), [
    ("seeds = ['a', 'b']", r"seeds=\['a', 'b'\]: 'a' is no whole number"),
    ('seeds = [0.5, 1.5]', r'0\.5 is no whole number'), ('seeds = [0, -1]', '-1 is no whole number'),
    ('seeds = True', 'seeds=True: give a number of seeds'), ('seeds = 2.0', r'seeds=2\.0: give a number'),
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
    ('tuning = dict(tries=2, axes=[1])', r'tuning\.axes=\[1\]: give a dict'),
    ("tuning = dict(tries=2, axes={name: [1, 2] for name in ('fe', 'ftp', 'ft', 'hg', 'ctd_cd', 'ctd_ed', "
     "'ctd_com')})", r'tuning\.axes\.fe=\[1, 2\]: give a dict of config values'),
])
def test_odd_suites_are_refused_in_one_line(tmp_path, text, message):
    from benchmark.experiments.suite import SuiteError, load_suite
    path = write(tmp_path / 'odd.py', text + '\n')
    with pytest.raises(SuiteError, match=message) as caught:
        load_suite(str(path))
    assert 'odd.py' in str(caught.value) and '\n' not in str(caught.value)


def test_none_is_as_good_as_not_there(tmp_path):
    from benchmark.experiments.suite import load_suite
    path = write(tmp_path / 'fine.py', 'conditions = dict(all=dict(num_labels=None, value=None, iterations=None))\n'
                                       'methods = dict(ft=dict(label=None, cfg_options=None))\n')
    suite = load_suite(str(path))
    assert suite.conditions == dict(all=dict(iterations=None)) and suite.methods['ft']['label'] == 'FT'
    assert suite.methods['ft']['cfg_options'] == {}


def test_plan_and_analysis_read_one_schema():
    from benchmark.statistics.errors import TableError
    from benchmark.statistics.inputs import check_plan
    plan = dict(methods=[dict(name='a')], conditions=[dict(name='all')], seeds=[0, 1], analysis=dict(threshold=1.2))
    check_plan(plan)
    with pytest.raises(TableError, match=r"^field seeds\[1\]: 'b' is not of type 'integer'"):
        check_plan(plan | dict(seeds=[0, 'b']))
    with pytest.raises(TableError, match='^alpha: 0.9 is not below 0.5'):
        check_plan(plan | dict(analysis=dict(alpha=0.9)))
