"""One typed model of a suite: what it refuses and how it says so, and the table that the docs make of it."""

import ast
from typing import get_args

import pytest

from benchmark.experiments.errors import SuiteError
from benchmark.experiments.plan.encoder import WIDTH
from benchmark.experiments.plan.sizes import HOURGLASS_DEPTH
from benchmark.experiments.suite.configs import CONFIGS, find_config, read_config
from benchmark.experiments.suite.fields import Part, changed, entries, meanings, rows
from benchmark.experiments.suite.inputs import PreparedData, SyntheticFaces
from benchmark.experiments.suite.model import Condition, Report
from benchmark.experiments.suite.suite import Suite, load_suite
from benchmark.reference import suite_fields

ROWS = [*rows(Suite)]


@pytest.mark.parametrize(('text', 'message'), [
    ('settings = dict(itertions=4)', "unknown field settings.itertions. Known fields here: iterations, "),
    ("data = dict(type='prepared', root='x')", "unknown field data.image_size of data.type='prepared'. Known fields "
     'here: repeats, balance, type, folds, root, by. What a base suite has more goes with dict(_delete_=True, ...).'),
    ('data = dict(_delete_=True, train=3)', 'data.type is missing. Give one of: synthetic, prepared.'),
    ("data = dict(type=['zip'])", "data.type=['zip'] is unknown. Choose one of: synthetic, prepared."),
    ("source = dict(data=dict(_delete_=True, type='identities'))",
     "source.data.root is missing, which source.data.type='identities' needs. Give a text that is not empty."),
    ('settings = dict(depth=18.0)', 'settings.depth=18.0 is unknown. Choose one of: 18, 34, 50, 101, 152.'),
    ("conditions = {'a.b': dict(hourglass=dict(channels=0))}",
     "conditions['a.b'].hourglass.channels=0: give a whole number, 1 or more."),
    ("conditions = dict(a=dict(seeding=dict(split='sometimes')))", "conditions.a.seeding.split='sometimes' is unknown"),
    ('conditions = dict(a=dict(epochs=3, iterations=4))', 'conditions.a.epochs and conditions.a.iterations both set'),
    ("conditions = dict(a=dict(method_options=dict(nosuch={})))", 'conditions.a.method_options.nosuch: the suite has'),
    ('conditions = dict(a=dict(label=""))', "conditions.a.label='': give a text that is not empty."),
    ('execution = dict(threads=0)', 'execution.threads=0: give a number of threads, 1 or more.'),
    ('execution = dict(slurm=4)', 'execution.slurm=4: give a dict.'),
    ("report = dict(sections='headline')", "report.sections='headline': give a list of names."),
    ("analysis = dict(alpha='low')", "analysis.alpha: 'low' is not a number above 0"),
    ('tuning = dict(axes={})', 'tuning.trials is missing. Give the number of trials of each method, 2 or more.'),
])
def test_a_mistake_is_one_line_with_file_field_value_and_what_to_give(tmp_path, text, message):
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = {str(CONFIGS / 'suites/smoke.py')!r}\n{text}\n")
    with pytest.raises(SuiteError) as caught:
        load_suite(str(path))
    assert str(caught.value).startswith(f'{path}: {message}') and '\n' not in str(caught.value)


@pytest.mark.parametrize('missing', ['methods', 'seeds', 'data', 'source'])
def test_what_a_suite_needs_is_told(tmp_path, missing):
    path = tmp_path / 'mine.py'
    given = dict(methods=['ft'], seeds=1, data=dict(type='synthetic'), source=dict(type='random'))
    path.write_text('\n'.join(f'{name} = {value!r}' for name, value in given.items() if name != missing))
    with pytest.raises(SuiteError, match=f'mine.py: {missing} is missing. Give a '):
        load_suite(str(path))
    path.write_text('\n'.join(f'{name} = {value!r}' for name, value in given.items()))
    suite = load_suite(str(path))
    assert (suite.name, suite.title, suite.file, suite.design) == ('mine', 'mine', path, 'nested')
    assert suite.conditions['all'].label == 'all labels' and suite.data == SyntheticFaces()


