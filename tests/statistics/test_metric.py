"""Metrics of one's own, from the files that docs/extending.md shows, to the page; and what is refused."""

import csv
import json
import re
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.commands.analyze import main
from benchmark.statistics import SCHEMA
from benchmark.statistics.metric import METRICS
from reports import build_report

PAGE = (Path(__file__).parents[2] / 'docs/extending.md').read_text()
PART = PAGE.partition('## A metric\n')[2].partition('\n## ')[0]
HEAD = ('import numpy as np\nfrom benchmark.statistics.metric import Metric, register\n\n\n'
        '@register\nclass Own(Metric):\n')


@pytest.fixture(autouse=True)
def known():
    """Metrics of a test are forgotten."""
    before = dict(METRICS)
    yield
    METRICS.clear()
    METRICS.update(before)


def frame(images=12, seeds=3):
    rng, rows = np.random.default_rng(8), []
    place = {'exocanthion_r': (20.0, 40.0), 'exocanthion_l': (80.0, 40.0), 'nasion': (50.0, 45.0)}
    for image in range(images):
        for method, size in (('ft', 1.5), ('mine', 1.0), ('other', 1.2)):
            for seed in range(seeds):
                for name, (x, y) in place.items():
                    dx, dy = size * rng.normal(size=2)
                    rows.append((method, seed, f'i{image:02d}', name, np.hypot(dx, dy), x + dx, y + dy, x, y))
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error', 'x', 'y', 'x_true', 'y_true'])


@pytest.fixture
def analyse(tmp_path):
    """Runs the command on a table with a file of metrics; returns exit code and content."""

    def run(table, text, *options):
        (tmp_path / 'own.py').write_text(text)
        table.to_csv(tmp_path / 't.csv', index=False)
        code = main([str(tmp_path / 't.csv'), '--proposed', 'mine', '--reference', 'ft', '--draws', '200', '--unit',
                     'px', '--metric', str(tmp_path / 'own.py'), *options])
        path = tmp_path / 'analysis.json'
        return code, json.loads(path.read_text()) if path.exists() else None

    return run


def test_the_metrics_of_the_docs_go_from_the_call_to_the_page(analyse, tmp_path):
    text = re.search(r'```python\n(# worst\.py\n.*?)```', PART, re.S)[1]
    options = re.search(r'analyze\.py runs/demo --metric worst\.py (.*)\n', PART)[1].split()
    table = frame()
    code, content = analyse(table, text, *options)
    assert code == 0
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))
    assert content['tested'][-2:] == ['worst', 'level'] and content['tested'][0] == 'ME'
    assert content['endpoints']['worst'] | {'description': ''} == {
        'head': 'worst', 'label': 'error of the worst landmark', 'description': '', 'better': 'lower', 'unit': 'px',
        'factor': 1, 'decimals': 2, 'shown_unit': 'px', 'difference_unit': 'px'}
    assert content['endpoints']['level']['better'] == 'higher' and content['endpoints']['level']['unit'] == ''
    worst = table.groupby(['method', 'seed', 'image'])['error'].max().groupby('method').mean()
    for name in ('ft', 'mine', 'other'):
        assert content['methods'][name]['endpoints']['worst']['mean'] == pytest.approx(worst[name])
    planned = {(one['endpoint'], one['b'], one['scope']): one for one in content['contrasts']
               if one['family'] == 'planned'}
    one = planned['worst', 'ft', 'networks']
    assert one['estimate'] == pytest.approx(worst['mine'] - worst['ft']) and one['margin'] == 0.2
    assert one['verdict'].startswith('superior') and one['p'] <= one['p_adjusted']
    # More of it is better: the verdict has the sign of the difference.
    level = planned['level', 'ft', 'networks']
    assert level['estimate'] > 0 and level['verdict'] in ('superior', 'inconclusive')
    for block in ('effects', 'planning'):
        assert {'worst', 'level'} <= {one['endpoint'] for one in content[block]}
    assert {'worst', 'level'} <= set(content['variance_components'])
    page = build_report(tmp_path / 'analysis.json', tmp_path)
    html, tables = page.read_text(), page.parent / 'tables'
    shown = f'{worst["mine"]:.2f}'
    assert re.search(r'<th[^>]*>\s*worst', html) and 'data-path="/methods/mine/endpoints/worst/mean"' in html
    assert shown in (tables / 'table1.tex').read_text() and ' worst' in (tables / 'contrasts.tex').read_text()
    assert '| worst' in (page.parent / 'summary.md').read_text()
    with open(tables / 'contrasts.csv', newline='') as file:
        assert {'worst', 'level'} <= {row['endpoint'] for row in csv.DictReader(file)}
    assert 'the error of the worst landmark (worst)' in (page.parent / 'methods.txt').read_text()
    assert 'set to' in (page.parent / 'methods.txt').read_text() and '0.20 px (worst)' in (
        page.parent / 'methods.txt').read_text()


