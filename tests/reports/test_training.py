"""Learning curves, and what the page says about the regularisers."""

import hashlib
import html
import json
import re
import shutil

import pytest

from benchmark.statistics import analyze, read_suite
from benchmark.statistics.output import plain
from benchmark.statistics.training import read_history, training
from reports.build import render

HOSTILE = '<script>alert(1)</script>"\'&🙂'


def history(method, seed, iterations=200, ratio=0.05, regulariser='cd', checks=4):
    """A training whose losses fall and whose ratio is the same throughout, but for the seed."""
    factor = 1 + 0.1 * seed
    content = {
        'iterations': iterations, 'epochs': 20, 'window': 1, 'measured': {},
        'train': {'loss_kpt': [factor / (1 + i) for i in range(iterations)], 'lr': [0.001] * iterations},
        'validation': {'landmark/ME': {'iteration': [iterations * (i + 1) // checks for i in range(checks)],
                                       'value': [factor * (3 - i / checks) for i in range(checks)]}},
    }
    if method.startswith('ctd'):
        content['train'][f'raw_{regulariser}'] = [1.0] * iterations
        content['measured'][f'ratio_{regulariser}'] = {'iteration': [*range(0, iterations, 20)],
                                                       'value': [factor * ratio] * len(range(0, iterations, 20))}
    return content


def keep_histories(out, make=history, only=lambda record: True):
    for path in sorted(out.glob('runs/*/*/record.json')):
        record = json.loads(path.read_text())
        if only(record):
            text = json.dumps(make(record['method'], record['seed']))
            (path.parent / 'history.json').write_text(text)
            record['files'] = {'history.json': hashlib.sha256(text.encode()).hexdigest()}
            path.write_text(json.dumps(record))


def show(out, known=None):
    """The page with the section alone, and the analysis; what is known of it is not made again."""
    suite = read_suite(out)
    if known is None:
        known = analyze(suite.table, suite.plan, suite.records, draws=100)
    analysis = json.loads(json.dumps({**known, 'training': plain(training(suite.plan, suite.records))}))
    return render(analysis | {'report': {'sections': ['training']}}, out)[0], analysis


def words(page):
    """The section's text on one line."""
    body = page[page.index('<section id="training"'):page.index('</section>')]
    return ' '.join(html.unescape(re.sub(r'<[^>]+>', '', re.sub(r'<svg.*?</svg>', '', body, flags=re.DOTALL))).split())


@pytest.fixture(scope='module')
def base(suites, tmp_path_factory):
    """Two methods, three seeds; without histories."""
    out = suites.small(tmp_path_factory.mktemp('training'), seeds=3)
    suite = read_suite(out)
    return out, analyze(suite.table, suite.plan, suite.records, draws=100)


@pytest.fixture
def folder(base, tmp_path):
    """A copy of it."""
    return shutil.copytree(base[0], tmp_path / 'out')


@pytest.fixture
def known(base):
    """Its analysis."""
    return base[1]


def test_median_and_range_over_seeds_against_progress(folder):
    keep_histories(folder)
    page, analysis = show(folder)
    block = analysis['training']['conditions']['all']['ctd_ed']
    assert analysis['training']['runs'] == analysis['training']['with_history'] == 6
    assert (block['n_seeds'], block['iterations'], block['epochs']) == (3, 200, 20)
    curve = block['loss']
    assert len(curve['progress']) == 40 and curve['progress'][0] == 0.0125
    # The mean of the first five iterations, of the seeds 1, 0 and 2.
    first = sum(1 / (1 + i) for i in range(5)) / 5
    values = [curve[key][0] for key in ('median', 'low', 'high')]
    assert values == pytest.approx([1.1 * first, first, 1.2 * first], 1e-5)
    last = sum(1 / (1 + i) for i in range(180, 200)) / 20
    assert block['final_loss']['median'] == pytest.approx(1.1 * last, 1e-5)
    assert block['validation']['progress'] == [0.25, 0.5, 0.75, 1]
    assert block['final_validation'] == pytest.approx(dict(median=1.1 * 2.25, low=2.25, high=1.2 * 2.25))
    assert block['regularisers']['cd']['last_half'] == pytest.approx(dict(median=0.055, low=0.05, high=0.06))
    assert block['regularisers']['cd']['n_late'] == 15 and block['regularisers']['cd']['reading'] == 'acts'
    assert 'its gradient is 0.055 times that of LR (seeds: 0.050 to 0.060): it acts.' in words(page)
    assert page.count('class="plot wide"') == 3


@pytest.mark.parametrize(('ratio', 'reading'), [
    (0.0, 'does not act'), (3e-5, 'does not act'), (0.002, 'hardly acts'), (0.5, 'acts'),
    (40.0, 'outweighs the heatmap loss')])
def test_whether_a_regulariser_acts(folder, known, ratio, reading):
    keep_histories(folder, lambda method, seed: history(method, 0, ratio=ratio))
    page, analysis = show(folder, known)
    assert analysis['training']['conditions']['all']['ctd_ed']['regularisers']['cd']['reading'] == reading
    shown = {0.0: '0', 3e-5: '0.000030', 0.002: '0.0020', 0.5: '0.50', 40.0: '40'}[ratio]
    assert f'CTD-ED, cd: over the last half of training its gradient is {shown} times that of LR: it {reading}.' \
        in words(page)
    assert ('id="fig-ratios-' in page) == (ratio > 0)


def test_without_histories_the_section_says_why(folder, known):
    page, analysis = show(folder, known)
    assert analysis['training'] is None and 'No run kept the history of its training' in words(page)


def test_a_bare_table_has_no_training(folder):
    table = read_suite(folder).table
    assert analyze(table, draws=100)['training'] is None


def test_old_and_damaged_runs_are_left_out_and_counted(folder, known):
    keep_histories(folder, only=lambda record: record['method'] == 'ft')
    damaged = next(folder.glob('runs/ft/*/history.json'))
    damaged.write_text(damaged.read_text()[:-40])
    page, analysis = show(folder, known)
    assert analysis['training']['with_history'] == 2 and '2 of 6 runs have a history that is whole' in words(page)
    assert list(analysis['training']['conditions']['all']) == ['ft']


def test_runs_of_another_plan_do_not_count(folder):
    keep_histories(folder)
    suite = read_suite(folder)
    stray = dict(suite.records[0], id='ft/all-other')
    found = training(suite.plan, [*suite.records, stray])
    assert found['runs'] == 6 and found['conditions']['all']['ft']['n_seeds'] == 3
    failed = [dict(record, state='failed') for record in suite.records]
    assert training(suite.plan, failed) is None


@pytest.mark.parametrize('content', ['', '[]', '{"iterations": 4}', 'null'])
def test_a_history_that_is_none_is_not_read(tmp_path, content):
    (tmp_path / 'history.json').write_text(content)
    record = {'files': {'history.json': hashlib.sha256(content.encode()).hexdigest()}}
    assert read_history(tmp_path, record) is None
    assert read_history(tmp_path, {'files': 'history.json'}) is None


def test_short_trainings_and_frozen_encoders(folder, known):
    def short(method, seed):
        content = history(method, seed, iterations=2, checks=1)
        if seed:
            content['measured'] = {}
        return content

    keep_histories(folder, short, only=lambda record: record['seed'] < 1 or record['method'] == 'ft')
    page, _ = show(folder, known)
    assert 'measured in the first half of training only' in words(page)
    keep_histories(folder, lambda method, seed: short(method, 1))
    page, _ = show(folder, known)
    assert 'its gradient was not measured, as on a frozen encoder.' in words(page)
    assert 'id="fig-ratios-' not in page and 'id="fig-validation-' not in page


def test_seeds_of_different_lengths_share_an_axis(folder, known):
    keep_histories(folder, lambda method, seed: history(method, seed, iterations=(200, 90, 33)[seed]))
    _, analysis = show(folder, known)
    curve = analysis['training']['conditions']['all']['ft']['loss']
    assert len(curve['progress']) == 33 and all(0 <= p <= 1 for p in curve['progress'])
    assert all(low <= middle <= high for low, middle, high in zip(curve['low'], curve['median'], curve['high']))


def test_hostile_names_stay_text(suites, tmp_path):
    out = suites.small(tmp_path, methods={'ft': HOSTILE * 10, 'ctd_ed': '_שלום'}, seeds=1)
    keep_histories(out, lambda method, seed: history(method, seed, regulariser=HOSTILE))
    page, _ = show(out)
    assert '<script>alert' not in page and HOSTILE in words(page) and 'one seed, so no band' in words(page)


def test_many_methods_and_regularisers(suites, tmp_path):
    out = suites.small(tmp_path, methods={f'ctd_{i}': f'Method {i}' for i in range(14)}, seeds=1, images=3)
    keep_histories(out, lambda method, seed: history(method, seed, regulariser=f'r{method}'))
    page, _ = show(out)
    assert 'The first 12 of 14 regularisers' in words(page) and len(page) < 900_000


def test_numbers_are_those_of_analysis_json_and_bytes_are_stable(folder, known):
    keep_histories(folder)
    page, analysis = show(folder, known)
    found = re.findall(r'data-path="([^"]+)" data-value="([^"]+)"[^>]*>([^<]*)<', page)
    assert len(found) == 21
    for path, value, text in found:
        stored = analysis
        for part in html.unescape(path).split('/')[1:]:
            stored = stored[part]
        assert json.loads(html.unescape(value)) == stored
        if isinstance(stored, float):
            assert float(text) == pytest.approx(stored, abs=0.5 * 10 ** -len(text.partition('.')[2]) * 1.001)
    assert show(folder, known)[0] == page
