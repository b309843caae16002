"""The index of several suites' reports."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

from benchmark.statistics import write_analysis
from reports import ReportError, build_report
from reports.answers import answers
from reports.index import build_index, refresh

ROOT = Path(__file__).resolve().parents[2]



@pytest.fixture
def runs(tmp_path, small_analysis):
    """A folder of suites: one with its report, one without, one that is broken, one that is none."""
    content = json.loads(small_analysis.read_text())
    small = {**content, 'report': {'sections': ['headline']}, 'samples': []}
    for name, changes in (('first', {}), ('deep/second', {'title': '<b>Second</b>'})):
        (tmp_path / 'runs' / name).mkdir(parents=True)
        write_analysis(tmp_path / 'runs' / name / 'analysis.json', {**small, **changes})
    build_report(tmp_path / 'runs/first/analysis.json', tmp_path / 'runs/first')
    for name in ('broken', 'empty'):
        (tmp_path / 'runs' / name).mkdir()
    (tmp_path / 'runs/broken/analysis.json').write_text('{')
    return tmp_path / 'runs'


def test_the_index_links_to_the_reports(runs, suites, capsys):
    assert tool().main(['--index', str(runs)]) == 0
    assert capsys.readouterr().out == f'{runs}/index.html\n'
    text = (runs / 'index.html').read_text()
    links = re.findall(r'<a href="([^"#]+)"', text)
    assert links == ['first/report/index.html'] and (runs / links[0]).is_file()
    analysis = json.loads((runs / 'first/analysis.json').read_text())
    assert text.count(answers(analysis)[0]) == 2 and '2025-01-31 09:00' in text
    assert '9 of 9' in text and 'no report yet' in text and '&lt;b&gt;Second&lt;/b&gt;' in text
    assert 'broken' in text and 'not JSON' in text and 'empty' not in suites.Reader(text).ids
    assert not suites.Reader(text).tags & {'img', 'iframe'} and 'http' not in re.sub(r'<script>.*?</script>', '', text,
                                                                                      flags=re.DOTALL).split('</style>')[1]
    assert build_index([runs]).read_bytes() == (runs / 'index.html').read_bytes()


def test_the_index_of_some_folders_lies_beside_them(runs, tmp_path):
    page = build_index([runs / 'first', runs / 'deep/second'])
    assert page == runs / 'index.html' and 'broken' not in page.read_text()
    assert build_index([runs / 'first'], tmp_path / 'x').read_text().count('../runs/first/report/index.html') == 1
    with pytest.raises(ReportError, match='no folder with an analysis.json'):
        build_index([runs / 'empty'])


def test_a_report_writes_the_index_beside_it_where_it_is_asked(runs, capsys):
    assert tool().main([str(runs / 'first'), '--with-index']) == 0
    assert capsys.readouterr().out == f'{runs}/first/report/index.html\n'
    assert 'first/report/index.html' in (runs / 'index.html').read_text()


def test_a_report_brings_the_index_beside_it_up_to_date(runs):
    page = runs / 'first/report/index.html'
    assert refresh(page) is None and not (runs / 'index.html').exists()
    (runs / 'index.html').write_text('<h1>mine</h1>')
    assert refresh(page) is None and (runs / 'index.html').read_text() == '<h1>mine</h1>'
    build_index([runs / 'first'])
    assert tool().main([str(runs / 'first')]) == 0
    assert 'second' in (runs / 'index.html').read_text()


def tool():
    spec = importlib.util.spec_from_file_location('tool_report', ROOT / 'tools/report.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
