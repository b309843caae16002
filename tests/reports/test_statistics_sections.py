"""Sections of the statistics: what they say and draw follows from analysis.json, and they apply or say why not."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import analyze, read_suite, write_analysis
from benchmark.statistics.agreement import points
from reports.figures import compact as compact_module
from reports.figures import faces, forest, significance
from reports.page import make_environment, render_section
from reports.palette import assign
from reports.planned import scope_of
from reports.sections import SECTIONS
from reports.sections import methods as methods_section
from reports.sections.reported import failures_say, images_say, seed_limits

NAMES = ('contrasts', 'sensitivity', 'variance', 'ranking', 'significance', 'landmarks', 'agreement', 'subgroups',
         'reported', 'ablations', 'methods')
CONFIG = """model = dict(type='Head', weight={weight}, source=dict(checkpoint='/secret/place/source.pth'){more})
randomness = dict(seed={seed})
work = dict(folder='/secret/{seed}')
names = ['a', 'b']
made = open
"""


class Numbers(HTMLParser):
    """Elements with a data-path: path, value, text."""

    def __init__(self, text):
        super().__init__()
        self.found, self.open = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if 'data-path' in attributes:
            self.open.append([tag, attributes, ''])

    def handle_data(self, data):
        for entry in self.open:
            entry[2] += data

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == tag:
            self.found.append(self.open.pop())


def render(analysis, name, base=Path('.')):
    """A section's body as text, and whether it is skipped."""
    styles = assign(analysis['order']['methods'])
    environment = make_environment(analysis, styles)
    environment.autoescape = True
    shown = render_section(environment, SECTIONS[name](styles, Path(base)), analysis, [])
    return SimpleNamespace(text=str(shown.body), skipped=shown.skipped)


def suite(base, suites, margin=None, **options):
    """A suite's folder with two columns of groups, reported results and a margin."""
    out = suites.small(base, images=12, **options)
    rows = pd.read_parquet(out / 'results.parquet')
    number = rows['image'].str.extract(r'(\d+)')[0].astype(int)
    rows['group_side'] = np.where(number % 2, 'left', 'right')
    rows.to_parquet(out / 'results.parquet')
    plan = json.loads((out / 'plan.json').read_text())
    plan['analysis'].update(groups=['side'], reported_images=310, margin=margin or {})
    (out / 'plan.json').write_text(json.dumps(plan))
    return out


def analysed(out):
    """The content of analysis.json as a reader of the file has it."""
    folder = read_suite(out)
    return json.loads(write_analysis(
        out / 'analysis.json', analyze(folder.table, folder.plan, folder.records)).read_text())


@pytest.fixture(scope='module')
def full(tmp_path_factory, suites):
    """Three methods, three seeds, two conditions, a margin, groups, measurements, runs with configs."""
    out = suite(tmp_path_factory.mktemp('full'), suites, margin={'ME': 0.05}, seeds=3, conditions=('all', 'labels_10'),
                methods={'ft': 'FT', 'ctd_cd': 'CTD-CD', 'ctd_ed': 'CTD-ED'})
    analysis = analysed(out)
    for item in analysis['runs']['items']:
        more = ", transfer=dict(ed=dict(type='Loss', weight=1))" if item['method'] == 'ctd_ed' else ''
        path = out / 'runs' / item['id'] / 'config.py'
        path.write_text(CONFIG.format(weight=2 if item['method'] == 'ft' else 3, more=more, seed=item['seed']))
    bodies = {}

    def body(name):
        if name not in bodies:
            bodies[name] = render(analysis, name, out)
        return bodies[name]

    return SimpleNamespace(analysis=analysis, out=out, body=body)


@pytest.mark.parametrize('name', NAMES)
def test_every_number_is_in_analysis_json(full, name):
    body = full.body(name)
    assert not body.skipped and '<script' not in body.text
    for _, attributes, text in Numbers(body.text).found:
        path = [part.replace('~1', '/').replace('~0', '~') for part in attributes['data-path'].split('/')[1:]]
        stored = full.analysis
        for part in path:
            stored = stored[int(part)] if isinstance(stored, list) else stored.get(part) if stored else None
        assert json.loads(attributes['data-value']) == stored
        if isinstance(stored, float) and '<' not in text and '>' not in text:
            shown = float(text.replace('\u2212', '-').rstrip(' %'))
            scaled = stored * float(attributes.get('data-scale', 1))
            assert shown == pytest.approx(scaled, abs=0.51 * 10 ** -_decimals(text), rel=6e-4), attributes


