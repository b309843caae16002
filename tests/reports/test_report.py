"""The page: its numbers are those of analysis.json, its bytes are stable, hostile names stay text."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from reports import ReportError, build_report
from reports.figures import spread
from reports.numbers import probability, written
from reports.palette import DARK, HUES, KNOWN, LIGHT, assign, contrast

ROOT = Path(__file__).resolve().parents[2]


def test_every_number_is_that_of_analysis_json(page, suites):
    analysis = json.loads((page.parents[1] / 'analysis.json').read_text())
    reader = suites.Reader(page.read_text())
    assert len(reader.numbers) > 1000
    for path, value, scale, text in reader.numbers:
        stored = suites.resolve(analysis, path)
        assert json.loads(value) == stored, path
        if isinstance(stored, float):  # what is shown is the stored value, rounded and perhaps in percent
            shown = text.replace('\u2212', '-').rstrip(' %')
            if shown[0] in '<>':
                assert stored < 0.001 if shown == '< 0.001' else stored > 0.999, (path, text)
                continue
            digits = len(shown.partition('.')[2])
            options = {written(stored, digits, scale).replace('\u2212', '-'), f'{stored * scale:.4g}',
                       probability(stored)}
            assert shown in options, (path, text)


def test_no_cell_has_a_number_without_a_path(page, suites):
    for _, attributes, text, nested in suites.Reader(page.read_text()).cells:
        number = re.fullmatch(r'\s*[\u2212-]?\d+(\.\d+)?( of \d+)?( %)?\s*', text)
        text_cell = attributes.get('class') == 't'  # such as a hash that happens to be all digits
        assert not number or 'data-path' in attributes or nested or text_cell, text


def test_ids_are_unique_and_the_page_is_self_contained(page, suites):
    text = page.read_text()
    reader = suites.Reader(text)
    assert len(reader.ids) == len(set(reader.ids))
    assert not reader.tags & {'iframe', 'object', 'embed', 'base', 'form'}
    loads = re.findall(r'(?:src|href)="([^"]*)"', text)
    assert all(target.startswith(('#', 'data:')) for target in loads)
    assert 'url(http' not in text and '@import' not in text
    references = set(re.findall(r'url\(#([^)]+)\)', text)) | {
        target[1:] for target in loads if target.startswith('#')
    }
    assert references <= set(reader.ids)
    assert str(page.parents[2]) not in text  # no machine path


@pytest.mark.slow
def test_same_input_same_bytes_from_another_process(suite_folder, page, tmp_path):
    def content(folder):
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob('*.*')}

    code = 'import sys; from reports import build_report; build_report(*sys.argv[1:])'
    env = os.environ | {'PYTHONHASHSEED': '1', 'PYTHONPATH': str(ROOT)}
    command = [sys.executable, '-c', code, str(suite_folder / 'analysis.json'), str(tmp_path)]
    subprocess.run(command, env=env, check=True, cwd=tmp_path)
    first, again = content(page.parent), content(tmp_path / 'report')
    assert {Path(name).suffix for name in first} == {'.html', '.csv', '.tex', '.pdf', '.md', '.txt', '.json'}
    assert [*sorted(first)] == [*sorted(again)] and [name for name in first if first[name] != again[name]] == []


def test_failed_run_is_told_with_its_traceback(page):
    text = page.read_text()
    assert 'hg/all-s2' in text and '1 of 63 runs failed' in text
    assert 'FloatingPointError: loss is NaN at epoch 3 &lt;b&gt;not bold&lt;/b&gt;' in text
    assert 'File &#34;run.py&#34;, line 3' in text


def test_hostile_names_stay_text(tmp_path, suites):
    methods = {
        '<script>alert(1)</script>': '<script>alert(1)</script>',
        'q"\'&': 'q"\'& $x_1$',
        '_e/~🙂': '_🙂 #010000',
    }
    out = suites.small(
        tmp_path, methods=methods, title='</title><script>x</script>', question='a" onload="b', seeds=2
    )
    analysis = json.loads(suites.analyse(out).parents[1].joinpath('analysis.json').read_text())
    text = (out / 'report/index.html').read_text()
    reader = suites.Reader(text)
    assert 'alert' not in ''.join(reader.scripts) and '</title><script>' not in text
    assert 'onload="' not in text.replace('&#34;', '')
    assert all(json.loads(value) == suites.resolve(analysis, path) for path, value, _, _ in reader.numbers)
    assert '🙂' in text and '$x_1$' in text and '#010000' in text
    assert r'q"\'\& \$x\_1\$'.replace(r'\'', "'") in (out / 'report/tables/table1.tex').read_text()


def test_one_method_one_seed(tmp_path, suites):
    text = suites.analyse(
        suites.small(tmp_path, methods={'ft': 'FT'}, seeds=1, conditions=('all',))
    ).read_text()
    assert 'There is nothing to compare it with' in text and 'trained once' in text and 'so no band' in text
    assert 'All runs were made under one condition.' in text and 'No contrast was planned' in text


def test_two_images(tmp_path, suites):
    out = suites.small(tmp_path, methods={'a': 'A', 'b': 'B'}, seeds=1, images=2)
    assert 'worst' in suites.analyse(out).read_text()


def test_pictures(tmp_path, page, suites):
    chosen = json.loads((page.parents[1] / 'analysis.json').read_text())['samples']
    assert page.read_text().count('data:image/jpeg;base64,') == len(chosen) > 6
    out = suites.small(tmp_path, seeds=1)
    shutil.rmtree(tmp_path / 'data/images')
    text = suites.analyse(out).read_text()
    assert 'The pictures are not in the data set' in text and 'data:image' not in text


def test_pictures_outside_of_the_data_folder_are_not_read(tmp_path, suites):
    out = suites.small(tmp_path, seeds=1)
    content = suites.analyse_only(out)
    analysis = json.loads(content.read_text())
    shutil.copy(tmp_path / 'data/images/f000.jpg', tmp_path / 'secret.jpg')
    for sample in analysis['samples']:
        sample['image'] = '../../secret.jpg'
    content.write_text(json.dumps({**analysis, 'report': {'sections': ['samples']}}))
    assert 'data:image' not in build_report(content, tmp_path).read_text()


def test_bare_table_makes_a_report(tmp_path):
    analyze, report = (load(name) for name in ('analyze', 'report'))
    (tmp_path / 'r.csv').write_text('method,seed,image,error\na,0,i,1\na,0,j,2\nb,0,i,3\nb,0,j,1\n')
    assert analyze.main([str(tmp_path / 'r.csv')]) == 0
    assert report.main([str(tmp_path)]) == 0
    assert 'units of the error' in (tmp_path / 'report/index.html').read_text()


def test_tables_hold_full_precision(page):
    analysis = json.loads((page.parents[1] / 'analysis.json').read_text())
    lines = (page.parent / 'tables/table1.csv').read_text().splitlines()
    first = dict(zip(lines[0].split(','), lines[1].split(','), strict=True))
    block = analysis['methods'][first['method']]['endpoints']['ME']
    assert float(first['ME']) == block['mean'] and float(first['ME_seed_sd']) == block['seed_sd']
    assert len(lines) == 8 and r'\toprule' in (page.parent / 'tables/table1.tex').read_text()


def test_palette_can_be_told_apart():
    for _, light, dark in HUES.values():
        assert contrast(light, LIGHT) >= 3 and contrast(dark, DARK) >= 3
    looks = [(s.raw, s.marker, s.dash) for s in assign([*KNOWN, *(f'other {i}' for i in range(30))]).values()]
    assert len(set(looks)) == len(looks)
    assert len({marker for _, marker, _ in looks[:7]}) == 7
    assert assign(['ft', 'x'])['ft'].raw == assign(['a', 'b', 'ft'])['ft'].raw
    assert len(assign(str(i) for i in range(500))) == 500


def test_labels_move_apart_around_their_mean():
    assert spread([1.0, 1.0, 1.0, 5.0], 0.5) == pytest.approx([0.5, 1.0, 1.5, 5.0])


def test_figures_are_valid_and_labelled(page):
    for svg in re.findall(r'<svg [^>]*class="plot.*?</svg>', page.read_text(), flags=re.DOTALL):
        root = ElementTree.fromstring(svg)
        assert root.get('role') == 'img' and root.get('aria-label')


@pytest.mark.parametrize(
    ('content', 'part'),
    [
        (None, 'read'),
        ('{', 'not JSON'),
        ('{}', 'schema_version'),
        ('{"schema_version": 3}', 'is a required property'),
    ],
)
def test_bad_analysis_is_refused_in_one_line(tmp_path, capsys, content, part):
    if content is not None:
        (tmp_path / 'analysis.json').write_text(content)
    assert load('report').main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert error.startswith('error: ') and part in error and error.count('\n') == 1


def test_other_schema_version_is_refused(page, tmp_path):
    analysis = json.loads((page.parents[1] / 'analysis.json').read_text())
    (tmp_path / 'analysis.json').write_text(json.dumps({**analysis, 'schema_version': 99}))
    with pytest.raises(ReportError, match='schema_version'):
        build_report(tmp_path / 'analysis.json', tmp_path)


def load(name):
    spec = importlib.util.spec_from_file_location(f'tool_{name}', ROOT / f'tools/{name}.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
