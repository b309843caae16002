"""The frame of the report: first screen, chosen sections, files beside the page."""

import base64
import hashlib
import html
import importlib.util
import json
import re
import sys
from pathlib import Path

import pytest

from benchmark.experiments.commands import run_suite
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.suite.suite import load_suite
from benchmark.statistics import analyze, read_suite, write_analysis
from benchmark.statistics.alerts import alert
from benchmark.statistics.endpoints import ENDPOINTS
from reports.answers import answers, listed
from reports.build import read_analysis, render
from reports.latex import latex_tables
from reports.numbers import lead
from reports.page import policy, unlinked
from reports.page_text import cut, isolated
from reports.sections import SECTIONS, ordered
from reports.summary_text import summary
from reports.verdicts import VERDICTS

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def registry():
    """The registry of sections and the loaded modules, as they were before the test."""
    sections, modules = dict(SECTIONS), set(sys.modules)
    yield
    SECTIONS.clear()
    SECTIONS.update(sections)
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def text_of(page, name):
    """A section's HTML."""
    return re.search(rf'<section id="{name}".*?</section>', page.read_text(), re.DOTALL)[0]


# The first screen


def test_the_first_screen_has_question_answer_and_both_verdicts(page, analysis):
    text, head = page.read_text(), text_of(page, 'headline')
    assert text.index(analysis['question']) < text.index('id="headline"') < text.index('id="table1"')
    assert text.index('id="table1"') < text.index('id="ced"') < text.index('id="contrasts"')
    planned = [(place, one) for place, one in enumerate(analysis['contrasts'])
               if one['family'] == 'planned' and one['endpoint'] == 'ME']
    assert len(planned) == 12
    for place, one in planned:
        badge = re.search(rf'aria-hidden="true">([^<]*)</span><span [^>]*data-path="/contrasts/{place}/verdict"'
                          r'[^>]*>([^<]*)<', head)
        assert badge.groups() == (VERDICTS[one['verdict']].symbol, one['verdict'])
    for row in analysis['statements']:
        assert row['headline'] in head or row['endpoint'] != 'ME'


def test_all_alerts_stand_on_the_first_screen_unfolded(analysis, tmp_path):
    texts = [f'Number {n} of what a reader must not miss & <b>.' for n in range(5)]
    short = {**analysis, 'report': {'sections': ['headline']}}
    found = {**short, 'alerts': [alert('a test', text) for text in texts]}
    head = re.search(r'<section id="headline".*?</section>', render(found, tmp_path)[0], re.DOTALL)[0]
    box = head[head.index('class="note alert"'):]
    assert all(html.escape(text) in box[:box.index('</div>')] for text in texts)
    assert 'details' not in box[:box.index('</div>')]
    assert [line for line in summary(found).splitlines() if line.startswith('- **Number')] == [
        f'- **Number {n} of what a reader must not miss \\& \\<b\\>.**' for n in range(5)]
    assert 'class="note alert"' not in render({**short, 'alerts': []}, tmp_path)[0]


def test_the_first_table_begins_with_millimetres_or_percent_where_all_images_have_them(analysis, tmp_path):
    images = analysis['conditions'][analysis['main_condition']]['n_images']
    assert 'NME' in analysis['endpoints'] and 'ME_mm' not in analysis['endpoints']
    found = json.loads(json.dumps(analysis))
    for block in found['methods'].values():
        # Half a millimetre a heatmap pixel.
        half = {key: [v / 2 for v in value] if key == 'per_seed' else value / 2 if key in (
            'mean', 'seed_sd', 'image_sd', 'ci_low', 'ci_high') and value is not None else value
            for key, value in block['endpoints']['ME'].items()}
        block['endpoints']['ME_mm'] = half
    found['endpoints']['ME_mm'] = ENDPOINTS['ME_mm'].described('heatmap px')
    partly = json.loads(json.dumps(found))
    for block in partly['methods'].values():
        block['endpoints']['ME_mm']['n_images'] = images - 1
    bare = json.loads(json.dumps(analysis))
    for block in bare['methods'].values():
        block['endpoints']['NME']['n_images'] = images - 1
    for content, name, head in ((found, 'ME_mm', 'mm'), (partly, 'NME', '%'), (analysis, 'NME', '%'),
                                (bare, 'ME', analysis['unit'])):
        assert lead(content) == name
        page, _ = render({**content, 'report': {'sections': ['table1']}}, tmp_path)
        text = re.search(r'<section id="table1".*?</section>', page, re.DOTALL)[0]
        assert re.search(r'\[interval\]<span class="u">([^<]*)<', text)[1] == head
        assert re.search(r'data-path="/methods/\w+/endpoints/(\w+)/mean"', text)[1] == name
        method = content['order']['methods'][0]
        mean = content['methods'][method]['endpoints'][name]['mean']
        about = content['endpoints'][name]
        shown = f'{mean * about["factor"]:.{about["decimals"]}f}'
        assert re.search(rf'& (\\below{{)?(\\textbf{{)?{re.escape(shown)}\b', latex_tables(content)['table1.tex'])
        line = next(row for row in summary(content).splitlines() if row.startswith('| method |'))
        assert line.split('|')[2].strip().endswith(head.replace('%', '%'))