def _decimals(text):
    return len(text.rstrip(' %').partition('.')[2]) if 'e' not in text else 20


@pytest.mark.parametrize('name', NAMES)
def test_cells_without_a_path_hold_no_numbers(full, name):
    for cell in re.findall(r'<td class="n">([^<]*)</td>', full.body(name).text):
        assert not re.search(r'\d', cell), cell


@pytest.mark.parametrize('name', NAMES)
def test_figures_are_the_same_each_time_and_have_captions(full, name):
    first = full.body(name).text
    assert render(full.analysis, name, full.out).text == first
    assert first.count('<figure>') == first.count('<figcaption>')
    figures = re.findall(r'<svg [^>]*class="plot.*?</svg>', first, flags=re.DOTALL)
    assert len(figures) >= 2 * first.count('<figure>')
    for figure in figures:
        root = ElementTree.fromstring(figure)
        assert root.get('aria-label')
        ids = {element.get('id') for element in root.iter()}
        assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', figure)) <= ids
    ids = re.findall(r'\bid="([^"]+)"', first)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize('name', NAMES)
def test_no_section_says_no_difference(full, name):
    assert 'no difference' not in full.body(name).text.lower()


def test_verdicts_stand_in_words_and_the_margin_is_drawn(full):
    body = full.body('contrasts').text
    for one in full.analysis['contrasts']:
        if one['family'] == 'planned' and one['endpoint'] == 'ME':
            assert f'>{one["scope"]}: {one["verdict"]}<' in body
    assert 'the declared margin' in body
    rows = forest.contrast_rows(full.analysis, 'ME')
    assert [row.method for row in rows] == ['ft', 'ctd_cd']
    assert [bar.hollow for bar in rows[0].bars] == [False, True]


def test_a_wide_simultaneous_interval_does_not_squeeze_the_others():
    bars = (forest.Bar(-1.0, -2.0, 0.5, (-900.0, 900.0)),)
    low, high = forest._limits([forest.Row('a', bars)])
    assert -5 < low < -2 and 0.5 < high < 3


def test_an_axis_shows_where_a_margin_ends_unless_bars_vanish():
    rows = [forest.Row('a', (forest.Bar(-1.0, -2.0, 0.5),))]
    assert forest._limits(rows, None) == forest._limits(rows, 0.4)
    low, high = forest._limits(rows, 3.0)
    assert low < -3 and high > 3
    assert forest._limits(rows, 30.0) == forest._limits(rows)


def test_a_margin_beyond_the_axis_is_said(full):
    changed = json.loads(json.dumps(full.analysis))
    changed['margin'] = {'ME': 40.0}
    assert 'lies beyond' in render(changed, 'contrasts', full.out).text
    assert 'lies beyond' not in full.body('contrasts').text


def test_equivalent_is_explained_beside_the_verdicts(full):
    assert '<b>Equivalent</b>' not in full.body('headline').text
    changed = json.loads(json.dumps(full.analysis))
    next(one for one in changed['contrasts'] if one['endpoint'] == 'ME')['verdict'] = 'equivalent'
    body = render(changed, 'headline', full.out).text
    assert '<b>Equivalent</b>: the 90 % interval, narrower than the one shown, lies within the declared margin' in body


def test_what_a_failure_rate_is_a_share_of_where_subjects_have_several_images(full):
    assert 'the share of images whose mean error is above' in full.body('table1').text
    assert 'one minus the height is the failure rate' in full.body('ced').text
    changed = json.loads(json.dumps(full.analysis))
    changed['unit_of_analysis'] = 'subject'
    changed['counts']['units'] = 5
    body = ' '.join(re.sub('<[^>]*>', '', render(changed, 'table1', full.out).text).split())
    assert ("FR: failure rate, the share of a subject's images, averaged over the 5 subjects, so that each counts once "
            'however many images it has; an image fails where its mean error is above') in body
    assert 'subject SD' in body and 'image SD' not in body
    assert 'the share of all images that fail, each counted once' in render(changed, 'ced', full.out).text


