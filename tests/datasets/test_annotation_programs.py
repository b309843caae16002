"""Files that annotation programs wrote (tests/data/annotation_programs): positions against those put in."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from benchmark.datasets.formats import FORMATS
from benchmark.datasets.formats.recognise import recognise
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import read_split

FILES = Path(__file__).resolve().parents[1] / 'data/annotation_programs'
NAMES, WIDTH, HEIGHT, COUNT = ('eye_r', 'eye_l', 'mouth'), 64, 48, 4


def points(i):
    """Landmarks of image i as they were put in, brought from the image's corner to pixel centres."""
    return np.array([(20.3 + i, 15.7), (42.6, 16.2 + i), (31.4, 33.9 + i)]) - .5


def read(root):
    """Records by the image's number."""
    records = [r for s in ('train', 'val', 'test') if (root / f'annotations/{s}.json').exists()
               for r in read_split(root, s).records]
    return {int(r.file_name.rpartition('/')[2].partition('.')[0]): r for r in records}


def check(root, atol, count=COUNT):
    found = read(root)
    assert sorted(found) == list(range(count))
    for i, record in found.items():
        order = [read_split(root, 'train').meta.landmarks.index(name) for name in NAMES]
        np.testing.assert_allclose(record.landmarks[order], points(i), atol=atol)


@pytest.fixture
def files(tmp_path):
    """A copy of the files, each program's folder beside the images."""
    shutil.copytree(FILES, tmp_path / 'src')
    return tmp_path / 'src'


#: Format, SRC, options, largest difference in pixels: what the program rounds to.
CASES = [
    ('labelme', 'labelme', (), 1e-9),                                   # a tenth of a pixel was clicked
    ('labelstudio', 'labelstudio/project.json', ('--images', 'images'), 1e-9),
    ('labelstudio', 'labelstudio/min.json', ('--images', 'images'), 1e-9),
    ('cvat', 'cvat/default.xml', ('--images', 'images'), .005),         # hundredths
    ('yolo', 'yolo/data.yaml', ('--resplit',), .5e-6 * WIDTH + 1e-9),   # six decimals of the width
]


@pytest.mark.parametrize(('name', 'src', 'options', 'atol'), CASES)
def test_positions_are_those_put_in(files, tmp_path, convert, name, src, options, atol):
    shutil.copytree(files / 'images', files / 'yolo/images')
    options = [files / 'images' if option == 'images' else option for option in options]
    report, notes = convert(name, files / src, tmp_path / 'dst', *options)
    assert report.ok
    check(tmp_path / 'dst', atol)
    assert any('read as' in str(note) for note in notes)


@pytest.mark.parametrize(('name', 'src'), [(c[0], c[1]) for c in CASES] + [('dlib', 'dlib'), ('cvat', 'cvat')])
def test_each_is_recognised_and_nothing_else_fits(files, name, src):
    assert recognise(str(files / src), 'dst', FORMATS)[0] == name


def test_parts_of_dlib_are_in_the_order_of_their_numbers(files, tmp_path, convert):
    text = (files / 'dlib/imglab.xml').read_text()
    assert text.index("'10'") < text.index("'2'")
    convert('dlib', files / 'dlib/imglab.xml', tmp_path / 'dst')
    train = read_split(tmp_path / 'dst', 'train')
    assert train.meta.landmarks == tuple(map(str, range(12)))
    for i, record in read(tmp_path / 'dst').items():
        np.testing.assert_array_equal(record.landmarks, [[20 + 2 * k + i, 15 + 2 * (k % 5) + i] for k in range(12)])
    annotation = json.loads((tmp_path / 'dst/annotations/train.json').read_text())['annotations'][0]
    assert annotation['bbox'] == [10, 8, 44, 36]


