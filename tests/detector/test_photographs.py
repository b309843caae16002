"""Photographs: which are found, how they are cut out, and the way back to their pixels."""

import cv2
import numpy as np
import pytest

from benchmark.datasets.formats.crops import crop_image, crop_points, crop_square, read_crop


@pytest.fixture
def photographs(registered):
    from benchmark.detector import photographs
    return photographs


def written(path, size=(60, 40), value=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), np.uint8)
    cv2.imwrite(str(path), pixels if value is None else np.full_like(pixels, value))
    return path


def test_folders_files_and_lists(photographs, tmp_path):
    first, second = written(tmp_path / 'a/1.jpg'), written(tmp_path / 'a/deep/2.PNG')
    other = written(tmp_path / 'b/1.jpg')
    written(tmp_path / 'a/.hidden/3.png')
    (tmp_path / 'a/notes.md').write_text('no image')
    (tmp_path / 'list.txt').write_text(f'{first}\n\n{other.parent}/../b/1.jpg\n')
    names = [source.name for source in photographs.find_photographs([tmp_path / 'a'])]
    assert names == ['1.jpg', 'deep/2.PNG']
    names = [source.name for source in photographs.find_photographs([tmp_path / 'a', second, tmp_path / 'list.txt'])]
    assert names == ['a/1.jpg', 'a/deep/2.PNG', 'b/1.jpg']


@pytest.mark.parametrize(('make', 'message'), [
    (lambda folder: folder / 'absent', 'absent: no such file or folder'),
    (lambda folder: (folder / 'empty').mkdir() or folder / 'empty', 'empty: no image here'),
    (lambda folder: (folder / 'list.txt').write_text('\n') and folder / 'list.txt', 'list.txt: names no image')])
def test_no_photograph_is_refused(photographs, tmp_path, make, message):
    with pytest.raises(ValueError, match=message):
        photographs.find_photographs([make(tmp_path)])


@pytest.mark.parametrize(('text', 'message'), [
    ('image,left,top,width\na.png,1,2,3\n', "no column 'height'"),
    ('image,left,top,width,height\na.png,1,2,0,4\n', ':2: '),
    ('image,left,top,width,height\na.png,1,2,x,4\n', "'a.png' has no box"), (None, 'no such file')])
def test_boxes_that_are_none(photographs, tmp_path, text, message):
    if text:
        (tmp_path / 'boxes.csv').write_text(text)
    with pytest.raises(ValueError, match=message):
        photographs.read_boxes(tmp_path / 'boxes.csv')


