"""Suites that stop themselves, and suites that were looked at again: page, figures, tables, LaTeX and summary."""

import csv
import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import analyze, validate, write_analysis
from benchmark.statistics.sequential.looks import Look
from reports import build_report
from reports.figures import looks as figures
from reports.looks import course, overstated, planned_looks, standing
from reports.palette import assign

PLAN = dict(max_seeds=8)
#: Method -> its mean, and with how many seeds it is at the looks.
METHODS = {'a': (0.8, (3, 4, 6)), 'b': (1.2, (3, 3, 3)), 'c': (0.84, (3, 4, 6)), 'd': (0.805, (3, 4, 6))}
SECTIONS = ['headline', 'contrasts', 'looks', 'sensitivity', 'variance', 'significance', 'limits']


def rows(methods, images=20, seed=4):
    """One row per method, seed and image, with the look that added it."""
    rng = np.random.default_rng(seed)
    image, found = 0.4 * rng.normal(size=images), []
    for method, (mean, counts) in methods.items():
        own = 0.08 * rng.normal(size=images)
        for number in range(max(counts)):
            errors = np.abs(mean + image + own + 0.02 * rng.normal() + 0.1 * rng.normal(size=images))
            look = 1 + int(np.searchsorted(counts, number, side='right'))
            found += [(method, number, f'i{place:02d}', error, look) for place, error in enumerate(errors)]
    return pd.DataFrame(found, columns=['method', 'seed', 'image', 'error', 'look'])


def report(content, out, sections=None):
    """The page and the folder of its report."""
    content['report'] = {} if sections is None else {'sections': sections}
    write_analysis(out / 'analysis.json', content)
    page = build_report(out / 'analysis.json', out)
    return json.loads((out / 'analysis.json').read_text()), page.read_text(), page.parent


@pytest.fixture(scope='module')
def stopped(tmp_path_factory):
    """Three looks of a suite that stops itself: one contrast settled at the first, another one under way."""
    content = analyze(validate(rows(METHODS)), proposed='a', draws=100, sequential=PLAN)
    return report(content, tmp_path_factory.mktemp('stopped'), SECTIONS)


@pytest.fixture(scope='module')
def again(tmp_path_factory):
    """Two looks without a plan."""
    frame = rows({'a': (0.8, (3, 4)), 'b': (0.9, (3, 4))})
    first = analyze(validate(frame[frame['look'] == 1]), looks=[], proposed='a', draws=100)
    looks = [Look.from_json(one) for one in first['sequential']['looks']]
    content = analyze(validate(frame), looks=looks, proposed='a', draws=100)
    return report(content, tmp_path_factory.mktemp('again'), SECTIONS)


def section(page, name):
    return re.search(rf'<section id="{name}".*?</section>', page, re.DOTALL)[0]


def words(text):
    """Text of a piece of the page on one line."""
    return ' '.join(re.sub(r'<[^>]+>', '', re.sub(r'<svg.*?</svg>', '', text, flags=re.DOTALL)).split())


def test_numbers_are_those_of_analysis_json(stopped, suites):
    analysis, page, _ = stopped
    reader = suites.Reader(section(page, 'looks'))
    assert len(reader.numbers) > 60
    for path, value, _, _ in reader.numbers:
        assert json.loads(value) == suites.resolve(analysis, path), path
    for _, attributes, text, inside in reader.cells:
        assert inside or 'data-path' in attributes or not re.search(r'\d', text), text


def test_the_sentence_counts_what_the_last_look_decided(stopped):
    analysis, page, folder = stopped
    last = analysis['sequential']['looks'][-1]
    wanted = [one for one in last['contrasts'] if one['endpoint'] == 'ME']
    settled = sum(one['settled'] and one['decision'] != 'futile' for one in wanted)
    assert 0 < settled < 3 == len(wanted)
    sentence, cost, _ = standing(analysis)
    assert f'{max(last["seeds"].values())} of at most 8 seeds, at look {last["number"]}' in sentence
    assert f'{settled} of 3 planned contrasts by ME settled' in sentence
    assert str(analysis['sequential']['trainings']['done']) in cost
    for text in (words(section(page, 'headline')), words(section(page, 'looks')), (folder / 'summary.md').read_text()):
        assert sentence in text and 'median-unbiased' in text
    for name in ('contrasts.tex', 'looks.tex'):
        assert sentence in (folder / 'tables' / name).read_text()


