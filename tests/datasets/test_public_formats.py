"""Public annotation formats of faces, on files written here as their authors write them."""

import json

import cv2
import numpy as np
import pytest

from benchmark.datasets.formats.points import load_points
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import read_split

FACE14 = load_points('face14').landmarks


def face(count, seed=0, width=64, height=48):
    """Points (P, 2) inside of an image, multiples of 1/8, so that text holds them exactly."""
    low, high = np.array([8, 8]), np.array([width - 8, height - 8])
    return low + np.floor(np.random.default_rng([seed, count]).random((count, 2)) * (high - low) * 8) / 8


def records(root, split):
    return {r.file_name: r for r in read_split(root, split).records}


def expected(points, scheme):
    """The 14 landmarks (14, 2) of public points, NaN where the scheme lacks one."""
    mapping = load_points(scheme).face14
    return np.array([points[list(mapping[k])].mean(axis=0) if k in mapping else [np.nan] * 2 for k in FACE14])


def check(record, points, scheme):
    wanted = expected(points, scheme)
    np.testing.assert_array_equal(record.visible, ~np.isnan(wanted[:, 0]))
    np.testing.assert_allclose(record.landmarks[record.visible], wanted[record.visible], atol=1e-9)


# .pts and 300-W


def write_pts(path, points, first=1):
    rows = ''.join(f'{x + first:.6f} {y + first:.6f}\n' for x, y in points)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'version: 1\nn_points:  {len(points)}\n{{\n{rows}}}\n')


W300 = {'afw/134212_1.jpg': 1, 'afw/134212_2.jpg': 2, 'afw/261068_1.jpg': 3, 'helen/trainset/232194_1.jpg': 4,
        'helen/trainset/232194_2.jpg': 5, 'lfpw/trainset/image_0001.png': 6, 'lfpw/trainset/image_0002.png': 7,
        'helen/testset/296814969_3.jpg': 8, 'lfpw/testset/image_0001.png': 9, 'ibug/image_003_1.jpg': 10,
        '300W/01_Indoor/indoor_001.png': 11, '300W/02_Outdoor/outdoor_001.png': 12}


@pytest.fixture
def w300(tmp_path, photo):
    for name, seed in W300.items():
        path = photo(tmp_path / '300w' / name, seed)
        write_pts(path.with_suffix('.pts'), face(68, seed))
    return tmp_path / '300w'


def test_300w_is_read_with_its_standard_split(w300, tmp_path, convert):
    write_pts(w300 / 'ibug/image_003_1_mirror.pts', face(68))
    report, notes = convert('300w', w300, tmp_path / 'dst', '--val-share', 0.3)
    assert report.ok
    test = read_split(tmp_path / 'dst', 'test')
    assert {r.file_name: r.groups['subset'] for r in test.records} == {
        'helen/testset/296814969_3.jpg': 'common', 'lfpw/testset/image_0001.png': 'common',
        'ibug/image_003_1.jpg': 'challenging'}
    assert {r.groups['source'] for r in test.records} == {'helen', 'lfpw', 'ibug'}
    assert test.meta.interocular == ('exocanthion_r', 'exocanthion_l') and test.meta.landmarks == FACE14
    for name, record in records(tmp_path / 'dst', 'test').items():
        check(record, face(68, W300[name]), 'ibug68')
        # The box is that of all 68 points, measured from the edge of the first pixel.
        low, high = face(68, W300[name]).min(0), face(68, W300[name]).max(0)
        assert record.bbox == pytest.approx((*(low + 0.5), *(high - low)))
    assert 'validation: 2 of 5 training photographs, drawn with seed 0' in notes
    assert any('1 mirrored copies' in note for note in notes)
    train, val = records(tmp_path / 'dst', 'train'), records(tmp_path / 'dst', 'val')
    assert len(train) + len(val) == 7
    # The faces of one photograph stay together, and LFPW's numbers are photographs.
    for one, other in (('afw/134212_1.jpg', 'afw/134212_2.jpg'),
                       ('helen/trainset/232194_1.jpg', 'helen/trainset/232194_2.jpg')):
        assert (one in val) == (other in val)
    again = convert('300w', w300, tmp_path / 'again', '--val-share', 0.3)[1]
    assert again == notes and records(tmp_path / 'again', 'val').keys() == val.keys()


