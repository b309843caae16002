"""Tables from anywhere: folds, truths, units, names, caps and margins that would give a wrong number without a word."""

import re

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import TableError, analyze, read_table, validate
from benchmark.statistics.consistency import folds, how_names_differ
from benchmark.statistics.options import read_options

DRAWS = 100


def table(methods=('ours', 'theirs'), seeds=3, images=20, landmarks=2, seed=0, coordinates=False):
    """One row per method, seed, image and landmark; errors around 1."""
    rng = np.random.default_rng(seed)
    rows = [(m, s, f'i{i:02d}', f'k{k}') for m in methods for s in range(seeds) for i in range(images)
            for k in range(landmarks)]
    frame = pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark'])
    shift = rng.normal(0, 0.8, (len(frame), 2))
    frame['error'] = np.hypot(*shift.T)
    if coordinates:
        number = frame['image'].str[1:].astype(int) + 7 * frame['landmark'].str[1:].astype(int)
        frame['x_true'], frame['y_true'] = 50.0 + 3 * number, 80.0 + 2 * number
        frame['x'], frame['y'] = frame['x_true'] + shift[:, 0], frame['y_true'] + shift[:, 1]
    return frame


def analysed(frame, **choices):
    return analyze(validate(frame, missing_allowed='missing_cap' in choices), draws=DRAWS, **choices)


def number(frame):
    return frame['image'].str[1:].astype(int)


# Folds


@pytest.mark.parametrize('tested', [np.ones((4, 9)), np.ones((1, 9)), np.eye(4, 9) == 0, np.zeros((3, 9)),
                                    np.vstack([np.ones((2, 9)), np.zeros((3, 9))])])
def test_repetitions_are_no_folds(tested):
    assert folds(tested.astype(bool)) is None


def test_a_cap_fills_no_more_than_a_tenth_of_a_method():
    frame = table(images=20)
    lost = (frame['method'] == 'theirs') & (number(frame) < 2)
    assert analysed(frame[~lost | (frame['seed'] > 0)], missing_cap=3.0)['methods']['theirs']['missing'] == 2
    lost |= (frame['method'] == 'theirs') & (number(frame) == 2) & (frame['seed'] == 0)
    with pytest.raises(TableError, match=r'missing_cap: .*7 of the 60 cells .*of theirs, 12 %; more than a tenth'):
        analysed(frame[~lost], missing_cap=3.0)


@pytest.mark.parametrize(('lost', 'offered'), [(1, True), (6, False)])
def test_a_cap_is_offered_only_where_it_fills_little(lost, offered):
    frame = table(seeds=1, images=20)
    frame.loc[(frame['method'] == 'ours') & (number(frame) < lost), 'error'] = np.nan
    with pytest.raises(TableError, match='field error: NaN') as caught:
        analysed(frame)
    assert ('missing_cap' in str(caught.value)) == offered


# One truth, one unit


def test_two_truths_are_refused_with_image_landmark_and_the_largest_distance():
    frame = table(coordinates=True)
    theirs = (frame['method'] == 'theirs') & (frame['landmark'] == 'k1')
    frame.loc[theirs, 'y_true'] += 3 + 0.1 * (number(frame) == 7)
    with pytest.raises(TableError, match=r'image i07, landmark k1 has two truths, 3.1 apart.*ours seed 0.*theirs seed'):
        analysed(frame)


def test_truths_that_differ_by_rounding_or_are_empty_are_one():
    frame = table(coordinates=True)
    rounded = frame['method'] == 'theirs'
    frame.loc[rounded, ['x_true', 'y_true']] += 0.004
    frame.loc[frame['seed'] == 1, 'x_true'] = np.nan
    assert analysed(frame)['alerts'] == analysed(table())['alerts']


