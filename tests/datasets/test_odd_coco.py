"""COCO files as other programs write them: read right, or refused with the remedy."""

import importlib.util
import json
import re
from pathlib import Path

import numpy as np
import pytest
from odd import COUNT, HEIGHT, NAMES, WIDTH, assert_exact, landmarks, points

from benchmark.datasets.formats.mmpose_config import read_metainfo
from benchmark.datasets.formats.points import load_points
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import read_split


@pytest.fixture
def coco(tmp_path, photo):
    """Writes a COCO file of ``COUNT`` images after a change; returns its path."""

    def make(change=lambda c: None, name='src/faces.json'):
        content = dict(
            categories=[dict(id=1, name='face', keypoints=list(NAMES))],
            images=[dict(id=i, file_name=f'{i}.png', width=WIDTH, height=HEIGHT) for i in range(COUNT)],
            annotations=[dict(id=i, image_id=i, category_id=1, num_keypoints=3, bbox=[60, 40, 120, 130],
                              keypoints=[v for x, y in points(i) for v in (x, y, 2)]) for i in range(COUNT)])
        for i in range(COUNT):
            photo(tmp_path / f'src/images/{i}.png', i, WIDTH, HEIGHT)
        content = change(content) or content
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
        return path

    return make


def test_coco_name_twice_is_refused_with_both_ids(coco, tmp_path, convert):
    path = coco(lambda c: [image.update(file_name=f'{image["id"] % 4}.png') for image in c['images']] and None)
    with pytest.raises(DataError, match=r"image '0\.png': the file name stands twice, with ids 0 and 4 \(3 more"):
        convert('coco', path, tmp_path / 'dst')


def every(change):
    return lambda c: [change(c, a, a['image_id']) for a in c['annotations']] and None


def categories(c):
    c['categories'] = [dict(id=0, name='hand', keypoints=['a', 'b', 'c']), dict(id=1, name='box'), c['categories'][0]]
    c['categories'][2]['id'] = 2
    for a in list(c['annotations']):
        a['category_id'] = 2
        c['annotations'] += [dict(a, id=100 + a['id'], category_id=k, keypoints=[1, 2, 2] * 3) for k in (0, 1)]


@pytest.mark.parametrize(('change', 'options', 'note'), [
    (every(lambda c, a, i: a.update(bbox=[20, 30, 60, 0])), (), 'a box without extent is not used'),
    (every(lambda c, a, i: a.update(keypoints=[v for p in points(i).tolist() for v in p])), (), 'without v'),
    (every(lambda c, a, i: a.update(keypoints=[[*p, 2.0] for p in points(i).tolist()])), (), None),
    (every(lambda c, a, i: a.update(category_id=0)), (), None),
    (categories, ('--category', 'face'), None),
    (lambda c: c['images'][0].update(width=None), (), None),
])
def test_coco_of_other_programs_is_read_exactly(coco, tmp_path, convert, change, options, note):
    _, notes = convert('coco', coco(change), tmp_path / 'dst', *options)
    assert note is None or any(note in n for n in notes), notes
    assert_exact(tmp_path / 'dst')


def test_coco_flat_box_crops_around_the_landmarks(coco, tmp_path, convert):
    convert('coco', coco(every(lambda c, a, i: a.update(bbox=[0, 0, 200, 0]))), tmp_path / 'flat', '--size', 64)
    convert('coco', coco(every(lambda c, a, i: a.pop('bbox'))), tmp_path / 'none', '--size', 64)
    flat, none = landmarks(tmp_path / 'flat'), landmarks(tmp_path / 'none')
    assert all(np.array_equal(flat[i], none[i]) for i in range(COUNT))


@pytest.mark.parametrize(('change', 'kind', 'message'), [
    (every(lambda c, a, i: a.update(num_keypoints=2)), 'num-keypoints',
     r'num_keypoints is 2, but 3 landmarks have v > 0 \(12 annotations\)'),
    (lambda c: c['annotations'][0]['keypoints'].__setitem__(slice(2, None, 3), [0, 0, 0]), 'v-zero',
     r"image '0\.png': annotation 0: has coordinates, but v = 0 everywhere"),
    (lambda c: c.update(info=dict(contributor='Label Studio')), 'label-studio', r'names and coordinates can disagree'),
    (every(lambda c, a, i: a['keypoints'].__setitem__(slice(0, 2), [0, 0])), 'one-position',
     r'12 landmarks in 12 of 12 images lie at exactly \(0, 0\) \(eye_r\).* use --missing=0,0'),
])
def test_coco_warnings(coco, tmp_path, convert, change, kind, message):
    report, _ = convert('coco', coco(change), tmp_path / 'dst')
    found = [f.message for f in report.findings if f.kind == kind]
    assert len(found) == 1 and re.search(message, found[0]), report.findings


