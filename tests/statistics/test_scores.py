"""Tables of scores: a column of the user's in the place of errors, with its own direction."""

import json
import math
import re

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.commands.analyze import main
from benchmark.statistics import SCHEMA, TableError, analyze, read_table, validate
from benchmark.statistics.measures import HIGHER, LOWER, Score, declared_scores, of_scores
from reports import build_report

MEANS = {'unet': 0.80, 'swin': 0.83, 'ours': 0.835}
#: Numbers that change their sign with the scores, ends of intervals that change places too.
SIGNED = {'estimate', 't', 'difference', 'd_z', 'pseudomedian', 'rank_biserial', 'mean', 'means', 'per_seed',
          'complete_case_ME'}
ENDS = {'ci_low': 'ci_high', 'ci_low_simultaneous': 'ci_high_simultaneous',
        'ci_low_equivalence': 'ci_high_equivalence', 'median_low': 'median_high'}
ENDS |= {high: low for low, high in ENDS.items()}
#: Of probabilities and ranks, not of scores, although keys are called alike.
UNSIGNED = ('p_better', 'kendall_tau', 'mean_ranks', 'nemenyi', 'FR')


def scores(seed=0, seeds=3, images=16, ours=0.835):
    """A Dice per method, seed and image, and a distance that goes the other way."""
    rng = np.random.default_rng(seed)
    image = rng.normal(0, 0.03, images)
    rows = []
    for method, mean in {**MEANS, 'ours': ours}.items():
        for s in range(seeds):
            shift = rng.normal(0, 0.004)
            rows += [(method, s, f'case{i:02d}', mean + shift + image[i] + rng.normal(0, 0.02), 'ab'[i % 2])
                     for i in range(images)]
    frame = pd.DataFrame(rows, columns=['method', 'seed', 'image', 'dice', 'group_site'])
    return frame.assign(hd95=10 * (1 - frame['dice']))


def analysed(frame, *columns, **choices):
    return analyze(validate(frame, scores=columns), **{'draws': 100, 'proposed': 'ours', **choices})


def mirrored(value, key='', path=()):
    """What an analysis of the negated table must say where this one says ``value``."""
    unsigned = set(UNSIGNED) & {*path, key}
    if isinstance(value, dict):
        path = (*path, key, 'FR') if value.get('endpoint') == 'FR' else (*path, key)
        unsigned = unsigned or 'FR' in path
        return {name: mirrored(value[ENDS[name] if name in ENDS and ENDS[name] in value and not unsigned else name],
                               name, path) for name in value}
    if isinstance(value, list):
        return [mirrored(item, key, path) for item in value]
    if isinstance(value, float) and not unsigned:
        return -value if {key, *path[-1:]} & SIGNED or key in ENDS else value
    if key == 'better' and not unsigned:
        return {LOWER: HIGHER, HIGHER: LOWER}[value]
    return value


@pytest.mark.parametrize(('seeds', 'choices'), [
    (1, {'margin': {'dice': 0.01}}), (3, {'groups': ['site'], 'threshold': -0.8}),
    (3, {'design': 'paired', 'reference': 'unet', 'proposed': None}), (3, {'missing_cap': -0.1}),
    (2, {'folded': True})])
def test_a_negated_table_with_the_direction_turned_says_the_same(seeds, choices):
    choices = {**choices}
    frame = scores(seeds=seeds)
    if choices.pop('folded', False):
        frame = frame.assign(fold=frame['image'].str[-1].astype(int) % 3)
    turned = {**choices, **{name: -choices[name] for name in ('threshold', 'missing_cap') if name in choices}}
    if 'missing_cap' in choices:
        frame = frame.drop(index=[0, 20])
    lower = analysed(frame.assign(dice=-frame['dice']), Score('dice', LOWER), **choices)
    higher = analysed(frame, Score('dice', HIGHER), **turned)
    whole = ('contrasts', 'effects', 'ranking', 'methods', 'subgroups', 'variance_components', 'planning', 'tests',
             'tested', 'scores', 'folds', 'counts', 'endpoints')
    for field in whole:
        same(higher[field], mirrored(lower[field]))
    for one, other in zip(lower['sensitivity'], higher['sensitivity'], strict=True):
        same(other['headlines'], mirrored(one['headlines']))
        for row, turned_row in zip(one['rows'], other['rows'], strict=True):
            kept = ('reading', 'flip', 'p') if row['analysis'].startswith('Nemenyi') else None
            names = kept or tuple(name for name in row if name != 'note')  # notes name sides of P
            for name in names:
                same(turned_row[name], mirrored(row)[name])
    assert [one['headline'] for one in lower['statements']] == [one['headline'] for one in higher['statements']]