def test_best_means_are_bold_and_a_bound_stands_where_no_image_fails(page, analysis, suites):
    table = text_of(page, 'table1')
    means = {name: block['endpoints']['ME']['mean'] for name, block in analysis['methods'].items()}
    first = re.findall(r'<td class="n best"><span [^>]*data-path="/methods/(\w+)/endpoints/ME/mean"', table)
    assert first == [min(means, key=means.get)]
    bounded = [name for name, block in analysis['methods'].items() if block['endpoints']['FR']['bound'] is not None]
    assert bounded
    for name in bounded:
        bound = analysis['methods'][name]['endpoints']['FR']['bound']
        cell = re.search(rf'<td[^>]*><span [^>]*"/methods/{name}/endpoints/FR/mean".*?</td>', table)[0]
        shown = re.sub(r'<[^>]*>', '', cell)
        assert shown == (f'0.0 (at most {100 * bound:.1f} %)' if '>0.0<' in cell
                         else f'100.0 (at least {100 * bound:.1f} %)')


@pytest.mark.parametrize(('verdicts', 'expected'), [
    ([('superior', 'superior')], ['As training procedures: P is better than A.',
                                  'These trained models give the same verdict.']),
    ([('superior', 'superior'), ('inferior', 'inferior and relevant')],
     ['As training procedures: P is better than A; worse than B.',
      'For these trained models: P is worse than B by more than the margin. The other verdicts are the same.']),
    ([('inconclusive', 'superior')], ['As training procedures: whether P is better or worse than A is not settled.',
                                      'For these trained models: P is better than A.']),
    ([('equivalent', 'equivalent'), ('non-inferior', 'non-inferior'), ('not estimable', 'not estimable')],
     ["As training procedures: P is equivalent to A within the margin; not worse than B by more than the margin; it "
      "can't be compared with C.", 'These trained models give the same verdicts.']),
])
def test_answers_say_the_verdicts(verdicts, expected):
    assert answers(planned('P', verdicts)) == expected


def test_answers_with_a_reference_and_with_one_seed():
    content = planned('P', [('superior', 'superior'), ('inconclusive', 'inconclusive'), ('inferior', 'inferior')])
    for one in content['contrasts']:
        one['a'], one['b'] = one['b'], one['a']
    assert answers(content)[0] == ('As training procedures: compared with P, A is better; C is worse; for B it is not '
                                   'settled.')
    for one, reference in zip(content['contrasts'], ('P', 'P', 'A', 'A', 'A', 'A'), strict=True):
        one['b'] = reference
    assert answers(content)[0] == ('As training procedures: A is better than P; C is worse than A; not settled is B '
                                   'against A.')
    content['contrasts'][4]['verdict'] = 'inconclusive'
    assert answers(content)[0] == ('As training procedures: A is better than P; not settled are B against A; C '
                                   'against A.')
    content = planned('P', [('not estimable', 'superior')], seeds=1)
    assert answers(content) == ['One training run per method cannot tell which training procedure is better.',
                                'For these trained models: P is better than A.']
    assert listed([*'ABCDEFGHIJ']) == 'A, B, C, D, E, F, G and 3 others'