def test_flips_are_marked_where_they_are(full):
    body = full.body('sensitivity').text
    matrix = body[:body.index('<details')]
    flips = sum(item['flips'] for item in full.analysis['sensitivity'])
    assert matrix.count('<b>flip</b></td>') == flips and f'{flips} of ' in matrix or not flips and 'None of ' in matrix
    changed = json.loads(json.dumps(full.analysis))
    row = next(row for row in changed['sensitivity'][0]['rows'] if row['flip'] is False)
    row['flip'] = True
    again = render(changed, 'sensitivity').text
    assert again[:again.index('<details')].count('<b>flip</b></td>') == flips + 1


def test_planner_says_how_many_more_seeds(full):
    analysis = json.loads(json.dumps(full.analysis))
    plan = next(one for one in analysis['planning'] if one['endpoint'] == 'ME' and one['b'] == 'ft')
    plan.update(n_seeds=3, seeds_needed=11)
    assert '8 more seeds per method' in re.sub('<[^>]*>', '', render(analysis, 'variance').text)
    plan['seeds_needed'] = None
    text = re.sub('<[^>]*>', '', render(analysis, 'variance').text)
    assert 'No number of seeds would find' in text and 'more seeds can&#39;t go below' in text.replace("'", '&#39;')


def test_map_has_each_pair_once_per_scope(full):
    found = significance.cells(full.analysis)
    order = full.analysis['ranking']['order']
    assert set(found) == {(row, column) for row in range(3) for column in range(3) if row != column}
    for (row, column), one in found.items():
        assert {one['a'], one['b']} == {order[row], order[column]}
        assert one['scope'] == ('procedure' if row > column else 'networks')
    kinds = [significance.kind_of({'p': p, 'p_adjusted': q}, 0.05) for p, q in
             ((None, None), (0.01, 0.04), (0.01, 0.2), (0.2, 1.0))]
    assert kinds == [None, 'holm', 'plain', 'open']


def test_critical_difference_joins_neighbours():
    assert significance.cliques([1.0, 1.5, 2.2, 4.0], 1.0) == [(1.0, 1.5), (1.5, 2.2)]
    assert significance.cliques([1.0, 1.2, 1.4, 4.0], 1.0) == [(1.0, 1.4)]
    assert significance.cliques([1.0, 3.0], 1.0) == []


def test_mean_shape_does_not_depend_on_place_or_size():
    shape = np.array([[0.0, 0.0], [4.0, 0.0], [2.0, 3.0]])
    samples = [{'landmarks': ['a', 'b', 'c'], 'truth': truth.tolist()} for truth in (shape + 7, 3 * shape)]
    found = faces.mean_shape(samples, ['a', 'b', 'c'])
    expected = (shape - shape.mean(axis=0)) / np.sqrt(((shape - shape.mean(axis=0)) ** 2).sum(axis=1).mean())
    np.testing.assert_allclose(found, expected)
    samples[0]['truth'][1] = [None, None]
    np.testing.assert_allclose(faces.mean_shape(samples, ['a', 'b', 'c']), expected)
    assert faces.mean_shape(samples[:1], ['a', 'b', 'c']) is None and faces.mean_shape([], ['a']) is None


def test_bland_altman_points_are_those_of_the_lowest_seed(full):
    assert points(np.array([3.0, 5.0]), np.array([1.0, 6.0])) == [[2.0, 2.0], [5.5, -1.0]]
    rows = read_suite(full.out).table
    own = rows[(rows['method'] == 'ft') & (rows['condition'] == 'all') & (rows['seed'] == 0)]
    ends = [own[own['landmark'] == name].sort_values('image') for name in ('cheilion_r', 'cheilion_l')]
    distance = {end: np.hypot(*(ends[0][f'{axis}{end}'].to_numpy() - ends[1][f'{axis}{end}'].to_numpy()
                                for axis in 'xy')) for end in ('', '_true')}
    item = next(one for one in full.analysis['agreement']['items'] if one['method'] == 'ft')
    np.testing.assert_allclose(item['points'], np.stack(
        [(distance[''] + distance['_true']) / 2, distance[''] - distance['_true']], axis=1), atol=1e-4)
    body = full.body('agreement').text
    dots = re.search(r'd="((?:M[\d. ]+h0){2,})"', body)[1]
    assert len(item['points']) == 12 and 'lowest seed' in body
    # The first figure has a panel of the proposed and one of the reference, whose dots are one path.
    assert dots.count('h0') == 2 * 12


