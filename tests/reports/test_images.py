"""Test pictures, predicted heatmaps and the image browser."""

import base64
import hashlib
import html
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from benchmark.statistics import analyze, read_suite
from reports.build import render
from reports.heatmaps import Heatmaps, layer

HOSTILE = '<script>alert(1)</script>"\'&🙂' + 'x' * 300


def keep_heatmaps(out, images, size=96, side=24):
    """Give each run the heatmaps of its test images: a peak that moves down with the image's place."""
    heatmaps = np.zeros((len(images), side, side), np.uint8)
    for place in range(len(images)):
        heatmaps[place, side // 4 + place, side // 2] = 255
    content = io.BytesIO()
    np.savez_compressed(content, images=np.array(images), heatmaps=heatmaps,
                        boxes=np.array([[-2.0, -2.0, size, size]] * len(images), np.float32))
    for path in out.glob('runs/*/*/record.json'):
        (path.parent / 'heatmaps.npz').write_bytes(content.getvalue())
        record = json.loads(path.read_text())
        record['files'] = {'heatmaps.npz': hashlib.sha256(content.getvalue()).hexdigest()}
        path.write_text(json.dumps(record))


def show(out, **changes):
    """The page with the section alone, and the analysis."""
    suite = read_suite(out)
    analysis = json.loads(json.dumps(analyze(suite.table, suite.plan, suite.records, draws=100))) | changes
    return render(analysis | {'report': {'sections': ['samples']}}, out)[0], analysis


@pytest.fixture
def folder(suites, tmp_path):
    """Three methods, two seeds, twelve pictures, with heatmaps."""
    methods = {'ft': 'FT', 'ctd_ed': 'CTD-ED', 'hg': 'HG'}
    out = suites.small(tmp_path, images=12, methods=methods)
    keep_heatmaps(out, [f'f{i:03d}.jpg' for i in range(12)])
    return out


def data_of(page):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def test_images_are_chosen_by_rule_with_their_reasons(folder):
    page, analysis = show(folder)
    samples = analysis['samples']
    assert [one['why'] for one in samples[:6]] == ['worst'] * 2 + ['median'] * 2 + ['best'] * 2
    assert len(samples) <= 24 and len({one['image'] for one in samples}) == len(samples)
    table = read_suite(folder).table
    errors = table.groupby(['image', 'method', 'seed'])['error'].mean().groupby(['method', 'image']).mean()
    found = {(one['kind'], one['method'] or one['landmark']): sample['image'] for sample in samples
             for one in sample['reasons']}
    for method in ('ft', 'ctd_ed', 'hg'):
        assert found['method worst', method] == errors[method].idxmax()
        assert found['method best', method] == errors[method].idxmin()
    lead = errors['ctd_ed'] - errors['ft']
    assert found['proposed better', 'ctd_ed'] == lead.idxmin() and found['reference better', 'ft'] == lead.idxmax()
    marks = table.groupby(['landmark', 'image'])['error'].mean()
    assert all(found['landmark worst', name] == marks[name].idxmax() for name in table['landmark'].unique())
    first = samples[0]['predictions']['ft']
    rows = table[(table.method == 'ft') & (table.seed == 0) & (table.image == samples[0]['image'])]
    assert first['error'] == pytest.approx(rows.error.mean(), abs=1e-9)
    assert first['errors'] == pytest.approx(rows.error.tolist(), abs=6e-4)
    assert 'FT furthest behind CTD-ED' in page and 'CTD-ED furthest behind FT' in page


def test_heatmaps_are_drawn_over_each_chosen_picture(folder):
    page, analysis = show(folder)
    count = len(analysis['samples'])
    assert page.count('data:image/jpeg') == count
    assert page.count('data:image/png') == 3 * count + 1  # the legend
    grid = page[page.index('Predicted heatmaps'):page.index('class="browser"')]
    assert grid.count('<svg class="face"') == 3 * 6
    assert 'larger is drawn as 1' in page


def test_a_heatmap_keeps_its_place_and_its_colours():
    heatmap = np.zeros((10, 10), np.uint8)
    heatmap[4, 7] = 255
    # Ten pixels of 8; the view begins within the third column and the fourth row.
    found = str(layer(heatmap, (-2.0, -2.0, 80.0, 80.0), (20.0, 25.0, 40.0, 40.0), 'h'))
    place = [float(re.search(rf' {name}="([-.\d]+)"', found)[1]) for name in ('x', 'y', 'width', 'height')]
    assert place == [14.0, 22.0, 48.0, 48.0]
    png = base64.b64decode(re.search('base64,([^"]+)', found)[1])
    pixels = np.asarray(Image.open(io.BytesIO(png)).convert('RGBA'))
    assert pixels.shape[:2] == (6, 6)
    # Column 7 and row 4 of the heatmap are the sixth and the second of what is shown.
    assert pixels[1, 5, 3] > 200 and pixels[1, 5, 0] > 240 and pixels[1, 5, 2] < 60
    assert pixels[..., 3].sum() == pixels[1, 5, 3]


@pytest.mark.parametrize(('damage', 'reason'), [
    (lambda out: [path.unlink() for path in out.glob('runs/*/*/heatmaps.npz')], 'is missing, does not fit'),
    (lambda out: [path.write_bytes(b'PK') for path in out.glob('runs/*/*/heatmaps.npz')], 'is missing, does not fit'),
    (lambda out: [path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != 'files'}))
                  for path in out.glob('runs/*/*/record.json')], 'made without keeping them'),
    (lambda out: shutil.rmtree(out / 'runs'), 'not beside analysis.json'),
], ids=['missing', 'damaged', 'old runs', 'no runs'])
def test_without_heatmaps_the_page_says_why(folder, damage, reason):
    damage(folder)
    page, _ = show(folder)
    assert reason in page and 'data:image/png' not in page and page.count('<svg class="face"') == 18


