"""The page of several data sets: its numbers are those of datasets.json, and it leads to the page of each."""

import csv
import html
import io
import json
import re
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest

from benchmark.commands.analyze import main as analyze
from benchmark.commands.report import main as report
from benchmark.statistics.across import FILE
from benchmark.statistics.across.wording import decimals_of
from reports.numbers import probability, written

HOSTILE = '<b>x</b>/y & "z"'


def folder(path, data_sets=5, seeds=2, *options):
    """A folder with datasets.json and the pages of all."""
    rng, rows = np.random.default_rng(1), []
    for number in range(data_sets):
        image = rng.normal(1, 0.1, 13)
        for place, method in enumerate(('ours', 'ft', 'hg')):
            for seed in range(seeds):
                errors = image + 0.05 * place + rng.normal(0, 0.03, 13) + rng.normal(0, 0.01)
                name = HOSTILE if number == 1 else f'set {number}'
                rows += [(name, method, seed, f'i{i}', e) for i, e in enumerate(errors)]
    path.mkdir(exist_ok=True)
    pd.DataFrame(rows, columns=['dataset', 'method', 'seed', 'image', 'error']).to_csv(path / 'table.csv', index=False)
    assert analyze([str(path / 'table.csv'), '--out', str(path), '--proposed', 'ours', '--draws', '100', *options]) == 0
    assert report([str(path)]) == 0
    return path


@pytest.fixture(scope='module')
def several(tmp_path_factory):
    return folder(tmp_path_factory.mktemp('several'), 5, 2, '--margin', 'ME=0.03')


@pytest.fixture
def alone(monkeypatch):
    """The page is made without those of the data sets."""
    monkeypatch.setattr('reports.across.page.write_report', lambda *args: None)


@pytest.mark.parametrize('ratio', [False, True])
def test_every_number_is_that_of_datasets_json(several, suites, alone, tmp_path, ratio):
    path = folder(tmp_path / 'three', 3, 1, '--combine', 'ratio') if ratio else several
    content = json.loads((path / FILE).read_text())
    reader = suites.Reader((path / 'report/index.html').read_text())
    assert len(reader.numbers) > 60
    for where, value, scale, text in reader.numbers:
        stored = suites.resolve(content, where)
        assert json.loads(value) == stored, where
        if isinstance(stored, float):
            shown = text.replace('\u2212', '-').rstrip(' %').lstrip('+')
            digits = len(shown.partition('.')[2])
            options = {written(stored, digits, scale, fixed).replace('\u2212', '-') for fixed in (False, True)} | {
                       f'{stored * scale:.4g}', probability(stored)}
            assert shown in options, (where, text)
    for _, attributes, text, nested in reader.cells:
        number = re.fullmatch(r'\s*[\u2212+-]?\d+(\.\d+)?( %)?\s*', text)
        assert not number or 'data-path' in attributes or nested, text


def test_the_page_leads_to_that_of_each_data_set(several, suites):
    page = several / 'report/index.html'
    text = page.read_text()
    links = re.findall(r'<a href="(\.\./[^"]+)"', text)
    assert len(links) == 5 and all((page.parent / link).is_file() for link in links)
    reader = suites.Reader(text)
    assert len(reader.ids) == len(set(reader.ids)) and '<b>x</b>' not in text and str(several) not in text
    assert sorted(one.name for one in (several / 'report/figures').iterdir()) == [
        'data-sets-1.pdf', 'data-sets-2.pdf']
    assert text.count('class="plot wide"') == text.count('class="plot narrow"') == 2
    for label in re.findall(r'aria-label="(Forest[^"]*)"', text):
        assert 'in 5 data sets' in label
    for link in links:  # and back, also where its page is made again by itself
        own = page.parent / unquote(link)
        assert '<a href="../../report/index.html">' in own.read_text()
    assert report([str(own.parents[1])]) == 0 and '<a href="../../report/index.html">' in own.read_text()
    again = page.read_bytes()
    assert report([str(several / FILE)]) == 0 and page.read_bytes() == again


def test_with_one_run_each_all_is_said_of_these_trained_models(alone, tmp_path):
    path = folder(tmp_path / 'once', 2, 1, '--margin', 'ME=0.001')
    page, told = (html.unescape((path / 'report' / name).read_text()) for name in ('index.html', 'summary.md'))
    for text in (page, told):
        assert 'On these 2 data sets and for these trained models, on average' in text
        assert text.count('For these trained models: ') == 2 and 'One training run per method' not in text
    assert 'seeds and images' not in page and 'images and seeds' not in page
    assert 'with its variance, over images' in page