def test_splits_names_pairs_and_hidden_points_of_yolo(files, tmp_path, convert):
    shutil.copytree(files / 'images', files / 'yolo/images')
    _, notes = convert('yolo', files / 'yolo', tmp_path / 'dst')
    train = read_split(tmp_path / 'dst', 'train')
    assert [r.file_name.rpartition('/')[2] for r in train.records] == ['0.png', '1.png']
    assert train.meta.landmarks == NAMES and train.meta.flip_indices == (1, 0, 2)
    assert 'flip pairs from SRC' in notes
    annotations = json.loads((tmp_path / 'dst/annotations/train.json').read_text())['annotations']
    assert [a['keypoints'][8] for a in annotations] == [2, 1]
    config = files / 'yolo/data.yaml'
    config.write_text(config.read_text().replace('kpt_names:\n  0: [eye_r, eye_l, mouth]\n', ''))
    _, notes = convert('yolo', config, tmp_path / 'named', '--names', 'a,b,c')
    assert read_split(tmp_path / 'named', 'train').meta.landmarks == ('a', 'b', 'c')


def two_values(files):
    """YOLO labels without v, the mouth of image 1 at 0 0, and outside in image 2."""
    shutil.copytree(files / 'images', files / 'yolo/images')
    config = files / 'yolo/data.yaml'
    config.write_text(config.read_text().replace('[3, 3]', '[3, 2]'))
    for path in (files / 'yolo/labels').glob('*.txt'):
        cells = path.read_text().split()
        pairs = [cells[k:k + 2] for k in (5, 8, 11)]
        pairs[2] = {'1': ['0', '0'], '2': ['-1', '-1']}.get(path.stem, pairs[2])
        path.write_text(' '.join([*cells[:5], *(cell for pair in pairs for cell in pair)]) + '\n')
    return config


def test_zero_zero_of_yolo_is_asked_about(files, tmp_path, convert):
    config = two_values(files)
    report, _ = convert('yolo', config, tmp_path / 'dst')
    assert '--missing=0,0' in ' '.join(report.warnings)
    convert('yolo', config, tmp_path / 'told', '--missing', '0,0')
    assert [list(r.visible) for _, r in sorted(read(tmp_path / 'told').items())] == [
        [True] * 3, [True, True, False], [True, True, False], [True] * 3]


def test_skeletons_of_cvat(files, tmp_path, convert):
    options = '--images', files / 'images'
    report, notes = convert('cvat', files / 'cvat/skeletons.xml', tmp_path / 'dst', *options, '--subject', 'patient',
                            '--resplit')
    found = read(tmp_path / 'dst')
    assert sorted(found) == [0, 1, 2] and [r.subject for _, r in sorted(found.items())] == ['k0', 'k1', 'k2']
    assert read_split(tmp_path / 'dst', 'train').meta.landmarks == ('mouth', 'eye_r', 'eye_l')
    assert not found[1].visible[0]
    np.testing.assert_allclose(found[0].landmarks, points(0)[[2, 0, 1]], atol=1e-9)
    assert '1 images without annotated landmarks left out: 3.png' in notes
    assert 'not used: <box> (1 images)' in notes
    assert 'fields that are not used: frontal (' in ' '.join(map(str, notes))
    kept = [a['keypoints'][2] for s in ('train', 'val', 'test')
            for a in json.loads((tmp_path / f'dst/annotations/{s}.json').read_text())['annotations']]
    assert sorted(kept) == [0, 1, 2]  # absent, occluded, seen
    _, _ = convert('cvat', files / 'cvat/skeletons.xml', tmp_path / 'own', *options)
    assert len(read_split(tmp_path / 'own', 'train').records) == 2 and len(
        read_split(tmp_path / 'own', 'test').records) == 1


def test_points_of_cvat_in_one_element_have_no_names(files, tmp_path, convert):
    path = files / 'cvat/default.xml'
    lines = []
    for i in range(COUNT):
        text = ';'.join(f'{x + .5:.2f},{y + .5:.2f}' for x, y in points(i))
        lines.append(f'<image id="{i}" name="{i}.png" width="64" height="48"><points label="face" occluded="0" '
                     f'points="{text}"/></image>')
    path.write_text(f'<annotations>{"".join(lines)}</annotations>')
    convert('cvat', path, tmp_path / 'dst', '--images', files / 'images', '--names', ','.join(NAMES))
    check(tmp_path / 'dst', .005)


