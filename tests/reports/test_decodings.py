"""The other decodings of the same heatmaps: on the page, in the summary and as a table, with one rounding."""

import csv
import hashlib
import html
import io
import json
import re
import shutil

import pandas as pd
import pytest

from benchmark.statistics.endpoints import rounded

#: Shares of the error of argmax; the second one needs another digit than the first.
LEFT = {'argmax': 1.0, 'quarter': 0.9, 'dark': 0.75}


def keep(out, used='argmax', only=lambda record: True):
    """Writes what runs leave of other decodings, for errors that are in the results."""
    table = pd.read_parquet(out / 'results.parquet')
    table['NME'] = table.error / table.normalizer
    for path in sorted(out.glob('runs/*/*/record.json')):
        record = json.loads(path.read_text())
        if not only(record):
            continue
        rows = table[(table.method == record['method']) & (table.condition == record['condition'])
                     & (table.seed == record['seed'])]
        means = rows.groupby('image', sort=False)[['error', 'NME']].mean()
        scores = {name: {end: [float(f'{value * share / LEFT[used]:.8g}') for value in means[column]]
                         for end, column in (('ME', 'error'), ('NME', 'NME'))} for name, share in LEFT.items()}
        text = json.dumps(dict(used=used, images=[*means.index], scores=scores))
        (path.parent / 'decodings.json').write_text(text)
        record['files'] = {'decodings.json': hashlib.sha256(text.encode()).hexdigest()}
        path.write_text(json.dumps(record))


def plan_says(out, **settings):
    plan = json.loads((out / 'plan.json').read_text())
    plan['settings'].update(settings)
    plan['report'] = dict(sections=['headline', 'table1', 'methods', 'settings', 'limits'])
    (out / 'plan.json').write_text(json.dumps(plan))


def words(page):
    """The page's text on one line, without its figures."""
    text = re.sub(r'<(svg|style|script).*?</\1>', '', page, flags=re.DOTALL)
    return ' '.join(html.unescape(re.sub(r'<[^>]+>', '', text)).replace('\u00a0', ' ').split())


@pytest.fixture(scope='module')
def base(suites, tmp_path_factory):
    out = suites.small(tmp_path_factory.mktemp('decodings'))
    plan_says(out)
    return out


@pytest.fixture
def folder(base, tmp_path):
    return shutil.copytree(base, tmp_path / 'out')


@pytest.fixture(scope='module')
def shown(base, suites, tmp_path_factory):
    """A report of runs that were decoded by DARK."""
    out = shutil.copytree(base, tmp_path_factory.mktemp('shown') / 'out')
    plan_says(out, decoding='dark')
    keep(out, 'dark')
    return suites.analyse(out)


def test_the_line_the_table_and_the_summary_have_the_numbers_of_the_analysis_in_one_rounding(shown, suites):
    analysis = json.loads((shown.parents[1] / 'analysis.json').read_text())
    block, page = analysis['decodings']['methods'], shown.read_text()
    means = block['ft']['means']
    assert means['dark']['ME'] == analysis['methods']['ft']['endpoints']['ME']['mean']
    assert means['argmax']['ME'] == pytest.approx(means['dark']['ME'] / 0.75, rel=1e-6)
    about = {name: (one['decimals'], one['factor']) for name, one in analysis['endpoints'].items()}
    texts = {}
    for path, value, _, text in suites.Reader(page).numbers:
        if path.startswith('/decodings/') and '/means/' in path:
            assert text == rounded(json.loads(value), *about[path.rpartition('/')[2]])
            texts.setdefault(path, set()).add(text)
    assert {*texts} == {f'/decodings/methods/{method}/means/{name}/{end}' for method in ('ft', 'ctd_ed')
                        for name in LEFT for end in ('ME', 'NME')}
    one = {name: rounded(own['NME'], *about['NME']) for name, own in means.items()}
    line = (f'FT argmax {one["argmax"]}, quarter offset {one["quarter"]}, DARK {one["dark"]} (used)')
    assert f'The same heatmaps decoded otherwise (NME, %): {line}; all methods' in words(page)
    summary = (shown.parent / 'summary.md').read_text().replace('\\', '')
    assert f'The same heatmaps decoded otherwise (NME, %): {line}; CTD-ED argmax ' in summary
    rows = [*csv.DictReader(io.StringIO((shown.parent / 'tables/decodings.csv').read_text()))]
    assert len(rows) == 2 * 3 * 2 and {(row['decoding'], row['used']) for row in rows} == {
        ('argmax', 'false'), ('quarter', 'false'), ('dark', 'true')}
    assert all(float(row['mean']) == block[row['method']]['means'][row['decoding']][row['endpoint']] for row in rows)


def test_the_methods_section_says_which_decoding_was_used_and_no_other_ones_floor_stands_there(shown):
    text = words(shown.read_text())
    assert 'A landmark is read off its heatmap by DARK, in all methods; what others would give stands below' in text
    assert 'floor of plain argmax' not in text and 'holds for a plain argmax' not in text


def test_argmax_keeps_its_floor_and_is_said_too(folder, suites):
    plan_says(folder, decoding='argmax', view_flip=0.5, view_scales=[1.0, 0.8])
    keep(folder)
    text = words(suites.analyse(folder).read_text())
    assert 'Trained on mirrored and scaled views, each image as it is or mirrored, each half of the time, at' in text
    assert "read off its heatmap by argmax, the paper's protocol, in all methods" in text
    assert 'floor of plain argmax' in text and re.search(r'argmax \d\.\d+ \(used\), quarter offset', text)


def test_runs_from_before_have_the_reason_in_the_lines_place(folder, suites):
    page = suites.analyse(folder)
    reason = 'Other decodings of the same heatmaps are not shown: no run of it says what other decodings give'
    assert reason in words(page.read_text()) and reason in (page.parent / 'summary.md').read_text().replace('\\', '')
    assert 'decoded otherwise' not in page.read_text() and not (page.parent / 'tables/decodings.csv').exists()


def test_a_method_that_lacks_them_is_named(folder, suites):
    keep(folder, only=lambda record: record['method'] == 'ctd_ed')
    text = words(suites.analyse(folder).read_text())
    assert '(NME, %): CTD-ED argmax' in text and 'all methods' not in text.partition('decoded otherwise')[2][:120]
    assert 'Not shown: FT: no run of it says what other decodings give' in text


def test_a_table_without_runs_says_nothing(folder, suites, tmp_path):
    (folder / 'plan.json').unlink()
    text = words(suites.analyse(folder).read_text())
    assert 'ecodings of the same heatmaps' not in text and 'decoded otherwise' not in text


def test_the_line_unfolds_to_the_table(shown, browser):
    tab = browser.new_page(viewport={'width': 400, 'height': 900})
    tab.goto(shown.resolve().as_uri())
    table = tab.locator('#decodings table')
    assert not table.is_visible()
    tab.locator('#decodings > summary').click()
    assert table.is_visible() and table.locator('tbody tr').count() == 2
    assert tab.evaluate('document.documentElement.scrollWidth <= innerWidth')
    tab.close()