def test_how_data_sets_differ_is_not_written_as_certain_where_it_is_not_known(alone, tmp_path):
    path = folder(tmp_path / 'two', 2)
    content = json.loads((path / FILE).read_text())
    content['contrasts'][0]['heterogeneity'] |= {'tau': 0.0, 'tau_low': None, 'tau_high': None}
    content['contrasts'][1]['heterogeneity'] |= {'tau': 0.0301, 'tau_low': 0.00012, 'tau_high': 0.4}
    (path / FILE).write_text(json.dumps(content))
    assert report([str(path)]) == 0
    page = html.unescape((path / 'report/index.html').read_text())
    part = page[page.index('id="heterogeneity"'):page.index('id="ranking"')]
    rows = [re.sub('<[^>]+>', '', row) for row in re.findall('<tr>.*</tr>', part)]
    assert '0.000 [not estimable]' in rows[1] and '0.030 [0.00012, 0.400]' in rows[2]
    assert 'Not estimable</b>: the data sets are more alike' in part and 'with 1 degree of freedom:' in part
    heads = re.findall(r'<th [^>]*>([^<]+)', rows and part)
    assert len({*heads}) == len(heads)


def test_the_page_says_what_the_data_sets_are_taken_for(several, alone, tmp_path):
    text = (several / 'report/index.html').read_text()
    assert 'On data sets like these 5' in text and 'prediction interval' in text and 'Hartung and Knapp' in text
    few = (folder(tmp_path / 'two', 2) / 'report/index.html').read_text()
    assert 'On these 2 data sets' in few and 'prediction interval' not in few and 'unweighted mean' in few


def test_without_a_planned_contrast_there_is_the_ranking(several, alone, tmp_path):
    assert analyze([str(several / 'table.csv'), '--out', str(tmp_path), '--draws', '100']) == 0
    assert report([str(tmp_path)]) == 0
    text = (tmp_path / 'report/index.html').read_text()
    assert 'No contrast was planned' in text and 'id="ranking"' in text and 'id="forest"' not in text
    assert '--proposed NAME' in (said := re.sub('<[^>]*>', '', text)) and 'NAME is one of ft, hg and ours.' in said
    assert text.count('has the best mean') == 5  # in the place of an answer of its own
    for name in ('methods.txt', 'summary.md'):
        said = (tmp_path / 'report' / name).read_text()
        assert 'exploratory' not in said and 'none was tested over data sets' in said, name
    assert '--proposed NAME' in said and said.count('has the best mean') == 5


def test_methods_that_not_all_have_are_named(several, alone, tmp_path):
    table = pd.read_csv(several / 'table.csv')
    table = table[(table['dataset'] != 'set 2') | (table['method'] != 'hg')]
    table.to_csv(tmp_path / 't.csv', index=False)
    assert analyze([str(tmp_path / 't.csv'), '--proposed', 'ours', '--draws', '100', '--common-methods']) == 0
    assert report([str(tmp_path)]) == 0
    for name in ('methods.txt', 'summary.md'):
        text = (tmp_path / 'report' / name).read_text()
        assert '2 methods (ft and ours) were compared' in text and 'Left out was hg (not in set 2), as only' in text
    assert 'of 3: not all data sets have' in (tmp_path / 'report/index.html').read_text()
    assert 'Left out' not in (several / 'report/methods.txt').read_text()


def read_table(path):
    return list(csv.DictReader(io.StringIO(path.read_text())))


def test_tables_have_the_numbers_of_datasets_json(several):
    content, tables = json.loads((several / FILE).read_text()), several / 'report/tables'
    assert sorted(one.name for one in tables.iterdir()) == [
        'contrasts.csv', 'contrasts.tex', 'contrasts_data_sets.csv', 'contrasts_data_sets.tex',
        'contrasts_without.csv', 'means.csv', 'ranking.csv', 'ranking.tex']
    rows = read_table(tables / 'contrasts.csv')
    assert len(rows) == len(content['contrasts']) == 6 and 'heterogeneity' not in rows[0]
    for row, one in zip(rows, content['contrasts'], strict=True):
        number = {key: float(row[key]) if row[key] else None for key in ('estimate', 'p_adjusted', 'prediction_low')}
        assert number == {key: one[key] for key in number}
        assert not row['heterogeneity_tau'] or float(row['heterogeneity_tau']) == one['heterogeneity']['tau']
    # Data sets stand in their order everywhere, not in that of the JSON's sorted keys.
    order = ['set 0', HOSTILE, 'set 2', 'set 3', 'set 4']
    own = read_table(tables / 'contrasts_data_sets.csv')
    assert [row['data_set'] for row in own] == 6 * order
    assert float(own[1]['estimate']) == content['contrasts'][0]['data_sets'][HOSTILE]['estimate']
    assert float(read_table(tables / 'contrasts_without.csv')[1]['estimate']) == (
        content['contrasts'][0]['without'][HOSTILE]['estimate'])
    assert read_table(tables / 'contrasts_without.csv')[1]['verdict'] == (
        content['contrasts'][0]['without'][HOSTILE]['verdict'])
    means = {(row['data_set'], row['method']): float(row['mean']) for row in read_table(tables / 'means.csv')}
    assert means[HOSTILE, 'hg'] == content['ranking']['data_sets'][HOSTILE]['means']['hg']
    for row in read_table(tables / 'ranking.csv'):
        own = content['means']['methods'][row['method']]
        assert all(float(row[f'over_data_sets_{key}']) == value for key, value in own.items())
    page = html.unescape((several / 'report/index.html').read_text())
    places = [page.index(f'>{name}</bdi>', page.index('in numbers')) for name in order]
    assert places == sorted(places)


