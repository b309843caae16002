"""Images of a data set: what converters write, and what checking one tells."""

import json
import shutil

import cv2
import numpy as np
import pytest
from pictures import HEIGHT, WIDTH, decode, encoded, pil, saved
from PIL import Image

from benchmark.datasets import images
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import check_dataset, read_split


def write_set(folder, files, size=None):
    """A COCO file with one landmark pair each, all in the first split but two."""
    (folder / 'images').mkdir(parents=True)
    coco = dict(images=[], annotations=[], categories=[dict(id=1, name='x', keypoints=['a_r', 'a_l'])])
    for number, (name, data) in enumerate(files.items(), 1):
        (folder / 'images' / name).write_bytes(data)
        stated = dict(width=size[0], height=size[1]) if size else {}
        coco['images'].append(dict(id=number, file_name=name, **stated))
        coco['annotations'].append(dict(id=number, image_id=number, keypoints=[4, 6, 2, 24, 16, 2]))
    (folder / 'a.json').write_text(json.dumps(coco))
    return folder / 'a.json'


@pytest.fixture
def photographs():
    """Different smooth photographs, (30, 40, 3)."""
    rng = np.random.default_rng(8)
    return [cv2.resize(rng.integers(0, 256, (5, 6, 3), np.uint8), (WIDTH, HEIGHT)) for _ in range(5)]


def records(root):
    return {r.file_name: r for split in ('train', 'val', 'test') for r in read_split(root, split).records}


def test_prepared_images_are_plain(tmp_path, convert, photographs):
    clear = np.dstack([photographs[1], np.full((HEIGHT, WIDTH), 128, np.uint8)])
    files = {'deep.tif': encoded(photographs[0].astype(np.uint16) * 90, '.tif'), 'clear.png': encoded(clear, '.png'),
             'plain.jpg': encoded(photographs[2], '.jpg'), 'grey.png': encoded(photographs[3][:, :, 0], '.png')}
    report, notes = convert('coco', write_set(tmp_path / 'src', files), tmp_path / 'set')
    assert report.ok and not [w for w in report.warnings if 'usable' not in w]
    assert [n for n in notes if 'images' in n and ': ' in n and 'split' not in n] == [
        '1 images ' + images.PHRASES['deep'] + f': deep.tif ({int(photographs[0].min()) * 90} to '
        f'{int(photographs[0].max()) * 90})', '1 images ' + images.PHRASES['alpha'] + ': clear.png']
    found = records(tmp_path / 'set')
    assert sorted(found) == ['clear.png', 'deep.png', 'grey.png', 'plain.jpg']
    for name in ('plain.jpg', 'grey.png'):
        assert found[name].path.read_bytes() == files[name]
    for name, source in (('deep.png', 'deep.tif'), ('clear.png', 'clear.png')):
        np.testing.assert_array_equal(cv2.imread(str(found[name].path), cv2.IMREAD_UNCHANGED),
                                      decode(files[source]).pixels)


def rotated(bgr, orientation=6):
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(pil(bgr), 'JPEG', exif=exif, quality=95)


@pytest.mark.parametrize('size, option, frame', [(None, (), 'turned'), ((HEIGHT, WIDTH), (), 'turned'),
                                                 ((WIDTH, HEIGHT), (), 'stored'), (None, ('stored',), 'stored'),
                                                 ((WIDTH, HEIGHT), ('stored',), 'stored'),
                                                 (None, ('turned',), 'turned')])
def test_the_frame_of_a_rotated_photograph(tmp_path, convert, photographs, size, option, frame):
    files = {f'{i}.jpg': rotated(p) for i, p in enumerate(photographs)}
    source = write_set(tmp_path / 'src', files, size)
    options = ('--rotation', *option) if option else ()
    report, notes = convert('coco', source, tmp_path / 'set', *options)
    kind = 'rotation' if frame == 'turned' else 'rotation-stored'
    named = ', '.join(f'{i}.jpg (orientation 6)' for i in range(3))
    assert f'5 images {images.PHRASES[kind]}: {named}, ...' in notes
    for name, record in records(tmp_path / 'set').items():
        data = files[name.replace('.png', '.jpg')]
        np.testing.assert_array_equal(cv2.imread(str(record.path)), decode(data, turned=frame == 'turned').pixels)
        assert decode(record.path.read_bytes()).said == {}
        np.testing.assert_array_equal(record.landmarks, [[4, 6], [24, 16]])
    assert not [w for w in report.warnings if 'usable' not in w]