@pytest.mark.parametrize(('change', 'message'), [
    (lambda c: c['categories'][0].pop('keypoints') and [a.pop('keypoints') for a in c['annotations']] and None,
     r'no category has `keypoints`: it has boxes or outlines only.*supervision'),
    (lambda c: c['categories'][0].pop('keypoints') and [
        (a.pop('keypoints'), a.update(bbox=[3, 4, 1, 1])) for a in c['annotations']] and None, r'labelme2coco'),
    (categories, r'2 of them have `keypoints` \(hand, face\)\. Choose one with --category'),
    (lambda c: c['annotations'][1].update(image_id='1'), r'image_id 1 is not in images\. Ids are numbers in images'),
    (lambda c: c['annotations'][1].update(image_id=99), r'image_id 99 is not in images\. Add the image, or delete'),
    (every(lambda c, a, i: a['keypoints'].__setitem__(2, .97)), r'eye_r has visibility 0\.97\. Use 0, 1 or 2; a conf'),
    (lambda c: c['images'][0].update(width='240'), r"width is '240'\. Give whole pixels"),
    (lambda c: c['categories'][0].update(keypoints=['a', 'a', 'b']),
     r"categories: landmarks: 'a' appears more than once"),
    (lambda c: dict(shapes=[], imagePath='a.png'), r'this is a LabelMe file: `prepare_data\.py labelme` reads it\.'),
    (lambda c: [dict(data={}, annotations=[])], r'this is a Label Studio export: `prepare_data\.py labelstudio`'),
    (lambda c: dict(_via_img_metadata={}), r'this is a VIA project\. Export COCO keypoints, or write a table'),
    (every(lambda c, a, i: a['keypoints'].__setitem__(slice(2, None, 3), [0] * 3)),
     r'no annotation has a landmark with'),
])
def test_coco_that_cannot_be_read_is_named(coco, tmp_path, convert, change, message):
    with pytest.raises(DataError, match=r'faces\.json: .*' + message):
        convert('coco', coco(change), tmp_path / 'dst')
    assert not (tmp_path / 'dst').exists()


@pytest.mark.parametrize('encoding', ['utf-8-sig', 'utf-16'])
def test_coco_with_a_byte_order_mark(coco, tmp_path, convert, encoding):
    path = coco()
    path.write_bytes(path.read_text().encode(encoding))
    convert('coco', path, tmp_path / 'dst')
    assert_exact(tmp_path / 'dst')


def test_coco_names_in_the_scheme_beside_it(coco, tmp_path, convert):
    path = coco(lambda c: c['categories'][0].pop('keypoints') and None)
    (path.parent / 'metainfo.json').write_text(json.dumps(dict(landmarks=NAMES, flip_indices=[1, 0, 2])))
    convert('coco', path, tmp_path / 'dst')
    assert_exact(tmp_path / 'dst')


CONFIG = '''raise SystemExit('a config is not executed')
dataset_info = dict(dataset_name='x', keypoint_info={
    0: dict(name='eye_r', id=0, color=[255, 0, 0], swap='eye_l'), 2: dict(name='mouth', id=2, swap=''),
    1: dict(name='eye_l', id=1, swap='eye_r')}, joint_weights=[1.] * 3)
'''


def test_coco_names_in_a_config_of_mmpose(coco, tmp_path, convert):
    path = coco(lambda c: c['categories'][0].update(keypoints=[]))
    with pytest.raises(DataError, match=r'in a config, such as MMPose.s\)\. Give the config with --metainfo FILE'):
        convert('coco', path, tmp_path / 'dst')
    config = tmp_path / 'faces.py'
    config.write_text(CONFIG)
    convert('coco', path, tmp_path / 'dst', '--metainfo', config)
    assert_exact(tmp_path / 'dst')
    assert read_split(tmp_path / 'dst', 'train').meta.flip_indices == (1, 0, 2)
    path = coco()
    for text, message in ((CONFIG.replace("'mouth'", "'nose'"), 'keypoints differs from .*faces.py'),
                          (CONFIG.replace('id=2', 'id=3'), 'the ids are not 0 to 2'),
                          (CONFIG.replace("'eye_l'),", "'ear'),"), "swap of 'eye_r' is 'ear'"),
                          ('keypoint_info = [1]', 'no keypoint_info of plain values'), ('x = (', 'never closed')):
        config.write_text(text)
        with pytest.raises(DataError, match=message):
            convert('coco', path, tmp_path / 'bad', '--metainfo', config)


