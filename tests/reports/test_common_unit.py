"""What compares conditions is in one unit where their inputs differ, on the page and in the tables."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import analyze, validate
from reports.build import build_report
from reports.latex import conditions as latex_conditions
from reports.sections.ablations import _rows
from reports.tables import learning_curve
from reports.units import across

PLAN = dict(methods=[dict(name='a'), dict(name='b')], analysis=dict(proposed='a', threshold=0.9, unit='heatmap px'),
            conditions=[dict(name='s', label='64 px', value=64), dict(name='l', label='128 px', value=128)])


def unlike(**more):
    """Two conditions of unlike inputs with equal errors in the photograph: (condition, method, seed, image)."""
    rng = np.random.default_rng(0)
    photo = rng.uniform(3, 9, (2, 2, 6))
    rows = [dict(condition=name, method='ab'[m], seed=s, image=f'i{i}', error=photo[m, s, i] * scale,
                 error_photo=photo[m, s, i], scale_x=scale, scale_y=scale,
                 **{key: value(photo[m, s, i], scale) for key, value in more.items()})
            for name, scale in (('s', 1 / 8), ('l', 1 / 4)) for m in range(2) for s in range(2) for i in range(6)]
    return analyze(validate(pd.DataFrame(rows)), PLAN, draws=100), photo


@pytest.fixture(scope='module')
def analysis():
    return unlike(error_mm=lambda error, scale: error / 2)


def test_tables_of_conditions_are_in_the_common_unit(analysis):
    content, photo = analysis
    axis = across(content)
    assert (axis.endpoint, axis.head, axis.unit, axis.own) == ('ME_mm', 'ME', 'mm', False)
    text = latex_conditions(content)
    assert 'ME in mm under each condition' in text and text.count(f'{photo[0].mean() / 2:.3f}') == 2
    head, rows = learning_curve(content)
    assert [row[head.index('endpoint')] for row in rows] == ['ME_mm'] * 4
    assert [row[head.index('mean')] for row in rows if row[2] == 'a'] == pytest.approx([photo[0].mean() / 2] * 2)


def test_contrasts_under_each_condition_are_in_the_common_unit(analysis):
    content, photo = analysis
    rows = _rows(content, ['s', 'l'])
    assert [row['condition'] for row in rows] == ['s', 'l']
    for row in rows:
        one = content['contrasts'][row['scopes']['networks']]
        assert one['family'] == 'one unit' and one['estimate'] == pytest.approx((photo[0] - photo[1]).mean() / 2)


def test_without_unlike_inputs_it_is_the_unit_of_the_errors(analysis):
    axis = across(analysis[0] | dict(common_unit=None))
    assert (axis.endpoint, axis.unit, axis.factor, axis.own) == ('ME', 'heatmap px', 1, True)


@pytest.mark.parametrize('wish', [dict(report=dict(sections=['conditions'])), pytest.param({}, marks=pytest.mark.slow)],
                         ids=['the section', 'whole'])
@pytest.mark.parametrize('more, unit', [
    (dict(error_mm=lambda error, scale: error / 2), 'mm'), (dict(normalizer=lambda error, scale: 50 * scale), '%'),
    ({}, 'photo px')])
def test_the_page_takes_each_unit(tmp_path, more, unit, wish):
    path = tmp_path / 'analysis.json'
    path.write_text(json.dumps(unlike(**more)[0] | wish))
    assert f'they are compared in {unit}' in build_report(path, tmp_path / 'report').read_text()