def test_latex_says_what_the_page_says(several):
    content, tables = json.loads((several / FILE).read_text()), several / 'report/tables'
    page = (several / 'report/index.html').read_text()
    for name in ('contrasts', 'contrasts_data_sets', 'ranking'):
        text = (tables / f'{name}.tex').read_text()
        body = text[text.index(r'\toprule'):text.index(r'\bottomrule')]
        lines = [line for line in body.splitlines() if line.endswith(r' \\')]
        assert len({line.count(' & ') for line in lines}) == 1 and '<b>' not in text and '_' not in body.replace(
            r'\_', '')
    one = content['contrasts'][0]
    first = next(line for line in (tables / 'contrasts.tex').read_text().splitlines() if line.startswith('ours $-$'))
    assert first.startswith('ours $-$ ft & ME & ') and one['verdict'] in first
    for key in ('estimate', 'ci_low', 'prediction_high'):
        shown = f'{one[key]:.3f}'
        assert shown.replace('-', '$-$') in first and shown.replace('-', '\u2212') in page
    each = (tables / 'contrasts_data_sets.tex').read_text()
    assert each.index('set 0') < each.index('textless') < each.index('set 2') < each.index('all 5') < each.index(
        'a new one &')
    ranking = (tables / 'ranking.tex').read_text()
    assert ranking.count(r'\textbf') == 5
    own = content['means']['methods']['hg']
    assert f'\\below{{{own["mean"]:.3f}}}{{\\scriptsize [{own["ci_low"]:.3f}, {own["ci_high"]:.3f}]}}' in ranking
    for text in (page, (several / 'report/summary.md').read_text(), ranking):
        assert 'mean over these 5 data sets' in text and 'unweighted: each data set counts once' in text
        assert 'over images alone' not in text


def test_numbers_relative_to_a_method_have_their_unit_and_sign(alone, tmp_path):
    path = folder(tmp_path / 'three', 3, 1, '--combine', 'ratio')
    content = json.loads((path / FILE).read_text())
    page, told, latex = (html.unescape((path / 'report' / name).read_text())
                         for name in ('index.html', 'summary.md', 'tables/ranking.tex'))
    shown = f'+{100 * content["means"]["methods"]["hg"]["mean"]:.1f}'
    row = next(line for line in told.splitlines() if line.startswith('| hg | +'))
    assert '| relative to ours, % |' in told and row.startswith(f'| hg | {shown} |') and '| ours | 0.0 |' in told
    assert r'\below{relative to}{ours, \%}' in latex and f'hg & {shown} & ' in latex and 'ours & 0.0 & ' in latex
    assert f'>{shown}</span>' in page and 'relative to ours, %' in re.sub('<[^>]*>|[\u2068\u2069]', '', page)
    assert written(0.0004, 1, 100, True, True) == '0.0' and written(-0.004, 1, 100, True, True) == '\u22120.4'
    assert latex.count('best observed mean of the data set') == 1


def test_a_data_set_whose_seeds_are_not_random_is_named(several, alone, tmp_path):
    table = pd.read_csv(several / 'table.csv')
    table = table[table['dataset'].isin(['set 0', 'set 2', 'set 3'])]
    once = (table['dataset'] == 'set 2') | (table['dataset'] == 'set 3') & (table['method'] == 'hg')
    table[~once | (table['seed'] == 0)].to_csv(tmp_path / 't.csv', index=False)
    assert analyze([str(tmp_path / 't.csv'), '--proposed', 'ours', '--draws', '100']) == 0
    assert report([str(tmp_path)]) == 0
    for name in ('index.html', 'summary.md', 'methods.txt', 'tables/ranking.tex'):
        text = re.sub('[\u2068\u2069]', '', (tmp_path / 'report' / name).read_text())
        assert ('in set 2 over images alone (one run per method), in set 3 over images alone (one run of hg)'
                in text), name


