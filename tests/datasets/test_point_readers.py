"""Readers of points, on files that the programs themselves wrote (tests/data/annotation_programs/points)."""

import argparse
import importlib.util
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmark.datasets.findings import Finding
from benchmark.datasets.formats import FORMATS
from benchmark.datasets.formats.originals import read_originals
from benchmark.datasets.formats.recognise import recognise
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import read_split
from benchmark.datasets.readers import READERS, Annotated

HERE = Path(__file__).parents[1] / 'data' / 'annotation_programs' / 'points'
NAMES = ['nasion', 'alare', 'subnasale', 'menton']
POINTS = np.array([[10.0, 8.0], [20.5, 8.25], [15.25, 14.75], [30.0, 20.0]])
ARE = importlib.util.find_spec


def found(root):
    """The photograph's number -> its landmarks by name, in pixel centres."""
    originals = read_originals(root)
    result = {}
    for split in ('train', 'val', 'test'):
        read = read_split(root, split)
        for record in read.records:
            number = int(Path(originals[record.file_name].photograph).stem)
            result[number] = {name: point for name, point, seen in zip(
                read.meta.landmarks, record.landmarks, record.visible, strict=True) if seen}
    return result


def assert_positions(root, names=NAMES, missing=(), atol=1e-9):
    """All landmarks of all images lie where they were put, but for ``missing``, pairs of image and landmark."""
    there = found(root)
    assert sorted(there) == [0, 1, 2, 3]
    for k, points in there.items():
        assert sorted(points) == sorted(n for i, n in enumerate(names) if (k, i) not in missing)
        for i, name in enumerate(names):
            if (k, i) not in missing:
                np.testing.assert_allclose(points[name], POINTS[i] + k / 4, atol=atol, err_msg=f'{k} {name}')


def read(name, src, *options):
    """What a reader yields: annotated images, and the rest."""
    parser = argparse.ArgumentParser()
    FORMATS[name].add_arguments(parser)
    items = list(READERS[name].read(Path(src), parser.parse_args([str(o) for o in options])))
    return [i for i in items if isinstance(i, Annotated)], [i for i in items if not isinstance(i, Annotated)]


NAMED = ['--names', ','.join(NAMES)]


@pytest.mark.parametrize('name, src, options, missing, atol', [
    ('pts', 'pts', NAMED, (), 1e-3),
    ('tps', 'tps/plain.tps', NAMED, ((2, 1),), 1e-9),
    ('tps', 'tps/curves.tps', [*NAMED, '--curves', 'drop'], (), 1e-9),
    ('slicer', 'slicer/fcsv', [], (), 1e-9),
    ('slicer', 'slicer/json', [], (), 1e-9),
    ('imagej', 'imagej/Results.csv', NAMED, (), 1e-9),
    ('imagej', 'imagej/Results.txt', NAMED, (), 1e-9),
    ('imagej', 'imagej/Named.csv', [], (), 1e-9),
    ('imagej', 'imagej/single', NAMED, (), 1e-9),
    ('imagej', 'imagej/regions', NAMED, (), 1e-6),
    ('imagej', 'imagej/named', [], (), 1e-6),
    ('imagej', 'imagej/Below.csv', [*NAMED, '--origin', 'bottom-left'], (), 1e-9),
    pytest.param('sleap', 'sleap/labels.slp', [], ((2, 1),), 1e-9,
                 marks=pytest.mark.skipif(not ARE('sleap_io'), reason='sleap-io is not installed'))])
def test_positions_are_those_that_were_put_in(name, src, options, missing, atol, tmp_path, convert):
    _, notes = convert(name, HERE / src, tmp_path / 'set', '--images', HERE, '--flip-policy', 'never', *options)
    assert_positions(tmp_path / 'set', missing=missing, atol=atol)
    if name == 'tps' and missing:
        assert '1 points with x below 0, or NA, are not annotated' in notes


