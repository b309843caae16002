"""A difference has one sign and one rounding on the page, in its figures, in sentences, LaTeX, Markdown and CSV."""

import copy
import csv
import html
import io
import itertools
import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import analyze, validate, write_analysis
from benchmark.statistics.endpoints import ENDPOINTS, rounded
from benchmark.statistics.wording import statements
from reports import build_report
from reports.latex import latex_tables, tex
from reports.numbers import probability

LABELS = {'ours': '[12] UDP', 'b': '* starred', 'c': 'C|D', 'd': 'D', 'e': 'E', 'f': 'F'}
MEANS = {'ours': 1.0, 'b': 1.3, 'c': 1.0004, 'd': 0.8, 'e': 0.9, 'f': 1.1}
#: Differences where a decimal more or less, or another rule for what is small, gives another text.
EDGES = (0.0125, -0.0005, 0.00049, -0.1235, 0.00995)


def results():
    """Errors whose differences have both signs, one of them too small for three decimals; failures differ widely."""
    rng = np.random.default_rng(2)
    base = rng.normal(0, 0.2, 40)
    rows = [(m, s, f'i{i}', k, abs(MEANS[m] + base[i] + rng.normal(0, 0.002)), 30.0 + i, i % 10 if i < 12 else 'rest')
            for m, s, i, k in itertools.product(MEANS, range(3), range(40), 'xy')]
    frame = pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error', 'normalizer', 'group_site'])
    return frame.assign(error_mm=0.3 * frame['error'], group_site=frame['group_site'].astype(str))


@pytest.fixture(scope='module')
def analysis():
    plan = {'methods': [{'name': name, 'label': label} for name, label in LABELS.items()],
            'analysis': {'proposed': 'ours', 'threshold': 1.2, 'groups': ['site']}}
    return analyze(validate(results()), plan, draws=100)


def reported(analysis, out, suites):
    """The analysis, the text of each number of its page by path, the page, and the folder of its report."""
    path = write_analysis(out / 'analysis.json', analysis)
    page = build_report(path, out)
    numbers = {}
    for where, _, _, text in suites.Reader(page.read_text()).numbers:
        numbers.setdefault(where, set()).add(text.replace('\u2212', '-'))
    return SimpleNamespace(analysis=json.loads(path.read_text()), numbers=numbers, text=page.read_text(),
                           folder=page.parent)


@pytest.fixture(scope='module')
def shown(analysis, tmp_path_factory, suites):
    return reported(analysis, tmp_path_factory.mktemp('one'), suites)


def at_edges(analysis, sign):
    """The analysis with differences that stand where roundings part, and the sentences that follow from them."""
    changed = copy.deepcopy(analysis)
    pairs = {}
    for one in changed['contrasts']:
        value = sign * EDGES[pairs.setdefault((one['a'], one['b']), len(pairs)) % len(EDGES)]
        one['estimate'] = value
        if one['verdict'] != 'not estimable':
            one.update(ci_low=value - 0.0315, ci_high=value + 0.00085, ci_low_simultaneous=value - 0.0635,
                       ci_high_simultaneous=value + 0.0045)
    for one in changed['effects']:
        one['percent'] = sign * EDGES[pairs[one['a'], one['b']] % len(EDGES)] * 100 / 25
        if one['wilcoxon']:
            one['wilcoxon'].update(pseudomedian=sign * 0.00995, ci_low=-0.0125, ci_high=0.00049)
    for one in changed['planning']:
        one.update(detectable=0.0125, target=0.00995, floor_seeds=0.00049, floor_images=0.0005)
    for item in changed['sensitivity']:
        for one in (*item['headlines'].values(), *item['rows']):
            if one['estimate'] is not None:
                one['estimate'] = sign * 0.0125
    changed['statements'] = statements(
        [one for one in changed['contrasts'] if one['family'] == 'planned'], changed['effects'], changed['planning'],
        LABELS, changed['unit'], changed['unit_of_analysis'], changed['alpha'])
    changed['report'] = {'sections': ['headline', 'contrasts', 'sensitivity', 'variance', 'significance']}
    return changed


@pytest.fixture(scope='module', params=['as computed', 'at edges',
                                        pytest.param('at edges, turned', marks=pytest.mark.slow)])
def told(request, analysis, tmp_path_factory, suites):
    if request.param == 'as computed':
        return request.getfixturevalue('shown')
    content = at_edges(analysis, 1 if request.param == 'at edges' else -1)
    return reported(content, tmp_path_factory.mktemp('edges'), suites)


def planned(analysis):
    return [(place, one) for place, one in enumerate(analysis['contrasts']) if one['family'] == 'planned']


def written(analysis, one, key):
    """A number of a block as its endpoint is written; blocks without one are of ME."""
    about = analysis['endpoints'][one.get('endpoint', 'ME')]
    return rounded(one[key], about['decimals'], about['factor'])