def test_a_frame_that_does_not_fit_is_refused(tmp_path, convert, photographs):
    files = {f'{i}.jpg': rotated(p) for i, p in enumerate(photographs)}
    with pytest.raises(DataError, match='is 30 x 40, but the record says 40 x 30.*leave out --rotation'):
        convert('coco', write_set(tmp_path / 'a', files, (WIDTH, HEIGHT)), tmp_path / 'set', '--rotation', 'turned')
    source = write_set(tmp_path / 'b', files)
    source.write_text(source.read_text().replace('24, 16', '37, 16'))
    with pytest.raises(DataError, match=r'outside of the 30 x 40 image.* try --rotation stored'):
        convert('coco', source, tmp_path / 'set')
    assert convert('coco', source, tmp_path / 'set', '--rotation', 'stored')[0].ok


def test_pages_are_refused_when_prepared(tmp_path, convert, photographs):
    files = {f'{i}.tif': saved(pil(p), 'TIFF', save_all=True, append_images=[pil(p)]) for i, p in
             enumerate(photographs)}
    with pytest.raises(DataError, match=r'0\.tif has 2 pages or frames'):
        convert('coco', write_set(tmp_path / 'src', files), tmp_path / 'set')


# Checking a set that was not made by the converters

def replace_image(root, name, data, size=None):
    (root / 'images' / name).write_bytes(data)
    if size:
        path = root / 'annotations' / 'train.json'
        coco = json.loads(path.read_text())
        for image in coco['images']:
            if image['file_name'] == name:
                image['width'], image['height'] = size
        path.write_text(json.dumps(coco))


@pytest.fixture
def mixed(prepared, photographs):
    """Five different photographs of 40 x 30 pixels in one split."""
    root = prepared(np.full((5, 3, 2), 9.0) + np.arange(3)[:, None], size=40)
    for number, photograph in enumerate(photographs):
        replace_image(root, f'train{number}.png', encoded(photograph, '.png'), (WIDTH, HEIGHT))
    return root


def kinds(root):
    return [(one.severity, one.kind) for one in check_dataset(root).findings
            if one.kind not in ('few-images', 'missing-split') and 'json: no such file' not in one.message]


def test_what_is_read_by_a_rule_of_its_own_is_told(mixed, photographs):
    assert kinds(mixed) == []
    replace_image(mixed, 'train0.png', encoded(photographs[0].astype(np.uint16) * 90, '.png'))
    replace_image(mixed, 'train1.png', encoded(np.dstack([photographs[1], photographs[1][:, :, 0]]), '.png'))
    replace_image(mixed, 'train2.png', encoded(np.full((HEIGHT, WIDTH), 90, np.uint8), '.png'))
    replace_image(mixed, 'train3.png', rotated(photographs[3], 3))
    replace_image(mixed, 'train4.png', saved(pil(photographs[4]), 'GIF', save_all=True,
                                             append_images=[pil(photographs[3])]))
    assert kinds(mixed) == [('warning', 'deep-grey'), ('warning', 'transparent'), ('warning', 'one-value'),
                            ('warning', 'rotation'), ('error', 'image-file')]


def test_a_record_that_fits_the_unturned_pixels_alone(mixed, photographs):
    replace_image(mixed, 'train0.png', rotated(photographs[0]))
    replace_image(mixed, 'train1.png', rotated(photographs[1]), (HEIGHT, WIDTH))
    assert kinds(mixed) == [('error', 'rotation'), ('warning', 'rotation')]
    assert 'the record\'s size is that of the unturned pixels, 40 x 30' in check_dataset(mixed).errors[-1]


def test_photographs_that_are_copied_are_decoded_once(tmp_path, photo, convert, monkeypatch):
    from benchmark.datasets import images
    for number in range(4):
        photo(tmp_path / 'src' / f'{number}.png', number, 160)
    (tmp_path / 'src' / 'a.csv').write_text('image,a_x,a_y\n' + ''.join(f'{n}.png,150,6\n' for n in range(4)))
    decode, count = images.decode, []
    monkeypatch.setattr(images, 'decode', lambda *args, **options: (count.append(args[1]), decode(*args, **options))[1])
    report, _ = convert('csv', tmp_path / 'src' / 'a.csv', tmp_path / 'set')
    assert report.ok and len(count) == 4
    for number in range(1, 4):
        shutil.copy(tmp_path / 'src' / '0.png', tmp_path / 'src' / f'{number}.png')
    with pytest.raises(DataError, match='the same image content is in'):
        convert('csv', tmp_path / 'src' / 'a.csv', tmp_path / 'again')
