"""Copies of one image, found by their pixels."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmark.datasets.checks_images import COPY, near_copies, thumbnail
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import check_dataset
from benchmark.datasets.synthetic.faces import write_landmark_dataset

SHARED = Path(os.environ.get('CTD_SHARED_DATA') or Path(__file__).resolve().parents[3] / 'shared' / 'data')


def always(later, earlier):
    return np.ones(len(later), bool)


def compressed(image, quality):
    return cv2.imdecode(cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], cv2.IMREAD_COLOR)


def copies_of(image):
    """Resized and compressed copies, by what was done."""
    for factor, quality in ((1, 50), (0.5, 90), (0.5, 50), (1.5, 90), (0.7, 70)):
        how = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
        small = cv2.resize(image, None, fx=factor, fy=factor, interpolation=how)
        yield f'{factor}, {quality}', compressed(small, quality)


@pytest.fixture(scope='module')
def faces(tmp_path_factory):
    root = tmp_path_factory.mktemp('faces') / 'set'
    write_landmark_dataset(root, dict(train=8, val=3, test=5), image_size=128, seed=0)
    return root


def assert_told_apart(photographs):
    """No photograph is a copy of another, and each copy is one of its own."""
    thumbs = np.stack([thumbnail(image) for image in photographs])
    assert near_copies(thumbs, always) == {}
    count = len(thumbs)
    for name in dict(copies_of(photographs[0])):
        again = np.stack([thumbnail(dict(copies_of(image))[name]) for image in photographs])
        found = near_copies(np.concatenate([thumbs, again]), lambda i, j: (i >= count) & (j < count))
        assert {one: other for one, (other, _) in found.items()} == {count + i: i for i in range(count)}, name


def test_faces_are_no_copies_of_each_other_and_copies_are(faces):
    assert_told_apart([cv2.imread(str(path)) for path in sorted((faces / 'images').iterdir())])


@pytest.mark.skipif(not (SHARED / 'frontal-faces').is_dir(), reason='needs the studio photographs')
def test_studio_photographs_are_no_copies_of_each_other_and_copies_are():
    assert_told_apart([cv2.imread(str(path)) for path in sorted((SHARED / 'frontal-faces' / 'images').iterdir())])


def test_what_correlates_by_hand():
    rng = np.random.default_rng(0)
    one, other = rng.integers(0, 256, (2, 32, 32), np.uint8)
    blank, dim = np.full((32, 32), 90, np.uint8), (one // 2 + 60)
    found = near_copies(np.stack([one, blank, other, dim, blank]), always)
    assert list(found) == [3] and found[3][0] == 0 and found[3][1] > 0.999 > COPY


def test_what_counts_may_be_limited():
    thumb = np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)
    assert near_copies(np.stack([thumb] * 3), lambda i, j: i - j == 2) == {2: (0, pytest.approx(1))}


def rewrite(root, split, change):
    path = root / 'annotations' / f'{split}.json'
    coco = json.loads(path.read_text())
    change(coco)
    path.write_text(json.dumps(coco))


def add_copy(root, name, image, split, of='train', subject=None):
    """Adds an image to a split with the landmarks of the first of another."""
    cv2.imwrite(str(root / 'images' / name), image)
    source = json.loads((root / 'annotations' / f'{of}.json').read_text())
    scale = image.shape[0] / source['images'][0]['height']

    def add(coco):
        coco['images'].append(source['images'][0] | dict(
            id=9999, file_name=name, width=image.shape[1], height=image.shape[0], subject=subject or f'copy of {of}'))
        points = [v * scale if i % 3 < 2 else v for i, v in enumerate(source['annotations'][0]['keypoints'])]
        coco['annotations'].append(source['annotations'][0] | dict(id=9999, image_id=9999, keypoints=points))
        for annotation in coco['annotations']:
            annotation.pop('bbox', None)

    rewrite(root, split, add)
    return source['images'][0]


@pytest.fixture
def root(tmp_path):
    root = tmp_path / 'set'
    write_landmark_dataset(root, dict(train=4, val=2, test=4), image_size=64, seed=1)
    report = check_dataset(root)
    assert [one.kind for one in report.findings if 'image' in one.kind or 'copy' in one.kind] == []
    return root


def of_kind(root, *wanted):
    return [(one.severity, one.kind, one.message) for one in check_dataset(root).findings if one.kind in wanted]


def test_another_encoding_in_another_split_is_an_error(root):
    first = json.loads((root / 'annotations' / 'train.json').read_text())['images'][0]['file_name']
    image = cv2.imread(str(root / 'images' / first))
    add_copy(root, 'again.bmp', image, 'test')
    (severity, kind, message), = of_kind(root, 'same-image', 'near-copy')
    assert (severity, kind) == ('error', 'same-image')
    assert "image 'again.bmp': the same image content is in train" in message and repr(first) in message


def test_one_changed_pixel_is_no_error(root):
    first = json.loads((root / 'annotations' / 'train.json').read_text())['images'][0]['file_name']
    image = cv2.imread(str(root / 'images' / first))
    image[5, 5] ^= 1
    add_copy(root, 'again.png', image, 'test')
    (severity, kind, _), = of_kind(root, 'same-image', 'near-copy')
    assert (severity, kind) == ('warning', 'near-copy')


@pytest.mark.parametrize('split, subject, told', [('test', None, 'in train'), ('train', None, 'of another subject'),
                                                  ('train', 'own', None)])
def test_a_small_copy(root, split, subject, told):
    record = json.loads((root / 'annotations' / 'train.json').read_text())['images'][0]
    image = cv2.resize(cv2.imread(str(root / 'images' / record['file_name'])), (40, 40), interpolation=cv2.INTER_AREA)
    add_copy(root, 'small.jpg', image, split, subject=record['subject'] if subject else None)
    found = of_kind(root, 'same-image', 'near-copy')
    if told is None:
        assert found == []
        return
    (severity, kind, message), = found
    assert (severity, kind) == ('warning', 'near-copy')
    assert f"looks like a resized or recompressed copy of {record['file_name']!r} {told}" in message


def test_a_copy_in_another_split_stops_a_conversion(tmp_path, convert):
    rng = np.random.default_rng(0)
    rows = ['image,split,a_x,a_y']
    for number, split in enumerate(('train', 'train', 'val', 'val', 'test', 'test')):
        cv2.imwrite(str(tmp_path / f'{number}.png'), rng.integers(0, 256, (20, 20, 3), np.uint8))
        rows.append(f'{number}.png,{split},4,5')
    cv2.imwrite(str(tmp_path / '5.bmp'), cv2.imread(str(tmp_path / '0.png')))
    rows[-1] = '5.bmp,test,4,5'
    (tmp_path / 'a.csv').write_text('\n'.join(rows) + '\n')
    with pytest.raises(DataError, match="image '5.bmp': the same image content is in train .'0.png'."):
        convert('csv', tmp_path / 'a.csv', tmp_path / 'set')