@pytest.mark.skipif(not ARE('sleap_io'), reason='sleap-io is not installed')
def test_sleap_tells_mirror_images_and_leaves_predictions_out(tmp_path, convert):
    _, notes = convert('sleap', HERE / 'sleap' / 'labels.slp', tmp_path / 'set', '--images', HERE)
    meta = read_split(tmp_path / 'set', 'train').meta
    assert (list(meta.landmarks), list(meta.flip_indices)) == (NAMES, [3, 1, 2, 0])
    assert 'flip pairs from SRC' in notes
    assert 'labels.slp: 1 predicted instances are left out; those that a person made are read' in notes


@pytest.fixture
def project(tmp_path):
    """A DeepLabCut project: the tables with their images; makes one of the folder named ``video``."""

    def make(video):
        folder = tmp_path / 'project' / 'labeled-data' / video
        shutil.copytree(HERE / 'deeplabcut' / 'labeled-data' / video, folder)
        for k in range(4):
            shutil.copy(HERE / f'{k}.png', folder)
        return folder

    return make


def test_deeplabcut_from_any_of_its_folders(project, tmp_path, convert):
    folder = project('walk')
    for number, src in enumerate((folder.parents[1], folder.parent, folder, folder / 'CollectedData_anna.csv')):
        _, notes = convert('deeplabcut', src, tmp_path / f'set{number}', '--flip-policy', 'never')
        assert_positions(tmp_path / f'set{number}', missing=((2, 1),))
        assert (number < 3) == ('1 .h5 files lie beside a .csv of the same name, which is read' in notes)


def test_deeplabcut_of_several_animals(project, tmp_path, convert):
    folder = project('pair')
    with pytest.raises(DataError, match='2 annotated faces in 0.png. Use --size'):
        convert('deeplabcut', folder, tmp_path / 'set')
    _, notes = convert('deeplabcut', folder, tmp_path / 'set', '--size', 32, '--flip-policy', 'never')
    originals = read_originals(tmp_path / 'set')
    positions = []
    for split in ('train', 'val', 'test'):
        for record in read_split(tmp_path / 'set', split).records:
            original = originals[record.file_name]
            positions.append((original.photograph, *original.back(record.landmarks)[0].round(6)))
    expected = [(f'{k}.png', 10 + k / 4 + s, 8 + k / 4 + s) for k in range(4) for s in (0, 5) if (k, s) != (3, 5)]
    assert sorted(positions) == expected
    assert "not used: body parts of the individual 'single' (7 images)" in notes


def test_deeplabcut_hdf(project, tmp_path, convert):
    folder = project('walk')
    (folder / 'CollectedData_anna.csv').unlink()
    if ARE('tables'):
        convert('deeplabcut', folder, tmp_path / 'set', '--flip-policy', 'never')
        assert_positions(tmp_path / 'set', missing=((2, 1),))
    else:
        with pytest.raises(DataError, match='HDF5 is read with PyTables, which is not installed. Install it .*or give '
                                            'CollectedData_anna.csv'):
            convert('deeplabcut', folder, tmp_path / 'set')


@pytest.mark.parametrize('name, dot, package', [('sleap', 'sleap/labels.slp', 'sleap_io'),
                                                ('deeplabcut', 'deeplabcut/labeled-data/walk/CollectedData_anna.h5',
                                                 'tables')])