def test_300w_private_test_and_all_points(w300, tmp_path, convert):
    _, notes = convert('300w', w300, tmp_path / 'dst', '--test', 'private', '--landmarks', 'all', '--val-share', 0)
    assert 'no validation split' in notes and not (tmp_path / 'dst/annotations/val.json').exists()
    split, scheme = read_split(tmp_path / 'dst', 'test'), load_points('ibug68')
    assert split.meta.landmarks == scheme.landmarks and split.meta.flip_indices == scheme.flip_indices
    assert [r.groups['subset'] for r in split.records] == ['indoor', 'outdoor']
    np.testing.assert_allclose(split.records[0].landmarks, face(68, 11), atol=1e-9)


def test_300w_crop_does_not_depend_on_the_landmarks_kept(w300, tmp_path, convert):
    for choice in ('14', 'all'):
        convert('300w', w300, tmp_path / choice, '--size', 32, '--landmarks', choice)
    few, many = (records(tmp_path / choice, 'test')['ibug/image_003_1.png'] for choice in ('14', 'all'))
    np.testing.assert_array_equal(cv2.imread(str(few.path)), cv2.imread(str(many.path)))
    np.testing.assert_allclose(few.landmarks[FACE14.index('pronasale')], many.landmarks[30])


def test_300w_from_mmpose_files_is_the_same_set(w300, tmp_path, convert, write_faces):
    groups = dict(train=list(W300)[:7], valid_common=list(W300)[7:9], valid_challenge=list(W300)[9:10])
    for split, names in groups.items():
        write_faces(w300, f'face_landmarks_300w_{split}.json', names, {n: face(68, W300[n]) for n in names})
    (w300 / 'images').mkdir()
    for folder in ('afw', 'helen', 'lfpw', 'ibug'):
        (w300 / folder).rename(w300 / 'images' / folder)
    convert('300w', w300, tmp_path / 'dst')
    test = records(tmp_path / 'dst', 'test')
    assert {name: r.groups['subset'] for name, r in test.items()} == {
        'helen/testset/296814969_3.jpg': 'common', 'lfpw/testset/image_0001.png': 'common',
        'ibug/image_003_1.jpg': 'challenging'}
    check(test['ibug/image_003_1.jpg'], face(68, 10), 'ibug68')


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ('version: 1', 'version 1', r"0001\.pts: line 1: 'version 1' is not `version: N`"),
    ('n_points:  68', 'n_points: 67', r'0001\.pts: line 2: n_points is 67 and 68 points follow, not 68'),
    ('{\n', '', r'0001\.pts: the points are not between'),
    ('\n}', '\n1 2\n}', r'line 2: n_points is 68 and 69 points follow'),
    ('{\n', '{\n\n7 8 9\n', r'line 2: n_points is 68 and 69 points follow'),
])
def test_bad_pts_is_named(w300, tmp_path, convert, old, new, message):
    path = w300 / 'lfpw/testset/image_0001.pts'
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match=message):
        convert('300w', w300, tmp_path / 'dst')
    assert not (tmp_path / 'dst').exists()


def test_bad_numbers_folders_and_shares_of_300w_are_named(w300, tmp_path, convert):
    path = w300 / 'lfpw/testset/image_0001.pts'
    lines = path.read_text().splitlines()
    for bad, message in (('12.5', r"line 5: '12\.5' is not `x y`"), ('12.5 nan', r"line 5: 'nan' is no finite number")):
        path.write_text('\n'.join([*lines[:4], bad, *lines[5:]]))
        with pytest.raises(DataError, match=message):
            convert('300w', w300, tmp_path / 'dst')
    path.write_text('\n'.join(lines))
    for share, message in ((1, r'--val-share: 1\.0 is outside of \[0, 1\)'), (0.95, 'leaves none to train on')):
        with pytest.raises(DataError, match=message):
            convert('300w', w300, tmp_path / 'dst', '--val-share', share)
    (w300 / 'ibug/image_003_1.jpg').unlink()
    with pytest.raises(DataError, match=r'image_003_1\.pts: no image image_003_1 with an ending of \.jpg'):
        convert('300w', w300, tmp_path / 'dst')
    (w300 / 'ibug/image_003_1.pts').unlink()
    with pytest.raises(DataError, match=r'ibug: no \*\.pts here'):
        convert('300w', w300, tmp_path / 'dst')
    (w300 / 'ibug').rmdir()
    with pytest.raises(DataError, match=r'ibug: no such folder. For `300w` SRC has afw'):
        convert('300w', w300, tmp_path / 'dst')