def differences(analysis):
    """Every block with a difference: its path, the block, the names of its numbers."""
    ends = ('estimate', 'ci_low', 'ci_high')
    for place, one in enumerate(analysis['contrasts']):
        yield f'/contrasts/{place}', one, (*ends, 'ci_low_simultaneous', 'ci_high_simultaneous')
    for place, one in enumerate(analysis['success']['contrasts']):
        yield f'/success/contrasts/{place}', one, ends
    for place, one in enumerate(analysis['landmarks']['contrasts']):
        yield f'/landmarks/contrasts/{place}', one, ends
    for number, group in enumerate(analysis['subgroups']):
        for kind in ('contrasts', 'interactions'):
            for place, one in enumerate(group[kind]):
                yield f'/subgroups/{number}/{kind}/{place}', one, ends
    for place, one in enumerate(analysis['effects']):
        if one['wilcoxon']:
            yield (f'/effects/{place}/wilcoxon', {**one['wilcoxon'], 'endpoint': one['endpoint']},
                   ('pseudomedian', 'ci_low', 'ci_high'))
    for place, one in enumerate(analysis['planning']):
        yield f'/planning/{place}', one, ('detectable', 'target', 'floor_seeds', 'floor_images')
    for place, item in enumerate(analysis['sensitivity']):
        for endpoint, one in item['headlines'].items():
            yield f'/sensitivity/{place}/headlines/{endpoint}', {**one, 'endpoint': endpoint}, ends
        for number, one in enumerate(item['rows']):
            yield f'/sensitivity/{place}/rows/{number}', one, ends


def test_the_differences_have_both_signs_for_every_endpoint(shown):
    analysis = shown.analysis
    assert {one['endpoint'] for _, one in planned(analysis)} == {'ME', 'FR', 'AUC', 'NME'}
    for endpoint in ('ME', 'FR', 'AUC', 'NME'):
        signs = {np.sign(one['estimate']) for _, one in planned(analysis) if one['endpoint'] == endpoint}
        assert {-1, 1} <= signs
    assert any(0 < abs(one['estimate']) < 5e-4 for _, one in planned(analysis))
    for _, one in planned(analysis):
        means = [analysis['methods'][name]['endpoints'][one['endpoint']]['mean'] for name in (one['a'], one['b'])]
        assert one['estimate'] == pytest.approx(means[0] - means[1], abs=1e-9)


def test_every_difference_on_the_page_is_written_as_its_endpoint_is(told):
    seen = {}
    for path, one, keys in differences(told.analysis):
        for key in keys:
            if texts := told.numbers.get(f'{path}/{key}'):
                wanted = '–' if one[key] is None else written(told.analysis, one, key)
                assert texts == {wanted}, (path, key, one[key])
                seen.setdefault(path.split('/')[1], set()).add((one.get('endpoint', 'ME'), one[key] < 0)
                                                               if one[key] is not None else None)
    for where in ('contrasts', 'sensitivity'):
        assert seen[where] >= {(endpoint, low) for endpoint in ('ME', 'FR', 'AUC') for low in (False, True)}
    assert {'effects', 'planning'} <= set(seen)


def test_numbers_in_figures_are_those_of_the_tables(told):
    analysis = told.analysis
    pairs = [one for one in analysis['contrasts'] if one['family'] == 'all pairs' and one['endpoint'] == 'ME']
    sizes = {written(analysis, {**one, 'estimate': abs(one['estimate'])}, 'estimate') for one in pairs}
    for kind in ('wide', 'narrow'):
        texts = drawn(told.text, 'fig-pairs', kind)
        assert {text for text in texts if re.fullmatch(r'[\d.e-]+', text)} == sizes
    known = {f'p {probability(p)}' for p in numbers_named(analysis, ('p', 'p_adjusted'))}
    found = {text for figure in re.findall(r'<svg [^>]*class="plot.*?</svg>', told.text, flags=re.DOTALL)
             for text in re.findall(r'\bp [<>]? ?\d[\d.]*', html.unescape(re.sub('<[^>]*>', '\n', figure)))}
    assert found and found <= known, found - known


def drawn(text, prefix, kind):
    """The words and numbers of a figure, marks left out."""
    figures = re.findall(rf'<svg [^>]*class="plot {kind}".*?</svg>', text, flags=re.DOTALL)
    figure, = (one for one in figures if f'{prefix}-' in one and ('fig-pairs-n-' in one) == (kind == 'narrow'))
    return {word.strip('●○ ') for word in re.findall(r'<text[^>]*>([^<]*)</text>', figure)} | {
        part.strip('●○ ') for word in re.findall(r'<text[^>]*>(.*?)</text>', figure)
        for part in re.split(r'<[^>]*>|\n', word)}


def numbers_named(content, names):
    """The numbers of those names, wherever they stand."""
    if isinstance(content, dict):
        return [one for key, part in content.items() for one in (
            [part] if key in names and isinstance(part, float) else numbers_named(part, names))]
    return [one for part in content for one in numbers_named(part, names)] if isinstance(content, list) else []


