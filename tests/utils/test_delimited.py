"""Delimited text: what is found out, and what is refused instead of guessed."""

import pytest

from benchmark.utils.delimited import DelimitedError, _any, _regular, decimal_comma, read_delimited

ROWS = [['a', '1'], ['é', '2']]
CELLS = [['a', 'é'], ['1', '2']]


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(('separator', 'remark'), [(',', None), (';', 'semicolons'), ('\t', 'tabs'),
                                                   ('|', 'vertical bars')])
@pytest.mark.parametrize('declared', [False, True])
def test_separator_is_found(tmp_path, separator, remark, declared):
    text = '\n'.join(separator.join(row) for row in [['name', 'error'], *ROWS, ['', '']])
    found = read_delimited(write(tmp_path / 't.csv', (f'sep={separator}\r\n' if declared else '') + text))
    assert (found.columns, found.cells, found.separator) == (['name', 'error'], CELLS, separator)
    assert found.remarks == ([f'separated by {remark}'] if remark else [])


def test_wanted_columns_decide_before_the_number_of_cells(tmp_path):
    path = write(tmp_path / 't.csv', 'image;a,b,c,d\n1;x\n')
    assert read_delimited(path, ('image',)).columns == ['image', 'a,b,c,d']


@pytest.mark.parametrize(('encoding', 'said'), [('utf-8', False), ('utf-8-sig', False), ('utf-16', False),
                                                ('cp1252', True)])
def test_encoding_is_found(tmp_path, encoding, said):
    found = read_delimited(write(tmp_path / 't.csv', 'name,error\né,1\n'.encode(encoding)))
    assert found.columns == ['name', 'error'] and found.cells == [['é'], ['1']]
    assert bool(found.remarks) == said


@pytest.mark.parametrize('content', [b'\xff\xfe\x00', b'PK\x03\x04\x00\x00', b'a\x81b\n', 'a,b\n'.encode('utf-16-le')])
def test_what_is_no_text_is_refused(tmp_path, content):
    with pytest.raises(DelimitedError, match='not text'):
        read_delimited(write(tmp_path / 't.csv', content))


#: Regular to the eye, and each for a reason of its own not to be split as a whole but for the first ones.
TEXTS = ['a,b\n1,2\n', 'a,b\r\n1,2\r\n3,4', 'a,b\n1,\n3, \n', ' a,b\n1,2\n', 'a, b\n1, 2\n', 'a,b\n,2\n,\n \t,\n3,4\n',
         'a,b\n\n1,2\n\n', 'a,b\n1,2,\n', 'a,"b"\n"1\n0","2""3"\n', 'a,b\r1,2\r3,4\r', 'a,b\n 1,2\n', 'a\n1\n2\n', '',
         '\n', 'a,b', 'a,b\n1\x0b,2\u2028\n', 'a,,\n1,,\n2,,\n', 'a,a\n1,2\n', 'a,b\n1\t,2\n',
         ',\na,b\n1,2\n', ' ,\t\na,b\n1,2\n']


@pytest.mark.parametrize('text', TEXTS)
@pytest.mark.parametrize('separator', [',', ';', '\t', '|'])
def test_what_is_split_as_a_whole_is_what_the_csv_module_reads(text, separator):
    text = text.replace(',', separator)
    whole = _regular(text, separator)
    assert whole is None or whole == _any(text, separator, 1)


def test_a_plain_table_is_split_as_a_whole():
    assert [place for place, text in enumerate(TEXTS) if _regular(text, ',')] == [0, 1, 14, 15, 16, 17, 18]


def test_a_spreadsheets_margin_is_left_out(tmp_path):
    found = read_delimited(write(tmp_path / 't.csv', ';name;error;;\n;a;1;;\n;b;2;;;\n'))
    assert found.columns == ['name', 'error'] and found.cells == [['a', 'b'], ['1', '2']]


def test_ragged_rows_are_refused_with_their_line(tmp_path):
    with pytest.raises(DelimitedError, match='line 3: 3 cells for 2 columns separated by commas; .* decimal points'):
        read_delimited(write(tmp_path / 't.csv', 'name,error\na,1\nb,2,5\n'))


@pytest.mark.parametrize(('cells', 'separator', 'found'), [
    (['1.5', '2', ''], ';', False), (['1,5', '2'], ';', True), (['1,234', '2'], ';', True), (['1,234'], ';', True),
    (['1,234', '0,5'], '\t', True), (['0,234'], ',', True), (['1,234', '12,5'], ',', True), (['1,5e-3'], '\t', True),
    (['a, b'], ',', False), ([], ';', False)])
def test_decimal_commas(cells, separator, found):
    assert decimal_comma(cells, separator) is found


@pytest.mark.parametrize(('cells', 'separator', 'part'), [
    (['1,5', '2.5'], ';', "decimal commas .'1,5'. and decimal points .'2.5'."), (['1.234,5'], ';', 'thousands'),
    (['1,234,567'], ',', 'thousands'), (['1,234', '12,000'], ',', "'1,234' may"), (['1,234'], '\t', "'1,234' may")])
def test_what_would_be_a_guess_is_refused(cells, separator, part):
    with pytest.raises(DelimitedError, match=part):
        decimal_comma(cells, separator)