def test_heatmaps_outside_of_the_runs_are_not_read(folder):
    _, analysis = show(folder)
    shutil.copy(next(folder.glob('runs/ft/*/heatmaps.npz')), folder.parent / 'heatmaps.npz')
    digest = hashlib.sha256((folder.parent / 'heatmaps.npz').read_bytes()).hexdigest()
    for item in analysis['runs']['items']:
        item['id'] = item['folder'] = '../..'
    records = [{'id': '../..', 'files': {'heatmaps.npz': digest}}]
    assert Heatmaps(folder / 'runs/..', analysis, records).find('ft', 0, 'f000.jpg') is None


def test_without_pictures_the_section_says_where_they_were_looked_for(folder, tmp_path):
    shutil.rmtree(tmp_path / 'data/images')
    page, analysis = show(folder)
    assert f'and {len(analysis["samples"]) - 1} more in {tmp_path / "data"}/images' in html.unescape(page)
    assert 'data:image/jpeg' not in page and 'class="browser"' not in page
    page, _ = show(folder, data={})
    assert 'The plan does not say where the test images are' in html.unescape(page)


def test_same_input_same_bytes(folder):
    assert show(folder)[0] == show(folder)[0]


def test_heatmaps_end_where_the_page_is_full(folder, monkeypatch):
    whole, analysis = show(folder)
    drawn = sum(map(len, re.findall(r'<image id="(?:face|heat).*?/>', whole)))
    monkeypatch.setattr('reports.sections.samples.BUDGET', drawn - 2000)
    page, _ = show(folder)
    lacking = int(re.search(r'(\d+) of \d+ images lack some heatmaps', page)[1])
    assert 0 < lacking <= len(analysis['samples'])
    assert 1 < page.count('data:image/png') < whole.count('data:image/png')


def test_hostile_names_stay_text(suites, tmp_path):
    out = suites.small(tmp_path, images=9, methods={'ft': 'FT', 'ctd_ed': HOSTILE, 'hg': 'שלום עולם'}, seeds=1)
    image = '"><b onload=alert(1)>&🙂.jpg'
    (tmp_path / 'data/images/f000.jpg').rename(tmp_path / 'data/images' / image)
    suite = read_suite(out)
    named = suite.table.astype({'landmark': object, 'image': object})
    table = named.replace({'landmark': {'nasion': HOSTILE}, 'image': {'f000.jpg': image}})
    analysis = json.loads(json.dumps(analyze(table, suite.plan, suite.records, draws=100)))
    page, _ = render(analysis | {'report': {'sections': ['samples']}}, out)
    assert '<script>alert' not in page and '<b onload' not in page and 'alert(1)' in page
    data = data_of(page)
    assert any(name.startswith('<script>') and len(name) <= 60 for name in data['landmarks'])
    assert data['methods'][2]['label'] == '\u2068שלום עולם\u2069'
    assert any(one['name'] == image for one in data['images'])


@pytest.mark.parametrize('options', [dict(methods={'ft': 'FT'}, seeds=1, images=2), dict(images=3, seeds=1),
                                     dict(methods={f'm{i}': f'M{i}' for i in range(40)}, seeds=1, images=30)],
                         ids=['one method', 'three images', 'forty methods'])