def test_two_annotators_of_label_studio(files, tmp_path, convert):
    path = files / 'labelstudio/project.json'
    tasks = json.loads(path.read_text())
    for task in tasks:
        other = json.loads(json.dumps(task['annotations'][0]))
        other |= dict(completed_by=dict(id=7, email='ann@clinic.example'))
        for region in other['result']:
            region['value']['x'] += 1
        task['annotations'] = [other, task['annotations'][0] | dict(ground_truth=True)]
    path.write_text(json.dumps(tasks))
    _, notes = convert('labelstudio', path, tmp_path / 'dst', '--images', files / 'images')
    assert 'points of a further annotator are not used: --annotators user7 takes them' in notes
    check(tmp_path / 'dst', 1e-9)
    convert('labelstudio', path, tmp_path / 'both', '--images', files / 'images', '--annotators', 'user7',
            '--subject', 'patient_id')
    train = read_split(tmp_path / 'both', 'train')
    first = train.records[0]
    np.testing.assert_allclose(first.annotators['user7'] - first.landmarks, [[.01 * WIDTH, 0]] * 3)
    for file in (tmp_path / 'both').rglob('*.json'):
        assert 'clinic.example' not in file.read_text()


def replaced(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


BAD = [
    ('cvat', 'cvat/default.xml', '<annotations>', '<!DOCTYPE a [<!ENTITY b "c">]><annotations>', 'line 2: a document'),
    ('cvat', 'cvat/default.xml', '</annotations>', '', 'no well-formed XML'),
    ('cvat', 'cvat/default.xml', '20.30,15.70', '20.30', r"image '0\.png': <points> 1: points is '20\.30'"),
    ('cvat', 'cvat/default.xml', 'label="eye_l"', 'label="eye_r"', "<points> 2: 'eye_r' is marked twice"),
    ('cvat', 'cvat/default.xml', 'points="20.30,15.70"', 'points="20.30,15.70" group_id="1"', 'belong to no group'),
    ('cvat', 'cvat/default.xml', '20.30,15.70', '20.30,15.70;1,2', 'which have no names, beside points with names'),
    ('cvat', 'cvat/default.xml', '<image ', '<track id="0"/><image ', 'tracks of a video'),
    ('dlib', 'dlib/imglab.xml', "x='20'", "x='a'", r"image '.*0\.png': <part>: x is 'a', no number"),
    ('dlib', 'dlib/imglab.xml', "name='1'", "name='0'", "part '0' is there twice"),
    ('dlib', 'cvat/default.xml', '<annotations>', '<annotations>', 'first element is <annotations>, not <dataset>'),
    ('labelstudio', 'labelstudio/project.json', '"eye_l"', '"eye_r"', "task 1: 'eye_r' is marked twice"),
    ('labelstudio', 'labelstudio/project.json', '"image_rotation": 0', '"image_rotation": 90', 'turned in Label St'),
    ('labelstudio', 'labelstudio/project.json', '"annotations"', '"notes"', 'task 1: annotations are missing'),
    ('yolo', 'yolo/data.yaml', '[3, 3]', '[4, 3]', 'kpt_names has 3 names, kpt_shape 4 points'),
    ('yolo', 'yolo/data.yaml', 'kpt_shape: [3, 3]', 'kpt_shape: 3', 'kpt_shape is 3. Give'),
    ('yolo', 'yolo/data.yaml', '[1, 0, 2]', '[1, 0, 3]', 'flip_idx is no order of the 3 points'),
    ('yolo', 'yolo/data.yaml', 'val.txt', 'photos', 'val: photos is not there'),
    ('yolo', 'yolo/labels/0.txt', ' 2 ', ' ', r'0\.txt: line 1: 13 numbers, not 14'),
    ('yolo', 'yolo/labels/0.txt', '0 0.5', '0 half', r"0\.txt: line 1: '0 half .* are not all numbers"),
]


@pytest.mark.parametrize(('name', 'file', 'old', 'new', 'message'), BAD)
def test_what_is_wrong_is_named(files, tmp_path, convert, name, file, old, new, message):
    shutil.copytree(files / 'images', files / 'yolo/images')
    replaced(files / file, old, new)
    src = files / ('yolo/data.yaml' if name == 'yolo' else file)
    options = () if name == 'yolo' else ('--images', files / 'images')
    with pytest.raises(DataError, match=message):
        convert(name, src, tmp_path / 'dst', *options)
    assert not (tmp_path / 'dst').exists()
