"""Tuning: what is refused, what is tried, what is chosen; and trainings that several conditions share."""

import json
from dataclasses import replace

import pandas
import pytest

from benchmark.experiments.suite.configs import CONFIGS
from benchmark.experiments.suite.fields import Mistake
from benchmark.experiments.suite.suite import load_suite
from benchmark.experiments.suite.tuning import Tuning, choose, draw_trials
from benchmark.statistics import analyze, read_suite
from reports.build import render

LR = 'optim_wrapper.optimizer.lr'
GRID = dict(trials=2, axes=dict(ft={LR: [1e-3, 1e-2]}, ctd_com={'model.head.transfer.ed.weight': [0.0, 0.1]}))
UNPLANNED = "analysis = dict(proposed=None, reference='ft')\n"
TUNED = f"""
methods = dict(_delete_=True, ft={{}}, ctd_com={{}})
tuning = {GRID!r}
"""


@pytest.mark.parametrize(('change', 'message'), [
    (dict(number=2), 'unknown field tuning.number. Known fields here: '),
    (dict(trials=1), 'tuning.trials=1: give the number of trials of each method, 2 or more'),
    (dict(kind='bayes'), "tuning.kind='bayes' is unknown. Choose one of: grid, random"),
    (dict(axes=dict(ft={LR: [1, 2]})), 'tuning.axes.ctd_com is missing: tuning only some methods favours them'),
    (dict(axes=dict(GRID['axes'], hg={LR: [1, 2]})), 'tuning.axes.hg: the suite has no such method. It has: ft'),
    (dict(axes=dict(GRID['axes'], ft={LR: [1, 2, 3]})), 'tuning.axes.ft has 3 combinations, tuning.trials is 2'),
    (dict(axes=dict(GRID['axes'], ft={LR: 1e-3})), "tuning.axes.ft['optim_wrapper.optimizer.lr']=0.001: give a list"),
    (dict(axes=dict(GRID['axes'], ft={LR: dict(low=0, high=1)})), "a range is drawn from with tuning.kind='random'"),
    *((dict(kind='random', axes=dict(GRID['axes'], ft={LR: odd})), 'with low below high') for odd in (
        dict(low=0, high=1, log=True), dict(low=1, high=1), dict(low=0), dict(low=0, high=1, step=1))),
    (dict(seed=-1), 'tuning.seed=-1: give a whole number from 0'),
])
def test_refused(change, message):
    with pytest.raises(Mistake) as error:
        Tuning.read(GRID | change, 'tuning').fit(['ft', 'ctd_com'])
    assert message in str(error.value)


def test_a_grid_is_all_combinations():
    tuning = Tuning.read(dict(trials=4, axes=dict(ft={'a': [1, 2], 'b': ['x', 'y']})))
    tuning.fit(['ft'])
    assert draw_trials(tuning, 'ft') == [dict(a=1, b='x'), dict(a=1, b='y'), dict(a=2, b='x'), dict(a=2, b='y')]


def test_random_trials_are_the_same_each_time_and_lie_in_their_range():
    tuning = Tuning.read(dict(trials=200, kind='random', axes={
        name: {LR: dict(low=1e-4, high=1e-2, log=True), 'b': [1, 2]} for name in ('ft', 'fe')}))
    tuning.fit(['ft', 'fe'])
    trials = draw_trials(tuning, 'ft')
    assert trials == draw_trials(tuning, 'ft') != draw_trials(tuning, 'fe')
    assert trials != draw_trials(replace(tuning, seed=1), 'ft')
    assert all(1e-4 <= one[LR] <= 1e-2 for one in trials) and {one['b'] for one in trials} == {1, 2}
    # Uniform in the logarithm: half of the draws below the geometric mean, give or take five standard errors.
    assert abs(sum(one[LR] < 1e-3 for one in trials) / 200 - 0.5) < 5 * 0.5 / 200 ** 0.5


def test_the_least_validation_error_is_chosen_once_all_have_ended():
    def tries(*pairs):
        return [dict(id=str(place), state=state, validation=error) for place, (state, error) in enumerate(pairs)]

    assert choose(tries(('done', 2.0), ('done', 1.0), ('done', 1.0))) == '1'
    assert choose(tries(('done', 2.0), ('failed', None))) == '0'
    assert choose(tries(('done', 2.0), ('missing', None))) is None
    assert choose(tries(('failed', None), ('failed', None))) is None