def test_what_was_written_is_kept_as_it_was(tmp_path):
    path = tmp_path / 'mine.py'
    path.write_text(f"_base_ = {str(CONFIGS / 'suites/smoke.py')!r}\nanalysis = dict(threshold=2, groups='skin', "
                    "margin=dict(ME=1), proposed=None)\nreport = dict(imports=['mine'])\n"
                    'execution = dict(threads=None)\n')
    suite = load_suite(str(path))
    assert suite.analysis.given == dict(threshold=2, proposed=None, reference='ft', groups='skin', reported_images=310,
                                        margin=dict(ME=1))
    plan = suite.analysis
    assert (plan.groups, plan.margin, type(plan.threshold)) == (('skin',), dict(ME=1), int)
    assert suite.report == Report(imports=('mine',)) and suite.page == dict(imports=['mine'], folder=str(tmp_path))
    assert suite.execution.given == dict(threads=None) and suite.execution.retries == 2
    assert [*suite.data.given] == ['type', 'train', 'val', 'test', 'image_size', 'seed']


def test_a_changed_part_counts_as_written():
    assert PreparedData(root='x').given == dict(type='prepared', root='x')
    assert Condition(label='a').given == dict(label='a')
    part = changed(Condition.read(dict(lr=1, iterations=None)), num_labels=3)
    assert part == Condition(lr=1, num_labels=3) and part.given == dict(lr=1, iterations=None, num_labels=3)


# -- the table --------------------------------------------------------------------------------------------------------

def parts_in(kind) -> set[type[Part]]:
    """The parts that an annotation names, and those in them."""
    own = {kind} if isinstance(kind, type) and issubclass(kind, Part) else set()
    inner = [*get_args(kind), *(one for part in own for one in entries(part).values())]
    return own.union(*map(parts_in, inner))


PARTS = sorted(parts_in(Suite), key=lambda part: part.__name__)


@pytest.mark.parametrize('part', PARTS, ids=lambda part: part.__name__)
def test_each_field_has_a_meaning_and_is_in_the_table(part):
    table = suite_fields()
    for name in entries(part):
        meaning = meanings(part)[name].partition(' Default: ')[0].removesuffix('.')
        told = [row for row in ROWS if row.name.strip('`').rpartition('.')[2] == name
                and row.meaning.startswith(meaning)]
        assert len(meaning) > 10 and told and all(f'| {" | ".join(row)} |\n' in table for row in told), name


def test_the_table_has_a_row_for_each_field_and_no_other():
    assert len({row for row in ROWS}) == len(ROWS) and all(len(row) == 4 and row.takes and row.meaning for row in ROWS)
    own = sum(len(entries(part)) for part in PARTS if part is not Condition)
    # A condition's settings are one row.
    assert len(ROWS) == own + len(entries(Condition)) - len(entries(Condition.__base__)) + 1
    assert suite_fields().count('\n') == len(ROWS) + 2
    by_name = {row.name.strip('`'): row for row in ROWS}
    assert by_name['data.train'][1:] == ('a whole number, 1 or more', '`64`', "Training images (`type='synthetic'`).")
    assert by_name['settings.decoding'].takes == "`'argmax'`, `'quarter'`, `'dark'`"
    assert by_name['seeds'].default == by_name['data.type'].default == 'needed'
    assert by_name['conditions.NAME.seeding'].takes == 'as `seeding`'


def test_defaults_of_others_are_told_as_they_are():
    ft, hg = (read_config(find_config('methods', name)) for name in ('ft', 'hg'))
    source = read_config(CONFIGS / '_base_/sources/identity_classifier.py')
    told = {row.name.strip('`'): row.default.strip('`') for row in ROWS}
    true = {
        'settings.depth': ft.model.backbone.depth, 'settings.width': WIDTH,
        'settings.input_size': ft.train_dataloader.dataset.input_size, 'settings.epochs': ft.train_cfg.max_epochs,
        'settings.batch_size': ft.train_dataloader.batch_size, 'settings.lr': ft.optim_wrapper.optimizer.lr,
        'settings.power': ft.param_scheduler[0].power, 'settings.decoding': ft.codec.decoding,
        'settings.decoder_channels': ft.model.head.deconv_out_channels[0],
        'settings.hourglass.num_stacks': hg.model.backbone.num_stacks,
        'settings.hourglass.num_blocks': hg.model.backbone.num_blocks,
        'settings.hourglass.channels': hg.model.backbone.channels, 'settings.hourglass.depth': HOURGLASS_DEPTH,
        'source.epochs': source.train_cfg.max_epochs, 'source.batch_size': source.train_dataloader.batch_size,
        'source.lr': source.optim_wrapper.optimizer.lr, 'source.dropout': source.model.dropout,
        'source.weight_decay': source.optim_wrapper.optimizer.weight_decay,
        'source.label_smoothing': source.model.label_smoothing}
    assert {name: ast.literal_eval(told[name]) for name in true} == true
