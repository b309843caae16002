"""Looks in ``analysis.json``: of a ledger, of a column of the table, and without a plan."""

import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import SCHEMA, TableError, analyze, validate
from benchmark.statistics.sequential.block import error_rates
from benchmark.statistics.sequential.looks import Look, open_methods

PLAN = dict(max_seeds=10, spending='hsd:-1')
MEANS = {'a': 0.8, 'b': 0.9, 'c': 0.82}


def table(means, seed=3, images=40, most=10):
    """One row per method, seed and image; seed SD .02, images .4, method by image .1, residual .15."""
    rng = np.random.default_rng(seed)
    image = 0.4 * rng.normal(size=images)
    rows = []
    for method, mean in means.items():
        own = 0.1 * rng.normal(size=images)
        for number in range(most):
            errors = np.abs(mean + image + own + 0.02 * rng.normal() + 0.15 * rng.normal(size=images))
            rows += [(method, number, f'i{place:02d}', error) for place, error in enumerate(errors)]
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error'])


def at(frame, counts):
    """The rows of so many seeds of each method."""
    return frame[frame['seed'] < frame['method'].map(counts)]


def planned(content, b='b', endpoint='ME', scope='procedure'):
    return next(one for one in content['contrasts'] if one['family'] == 'planned' and one['scope'] == scope
                and (one['endpoint'], one['b']) == (endpoint, b))


def until_settled(frame, **choices):
    looks, counts = [], dict.fromkeys(frame['method'].unique(), 3)
    while not looks or not looks[-1].last:
        content = analyze(validate(at(frame, counts)), looks=looks, proposed='a', sequential=PLAN, draws=100, **choices)
        looks = [Look.from_json(one) for one in content['sequential']['looks']]
        for name in open_methods(looks[-1]):
            counts[name] += 1
    return content, looks


def check_schema(content):
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))


@pytest.fixture(scope='module')
def settled():
    return until_settled(table(MEANS, seed=10))


def test_verdict_interval_and_sentence_are_of_the_looks(settled):
    content, looks = settled
    check_schema(json.loads(json.dumps(content)))
    one, last = planned(content), looks[-1].of(('all', 'ME', 'a', 'b'))
    assert one['verdict'] == last.decision == 'superior' and last.settled_at < len(looks)
    assert (one['p'], one['p_adjusted'], one['ci_low'], one['ci_high']) == pytest.approx(
        (last.p, last.p_adjusted, last.low, last.high))
    assert one['n_seeds'] == [*last.n_seeds] and one['sequential']['look'] == last.settled_at
    text = next(s['text'] for s in content['statements'] if (s['endpoint'], s['b']) == ('ME', 'b'))
    assert f'at look {last.settled_at}, and' in text and 'and over all looks' in text and 'repeated 95 %' in text
    assert ('overstates it: the median-unbiased estimate is' in text) == (last.settled_at > 1)
    assert 'Optional stopping' not in json.dumps(content['statements'])


def test_a_settled_row_stays_as_the_look_left_it_that_settled_it(settled):
    """Later seeds of the other methods move no number of it, nor the percentage of its sentence."""
    content, looks = settled
    one = planned(content)
    at_look = one['sequential']['look']
    frame = at(table(MEANS, seed=10), looks[at_look - 1].seeds)
    then = analyze(validate(frame), looks=looks[:at_look - 1], proposed='a', sequential=PLAN, draws=100)
    once = planned(then)
    assert looks[at_look - 1].seeds != looks[-1].seeds and once['sequential']['percent'] is not None
    still = one.keys() - {'p_adjusted', 'sequential'}
    assert {key: one[key] for key in still} == pytest.approx({key: once[key] for key in still})
    first, last = (next(s['text'] for s in found['statements'] if (s['endpoint'], s['b']) == ('ME', 'b'))
                   for found in (then, content))
    assert first.split('%)')[0] == last.split('%)')[0] and '%)' in first


def test_trainings_are_counted_against_the_maximum(settled):
    content, looks = settled
    trainings = content['sequential']['trainings']
    assert trainings['done'] == sum(looks[-1].seeds.values()) and trainings['fixed'] == 30
    assert trainings['saved'] == pytest.approx(1 - trainings['done'] / 30) and trainings['saved'] > 0
    schedule = content['sequential']['schedule']
    assert [one['n_seeds'] for one in schedule] == [*range(3, 11)]
    assert schedule[-1]['spent'] == pytest.approx(0.05 / 2) and content['sequential']['primary'] == ['ME']


def test_a_look_crosses_where_its_difference_is_beyond_the_critical_one(settled):
    found = [one for look in settled[1] for one in look.contrasts if one.critical is not None]
    crossed = [one.p < one.boundary for one in found]
    assert [abs(one.estimate) > one.critical for one in found] == crossed and {*crossed} == {True, False}


def test_analysing_twice_is_no_look(settled):
    content, looks = settled
    frame = at(table(MEANS, seed=10), looks[-1].seeds)
    again = analyze(validate(frame), looks=looks, proposed='a', sequential=PLAN, draws=100)
    assert again['sequential'] == content['sequential'] and planned(again) == planned(content)


def test_a_futile_contrast_asks_for_images():
    content, looks = until_settled(table({'a': 0.8, 'b': 0.805}, seed=1), margin=dict(ME=0.04))
    one = planned(content)
    assert one['sequential']['decision'] == 'futile' and one['verdict'] in ('inconclusive', 'non-inferior')
    text = next(s['text'] for s in content['statements'] if s['endpoint'] == 'ME')
    images = one['sequential']['images_needed']
    assert 'overstates' not in text
    # With the three seeds that are there no number of images would do.
    assert one['n_seeds'] == [3, 3] and one['sequential']['images_seeds'] == 10 and images > 40
    assert f'It takes both: 10 seeds of each method and {images} test images in all.' in text