def test_any_number_of_methods_and_images(suites, tmp_path, options):
    page, analysis = show(suites.small(tmp_path, **options))
    assert 0 < len(analysis['samples']) <= min(24, options['images'])
    assert page.count('data:image/jpeg') == len(analysis['samples'])
    if len(analysis['order']['methods']) == 40:
        assert 'There was no room for the ' in page and len(page) < 2_000_000


@pytest.fixture
def tab(browser, folder, tmp_path):
    """The page in a browser, with the analysis; at the end it must have been quiet."""
    page, analysis = show(folder)
    (tmp_path / 'page.html').write_text(page)
    tab, problems = browser.new_page(viewport={'width': 390, 'height': 900}), []
    tab.on('console', lambda message: problems.append(message.text))
    tab.on('pageerror', lambda error: problems.append(str(error)))
    tab.goto((tmp_path / 'page.html').as_uri())
    tab.samples = {one['image']: one for one in analysis['samples']}
    yield tab
    tab.close()
    assert problems == []


def names_in(tab):
    return [face.get_attribute('aria-label') for face in tab.locator('.strip .face').all()]


def with_reason(tab, *kinds, method=None):
    return {name for name, one in tab.samples.items() for reason in one['reasons']
            if reason['kind'] in kinds and reason['method'] in (None, method or reason['method'])}


def test_the_browser_filters(tab):
    assert sorted(names_in(tab)) == sorted(tab.samples)
    tab.select_option('[name=why]', 'median')
    assert set(names_in(tab)) == with_reason(tab, 'median')
    tab.select_option('[name=why]', 'worst')
    assert set(names_in(tab)) == with_reason(tab, 'worst', 'method worst', 'landmark worst')
    tab.select_option('[name=method]', label='HG')
    wanted = with_reason(tab, 'worst', 'method worst', 'landmark worst', method='hg')
    errors = {name: tab.samples[name]['predictions']['hg']['error'] for name in wanted}
    assert names_in(tab) == sorted(wanted, key=lambda name: -errors[name])
    assert [button.inner_text().strip() for button in tab.locator('.strip button').all()] == [
        f'{errors[name]:.2f}' for name in names_in(tab)]
    assert tab.locator('.tiles div').count() == 1
    assert tab.locator('.count').inner_text().startswith(f'{len(wanted)} of {len(tab.samples)} images')
    assert tab.evaluate('document.documentElement.scrollWidth <= innerWidth')


def test_a_landmark_is_shown_close_up_with_its_error(tab):
    whole = tab.locator('.tiles .face').first.get_attribute('viewBox').split()
    tab.select_option('[name=landmark]', label='nasion')
    close = tab.locator('.tiles .face').first.get_attribute('viewBox').split()
    assert float(close[2]) < 0.8 * float(whole[2])
    one = tab.samples[tab.locator('.stage h4').inner_text().removesuffix(' at nasion')]
    errors = [prediction['errors'][one['landmarks'].index('nasion')] for prediction in one['predictions'].values()]
    # In the order of the plan, as analysis.json has them.
    assert [text.inner_text() for text in tab.locator('.tiles b').all()] == [f'{error:.2f}' for error in errors]


def test_truth_prediction_and_heatmap_can_be_switched(tab):
    def drawn():
        face = tab.locator('.tiles .face').first
        return face.locator('path').count(), face.locator('use').count()

    assert drawn() == (5, 1)  # connecting lines, two strokes each of crosses and dots; the picture
    tab.uncheck('[name=truth]')
    assert drawn() == (2, 1)
    tab.uncheck('[name=points]')
    tab.check('[name=heat]')
    assert drawn() == (0, 2)
    heat = tab.locator('.tiles .face use').nth(1).get_attribute('href')
    assert heat.startswith('#heat-') and tab.locator(f'image{heat}').count() == 1


def test_the_keyboard_leads_from_image_to_image(tab):
    order = names_in(tab)
    tab.focus('.strip [tabindex="0"]')
    tab.keyboard.press('ArrowRight')
    tab.keyboard.press('ArrowRight')
    assert tab.locator('.stage h4').inner_text() == order[2]
    assert tab.evaluate('document.activeElement.getAttribute("aria-pressed")') == 'true'
    tab.keyboard.press('End')
    assert tab.locator('.stage h4').inner_text() == order[-1]
    assert tab.locator('.strip [tabindex="0"]').count() == 1


def test_without_a_script_the_browser_stays_away(browser, folder, tmp_path):
    (tmp_path / 'page.html').write_text(show(folder)[0])
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto((tmp_path / 'page.html').as_uri())
    assert not tab.locator('.browser').is_visible() and tab.locator('.faces .face').first.is_visible()
    context.close()