def test_the_configs_that_mmpose_ships_are_read():
    folder = Path(importlib.util.find_spec('mmpose').origin).parent / '.mim/configs/_base_/datasets'
    scheme = read_metainfo(folder / '300w.py')
    assert len(scheme.landmarks) == 68 and scheme.flip_indices == load_points('ibug68').flip_indices
    assert read_metainfo(folder / 'coco.py').landmarks[:3] == ('nose', 'left_eye', 'right_eye')


def test_spacing_and_second_annotator_are_named_and_taken(coco, tmp_path, convert):
    def change(content):
        for image in content['images']:
            image |= dict(mm_per_pixel=.1, device='A')
        for annotation in content['annotations']:
            annotation['keypoints_annotator_b'] = [v + (k % 3 == 0) for k, v in enumerate(annotation['keypoints'])]
            annotation['score'] = 1

    path = coco(change)
    _, notes = convert('coco', path, tmp_path / 'dst')
    assert ('fields of images that are not used: mm_per_pixel, device (--spacing mm_per_pixel takes it as millimetres '
            'per pixel; --groups names subgroups)') in notes
    assert ("fields of annotations that are not used: keypoints_annotator_b, score (--annotators annotator_b takes "
            "keypoints_annotator_b as a further annotator's points)") in notes
    options = '--spacing', 'mm_per_pixel', '--group', 'device'
    _, notes = convert('coco', path, tmp_path / 'all', *options, '--annotators', 'keypoints_annotator_b')
    assert not any('mm_per_pixel' in str(note) or 'annotator_b' in str(note) for note in notes)
    train = read_split(tmp_path / 'all', 'train')
    assert train.records[0].pixel_spacing == .1 and train.meta.annotators == ('annotator_b',)
    np.testing.assert_allclose(train.records[0].annotators['annotator_b'] - train.records[0].landmarks, [[1, 0]] * 3)
    for extra, message in ((('--annotators', 'c'), 'have no keypoints_c. Further annotators: annotator_b'),
                           (('--spacing', 'scale'), "there is no 'scale'. Fields: id, file_name"),
                           (('--spacing', 'device'), "'A' is no number of millimetres"),
                           (('--spacing', '0'), 'above 0')):
        with pytest.raises(DataError, match=message):
            convert('coco', path, tmp_path / 'bad', *extra)


def test_two_images_of_one_person_are_asked_about(coco, tmp_path, convert):
    path = coco(lambda c: [image.update(patient_id=image['id'] // 2) for image in c['images']] and None)
    with pytest.raises(DataError, match=r"image '1\.png': field 'patient_id' looks like the person.*--subject patien"):
        convert('coco', path, tmp_path / 'dst')
    convert('coco', path, tmp_path / 'dst', '--subject', 'patient_id')
    assert read_split(tmp_path / 'dst', 'train').meta.subject == 'patient_id'
    convert('coco', path, tmp_path / 'none', '--subject', 'none')
    assert read_split(tmp_path / 'none', 'train').meta.subject is None


def test_coco_one_split_needs_a_word(coco, tmp_path, convert, photo):
    path = coco(name='src/annotations/person_keypoints_train.json')
    for i in range(COUNT):
        photo(tmp_path / f'src/images/train/{i}.png', i, WIDTH, HEIGHT)
        (tmp_path / f'src/images/{i}.png').unlink()
    with pytest.raises(DataError, match=r'no image is in split test, all are in train\. Use --resplit'):
        convert('coco', path.parents[1], tmp_path / 'dst')
    convert('coco', path.parents[1], tmp_path / 'folder', '--resplit')
    convert('coco', path, tmp_path / 'file')
    assert_exact(tmp_path / 'folder')
    assert_exact(tmp_path / 'file')


def test_coco_file_in_two_folders(coco, tmp_path, convert, photo):
    path = coco()
    photo(tmp_path / 'src/3.png', 99, WIDTH, HEIGHT)
    with pytest.raises(DataError, match=r"image '3\.png': .*images/3\.png and .*src/3\.png both fit, and differ"):
        convert('coco', path, tmp_path / 'dst')
