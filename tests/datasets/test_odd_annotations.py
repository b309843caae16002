"""Tables as other programs and people write them: read right, or refused with the remedy."""

import numpy as np
import pytest
from odd import COUNT, HEIGHT, NAMES, WIDTH, assert_exact, landmarks, points

from benchmark.datasets.formats import check_prepared
from benchmark.datasets.formats.delimited import read_table
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import read_split
from benchmark.datasets.values import spelling_key

COLUMNS = [f'{name}_{axis}' for name in NAMES for axis in 'xy']


@pytest.fixture
def faces(tmp_path, photo):
    """Writes ``COUNT`` images below ``src/images`` and a table of them; returns its path.

    ``cells`` turns an image's number and (3, 2) landmarks into the row's cells after the name.
    """

    def make(cells=lambda i, p: [*p.ravel()], header=None, name='{}.png', join=',', extra=(), rows=COUNT):
        for i in range(rows):
            photo(tmp_path / f'src/images/{i}.png', i, WIDTH, HEIGHT)
        lines = [join.join(header or ['image', *COLUMNS])]
        lines += [join.join([name.format(i), *(c if isinstance(c, str) else f'{c:.6g}' for c in cells(i, points(i)))])
                  for i in range(rows)]
        path = tmp_path / 'src/faces.csv'
        path.write_text('\n'.join([*extra, *lines]) + '\n', encoding='utf-8')
        return path

    return make


# Numbers

UNITS = [
    ('relative', (), lambda p: (p + .5) / (WIDTH, HEIGHT)),
    ('relative', ('--first-pixel', 0), lambda p: p / (WIDTH, HEIGHT)),
    ('percent', (), lambda p: 100 * (p + .5) / (WIDTH, HEIGHT)),
]


@pytest.mark.parametrize(('units', 'options', 'turn'), UNITS)
def test_shares_and_percent_are_refused_and_read_when_told(faces, tmp_path, convert, units, options, turn):
    table = faces(lambda i, p: [*turn(p).ravel()])
    with pytest.raises(DataError, match=rf"line 2: image '0\.png': all coordinates .* Use --units {units}, or"):
        convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images')
    convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images', '--units', units, *options)
    assert_exact(tmp_path / 'dst', 1e-2)


def test_one_image_in_other_units_is_named(faces, tmp_path, convert):
    table = faces(lambda i, p: [*(p / (WIDTH, HEIGHT) if i == 4 else p).ravel()])
    with pytest.raises(DataError, match=r"line 6: image '4\.png': all coordinates of this image lie between 0 and 1"):
        convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images')


@pytest.mark.parametrize('first', [0, 0.5, 1])
def test_first_pixel_and_y_from_below(faces, tmp_path, convert, first):
    table = faces(lambda i, p: [*np.column_stack([p[:, 0], HEIGHT - 1 - p[:, 1]]).ravel() + first])
    options = ('--images', table.parent / 'images', '--first-pixel', first)
    report, _ = convert('csv', table, tmp_path / 'down', *options)
    assert [f.kind for f in report.findings] == ['upside-down']
    assert 'in 12 of 12 images' in report.warnings[0] and '--origin bottom-left' in report.warnings[0]
    report, _ = convert('csv', table, tmp_path / 'dst', *options, '--origin', 'bottom-left')
    assert not report.findings
    assert_exact(tmp_path / 'dst')


def test_exchanged_columns_lie_on_the_side(faces, tmp_path, convert):
    table = faces(lambda i, p: [*p[:, ::-1].ravel()])
    report, _ = convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images')
    assert [f.kind for f in report.findings if f.kind in ('upside-down', 'on-its-side')] == ['on-its-side']


