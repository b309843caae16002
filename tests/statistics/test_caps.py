"""Caps of further scores: how much they may fill, and what is said where they are no bad value."""

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import TableError, analyze, validate
from benchmark.statistics.measures import Score

SCORES = [Score('dice', 'higher'), Score('hd95')]


def table(lost, gain=0.0, seeds=3, images=40):
    """Scores of ours and theirs; theirs lacks hd95 of its first ``lost`` images."""
    rng = np.random.default_rng(4)
    hard = rng.normal(0, 0.05, images)
    rows = [(m, s, f'i{i:02d}', 0.8 + hard[i] + rng.normal(0, 0.03) + gain * (m == 'ours'), 5 + rng.gamma(4))
            for m in ('ours', 'theirs') for s in range(seeds) for i in range(images)]
    frame = pd.DataFrame(rows, columns=['method', 'seed', 'image', 'dice', 'hd95'])
    gone = (frame['method'] == 'theirs') & (frame['image'] < f'i{lost:02d}')
    return frame.assign(hd95=frame['hd95'].where(~gone))


def analysed(frame, **choices):
    return analyze(validate(frame, scores=SCORES), draws=100, proposed='ours', **choices)


def below(content):
    return [one['text'] for one in content['alerts'] if one['kind'] == 'cap below errors']


def test_no_score_is_filled_beyond_a_tenth_of_a_methods_values():
    assert '12 of 240 values of hd95 are missing' in ' '.join(analysed(table(4), caps={'hd95': 99.0})['notes'])
    with pytest.raises(TableError, match=r'missing_cap: hd95: .* 15 of the 120 cells .* of theirs, 12 %'):
        analysed(table(5), caps={'hd95': 99.0})


def test_nothing_is_said_where_nothing_is_missing():
    content = analysed(table(0), caps={'hd95': 0.0})
    assert not below(content) and not any('missing' in note for note in content['notes'])


def test_a_cap_below_a_further_score_is_told_with_the_verdicts_at_the_worst():
    content, worst = analysed(table(4), caps={'hd95': 5.0}), table(4)['hd95'].max()
    told = below(content) + [note for note in content['notes'] if 'The cap of missing values of hd95, 5,' in note]
    assert len(told) == 1 and f'With the worst observed hd95, {worst:.4g}, in its place' in told[0]
    again = analysed(table(4), caps={'hd95': worst})
    assert not below(again) and not any('The cap of missing' in note for note in again['notes'])


@pytest.mark.parametrize('one_family', [False, True])
def test_verdicts_at_the_worst_are_of_the_same_family(one_family):
    frame = table(0, 0.007)  # at the worst superior by itself, p = 0.03, and not with hd95 beside it
    frame = frame[(frame['method'] != 'theirs') | (frame['image'] != 'i00')]
    first, second = (analysed(frame, missing_cap=cap, one_family=one_family) for cap in (0.85, frame['dice'].min()))
    verdicts = [{one['scope']: one['verdict'] for one in content['contrasts']
                 if (one['family'], one['endpoint']) == ('planned', 'dice')} for content in (first, second)]
    told = ' '.join(below(first) + first['notes'])
    assert 'The cap of missing predictions, 0.85, is above' in told
    for scope, words in (('procedure', 'as training procedures'), ('networks', 'for these trained models')):
        changed = f'is {verdicts[1][scope]} instead of {verdicts[0][scope]} by dice ({words})' in told
        assert changed == (verdicts[0][scope] != verdicts[1][scope])
