"""A difference has one sign and one rounding on the page, in sentences, LaTeX, Markdown and CSV."""

import csv
import io
import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import analyze, validate, write_analysis
from benchmark.statistics.endpoints import ENDPOINTS, rounded
from reports import build_report
from reports.latex import latex_tables

LABELS = {'ours': '[12] UDP', 'b': '* starred', 'c': 'C|D', 'd': 'D'}
MEANS = {'ours': 1.0, 'b': 1.3, 'c': 1.0004, 'd': 0.8}


def results():
    """Errors whose differences have both signs, one of them too small for three decimals; failures differ widely."""
    rng = np.random.default_rng(2)
    base = rng.normal(0, 0.2, 40)
    rows = [(m, s, f'i{i}', k, abs(MEANS[m] + base[i] + rng.normal(0, 0.002)), 30.0 + i, i % 10 if i < 12 else 'rest')
            for m, s, i, k in itertools.product(MEANS, range(3), range(40), 'xy')]
    frame = pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error', 'normalizer', 'group_site'])
    return frame.assign(error_mm=0.3 * frame['error'], group_site=frame['group_site'].astype(str))


@pytest.fixture(scope='module')
def shown(tmp_path_factory, suites):
    """The analysis, and the text of everything that is made of it."""
    out = tmp_path_factory.mktemp('one')
    plan = {'methods': [{'name': name, 'label': label} for name, label in LABELS.items()],
            'analysis': {'proposed': 'ours', 'threshold': 1.2, 'groups': ['site']}}
    analysis = analyze(validate(results()), plan, draws=100)
    page = build_report(write_analysis(out / 'analysis.json', analysis), out)
    reader = suites.Reader(page.read_text())
    numbers = {}
    for path, _, _, text in reader.numbers:
        numbers.setdefault(path, set()).add(text)
    return analysis, numbers, page.parent


def planned(analysis):
    return [(place, one) for place, one in enumerate(analysis['contrasts']) if one['family'] == 'planned']


def test_the_differences_have_both_signs_for_every_endpoint(shown):
    analysis = shown[0]
    assert {one['endpoint'] for _, one in planned(analysis)} == {'ME', 'FR', 'AUC', 'NME'}
    for endpoint in ('ME', 'FR', 'AUC', 'NME'):
        signs = {np.sign(one['estimate']) for _, one in planned(analysis) if one['endpoint'] == endpoint}
        assert {-1, 1} <= signs
    assert any(0 < abs(one['estimate']) < 5e-4 for _, one in planned(analysis))


def test_page_csv_latex_and_sentences_agree(shown):
    analysis, numbers, folder = shown
    rows = [*csv.DictReader(io.StringIO((folder / 'tables/contrasts.csv').read_text()))]
    lines = (folder / 'tables/contrasts.tex').read_text().replace('$-$', '-').splitlines()
    words = {(one['endpoint'], one['b']): one['text'] for one in analysis['statements']}
    for place, one in planned(analysis):
        about = analysis['endpoints'][one['endpoint']]
        wanted = {key: rounded(one[key], about['decimals'], about['factor'])
                  for key in ('estimate', 'ci_low', 'ci_high') if one[key] is not None}
        means = [analysis['methods'][name]['endpoints'][one['endpoint']]['mean'] for name in (one['a'], one['b'])]
        assert one['estimate'] == pytest.approx(means[0] - means[1], abs=1e-9)
        for key, text in wanted.items():
            there = place if key != 'estimate' else next(  # which both scopes share
                other for other, two in planned(analysis) if two['scope'] == 'procedure'
                and [two[part] for part in ('a', 'b', 'endpoint')] == [one[part] for part in ('a', 'b', 'endpoint')])
            on_page = {found.replace('\u2212', '-') for found in numbers[f'/contrasts/{there}/{key}']}
            assert on_page == {text}, (one['endpoint'], key)
            row = rows[place]
            assert row['shown' if key == 'estimate' else f'shown_{key}'] == text
            assert float(row[key]) * about['factor'] == pytest.approx(float(text), abs=0.51 * 10 ** -about['decimals'])
        label = {'b': '* starred', 'c': r'C\textbar{}D', 'd': 'D'}[one['b']]
        line = next(line for line in lines if f'- {label}}} & {one["endpoint"]} ' in line)
        assert f'& {wanted["estimate"]} &' in line
        assert 'ci_low' not in wanted or f'[{wanted["ci_low"]}, {wanted["ci_high"]}]' in line
        text = words[one['endpoint'], one['b']]
        size = wanted['estimate'].lstrip('-')
        unit = f' {about["difference_unit"]}'.rstrip()
        side = 'lower' if wanted['estimate'].startswith('-') else 'higher'
        assert ('both have the same' if float(size) == 0 else f'is {size}{unit} {side}') in text, text
        if 'ci_low' in wanted:
            ends = [wanted['ci_low'], wanted['ci_high']]
            assert all(re.search(rf'(?<![\d.]){re.escape(end.lstrip("-"))}(?![\d.]*\d)', text) for end in ends), text


