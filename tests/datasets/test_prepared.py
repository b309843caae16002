"""Reading and checking prepared sets."""

import copy
import json
import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import (
    check_dataset,
    fingerprint,
    identity_fingerprint,
    read_identities,
    read_split,
)

SHARED = Path(os.environ.get('CTD_SHARED_DATA') or Path(__file__).resolve().parents[3] / 'shared' / 'data')
NAMES = ['eye_r', 'eye_l', 'nose']
AT = "'2.png'", 'annotation 102'
POINTS = [4, 10, 2, 12, 10, 2, 8, 14, 2]


def write_image(path, seed, width=20, height=24):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    assert cv2.imwrite(str(path), pixels)


def load(root, split='train'):
    return json.loads((root / 'annotations' / f'{split}.json').read_text())


def save(root, coco, split='train'):
    (root / 'annotations' / f'{split}.json').write_text(json.dumps(coco))


@pytest.fixture
def root(tmp_path):
    """Three splits of two persons each, 20 x 24 pixels, three landmarks, with metainfo.json."""
    root = tmp_path / 'set'
    (root / 'annotations').mkdir(parents=True)
    number = 0
    for split in ('train', 'val', 'test'):
        coco = dict(images=[], annotations=[],
                    categories=[dict(id=1, name='face', keypoints=NAMES, flip_indices=[1, 0, 2])])
        for _ in range(2):
            number += 1
            write_image(root / 'images' / f'{number}.png', number)
            coco['images'].append(dict(id=number, file_name=f'{number}.png', width=20, height=24,
                                       person=f'p{number}', sex='f' if number % 2 else 'm'))
            coco['annotations'].append(dict(id=100 + number, image_id=number, keypoints=list(POINTS)))
        save(root, coco, split)
    (root / 'metainfo.json').write_text(json.dumps(dict(
        name='tiny', landmarks=NAMES, flip_indices=[1, 0, 2], interocular=['eye_r', 'eye_l'],
        subject='person', groups=['sex'], pixel_spacing=0.5, annotators=['b'])))
    return root


def test_read_split_fields(root):
    coco = load(root)
    coco['images'][1]['pixel_spacing'] = 0.25
    coco['annotations'][1] |= dict(bbox=[1, 2, 3, 4], keypoints=[4.5, 10, 1, 99, 99, 0, -0.5, 23.5, 2],
                                   keypoints_b=[5, 9, 2, 0, 0, 0, 0, 0, 0])
    coco['annotations'].reverse()
    save(root, coco)
    split = read_split(root, 'train')
    first, second = split.records
    assert split.meta.interocular == ('eye_r', 'eye_l')
    assert (first.image_id, first.file_name, first.width, first.height) == (1, '1.png', 20, 24)
    assert first.path == root / 'images' / '1.png'
    assert (first.subject, first.groups, first.pixel_spacing, first.bbox) == ('p1', {'sex': 'f'}, 0.5, None)
    assert first.landmarks.dtype == np.float64 and first.visible.dtype == bool and first.annotators == {}
    np.testing.assert_array_equal(first.landmarks, [[4, 10], [12, 10], [8, 14]])
    assert (second.pixel_spacing, second.bbox) == (0.25, (1.0, 2.0, 3.0, 4.0))
    np.testing.assert_array_equal(second.visible, [True, False, True])
    np.testing.assert_array_equal(second.landmarks, [[4.5, 10], [0, 0], [-0.5, 23.5]])
    np.testing.assert_array_equal(second.annotators['b'], [[5, 9], [np.nan, np.nan], [np.nan, np.nan]])


def test_without_metainfo_every_image_is_a_person(root):
    (root / 'metainfo.json').unlink()
    split = read_split(root, 'val')
    assert split.meta.subject is None and split.records[0].subject is None
    assert split.meta.landmarks == tuple(NAMES) and check_dataset(root).ok