@pytest.mark.parametrize('last, told, cost', [
    (dict(last=True, seeds={'a': 6, 'b': 3}), 'stopped after 6 of at most 8', 'took 9 trainings, 7 fewer than 8'),
    (dict(last=True, seeds={'a': 8, 'b': 8}), 'all 8 planned seeds are there', 'took 16 trainings, as many as'),
    (dict(last=False, seeds={'a': 6, 'b': 6}), 'so far 6 of at most 8', 'Until now it took 12 of at most 16'),
])
def test_a_suite_that_stopped_ended_or_goes_on_is_called_so(stopped, last, told, cost):
    analysis = json.loads(json.dumps(stopped[0]))
    analysis['sequential']['looks'][-1] |= last
    analysis['sequential']['trainings'] |= {'done': sum(last['seeds'].values()), 'fixed': 16}
    found = standing(analysis)
    assert told in found[0] and cost in found[1]


def test_planned_contrasts_without_results_are_counted_as_open(stopped):
    analysis = json.loads(json.dumps(stopped[0]))
    last = analysis['sequential']['looks'][-1]
    left = sum(not one['settled'] for one in last['contrasts'] if one['primary'])
    last['lacking'] = [['ME', 'a', 'failed']]
    sentence = standing(analysis)[0]
    assert ' of 4 planned contrasts by ME settled' in sentence
    assert f'{left + 1} open, 1 of them without results, ' in sentence or sentence.endswith(
        f'{left + 1} open, 1 of them without results.')


def test_headline_contrasts_and_summary_give_repeated_intervals_and_sequential_p(stopped):
    analysis, page, folder = stopped
    head, summary = section(page, 'headline'), (folder / 'summary.md').read_text()
    assert 'repeated 95 % interval' in head and 'sequential p' in head
    assert words(section(page, 'contrasts')).count('sequential p, adj.') == 1
    for text in (words(page), summary):
        assert 'intervals are not' not in text and 'intervals (training procedures) are not' not in text
    one = next(one for one in analysis['contrasts'] if one['family'] == 'planned' and one['scope'] == 'procedure'
               and (one['endpoint'], one['b']) == ('ME', 'b'))
    place = analysis['contrasts'].index(one)
    for key in ('ci_low', 'ci_high', 'p_adjusted'):
        assert f'data-path="/contrasts/{place}/{key}"' in head
    assert not overstated(one) and f'/contrasts/{place}/sequential/median_unbiased' not in head  # at the first look
    assert overstated({**one, 'sequential': {**one['sequential'], 'look': 2}})
    line = next(line for line in summary.splitlines() if line.startswith('| a − b'))
    assert line.count('|') == 7


def test_what_is_not_corrected_for_the_looks_says_so(stopped, small_page):
    _, page, _ = stopped
    assert 'Of procedures adjusted p and intervals hold over all looks' in words(section(page, 'significance'))
    assert 'as if these seeds had been looked at once' in words(section(page, 'sensitivity'))
    assert 'two training procedures holds over all looks' in words(section(page, 'limits'))
    assert 'Optional stopping' not in section(page, 'variance')
    assert 'looked at once' not in small_page.read_text()


def test_each_contrast_has_a_panel_with_its_decision(stopped):
    analysis, page, folder = stopped
    drawn = re.findall(r'<svg [^>]*class="plot (?:wide|narrow)".*?</svg>', section(page, 'looks'), re.DOTALL)
    assert len(drawn) == 4
    for figure in drawn[:2]:
        texts = [''.join(element.itertext()) for element in ElementTree.fromstring(figure).iter()
                 if element.tag.endswith('text')]
        for looks in course(analysis, 'ME'):
            assert any(looks[-1]['decision'] in text for text in texts)
        assert {'\u2212 b', '\u2212 c', '\u2212 d'} <= {*texts}
    assert {'looks-me.pdf', 'looks-spent.pdf'} <= {path.name for path in (folder / 'figures').iterdir()}


def test_a_settled_contrast_ends_at_its_look(stopped):
    analysis = stopped[0]
    found = {looks[0]['b']: looks for looks in course(analysis, 'ME')}
    assert len(found['b']) == found['b'][-1]['settled_at'] == 1 and len(analysis['sequential']['looks']) == 3
    assert [one['n_seeds'] for one in found['c']] == [[3, 3], [4, 4], [6, 6]][:len(found['c'])]
    for looks in found.values():
        for one in looks:
            path = one['path']
            assert analysis[path[0]][path[1]][path[2]]['contrasts'][path[4]]['estimate'] == one['estimate']