def test_two_normalisers_are_refused_and_conditions_may_have_their_own():
    frame = table().assign(normalizer=60.0)
    both = pd.concat([frame.assign(condition='a'), frame.assign(condition='b', normalizer=30.0)])
    assert 'NME' in analysed(both)['endpoints']
    frame.loc[frame['method'] == 'theirs', 'normalizer'] = 64.0
    with pytest.raises(TableError, match='field normalizer: image i00, landmark k0 .*60 in ours seed 0, 64 in theirs'):
        analysed(frame)


@pytest.mark.parametrize('factor', [0.25, 4.0, 100.0])
def test_coordinates_prove_that_units_differ(factor):
    frame = table(coordinates=True)
    frame.loc[frame['method'] == 'theirs', 'error'] *= factor
    found = [one['text'] for one in analysed(frame)['alerts'] if one['kind'] == 'units differ']
    assert len(found) == 1 and 'ours' in found[0] and 'theirs' in found[0]


@pytest.mark.parametrize(('factor', 'told'), [(1.0, False), (2.5, False), (4.0, True), (100.0, True)])
def test_means_suggest_that_units_differ(factor, told):
    frame = table(images=400, landmarks=1)
    frame.loc[frame['method'] == 'theirs', 'error'] *= factor
    assert any('one unit' in note for note in analysed(frame)['notes']) == told


def test_scales_of_squeezed_images_are_no_change_of_unit():
    frame = table(coordinates=True).assign(scale_x=0.1, scale_y=0.25)
    across = frame['method'] == 'theirs'  # whose errors all lie across
    frame.loc[across, 'y'] = frame.loc[across, 'y_true']
    shift = [(frame[name] - frame[f'{name}_true']) * frame[f'scale_{name}'] for name in 'xy']
    frame['error'] = np.hypot(*shift)
    assert not [one for one in analysed(frame)['alerts'] if one['kind'] == 'units differ']


# Names


def test_names_that_look_the_same_are_one_and_said(tmp_path):
    frame = table()
    late = frame['seed'] == 2
    frame['method'] = frame['method'].replace('ours', 'm\u00e9thode \u00e0')
    other = 'me\u0301thode\u00a0a\u0300'
    frame.loc[late, 'method'] = frame.loc[late, 'method'].replace('m\u00e9thode \u00e0', other)
    content = analysed(frame, proposed='me\u0301thode a\u0300')
    assert content['methods']['m\u00e9thode \u00e0']['n_seeds'] == 3 and content['proposed'] == 'm\u00e9thode \u00e0'
    assert any('look the same' in note for note in content['notes'])
    doubled = pd.concat([frame, frame.assign(method='me\u0301thode a\u0300')])
    with pytest.raises(TableError, match="share the same .*differ in blanks"):
        validate(doubled)


def test_names_that_differ_in_case_count_as_two_and_said():
    frame = table(methods=('FT', 'ft'))
    assert any("'FT' and 'ft' differ in capital" in note for note in analysed(frame)['notes'])


@pytest.mark.parametrize(('change', 'what'), [
    (lambda names: names.str[1:].astype(int).astype(str), 'leading zeros'),
    (lambda names: names.str.upper(), 'capital'),
    (lambda names: 'test/' + names, 'the folder'), (lambda names: names + '.png', 'the ending')])
def test_runs_without_a_common_image_are_told_how_names_differ(change, what):
    frame = table(seeds=1)
    theirs, names = frame['method'] == 'theirs', frame['image']
    frame['image'] = (names.str[1:] if what == 'leading zeros' else names).where(~theirs, change(names))
    said = f'in ours seed 0 and theirs seed 0 the images .* in {what}.*write the names alike'
    if what == 'leading zeros':  # those from 10 on are the same
        assert any(re.search(said, note) for note in analysed(frame)['notes'])
        return
    with pytest.raises(TableError, match=said):
        analysed(frame)


def test_other_images_are_not_explained_away():
    assert how_names_differ(['a', 'b', 'c'], ['d', 'e', 'f']) == ''