def test_points_outside_of_the_image_are_not_annotated(w300, tmp_path, convert):
    points = face(68, 10)
    points[[0, 36]] = (-3, 20), (20, 48)
    write_pts(w300 / 'ibug/image_003_1.pts', points)
    _, notes = convert('300w', w300, tmp_path / 'dst')
    record = records(tmp_path / 'dst', 'test')['ibug/image_003_1.jpg']
    assert not record.visible[0] and record.visible[1:].all()
    # Point 0 is none of the 14.
    assert '1 landmarks outside of their image were taken as not annotated' in notes


def test_any_folder_of_pts(tmp_path, photo, convert):
    for i in range(8):
        write_pts(photo(tmp_path / f'src/{i % 2}/anna{i // 2}_{i}.PNG', i).with_suffix('.pts'), face(68, i), first=0)
    _, notes = convert('pts', tmp_path / 'src', tmp_path / 'dst', '--zero-based', '--subject', r'^(\w+)_')
    assert notes == ['split by subject, 64/16/20 percent, seed 0']
    found = {n: r for s in ('train', 'val', 'test') for n, r in records(tmp_path / 'dst', s).items()}
    assert len(found) == 8 and found['1/anna2_5.PNG'].subject == 'anna2'
    check(found['1/anna2_5.PNG'], face(68, 5), 'ibug68')
    for pattern, message in (('x(', 'is no regular expression'), ('anna', 'has no group'), ('(bert)', 'finds nobody')):
        with pytest.raises(DataError, match=f'--subject: .*{message}'):
            convert('pts', tmp_path / 'src', tmp_path / 'other', '--subject', pattern)
    with pytest.raises(DataError, match=r'none: no such folder'):
        convert('pts', tmp_path / 'none', tmp_path / 'other')
    with pytest.raises(DataError, match=r'no \*\.tem in it or below'):
        convert('webmorph', tmp_path / 'src', tmp_path / 'other')


# COFW


@pytest.fixture
def cofw(tmp_path, photo, write_faces):
    for split, numbers in (('train', (1, 2, 3)), ('test', (4, 5))):
        names = [f'00000{i}.jpg' for i in numbers]
        for i, name in zip(numbers, names):
            photo(tmp_path / 'cofw/images' / name, i)
        write_faces(tmp_path / 'cofw', f'cofw_{split}.json', names, {n: face(29, i) for i, n in zip(numbers, names)},
                    visible=2.0, bbox=[4.0, 4.0, 50.0, 40.0])
    return tmp_path / 'cofw'


def test_cofw(cofw, tmp_path, convert):
    path = cofw / 'annotations/cofw_test.json'
    content = json.loads(path.read_text())
    content['annotations'][0]['keypoints'][3 * 20 + 2] = 1.0
    path.write_text(json.dumps(content))
    convert('cofw', cofw, tmp_path / 'dst')
    test = records(tmp_path / 'dst', 'test')
    # The occluded nose tip counts.
    check(test['000004.jpg'], face(29, 4), 'cofw29')
    assert test['000004.jpg'].bbox == (4, 4, 50, 40)
    kept = json.loads((tmp_path / 'dst/annotations/test.json').read_text())['annotations'][0]['keypoints']
    assert kept[3 * FACE14.index('pronasale') + 2] == 1 and kept[2] == 2
    content['annotations'][0]['image_id'] = 7
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r'cofw_test\.json: annotation 100: image_id 7 is not in images'):
        convert('cofw', cofw, tmp_path / 'other')
    content['annotations'][0] |= dict(image_id=0, keypoints=[1, 2])
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"image '000004\.jpg': annotation 100: keypoints has 2 numbers, not 87"):
        convert('cofw', cofw, tmp_path / 'other')
    (cofw / 'images/000002.jpg').unlink()
    with pytest.raises(DataError, match=r"cofw_train\.json: image '000002\.jpg': not in .*images"):
        convert('cofw', cofw, tmp_path / 'other')


def test_cofw_mat_files_name_the_way_to_read_them(tmp_path, convert):
    (tmp_path / 'src').mkdir()
    (tmp_path / 'src/COFW_train_color.mat').write_bytes(b'\x89HDF')
    with pytest.raises(DataError, match=r'no annotations/cofw_train\.json .*parse_cofw_dataset\.py.*pip install h5py'):
        convert('cofw', tmp_path / 'src', tmp_path / 'dst')


# WFLW