@pytest.mark.parametrize(('cells', 'option'), [(('0', '0'), '--missing=0,0'), (('12.5', '7'), '--missing=12.5,7')])
def test_a_position_that_means_missing(faces, tmp_path, convert, cells, option):
    table = faces(lambda i, p: [*p[:2].ravel(), *(cells if i < 10 else p[2])])
    images = '--images', table.parent / 'images'
    report, _ = convert('csv', table, tmp_path / 'kept', *images)
    found = [m for m in report.warnings if 'exactly' in m]
    assert len(found) == 1 and "line 2: image '0.png': 10 landmarks in 10 of 12 images" in found[0]
    assert f'use {option}.' in found[0]
    assert 'one-position' in [f.kind for f in check_prepared(tmp_path / 'kept').findings]
    report, notes = convert('csv', table, tmp_path / 'dst', *images, option)
    assert not [m for m in report.warnings if 'exactly' in m]
    assert any(n.startswith('10 landmarks at ') for n in notes)
    read = landmarks(tmp_path / 'dst')
    assert all(np.isnan(read[i][2]).all() == (i < 10) for i in range(COUNT))


def test_missing_outside_of_the_image_is_named_with_the_option(faces, tmp_path, convert):
    table = faces(lambda i, p: [*p[:2].ravel(), *((-1, -1) if i == 3 else p[2])])
    images = '--images', table.parent / 'images'
    with pytest.raises(DataError, match=r"line 5: image '3\.png'.* use --missing=-1,-1\."):
        convert('csv', table, tmp_path / 'dst', *images)
    convert('csv', table, tmp_path / 'dst', *images, '--missing=-1,-1')
    with pytest.raises(DataError, match=r"--missing: '0' is not of the form X,Y"):
        convert('csv', table, tmp_path / 'other', *images, '--missing', '0')


def test_an_edge_is_told_from_a_centre(faces, tmp_path, convert):
    table = faces(lambda i, p: [*p[:2].ravel(), *((WIDTH, HEIGHT) if i == 3 else p[2])])
    with pytest.raises(DataError, match=r"mouth at \(240, 220\) is outside .* use --pixel-origin corner or one-based"):
        convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images')
    convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images', '--first-pixel', 0.5)
    np.testing.assert_array_equal(landmarks(tmp_path / 'dst')[3][2], [WIDTH - .5, HEIGHT - .5])


# How the text is written


def german(value):
    return f'{value:.6g}'.replace('.', ',')


@pytest.mark.parametrize(('write', 'note'), [
    (lambda make: make(lambda i, p: [german(v) for v in p.ravel()], join=';'), 'decimal commas'),
    (lambda make: make(lambda i, p: [f'"{german(v)}"' for v in p.ravel()]), 'decimal commas'),
    (lambda make: make(join='\t'), 'separated by tab'),
    (lambda make: make(join=' '), 'separated by space'),
    (lambda make: make(join=';', extra=['sep=;']), 'separated by semicolon'),
    (lambda make: make(extra=['Study A,,', '# exported by hand', '']), 'lines 1 to 3, above the header'),
    (lambda make: make(lambda i, p: [*p.ravel(), '', ''], ['image', *COLUMNS, '', '']), None),
    (lambda make: make(header=['Image', *(c.replace('_x', '.x').replace('_y', '.y') for c in COLUMNS)]), "'eye_r.x'"),
    (lambda make: make(header=['IMAGE ', *(c.replace('_x', ' X [px]').replace('_y', ' Y [px]') for c in COLUMNS)]),
     "'eye_r X [px]'"),
    (lambda make: make(header=['image', *(f'{c[-1]}_{c[:-2]}' for c in COLUMNS)]), "'x_eye_r'"),
])
def test_tables_are_read_exactly(faces, tmp_path, convert, write, note):
    table = write(faces)
    _, notes = convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images')
    assert note is None or any(note in n for n in notes), notes
    assert_exact(tmp_path / 'dst')