def test_interactions_stand_below_the_strata(full):
    body = full.body('subgroups').text
    assert '<b>Exploratory.</b>' in body and body.count('(interaction)') == 2
    assert 'left (n = 6)' in body and 'right (n = 6)' in body and 'interaction, adj. p' in body
    assert re.search(r's; ME in [^;]+; n counts', body)
    about = full.analysis['endpoints']
    bare = full.analysis | {'endpoints': about | {'ME': about['ME'] | {'shown_unit': ''}}}
    assert 's; ME; n counts' in render(bare, 'subgroups', full.out).text


def test_what_reported_numbers_say():
    item = {'p': [0.2, 0.04, 0.01], 'seed_sd_limit': [None, 0.2, 0.1]}
    assert images_say(item, 0.05) == 'from' and seed_limits(item) == (2, 1)
    assert images_say({'p': [0.01, 0.0]}, 0.05) == 'always' and images_say({'p': [0.6, None]}, 0.05) == 'never'
    assert seed_limits({'seed_sd_limit': [None]}) is None
    ranges = ((0.001, 0.01), (0.2, 0.9), (0.01, 0.9))
    says = [failures_say({'p_low': low, 'p_high': high}, 0.05) for low, high in ranges]
    assert says == ['always', 'never', 'depends'] and failures_say(None, 0.05) is None


def test_configs_differ_only_where_methods_do(full):
    body = full.body('methods').text
    settings = re.findall(r'<th scope="row"><code>([^<]+)</code>', body)
    assert settings == ['model.transfer', 'model.weight']
    assert 'secret' not in body and '{ed=Loss(weight=1)}' in body
    assert 'How CTD-ED differs.' in body


def test_configs_outside_of_the_runs_are_not_read(full, tmp_path):
    analysis = json.loads(json.dumps(full.analysis))
    (tmp_path / 'runs').mkdir()
    (tmp_path / 'config.py').write_text('stolen = 1')
    for item in analysis['runs']['items']:
        item['id'] = '../'
    assert methods_section.Methods({}, tmp_path).configs(analysis, 'ft') == []
    analysis['runs']['items'][0]['id'] = 'null\x00byte'
    assert methods_section.Methods({}, tmp_path).configs(analysis, analysis['runs']['items'][0]['method']) == []


def test_configs_are_read_without_being_run(tmp_path):
    path = tmp_path / 'config.py'
    path.write_text("a = dict(x=(1, 2), y=-3)\nb = __import__('os').system('true')\nc = {'d': [None]}\nrandomness = 4")
    assert methods_section.read_config(path) == {
        'a': {'x': [1, 2], 'y': -3}, 'b': "__import__('os').system('true')", 'c': {'d': [None]}}
    path.write_text('a = (')
    assert methods_section.read_config(path) is None and methods_section.read_config(tmp_path / 'none.py') is None
    path.write_text('a = ' + '[' * 90 + ']' * 90)
    methods_section.read_config(path)


def test_a_part_that_some_lack_is_one_row():
    with_part = {'x': {'p': 1, 'q': 2}, 'y': 1}
    rows = methods_section.differences({'a': with_part, 'b': {'y': 1}, 'c': json.loads(json.dumps(with_part))})
    assert rows == [('x', {'a': '{p=1, q=2}', 'b': '', 'c': '{p=1, q=2}'})]
    assert methods_section.differences({'a': {'x': 1}, 'b': {'x': True}}) == [('x', {'a': '1', 'b': 'True'})]
    assert methods_section.words('/home/somebody/source.pth') == '…/source.pth'


def test_conditions_make_an_axis_with_crossed_intervals(full):
    body = full.body('ablations').text
    assert 'crossed over seeds' in body and body.count('<figure>') == 2
    places = [path for path in re.findall(r'data-path="/contrasts/(\d+)/verdict"', body)]
    found = {full.analysis['contrasts'][int(place)]['condition'] for place in places}
    assert found == {'all', 'labels_10'}
    named = json.loads(json.dumps(full.analysis))
    named['learning_curve'] = None
    for block in named['conditions'].values():
        block['value'] = None
    assert 'Compare the markers' in render(named, 'ablations').text


def test_one_method_one_seed_says_why(tmp_path, suites):
    analysis = analysed(suite(tmp_path, suites, methods={'ft': 'FT'}, seeds=1))
    skipped = {name for name in NAMES if render(analysis, name).skipped}
    assert skipped == {'contrasts', 'sensitivity', 'variance', 'ranking', 'significance', 'reported', 'ablations'}
    assert 'mean error of FT' in render(analysis, 'landmarks').text


