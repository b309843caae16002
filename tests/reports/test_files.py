"""The files beside the page: tables, figures and the summary."""

import csv
import io
import json
import re
import zlib

import pypdf

from reports import build_report
from reports.latex import latex_tables, tex
from reports.numbers import written
from reports.summary_text import summary
from reports.tables import tables


def rows_of(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_tables_are_those_of_analysis_json(page, analysis):
    files = {path.name: path.read_text() for path in (page.parent / 'tables').iterdir()}
    assert {f'{name}.csv' for name in (
        'table1', 'contrasts', 'effects', 'ranking', 'landmarks', 'variance_components', 'planning', 'sensitivity',
        'agreement', 'conditions', 'per_seed', 'ced', 'runs')} <= set(files)
    for name, items in (('contrasts', analysis['contrasts']), ('effects', analysis['effects']),
                        ('planning', analysis['planning']), ('agreement', analysis['agreement']['items'])):
        rows = rows_of(files[f'{name}.csv'])
        assert len(rows) == len(items)
        for row, item in zip(rows, items):
            for key, content in row.items():
                assert key.startswith('shown') or content == plain(item, key, items), (name, key)
    seeds = rows_of(files['per_seed.csv'])
    for row in seeds[::7]:
        block = analysis['conditions'][row['condition']]['methods'][row['method']]
        place = block['seeds'].index(int(row['seed']))
        assert float(row['mean']) == block['endpoints'][row['endpoint']]['per_seed'][place]
    curve = rows_of(files['ced.csv'])[5]
    stored = analysis['conditions'][curve['condition']]['ced'][curve['method']]
    assert [float(curve[key]) for key in ('error', 'mean')] == [stored['x'][5], stored['mean'][5]]


def plain(item, key, items):
    """The text of a CSV cell, found by the joined name of its column."""
    for name, content in item.items():
        if key == name and not isinstance(content, dict):
            return ('' if content is None else str(content).lower() if isinstance(content, bool)
                    else ';'.join(map(str, content)) if isinstance(content, list) else str(content))
        if isinstance(content, dict) and key.startswith(f'{name}_'):
            return plain(content, key.removeprefix(f'{name}_'), items)
    return ''


def test_csv_cells_are_no_formulas(analysis):
    changed = json.loads(json.dumps(analysis))
    changed['methods']['ft']['label'] = '=HYPERLINK("x")'
    row = next(row for row in rows_of(tables(changed)['table1.csv']) if row['method'] == 'ft')
    assert row['label'] == '\'=HYPERLINK("x")'


def test_latex_has_best_in_bold_daggers_and_their_note(page, analysis):
    text = (page.parent / 'tables/table1.tex').read_text()
    means = {name: block['endpoints']['ME']['mean'] for name, block in analysis['methods'].items()}
    best = min(means, key=means.get)
    assert rf'\textbf{{{means[best]:.3f}}}' in text and text.count(r'\textbf') >= 3
    for one in analysis['contrasts']:
        if (one['family'], one['endpoint'], one['scope']) == ('planned', 'ME', 'procedure'):
            line = next(line for line in text.splitlines()
                        if line.startswith(tex(analysis['methods'][one['b']]['label']) + ' &'))
            assert (r'$^\dagger$' in line.split('&')[1]) == one['verdict'].startswith('superior')
    assert r'$\dagger$: CTD-ED is superior to this method' in text
    body = re.search(r'\\midrule\n(.*)\n\\bottomrule', text, re.DOTALL)[1].splitlines()
    assert len(body) == 7 and {line.count(' & ') for line in body} == {8}
    assert text.count('{') == text.count('}')
    contrasts = latex_tables(analysis)['contrasts.tex']
    planned = sum(one['family'] == 'planned' for one in analysis['contrasts']) / 2
    assert contrasts.count(r'\\') == contrasts.count(r'\toprule') + planned
    assert tex('50 % & _x^2_ \\ {a}') == r'50 \% \& \_x\textasciicircum{}2\_ \textbackslash{} \{a\}'


def test_figures_are_vectors_in_the_light_theme_without_dates(page):
    shown = re.findall(r'<svg [^>]*class="plot wide"', page.read_text())
    files = sorted((page.parent / 'figures').glob('*.pdf'))
    assert len(files) == len(shown) > 5 and 'ced.pdf' in [path.name for path in files]
    for path in files:
        data = path.read_bytes()
        assert b'CreationDate' not in data and b'Type42' not in data and b'/TrueType' in data or b'/Type0' in data
        assert pypdf.PdfReader(io.BytesIO(data)).metadata.title
        content = b'\n'.join(inflated(data))
        # Place-holders are nearly black, one step of 255 apart: none may be left as a stroke or a fill.
        assert not re.search(rb'(?m)^0\.00(39|78)\d* 0 0 (rg|RG)', content), path.name
    text = pypdf.PdfReader(page.parent / 'figures/ced.pdf').pages[0].extract_text()
    assert 'CTD-ED' in text and 'image error' in text


def inflated(data):
    for found in re.finditer(rb'stream\r?\n(.*?)\r?\nendstream', data, re.DOTALL):
        try:
            yield zlib.decompress(found[1])
        except zlib.error:
            continue


def test_summary_has_question_verdicts_and_table_1(page, analysis, capsys):
    text = (page.parent / 'summary.md').read_text()
    assert text == summary(analysis) and analysis['question'] in text
    for one in analysis['contrasts']:
        if (one['family'], one['endpoint'], one['scope']) == ('planned', 'ME', 'procedure'):
            names = ' − '.join(analysis['methods'][one[key]]['label'] for key in 'ab')
            line = next(line for line in text.splitlines() if line.startswith(f'| {names} |'))
            assert written(one['estimate'], 3) in line and one['verdict'] in line
    for name, block in analysis['methods'].items():
        line = next(line for line in text.splitlines() if line.startswith(f'| {block["label"]} |'))
        assert f'| {block["endpoints"]["ME"]["mean"]:.3f} ' in line, name
    assert '1 failed' in text
    hostile = {**analysis, 'title': '# a | b\n<script>', 'notes': ['[x](http://e) *y* @team']}
    shown = summary(hostile)
    assert r'# \# a \| b \<script\>' in shown and r'- \[x\](http://e) \*y\* \@team' in shown


def test_files_of_an_earlier_report_go(small_analysis, tmp_path):
    content = json.loads(small_analysis.read_text())
    for name in ('tables/old.csv', 'figures/old.pdf', 'tables/kept.txt'):
        (tmp_path / 'report' / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / 'report' / name).write_text('x')
    (tmp_path / 'analysis.json').write_text(json.dumps({**content, 'report': {'sections': ['headline']}}))
    build_report(tmp_path / 'analysis.json', tmp_path)
    assert not (tmp_path / 'report/tables/old.csv').exists() and not (tmp_path / 'report/figures/old.pdf').exists()
    assert (tmp_path / 'report/tables/kept.txt').exists()


def test_daggers_stand_only_where_the_family_is_one_method_against_others():
    from reports.latex import _marks
    pairs = [('b', 'a'), ('d', 'c')]
    about = dict(family='planned', endpoint='ME', scope='procedure', verdict='superior')
    contrasts = [dict(about, a=a, b=b) for a, b in pairs]
    analysis = dict(proposed=None, reference=None, contrasts=contrasts, unit_of_analysis='image', alpha=0.05,
                    methods={name: dict(label=name.upper()) for name in 'abcd'})
    assert _marks(analysis) == ({}, '') == _marks(analysis | dict(proposed='b', reference='a'))
    marks, note = _marks(analysis | dict(proposed='b', contrasts=contrasts[:1]))
    assert [*marks] == [('a', 'ME')] and 'B is superior to this method' in note
    marks, note = _marks(analysis | dict(reference='a', contrasts=contrasts[:1]))
    assert [*marks] == [('b', 'ME')] and 'superior to A' in note