def test_a_column_of_looks_gives_the_same_as_a_ledger():
    frame = table({'a': 0.8, 'b': 0.82})
    counts = [3, 5, 8]
    looks = []
    for count in counts:
        content = analyze(validate(frame[frame['seed'] < count]), looks=looks, proposed='a', sequential=PLAN, draws=100)
        looks = [Look.from_json(one) for one in content['sequential']['looks']]
    marked = frame[frame['seed'] < 8].assign(look=lambda rows: np.searchsorted(counts, rows['seed'], 'right') + 1)
    assert sorted(set(marked['look'])) == [1, 2, 3]
    column = analyze(validate(marked), proposed='a', sequential=PLAN, draws=100)
    key = ('all', 'ME', 'a', 'b')
    found = [Look.from_json(one).of(key) for one in column['sequential']['looks']]
    assert [one.n_seeds for one in found] == [(3, 3), (5, 5), (8, 8)] and len(looks) == 3
    assert [one.p_sequential for one in found] == pytest.approx([look.of(key).p_sequential for look in looks], rel=1e-6)
    check_schema(json.loads(json.dumps(column)))


@pytest.mark.parametrize('marks, told', [
    (lambda rows: np.where(rows['seed'] < 3, 'first', '2'), "field look: 'first' is not a whole number"),
    (lambda rows: np.arange(len(rows)) % 2 + 1, 'were added at several looks; a run is added as a whole'),
])
def test_a_column_of_looks_that_can_not_be_meant_is_one_line(marks, told):
    frame = table({'a': 0.8, 'b': 0.9}, most=4)
    with pytest.raises(TableError, match=told):
        analyze(validate(frame.assign(look=marks(frame))), proposed='a', sequential=PLAN)


def test_looks_without_a_plan_are_told_with_their_error_rate():
    frame, looks = table({'a': 0.8, 'b': 0.9, 'c': 0.8}), []
    for count in (3, 5):
        content = analyze(validate(frame[frame['seed'] < count]), looks=looks, proposed='a', draws=100)
        looks = [Look.from_json(one) for one in content['sequential']['looks']]
        check_schema(json.loads(json.dumps(content)))
        told = [one['text'] for one in content['alerts'] if one['kind'] == 'looked at again']
        assert bool(told) == (count == 5)
    assert 'looked at 2 times, with 3 and 5 seeds' in told[0] and 'in about 8 % instead of 5 %' in told[0]
    assert content['sequential']['plan'] is None and 'sequential' not in planned(content)


def test_a_table_that_is_looked_at_once_has_no_looks():
    content = analyze(validate(table({'a': 0.8, 'b': 0.9}, most=3)), proposed='a', draws=100)
    assert content['sequential'] is None


def test_the_rate_of_looking_without_a_plan_is_that_of_simulated_scores():
    looks = [Look(number + 1, {'a': count, 'b': count}, (), '', False) for number, count in enumerate(range(3, 11))]
    found = error_rates(looks, 1, 0.05)
    paths = np.cumsum(np.random.default_rng(4).normal(size=(40_000, 10)), axis=1) / np.sqrt(np.arange(1, 11))
    assert found['one'] == pytest.approx((np.abs(paths[:, 2:]) > 1.959964).any(axis=1).mean(), abs=0.006)
    assert error_rates(looks, 6, 0.05)['family'] > found['one']


def test_a_plan_that_changed_after_a_look_is_refused(settled):
    frame = table(MEANS, seed=10)
    with pytest.raises(TableError, match='was taken under another plan'):
        analyze(validate(frame), looks=settled[1], proposed='a', sequential={**PLAN, 'max_seeds': 12})


def test_no_family_is_judged_by_the_test_of_one_look(settled):
    """All pairs at the level of their looks: wider intervals and larger p-values than at one look."""
    content, looks = settled
    frame = at(table(MEANS, seed=10), looks[-1].seeds)
    fixed = analyze(validate(frame), proposed='a', draws=100)
    compared = 0
    for now, once in zip(content['contrasts'], fixed['contrasts'], strict=True):
        assert now['family'] == once['family'] and now['b'] == once['b']
        if now['family'] == 'all pairs' and now['scope'] == 'procedure' and once['se'] is not None:
            assert now['ci_high'] - now['ci_low'] > once['ci_high'] - once['ci_low']
            assert now['p'] == once['p'] and now['p_adjusted'] >= once['p_adjusted']
            compared += 1
        if now['scope'] == 'networks':
            assert now == once
    assert compared


def test_a_method_that_was_asked_for_no_more_seeds_lacks_none():
    def notes(frame, plan=None, **choices):
        content = analyze(validate(frame), plan, design='paired', proposed='a', draws=100, **choices)
        return [text for text in content['notes'] if 'incomplete seeds' in text]
    frame = at(table(MEANS, images=12, most=5), dict(a=5, b=3, c=5))
    gap = frame[(frame['method'] != 'c') | (frame['seed'] != 1)]
    runs = [dict(method=name, seed=seed, condition='all', id=f'{name}{seed}', hash='x') for name, most in
            dict(a=5, b=4, c=5).items() for seed in range(most)]
    plan = dict(suite='s', methods=[dict(name=name) for name in 'abc'], conditions=[dict(name='all')], runs=runs)
    assert 'b lacks 3, 4' in notes(frame)[0], 'where no looks are declared'
    assert notes(frame, sequential=PLAN) == []
    assert '(c lacks 1)' in notes(gap, sequential=PLAN)[0]
    assert '(b lacks 3; c lacks 1)' in notes(gap, plan, sequential=PLAN)[0]
