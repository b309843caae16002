"""The annotators' own disagreement on measurements and their classes, by hand; on the page and in the figures."""

import json

import numpy as np
import pandas as pd
import pytest
from handmade import VALIDATOR, same
from scipy import stats

from benchmark.datasets.metainfo import DataError, LandmarkMeta
from benchmark.statistics import TableError, analyze, validate, write_analysis
from benchmark.statistics.agreement import icc_agreement
from benchmark.statistics.classes import kappas_of
from reports import build_report

TRUE = np.array([5.0, 8, 12, 15, 18, 20, 25, 30])
SECOND = TRUE + [1, -1, 2, 0, 1, 3, -4, 2]
THIRD = TRUE + [0, 1, 1, 1, -1, -1, 2, np.nan]
DECLARED = {'width': ['a', 'b', 'short < 10 px < mid <= 20 px < long']}


def frame(**annotators):
    """Two methods, two seeds; landmark a at (3, 4), b to its right; annotators: where b is by each."""
    rng, rows = np.random.default_rng(3), []
    for method in ('ours', 'theirs'):
        for seed in range(2):
            for i, true in enumerate(TRUE):
                given = true + rng.normal()
                for landmark, p, t in (('a', 0.0, 0.0), ('b', given, true)):
                    rows.append(dict(method=method, seed=seed, image=f'i{i}', landmark=landmark, error=abs(p - t),
                                     x=3 + p, y=4.0, x_true=3 + t, y_true=4.0) | {
                        key: value for name, values in annotators.items()
                        for key, value in ((f'x_by_{name}', 3 + values[i] * (landmark == 'b')), (f'y_by_{name}', 4.0),
                                           (f'between_reference-{name}', abs(values[i] - true) * (landmark == 'b')))})
    return pd.DataFrame(rows)


def analysed(table, measurements=None):
    content = analyze(validate(table), {'data': {'measurements': measurements or DECLARED}}, proposed='ours', draws=200)
    VALIDATOR.validate(json.loads(json.dumps(content)))
    return content


def test_one_annotator_is_set_against_the_reference():
    content = analysed(frame(b=SECOND))
    item, = content['agreement']['annotators']
    assert (item['measurement'], item['pair'], item['n_images']) == ('width', ['reference', 'b'], 8)
    d = SECOND - TRUE
    sd, t = d.std(ddof=1), stats.t.ppf(0.975, 7)
    same([item['bias'], item['sd'], item['bias_low'], item['bias_high']],
         [d.mean(), sd, *(d.mean() + np.array([-1, 1]) * t * sd / np.sqrt(8))])
    same([item['lower'], item['upper']], [*(d.mean() + np.array([-1, 1]) * stats.norm.ppf(0.975) * sd)])
    far = np.abs(d)
    same([item['off'], item['off_low'], item['off_high']],
         [far.mean(), *(far.mean() + np.array([-1, 1]) * t * far.std(ddof=1) / np.sqrt(8))])
    same(item['icc']['estimate'], icc_agreement(np.stack([SECOND, TRUE], axis=1)))
    # Annotated: s s m m m m l l; by b: s s m m m l l l.
    both, = content['classes']['items'][0]['annotators']
    assert both['pair'] == ['reference', 'b'] and both['same']['mean'] == 7 / 8
    same([both[key]['estimate'] for key in ('kappa', 'weighted_kappa')],
         kappas_of(np.ravel([[2, 0, 0], [0, 3, 1], [0, 0, 2]]) / 8))


def test_several_are_set_against_each_other_where_both_have_annotated():
    items = analysed(frame(b=SECOND, c=THIRD, d=THIRD + 1))['agreement']['annotators']
    assert [item['pair'] for item in items] == [['b', 'c'], ['b', 'd'], ['c', 'd']]
    assert [item['n_images'] for item in items] == [7, 7, 7]
    same([item['bias'] for item in items],
         [(THIRD - SECOND)[:7].mean(), (THIRD + 1 - SECOND)[:7].mean(), 1.0])
    assert items[2]['sd'] == pytest.approx(0, abs=1e-9)