def test_one_seed_shows_the_networks_only(tmp_path, suites):
    analysis = analysed(suite(tmp_path, suites, seeds=1))
    body = render(analysis, 'contrasts').text
    assert 'procedure: not estimable' in body and 'With a single seed the procedure can' in body
    assert scope_of(analysis, ('ctd_ed', 'ft')) == 'networks' and render(analysis, 'variance').skipped
    assert render(analysis, 'significance').text.count('>no test<') == 2
    assert 'networks scope' in render(analysis, 'landmarks').text


def test_nothing_but_errors_per_image(tmp_path, suites):
    rows = [(method, seed, f'i{image}', 1 + 0.1 * image + 0.3 * (method == 'b') * (image % 3) + 0.01 * seed)
            for method in 'ab' for seed in range(2) for image in range(6)]
    table = pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error'])
    table.to_csv(tmp_path / 'table.csv', index=False)
    folder = read_suite(tmp_path / 'table.csv')
    analysis = json.loads(write_analysis(tmp_path / 'analysis.json', analyze(folder.table)).read_text())
    skipped = {name for name in NAMES if render(analysis, name, tmp_path).skipped}
    assert skipped == set(NAMES) - {'variance', 'ranking', 'significance'}


def test_hostile_names_stay_text_in_every_section(tmp_path, suites):
    names = {'<script>alert(1)</script>': '<script>alert(1)</script>', 'ctd_ed': '_$x_1$ "&\' 🙂', 'ft': 'm' * 300,
             'rtl': 'שלום עולם'}
    analysis = analysed(suite(tmp_path, suites, methods=names, seeds=2))
    text = json.dumps(analysis, ensure_ascii=False).replace('cheilion_r', '<script>').replace('"left"', '"<b>left"')
    analysis = json.loads(text.replace('mouth width', '</svg><script>'))
    for name in NAMES:
        body = render(analysis, name, tmp_path).text
        assert '<script>' not in body and '<b>left' not in body
        for figure in re.findall(r'<svg [^>]*class="plot.*?</svg>', body, flags=re.DOTALL):
            assert 'm' * 60 not in figure
            ElementTree.fromstring(figure)


def test_forty_methods_stay_legible(full):
    analysis = json.loads(json.dumps(full.analysis))
    names = [f'm{index:02d}' for index in range(40)]
    block = analysis['methods']['ft']
    analysis['methods'] = {name: {**block, 'label': name} for name in names}
    analysis['ranking']['order'], analysis['order']['methods'] = names, names
    analysis['ranking']['friedman']['mean_ranks'] = {name: 1.0 + place for place, name in enumerate(names)}
    analysis['ranking']['friedman']['nemenyi'] = []
    pair = next(one for one in analysis['contrasts'] if one['family'] == 'all pairs')
    analysis['contrasts'] = [{**pair, 'a': a, 'b': b, 'scope': scope, 'endpoint': 'ME'} for place, a in enumerate(names)
                             for b in names[place + 1:] for scope in ('procedure', 'networks')]
    styles = assign(names)
    assert significance.critical_difference(analysis, styles, 'x') is None
    drawn = str(significance.pairs_map(analysis, styles, 'x'))
    assert drawn.count('<text') == 2 * (2 * 40 + 1) + 1 and len(drawn) < 400_000  # names twice, and the scopes


def test_compact_figures_keep_what_is_seen():
    root = ElementTree.fromstring(
        '<svg xmlns="http://www.w3.org/2000/svg">\n <g id="f-axes_1"> <g id="f-patch_2"><path style="fill: none" '
        'd="M 0 0 z"/></g> <g id="f-area"><path style="fill: none" d="M 1.50 2.00 L 10 20.10 z "/></g>'
        '<path id="f-m1" d="M 3.10 4 L 3.10 4 M 5 6 L 5 6"/><use href="#f-m1"/><text x="1"> a </text></g></svg>')
    compact_module.compact(root)
    text = ElementTree.tostring(root, encoding='unicode')
    assert 'axes_1' not in text and 'f-area' in text and 'M1.5 2L10 20.1z' in text and '"M3.1 4h0M5 6h0"' in text
    assert 'M0 0z' not in text and '> a <' in text and 'f-m1' in text
