"""The page of several data sets: its numbers are those of datasets.json, and it leads to the page of each."""

import json
import re

import numpy as np
import pandas as pd
import pytest

from benchmark.commands.analyze import main as analyze
from benchmark.commands.report import main as report
from benchmark.statistics.across import FILE
from reports.numbers import probability, written

HOSTILE = '<b>x</b>/y & "z"'


def folder(path, data_sets=5, seeds=2, *options):
    """A folder with datasets.json and the pages of all."""
    rng, rows = np.random.default_rng(1), []
    for number in range(data_sets):
        image = rng.normal(1, 0.1, 13)
        for place, method in enumerate(('ours', 'ft', 'hg')):
            for seed in range(seeds):
                errors = image + 0.05 * place + rng.normal(0, 0.03, 13) + rng.normal(0, 0.01)
                name = HOSTILE if number == 1 else f'set {number}'
                rows += [(name, method, seed, f'i{i}', e) for i, e in enumerate(errors)]
    path.mkdir(exist_ok=True)
    pd.DataFrame(rows, columns=['dataset', 'method', 'seed', 'image', 'error']).to_csv(path / 'table.csv', index=False)
    assert analyze([str(path / 'table.csv'), '--out', str(path), '--proposed', 'ours', '--draws', '100', *options]) == 0
    assert report([str(path)]) == 0
    return path


@pytest.fixture(scope='module')
def several(tmp_path_factory):
    return folder(tmp_path_factory.mktemp('several'), 5, 2, '--margin', 'ME=0.03')


@pytest.mark.parametrize('ratio', [False, True])
def test_every_number_is_that_of_datasets_json(several, suites, tmp_path, ratio):
    path = folder(tmp_path / 'three', 3, 1, '--combine', 'ratio') if ratio else several
    content = json.loads((path / FILE).read_text())
    reader = suites.Reader((path / 'report/index.html').read_text())
    assert len(reader.numbers) > 60
    for where, value, scale, text in reader.numbers:
        stored = suites.resolve(content, where)
        assert json.loads(value) == stored, where
        if isinstance(stored, float):
            shown = text.replace('\u2212', '-').rstrip(' %')
            options = {written(stored, len(shown.partition('.')[2]), scale).replace('\u2212', '-'),
                       f'{stored * scale:.4g}', probability(stored)}
            assert shown in options, (where, text)
    for _, attributes, text, nested in reader.cells:
        number = re.fullmatch(r'\s*[\u2212-]?\d+(\.\d+)?( %)?\s*', text)
        assert not number or 'data-path' in attributes or nested, text


def test_the_page_leads_to_that_of_each_data_set(several, suites):
    page = several / 'report/index.html'
    text = page.read_text()
    links = re.findall(r'<a href="(\.\./[^"]+)"', text)
    assert len(links) == 5 and all((page.parent / link).is_file() for link in links)
    reader = suites.Reader(text)
    assert len(reader.ids) == len(set(reader.ids)) and '<b>x</b>' not in text and str(several) not in text
    assert sorted(one.name for one in (several / 'report/figures').iterdir()) == [
        'data-sets-1.pdf', 'data-sets-2.pdf']
    assert text.count('class="plot wide"') == text.count('class="plot narrow"') == 2
    for label in re.findall(r'aria-label="(Forest[^"]*)"', text):
        assert 'in 5 data sets' in label
    again = page.read_bytes()
    assert report([str(several / FILE)]) == 0 and page.read_bytes() == again


def test_the_page_says_what_the_data_sets_are_taken_for(several, tmp_path):
    text = (several / 'report/index.html').read_text()
    assert 'On data sets like these 5' in text and 'prediction interval' in text and 'Hartung and Knapp' in text
    few = (folder(tmp_path / 'two', 2) / 'report/index.html').read_text()
    assert 'On these 2 data sets' in few and 'prediction interval' not in few and 'unweighted mean' in few


def test_without_a_planned_contrast_there_is_the_ranking(several, tmp_path):
    assert analyze([str(several / 'table.csv'), '--out', str(tmp_path), '--draws', '100']) == 0
    assert report([str(tmp_path)]) == 0
    text = (tmp_path / 'report/index.html').read_text()
    assert 'No contrast was planned' in text and 'id="ranking"' in text and 'id="forest"' not in text


@pytest.mark.parametrize(('change', 'said'), [
    (lambda one: one | {'schema_version': 9}, 'field schema_version: 9 instead of 1'),
    (lambda one: one | {'kind': 'x'}, 'field kind'), (lambda one: [], 'schema_version'),
    (lambda one: one | {'data_sets': [{**one['data_sets'][0], 'folder': 'away'}, *one['data_sets'][1:]]},
     "away/analysis.json: can't be read")])
def test_a_file_that_can_not_be_shown_is_one_line(several, tmp_path, capsys, change, said):
    (tmp_path / FILE).write_text(json.dumps(change(json.loads((several / FILE).read_text()))))
    assert report([str(tmp_path)]) == 2
    line, = capsys.readouterr().err.splitlines()
    assert said in line