def edit(path, value):
    """A change of train.json: ``images.0.id`` and so on; DELETE removes the field."""
    def change(coco):
        *parents, last = [int(p) if p.isdigit() else p for p in path.split('.')]
        for key in parents:
            coco = coco[key]
        if value is DELETE:
            del coco[last]
        else:
            coco[last] = value
    return change


DELETE = object()
PROBLEMS = {
    'no images field': (edit('images', DELETE), "field 'images' is missing", ()),
    'no category': (edit('categories', []), 'categories has 0 entries', ()),
    'other names': (edit('categories.0.keypoints', ['a', 'b', 'c']), "keypoints is ['a', 'b', 'c']", ()),
    'other flips': (edit('categories.0.flip_indices', [0, 1, 2]), 'flip_indices is [0, 1, 2]', ()),
    'no file name': (edit('images.1.file_name', DELETE), 'images[1]: no file_name', ()),
    'no id': (edit('images.1.id', DELETE), "field 'id' is missing", ("'2.png'",)),
    'no width': (edit('images.1.width', DELETE), "field 'width' is None", ("'2.png'",)),
    'height zero': (edit('images.1.height', 0), "field 'height' is 0", ("'2.png'",)),
    'id twice': (edit('images.1.id', 1), 'id 1 appears more than once', ("'2.png'",)),
    'name twice': (edit('images.1.file_name', '1.png'), 'file_name appears more than once', ("'1.png'",)),
    'outside folder': (edit('images.1.file_name', '../2.png'), 'leaves the folder', ("'../2.png'",)),
    'absolute': (edit('images.1.file_name', '/x/2.png'), 'leaves the folder', ("'/x/2.png'",)),
    'windows path': (edit('images.1.file_name', 'C:\\2.png'), 'leaves the folder', ()),
    'missing image': (edit('images.1.file_name', 'none.png'), 'does not exist', ("'none.png'",)),
    'no subject': (edit('images.1.person', DELETE), "field 'person' is missing", ("'2.png'",)),
    'no group': (edit('images.1.sex', None), "field 'sex' is missing", ("'2.png'",)),
    'spacing': (edit('images.1.pixel_spacing', -1), 'pixel_spacing is -1', ("'2.png'",)),
    'no keypoints': (edit('annotations.1.keypoints', DELETE), "field 'keypoints' is missing",
                     AT),
    'keypoint count': (edit('annotations.1.keypoints', POINTS[:6]), 'has 6 numbers, not 9',
                       AT),
    'nan': (edit('annotations.1.keypoints.4', float('nan')), 'eye_l is (12, nan)', AT),
    'inf': (edit('annotations.1.keypoints.0', float('inf')), 'eye_r is (inf, 10)', AT),
    'text': (edit('annotations.1.keypoints.0', '4'), 'not two finite numbers', AT),
    'visibility': (edit('annotations.1.keypoints.2', 3), 'eye_r has visibility 3', AT),
    'left of image': (edit('annotations.1.keypoints.6', -0.51), 'nose at (-0.51, 14) is outside',
                      AT),
    'right of image': (edit('annotations.1.keypoints.6', 19.51), 'is outside of the 20 x 24 image',
                       AT),
    'below image': (edit('annotations.1.keypoints.7', 23.6), 'is outside of the 20 x 24 image',
                    AT),
    'none visible': (edit('annotations.1.keypoints', [0] * 9), 'no visible landmark', AT),
    'bbox': (edit('annotations.1.bbox', [0, 0, 0, 5]), 'bbox is [0, 0, 0, 5]', AT),
    'second annotator': (edit('annotations.1.keypoints_b', [1]), 'keypoints_b has 1 numbers',
                         AT),
    'no annotation id': (edit('annotations.1.id', DELETE), "field 'id' is missing", ("'2.png'",)),
    'no image id': (edit('annotations.1.image_id', DELETE),
                    "annotations[1]: field 'image_id' is missing", ()),
    'unknown image': (edit('annotations.1.image_id', 77),
                      'image_id 77 is not in images', ('annotation 102',)),
    'no annotation': (edit('annotations.1', DELETE), 'no annotation for image id 2', ("'2.png'",)),
    'two annotations': (edit('annotations.1.image_id', 1), '2 annotations (ids 101, 102)', ("'1.png'",)),
}