def test_summary_agrees(shown):
    analysis, _, folder = shown
    text = (folder / 'summary.md').read_text()
    for _, one in planned(analysis):
        if one['endpoint'] == 'ME' and one['scope'] == 'procedure':
            cell = rounded(one['estimate'], 3).replace('-', '\u2212')
            assert re.search(rf'\| {re.escape(cell)} \[', text), cell


def test_means_agree(shown):
    analysis, numbers, folder = shown
    latex = (folder / 'tables/table1.tex').read_text()
    for method, block in analysis['methods'].items():
        for endpoint in ('ME', 'FR', 'AUC', 'NME'):
            about, mean = analysis['endpoints'][endpoint], block['endpoints'][endpoint]['mean']
            text = rounded(mean, about['decimals'], about['factor'])
            found = numbers[f'/methods/{method}/endpoints/{endpoint}/mean']
            assert found <= {text, *([f'{mean * about["factor"]:.0f}'] if mean in (0, 1) else [])} and text in latex


def test_every_endpoint_says_how_it_is_shown(shown):
    for name, about in shown[0]['endpoints'].items():
        assert about['factor'] == (100 if about['unit'].startswith('share') and name != 'AUC' else 1), name
    assert {*ENDPOINTS} >= {'ME', 'FR', 'AUC', 'NME', 'ME_mm'}


@pytest.mark.parametrize(('value', 'decimals', 'factor', 'text'), [
    (-0.55556, 1, 100, '-55.6'), (0.0004, 3, 1, '0.0004'), (-0.00042, 3, 1, '-0.00042'), (-1e-17, 3, 1, '0.000'),
    (0.0, 1, 100, '0.0'), (-0.0, 2, 100, '0.00'), (0.0042, 3, 1, '0.0042'), (0.0052, 3, 1, '0.005'),
    (0.00321, 1, 100, '0.32'), (1e-6, 3, 1, '1e-06'), (-2, 1, 1, '-2.0')])
def test_rounding(value, decimals, factor, text):
    assert rounded(value, decimals, factor) == text


def test_cells_that_latex_would_read_as_arguments_are_braced(shown):
    analysis, _, folder = shown
    changed = json.loads(json.dumps(analysis))
    changed['landmarks']['names'] = ['[x]', 'y']
    changed['landmarks']['methods'] = {name: {'[x]': cells['x'], 'y': cells['y']}
                                       for name, cells in changed['landmarks']['methods'].items()}
    files = latex_tables(changed)
    assert {'table1.tex', 'contrasts.tex', 'landmarks.tex', 'success.tex'} <= set(files)
    for name, text in files.items():
        for line in text.splitlines():
            assert not re.match(r'\s*(\\midrule\s*)?[\[*]', line), (name, line)
    assert '{[12] UDP} &' in files['table1.tex'] and '{* starred} &' in files['table1.tex']
    assert '{[12] UDP $-$ * starred} &' in files['contrasts.tex'] and '\n{[x]} &' in files['landmarks.tex']


def test_strata_of_fewer_than_five_images_have_no_p_value(shown):
    group = shown[0]['subgroups'][0]
    sizes = {one['name']: one['n_units'] for one in group['strata']}
    assert min(sizes.values()) == 2 or min(sizes.values()) < 5 < max(sizes.values())
    for one in (*group['contrasts'], *group['interactions']):
        few = sizes[one['stratum']] < 5 or 40 - sizes[one['stratum']] < 5
        assert (one['p'] is None) == few and (one['ci_low'] is None) == few and one['estimate'] is not None
    assert any('with fewer than 5 images' in note for note in shown[0]['notes'])
