"""The LaTeX tables are compiled: whatever methods and data sets are called, and no wider than the line."""

import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

from benchmark.commands.analyze import main as analyze
from benchmark.statistics.across import FILE
from reports.across.tables import tables
from reports.latex import LINES, latex_tables, table

pytestmark = pytest.mark.skipif(shutil.which('pdflatex') is None, reason='pdflatex is not installed')
METHODS = ['ours_v2 50% & #1', 'ft^{2}~\\n $x$', 'HG <b> "q" | {z}', '[braced]', '*star, with a long name', 'größe é']
DOCUMENT = r'\documentclass{article}\usepackage{booktabs%s}\begin{document}\input{table.tex}\end{document}'


@pytest.fixture(scope='module')
def folder(tmp_path_factory):
    """Three data sets with names that TeX reads as its own, analysed: several together, and each."""
    path, rng = tmp_path_factory.mktemp('tex'), np.random.default_rng(0)
    rows = [(data_set, method, seed, f'i{image}', landmark, round(float(rng.gamma(4) + 0.4 * place), 4))
            for data_set in ('set_1 & 50%', '#2 {x}', '[three]') for place, method in enumerate(METHODS)
            for seed in range(2) for image in range(6) for landmark in ('a_b', '#c')]
    table = pd.DataFrame(rows, columns=['dataset', 'method', 'seed', 'image', 'landmark', 'error'])
    table.to_csv(path / 'table.csv', index=False)
    assert analyze([str(path / 'table.csv'), '--proposed', METHODS[0], '--margin', 'ME=0.5', '--unit', 'mm',
                    '--threshold', '4', '--draws', '100']) == 0
    return path


def compiled(text, path, packages=',graphicx'):
    """pdflatex's log of a table in an article, whose line is narrower than most; a mistake ends it."""
    (path / 'table.tex').write_text(text)
    (path / 'document.tex').write_text(DOCUMENT % packages)
    done = subprocess.run(['pdflatex', '-interaction=nonstopmode', '-halt-on-error', 'document.tex'], cwd=path,
                          capture_output=True, text=True, errors='replace', check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (path / 'document.pdf').stat().st_size > 1000
    return (path / 'document.log').read_text(errors='replace')


def test_every_table_compiles_and_fits_the_line(folder, tmp_path):
    content = json.loads((folder / FILE).read_text())
    found = tables(content) | {f'one {name}': text for name, text in latex_tables(json.loads(
        next(folder.glob('*/analysis.json')).read_text())).items()}
    made = {name: text for name, text in found.items() if name.endswith('.tex')}
    assert {*made} == {'ranking.tex', 'contrasts.tex', 'contrasts_data_sets.tex', 'one table1.tex', 'one contrasts.tex',
                       'one landmarks.tex', 'one success.tex'}
    for name, text in made.items():
        log = compiled(text, tmp_path)
        assert not re.search(r'Overfull|Float too large|Missing character', log), (name, log)
    assert 'Overfull' in compiled(made['one contrasts.tex'], tmp_path, '')  # it is wider, and needs graphicx to fit


def test_a_table_that_is_longer_than_a_page_goes_on_in_another(tmp_path):
    rows = [[f'l{place}', '1.0'] for place in range(2 * LINES + 1)]
    text = table('Mean error per landmark. ' * 12, 'landmarks', ['Landmark', 'error'], rows)
    log = compiled(text, tmp_path)
    assert 'Float too large' not in log and text.count(r'\begin{table}') == 3
    assert text.count(r'\ref{tab:landmarks}') == 2 and r'\label{tab:landmarks-3}' in text
    double = [[f'l{place}', r'\below{1.0}{\scriptsize [0.9, 1.1]}'] for place in range(LINES)]
    text = table('Mean error per landmark. ' * 12, 'landmarks', ['Landmark', 'error'], double)
    assert 'Float too large' not in compiled(text, tmp_path) and text.count(r'\begin{table}') == 2