def test_signed_angles_of_annotators_go_the_short_way():
    table = frame(b=SECOND)
    # b of the reference just above the line to the left of a, that of the annotator just below.
    table.loc[table.landmark == 'b', ['x_true', 'y_true', 'x_by_b', 'y_by_b']] = [-97.0, 3.0, -97.0, 5.0]
    table = pd.concat([table, table[table.landmark == 'a'].assign(landmark='c', x=9, x_true=9, x_by_b=9)])
    item, = analysed(table, {'turn': ['c', 'a', 'b', 'signed']})['agreement']['annotators']
    assert abs(item['bias']) == pytest.approx(2 * np.degrees(np.arctan2(1, 100)))


def test_a_position_that_is_not_the_same_in_all_runs_is_refused():
    table = frame(b=SECOND)
    table.loc[(table.seed == 1) & (table.image == 'i2') & (table.landmark == 'b'), 'x_by_b'] += 1
    with pytest.raises(TableError, match='fields x_by_b, y_by_b: image i2, landmark b: not the same in all runs'):
        analysed(table)
    table = frame(b=SECOND)
    table.loc[table.seed == 1, ['x_by_b', 'y_by_b']] = np.nan  # runs of an earlier program have no such columns
    assert analysed(table)['agreement']['annotators'] == analysed(frame(b=SECOND))['agreement']['annotators']


def test_the_name_of_the_reference_is_refused():
    with pytest.raises(TableError, match='field x_by_reference: reference is the name of .*; give the further') as one:
        analysed(frame(reference=SECOND))
    assert '\n' not in str(one.value)
    with pytest.raises(DataError, match="m/metainfo.json: annotators: 'reference' is the name of") as other:
        LandmarkMeta.from_dict(dict(landmarks=['a'], flip_indices=[0], annotators=['reference']), 'm/metainfo.json')
    assert '\n' not in str(other.value)


def test_the_page_explains_between_where_any_measurement_has_annotators(tmp_path):
    table = frame(b=SECOND)
    c = table[table.landmark == 'a'].assign(landmark='c', x_by_b=np.nan, y_by_b=np.nan, y=9.0, y_true=9.0)
    content = analysed(pd.concat([table, c]), {'height': ['a', 'c', 'low < 3 px < high'], **DECLARED})
    assert [bool(item['annotators']) for item in content['classes']['items']] == [False, True]
    text = build_report(write_analysis(tmp_path / 'analysis.json', content), tmp_path).read_text()
    assert '<b>Between</b> two annotators' in text[text.index('data-path="/classes/items/'):]


def test_without_positions_nothing_is_said():
    content = analysed(frame(b=SECOND).drop(columns=['x_by_b']))
    assert content['agreement']['annotators'] == [] and content['classes']['items'][0]['annotators'] == []
    assert content['annotators'] is not None


def test_landmarks_have_the_interval_of_the_distance_between_annotators():
    cell = analysed(frame(b=SECOND))['annotators']['landmarks']['b']
    far = np.abs(SECOND - TRUE)
    same([cell['mean'], cell['ci_low'], cell['ci_high']],
         [far.mean(), *(far.mean() + np.array([-1, 1]) * stats.t.ppf(0.975, 7) * far.std(ddof=1) / np.sqrt(8))])


def test_the_page_shows_the_annotators_beside_the_methods(tmp_path):
    path = write_analysis(tmp_path / 'analysis.json', analysed(frame(b=SECOND)))
    page = build_report(path, tmp_path)
    text = page.read_text()
    for part in ('between reference and b', 'Dotted lines: the limits', 'own disagreement, the mean distance',
                 'data-path="/agreement/annotators/0/off_high"', 'data-path="/annotators/landmarks/b/ci_low"',
                 'data-path="/classes/items/0/annotators/0/same/mean"', 'Dotted rings: the mean distance between',
                 'Dashed: the mean distance between annotators'):
        assert part in text, part
    files = page.parent / 'tables'
    assert 'reference;b' in (files / 'agreement_annotators.csv').read_text()
    assert 'reference;b' in (files / 'class_annotators.csv').read_text()
    without = write_analysis(tmp_path / 'w/analysis.json', analysed(frame()))
    text = build_report(without, tmp_path / 'w').read_text()
    for part in ('Dotted lines: the limits', 'own disagreement', 'between annotators', 'Dotted rings'):
        assert part not in text, part
