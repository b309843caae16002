"""The page in a browser: no error, no request, no sideways scrolling; comfort works, and nothing needs it."""

import csv
import io
import json
import re
import shutil
from importlib.resources import files

import pypdf
import pytest

from reports import build_report
from reports.index import build_index

sync_api = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
#: Narrow and light at once; what is wide or dark is slow only in its number.
SCREENS = [(390, 'light'), *(pytest.param(one, marks=pytest.mark.slow)
                              for one in ((390, 'dark'), (1600, 'light'), (1600, 'dark')))]


@pytest.fixture
def visit(browser):
    """Opens a page from its file; at the end it must have been quiet, and have asked for nothing else."""
    contexts, tabs = [], []

    def open_page(path, width=1280, scheme='light', **options):
        context = browser.new_context(viewport={'width': width, 'height': 900}, color_scheme=scheme, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.problems, tab.requests = [], []
        tab.on('console', lambda message: tab.problems.append(message.text))
        tab.on('pageerror', lambda error: tab.problems.append(str(error)))
        tab.on('request', lambda made: tab.requests.append(made.url))
        tab.goto(path.resolve().as_uri())
        tabs.append((tab, path.resolve().as_uri()))
        return tab

    yield open_page
    for tab, address in tabs:
        assert tab.problems == []
        assert {url for url in tab.requests if not url.startswith('data:')} == {address}
    for context in contexts:
        context.close()


@pytest.fixture(params=SCREENS, ids=lambda screen: f'{screen[0]}-{screen[1]}')
def tab(request, visit, page):
    return visit(page, *request.param)


def test_page_fits_and_can_be_read(tab):
    assert tab.evaluate('document.documentElement.scrollWidth <= innerWidth')
    wide, narrow = tab.locator('svg.plot.wide'), tab.locator('svg.plot.narrow')
    assert wide.count() == narrow.count() > 5
    small = tab.viewport_size['width'] < 640
    shown = tab.evaluate("""[...document.querySelectorAll('svg.plot')].filter(
        (plot) => getComputedStyle(plot).display !== 'none').map((plot) => plot.classList.contains('narrow'))""")
    assert len(shown) == wide.count() and set(shown) == {small}
    colours = tab.evaluate(
        'getComputedStyle(document.documentElement).color + "|" + '
        'getComputedStyle(document.documentElement).backgroundColor'
    )
    channels = [sum(map(int, colour[4:-1].split(','))) for colour in colours.split('|')]
    assert abs(channels[0] - channels[1]) > 500
    for link in tab.locator('.toc a').all():
        assert tab.locator(f'section{link.get_attribute("href")}').count() == 1


def test_the_first_screen_shows_question_answers_and_the_top_of_table_1(visit, page):
    tab = visit(page)
    for selector in ('.lead', '.reading', '.verdict-table tbody tr:last-child .badge >> nth=1',
                     '#table-1 tbody tr >> nth=1'):
        box = tab.locator(selector).first.bounding_box()
        assert box['y'] + box['height'] <= 900, selector


def column(tab, number):
    return tab.evaluate(f"""[...document.querySelectorAll('#table-1 tbody tr')].map((row) => {{
        const cell = row.cells[{number}];
        const holder = cell.matches('[data-value]') ? cell : cell.querySelector('[data-value]');
        return holder ? JSON.parse(holder.dataset.value) : cell.querySelector('bdi').innerText; }})""")


def test_tables_sort_by_pointer_and_keyboard(visit, page):
    tab = visit(page)
    before, means = column(tab, 0), column(tab, 1)
    heading = tab.locator('#table-1 thead tr:last-child th').nth(1)
    heading.locator('button').click()
    assert column(tab, 1) == sorted(means) != means and heading.get_attribute('aria-sort') == 'ascending'
    heading.locator('button').focus()
    tab.keyboard.press('Enter')
    assert column(tab, 1) == sorted(means, reverse=True) and heading.get_attribute('aria-sort') == 'descending'
    tab.keyboard.press('Space')
    assert column(tab, 0) == before and heading.get_attribute('aria-sort') == 'none'
    auc = tab.locator('#table-1 thead tr:last-child th', has_text='AUC ↑').first
    auc.locator('button').click()
    assert auc.get_attribute('aria-sort') == 'descending'  # the best first


def test_sorting_is_stable_and_puts_absent_values_last(visit, tmp_path, suites):
    out = suites.small(tmp_path, methods={'x1': 'X1', 'ft': 'FT', 'x2': 'X2', 'ctd_ed': 'CTD-ED'}, seeds=2)
    path = suites.analyse_only(out, draws=100)
    analysis = json.loads(path.read_text())
    for name in analysis['methods']:
        for block in (analysis['methods'], analysis['conditions']['all']['methods']):
            block[name]['reported'] = {'ME': 1.0, 'SD': 1.0} if name.startswith('x') else None
    path.write_text(json.dumps({**analysis, 'report': {'sections': ['table1']}}))
    tab = visit(build_report(path, out))
    headings = tab.locator('#table-1 thead tr:last-child th')
    place = [text.split('\n')[0] for text in headings.all_inner_texts()].index('SD')
    names = column(tab, 0)
    for _ in range(2):
        headings.nth(place).locator('button').click()
        assert column(tab, 0) == ['X1', 'X2', 'FT', 'CTD-ED'] != names


def test_curves_are_read_off_by_pointer_and_keyboard(visit, page):
    analysis = json.loads((page.parents[1] / 'analysis.json').read_text())
    curves = analysis['conditions'][analysis['main_condition']]['ced']
    tab = visit(page)

    def readout():
        items = tab.locator('.readout li').all()
        return {item.locator('bdi').inner_text(): item.locator('.share').inner_text() for item in items}

    def expected(error):
        found = {}
        for name, curve in curves.items():
            place = max((i for i, x in enumerate(curve['x']) if x <= error), default=None)
            share = 0 if place is None else curve['mean'][place]
            found[analysis['methods'][name]['label']] = f'{100 * share:.1f} %'
        return found

    assert readout() == expected(analysis['threshold'])  # 1 - FR
    slider = tab.locator('#ced-error')
    slider.focus()
    tab.keyboard.press('Home')
    assert set(readout().values()) == {'0.0 %'}
    tab.keyboard.press('End')
    assert set(readout().values()) == {'100.0 %'} and '100.0 %' in slider.get_attribute('aria-valuetext')
    plot = tab.locator('.ced svg.wide')
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    tab.mouse.move(box['x'] + 0.3 * box['width'], box['y'] + 0.5 * box['height'])
    place = tab.evaluate("""() => { const svg = document.querySelector('.ced svg.wide'), frame = svg.querySelector(
        '[id$="-area"]').getBBox(), line = svg.querySelector('.cursor').getBBox();
        return (line.x - frame.x) / frame.width; }""")
    error = float(slider.input_value())
    assert 0 < error == pytest.approx(place * json.loads(tab.locator('.ced script').text_content())['end'], abs=0.01)
    text = tab.locator('.readout output').inner_text()
    assert text == f'{error:.2f} {analysis["unit"]}' and readout() == expected(error)
    shares = [float(text.split()[0]) for text in tab.locator('.readout .share').all_inner_texts()]
    assert shares == sorted(shares, reverse=True)


def test_the_theme_can_be_chosen_and_is_remembered(visit, page):
    tab = visit(page)
    background = 'getComputedStyle(document.documentElement).backgroundColor'
    light = tab.evaluate(background)
    tab.get_by_role('button', name='dark', exact=True).click()
    dark = tab.evaluate(background)
    assert light != dark and tab.get_by_role('button', name='dark', exact=True).get_attribute('aria-pressed') == 'true'
    tab.reload()
    assert tab.evaluate(background) == dark
    tab.emulate_media(media='print')
    assert tab.evaluate(background) == 'rgb(255, 255, 255)'
    tab.emulate_media(media='screen')
    tab.get_by_role('button', name='auto', exact=True).click()
    assert tab.evaluate(background) == light
    tab.emulate_media(color_scheme='dark')
    assert tab.evaluate(background) == dark
    tab.get_by_role('button', name='light', exact=True).click()
    assert tab.evaluate(background) == light


def test_tables_are_copied(visit, page):
    analysis = json.loads((page.parents[1] / 'analysis.json').read_text())
    tab = visit(page, permissions=['clipboard-read', 'clipboard-write'])
    box = tab.locator('#table1 .copy').first
    box.locator('summary').click()

    def copied(name):
        box.get_by_role('button', name=name, exact=True).click()
        sync_api.expect(box.get_by_role('status')).to_have_text(f'{name} copied')
        return tab.evaluate('navigator.clipboard.readText()')

    rows = [*csv.DictReader(io.StringIO(copied('CSV')))]
    labels = {analysis['methods'][name]['label']: analysis['methods'][name] for name in analysis['order']['methods']}
    assert [row['Method'] for row in rows[:7]] == [*labels]
    mean = next(name for name in rows[0] if name.startswith('this suite ME ↓') and name.endswith(' mean'))
    high = next(name for name in rows[0] if name.startswith('this suite FR ↓') and name.endswith(' ci_high'))
    for row in rows[:7]:
        endpoints = labels[row['Method']]['endpoints']
        assert float(row[mean]) == endpoints['ME']['mean']
        if endpoints['FR']['ci_high'] is not None:
            assert float(row[high]) == pytest.approx(100 * endpoints['FR']['ci_high'], rel=1e-12)
    first = rows[0]['Method']
    nme = {name: 100 * block['endpoints']['NME']['mean'] for name, block in labels.items()}
    for text, sign in ((copied('Markdown'), r'\|'), (copied('LaTeX'), '&')):
        found = re.search(rf'{first} {sign} ([\d.]+) ', text)
        assert float(found[1]) == pytest.approx(nme[first], rel=1e-12)
    box.get_by_role('checkbox').check()
    best = min(nme, key=nme.get)
    short = f'{nme[best]:.2f}'
    assert f'| {best} | **{short}** [' in copied('Markdown') and rf'{best} & \textbf{{{short}}} [' in copied('LaTeX')


def test_the_contents_mark_the_section_that_is_read(visit, page):
    tab = visit(page)
    marked = tab.locator('.toc [aria-current]')
    assert marked.inner_text() == 'In short'
    tab.evaluate("document.getElementById('ced').scrollIntoView({behavior: 'instant'})")
    sync_api.expect(marked).to_have_text('Error distribution')
    tab.evaluate('scrollTo({top: document.documentElement.scrollHeight, behavior: "instant"})')
    sync_api.expect(marked).to_have_text('Limits')


@pytest.mark.slow
def test_printing_gives_pages_that_one_can_read(visit, small_page, tmp_path):
    tab = visit(small_page)
    folded = tab.locator('main details:not([open])').count()
    assert folded > 3
    tab.pdf(path=tmp_path / 'page.pdf', prefer_css_page_size=True)
    assert tab.locator('main details:not([open])').count() == folded
    pages = [sheet.extract_text() for sheet in pypdf.PdfReader(tmp_path / 'page.pdf').pages]
    text = '\n'.join(pages)
    assert len(pages) > 5 and all(len(sheet) > 100 for sheet in pages[:-1])
    assert 'With few labels' in pages[0] and 'Planned contrast' in pages[0] and 'Table 1' in pages[0]
    assert 'ME as printed' in text and 'FloatingPointError' not in text  # what was folded is there
    assert 'Copy' not in text and 'auto' not in pages[0].split()
    widths = {tuple(map(float, sheet.mediabox[2:])) for sheet in pypdf.PdfReader(tmp_path / 'page.pdf').pages}
    assert {(round(width), round(height)) for width, height in widths} == {(595, 842)}


def test_nothing_needs_a_script(visit, page):
    tab = visit(page, java_script_enabled=False)
    assert tab.locator('#table-1 tbody tr').count() == 7 and tab.locator('.ced svg.wide').is_visible()
    assert tab.locator('button:visible').count() == 0 and not tab.locator('.readout').is_visible()


@pytest.mark.slow
@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_no_serious_accessibility_violation(visit, small_page, scheme):
    axe = (files('axe_playwright_python') / 'axe.min.js').read_text(encoding='utf-8')
    tab = visit(small_page, scheme=scheme)
    tab.evaluate("document.querySelectorAll('details').forEach((box) => { box.open = true; })")
    tab.evaluate(axe)
    found = tab.evaluate("axe.run(document, {resultTypes: ['violations']})")['violations']
    bad = [(one['id'], [(node['target'], node['failureSummary']) for node in one['nodes'][:3]])
           for one in found if one['impact'] in ('serious', 'critical')]
    assert bad == []


@pytest.mark.slow
def test_forty_methods_load_in_a_second(visit, tmp_path, suites):
    methods = {f'm{i:02d}': f'Method {i:02d}' for i in range(40)}
    out = suites.small(tmp_path, methods=methods, seeds=2)
    path = suites.analyse_only(out, draws=100)
    analysis = json.loads(path.read_text())
    path.write_text(json.dumps({**analysis, 'report': {'sections': ['headline', 'table1', 'ced', 'runs']}}))
    tab = visit(build_report(path, out), width=390)
    assert tab.locator('#table-1 tbody tr').count() == 40
    assert tab.evaluate('document.documentElement.scrollWidth <= innerWidth')
    took = tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert took < 5000  # 0.2 s on an idle machine; tests may share theirs


@pytest.mark.parametrize('width', [390, pytest.param(1600, marks=pytest.mark.slow)])
def test_hostile_names_break_nothing(visit, tmp_path, suites, width):
    methods = {'<script>alert(1)</script>': '<script>alert(1)</script>', 'ctd_ed': 'q"\'& $x_1$ ' + 'long ' * 60,
               'ft': 'مرحبا \u202eabc', '_e/~🙂': '_🙂 #010000', 'w': 'W' * 300}
    out = suites.small(tmp_path, methods=methods, title='</title><script>x</script>', question='\u202e' + 'q' * 300)
    path = suites.analyse_only(out, draws=100)
    analysis = json.loads(path.read_text())
    wish = {'sections': ['headline', 'table1', 'ced', 'contrasts', 'runs', 'limits']}
    path.write_text(json.dumps({**analysis, 'report': wish}))
    tab = visit(build_report(path, out), width=width)
    assert tab.title() == '</title><script>x</script>'
    assert tab.evaluate('document.documentElement.scrollWidth <= innerWidth')
    tab.locator('#table-1 .sort').first.click()
    assert tab.locator('#table-1 tbody tr').count() == 5


def test_the_index_is_quiet_too(visit, page, tmp_path):
    shutil.copytree(page.parent, tmp_path / 'a/report')
    shutil.copy(page.parents[1] / 'analysis.json', tmp_path / 'a')
    tab = visit(build_index([tmp_path]), width=390)
    assert tab.evaluate('document.documentElement.scrollWidth <= innerWidth')
    assert tab.locator('tbody tr').count() == 1
    assert tab.locator('tbody a').get_attribute('href') == 'a/report/index.html'
