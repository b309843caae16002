"""Tie groups on the page, in the summary, as LaTeX and CSV."""

import csv
import io

import pytest
from handmade import analyzed, gamma

from reports import build_report
from reports.latex import table1 as as_latex
from reports.summary_text import summary
from reports.tables import tables
from reports.ties import rests_on, said


@pytest.fixture(scope='module')
def content():
    return analyzed({'best': gamma(1, 5, 30), 'near': gamma(2, 5, 30, 0.05), 'far': gamma(3, 5, 30, 1.0)},
                    proposed='near')


def told(groups, without=(), **other):
    names = sorted({name for group in groups for name in group} | {*without})
    letters = {name: ''.join(letter for letter, group in zip('abcdefg', groups, strict=False) if name in group)
               for name in names if name not in without}
    block = dict(endpoint='ME', letters=letters, groups=groups, planned=0, other=3, without=[*without], reason=None)
    return {'tie_groups': {**block, **other}, 'methods': {name: {'label': name.upper()} for name in names},
            'order': {'methods': names}, 'alpha': 0.05,
            'endpoints': {'ME': dict(decimals=3, factor=1, shown_unit='px', difference_unit=None, better='lower')}}


EQUAL = ', which is not a finding that they are equal'


@pytest.mark.parametrize(('groups', 'sentence'), [
    (['ab', 'bc', 'd'], f"A and B can't be told apart{EQUAL}; nor can B and C."),
    (['ab', 'bc', 'cd', 'de', 'ef'], f"A and B can't be told apart{EQUAL}; nor can B and C; nor can C and D; Table "
                                     '1 has 2 more such groups.'),
    (['abc'], f'no two of 3 methods can be told apart{EQUAL}.'), (['a', 'b', 'c'], 'every two of 3 methods differ.')])
def test_the_sentence_says_who_is_tied(groups, sentence):
    assert said(told([[*group] for group in groups])) == f'By ME, as training procedures, {sentence}'


def test_what_was_not_compared_is_said_and_two_methods_need_no_letters():
    one = told([['a', 'b'], ['c']], ['d'], reason='one seed only: no')
    assert said(one).endswith('D could not be compared with all others.')
    assert rests_on(one).endswith('Without a letter: D, not compared with all others (one seed only: no).')
    assert said(told([['a'], ['b']])) is None and rests_on(told([['a'], ['b']])) is None
    none = told([], 'abc', reason='one seed only')
    assert said(none) is None and rests_on(none) == 'There are no tie groups: one seed only.'
    # Of an analysis made before there were any.
    assert said({**one, 'tie_groups': None}) is None and rests_on({**one, 'tie_groups': None}) is None


def test_all_forms_of_table_1_have_the_letters_and_what_they_rest_on(content, tmp_path):
    from benchmark.statistics import write_analysis
    write_analysis(tmp_path / 'analysis.json', content)
    page = build_report(tmp_path / 'analysis.json', tmp_path / 'report').read_text(encoding='utf-8')
    for method, letter in (('best', 'a'), ('near', 'a'), ('far', 'b')):
        assert f'data-path="/tie_groups/letters/{method}" data-value="&#34;{letter}&#34;">{letter}<' in page
    sentence = f"best and near can't be told apart{EQUAL}."
    rests = 'Letters rest on 2 planned pairs (p adjusted over the planned family) and 1 other pair, exploratory'
    short = "More under <a href=\"#contrasts\">Contrasts</a>. Can't be told apart: best and near."
    flat = ' '.join(page.replace('&#39;', "'").split())
    assert short in flat and rests in flat
    text = summary(content)
    assert sentence in text and rests in text and '| near | 1' in text
    rows = text[text.index('| method |'):].splitlines()[2:5]
    assert [row.strip('| ').split(' | ')[0::2][:2] for row in rows] == [['best', 'a'], ['far', 'b'], ['near', 'a']]
    latex = as_latex(content)
    assert rests in latex and '& tie group &' in latex
    assert [line.split(' & ')[::2][:2] for line in latex.splitlines() if line.startswith(('best', 'near', 'far'))] == [
        ['best', 'a'], ['far', 'b'], ['near', 'a']]
    rows = csv.DictReader(io.StringIO(tables(content)['table1.csv']))
    assert {row['method']: row['tie_group'] for row in rows} == content['tie_groups']['letters']
