"""The page in a browser: no error, no request, no sideways scrolling."""

import os
import shutil

import pytest

sync_api = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
FLAGS = (
    '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
    '--disable-component-update --disable-sync'
).split()


@pytest.fixture(scope='module')
def browser():
    names = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
    path = os.environ.get('CHROMIUM') or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip('no Chromium on this machine (install it, or name it in CHROMIUM)')
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


SCREENS = [(390, 'light'), (390, 'dark'), (1600, 'light'), (1600, 'dark')]


@pytest.fixture(params=SCREENS, ids=lambda screen: f'{screen[0]}-{screen[1]}')
def tab(request, browser, page):
    width, scheme = request.param
    context = browser.new_context(viewport={'width': width, 'height': 900}, color_scheme=scheme)
    tab = context.new_page()
    tab.problems, tab.requests = [], []
    tab.on('console', lambda message: tab.problems.append(message.text))
    tab.on('pageerror', lambda error: tab.problems.append(str(error)))
    tab.on('request', lambda made: tab.requests.append(made.url))
    tab.goto(page.resolve().as_uri())
    yield tab
    context.close()


def test_page_is_quiet_and_fits(tab):
    assert tab.problems == []
    assert all(url.startswith(('file://', 'data:')) for url in tab.requests)
    assert tab.evaluate('document.documentElement.scrollWidth <= innerWidth')


def test_one_variant_of_each_figure_is_shown(tab):
    wide, narrow = tab.locator('svg.plot.wide'), tab.locator('svg.plot.narrow')
    assert wide.count() == narrow.count() == 3
    shown = [figure.is_visible() for figure in [*wide.all(), *narrow.all()]]
    small = tab.viewport_size['width'] < 640
    assert shown == [not small] * 3 + [small] * 3


def test_text_has_contrast_and_faces_have_a_size(tab):
    colours = tab.evaluate(
        'getComputedStyle(document.documentElement).color + "|" + '
        'getComputedStyle(document.documentElement).backgroundColor'
    )
    channels = [sum(map(int, colour[4:-1].split(','))) for colour in colours.split('|')]
    assert abs(channels[0] - channels[1]) > 500
    face = tab.locator('svg.face').first.bounding_box()
    assert face['width'] > 80 and abs(face['width'] - face['height']) < 1


def test_links_of_the_contents_lead_to_sections(tab):
    for link in tab.locator('.toc a').all():
        assert tab.locator(f'section{link.get_attribute("href")}').count() == 1
