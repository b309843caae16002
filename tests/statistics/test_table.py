"""What is refused, and what the messages say."""

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import TableError, read_suite, read_table, validate


def table(**changes):
    columns = {
        'method': ['a', 'a', 'b', 'b'],
        'seed': [0, 0, 0, 0],
        'image': ['i', 'j', 'i', 'j'],
        'error': [1.0, 2.0, 3.0, 4.0],
    }
    return pd.DataFrame({**columns, **changes})


def test_minimal_table_gets_a_condition():
    assert validate(table())['condition'].unique().tolist() == ['all']


def test_input_is_not_changed_and_row_order_is_immaterial():
    frame = table()
    before = frame.copy()
    shuffled = validate(frame.iloc[[2, 0, 3, 1]])
    pd.testing.assert_frame_equal(validate(frame), shuffled)
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    ('changes', 'parts'),
    [
        ({'error': [1.0, np.nan, 3.0, 4.0]}, ('error', 'NaN', 'data row 2')),
        ({'error': [1.0, np.inf, -np.inf, 4.0]}, ('error', 'infinite', 'data rows 2, 3')),
        ({'error': [1.0, 2.0, -0.1, 4.0]}, ('error', 'negative', 'data row 3')),
        ({'error': ['1', '2', '3 px', '4']}, ('error', 'not a number', 'data row 3', 'units')),
        ({'seed': [0, 0.5, 0, 0]}, ('seed', 'whole number', 'data row 2')),
        ({'seed': [0, None, 0, 0]}, ('seed', 'whole number', 'data row 2')),
        ({'method': ['a', 'a', '', 'b']}, ('method', 'empty', 'data row 3')),
        ({'image': ['i', 'i', 'i', 'j']}, ('data rows 1, 2', 'landmark', 'keep one')),
        ({'normalizer': [1.0, 0.0, np.nan, 1.0]}, ('normalizer', 'not above 0', 'data row 2')),
        ({'error_mm': [1.0, -1.0, np.nan, 1.0]}, ('error_mm', 'negative')),
        ({'landmark': ['k', None, 'k', 'k']}, ('landmark', 'empty', 'data row 2')),
    ],
)
def test_bad_content_is_refused_with_file_field_and_rows(changes, parts):
    with pytest.raises(TableError) as caught:
        validate(table(**changes), 'results.csv')
    message = str(caught.value)
    assert message.startswith('results.csv: ') and '\n' not in message
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(('text', 'remedy'), [
    ('method seed image error\na 0 i 1\n', 'method, seed, image, error are required: name others with --columns'),
    ('method,seed,image,Error\na,0,i,1\n', "write 'Error' in small letters")])
def test_a_near_miss_of_the_columns_has_its_own_remedy(tmp_path, text, remedy):
    (tmp_path / 'results.csv').write_text(text)
    with pytest.raises(TableError, match=f'results.csv: column.* missing .*; {remedy}'):
        read_table(tmp_path / 'results.csv')


def test_missing_column_names_what_is_there():
    with pytest.raises(TableError, match=r'columns seed, error missing \(it has method, image'):
        validate(table()[['method', 'image']])


def test_empty_table_is_refused():
    with pytest.raises(TableError, match='no rows'):
        validate(table().iloc[:0])


def test_many_rows_are_counted():
    with pytest.raises(TableError, match='data rows 1, 2, 3, 4, 5 and 5 more'):
        validate(pd.DataFrame({'method': 'a', 'seed': 0, 'image': [*'abcdefghij'], 'error': -1.0}))


def test_csv_and_parquet_agree(tmp_path):
    frame = table(method=['NA', 'NA', 'nan', 'nan'], error_mm=[1.0, 2.0, np.nan, 4.0])
    frame.to_csv(tmp_path / 'r.csv', index=False)
    frame.to_parquet(tmp_path / 'r.parquet')
    read = read_table(tmp_path / 'r.csv')
    assert sorted(read['method'].unique()) == ['NA', 'nan']  # names, not missing values
    pd.testing.assert_frame_equal(read, read_table(tmp_path / 'r.parquet'))


def test_categories_and_numeric_names_become_text():
    read = validate(table(method=pd.Categorical(['a', 'a', 'b', 'b']), image=[1, 2, 1, 2]))
    assert read['image'].tolist() == ['1', '2', '1', '2'] and read['method'].tolist() == ['a', 'a', 'b', 'b']


@pytest.mark.parametrize(
    ('name', 'content'), [('r.parquet', b'PAR1 not really'), ('r.csv', b'\xff\xfe\x00'), ('r.txt', b'')]
)
def test_unreadable_files_are_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=name):
        read_table(tmp_path / name)


def test_absent_file_and_folder_without_results(tmp_path):
    with pytest.raises(TableError, match='no such file'):
        read_table(tmp_path / 'r.csv')
    with pytest.raises(TableError, match=r'no results\.parquet'):
        read_suite(tmp_path)


@pytest.mark.parametrize(
    ('text', 'part'),
    [
        ('{', 'not JSON'),
        ('[]', 'object'),
        ('{"methods": {}}', 'methods'),
        ('{"runs": [{"method": "a"}]}', r'runs\[0\]'),
    ],
)
def test_bad_plans_are_refused(tmp_path, text, part):
    table().to_parquet(tmp_path / 'results.parquet')
    (tmp_path / 'plan.json').write_text(text)
    with pytest.raises(TableError, match=part):
        read_suite(tmp_path)


def test_a_column_named_like_half_of_an_annotators_position_is_left_alone():
    frame = pd.DataFrame(dict(method='a', seed=[0, 1], image='i', error=1.0, x_by_site=['left', 'right']))
    assert [*validate(frame)['x_by_site']] == ['left', 'right']
    with pytest.raises(TableError, match='field x_by_site: not a number'):
        validate(frame.assign(y_by_site=1.0))


def test_seeds_that_are_lists_are_refused_in_one_line():
    with pytest.raises(TableError, match='field seed: not a whole number in data rows 1, 2'):
        validate(pd.DataFrame(dict(method='a', seed=[[0], [1]], image='i', error=1.0)))


def test_a_column_that_tells_repeated_rows_apart_is_named():
    frame = pd.DataFrame(dict(method='a', seed=0, image=['i', 'i', 'j', 'j'], error=1.0, clinic=['x', 'y', 'x', 'y']))
    with pytest.raises(TableError, match=r'clinic tells them apart: .* image=clinic\+image; .*dataset=clinic'):
        validate(frame)
    with pytest.raises(TableError, match=r'--columns image=clinic\+case; else keep'):
        validate(frame, names={'image': 'case', 'dataset': 'dataset'})
