"""AFLW's .mat file and MMPose's files of it, and WebMorph templates, as their authors write them."""

import json

import numpy as np
import pytest
from scipy.io import savemat

from benchmark.datasets.formats import aflw
from benchmark.datasets.formats.points import load_points
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import read_split

FACE14 = load_points('face14').landmarks
NAMES = ['0/image00002.jpg', '0/image00013.jpg', '2/image00004.jpg', '2/image00006.jpg', '3/image00032.jpg']


def points_of(count, seed):
    """Points (count, 2) inside of a 64 x 48 image, multiples of 1/8."""
    return 8 + np.floor(np.random.default_rng([seed, count]).random((count, 2)) * (48 * 8, 32 * 8)) / 8


@pytest.fixture
def write_mat(tmp_path, photo):
    """Writes five faces as AFLWinfo_release.mat holds them, one-based; training are the last three in its order."""

    def write(**changes):
        for seed, name in enumerate(NAMES):
            photo(tmp_path / 'aflw/flickr' / name, seed)
        data = np.array([points_of(19, seed).T.ravel() + 1 for seed in range(5)])
        mask = np.ones((5, 19), np.uint8)
        mask[0, 6] = 0
        names = np.empty((5, 1), object)
        names[:, 0] = NAMES
        content = dict(data=data, mask_new=mask, bbox=np.tile([5.0, 55, 3, 43], (5, 1)), nameList=names,
                       ra=np.array([[5, 3, 4, 1, 2]], np.uint16)) | changes
        savemat(tmp_path / 'aflw/AFLWinfo_release.mat', {k: v for k, v in content.items() if v is not None})
        return tmp_path / 'aflw'

    return write


def test_aflw_mat(write_mat, tmp_path, convert, monkeypatch):
    monkeypatch.setattr(aflw, 'TRAIN_FACES', 3)
    root = write_mat()
    convert('aflw', root, tmp_path / 'dst', '--val-share', 0, '--landmarks', 'all')
    test = {r.file_name: r for r in read_split(tmp_path / 'dst', 'test').records}
    assert list(test) == NAMES[:2]
    assert [r.file_name for r in read_split(tmp_path / 'dst', 'train').records] == [NAMES[4], NAMES[2], NAMES[3]]
    np.testing.assert_allclose(test[NAMES[0]].landmarks, points_of(19, 0))
    assert test[NAMES[0]].bbox == (4, 2, 50, 40)
    kept = json.loads((tmp_path / 'dst/annotations/test.json').read_text())['annotations'][0]['keypoints']
    assert kept[3 * 6 + 2] == 1 and kept[3 * 7 + 2] == 2
    convert('aflw', root, tmp_path / 'frontal', '--test', 'frontal')
    record, = read_split(tmp_path / 'frontal', 'test').records
    assert record.file_name == NAMES[1]
    missing = [n for n, seen in zip(FACE14, record.visible) if not seen]
    assert missing == ['nasion', 'subnasale', 'crista_philtri_r', 'labiale_superius', 'crista_philtri_l']
    np.testing.assert_allclose(record.landmarks[FACE14.index('alare_r')], points_of(19, 1)[12])


@pytest.mark.parametrize(('changes', 'message'), [
    (dict(ra=None), r"variable 'ra' is missing"),
    (dict(ra=[[1, 2, 3, 4, 4]]), r"variable 'ra' is no order of the 5 faces"),
    (dict(mask_new=np.ones((5, 21))), r"variable 'mask_new' has the shape \(5, 21\), not \(5, 19\)"),
    (dict(bbox=np.ones((5, 4))), r"face 5: image '3/image00032\.jpg': .* box 1, 1, 1, 1 is malformed"),
])
def test_bad_aflw_mat_is_named(write_mat, tmp_path, convert, changes, message):
    with pytest.raises(DataError, match=r'AFLWinfo_release\.mat: ' + message):
        convert('aflw', write_mat(**changes), tmp_path / 'dst')
    (tmp_path / 'aflw/AFLWinfo_release.mat').write_bytes(b'<html>' * 100)
    with pytest.raises(DataError, match=r'AFLWinfo_release\.mat: no MATLAB file of version 5'):
        convert('aflw', tmp_path / 'aflw', tmp_path / 'dst')
    (tmp_path / 'aflw/AFLWinfo_release.mat').unlink()
    with pytest.raises(DataError, match=r'neither AFLWinfo_release\.mat nor annotations/face_landmarks_aflw_'):
        convert('aflw', tmp_path / 'aflw', tmp_path / 'dst')