def test_names_read_as_numbers_have_no_decimals():
    frame = table().assign(image=np.tile(np.repeat([1.0, 2.0], 60), 2), landmark=np.tile(np.arange(20.0), 12))
    frame = frame.drop_duplicates(['method', 'seed', 'image', 'landmark'])
    assert sorted(validate(frame)['image'].unique()) == ['1', '2']
    mixed = pd.DataFrame({'method': 'a', 'seed': 0, 'image': [1, '1b', b'x'], 'error': 1.0})
    assert validate(mixed)['image'].tolist() == ['1', '1b', 'x']


def test_equal_labels_are_told_apart():
    plan = {'methods': [{'name': name, 'label': 'FT'} for name in ('ours', 'theirs')], 'analysis': {'proposed': 'ours'}}
    content = analyze(validate(table()), plan, draws=DRAWS)
    assert [content['methods'][name]['label'] for name in ('ours', 'theirs')] == ['FT (ours)', 'FT (theirs)']
    assert all('FT (ours) and FT' not in one['headline'] or 'FT (theirs)' in one['headline']
               for one in content['statements'])


@pytest.mark.parametrize(('change', 'part'), [
    (lambda frame: frame['landmark'].str.upper(), 'ours has no landmark K0, K1; K0 and k0 differ in capital'),
    (lambda frame: frame['landmark'].replace('k1', 'k0x'), 'ours has no landmark k0x; keep the landmarks that all')])
def test_other_landmarks_are_named(change, part):
    frame = table()
    frame['landmark'] = frame['landmark'].where(frame['method'] == 'ours', change(frame))
    with pytest.raises(TableError, match=part) as caught:
        analysed(frame[frame['method'] != 'none'])
    assert 'missing_cap' not in str(caught.value)


def test_blanks_around_names_are_told_where_they_made_two_of_one():
    frame = table(methods=('FT', 'FT '))
    with pytest.raises(TableError, match='share the same .*differ in blanks'):
        validate(frame)
    frame['seed'] += 5 * (frame['method'] == 'FT ')
    assert any('method: 2 spellings are 1 name,' in note for note in analysed(frame)['notes'])
    # Nobody is no name.
    frame = table()
    frame['subject'] = frame['image'].where(frame['image'] != frame['image'].iloc[0], ' ')
    assert not any('spellings' in note for note in analysed(frame)['notes'])


def test_a_threshold_that_nobody_declared_is_told():
    small = table()
    small['error'] /= 100
    notes = analysed(small)['notes']
    assert any('No threshold was declared' in note and '(0 % of all images do)' in note for note in notes)
    assert not any('threshold' in note for note in analysed(small, threshold=0.01)['notes'])


# Files


def test_an_index_that_holds_the_keys_is_read(tmp_path):
    frame = table()
    frame.set_index(['method', 'seed', 'image']).to_parquet(tmp_path / 'index.parquet')
    frame.to_parquet(tmp_path / 'plain.parquet')
    read = read_table(tmp_path / 'index.parquet')
    pd.testing.assert_frame_equal(read[sorted(read)], (plain := read_table(tmp_path / 'plain.parquet'))[sorted(plain)])


@pytest.mark.parametrize(('separator', 'encoding', 'decimal'), [(';', 'cp1252', ','), ('\t', 'utf-16', ','),
                                                                (';', 'utf-8-sig', '.'), ('|', 'utf-8', '.')])
def test_spreadsheets_tables_are_read_and_said(tmp_path, separator, encoding, decimal):
    frame = table(methods=('Gr\u00f6\u00dfe', 'b'))
    frame.to_csv(tmp_path / 'r.csv', sep=separator, encoding=encoding, decimal=decimal, index=False)
    read = read_table(tmp_path / 'r.csv')
    pd.testing.assert_frame_equal(read, validate(frame), check_exact=False)
    note = analyze(read, draws=DRAWS)['notes'][0]
    assert note.startswith('r.csv: separated by ') and ('decimal commas' in note) == (decimal == ',')
    assert ('cp1252' in note) == (encoding == 'cp1252')