WFLW = [('train', '0--Parade/0_Parade_1.jpg', '0 0 0 0 0 0'), ('train', '0--Parade/0_Parade_2.jpg', '1 0 0 0 0 1'),
        ('train', '1--Handshaking/1_3.jpg', '0 0 1 0 0 0'), ('test', '1--Handshaking/1_4.jpg', '1 1 1 1 1 1'),
        ('test', '1--Handshaking/1_5.jpg', '0 0 0 1 0 0'), ('test', '1--Handshaking/1_4.jpg', '0 1 0 0 0 0')]


@pytest.fixture
def wflw(tmp_path, photo):
    lines = dict(train=[], test=[])
    for i, (split, name, attributes) in enumerate(WFLW):
        photo(tmp_path / 'WFLW/WFLW_images' / name, sum(name.encode()))
        numbers = ' '.join(f'{v:.6f}' for v in face(98, i).ravel())
        lines[split].append(f'{numbers} 5 6 58 44 {attributes} {name}')
    folder = tmp_path / 'WFLW/WFLW_annotations/list_98pt_rect_attr_train_test'
    folder.mkdir(parents=True)
    for split, rows in lines.items():
        (folder / f'list_98pt_rect_attr_{split}.txt').write_text('\n'.join(rows) + '\n')
    return tmp_path / 'WFLW'


def test_wflw(wflw, tmp_path, convert):
    with pytest.raises(DataError, match=r'test\.txt: line 1: .*2 annotated faces in 1_4\.jpg. Use --size'):
        convert('wflw', wflw, tmp_path / 'dst')
    convert('wflw', wflw, tmp_path / 'dst', '--size', 53, '--padding', 1)
    test = records(tmp_path / 'dst', 'test')
    assert list(test) == ['1--Handshaking/1_4_face1.png', '1--Handshaking/1_5.png', '1--Handshaking/1_4_face2.png']
    first = test['1--Handshaking/1_4_face1.png']
    assert first.groups == dict(pose='large', expression='exaggerated', illumination='extreme', make_up='yes',
                                occlusion='yes', blur='blurred')
    assert test['1--Handshaking/1_4_face2.png'].groups['expression'] == 'exaggerated'
    # The rectangle is 53 x 38 from (5, 6): side 53, so no resizing; y0 = 6 + 19 - 26.5 = -1.5, rounded to -2.
    check(first, face(98, 3) - (5, -2), 'wflw98')
    assert sum(len(records(tmp_path / 'dst', s)) for s in ('train', 'val')) == 3


def test_wflw_from_mmpose_files(wflw, tmp_path, convert, write_faces):
    names = [[n for s, n, _ in WFLW[:5] if s == split] for split in ('train', 'test')]
    for split, listed in zip(('train', 'test'), names):
        write_faces(wflw, f'face_landmarks_wflw_{split}.json', listed, {n: face(98, 1) for n in listed})
    (wflw / 'WFLW_images').rename(wflw / 'images')
    convert('wflw', wflw, tmp_path / 'dst')
    split = read_split(tmp_path / 'dst', 'test')
    assert split.meta.groups == () and len(split.records) == 2
    check(split.records[0], face(98, 1), 'wflw98')


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ('5 6 58 44 1 1', '5 6 58 1 1', r'line 1: 206 cells, not 207'),
    ('5 6 58 44', '5 6 5 44', r'line 1: the rectangle 5 6 5 44 has no extent'),
    ('44 1 1', '44 1 2', r"line 1: attribute expression is '2'. Attributes are 0 or 1"),
    ('44 1 1', 'x 1 1', r"line 1: 'x' is no finite number"),
    ('1--Handshaking/1_4', '../1--Handshaking/1_4', r"line 1: image .*leaves the folder"),
    ('1_4.jpg', '1_9.jpg', r'line 1: .*1_9\.jpg does not exist'),
])
def test_bad_wflw_is_named(wflw, tmp_path, convert, old, new, message):
    path = wflw / 'WFLW_annotations/list_98pt_rect_attr_train_test/list_98pt_rect_attr_test.txt'
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match=r'list_98pt_rect_attr_test\.txt: ' + message):
        convert('wflw', wflw, tmp_path / 'dst', '--size', 32)
    path.unlink()
    with pytest.raises(DataError, match=r'list_98pt_rect_attr_test\.txt: no such file'):
        convert('wflw', wflw, tmp_path / 'dst', '--size', 32)
