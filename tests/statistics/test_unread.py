"""Columns that nothing reads: told once, and asked about where they may hold what belongs apart."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmark.commands.analyze import main
from benchmark.statistics import TableError, read_table
from benchmark.statistics.foreign import Foreign, parse_columns
from benchmark.statistics.measures import usually_higher
from benchmark.statistics.table import NOTES

IMAGES = 12


def table(**columns):
    """Two methods, two seeds; a column may be a function of the table."""
    rng = np.random.default_rng(0)
    rows = [(method, seed, f'i{i:02d}', 1 + rng.random()) for method in ('ours', 'ft') for seed in (0, 1)
            for i in range(IMAGES)]
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'error']).assign(**columns)


def number(frame):
    return frame['image'].str[1:].astype(int)


def some_of(count):
    """A column that has a few values, and is a property of the image."""
    return lambda frame: 'v' + (number(frame) % count).astype(str)


def read(frame, path, **how):
    frame.to_csv(path / 't.csv', index=False)
    return read_table(path / 't.csv', foreign=Foreign(**how))


def told(frame, path, **how):
    """What is said of columns that are not read."""
    return [note for note in read(frame, path, **how).attrs.get(NOTES, []) if note.startswith('Not read')]


@pytest.mark.parametrize(('name', 'role', 'remedy'), [
    *[(name, 'the data set', f'--columns dataset={name}') for name in (
        'clinic', 'dataset_name', 'DataSet', 'cohort', 'site_id', 'centre', 'test_dataset')],
    *[(name, 'the fold', f'--columns fold={name}') for name in ('fold_id', 'cv_fold', 'kfold', 'Fold')],
    *[(name, 'the person', f'--columns subject={name}') for name in ('patient_id', 'person', 'PID', 'participants')],
    *[(name, 'the annotator', f'--groups {name}') for name in ('annotator', 'rater_id', 'labeller')],
    *[(name, 'a group', f'--groups {name}') for name in ('group', 'subgroup', 'stratum', 'subset')],
    ('video', 'what several images are of', '--columns subject=video'),
    ('study_id', 'what several images are of', '--columns subject=study_id'),
    ('epoch', 'the state of training', 'one for each run'), ('Landmark', 'the landmark', '--columns landmark=Landmark'),
])
def test_a_column_that_may_keep_rows_apart_is_asked_about(tmp_path, capsys, name, role, remedy):
    frame = table(**{name: some_of(3)})
    frame.to_csv(tmp_path / 't.csv', index=False)
    assert main([str(tmp_path / 't.csv'), '--out', str(tmp_path)]) == 2
    line, = capsys.readouterr().err.splitlines()
    for part in (f't.csv: column {name} (3 values)', f'looks like {role}', remedy, f'--ignore {name}'):
        assert part in line
    # Who says that it is nothing gets the table without it.
    assert name not in read(frame, tmp_path, ignored=(name,)).columns
    assert told(frame, tmp_path, ignored=(name,)) == told(frame, tmp_path, groups=(name,)) == []


def test_the_answer_that_is_named_is_taken(tmp_path):
    for name, ours in (('clinic', 'dataset'), ('patient_id', 'subject')):
        found = read(table(**{name: some_of(3)}), tmp_path, columns={ours: name})
        assert found[ours].nunique() == 3
    repeated = table().drop(columns='seed').assign(run=lambda rows: np.arange(len(rows)) // IMAGES % 2)
    with pytest.raises(TableError, match=r'column run \(2 values\).*looks like the seed: --columns seed=run'):
        read(repeated, tmp_path)
    assert read(repeated, tmp_path, columns={'seed': 'run'})['seed'].nunique() == 2


@pytest.mark.parametrize('frame', [
    table(cohort='one'), table(cohort=np.nan), table(cohort=' '), table(row=range(4 * IMAGES)),
    table(case_id=lambda rows: 'k' + rows['image']), table(person=number),
    table(model=lambda rows: rows['method'] + 'x'),
    table(subject=some_of(3), patient=lambda rows: rows['subject']),  # another name of what has one
    table(dataset=some_of(2)).assign(cohort=lambda rows: rows['dataset'] + ' data'),
    table(run=lambda rows: rows['method'] + rows['seed'].astype(str)),  # of what method and seed name
    table(uid=[f'{i:x}' for i in range(4 * IMAGES)]), table(trained=True, group_sex=some_of(2)),
])
def test_nothing_is_said_of_columns_that_change_nothing(tmp_path, frame):
    assert told(frame, tmp_path) == []


@pytest.mark.parametrize(('column', 'name'), [
    (lambda rows: rows['error'] / 10, 'time_ms'), (some_of(4), 'camera'),
    (lambda rows: number(rows) // 2 + 0.5, 'center'), (some_of(4), 'centre_x'),
    # What a run has is no matter of its images.
    (lambda rows: np.where(rows['seed'] == 0, rows['method'], 'both'), 'site'),
    (lambda rows: 10 + rows['seed'] * rows['method'].str.len(), 'epoch'),
    (some_of(4), 'phase'),  # not of a split: none of its words
])
def test_other_columns_are_told_in_one_line(tmp_path, column, name):
    note, = told(table(**{name: column, 'lens': some_of(2)}), tmp_path)
    assert note.startswith(f'Not read: {name}, lens (')
    assert all(option in note for option in ('--columns', '--score', '--ignore'))


def test_a_split_is_asked_about_by_its_words(tmp_path):
    frame = table(partition=lambda rows: np.where(number(rows) > 3, 'Test', 'train'))
    with pytest.raises(TableError, match='looks like the split: keep the rows of one, as a rule test'):
        read(frame, tmp_path)


def test_names_of_images_that_persons_share(tmp_path):
    frame = table(patient=lambda rows: np.where(rows['method'] == 'ours', some_of(2)(rows), some_of(3)(rows)))
    with pytest.raises(TableError, match=r'of one image differ in it: .*\(--columns image=patient\+image\)'):
        read(frame, tmp_path)


def test_a_clinic_beside_the_data_set_may_be_strata(tmp_path):
    note, = told(table(dataset=some_of(2), clinic=some_of(3), lens=some_of(4)), tmp_path)
    assert note.startswith('Not read: clinic, lens (') and '--groups clinic compares them' in note
    assert told(table(dataset=some_of(2), clinic=some_of(3)), tmp_path, groups=('clinic',)) == []


def test_the_note_stands_once_on_page_and_terminal(tmp_path, capsys):
    frame = table(camera=some_of(3), dataset=some_of(2))
    frame.to_csv(tmp_path / 't.csv', index=False)
    assert main([str(tmp_path / 't.csv'), '--out', str(tmp_path), '--draws', '100', '--threshold', '2']) == 0
    assert capsys.readouterr().err.count('Not read: camera') == 1
    content = json.loads((tmp_path / 'datasets.json').read_text())
    assert str(content).count('Not read: camera') == 1


def test_a_column_that_stands_in_the_index_too_is_read_once(tmp_path):
    table(center=some_of(3)).set_index('image', drop=False).to_parquet(tmp_path / 't.parquet')
    found = read_table(tmp_path / 't.parquet', foreign=Foreign(ignored=('center',)))
    assert len(found) == 4 * IMAGES
    with pytest.raises(TableError, match='column center'):
        read_table(tmp_path / 't.parquet', foreign=Foreign())


@pytest.mark.parametrize('value', [[1, 2], {'a': 1}, np.zeros(3)], ids=['list', 'dict', 'array'])
def test_columns_of_lists_are_told_as_others_are(tmp_path, value):
    frame = table(same=[value] * 4 * IMAGES, box=lambda frame: [[place] for place in number(frame) % 3])
    frame.to_parquet(tmp_path / 't.parquet')
    notes = read_table(tmp_path / 't.parquet', foreign=Foreign()).attrs[NOTES]
    assert [note.split(' (')[0] for note in notes if note.startswith('Not read')] == ['Not read: box']
    frame.rename(columns={'box': 'patient'}).to_parquet(tmp_path / 't.parquet')
    with pytest.raises(TableError, match='column patient'):
        read_table(tmp_path / 't.parquet', foreign=Foreign())


def test_a_table_of_ones_own_is_read_as_it_is(tmp_path):
    table(clinic=some_of(3)).to_parquet(tmp_path / 't.parquet')
    assert read_table(tmp_path / 't.parquet').attrs.get(NOTES, []) == []
    indexed = table(clinic=some_of(3)).set_index(['method', 'seed', 'image'])
    indexed.to_parquet(tmp_path / 'i.parquet')
    with pytest.raises(TableError, match='column clinic'):
        read_table(tmp_path / 'i.parquet', foreign=Foreign())


def test_a_metric_of_ones_own_may_read_numbers(tmp_path):
    table(spread=lambda rows: rows['error'] / 7).to_parquet(tmp_path / 't.parquet')
    found = [read_table(tmp_path / 't.parquet', foreign=Foreign(metrics=own)).attrs.get(NOTES, []) for own in (0, 1)]
    assert len(found[0]) == 1 and found[1] == []


@pytest.mark.parametrize(('column', 'parts'), [
    (dict(site=some_of(3)), ("column site holds text (as in 'v0')", '--columns dataset=site', '--ignore site')),
    (dict(lens=some_of(3)), ('column lens holds text', '--columns group_lens=lens')),
    (dict(fold_id=lambda rows: number(rows) % 3), ('looks like the fold', '--columns fold=fold_id')),
])
def test_what_is_no_method_of_a_wide_table(tmp_path, column, parts):
    wide = table()[lambda rows: rows['seed'] == 0].pivot(index='image', columns='method', values='error').reset_index()
    wide = wide.assign(**column)
    with pytest.raises(TableError) as caught:
        read(wide, tmp_path, wide='error')
    assert all(part in str(caught.value) for part in parts), caught.value
    name, = column
    for how in (dict(ignored=(name,)), dict(groups=(name,))):
        assert {*read(wide, tmp_path, wide='error', **how)['method']} == {'ours', 'ft'}


def test_what_is_ignored_must_be_there(tmp_path):
    with pytest.raises(TableError, match='no column clnic, which --ignore names; there are method, seed, image'):
        read(table(clinic=some_of(3)), tmp_path, ignored=('clnic',))


@pytest.mark.parametrize(('name', 'higher'), [
    ('dice', True), ('meanDice', True), ('AP50', True), ('test_IoU', True), ('sdr 2mm', True), ('mIoU', True),
    ('nme', False), ('apex', False), ('hd95', False), ('mapped_error', False), ('distance', False)])
def test_a_score_of_which_more_is_better_is_no_error(name, higher):
    assert usually_higher(name) == higher
    if higher:
        with pytest.raises(TableError, match=f'--columns: error={name}: .*--higher-is-better {name}'):
            parse_columns([f'error={name}'], ['error'])
    else:
        assert parse_columns([f'error={name}'], ['error']) == {'error': name}