def test_quoted_line_breaks_blank_rows_and_comments(faces, tmp_path, convert):
    table = faces(lambda i, p: [*p.ravel(), '"two\nlines"'], ['image', *COLUMNS, 'remark'])
    table.write_text(table.read_text().replace('5.png', '\n,,,,,,,\n#5.png,1,2\n5.png'))
    _, notes = convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images')
    assert any('1 lines that begin with # were skipped, the first is line 14' in n for n in notes)
    assert_exact(tmp_path / 'dst')


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16', 'utf-16-le', 'cp1252'])
def test_encodings(faces, tmp_path, convert, encoding):
    table = faces(lambda i, p: [*p.ravel(), 'weiß'], ['image', *COLUMNS, 'größe'])
    table.write_bytes(table.read_text(encoding='utf-8').encode(encoding))
    _, notes = convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images', '--groups', 'größe')
    assert any('Windows-1252' in n for n in notes) == (encoding == 'cp1252')
    assert read_split(tmp_path / 'dst', 'train').records[0].groups == {'größe': 'weiß'}
    assert_exact(tmp_path / 'dst')


@pytest.mark.parametrize(('data', 'message'), [
    (b'PK\x03\x04rest', r'an Excel or OpenDocument workbook, no text\. Save the sheet as CSV'),
    (b'image,a_x,a_y\n1.png,\x81,2\n', r'line 2: not a UTF-8 CSV file .* or give --encoding'),
    (b'scorer,me,me\nbodyparts,a,a\ncoords,x,y\n', r'a DeepLabCut table'),
    (b'file_name,a_x,a_y\n', r"column 'image' is missing\. .*Use --image 'file_name' where"),
    (b'1.png,2,3\n2.png,4,5\n', r"column 'image' is missing.*The first line must name the columns"),
    (b'image,place,x,y\n1.png,a,2,3\n', r'columns x and y, but none that names the landmark of a row\. Call'),
    (b'image,a_x,a_y\n1.png,2,5,3,5\n', r'line 2: 5 cells for 3 columns\. .*decimal commas'),
    (b'image;a_x;a_y\n1.png;2,5;3.5\n', r"decimal points \(line 2: '3\.5'\) and decimal commas \(line 2: '2,5'\)"),
    (b'image;a_x;a_y\n1.png;1,234;5\n', r"line 2: '1,234' can have a decimal mark or a thousands sep.*--decimal point"),
    (b'image;a_x;a_y\n1.png;1.234;5\n', r"line 2: '1\.234' can have a decimal mark or a thousands sep.*--decimal"),
    (b'image,x,y,x,y\nname,a,a,b,b\n1.png,1,2,3,4\n', r'columns x and y stand 2 times: a header of two lines'),
    (b'image,a,a\n1.png,1,2\n', r"column 'a' appears more than once\. Name them a_x and a_y"),
    (b'image,a_x,a_y\n1.png,1,2\n"2.png,1,2\n3.png,1,2\n', r'line 3: 1 cells for 3 columns\. A quotation mark'),
    (b'', r'no rows'),
])
def test_what_cannot_be_read_is_named(tmp_path, data, message):
    path = tmp_path / 'table.csv'
    path.write_bytes(data)
    with pytest.raises(DataError, match=r'table\.csv: .*' + message):
        read_table(path)


@pytest.mark.parametrize(('text', 'options', 'value'), [
    ('image;a_x;a_y\n1.png;1,234;5\n', dict(decimal='comma'), '1.234'),
    ('image;a_x;a_y\n1.png;1,234;5\n', dict(decimal='point'), '1234'),
    ('image;a_x;a_y\n1.png;1.234,5;5\n', {}, '1234.5'),
    ('image;a_x;a_y\n1.png;1 234,5;5\n', {}, '1234.5'),
    ('image\ta_x\ta_y\n1.png\t1,234.5\t5\n', {}, '1234.5'),
    ('image,a_x,a_y\n1.png,1.234,5\n', {}, '1.234'),
    ('image;a_x;a_y\n1.png;1,234;2,345\n', {}, '1.234'),
    ('image;a_x;a_y\n1.png;0,234;5\n', {}, '0.234'),
    ('image,a_x,a_y\n1.png,NaN,5\n', {}, ''),
    ('image|a_x|a_y\n1.png|-2.5e1|5\n', dict(separator='bar'), '-2.5e1'),
])
def test_decimal_marks(tmp_path, text, options, value):
    path = tmp_path / 'table.csv'
    path.write_text(text)
    (line, row), = read_table(path, **options).rows
    assert (line, row['image'], row['a_x']) == (2, '1.png', value)