def test_without_a_metric_nothing_changes(analyse, tmp_path):
    text = HEAD + "    name, label = 'own', 'a constant'\n    def images(self, run):\n        return run.error[:, 0]\n"
    _, own = analyse(frame(), text)
    assert main([str(tmp_path / 't.csv'), '--proposed', 'mine', '--reference', 'ft', '--draws', '200', '--unit',
                 'px']) == 0
    bare = json.loads((tmp_path / 'analysis.json').read_text())
    assert 'own' not in bare['endpoints']
    assert bare['contrasts'] == [one for one in own['contrasts'] if one['endpoint'] != 'own']
    assert bare['ranking'] == own['ranking'] and bare['sensitivity'] == own['sensitivity']


def test_a_missing_prediction_has_no_metric(analyse):
    text = HEAD + ("    name, label = 'own', 'the largest'\n    def images(self, run):\n"
                   "        return np.nanmax(run.error, axis=1)\n")
    table = frame()
    table.loc[(table['method'] == 'ft') & (table['seed'] == 1) & (table['image'] == 'i03'), 'error'] = np.nan
    code, content = analyse(table, text, '--missing-cap', '9')
    assert code == 0 and content['methods']['ft']['endpoints']['own']['n_images'] == 11
    assert any('own is over 11 of 12 images' in note for note in content['notes'])


@pytest.mark.parametrize('body, parts', [
    ('return np.where(np.arange(len(run.images)) == 2, np.nan, 1.0)', ['ft', 'seed 0', 'gives nan for image i02']),
    ('return np.ones(len(run.images) + 1)', ['gives shape (13,) for 12 images']),
    ('return run.error', ['gives shape (12, 3) for 12 images']),
    ('raise SystemExit("no\\nmore")', ['SystemExit: no more']), ('return run.nothing', ['AttributeError', 'nothing']),
    ('return np.full(len(run.images), np.inf)', ['gives inf for image i00 (11 more images)'])])
def test_what_a_metric_may_not_give(analyse, capsys, body, parts):
    text = f"{HEAD}    name, label = 'own', 'x'\n    def images(self, run):\n        {body}\n"
    code, content = analyse(frame(), text)
    error = capsys.readouterr().err
    assert code == 2 and content is None and error.count('\n') == 1
    assert all(part in error for part in ['metric own', *parts])


def test_what_a_metric_writes_into_its_arrays_no_other_sees(analyse, tmp_path):
    own = "    def images(self, run):\n        run.error[:] += 1000\n        run.columns.clear()\n"
    own = HEAD + f"    name, label = 'first', 'x'\n{own}        return run.error.mean(1)\n"
    own += ("@register\nclass Second(Metric):\n    name, label = 'second', 'y'\n    def images(self, run):\n"
            "        return run.columns['score'][:, 0] + run.error.mean(1)\n")
    code, content = analyse(frame().assign(score=0.5), own)
    blocks = content['methods']['mine']['endpoints']
    assert code == 0 and blocks['first']['mean'] == pytest.approx(1000 + blocks['ME']['mean'])
    assert blocks['second']['mean'] == pytest.approx(0.5 + blocks['ME']['mean'])