def test_aflw_from_mmpose_files(tmp_path, photo, convert, write_faces):
    root = tmp_path / 'aflw'
    for seed, name in enumerate(NAMES):
        photo(root / 'images' / name, seed)
    points = {name: points_of(19, seed) for seed, name in enumerate(NAMES)}
    box = dict(center=[32.0, 24.0], scale=0.2)
    write_faces(root, 'face_landmarks_aflw_train.json', NAMES[:3], points, **box)
    frontal = write_faces(root, 'face_landmarks_aflw_test_frontal.json', NAMES[3:], points, box_size=40.0, **box)
    convert('aflw', root, tmp_path / 'dst', '--test', 'frontal')
    record = read_split(tmp_path / 'dst', 'test').records[0]
    assert record.bbox == pytest.approx((12, 4, 40, 40))
    np.testing.assert_allclose(record.landmarks[FACE14.index('cheilion_l')], points[NAMES[3]][17])
    with pytest.raises(DataError, match=r'face_landmarks_aflw_test\.json: no such file'):
        convert('aflw', root, tmp_path / 'other')
    write_faces(root, frontal.name, NAMES[3:], points, center=[1.0], scale=0.2)
    with pytest.raises(DataError, match=r'test_frontal\.json: .*100: center and scale are \[1\.0\] and 0\.2'):
        convert('aflw', root, tmp_path / 'other', '--test', 'frontal')


# WebMorph


def tem(points):
    """A template: points by tabs, then three lines, each with whether it is closed, its length and its points."""
    rows = [f'{x:g}\t{y:g}' for x, y in points]
    lines = ['3', '0', '2', '0 0', '0', '2', '1 1', '0', '5', '18 19 20 21 22']
    return '\n'.join([str(len(points)), *rows, *lines]) + '\n'


@pytest.fixture
def templates(tmp_path, photo):
    for i in range(9):
        path = photo(tmp_path / f'london/{i // 2:03}_0{i % 2}.jpg', i)
        path.with_suffix('.tem').write_text(tem(points_of(189, i)))
    return tmp_path / 'london'


def test_webmorph(templates, tmp_path, convert):
    path = templates / '001_00.tem'
    path.write_text('# made by hand\n\n' + path.read_text().replace('\t', ' ', 5))
    _, notes = convert('webmorph', templates, tmp_path / 'dst', '--landmarks', 'all', '--subject', '^([0-9]+)')
    assert notes == ['split by subject, 64/16/20 percent, seed 0']
    found = {r.file_name: r for s in ('train', 'val', 'test') for r in read_split(tmp_path / 'dst', s).records}
    # (0, 0) is the corner of the image, the centre of its first pixel is (0.5, 0.5).
    np.testing.assert_allclose(found['001_00.jpg'].landmarks, points_of(189, 2) - 0.5)
    assert found['001_00.jpg'].subject == found['001_01.jpg'].subject == '001'
    convert('webmorph', templates, tmp_path / 'few')
    few = {r.file_name: r for s in ('train', 'val', 'test') for r in read_split(tmp_path / 'few', s).records}
    np.testing.assert_allclose(few['003_01.jpg'].landmarks[FACE14.index('nasion')],
                               points_of(189, 7)[[51, 57]].mean(0) - 0.5)
    assert few['003_01.jpg'].visible.all()


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ('189\n', '', 'the first line is no number of points'),
    ('189\n', '188\n', r'line 1: 188 points, not 189. Use the 189-point FRL template'),
    ('189\n', '189\n5\n', r"line 2: '5' is not `x y`"),
    ('189\n', '189\n5\tnine\n', r"line 2: 'nine' is no finite number"),
])
def test_bad_template_is_named(templates, tmp_path, convert, old, new, message):
    path = templates / '002_01.tem'
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(DataError, match=r'002_01\.tem: ' + message):
        convert('webmorph', templates, tmp_path / 'dst')
    path.write_text('\n'.join(tem(points_of(189, 5)).splitlines()[:100]))
    with pytest.raises(DataError, match=r'002_01\.tem: 99 lines follow for 189 points'):
        convert('webmorph', templates, tmp_path / 'dst')