def test_from_tries_to_the_page(tiny):
    together = [dict(cd=dict(weight=weight), ed=dict(weight=weight)) for weight in (0.0, 0.1)]
    axes = GRID['axes'] | dict(ctd_com={'model.head.transfer': together})
    out = tiny.run(text=TUNED.replace(repr(GRID), repr(GRID | dict(axes=axes))))
    assert out.returncode == 0, out.stdout + out.stderr
    plan = json.loads((tiny.out / 'plan.json').read_text())
    assert [(run['method'], run['trial']) for run in plan['runs']] == [
        ('ft', 0), ('ft', 1), ('ctd_com', 0), ('ctd_com', 1)]
    groups = json.loads((tiny.out / 'tuning.json').read_text())
    for group in groups:
        records = {one['id']: json.loads((tiny.out / 'runs' / one['id'] / 'record.json').read_text())
                   for one in group['tries']}
        errors = {name: record['validation']['landmark/ME'] for name, record in records.items()}
        assert [one['validation'] for one in group['tries']] == [*errors.values()]
        assert len({*errors.values()}) == 2 and group['chosen'] == min(errors, key=errors.get)
    # What stands in the table is the chosen trials' test, nothing else.
    table = pandas.read_parquet(tiny.out / 'results.parquet')
    assert len(table) == 2 * 4 * 14
    for group in groups:
        own = pandas.read_parquet(tiny.out / 'runs' / group['chosen'] / 'predictions.parquet')
        assert table[table.method == group['method']].error.tolist() == own.error.tolist()
    suite = read_suite(tiny.out)
    analysis = json.loads(json.dumps(analyze(suite.table, suite.plan, suite.records, draws=100), default=float))
    assert analysis['runs']['planned'] == analysis['runs']['done'] == 2
    assert {item['id'] for item in analysis['runs']['items']} == {group['chosen'] for group in groups}
    assert (analysis['tuning']['trainings'], analysis['tuning']['groups'], analysis['tuning']['tries']) == (4, 2, 2)
    for group in groups:
        rows, = analysis['tuning']['methods'][group['method']].values()
        assert [row['validation'] for row in rows] == pytest.approx([one['validation'] for one in group['tries']])
        assert [row['chosen'] for row in rows] == [one['id'] == group['chosen'] for one in group['tries']]
    page, _ = render(dict(analysis, report=dict(sections=['table1', 'tuning'])), tiny.out)
    assert 'cd.weight 0.1, ed.weight 0.1' in page and 'optimizer.lr 0.01' in page
    assert 'the test images decided nothing' in page


def test_the_old_name_of_the_trials_is_read_with_a_warning(tmp_path, capsys):
    base = tmp_path / 'base.py'
    base.write_text(f"_base_ = {str(CONFIGS / 'suites/smoke.py')!r}\n{UNPLANNED}{TUNED.replace('trials', 'tries')}")
    now = load_suite(str(base)).tuning
    assert now == Tuning.read(GRID) and [*now.given] == ['trials', 'axes']
    said = capsys.readouterr().err
    assert said == f'warning: {base}: tuning.tries is called tuning.trials now; the old name works until version 1.0.\n'


@pytest.mark.parametrize(('of_base', 'own'), [('tries', 'trials'), ('trials', 'tries')])
def test_what_is_written_over_a_base_counts_whichever_name_either_uses(tmp_path, of_base, own):
    base, mine = tmp_path / 'base.py', tmp_path / 'mine.py'
    base.write_text(f"_base_ = {str(CONFIGS / 'suites/smoke.py')!r}\n{UNPLANNED}{TUNED.replace('trials', of_base)}")
    axes = dict(ft={LR: [1, 2, 3]}, ctd_com={'model.head.transfer.ed.weight': [1, 2, 3]})
    mine.write_text(f'_base_ = {str(base)!r}\ntuning = dict({own}=3, axes={axes!r})\n')
    assert load_suite(str(mine)).tuning.trials == 3


def test_a_try_that_is_missing_leaves_its_method_out(tiny):
    out = tiny.run('--only', 'ft/*try0*', text=TUNED)
    assert out.returncode == 0, out.stdout + out.stderr
    group, = json.loads((tiny.out / 'tuning.json').read_text())
    assert group['chosen'] is None and group['tries'][0]['state'] == 'done'
    assert 'nothing is chosen in 1 of 1 searches, of which --only left out trials' in out.stdout
    assert not (tiny.out / 'results.parquet').exists()


def test_conditions_share_the_trainings_that_they_do_not_change(tiny):
    text = """
methods = dict(_delete_=True, ft={}, ctd_com={})
conditions = dict(a=dict(label='a'),
                  b=dict(label='b', method_options=dict(ctd_com={'model.head.transfer.ed.weight': 0.5})))
"""
    out = tiny.run(text=text)
    assert out.returncode == 0, out.stdout + out.stderr
    assert '3 of 3 runs done' in out.stdout
    folders = {str(path.parent.relative_to(tiny.out / 'runs')) for path in tiny.out.glob('runs/*/*/record.json')}
    assert len(folders) == 3 and sum(name.startswith('ft/') for name in folders) == 1
    table = pandas.read_parquet(tiny.out / 'results.parquet')
    errors = {key: rows.error.tolist() for key, rows in table.groupby(['method', 'condition'])}
    assert errors['ft', 'a'] == errors['ft', 'b'] and errors['ctd_com', 'a'] != errors['ctd_com', 'b']
    suite = read_suite(tiny.out)
    runs = analyze(suite.table, suite.plan, suite.records, draws=100)['runs']
    assert (runs['planned'], runs['done']) == (4, 4)
    assert len({item['folder'] for item in runs['items']}) == 3
    assert '0 of 3 runs to do' in tiny.run('--dry-run', text=text).stdout
    swapped = text.replace("conditions = dict(a=dict(label='a'),", 'conditions = dict(').replace(
        "0.5})))", "0.5})), a=dict(label='a'))")
    assert '1 of 3 runs to do' in tiny.run('--dry-run', text=swapped).stdout


def test_options_for_a_method_that_is_not_there(tiny):
    out = tiny.run(text="conditions = dict(a=dict(method_options=dict(fe={})))\n")
    assert out.returncode == 2 and 'conditions.a.method_options.fe: the suite has no such method' in out.stderr
