"""Plain text is read by pyarrow, all other text cell by cell: both give the same table, or the same complaint."""

import numpy as np
import pandas as pd
import pytest
from drawn import quick
from hypothesis import given
from hypothesis import strategies as st

from benchmark.statistics import TableError, reading
from benchmark.statistics.foreign import Foreign
from benchmark.statistics.measures import Score
from benchmark.statistics.plain_text import read_plain

PLAIN = 'method,seed,image,landmark,error\na,0,i1,nose,1.5\na,0,i2,nose,2\nb,0,i1,nose,0.25\nb,0,i2,nose,1e-3\n'
#: A cell of a file, which may be anything.
CELLS = ['', ' ', 'a', 'NA', 'nan', 'NaN', '-nan', 'inf', '+1', '1_0', ' 1', '1 ', '.5', '1.', '1e', '0x1', '1,5',
         '"1"', '-2', '1e999', 'é', 'ｘ', '\t', '\r', '\0', '٣', '1\u00a0', '00', '1.0', 'true',
         '123456789.123456789123']


def both_ways(path, monkeypatch, scores=(), foreign=None):
    """What is made of a file with and without pyarrow: the table and its notes, or the error."""
    found = []
    for reader in (read_plain, lambda *_: None):
        monkeypatch.setattr(reading, 'read_plain', reader)
        try:
            table = reading.read_table(path, scores=scores, foreign=foreign)
            found.append((table.astype({name: object for name in table if table[name].dtype == 'category'}),
                          table.attrs))
        except TableError as error:
            found.append(str(error))
    return found


def same(found):
    first, second = found
    if isinstance(first, str) or isinstance(second, str):
        assert first == second
    else:
        pd.testing.assert_frame_equal(first[0], second[0], check_exact=True)
        assert first[1] == second[1]


@quick
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5), st.sampled_from(CELLS)), max_size=3),
       st.sampled_from([',', ';', '\t']), st.sampled_from(['\n', '\r\n', '\n\n']), st.booleans())
def test_any_cell_anywhere_is_read_alike(tmp_path_factory, changes, separator, line, ended):
    rows = [one.split(',') for one in PLAIN.splitlines()]
    for row, column, cell in changes:
        rows[row][column:column + 1] = [cell]  # one more at the end, where there is no such column
    path = tmp_path_factory.mktemp('text') / 'table.csv'
    path.write_bytes((line.join(map(separator.join, rows)) + line * ended).encode())
    with pytest.MonkeyPatch.context() as patch:
        same(both_ways(path, patch))


@pytest.mark.parametrize('text', [
    'sep=;\n' + PLAIN.replace(',', ';'), '\ufeff' + PLAIN, '\n' + PLAIN, PLAIN.replace('\n', '\n\n'), PLAIN + ',,,,\n',
    PLAIN.replace('method', ' method'), PLAIN.replace('landmark', ''), PLAIN.replace('landmark', 'image'), '', 'method',
    'method,seed,image,error\n', PLAIN.replace(',', ', '), PLAIN.replace('a,', ' a,'), PLAIN + 'a,1,i1\n',
    PLAIN.replace('landmark', 'x_by_anna').replace('nose', '2'), PLAIN.replace('landmark', 'fold').replace('nose', '3'),
    PLAIN.replace('landmark', 'subject').replace('nose', ''), PLAIN.replace('landmark', 'trained').replace('nose', '1'),
    PLAIN.replace('landmark', 'group_sex').replace('nose', ''), PLAIN.replace('nose', 'n' * 200_000),
    PLAIN.replace('i1', 'e\u0301').replace('i2', '\u00e9'), PLAIN.replace('nose', 'Nose', 1), PLAIN + PLAIN[33:],
    PLAIN.replace('landmark', 'error_mm').replace('nose', '')], ids=lambda text: repr(text[:45]))
def test_forms_of_files_are_read_alike(tmp_path, monkeypatch, text):
    path = tmp_path / 'table.csv'
    path.write_bytes(text.encode())
    same(both_ways(path, monkeypatch))


def test_scores_and_other_names_are_read_alike(tmp_path, monkeypatch):
    path = tmp_path / 'table.csv'
    path.write_text('model,run,case,dice,hd\n' + ''.join(
        f'{model},{run},{case},0.{case},{case + run}\n' for model in 'ab' for run in range(2) for case in range(1, 5)))
    same(both_ways(path, monkeypatch, (Score('dice', 'higher'), Score('hd')),
                   Foreign(dict(method='model', seed='run', image='case'))))


def test_bytes_that_are_no_utf_8_are_read_as_they_were(tmp_path, monkeypatch):
    path = tmp_path / 'table.csv'
    path.write_bytes(PLAIN.replace('nose', 'nö').encode('cp1252'))
    same(both_ways(path, monkeypatch))


def test_a_plain_file_is_parsed_by_pyarrow_and_its_names_are_made_once(tmp_path):
    path = tmp_path / 'table.csv'
    path.write_text(PLAIN)
    found = read_plain(path, ['method'], lambda names: {'error'}, {'method', 'image'}).frame
    assert [*found['image'].cat.categories] == ['i1', 'i2'] and found['landmark'].dtype == object
    assert np.array_equal(found['error'], [1.5, 2, 0.25, 1e-3])