def test_a_metric_does_not_choose_which_images_are_asked_for(analyse, capsys):
    body = 'run.error[2] = np.nan\n        return run.error.mean(1)\n'
    code, _ = analyse(frame(), f"{HEAD}    name, label = 'own', 'x'\n    def images(self, run):\n        {body}")
    assert code == 2 and 'gives nan for image i02' in capsys.readouterr().err


def test_a_file_that_is_given_twice_is_read_once(analyse, tmp_path):
    text = HEAD + "    name, label = 'own', 'x'\n    def images(self, run):\n        return run.error[:, 0]\n"
    code, content = analyse(frame(), text, '--metric', str(tmp_path / '.' / 'own.py'))
    assert code == 0 and content['tested'].count('own') == 1


@pytest.mark.parametrize('text, part', [
    ("import sys\nsys.exit('give data')\n", 'SystemExit: give data'),
    ("import sys\nsys.exit()\n", 'own.py: SystemExit'),
    *[(HEAD + f"    name, label = '{name}', 'x'\n    images = None\n", f'the name {name} is that of a column')
      for name in ('image', 'seed', 'n_landmarks', 'error', 'fold')],
    (HEAD + "    name, label, unit = 'own', 'x', 1\n    images = None\n", 'unit is 1'),
    ('x = 1\n', 'no metric is registered'), ('x = (\n', 'SyntaxError'),
    (HEAD + "    name, label = 'ME', 'x'\n    images = None\n", 'the name ME is taken'),
    (HEAD + "    name, label = 'SDR_2', 'x'\n    images = None\n", 'the name SDR_2 is taken'),
    (HEAD + "    name, label = '2 x', 'x'\n    images = None\n", 'a letter first'),
    (HEAD + "    name = 'own'\n    images = None\n", 'no label'),
    (HEAD + "    name, label, better = 'own', 'x', 'more'\n    images = None\n", "better is 'more'"),
    (HEAD + "    name, label, decimals = 'own', 'x', 1.5\n    images = None\n", 'decimals is 1.5')])
def test_files_that_are_no_metrics(analyse, capsys, text, part):
    code, _ = analyse(frame(), text)
    error = capsys.readouterr().err
    assert code == 2 and error.count('\n') == 1 and 'own.py' in error and part in error


def test_a_file_that_is_not_there_and_a_table_of_scores(tmp_path, capsys):
    frame().assign(dice=0.5).to_csv(tmp_path / 't.csv', index=False)
    assert main([str(tmp_path / 't.csv'), '--metric', str(tmp_path / 'no.py')]) == 2
    assert 'no such file' in capsys.readouterr().err
    assert main([str(tmp_path / 't.csv'), '--higher-is-better', 'dice', '--metric', str(tmp_path / 'no.py')]) == 2
    assert 'the table has scores' in capsys.readouterr().err


def test_a_suite_s_folder_takes_a_margin_of_a_metric(tmp_path):
    frame().assign(condition='all').to_parquet(tmp_path / 'results.parquet')
    methods = ('ft', 'mine', 'other')
    (tmp_path / 'plan.json').write_text(json.dumps({
        'suite': 's', 'methods': [{'name': name, 'label': name} for name in methods],
        'conditions': [{'name': 'all', 'label': 'all', 'value': 5}], 'seeds': [0, 1, 2],
        'runs': [{'id': f'{name}/{seed}', 'method': name, 'condition': 'all', 'seed': seed, 'hash': f'{name}{seed}',
                  'folder': f'runs/{name}/{seed}'} for name in methods for seed in range(3)],
        'analysis': {'threshold': 1.2, 'proposed': 'mine', 'reference': 'ft'}}))
    (tmp_path / 'own.py').write_text(HEAD + "    name, label = 'own', 'the largest'\n    def images(self, run):\n"
                                            "        return np.nanmax(run.error, axis=1)\n")
    call = [str(tmp_path), '--draws', '200', '--metric', str(tmp_path / 'own.py'), '--margin', 'own=0.2']
    assert main(call) == 0
    content = json.loads((tmp_path / 'analysis.json').read_text())
    assert content['margin'] == {'own': 0.2} and content['endpoints']['own']['shown_unit'] == 'heatmap px'
    build_report(tmp_path / 'analysis.json', tmp_path)