@pytest.mark.parametrize('count, shown', [(1, 1), (5, 5), (14, 12)])
def test_one_to_twelve_contrasts_have_a_panel_each(stopped, count, shown):
    analysis = json.loads(json.dumps(stopped[0]))
    names = [f'm{place}' for place in range(count)]
    for name in names:
        analysis['methods'][name] = analysis['methods']['c']
    analysis['order']['methods'] = ['a', *names]
    for look in analysis['sequential']['looks']:
        own = next(one for one in look['contrasts'] if (one['endpoint'], one['b']) == ('ME', 'c'))
        look['contrasts'] = [{**own, 'b': name} for name in names]
    styles = assign(['a', *names])
    text = str(figures.contrasts(analysis, styles, 'ME', 'fig-x'))
    assert text == str(figures.contrasts(analysis, styles, 'ME', 'fig-x'))
    for figure, kind in zip(re.findall(r'<svg .*?</svg>', text, re.DOTALL), ('wide', 'narrow'), strict=True):
        root = ElementTree.fromstring(figure)
        assert kind in root.get('class')
        texts = [''.join(element.itertext()) for element in root.iter() if element.tag.endswith('text')]
        assert texts.count('\u2212 c') == shown


def test_an_early_interval_does_not_squeeze_the_last_one():
    early = dict(estimate=0.1, low=-9.0, high=9.2, critical=None)
    last = dict(estimate=0.1, low=-0.1, high=0.3, critical=0.2)
    low, high = figures._limits([early, last], 1.0)
    assert -0.7 < low < -0.2 and 0.3 < high < 0.8


def test_tables_hold_every_look(stopped):
    analysis, _, folder = stopped
    files = {name: [*csv.DictReader(io.StringIO((folder / 'tables' / f'{name}.csv').read_text()))]
             for name in ('looks', 'looks_seeds', 'looks_planned')}
    contrasts = [one for look in analysis['sequential']['looks'] for one in look['contrasts']]
    assert [float(row['estimate']) for row in files['looks']] == [one['estimate'] for one in contrasts]
    assert [row['decision'] for row in files['looks']] == [one['decision'] for one in contrasts]
    assert [int(row['n_seeds']) for row in files['looks_planned']] == [3, 4, 5, 6, 7, 8]
    assert files['looks_seeds'][-1] == {'look': '3', 'method': 'd',
                                        'n_seeds': str(analysis['sequential']['looks'][-1]['seeds']['d'])}
    latex = (folder / 'tables/looks.tex').read_text()
    for one in analysis['sequential']['looks'][-1]['contrasts']:
        if one['endpoint'] == 'ME':
            assert f'{one["a"]} $-$ {one["b"]} & ME & {one["decision"]} & {one["settled_at"] or "--"} &' in latex


def test_looks_without_a_plan_are_told_everywhere(again):
    analysis, page, folder = again
    text = next(one['text'] for one in analysis['alerts'] if one['kind'] == 'looked at again')
    assert planned_looks(analysis) is None
    for shown in (section(page, 'headline'), section(page, 'looks'), (folder / 'summary.md').read_text()):
        assert text in words(shown)
    for name in ('contrasts.tex', 'table1.tex'):
        assert text.replace('%', r'\%') in (folder / 'tables' / name).read_text()
    assert 'repeated' not in page and not (folder / 'tables/looks.tex').exists()
    assert '/sequential/error_rates/one' in section(page, 'looks')
    assert [*csv.reader(io.StringIO((folder / 'tables/looks_seeds.csv').read_text()))][1:] == [
        ['1', 'a', '3'], ['1', 'b', '3'], ['2', 'a', '4'], ['2', 'b', '4']]


@pytest.mark.parametrize('looks', [None, []])
def test_one_look_without_a_plan_leaves_no_trace(tmp_path, looks):
    frame = rows({'a': (0.8, (3,)), 'b': (0.9, (3,))}).drop(columns='look')
    content = analyze(validate(frame), looks=looks, proposed='a', draws=100)
    _, page, folder = report(content, tmp_path / 'whole', None)
    assert 'id="looks"' not in page and '>Looks<' not in page
    assert not [path for path in Path(folder).rglob('looks*')]
    _, page, _ = report(content, tmp_path / 'asked', ['headline', 'looks'])
    assert 'were looked at once' in words(section(page, 'looks'))