@pytest.mark.parametrize('case', PROBLEMS)
def test_bad_file_is_named(root, case):
    change, message, records = PROBLEMS[case]
    coco = load(root)
    change(coco)
    save(root, coco)
    found = check_dataset(root).errors
    matching = [error for error in found if message in error]
    assert len(matching) == 1, found
    for part in (str(root / 'annotations' / 'train.json'), *records):
        assert part in matching[0]
    with pytest.raises(DataError) as error:
        read_split(root, 'train')
    assert str(error.value).startswith(found[0])
    assert len(read_split(root, 'val').records) == 2


def test_missing_or_broken_files(root):
    with pytest.raises(DataError, match=r'extra\.json: no such file'):
        read_split(root, 'extra')
    report = check_dataset(root / 'nowhere')
    assert len(report.errors) == 1 and 'nowhere: no such folder' in report.errors[0]
    (root / 'annotations' / 'test.json').write_text('{')
    with pytest.raises(DataError, match=r'test\.json: not valid JSON'):
        read_split(root, 'test')
    (root / 'annotations' / 'test.json').unlink()
    (root / 'annotations' / 'val.json').unlink()
    report = check_dataset(root)
    assert len(report.errors) == 1 and 'test.json: no such file' in report.errors[0]
    assert len(report.warnings) == 1 and 'val.json: no such file' in report.warnings[0]


def test_broken_flip_pair(root):
    fields = json.loads((root / 'metainfo.json').read_text())
    (root / 'metainfo.json').write_text(json.dumps(fields | dict(flip_indices=[1, 2, 0])))
    with pytest.raises(DataError, match=r'metainfo\.json: flip_indices: landmark 0 \(eye_r\) maps to 1'):
        read_split(root, 'train')
    assert 'eye_r' in check_dataset(root).errors[0]


@pytest.mark.parametrize('change', [dict(subject=['person']), dict(landmarks=5), dict(interocular=3),
                                    dict(landmarks=['eye_r', 'eye_l', 7])])
def test_scheme_of_wrong_type(root, change):
    fields = json.loads((root / 'metainfo.json').read_text())
    (root / 'metainfo.json').write_text(json.dumps(fields | change))
    with pytest.raises(DataError, match=r'metainfo\.json: '):
        read_split(root, 'train')


def test_check_collects_everything(root):
    for split, number in (('train', 2), ('test', 6)):
        coco = load(root, split)
        coco['annotations'][1]['keypoints'][0] = -9
        coco['annotations'][1]['keypoints'][3] = 90
        save(root, coco, split)
        assert coco['images'][1]['id'] == number
    report = check_dataset(root)
    assert len(report.errors) == 4 and not report.ok
    assert len([e for e in report.errors if "'6.png'" in e]) == 2
    text = report.text(limit=3)
    assert text.count('  error: ') == 3 and 'errors: outside: 4' in text and '1 more of 4' in text
    with pytest.raises(DataError, match=r'1 more: `tools/prepare_data\.py check'):
        read_split(root, 'test')


def test_check_sound_set(root):
    report = check_dataset(root)
    assert report.ok and report.warnings == []
    assert report.summary['val'] == dict(images=2, subjects=2, groups={'sex': {'f': 1, 'm': 1}},
                                         landmarks={'eye_r': 2, 'eye_l': 2, 'nose': 2})
    assert 'val: 2 images, 2 subjects, 6 of 6 landmarks\n  sex: f 1, m 1' in report.text()