def test_page_csv_latex_and_sentences_agree(told):
    analysis, numbers, folder = told.analysis, told.numbers, told.folder
    rows = [*csv.DictReader(io.StringIO((folder / 'tables/contrasts.csv').read_text()))]
    lines = (folder / 'tables/contrasts.tex').read_text().replace('$-$', '-').splitlines()
    words = {(one['endpoint'], one['b']): one['text'] for one in analysis['statements']}
    for place, one in planned(analysis):
        about = analysis['endpoints'][one['endpoint']]
        wanted = {key: rounded(one[key], about['decimals'], about['factor'])
                  for key in ('estimate', 'ci_low', 'ci_high') if one[key] is not None}
        for key, text in wanted.items():
            there = place if key != 'estimate' else next(  # which both scopes share
                other for other, two in planned(analysis) if two['scope'] == 'procedure'
                and [two[part] for part in ('a', 'b', 'endpoint')] == [one[part] for part in ('a', 'b', 'endpoint')])
            assert numbers[f'/contrasts/{there}/{key}'] == {text}, (one['endpoint'], key)
            row = rows[place]
            assert row['shown' if key == 'estimate' else f'shown_{key}'] == text
            assert float(row[key]) * about['factor'] == pytest.approx(float(text), abs=0.51 * 10 ** -about['decimals'])
        label = tex(LABELS[one['b']])
        line = next(line for line in lines if f'- {label}}} & {one["endpoint"]} ' in line)
        assert f'& {wanted["estimate"]} &' in line
        assert 'ci_low' not in wanted or f'[{wanted["ci_low"]}, {wanted["ci_high"]}]' in line
        text = words[one['endpoint'], one['b']]
        size = wanted['estimate'].lstrip('-')
        unit = f' {about["difference_unit"]}'.rstrip()
        side = 'lower' if wanted['estimate'].startswith('-') else 'higher'
        assert ('both have the same' if float(size) == 0 else f'is {size}{unit} {side}') in text, text
        if one['scope'] == 'procedure' and one['p'] is not None:
            for key, said in (('p', 'interval is [^,]*, p '), ('p_adjusted', ', and p ')):
                assert re.search(rf'{said}(= )?{probability(one[key])}[ ,]', text), (key, one[key], text)
        if 'ci_low' in wanted:
            ends = [wanted['ci_low'], wanted['ci_high']]
            assert all(re.search(rf'(?<![\d.]){re.escape(end.lstrip("-"))}(?![\d.]*\d)', text) for end in ends), text


def test_summary_agrees(told):
    analysis, text = told.analysis, (told.folder / 'summary.md').read_text()
    for _, one in planned(analysis):
        if one['endpoint'] == 'ME' and one['scope'] == 'procedure':
            cell = rounded(one['estimate'], 3).replace('-', '\u2212')
            assert re.search(rf'\| {re.escape(cell)} \[', text), cell


def test_means_agree(shown):
    analysis, numbers, folder = shown.analysis, shown.numbers, shown.folder
    latex = (folder / 'tables/table1.tex').read_text()
    for method, block in analysis['methods'].items():
        for endpoint in ('ME', 'FR', 'AUC', 'NME'):
            about, mean = analysis['endpoints'][endpoint], block['endpoints'][endpoint]['mean']
            text = rounded(mean, about['decimals'], about['factor'])
            found = numbers[f'/methods/{method}/endpoints/{endpoint}/mean']
            assert found == {text} and text in latex


def test_every_endpoint_says_how_it_is_shown(shown):
    for name, about in shown.analysis['endpoints'].items():
        assert about['factor'] == (100 if about['unit'].startswith('share') and name != 'AUC' else 1), name
    assert {*ENDPOINTS} >= {'ME', 'FR', 'AUC', 'NME', 'ME_mm'}


@pytest.mark.parametrize(('value', 'decimals', 'factor', 'text'), [
    (-0.55556, 1, 100, '-55.6'), (0.0004, 3, 1, '0.0004'), (-0.00042, 3, 1, '-0.00042'), (-1e-17, 3, 1, '0.000'),
    (0.0, 1, 100, '0.0'), (-0.0, 2, 100, '0.00'), (0.0042, 3, 1, '0.0042'), (0.0052, 3, 1, '0.005'),
    (0.00321, 1, 100, '0.32'), (1e-6, 3, 1, '1e-06'), (-2, 1, 1, '-2.0')])
def test_rounding(value, decimals, factor, text):
    assert rounded(value, decimals, factor) == text


def test_cells_that_latex_would_read_as_arguments_are_braced(shown):
    changed = json.loads(json.dumps(shown.analysis))
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
    group = shown.analysis['subgroups'][0]
    sizes = {one['name']: one['n_units'] for one in group['strata']}
    assert min(sizes.values()) == 2 or min(sizes.values()) < 5 < max(sizes.values())
    for one in (*group['contrasts'], *group['interactions']):
        few = sizes[one['stratum']] < 5 or 40 - sizes[one['stratum']] < 5
        assert (one['p'] is None) == few and (one['ci_low'] is None) == few and one['estimate'] is not None
    assert any('with fewer than 5 images' in note for note in shown.analysis['notes'])