def same(found, expected):
    """Equal to rounding, NaN included."""
    if isinstance(expected, dict):
        assert found.keys() == expected.keys()
        for name in expected:
            same(found[name], expected[name])
    elif isinstance(expected, list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            same(one, other)
    elif isinstance(expected, float) and isinstance(found, (int, float)):
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12) or math.isnan(found) and math.isnan(expected)
    else:
        assert found == expected or isinstance(found, str) and ' the threshold' in found


def test_more_of_a_score_wins_where_more_is_better():
    found = analysed(scores(ours=0.95), Score('dice', HIGHER))
    assert found['ranking']['order'][0] == 'ours' and found['scores'] == [
        {'name': 'dice', 'better': 'higher', 'unit': ''}]
    planned = [one for one in found['contrasts'] if one['family'] == 'planned']
    assert {one['verdict'] for one in planned} == {'superior'} and all(one['estimate'] > 0.1 for one in planned)
    assert all(one['p_better']['estimate'] == 1 for one in found['effects'])
    wrong = analysed(scores(ours=0.95), Score('dice', LOWER))
    assert wrong['ranking']['order'][-1] == 'ours'
    assert {one['verdict'] for one in wrong['contrasts'] if one['family'] == 'planned'} == {'inferior'}


def test_what_belongs_to_errors_alone_is_absent_and_said():
    found = analysed(scores(), Score('dice', HIGHER))
    assert found['tested'] == ['dice'] == [*found['endpoints']] and found['threshold'] is None
    assert all(one['ced'] == {} for one in found['conditions'].values())
    assert any('no failure rate' in note for note in found['notes']) and found['unit'] == ''
    limited = analysed(scores(), Score('dice', HIGHER), threshold=0.8)
    rate = limited['methods']['unet']['endpoints']['FR']['mean']
    frame = scores()
    assert rate == pytest.approx((frame['dice'][frame['method'] == 'unet'] < 0.8).mean())
    assert limited['tested'] == ['dice', 'FR'] and limited['endpoints']['FR']['better'] == 'lower'


def test_several_scores_have_a_family_each_and_their_own_direction():
    found = analysed(scores(ours=0.9), Score('dice', HIGHER), Score('hd95', LOWER), margin={'hd95': 0.1})
    assert found['tested'] == ['dice', 'hd95']
    planned = {(one['endpoint'], one['b'], one['scope']): one for one in found['contrasts']
               if one['family'] == 'planned'}
    for (endpoint, b, scope), one in planned.items():
        other = planned['hd95' if endpoint == 'dice' else 'dice', b, scope]
        assert one['verdict'].startswith('superior') and one['p'] == pytest.approx(other['p'])
        assert one['p_adjusted'] == pytest.approx(other['p_adjusted'])
        assert (one['estimate'] > 0) == (endpoint == 'dice')
    assert found['endpoints']['hd95']['better'] == 'lower'


def test_negative_scores_are_scores_and_errors_of_the_same_table_are_left_out():
    frame = scores().assign(error=-1.0, x=1.0)
    table = validate(frame.assign(dice=frame['dice'] - 5), scores=[Score('dice', HIGHER)])
    assert (table['error'] < 0).all() and 'x' not in table.columns
    assert any('error, x: not read, as dice' in note for note in table.attrs['notes'])