def test_check_image_files(root):
    (root / 'images' / '1.png').write_bytes(b'no image')
    write_image(root / 'images' / '2.png', 2, width=24, height=20)
    write_image(root / 'images' / '3.png', 3, width=21)
    shutil.copy(root / 'images' / '4.png', root / 'images' / '5.png')
    errors = check_dataset(root).errors
    assert len(errors) == 4
    for number, message in ((1, 'cannot be decoded'),
                            (2, 'is 24 x 20, but the record says 20 x 24. They are the other'),
                            (3, 'is 21 x 24, but the record says 20 x 24. Correct'),
                            (5, "the same image content is in val ('4.png')")):
        assert len([e for e in errors if f"'{number}.png': " in e and message in e]) == 1, errors
    fast = check_dataset(root, decode=False).errors
    assert len(fast) == 1 and 'same image content' in fast[0]


def test_check_truncated_jpeg(root):
    coco = load(root)
    coco['images'][0]['file_name'] = '1.jpg'
    save(root, coco)
    write_image(root / 'images' / '1.jpg', 1)
    assert check_dataset(root).warnings == []
    path = root / 'images' / '1.jpg'
    path.write_bytes(path.read_bytes()[:-2])
    report = check_dataset(root)
    assert len(report.errors + report.warnings) == 1 and "'1.jpg'" in (report.errors + report.warnings)[0]


def test_check_subject_in_two_splits(root):
    coco = load(root, 'test')
    coco['images'][0]['person'] = 'p2'
    save(root, coco, 'test')
    errors = check_dataset(root).errors
    assert len(errors) == 1
    assert "test.json: image '5.png': person 'p2' is also in train (image '2.png')" in errors[0]


def test_check_swapped_sides_and_small_split(root):
    coco = load(root, 'test')
    coco['annotations'][0]['keypoints'] = [12, 10, 2, 4, 10, 2, 8, 14, 2]
    del coco['images'][1], coco['annotations'][1]
    save(root, coco, 'test')
    report = check_dataset(root)
    assert report.ok and len(report.warnings) == 2
    assert 'test.json: 1 usable images' in report.warnings[0]
    assert "test.json: image '5.png': left and right may be swapped (eye_r and eye_l" in report.warnings[1]


def test_check_one_swapped_pair_among_right_ones(root):
    names = ['eye_r', 'eye_l', 'lip_r', 'lip_l']
    (root / 'metainfo.json').write_text(json.dumps(dict(landmarks=names, flip_indices=[1, 0, 3, 2])))
    for split in ('train', 'val', 'test'):
        coco = load(root, split)
        coco['categories'][0] |= dict(keypoints=names, flip_indices=[1, 0, 3, 2])
        for annotation in coco['annotations']:
            lips = [10, 15, 2, 8, 15, 2] if annotation['id'] == 104 else [8, 15, 2, 10, 15, 2]
            annotation['keypoints'] = [2, 10, 2, 16, 10, 2, *lips]
        save(root, coco, split)
    warnings = check_dataset(root).warnings
    assert len(warnings) == 1 and "'4.png': left and right may be swapped (lip_r and lip_l" in warnings[0]


def test_fingerprint_follows_content_and_names(root, tmp_path):
    before = fingerprint(root)
    assert len(before) == 64 and int(before, 16)
    moved = tmp_path / 'elsewhere'
    shutil.copytree(root, moved)
    (moved / 'images' / '.DS_Store').write_bytes(b'x')
    assert fingerprint(moved) == before
    seen = {before}
    write_image(moved / 'images' / '1.png', 99)
    seen.add(fingerprint(moved))
    (moved / 'images' / '1.png').rename(moved / 'images' / '9.png')
    seen.add(fingerprint(moved))
    (moved / 'metainfo.json').write_text('{}')
    seen.add(fingerprint(moved))
    (moved / 'annotations' / 'val.json').write_text('{}')
    seen.add(fingerprint(moved))
    assert len(seen) == 5
    with pytest.raises(DataError, match='annotations'):
        fingerprint(tmp_path / 'none')