def test_visibility_columns_count(faces, tmp_path, convert):
    table = faces(lambda i, p: [*p.ravel(), '0' if i % 2 else '1'], ['image', *COLUMNS, 'mouth_v'])
    convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images')
    assert all(np.isnan(p[2]).all() == bool(i % 2) for i, p in landmarks(tmp_path / 'dst').items())
    table.write_text(table.read_text().replace(',1\n', ',0.97\n'))
    with pytest.raises(DataError, match=r"line 2: image '0\.png': mouth_v is '0\.97'\. Use 0"):
        convert('csv', table, tmp_path / 'other', '--images', table.parent / 'images')


def test_a_lone_coordinate_column_is_named(faces, tmp_path, convert):
    table = faces(lambda i, p: [*p.ravel()[:-2], p[2, 1]], ['image', *COLUMNS[:-2], 'mouth_y'])
    with pytest.raises(DataError, match=r"column 'mouth_x' is missing, though 'mouth_y' is there"):
        convert('csv', table, tmp_path / 'dst', '--images', table.parent / 'images')


# Persons and splits


def test_spelling_of_subjects():
    same = ['001', '1', '1.0', ' 01 ', '１']
    assert {spelling_key(value) for value in same} == {'1'}
    assert spelling_key('P 07') == spelling_key('p7')
    assert len({spelling_key(v) for v in ('10', '1', '100', '1.05', '1.5', '0', 'a1', 'a10')}) == 8


def test_subjects_that_differ_in_spelling_are_asked_about(faces, tmp_path, convert):
    table = faces(lambda i, p: [*p.ravel(), f'{i // 2:03d}' if i % 2 else f'{i // 2}'], ['image', *COLUMNS, 'Subject'])
    images = '--images', table.parent / 'images'
    with pytest.raises(DataError, match=r"line 3: .*'000' differs from '0' \(.*line 2: .*5 more .*--subjects same or"):
        convert('csv', table, tmp_path / 'dst', *images)
    report, notes = convert('csv', table, tmp_path / 'same', *images, '--subjects', 'same')
    assert sum(s['subjects'] for s in report.summary.values()) == 6 and any('the same person' in n for n in notes)
    report, _ = convert('csv', table, tmp_path / 'two', *images, '--subjects', 'distinct')
    assert sum(s['subjects'] for s in report.summary.values()) == 12
    found = [f for f in check_prepared(tmp_path / 'two').findings if f.kind == 'subject-spelling']
    assert len(found) == 6 and '0.png' in found[0].message and '1.png' in found[0].message


def test_a_column_of_persons_stops_with_a_question(faces, tmp_path, convert):
    table = faces(lambda i, p: [*p.ravel(), f'k{i % 4}'], ['image', *COLUMNS, 'patient_id'])
    images = '--images', table.parent / 'images'
    with pytest.raises(DataError, match=r"line 6: .*'patient_id' looks like the person, and is 'k0' here as in image "
                                        r"'0\.png'.* --subject patient_id, or --subject none"):
        convert('csv', table, tmp_path / 'dst', *images)
    report, _ = convert('csv', table, tmp_path / 'told', *images, '--subject', 'patient_id')
    assert sum(s['subjects'] for s in report.summary.values()) == 4
    _, notes = convert('csv', table, tmp_path / 'none', *images, '--subject', 'none')
    assert read_split(tmp_path / 'none', 'train').meta.subject is None
    assert 'columns that are not used: patient_id (--groups names subgroups)' in notes
    convert('csv', table, tmp_path / 'group', *images, '--group', 'patient_id', '--subject', 'none')
    once = table.read_text().splitlines()
    table.write_text('\n'.join([once[0], *(line.rpartition(',')[0] + f',k{i}' for i, line in enumerate(once[1:]))]))
    convert('csv', table, tmp_path / 'once', *images)  # nobody has two images, so nothing can go wrong