def test_a_missing_package_is_one_line(name, dot, package, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(DataError, match=r'which is not installed. Install it \(pip install '):
        read(name, HERE / dot)


# ImageJ: pixels of the unit of a TIFF

@pytest.mark.parametrize('name, step', [('mm', 0.004), ('cm', 0.04), ('inch', 0.15), ('none', 0.004),
                                        ('dpi72', 0.001), ('jfif', 0.001)])
def test_results_in_the_unit_of_an_image_become_pixels(name, step):
    (item,), rest = read('imagej', HERE / 'scaled' / f'{name}.csv')
    np.testing.assert_allclose(item.points, POINTS, atol=step / 2 + 1e-9)
    warned = [one for one in rest if isinstance(one, Finding)]
    assert [one.kind for one in warned] == (['coarse'] if name == 'inch' else [])
    (raw,), rest = read('imagej', HERE / 'scaled' / f'{name}.csv', '--units', 'pixels')
    assert np.allclose(raw.points, POINTS) == (name in ('dpi72', 'jfif')) and not rest


@pytest.mark.parametrize('text, message', [
    (' ,Area\n1,5\n', r'no column X. Columns: Area. Measure with Centroid on'),
    (' ,Label,X,Y\n1,0.png,1,2\n2,0.png,x,3\n', "line 3: X is 'x', no finite number"),
    (' ,Label,X,Y,Slice\n1,0.png,1,2,1\n2,0.png,1,3,2\n', 'line 3: points on slices 1 and 2 of 0.png'),
    (' ,Label,X,Y\n1,0.png:a,1,2\n2,0.png:a,1,3\n', 'names of landmarks are missing or stand twice'),
    (' ,X,Y\n1,1,2\n', 'no image Results lies beside it or in --images')])
def test_results_that_are_refused(tmp_path, text, message):
    (tmp_path / 'Results.csv').write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        read('imagej', tmp_path / 'Results.csv')
    assert str(caught.value).startswith(str(tmp_path)) and '\n' not in str(caught.value)


def test_regions_that_are_no_points(tmp_path):
    data = bytearray((HERE / 'imagej' / 'regions' / '0.roi').read_bytes())
    shutil.copy(HERE / '0.png', tmp_path)
    (tmp_path / '0.roi').write_bytes(data[:100])
    with pytest.raises(DataError, match='the region is cut short or damaged'):
        read('imagej', tmp_path)
    data[6] = 1  # a rectangle
    (tmp_path / '0.roi').write_bytes(data)
    (item,), _ = read('imagej', tmp_path)
    assert list(item.points) == [] and item.unused == ['regions that are no points']
    (tmp_path / '0.roi').write_bytes(b'text' + bytes(99))
    with pytest.raises(DataError, match='is no region of ImageJ'):
        read('imagej', tmp_path / '0.roi')


# 3D Slicer: millimetres by the spacing that ITK reads (SimpleITK 2.5.7 gives these)

@pytest.mark.parametrize('name, spacing', [('inch.tif', 25.4 / 150), ('cm.tif', 0.25), ('none.tif', 1),
                                           ('jfif.jpg', 0.1), ('mm.tif', 1)])
def test_spacing_of_an_image_is_that_of_itk(tmp_path, name, spacing):
    shutil.copy(HERE / 'scaled' / name, tmp_path)
    text = (HERE / 'slicer' / 'fcsv' / '0.fcsv').read_text()
    (tmp_path / f'{Path(name).stem}.fcsv').write_text(text)
    (item,), notes = read('slicer', tmp_path)
    np.testing.assert_allclose(list(item.points.values()), POINTS / spacing)
    assert len(notes) == (spacing != 1)
    (item,), notes = read('slicer', tmp_path, '--image-spacing', '0.5,0.25')
    np.testing.assert_allclose(list(item.points.values()), POINTS / [0.5, 0.25])
    assert not notes


def test_points_that_are_not_placed(tmp_path):
    shutil.copy(HERE / '0.png', tmp_path)
    text = (HERE / 'slicer' / 'fcsv' / '0.fcsv').read_text().replace('alare,,,2,0', 'alare,,,0,0')
    (tmp_path / '0.fcsv').write_text(text)
    (item,), _ = read('slicer', tmp_path)
    assert list(item.points) == ['nasion', 'subnasale', 'menton']
    json_text = (HERE / 'slicer' / 'json' / '0.mrk.json').read_text()
    (tmp_path / '0.fcsv').unlink()
    (tmp_path / '0.mrk.json').write_text(json_text.replace('"label": "alare",',
                                                           '"label": "alare", "positionStatus": "undefined",'))
    (item,), _ = read('slicer', tmp_path)
    assert list(item.points) == ['nasion', 'subnasale', 'menton']


@pytest.mark.parametrize('change, message', [
    (('10.0,8.0,0', '10.0,8.0,5'), "point 'nasion': z is 5 mm: it lies in a volume"),
    (('alare', 'nasion'), "point 'nasion': the label stands twice"),
    (('10.0,8.0', 'x,8.0'), 'line 4: no label with x, y and z'),
    (('= LPS', '= IJK'), "the coordinate system is 'IJK'. Save it as LPS or RAS")])
def test_point_lists_that_are_refused(tmp_path, change, message):
    shutil.copy(HERE / '0.png', tmp_path)
    (tmp_path / '0.fcsv').write_text((HERE / 'slicer' / 'fcsv' / '0.fcsv').read_text().replace(*change))
    with pytest.raises(DataError, match=message):
        read('slicer', tmp_path)


def test_the_oldest_point_lists_are_ras(tmp_path):
    shutil.copy(HERE / '0.png', tmp_path)
    text = (HERE / 'slicer' / 'fcsv' / '0.fcsv').read_text()
    (tmp_path / '0.fcsv').write_text(text.replace('# CoordinateSystem = LPS\n', '').replace('1,10.0,8.0', '1,-10,-8'))
    (item,), _ = read('slicer', tmp_path)
    np.testing.assert_allclose(item.points['nasion'], POINTS[0])


# TPS

def test_curves_follow_the_landmarks_and_scale_needs_its_unit(tmp_path, convert):
    (one, *_), notes = read('tps', HERE / 'tps' / 'curves.tps')
    assert len(one.points) == 6 and 'their points follow the landmarks' in notes[0]
    items, notes = read('tps', HERE / 'tps' / 'plain.tps')
    assert {item.spacing for item in items} == {None} and 'SCALE is not used (4 images)' in notes[1]
    items, _ = read('tps', HERE / 'tps' / 'plain.tps', '--scale-unit', 'cm')
    assert [item.spacing for item in items] == [2.5, 1.25, 2.5, 5]
    assert [item.fields for item in items] == [{'id': name} for name in 'abcd']
    convert('tps', HERE / 'tps' / 'plain.tps', tmp_path / 'set', '--images', HERE, '--scale-unit', 'mm', *NAMED)
    originals = read_originals(tmp_path / 'set')
    assert {o.photograph: o.mm_down for o in originals.values()} == {'0.png': .25, '1.png': .125, '2.png': .25,
                                                                     '3.png': .5}


@pytest.mark.parametrize('text, message', [
    ('LM3=1\n1 2 3\nIMAGE=a.png\n', 'line 1: LM3 counts points in space'),
    ('LM=2\n1 2\nIMAGE=a.png\n', "line 3: 'IMAGE=a.png' is not `x y`"),
    ('LM=1\n1 2\n3 4\nIMAGE=a.png\n', "line 3: '3 4' is neither KEY=VALUE nor one of the points"),
    ('LM=3\n1 2\n3 4\n', 'line 1: LM=3, but the file ends after 2 points'),
    ('IMAGE=a.png\n', "line 1: 'IMAGE=a.png' comes before the first LM="),
    ('LM=x\n', "line 1: LM is 'x'. Give the number of points"),
    ('LM=1\n1 2\nID=7\n', "line 1: image '7': no IMAGE= follows LM=")])
def test_tps_files_that_are_refused(tmp_path, text, message):
    (tmp_path / 'a.tps').write_text(text)
    with pytest.raises(DataError, match=message):
        read('tps', tmp_path)


def test_missing_points_of_tps_in_every_spelling(tmp_path):
    lines = ['LM=5', '1 2', '-1 -1', 'NA NA', '-30,5 12', '2,5 3', 'IMAGE=b\\a.png', 'SCALE=0', '']
    (tmp_path / 'a.tps').write_bytes('\r\n'.join(lines).encode())
    (item,), _ = read('tps', tmp_path)
    assert item.points == [(1, 2), None, None, None, (2.5, 3)] and item.image == 'b/a.png'
    with pytest.raises(DataError, match="SCALE is '0'. Give mm a pixel, above 0"):
        read('tps', tmp_path, '--scale-unit', 'mm')


# .pts

def test_pts_of_any_number_and_of_68(tmp_path, convert):
    _, notes = convert('pts', HERE / 'pts', tmp_path / 'a', '--images', HERE, '--flip-policy', 'never')
    assert_positions(tmp_path / 'a', ['p1', 'p2', 'p3', 'p4'], atol=1e-3)
    assert '4 landmarks without names: p1 to p4 (--names)' in notes
    convert('pts', HERE / 'pts', tmp_path / 'b', '--images', HERE, '--zero-based', '--flip-policy', 'never')
    np.testing.assert_allclose(found(tmp_path / 'b')[0]['p1'], POINTS[0] + 1)
    with pytest.raises(DataError, match='--landmarks: it chooses among the 68 points of 300-W'):
        convert('pts', HERE / 'pts', tmp_path / 'c', '--images', HERE, '--landmarks', 'all')
    with pytest.raises(DataError, match='--names: 2 different names for 4 points'):
        convert('pts', HERE / 'pts', tmp_path / 'c', '--images', HERE, '--names', 'a,b')
    folder = tmp_path / 'src'
    folder.mkdir()
    for k in range(4):
        shutil.copy(HERE / f'{k}.png', folder)
        rows = ''.join(f'{2 + i / 3 + k:.3f} {3 + i / 4:.3f}\n' for i in range(68))
        (folder / f'{k}.pts').write_text(f'version: 1\nn_points: 68\n{{\n{rows}}}\n')
    with pytest.raises(DataError, match='^--flip-pairs: not for the 68 points of 300-W'):
        convert('pts', folder, tmp_path / 'd', '--flip-pairs', 'none')
    names = [f'q{i}' for i in range(68)]
    convert('pts', folder, tmp_path / 'd', '--names', ','.join(names), '--flip-policy', 'never')
    np.testing.assert_allclose(found(tmp_path / 'd')[1]['q67'], [2 + 67 / 3 + 1 - 1, 3 + 67 / 4 - 1], atol=1e-3)


# Recognising, and the frame of rotated photographs

@pytest.mark.parametrize('name, src', [
    ('pts', 'pts'), ('tps', 'tps'), ('slicer', 'slicer/json'), ('slicer', 'slicer/fcsv'), ('sleap', 'sleap'),
    ('deeplabcut', 'deeplabcut'), ('imagej', 'imagej/Results.csv'), ('imagej', 'imagej/named')])
def test_the_format_is_recognised(name, src):
    assert recognise(str(HERE / src), 'DST', FORMATS)[0] == name


@pytest.mark.parametrize('name, frame', [('imagej', 'stored'), ('slicer', 'stored'), ('sleap', 'stored'),
                                         ('labelme', 'turned'), ('dlib', 'stored'), ('yolo', 'turned'),
                                         ('tps', None), ('deeplabcut', None)])
def test_each_reader_declares_the_frame_of_rotated_photographs(name, frame):
    parser = argparse.ArgumentParser()
    FORMATS[name].add_arguments(parser)
    assert parser.parse_args([]).rotation == READERS[name].rotation == frame


def test_rotated_photographs_of_a_program_that_does_not_turn_them(tmp_path, convert):
    from PIL import Image
    lines = [' ,Label,X,Y']
    for k in range(4):
        exif = Image.Exif()
        exif[0x0112] = 6
        noise = np.random.default_rng(k).integers(0, 256, (30, 40, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / f'{k}.jpg', exif=exif)
        lines += [f'1,{k}.jpg,{x + k / 4},{y + k / 4}' for x, y in POINTS]
    (tmp_path / 'Results.csv').write_text('\n'.join(lines) + '\n')
    _, notes = convert('imagej', tmp_path / 'Results.csv', tmp_path / 'set', '--flip-policy', 'never', *NAMED)
    assert_positions(tmp_path / 'set')
    assert any(note.startswith('4 images carry an EXIF rotation and are read as stored') for note in notes)
    with pytest.raises(DataError, match='outside of the 30 x 40 image.* try --rotation stored'):
        convert('imagej', tmp_path / 'Results.csv', tmp_path / 'other', '--rotation', 'turned')