def test_answers_say_where_a_verdict_leaves_the_margin_open():
    content = planned('P', [('superior', 'superior'), ('superior', 'superior'), ('inferior', 'inferior')])
    for one, relevance in zip(content['contrasts'], ('unclear', 'within') + 4 * ('unclear',), strict=True):
        one |= {'margin': 0.1, 'relevance': relevance}
    content['contrasts'][2] |= {'verdict': 'superior and relevant', 'relevance': 'beyond'}
    assert answers(content) == [
        'As training procedures: P is better than B by more than the margin; better than A, but whether by more than '
        'the margin is open; worse than C, but whether by more than the margin is open.',
        'For these trained models: P is better than A, but by less than the margin; better than B, but whether by more '
        'than the margin is open. The other verdicts are the same.']
    for one in content['contrasts']:
        one['a'], one['b'] = one['b'], one['a']
    assert answers(content)[0] == (
        'As training procedures: compared with P, B is better by more than the margin; A is better, but whether by '
        'more than the margin is open; C is worse, but whether by more than the margin is open.')


def test_answers_by_the_error_that_has_the_margin():
    content = planned('P', [('inconclusive', 'inconclusive'), ('superior', 'superior')])
    assert len(answers(content)) == 2
    by_nme = planned('P', [('equivalent', 'equivalent'), ('superior', 'superior and relevant')])['contrasts']
    for one in by_nme:
        one |= {'endpoint': 'NME', 'margin': 0.0006, 'relevance': 'unclear'}
    content['contrasts'] += by_nme
    content['endpoints'] = {'NME': {'decimals': 2, 'factor': 100, 'shown_unit': '%', 'better': 'lower',
                                    'difference_unit': '% of the inter-ocular distance'}}
    assert answers(content)[2:] == [
        'By NME, with the declared margin of 0.06 % of the inter-ocular distance, as training procedures: P is better '
        'than B, but whether by more than the margin is open; equivalent to A within the margin.']
    for one in content['contrasts']:
        one['n_seeds'] = [1, 1]
    assert answers(content)[2:] == [
        'By NME, with the declared margin of 0.06 % of the inter-ocular distance, for these trained models: P is '
        'better than B by more than the margin; equivalent to A within the margin.']
    for one in content['contrasts'][:4]:
        one['margin'] = 0.1
    assert len(answers(content)) == 2, 'the primary error has one of its own'


def planned(proposed, verdicts, seeds=3):
    contrasts = [
        {'family': 'planned', 'endpoint': 'ME', 'scope': scope, 'a': proposed, 'b': name, 'verdict': verdict,
         'n_seeds': [seeds, seeds], 'margin': None, 'relevance': None}
        for name, pair in zip('ABC', verdicts) for scope, verdict in zip(('procedure', 'networks'), pair)
    ]
    return {'contrasts': contrasts, 'methods': {name: {'label': name} for name in (proposed, *'ABC')}}


# Which sections there are


def test_a_suite_chooses_sections_and_their_order(page, analysis):
    names = ['limits', 'table1', 'headline']
    text, figures = render({**analysis, 'report': {'sections': names}}, page.parents[1])
    assert re.findall(r'<section id="([^"]+)"', text) == names
    assert [*figures] == ['seeds.pdf']
    assert 'href="#contrasts"' not in text and 'see Contrasts.' in text  # no link to what is not there


def test_links_stay_where_their_target_is():
    text = '<i id="a">x</i><a href="#a">A</a> <a href="#b">B</a>'
    assert unlinked(text) == '<i id="a">x</i><a href="#a">A</a> B'


@pytest.mark.parametrize(('report', 'part'), [
    ({'sections': ['headline', 'tabel1']}, "no section 'tabel1'; there are headline, table1, ced"),
    ({'sections': ['runs', 'runs']}, "section 'runs' is named twice"),
    ({'imports': ['no_such_module_anywhere']}, "module 'no_such_module_anywhere'"),
])
def test_unknown_sections_are_refused_in_one_line(tmp_path, page, analysis, capsys, report, part):
    (tmp_path / 'analysis.json').write_text(json.dumps({**analysis, 'report': report}))
    assert tool().main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and error.count('\n') == 1 and part in error
    suite = tmp_path / 'mine.py'
    suite.write_text(f"_base_ = {str(ROOT / 'mmconfigs/suites/smoke.py')!r}\nreport = dict(**{report!r})\n")
    assert run_suite.main([str(suite), '--dry-run']) == 2
    error = capsys.readouterr().err
    assert error.startswith(f'error: {suite}: report: ') and error.count('\n') == 1 and part in error


