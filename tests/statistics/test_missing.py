"""Missing predictions: what is left out, what counts as a failure, and what is said of it."""

import json

import numpy as np
import pandas as pd
import pytest
from handmade import analyzed, frame, gamma, incomplete, numbers, numbers_of, planned, row, same

from benchmark.statistics import TableError, auc_scores, crossed_contrast, failures, read_suite, validate


def test_missing_predictions_leave_out_their_images_by_name():
    table, errors = incomplete()
    content = analyzed(table, missing_allowed=True, proposed='a', threshold=1.0)
    kept = [0, 2, 4, 5]
    same(numbers_of(planned(content)['a', 'b']), numbers(crossed_contrast(*(errors[m][:, kept] for m in 'ab'))))
    assert content['conditions']['all']['dropped_images'] == ['i001', 'i003']
    note, = (note for note in content['notes'] if 'left out' in note)
    assert '2 of 6 images left out (i001, i003)' in note and 'a seed 1, b seed 0' in note
    assert content['methods']['a']['complete_case_ME'] is None and content['methods']['a']['missing'] == 0


def test_missing_predictions_count_as_failures_with_the_cap():
    table, errors = incomplete()
    content = analyzed(table, missing_allowed=True, proposed='a', threshold=1.0, missing_cap=3.5)
    filled = {name: values.copy() for name, values in errors.items()}
    filled['a'][1, 3] = filled['b'][0, 1] = 3.5
    fr = {name: failures(values, 1.0) for name, values in filled.items()}
    auc = {name: auc_scores(values, 1.0) for name, values in filled.items()}
    for endpoint, scores in (('ME', filled), ('FR', fr), ('AUC', auc)):
        found, expected = planned(content, endpoint)['a', 'b'], crossed_contrast(scores['a'], scores['b'])
        same([found['estimate'], found['se']], [float(expected.estimate), float(expected.se)])
        same(content['methods']['b']['endpoints'][endpoint]['per_seed'], scores['b'].mean(axis=1))
    assert fr['a'][1, 3] == fr['b'][0, 1] == 1 and auc['a'][1, 3] == auc['b'][0, 1] == 0
    assert content['conditions']['all']['dropped_images'] == [] and content['missing_cap'] == 3.5
    for name in 'ab':
        assert content['methods'][name]['missing'] == 1
        same(content['methods'][name]['complete_case_ME'], errors[name][:, [0, 2, 4, 5]].mean())
    assert any('2 missing predictions count as failures with an error of 3.5 (a: 1, b: 1); 4 of 6 images' in note
               for note in content['notes'])


def test_a_missing_landmark_makes_its_image_a_failure(monkeypatch):
    monkeypatch.setattr('benchmark.statistics.scores.LOST_BY_CAP', 0.125)  # one cell of eight
    errors = {'a': gamma(1, 2, 4), 'b': gamma(2, 2, 4)}
    tables = [frame({name: values * factor for name, values in errors.items()}, normalizer=[10.0, 20.0, 40.0, 50.0])
              .assign(landmark=landmark) for landmark, factor in (('eye', 0.5), ('nose', 1.5))]
    whole = pd.concat(tables, ignore_index=True)
    keys = whole[['method', 'seed', 'image', 'landmark']].apply(tuple, axis=1)
    content = analyzed(whole[keys != ('a', 1, 'i002', 'nose')], proposed='a', threshold=1.0, missing_cap=8.0)
    filled = errors['a'].copy()
    filled[1, 2] = 8.0
    endpoints = content['methods']['a']['endpoints']
    same(endpoints['ME']['per_seed'], filled.mean(axis=1))
    same(endpoints['FR']['per_seed'], failures(filled, 1.0).mean(axis=1))
    same(endpoints['NME']['per_seed'], (filled / [10.0, 20.0, 40.0, 50.0]).mean(axis=1))
    # The landmark that is there keeps its error.
    means = content['landmarks']['methods']['a']
    nose = errors['a'] * 1.5
    nose[1, 2] = 8.0
    same([means['eye']['mean'], means['nose']['mean']], [errors['a'].mean() / 2, nose.mean()])
    assert content['landmarks']['n_images'] == {'eye': 4, 'nose': 4}


def test_the_complete_case_figure_is_averaged_as_the_mean_is():
    values = gamma(1, 2, 6)
    table = frame({'a': values, 'b': gamma(2, 2, 6)}, subject=[*'pppqrs']).drop(index=5)
    content = analyzed(table, missing_cap=2.0)
    same(content['methods']['a']['complete_case_ME'],
         np.mean([values[:, :3].mean(), values[:, 3].mean(), values[:, 4].mean()]))


def test_a_cap_below_the_threshold_is_refused():
    with pytest.raises(TableError, match='missing_cap: 1 is below the threshold 1.2'):
        analyzed({'a': gamma(1)}, missing_cap=1.0)


def test_missing_predictions_are_failures_at_every_threshold():
    table = frame({'a': gamma(1, 3, 6), 'b': gamma(2, 3, 6)}).drop(index=2)
    content = analyzed(table, proposed='a', threshold=1.0, missing_cap=1.0)
    same(row(content, 'FR at 1 t')['estimate'], planned(content, 'FR')['a', 'b']['estimate'])


def test_empty_errors_are_read_where_the_plan_has_a_cap_and_bad_ones_are_not(tmp_path):
    table, _ = incomplete()
    table.to_csv(tmp_path / 'results.csv', index=False)
    with pytest.raises(TableError, match='field error: NaN in data row 19; .*missing_cap in the plan'):
        read_suite(tmp_path)
    (tmp_path / 'plan.json').write_text(json.dumps({'analysis': {'missing_cap': 2.0}}))
    suite = read_suite(tmp_path)
    content = analyzed(suite.table, suite.plan, missing_allowed=True)
    assert content['missing_cap'] == 2.0 and content['methods']['b']['missing'] == 1
    for bad, word in (('-inf', 'infinite'), ('-1', 'negative'), ('wide', 'not a number')):
        text = table.astype({'error': object})
        text.iloc[2, 3] = bad
        with pytest.raises(TableError, match=f'field error: {word} in data row 3'):
            validate(text, missing_allowed=True)