def test_a_square_is_cut_out_as_prepared_data_are_and_points_come_back(photographs, tmp_path):
    path, box, size = written(tmp_path / 'a.png', (90, 70)), (20.0, 15.0, 30.0, 24.0), 48
    reading = photographs.Reading((32, 32), 'squeeze', dict(size=size, padding=1.25, around='box'), {'a.png': box})
    found = photographs.read_photograph(photographs.Source('a.png', path), reading)
    square = crop_square(box, 1.25)
    cut = cv2.resize(crop_image(cv2.imread(str(path)), square, size), (32, 32), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(found.entry['img'], cut[..., ::-1])
    points = np.array([[21.0, 30.0], [48.5, 17.25]])
    np.testing.assert_allclose(found.back(crop_points(points, square, size)), points, atol=1e-9)
    missing = photographs.Source('b.png', path)
    with pytest.raises(ValueError, match=r'b.png: has no line in --boxes'):
        photographs.read_photograph(missing, reading)


def test_prepared_data_say_how_they_were_cut_out(tmp_path):
    from benchmark.datasets.formats.crops import CROP
    assert read_crop(tmp_path) is None
    (tmp_path / CROP).write_text('{"size": 64, "padding": 1.25, "around": "landmarks"}')
    assert read_crop(tmp_path) == dict(size=64, padding=1.25, around='landmarks')


def test_grey_deep_and_transparent_images_are_read_by_the_one_reader(photographs, tmp_path):
    cv2.imwrite(str(tmp_path / 'deep.png'), np.arange(64, dtype=np.uint16).reshape(8, 8) * 900)
    cv2.imwrite(str(tmp_path / 'clear.png'), np.full((8, 8, 4), (9, 9, 9, 0), np.uint8))
    reading = photographs.Reading((8, 8), 'squeeze')
    deep, clear = (photographs.read_photograph(photographs.Source(name, tmp_path / name), reading)
                   for name in ('deep.png', 'clear.png'))
    assert (deep.entry['img'].min(), deep.entry['img'].max()) == (0, 255) and 'more than 8 bits' in deep.said[0]
    assert (clear.entry['img'] == 255).all() and 'transparent' in clear.said[0]


def test_the_page_of_5000_photographs_is_small_and_holds_no_markup_of_names(registered, tmp_path):
    from benchmark.detector.pages import write_page
    names = [f'clinic/2024/photograph-{number:05d}.jpg' for number in range(5000)] + ['</script><b>.jpg', 'bad.jpg']
    lines = {name: dict(image=name, doubt=0.5) for name in names[:-2]}
    lines['</script><b>.jpg'] = dict(image='</script><b>.jpg', doubt=0.25)
    lines['bad.jpg'] = dict(image='bad.jpg', error='bad.jpg: <i>cut</i> short')
    write_page(tmp_path, 'one network', names, lines, pictures=True)
    page = (tmp_path / 'index.html').read_text(encoding='utf-8')
    assert len(page.encode()) < 1 << 20 and page.count('</script>') == 2
    assert 'Landmarks of 5001 photographs' in page and 'bad.jpg: &lt;i&gt;cut&lt;/i&gt; short' in page


def test_whole_images_are_padded_as_those_that_were_learnt_on(photographs, tmp_path):
    path, size = written(tmp_path / 'a.png', (90, 70)), 45
    reading = photographs.Reading((45, 45), 'squeeze', dict(size=size, padding=1.0, around='whole'))
    found = photographs.read_photograph(photographs.Source('a.png', path), reading)
    square = crop_square((0, 0, 90, 70), 1.0)
    np.testing.assert_array_equal(found.entry['img'], crop_image(cv2.imread(str(path)), square, size)[..., ::-1])
    points = np.array([[21.0, 30.0], [88.5, 2.25]])
    np.testing.assert_allclose(found.back(crop_points(points, square, size)), points, atol=1e-9)


def test_millimetres_of_a_radiograph_count_each_direction_and_its_patient_is_not_kept(photographs, tmp_path):
    import pydicom
    from pydicom.dataset import Dataset, FileMetaDataset

    from benchmark.detector.tables import _measured
    from benchmark.utils.measurement import read
    file = Dataset()
    file.Modality, file.PatientName, file.PatientID = 'DX', 'Doe^Jane', 'PID-4711'
    file.Rows, file.Columns, file.SamplesPerPixel, file.PhotometricInterpretation = 24, 32, 1, 'MONOCHROME2'
    file.BitsAllocated, file.BitsStored, file.HighBit, file.PixelRepresentation = 16, 12, 11, 0
    file.PixelSpacing, file.PixelSpacingCalibrationType = [0.2, 0.1], 'GEOMETRY'  # rows come first
    file.PixelData = np.arange(24 * 32, dtype=np.uint16).tobytes()
    file['PixelData'].VR = 'OW'
    file.file_meta = FileMetaDataset()
    file.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRLittleEndian
    file.file_meta.MediaStorageSOPClassUID, file.file_meta.MediaStorageSOPInstanceUID = '1.2', '1.2.3'
    file.save_as(tmp_path / 'a.dcm', enforce_file_format=True)
    found = photographs.read_photograph(photographs.Source('a.dcm', tmp_path / 'a.dcm'),
                                        photographs.Reading((32, 48), 'squeeze'))
    # 32 x 24 pixels of 0.1 x 0.2 mm are seen as 32 x 48 square ones, and points come back.
    np.testing.assert_allclose(found.back(np.array([[10.0, 16.5], [20.0, 32.5]])), [[10, 8], [20, 16]])
    scheme = type('Scheme', (), dict(landmarks=('a', 'b')))
    line = dict(image='a.dcm', points=[[10, 8], [20, 16]], square=found.square, mm=found.spacing)
    (_, _, pixels, mm, *_), = _measured(scheme, [line], dict(length=read(('a', 'b'))), False)
    assert mm == pytest.approx(np.hypot(10 * 0.1, 8 * 0.2), abs=1e-4) and pixels == pytest.approx(mm / 0.1, abs=1e-3)
    kept = repr({**vars(found), 'entry': {k: v for k, v in found.entry.items() if k != 'img_path'}})
    assert 'Doe' not in kept and '4711' not in kept
