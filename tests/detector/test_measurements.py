"""measurements.csv: distances and angles of what was predicted, and schemes that declare them."""

import csv

import pytest

from benchmark.datasets.metainfo import DataError, LandmarkMeta

FIELDS = dict(name='n', landmarks=['a', 'b', 'c', 'd'], flip_indices=[0, 1, 2, 3])


def scheme(**measurements):
    return LandmarkMeta.from_dict(dict(FIELDS, measurements=measurements), 'metainfo.json')


def line(points, **more):
    return dict(image='i', size=[100, 50], points=points, scores=[1.0] * 4, spread=None, doubt=0.0, square=[1.0, 1.0],
                mm=None, said=[]) | more


def test_distances_angles_and_what_has_none(tmp_path):
    from benchmark.detector.tables import write_tables
    declared = scheme(width=['a', 'b'], corner=['a', 'b', 'c'], turn=['a', 'b', 'c', 'signed'],
                      lines=['a', 'b', 'c', 'd'], part=['a', 'b', 'b', 'c', 'ratio'], out=['c', 'a', 'b', 'offset'])
    # Pixels that count twice down: c is as far below b as a is to its left.
    lines = dict(i=line([(0, 0), (10, 0), (10, 5), (10, 5)], square=[1.0, 2.0], mm=0.5))
    write_tables(tmp_path, declared, ['i'], lines)
    rows = {row['measurement']: row for row in csv.DictReader((tmp_path / 'measurements.csv').open(newline=''))}
    assert (rows['width']['pixels'], rows['width']['mm'], rows['width']['degrees']) == ('10.0', '5.0', '')
    assert (rows['corner']['degrees'], rows['turn']['degrees'], rows['corner']['pixels']) == ('90.0', '-90.0', '')
    assert (rows['lines']['degrees'], rows['lines']['note']) == ('', 'two of its points coincide')
    assert (rows['part']['ratio'], rows['part']['pixels'], rows['out']['pixels'], rows['out']['mm']) == (
        '1.0', '', '10.0', '5.0')
    write_tables(tmp_path, declared, ['i'], lines, ['c'])
    assert [row['measurement'] for row in csv.DictReader((tmp_path / 'measurements.csv').open(newline=''))] == ['width']


def test_classes_of_what_was_predicted(tmp_path):
    from benchmark.detector.tables import write_tables
    declared = scheme(width=['a', 'b', 'narrow < 4 < wide'], corner=['a', 'b', 'c', 'sharp < 90 < blunt'],
                      pixels=['a', 'b', 'narrow < 4 px < wide'], none=['a', 'b'])
    for mm, width in ((0.5, 'wide'), (0.3, 'narrow'), (None, '')):
        write_tables(tmp_path, declared, ['i'], dict(i=line([(0, 0), (10, 0), (10, 5), (10, 5)], mm=mm)))
        rows = csv.DictReader((tmp_path / 'measurements.csv').open(newline=''))
        assert {row['measurement']: row['class'] for row in rows} == dict(
            width=width, corner='blunt', pixels='', none='')


@pytest.mark.parametrize('ends', [['a', 'b', 'a'], ['a', 'b', 'x'], ['a', 'a', 'b', 'c'], ['a', 'b', 'c', 'c'],
                                  ['a', 'b', 'c', 'd', 'a'], ['a', 'b', 'b', 'signed']])
def test_no_angle_can_be_meant(ends):
    with pytest.raises(DataError, match='metainfo.json: odd: .* must be three landmarks'):
        scheme(odd=ends)


def test_lines_may_share_a_landmark():
    assert scheme(SNA=['a', 'b', 'b', 'c']).measurements == dict(SNA=('a', 'b', 'b', 'c'))
    with pytest.raises(DataError, match='must be two different landmarks'):
        scheme(odd=['a', 'signed'])