ROWS = [['a1.png', 'a', '0', 'train'], ['a2.png', 'a', '0', 'val'], ['b1.png', 'b', '1', 'train']]


@pytest.fixture
def identities(tmp_path):
    """A function that writes an identity set from rows and returns its folder."""
    def write(rows, header='file,identity,label,split'):
        root = tmp_path / 'identities'
        for number, name in enumerate(('a1.png', 'a2.png', 'b1.png')):
            write_image(root / name, number)
        (root / 'index.csv').write_text('\n'.join([header, *(','.join(row) for row in rows)]) + '\n')
        return root
    return write


def test_read_identities(identities):
    root = identities([[*row, '7'] for row in ROWS], 'file,identity,label,split,clip')
    assert read_identities(root) == [(root / 'a1.png', 0, 'train'), (root / 'a2.png', 0, 'val'),
                                     (root / 'b1.png', 1, 'train')]
    before = identity_fingerprint(root)
    write_image(root / 'unlisted.png', 5)
    assert identity_fingerprint(root) == before
    write_image(root / 'b1.png', 6)
    assert identity_fingerprint(root) != before


@pytest.mark.parametrize(('row', 'column', 'value', 'message'), [
    (1, 0, 'c.png', r"line 3: 'c\.png': no such file"),
    (1, 0, '../a2.png', r"line 3: '\.\./a2\.png': leaves the folder"),
    (1, 0, 'a1.png', r"line 3: 'a1\.png': listed twice"),
    (1, 1, '', r"line 3: 'a2\.png': an empty cell"),
    (1, 2, '1', r"line 3: 'a2\.png': identity 'a' has labels 0 and 1"),
    (1, 2, 'x', r"line 3: 'a2\.png': label is 'x'"),
    (1, 3, 'test', r"line 3: 'a2\.png': split is 'test'"),
    (2, 2, '0', r"line 4: 'b1\.png': label 0 is shared by identities 'a' and 'b'"),
    (2, 2, '2', r'index\.csv: label 1 is unused although labels reach 2'),
    (2, 3, 'val', r"'b1\.png': identity 'b' is in val but not in train"),
])
def test_bad_identity_row_is_named(identities, row, column, value, message):
    rows = copy.deepcopy(ROWS)
    rows[row][column] = value
    with pytest.raises(DataError, match=r'index\.csv: .*' + message if 'index' not in message else message):
        read_identities(identities(rows))


def test_bad_identity_table(identities, tmp_path):
    with pytest.raises(DataError, match=r"index\.csv: column 'label' is missing"):
        read_identities(identities(ROWS, 'file,identity,class,split'))
    with pytest.raises(DataError, match=r'index\.csv: no rows'):
        read_identities(identities([]))
    with pytest.raises(DataError, match=r'index\.csv: no such file'):
        read_identities(tmp_path / 'none')


@pytest.mark.parametrize(('name', 'images'), [
    ('frontal-faces', (59, 15, 46)), ('youtube-faces/target', (226, 58, 174))])
def test_real_sets_pass(name, images):
    if not (SHARED / name).is_dir():
        pytest.skip(f'{SHARED / name} is absent; CTD_SHARED_DATA names the folder of the real sets')
    report = check_dataset(SHARED / name)
    assert report.errors == [] and report.warnings == []
    assert tuple(report.summary[s]['images'] for s in ('train', 'val', 'test')) == images
    assert read_split(SHARED / name, 'train').meta.subject == 'identity'


def test_real_identities_pass():
    root = SHARED / 'youtube-faces' / 'source'
    if not root.is_dir():
        pytest.skip(f'{root} is absent; CTD_SHARED_DATA names the folder of the real sets')
    rows = read_identities(root)
    assert len(rows) == 557 and {label for _, label, _ in rows} == set(range(67))