def test_decimal_commas_and_points_in_one_file_are_refused(tmp_path):
    (tmp_path / 'r.csv').write_text('method;seed;image;error;error_mm\na;0;i;1,5;0.3\n')
    with pytest.raises(TableError, match=r"r\.csv: decimal commas \('1,5'\) and decimal points \('0.3'\)"):
        read_table(tmp_path / 'r.csv')


@pytest.mark.parametrize(('frame', 'part'), [
    (pd.DataFrame({'method': 'a', 'seed': 0, 'image': ['i'], 'nose': 1.0, 'eye': 2.0}), 'wide: give one row per land'),
    (pd.DataFrame({'image': ['i'], 'Method ': ['a'], 'seed': 0, 'error': 1.0}), "write 'Method ' in small .*blanks"),
    (pd.DataFrame({'seed': 0, 'image': ['i'], 'ours': 1.0, 'theirs': 2.0}), 'for each of ours, theirs .* is wide'),
    (pd.DataFrame({('a', 'b'): [1]}), 'levels of column names'),
    (pd.DataFrame({'method': 'a', 'seed': ['run1'], 'image': 'i', 'error': 1.0}), "as in 'run1'.; number the"),
    (pd.DataFrame({'method': 'a', 'seed': [0], 'image': 'i', 'error': '5.3%'}), "as in '5.3%'"),
    (pd.DataFrame({'method': 'a', 'seed': [0], 'image': 'i', 'error': -1.0}), '-1 stands for a missing prediction'),
    (pd.DataFrame({'method': 'a', 'seed': [0, 0], 'image': 'i', 'error': 1.0}), 'copies of each other')])
def test_messages_name_the_remedy_that_helps(frame, part):
    with pytest.raises(TableError, match=part):
        validate(frame)


def test_a_spreadsheet_is_named(tmp_path):
    (tmp_path / 'r.ods').write_bytes(b'PK')
    with pytest.raises(TableError, match='save the sheet as CSV'):
        read_table(tmp_path / 'r.ods')


# Margins and caps


@pytest.mark.parametrize(('name', 'value', 'meant'), [('FR', 5, 'FR=0.05'), ('AUC', 1, 'AUC=0.01'),
                                                      ('NME', 2.5, 'NME=0.025')])
def test_a_margin_of_a_share_in_percent_is_refused(name, value, meant):
    with pytest.raises(TableError, match=f'margin of {name}: {value} is no share below 1; did you mean {meant}'):
        read_options({'margin': {name: value}})
    assert read_options({'margin': {'ME': 5, name: 0.05}}).margin == {'ME': 5, name: 0.05}


def lossy(lost=4):
    """Ours errs up to 6 in some images; theirs, worse throughout, has no answer to the hardest of them."""
    rng = np.random.default_rng(1)
    hard = np.linspace(0.5, 3.0, 60)
    rows = [(m, s, f'i{i:02d}', hard[i] * (1.0 if m == 'ours' else 1.06) + rng.normal(0, 0.02))
            for m in ('ours', 'theirs') for s in range(5) for i in range(60) if m == 'ours' or i < 60 - lost]
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error'])


def test_a_cap_below_the_errors_is_told_with_the_verdict_at_the_largest():
    content = analysed(lossy(), proposed='ours', threshold=1.5, missing_cap=1.5)
    text = next(one['text'] for one in content['alerts'] if one['kind'] == 'cap below errors')
    largest = lossy()['error'].max()
    assert f'largest observed error, {largest:.4g},' in text and '% of the errors of' in text
    again = analysed(lossy(), proposed='ours', threshold=1.5, missing_cap=largest)
    for one in again['contrasts']:
        if one['family'] == 'planned' and one['endpoint'] == 'ME':
            assert f'is {one["verdict"]} instead of' in text
    assert not [one for one in again['alerts'] if one['kind'] == 'cap below errors']


def test_a_cap_below_few_errors_is_not_told():
    content = analysed(lossy(1), proposed='ours', threshold=1.5, missing_cap=3.1)
    assert not [one for one in content['alerts'] if one['kind'] == 'cap below errors']
    assert not any('The cap of missing' in note for note in content['notes'])
