"""Which programs made a table: one is silence, two that compute alike a note, two that do not an alert."""

import pandas as pd
import pytest

from benchmark.program import program
from benchmark.statistics.programs import programs

LABELS = {'a': 'Method A', 'b': 'Method B'}
TABLE = pd.DataFrame([dict(condition='all', method=m, seed=s, image='i', error=1.0) for m in 'ab' for s in (0, 1)])


def code(commit='1' * 40, deciding='d' * 64, **more):
    return dict(version='0.2.0', numerics=1, commit=commit, changed=0, changed_files=[], deciding=deciding) | more


def records(**codes):
    """A record for each run of the table; ``a1=...`` gives the program of method a, seed 1."""
    return [dict(id=f'{m}{s}', condition='all', method=m, seed=s, hash=f'{m}{s}', state='done',
                 versions=dict(torch='2'), code=codes.get(f'{m}{s}', code())) for m in 'ab' for s in (0, 1)]


def test_one_program():
    found = programs(TABLE, {}, records(), LABELS)
    assert found.content == dict(analysis=program(), runs=[code() | dict(runs=4)])
    assert found.alerts == found.notes == []


@pytest.mark.parametrize(('other', 'words'), [
    (code('2' * 40, 'e' * 64), 'commit 2222222222, numerics 1'),
    (code(deciding='e' * 64, changed=1, changed_files=['benchmark/x.py']), '1 file changed (benchmark/x.py)'),
    (code(commit=None, changed=None, deciding='e' * 64), 'version 0.2.0, numerics 1'),
    (dict(version='0.1.0', commit='3' * 40, dirty=True), 'commit 3333333333, files changed, numerics 0'),
    (None, 'a program that left no name'),
])
def test_two_programs_that_may_compute_otherwise(other, words):
    found = programs(TABLE, {}, records(b1=other), LABELS)
    alert, = found.alerts
    assert alert['kind'] == 'mixed programs' and found.notes == []
    assert alert['text'].startswith('This table mixes 2 versions of the suite whose code that decides results differs: '
                                    '3 runs '
                                    '(Method A, Method B) by version 0.2.0, commit 1111111111, numerics 1; 1 run '
                                    '(Method B) by ')
    assert words in alert['text']
    assert [one['runs'] for one in found.content['runs']] == [3, 1]


def test_two_commits_that_compute_alike_are_a_note():
    found = programs(TABLE, {}, records(b0=code('2' * 40)), LABELS)
    assert found.alerts == [] and found.notes == [
        'The runs were made at 2 commits of the suite (1111111111, 2222222222); the code that decides results is the '
        'same in all of them.']


def test_old_records_of_two_commits_cannot_be_told_to_compute_alike():
    old = dict(version='0.1.0', commit='3' * 40, dirty=False)
    found = programs(TABLE, {}, records(a0=old, a1=old, b0=old, b1=dict(old, commit='4' * 40)), LABELS)
    assert [one['kind'] for one in found.alerts] == ['mixed programs']


def test_runs_that_are_not_in_the_table_do_not_count():
    other = code('2' * 40, 'e' * 64)
    failed = [dict(one, state='failed') if one['id'] == 'b1' else one for one in records(b1=other)]
    assert programs(TABLE, {}, failed, LABELS).alerts == []
    left = [*records(), dict(records()[0], id='of an old plan', hash='x', code=other)]
    plan = dict(runs=[dict(id=one['id']) for one in records()])
    assert programs(TABLE, plan, left, LABELS).alerts == []
    rows = TABLE[TABLE.method == 'a']
    assert programs(rows, {}, records(b0=other, b1=other), LABELS).content['runs'] == [code() | dict(runs=2)]


def test_a_training_under_two_conditions_counts_once():
    rows = pd.concat([TABLE, TABLE.assign(condition='more')])
    made = [*records(), *(dict(one, id=f'{one["id"]}-more', condition='more', shared=True) for one in records())]
    assert programs(rows, {}, made, LABELS).content['runs'] == [code() | dict(runs=4)]


def test_packages_that_differ_are_a_note():
    made = [dict(one, versions=dict(torch='2.1' if one['id'] == 'a0' else '2.2', python=one['id'], numpy='2'))
            for one in records()]
    assert programs(TABLE, {}, made, LABELS).notes == [
        'The runs were made with different versions of torch (2.1, 2.2).']


def test_a_part_of_a_suite_is_told():
    found = programs(TABLE, dict(part=dict(only='a/*', runs=2, of_runs=63)), records(), LABELS)
    alert, = found.alerts
    assert alert['kind'] == 'part of a suite' and alert['text'].startswith(
        "2 of the suite's 63 trainings were asked for (--only a/*), and this table holds no others")
    assert 'without --only brings the others up to date' in alert['text']
    found = programs(TABLE, dict(part=dict(methods=['a'], of_methods=7)), records(), LABELS)
    assert found.alerts == [] and found.notes == ["1 of the suite's 7 methods was asked for (--methods)."]


def test_a_bare_table_says_nothing_of_programs():
    assert programs(TABLE, {}, (), LABELS).content == dict(analysis=program(), runs=[])