def test_splits_of_other_spelling_and_without_a_test(faces, tmp_path, convert):
    words = ['Train', 'training', 'VAL', 'validation', 'Testing', 'test'] * 2
    table = faces(lambda i, p: [*p.ravel(), words[i]], ['image', *COLUMNS, 'split'])
    images = '--images', table.parent / 'images'
    report, _ = convert('csv', table, tmp_path / 'dst', *images)
    assert [s['images'] for s in report.summary.values()] == [4, 4, 4]
    table.write_text(table.read_text().replace('Testing', 'val').replace('test', 'val'))
    with pytest.raises(DataError, match=r'no image is in split test, all are in train, val\. Use --resplit'):
        convert('csv', table, tmp_path / 'other', *images)


# Names of images


@pytest.mark.parametrize(('name', 'images', 'note'), [
    ('images\\{}.png', '.', 'backslashes'),
    ('C:\\study\\images\\{}.png', '.', "'C:/study' was taken off all 12 names"),
    ('C:\\study\\images\\{}.png', 'images', "'C:/study/images' was taken off"),
    ('/home/me/images/{}.png', 'images', "'/home/me/images' was taken off"),
    ('../ls_upload/1/{}.png', 'images', "'../ls_upload/1' was taken off"),
    ('https://host/data/upload/1/{}.png?x=1', 'images', "'/data/upload/1' was taken off"),
    ('/data/local-files/?d=images/{}.png', '.', None),
    ('{}', 'images', 'an ending was added'),
    ('IMAGES/{}.PNG', '.', 'case or Unicode form'),
    ('./images/{}.png', '.', None),
])
def test_names_from_elsewhere(faces, tmp_path, convert, name, images, note):
    table = faces(name=name)
    _, notes = convert('csv', table, tmp_path / 'dst', '--images', table.parent / images)
    assert note is None or any(note in n for n in notes), notes
    assert_exact(tmp_path / 'dst')


def test_names_that_fit_two_files_or_one_file_twice(faces, tmp_path, convert, photo):
    table = faces(name='C:\\study\\p0\\{}.png')
    text = table.read_text()
    images = '--images', table.parent / 'images'
    table.write_text(text.replace('C:\\study\\p0\\3.png', 'C:\\study\\p1\\4.png'))
    with pytest.raises(DataError, match=r"'C:.*p0.*0\.png' and 'C:.*p1.*4\.png' .*line 5.* lie in different folders"):
        convert('csv', table, tmp_path / 'dst', *images)
    table.write_text(text.replace('C:\\study\\p0\\', '').replace('3.png', '4'))
    with pytest.raises(DataError, match=r"line 6: image '4\.png': .*4\.png is also the image of '4' \(.*line 5"):
        convert('csv', table, tmp_path / 'dst', *images)
    photo(table.parent / 'images/4.jpg', 77, WIDTH, HEIGHT)
    table.write_text(text.replace('C:\\study\\p0\\', '').replace('4.png', '4'))
    with pytest.raises(DataError, match=r"line 6: image '4': .*4\.jpg and .*4\.png both fit, and differ"):
        convert('csv', table, tmp_path / 'dst', *images)
    table.write_text(text.replace('C:\\study\\p0\\', '').replace('4.png', 'p1/4.png'))
    with pytest.raises(DataError, match=r"line 6: .* '4\.png' lies there without its folder"):
        convert('csv', table, tmp_path / 'dst', *images)