@pytest.mark.parametrize(('size', 'decimals'), [
    (0.85, 3), (1.0, 3), (9.0, 3), (0.1, 3), (0.05, 4), (0.002, 5), (85.0, 2), (850.0, 1), (85e5, 0), (0.0, 3),
    (1e-30, 8), (math.nan, 3)])
def test_decimals_follow_the_size_of_a_score(size, decimals):
    assert of_scores([Score('a')], {'a': size}, None)['a'].decimals == decimals


@pytest.mark.parametrize(('change', 'parts'), [
    (lambda frame: frame.rename(columns={'dice': 'Dice'}), ('no column dice', 'did you mean Dice?')),
    (lambda frame: frame.rename(columns={'dice': 'dise_score'}), ('no column dice', 'there are dise_score')),
    (lambda frame: frame.assign(dice='good'), ('field dice', 'not a number', 'data rows 1, 2', "'good'")),
    (lambda frame: frame.assign(dice=frame['dice'].where(frame.index != 4)), ('field dice', 'NaN in data row 5')),
    (lambda frame: frame.assign(dice=frame['dice'].where(frame.index != 4, np.inf)), ('field dice', 'infinite')),
    (lambda frame: frame.assign(dice=pd.Timestamp('2020-01-01')), ('field dice', 'of type datetime64')),
    (lambda frame: pd.concat([frame, frame[['dice']]], axis=1), ('column dice occurs more than once',)),
])
def test_a_column_that_can_be_no_score_is_named_with_the_remedy(change, parts):
    with pytest.raises(TableError) as caught:
        validate(change(scores()), 'table.csv', scores=[Score('dice', HIGHER)])
    assert all(part in str(caught.value) for part in ('table.csv', *parts)), caught.value
    assert 'landmark' not in str(caught.value)


def test_a_column_of_names_is_no_score():
    with pytest.raises(TableError, match='column image: holds names, not scores'):
        validate(scores(), scores=[Score('image')])


@pytest.mark.parametrize(('arguments', 'parts'), [
    ((['dice'],), ('--score: dice', 'no direction', '--higher-is-better dice', '--lower-is-better dice')),
    ((['hd', 'hd'],), ('--score: hd', 'given twice')),
    (([], ['dice', 'dice']), ('--higher-is-better: dice', 'given twice')),
    (([], ['dice'], ['dice']), ('dice', '--lower-is-better too', 'one direction')),
])
def test_directions_that_do_not_go_together_are_refused(arguments, parts):
    with pytest.raises(TableError) as caught:
        declared_scores(*arguments)
    assert all(part in str(caught.value) for part in parts), caught.value


def test_scores_come_in_the_order_of_the_command():
    assert declared_scores(['dice', 'hd95'], ['dice']) == (Score('dice', HIGHER), Score('hd95', LOWER))
    assert declared_scores(['hd95'], ['dice']) == (Score('hd95', LOWER), Score('dice', HIGHER))
    assert declared_scores(['accuracy'], [], ['accuracy']) == (Score('accuracy', LOWER),)


@pytest.mark.parametrize(('choices', 'parts'), [
    ({'margin': {'ME': 0.1}}, ('unknown endpoint', 'ME', 'given for dice')),
    ({'success': (2.0,)}, ('success', 'scores', 'leave it out')),
    ({'threshold': 0.8, 'missing_cap': 0.9}, ('missing_cap: 0.9 is above the threshold 0.8', 'at most')),
    ({'threshold': math.nan}, ('threshold', 'not a number')),
])
def test_choices_that_a_score_does_not_allow_are_refused(choices, parts):
    with pytest.raises(TableError) as caught:
        analysed(scores(), Score('dice', HIGHER), **choices)
    assert all(part in str(caught.value) for part in parts), caught.value


@pytest.mark.parametrize('threshold', [None, 0.8])
def test_a_score_is_not_named_as_the_failure_rate(threshold):
    with pytest.raises(TableError, match='FR is the name of the failure rate; rename the column'):
        analysed(scores().rename(columns={'dice': 'FR'}), Score('FR', LOWER), threshold=threshold)