def test_a_paragraph_says_what_was_done(several, alone, tmp_path):
    text = (several / 'report/methods.txt').read_text()
    for part in ('3 methods (ft, hg and ours) were compared on 5 data sets, with 2 training runs (random seeds) of '
                 'each',
                 'Seeds were nested', 'set 0 (13 images)', '2 contrasts were planned: ours against ft and ours against',
                 'seeds and images were taken as crossed random factors', 'a random sample of data sets',
                 'Paule and Mandel', 't on 4 degrees of freedom', 'Nagashima', 'within endpoint by Holm',
                 'set to 0.030 units of the error (ME)', 'intervals have 95 %',
                 '100 bootstrap draws of data sets, images and seeds',
                 'Analysis: landmark-benchmark'):
        assert part in text, part
    page = html.unescape((several / 'report/index.html').read_text())
    assert all(part in page for part in text.split('\n\n')[:3])
    few = (folder(tmp_path / 'few', 2, 1, '--combine', 'ratio') / 'report/methods.txt').read_text()
    for part in ('with one training run of each', 'As each method has a single run in each data set',
                 'geometric mean over the data sets, relative to that of ours',
                 'logarithms of ratios',
                 'taken as fixed', 'the sum of theirs over 2²', 'draws of images'):
        assert part in few, part
    for part in ('crossed random factors', 'random sample', 'margin', 'smallest difference', 'the part of seeds'):
        assert part not in few, part
    none = tmp_path / 'none'
    assert analyze([str(several / 'table.csv'), '--out', str(none), '--draws', '100']) == 0
    assert report([str(none)]) == 0
    assert 'No contrast was planned' in (none / 'report/methods.txt').read_text()
    assert not (none / 'report/tables/contrasts.csv').exists() and (none / 'report/tables/ranking.tex').is_file()
    assert 'so none is combined' in (none / 'report/summary.md').read_text()


def test_the_summary_is_the_first_screen(several):
    text, content = (several / 'report/summary.md').read_text(), json.loads((several / FILE).read_text())
    assert text.startswith('# 5 data sets: comparison of methods\n') and '<b>' not in text
    for one in content['statements'][:2]:
        assert one['headline'] in text and one['text'].replace('<', r'\<') in text
    assert '| ours − ft, ME' in text and '(`set_2/report/index.html`)' in text and '## Methods' in text
    widths = [line.count(' | ') for line in text.splitlines() if line.startswith('| ')]
    page = (several / 'report/index.html').read_text()
    first = page[page.index('<table'):page.index('</table>')]
    assert first.count('<tr>') == 3 and len({*widths[:4]}) == 1 and widths[4] != widths[0]  # as many as in the summary
    assert '| ours − hg, ' in text and text.count('| ours − ') == 2


def cells(*estimates, decimals=3, margin=None, way='difference', ends=(None, float('nan'))):
    cell = [dict(estimate=one, ci_low=ends[0], ci_high=ends[1]) for one in estimates]
    return dict(endpoints=dict(ME=dict(decimals=decimals, factor=1)), combined=way, margin=margin or {},
                contrasts=[dict(endpoint='ME', **cell[0], data_sets=dict(enumerate(cell[1:])))])


@pytest.mark.parametrize(('content', 'digits'), [
    (cells(0.3, 0.0026), 3), (cells(0.0, 0.0), 3), (cells(0.0026, -0.06), 3), (cells(0.0026, 0.0004), 4),
    (cells(0.3, 0.2, margin=dict(ME=0.00012)), 5), (cells(12.0, 0.3, decimals=1), 1), (cells(1e-12, 0), 8),
    (cells(0.3, ends=(0.0004, 0.6)), 4), (cells(-0.3, ends=(-0.6, -0.0004)), 4), (cells(0.3, ends=(-0.0004, 0.6)), 3),
    (cells(0.1, 0.0002, way='ratio'), 1), (cells(0.002, 0.0002, way='ratio'), 2)])
def test_all_differences_of_an_endpoint_have_the_same_decimals(content, digits):
    assert decimals_of(content, 'ME') == digits


@pytest.mark.parametrize(('change', 'said'), [
    (lambda one: one | {'schema_version': 9}, 'field schema_version: 9 instead of 2'),
    (lambda one: one | {'kind': 'x'}, 'field kind'), (lambda one: [], 'schema_version'),
    (lambda one: one | {'data_sets': [{**one['data_sets'][0], 'folder': 'away'}, *one['data_sets'][1:]]},
     "away/analysis.json: can't be read")])
def test_a_file_that_can_not_be_shown_is_one_line(several, tmp_path, capsys, change, said):
    (tmp_path / FILE).write_text(json.dumps(change(json.loads((several / FILE).read_text()))))
    assert report([str(tmp_path)]) == 2
    line, = capsys.readouterr().err.splitlines()
    assert said in line


def test_a_folder_of_two_analyses_is_asked_about(tmp_path, capsys):
    for name in (FILE, 'analysis.json'):
        (tmp_path / name).write_text('{}')
    assert report([str(tmp_path)]) == 2
    assert 'has datasets.json and analysis.json, of two analyses; name the file' in capsys.readouterr().err