@pytest.mark.parametrize('report', ["dict(sections='headline')", 'dict(sections=[])', "dict(section=['headline'])"])
def test_a_report_field_that_cannot_be_meant_is_refused(tmp_path, report):
    suite = tmp_path / 'mine.py'
    suite.write_text(f"_base_ = {str(ROOT / 'mmconfigs/suites/smoke.py')!r}\nreport = {report}\n")
    with pytest.raises(SuiteError, match='report'):
        load_suite(str(suite))


def test_the_section_of_the_docs_is_on_the_page(tmp_path, suites, registry):
    part = (ROOT / 'docs/extending.md').read_text().partition('## A section of the report')[2]
    blocks = re.findall(r'```(?:python|html)\n(.*?)```', part, re.DOTALL)
    folder = tmp_path / 'own'
    folder.mkdir()
    for block in blocks:
        name = re.match(r'(?:# |\{# )(\w+\.(?:py|html))', block)
        if name:
            (folder / name[1]).write_text(block.replace("'mmconfigs/", f"'{ROOT}/mmconfigs/"))
    (folder / 'spread.css').write_text('#spread{--mine:1}')
    (folder / 'spread.js').write_text("document.title += ' with spread';")
    suite = load_suite(str(folder / 'my_page.py'))
    out = suites.small(tmp_path)
    plan = json.loads((out / 'plan.json').read_text())
    (out / 'plan.json').write_text(json.dumps({**plan, 'report': suite.page}))
    page = suites.analyse(out)
    text = page.read_text()
    assert re.findall(r'<section id="([^"]+)"', text) == [*suite.report.sections]
    assert 'How a repetition' not in text and 'How much a repetition changes' in text
    assert 'data-path="/methods/ft/endpoints/ME/seed_sd"' in text_of(page, 'spread')
    assert '#spread{--mine:1}' in text and policy(suites.Reader(text).scripts) in text.replace('&#39;', "'")
    skipped = suites.analyse(one_seed(tmp_path, suites, suite.page))
    assert 'Every method was trained once' in text_of(skipped, 'spread')


def one_seed(tmp_path, suites, report):
    out = suites.small(tmp_path / 'one', seeds=1)
    plan = json.loads((out / 'plan.json').read_text())
    (out / 'plan.json').write_text(json.dumps({**plan, 'report': report}))
    return out


def test_all_shipped_sections_are_known_and_in_order():
    names = [section.name for section in ordered()]
    assert names[:4] == ['headline', 'table1', 'ced', 'contrasts'] and names[-1] == 'limits'
    assert all(re.fullmatch('[a-z][a-z0-9_-]*', name) for name in names)


# The page


def test_the_policy_allows_the_page_s_scripts_and_nothing_else(page, suites):
    text = page.read_text()
    content = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1].replace('&#39;', "'")
    rules = dict(rule.strip().split(' ', 1) for rule in content.split(';'))
    wanted = [f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"
              for script in suites.Reader(text).scripts]
    assert rules['script-src'].split() == wanted and len(wanted) >= 5
    assert rules['default-src'] == "'none'" and rules['img-src'] == 'data:'
    assert not re.search(r'<[^>]*\son[a-z]+=', re.sub(r'<script>.*?</script>', '', text, flags=re.DOTALL))


def test_names_keep_their_direction_and_their_length():
    assert isolated('FT') == 'FT' and isolated('مرحبا') == '\u2068مرحبا\u2069' and isolated('a\u202eb')[0] == '\u2068'
    assert cut('a  b', 3) == 'a b' and cut('long name', 6) == 'long…'


def test_the_tool_prints_the_summary_and_the_path_last(small_analysis, tmp_path, capsys):
    content = json.loads(small_analysis.read_text())
    (tmp_path / 'analysis.json').write_text(json.dumps({**content, 'report': {'sections': ['headline']}}))
    assert tool().main([str(tmp_path / 'analysis.json'), '--summary']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith('# ') and lines[-1] == str(tmp_path / 'report/index.html')


def test_the_plan_s_wish_reaches_the_analysis(tmp_path, suites):
    out = suites.small(tmp_path)
    suite = read_suite(out)
    wish = {'sections': ['headline']}
    path = write_analysis(out / 'analysis.json', analyze(suite.table, {**suite.plan, 'report': wish}, suite.records))
    assert read_analysis(path)['report'] == wish


def tool():
    spec = importlib.util.spec_from_file_location('tool_report', ROOT / 'tools/report.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