@pytest.mark.parametrize('name', ['dice', 'Dice (%)', 'mean_dice', 'balanced-accuracy', 'f1_macro'])
def test_a_name_of_which_more_is_better_as_a_rule_needs_a_direction(name):
    with pytest.raises(TableError, match='more of it is better as a rule'):
        declared_scores([name])
    assert declared_scores([name], higher=[name])[0].better == HIGHER
    assert declared_scores(['indices'])[0].better == LOWER


def test_a_plan_s_threshold_makes_a_failure_rate_of_scores():
    plan = {'analysis': {'threshold': 0.8}, 'suite': 'own'}
    frame = validate(scores(), scores=(Score('dice', HIGHER),))
    assert 'FR' in analyze(frame, plan, draws=100, threshold=None)['endpoints']


def test_names_of_endpoints_of_errors_are_names_like_any_other():
    frame = scores().rename(columns={'dice': 'SDR_2', 'hd95': 'AUC'})
    found = analysed(frame, Score('SDR_2', HIGHER), Score('AUC', LOWER))
    assert found['tested'] == ['SDR_2', 'AUC'] and found['endpoints']['AUC']['better'] == 'lower'
    assert found['endpoints']['SDR_2']['head'] == 'SDR_2' and found['endpoints']['SDR_2']['factor'] == 1


def test_the_command_writes_a_page_without_a_word_of_landmarks(tmp_path, capsys):
    path = tmp_path / 'dice.csv'
    scores().to_csv(path, index=False, sep=';', decimal=',')
    arguments = [str(path), '--score', 'dice', '--score', 'hd95', '--higher-is-better', 'dice', '--proposed', 'ours',
                 '--margin', 'dice=0.01', '--threshold', '0.8', '--draws', '200']
    assert main(arguments) == 0, capsys.readouterr().err
    content = json.loads((tmp_path / 'analysis.json').read_text())
    jsonschema.validate(content, SCHEMA if isinstance(SCHEMA, dict) else json.loads(SCHEMA.read_text()))
    page = build_report(tmp_path / 'analysis.json', tmp_path / 'out')
    text = visible(page.read_text())
    folder = page.parent
    text += ''.join(file.read_text() for file in folder.rglob('*') if file.suffix in ('.md', '.txt', '.tex'))
    said = [word for word in ('pixel', 'heatmap', 'face', 'photograph', 'cephalo', 'inter-ocular', 'eye corner',
                              'mean error', 'AUC') if word in text.lower() or word in text]
    assert not said, said
    assert 'landmark' not in text.replace('landmark-benchmark', '').lower()
    assert 'above zero speaks for the first by dice' in text and 'below zero by hd95 and FR' in text or (
        'below zero speaks for the first by hd95 and FR' in text and 'above zero by dice' in text)
    table = (folder / 'tables' / 'table1.csv').read_text().splitlines()[0]
    assert 'dice' in table and 'hd95' in table and 'ME' not in table
    capsys.readouterr()
    assert main([str(path), '--score', 'dice']) == 2
    assert capsys.readouterr().err.count('\n') == 1


def test_a_suite_s_folder_has_errors(tmp_path, capsys):
    assert main([str(tmp_path), '--higher-is-better', 'dice']) == 2
    assert 'a suite has errors' in capsys.readouterr().err


def test_a_table_that_is_read_is_the_one_that_is_given(tmp_path):
    path = tmp_path / 'dice.parquet'
    scores().to_parquet(path)
    wanted = [Score('dice', HIGHER), Score('hd95')]
    pd.testing.assert_frame_equal(read_table(path, scores=wanted), validate(scores(), scores=wanted))


def visible(page):
    """A page's text without its styles and scripts."""
    return re.sub(r'<[^>]+>', ' ', re.sub(r'<(script|style)\b.*?</\1>', '', page, flags=re.S))
