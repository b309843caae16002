"""Tables as clinics have them: a row per landmark, workbooks, other columns and folders, and a balanced split."""

import builtins
import shutil
from collections import Counter

import pytest
from odd import COUNT, HEIGHT, NAMES, WIDTH, assert_exact, points

from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import read_split

COLUMNS = [f'{name}_{axis}' for name in NAMES for axis in 'xy']


@pytest.fixture
def src(tmp_path, photo):
    """Images in ``src/images``; returns ``src``."""
    for i in range(COUNT):
        photo(tmp_path / f'src/images/{i}.png', i, WIDTH, HEIGHT)
    return tmp_path / 'src'


def write(path, rows, join=','):
    path.write_text('\n'.join(join.join(map(str, row)) for row in rows) + '\n')
    return path


def long_rows(change=lambda row: row):
    return [change([f'{i}.png', name, x, y, f'p{i // 2}', 1]) for i in range(COUNT)
            for name, (x, y) in zip(NAMES, points(i))]


LONG = ['Image', 'Landmark', 'X', 'Y', 'patient', 'visible']


def test_a_row_per_landmark(src, tmp_path, convert):
    rows = [row for row in long_rows() if row[:2] != ['3.png', 'mouth']]
    rows[1][5] = 0
    table = write(src / 'long.csv', [LONG, *rows])
    _, notes = convert('csv', table, tmp_path / 'dst', '--images', src / 'images', '--subject', 'patient')
    assert 'long.csv: a row for each landmark: 35 rows of 12 images and 3 landmarks (column Landmark)' in notes
    records = {r.file_name: r for s in ('train', 'val', 'test') for r in read_split(tmp_path / 'dst', s).records}
    assert list(records['3.png'].visible) == [True, True, False]
    assert list(records['0.png'].visible) == [True, False, True]
    assert records['7.png'].subject == 'p3'
    table = write(src / 'all.tsv', [LONG[:4], *(row[:4] for row in long_rows())], '\t')
    convert('csv', table, tmp_path / 'all', '--images', src / 'images')
    assert_exact(tmp_path / 'all')


@pytest.mark.parametrize(('row', 'message'), [
    (['0.png', 'eye_r', 1, 2, 'p0', 1], r"line 38: image '0\.png' has 'eye_r' in line 2 already"),
    (['0.png', 'chin', 1, 2, 'p9', 1], r"line 38: patient of image '0\.png' is 'p9', in line 2 'p0'"),
    (['0.png', '', 1, 2, 'p0', 1], 'line 38: Landmark is empty'),
])
def test_rows_of_an_image_that_disagree(src, tmp_path, convert, row, message):
    table = write(src / 'long.csv', [LONG, *long_rows(), row])
    with pytest.raises(DataError, match=message):
        convert('csv', table, tmp_path / 'dst', '--images', src / 'images')


def wide_rows(extra=lambda i: []):
    return [[f'{i}.png', *points(i).ravel(), *extra(i)] for i in range(COUNT)]


def test_the_column_of_the_images(src, tmp_path, convert):
    table = write(src / 'wide.csv', [['file_name', 'image', *COLUMNS], *(
        [row[0], f'scan {k}', *row[1:]] for k, row in enumerate(wide_rows()))])
    _, notes = convert('csv', table, tmp_path / 'dst', '--images', src / 'images', '--image', 'file_name')
    assert_exact(tmp_path / 'dst')
    assert 'columns that are not used: image (not used) (--groups names subgroups)' in notes
    with pytest.raises(DataError, match=r"--image: .*wide\.csv has no column 'photo'"):
        convert('csv', table, tmp_path / 'bad', '--image', 'photo')
    table = write(src / 'none.csv', [['file_name', *COLUMNS], *wide_rows()])
    with pytest.raises(DataError, match="Use --image 'file_name' where it names the files"):
        convert('csv', table, tmp_path / 'bad')


