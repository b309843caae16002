"""The section on averaged networks: its numbers, its reasons, and that it is hidden without."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import analyze, validate, write_analysis
from reports import build_report
from reports.tables import tables

METHODS, IMAGES = ('ft', 'fe', 'hg'), [f'i{number}.png' for number in range(8)]


@pytest.fixture
def build(tmp_path):
    rng = np.random.default_rng(2)

    def rows(seeds):
        return [(m, 'all', s, i, k, rng.uniform(0.3, 1.5))
                for m in METHODS for s in seeds for i in IMAGES for k in 'ab']

    def page(said, seeds=3, sections=('averaging',)):
        names = ['method', 'condition', 'seed', 'image', 'landmark', 'error']
        runs = [{'id': f'{m}/{s}', 'method': m, 'condition': 'all', 'seed': s} for m in METHODS for s in range(seeds)]
        plan = {'runs': runs, 'methods': [{'name': m, 'label': m.upper()} for m in METHODS], 'seeds': [*range(seeds)],
                'analysis': {'proposed': 'ft', 'draws': 100}, 'report': {'sections': [*sections]}}
        records = [run | {'state': 'done', 'result_sha256': run['id']} for run in runs]
        groups = [{'method': m, 'condition': 'all', 'seeds': [*range(seeds)],
                   'predictions': [f'{m}/{s}' for s in range(seeds)]} for m in METHODS[:2]]
        table = pd.DataFrame(rows([-1, *range(seeds)]), columns=names).rename(columns={'seed': 'left_out'})
        found = {'ensembles': groups, 'table': table,
                 'left_out': [{'method': 'hg', 'condition': 'all', 'reason': 'it gives no <heatmaps>'}]}
        content = analyze(validate(pd.DataFrame(rows(range(seeds)), columns=names)), plan, records,
                          ensembles=found if said else None)
        path = write_analysis(tmp_path / 'analysis.json', content)
        return json.loads(path.read_text()), build_report(path, tmp_path).read_text()
    return page


def test_numbers_and_reasons(build):
    analysis, text = build(True)
    block = analysis['averaging']
    assert {*block['methods']} == {'ft', 'fe'} and len(block['contrasts']) == 1
    for path in ('methods/ft/ensemble', 'methods/fe/gain/procedure/low', 'contrasts/0/networks/high'):
        assert f'data-path="/averaging/{path}"' in text
    assert 'Not averaged: HG (it gives no &lt;heatmaps&gt;).' in text and 'would training 3 more' in text
    files = tables(analysis)
    header, *rows = files['averaging.csv'].splitlines()
    assert {'method', 'single', 'ensemble', 'gain_estimate', 'gain_procedure_high'} <= {*header.split(',')}
    assert len(rows) == 2
    assert len(files['averaging_contrasts.csv'].splitlines()) == 2


def test_two_seeds_have_no_interval_of_other_seeds(build):
    _, text = build(True, 2)
    assert 'That takes at least three seeds.' in text and '/procedure/low' not in text


def test_without_ensembles(build):
    analysis, text = build(False)
    assert analysis['averaging'] is None and 'No networks were averaged.' in text
    assert 'averaging.csv' not in tables(analysis)
    assert 'No networks were averaged.' not in build(False, sections=('table1',))[1]