def test_names_without_their_folder(src, tmp_path, convert):
    for i in range(COUNT):
        (src / f'images/p{i // 2}').mkdir(exist_ok=True)
        (src / f'images/{i}.png').rename(src / f'images/p{i // 2}/{i}.png')
    table = write(src / 'wide.csv', [['image', *COLUMNS], *wide_rows()])
    _, notes = convert('csv', table, tmp_path / 'dst')
    assert_exact(tmp_path / 'dst')
    assert "image names: files in other folders (12, the first '0.png': images/p0/0.png)" in notes
    shutil.copy(src / 'images/p1/2.png', src / 'images/p0/2.png')
    with pytest.raises(DataError, match=r"image '2\.png': 2 files fit: .*p0/2\.png and .*p1/2\.png\. Write the folder"):
        convert('csv', table, tmp_path / 'bad')
    table.write_text(table.read_text().replace('\n0.png', '\np7/0.png'))
    with pytest.raises(DataError, match=r"p7/0\.png"):  # a folder that is named and is not there is never guessed
        convert('csv', table, tmp_path / 'bad')


def test_a_split_in_given_shares_is_balanced_by_group(src, tmp_path, convert, photo):
    for i in range(COUNT, 48):
        photo(src / f'images/{i}.png', i, WIDTH, HEIGHT)
    rows = [[f'{i}.png', *points(i % COUNT).ravel(), f's{i // 2}', 'case' if i < 16 else 'control', 'train']
            for i in range(48)]
    table = write(src / 'wide.csv', [['image', *COLUMNS, 'subject', 'diagnosis', 'split'], *rows])
    options = '--images', src / 'images', '--group', 'diagnosis'
    _, notes = convert('csv', table, tmp_path / 'dst', *options, '--split', '50,25,25')
    assert 'split by subject, balanced by diagnosis, 50/25/25 percent, seed 0' in notes
    splits = {s: read_split(tmp_path / 'dst', s).records for s in ('train', 'val', 'test')}
    assert {s: dict(Counter(r.groups['diagnosis'] for r in records)) for s, records in splits.items()} == {
        'train': dict(case=8, control=16), 'val': dict(case=4, control=8), 'test': dict(case=4, control=8)}
    people = [{r.subject for r in records} for records in splits.values()]
    assert not people[0] & people[1] | people[0] & people[2] | people[1] & people[2]
    convert('csv', table, tmp_path / 'again', *options, '--split', '50,25,25')
    convert('csv', table, tmp_path / 'other', *options, '--split', '50,25,25', '--seed', 1)
    names = [sorted(r.file_name for r in read_split(tmp_path / d, 'test').records) for d in ('dst', 'again', 'other')]
    assert names[0] == names[1] != names[2]
    convert('csv', table, tmp_path / 'no_val', *options, '--split', '75,0,25')
    assert not (tmp_path / 'no_val/annotations/val.json').exists()
    for text in ('50,50', '60,20,30', 'a,b,c', '0,50,50', '80,20,0'):
        with pytest.raises(DataError, match=f"--split: '{text}' is no three percentages"):
            convert('csv', table, tmp_path / 'bad', *options, '--split', text)


def test_an_excel_workbook(src, tmp_path, convert):
    try:
        import openpyxl
    except ImportError:
        pytest.skip('openpyxl is not installed')
    book = openpyxl.Workbook()
    book.active.title = 'empty'
    sheet = book.create_sheet('points')
    for row in [['Study 7'], ['image', *COLUMNS, 'born'], *wide_rows(lambda i: [None if i else '1990-01-01'])]:
        sheet.append([float(cell) if hasattr(cell, 'dtype') else cell for cell in row])
    book.create_sheet('notes').append(['nothing of use'])
    path = src / 'study.xlsx'
    book.save(path)
    _, notes = convert('csv', path, tmp_path / 'dst', '--images', src / 'images')
    assert_exact(tmp_path / 'dst')
    assert "study.xlsx: sheet 'points' was read, not 'empty', 'notes' (--worksheet)" in notes
    with pytest.raises(DataError, match="--worksheet: .* has no sheet 'a'. Sheets: empty, points, notes"):
        convert('csv', path, tmp_path / 'bad', '--worksheet', 'a')
    path.write_bytes(b'PK\x03\x04 not a workbook')
    with pytest.raises(DataError, match='no Excel workbook that can be read'):
        convert('csv', path, tmp_path / 'bad')


def test_a_workbook_without_openpyxl(src, tmp_path, convert, monkeypatch):
    path = src / 'study.xlsx'
    path.write_bytes(b'PK\x03\x04')
    real = builtins.__import__

    def missing(name, *rest, **more):
        if name == 'openpyxl':
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, '__import__', missing)
    with pytest.raises(DataError, match=r'study\.xlsx: an Excel workbook, which takes openpyxl: pip install openpyxl'):
        convert('csv', path, tmp_path / 'dst')
