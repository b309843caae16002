"""Radiographs in DICOM files."""

import io
import json
import re

import cv2
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLosslessSV1, RLELossless

from benchmark.datasets import images
from benchmark.datasets.formats.originals import read_originals
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import check_dataset, read_split

NAME, IDENTITY = 'Doe^Jane', 'PID-4711'
VALUES = (np.arange(24 * 32).reshape(24, 32) * 5 + 100).astype(np.uint16)  # 100 to 3935: 12 bits
PLAIN = np.rint((VALUES.astype(float) - 100) * 255 / 3835)


def radiograph(values=VALUES, interpretation='MONOCHROME2', bits=12, syntax=ExplicitVRLittleEndian, meta=True,
               **fields):
    """A small radiograph of a named patient, as bytes."""
    file = Dataset()
    file.SOPClassUID, file.SOPInstanceUID = pydicom.uid.ComputedRadiographyImageStorage, pydicom.uid.generate_uid()
    file.Modality, file.PatientName, file.PatientID = 'CR', NAME, IDENTITY
    file.Rows, file.Columns = values.shape[:2]
    file.SamplesPerPixel = 1 if values.ndim == 2 else 3
    if values.ndim == 3:
        file.PlanarConfiguration = 0
    file.PhotometricInterpretation = interpretation
    file.BitsAllocated = 8 * values.dtype.itemsize
    file.BitsStored, file.HighBit, file.PixelRepresentation = bits, bits - 1, int(values.dtype.kind == 'i')
    file.PixelData = values.tobytes()
    file['PixelData'].VR = 'OB' if values.dtype.itemsize == 1 else 'OW'
    for key, value in fields.items():
        setattr(file, key, value)
    stream = io.BytesIO()
    if meta:
        file.file_meta = FileMetaDataset()
        file.file_meta.TransferSyntaxUID = syntax
        file.file_meta.MediaStorageSOPClassUID = file.SOPClassUID
        file.file_meta.MediaStorageSOPInstanceUID = file.SOPInstanceUID
        pydicom.dcmwrite(stream, file, enforce_file_format=True)
    else:
        pydicom.dcmwrite(stream, file, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True)
    return stream.getvalue()


def decode(data, **options):
    return images.decode(data, 'a.dcm', **options)


def grey(decoded):
    assert (decoded.pixels == decoded.pixels[:, :, :1]).all()
    return decoded.pixels[:, :, 0]


def test_12_bits_over_the_full_range():
    decoded = decode(radiograph())
    np.testing.assert_array_equal(grey(decoded), PLAIN)
    assert decoded.said == {'dicom': '100 to 3935', 'no-spacing': ''} and decoded.spacing is None


def test_monochrome1_is_inverted():
    decoded = decode(radiograph(interpretation='MONOCHROME1'))
    np.testing.assert_array_equal(grey(decoded), 255 - PLAIN)
    assert 'monochrome1' in decoded.said


def test_without_a_preamble_or_a_header():
    for syntax in (ImplicitVRLittleEndian, ExplicitVRLittleEndian):
        np.testing.assert_array_equal(grey(decode(radiograph(meta=False, syntax=syntax))), PLAIN)


def test_8_bits_are_kept():
    values = (VALUES // 32 + 20).astype(np.uint8)
    np.testing.assert_array_equal(grey(decode(radiograph(values, bits=8))), values)
    np.testing.assert_array_equal(grey(decode(radiograph(values, 'MONOCHROME1', bits=8))), 255 - values)


def test_signed_values_slopes_and_overlay_bits():
    signed = (VALUES.astype(int) - 2000).astype(np.int16)
    np.testing.assert_array_equal(grey(decode(radiograph(signed, bits=16))), PLAIN)
    falling = decode(radiograph(RescaleSlope='-1', RescaleIntercept='4095'))
    np.testing.assert_array_equal(grey(falling), np.rint(255 - (VALUES.astype(float) - 100) * 255 / 3835))
    np.testing.assert_array_equal(grey(decode(radiograph(VALUES | 0x4000))), PLAIN)


def test_padding_is_no_part_of_the_range():
    values = VALUES.copy()
    values[:3] = 0
    expected = PLAIN.copy()
    seen = values[3:].astype(float)
    expected[3:] = np.rint((seen - seen.min()) * 255 / (seen.max() - seen.min()))
    for interpretation in ('MONOCHROME2', 'MONOCHROME1'):
        found = grey(decode(radiograph(values, interpretation, PixelPaddingValue=0)))
        assert (found[:3] == 0).all()
        known = expected[3:] if interpretation == 'MONOCHROME2' else 255 - expected[3:]
        np.testing.assert_array_equal(found[3:], known)


@pytest.mark.parametrize('function, at', [
    ('LINEAR', lambda x: (x - 1999.5) / 999 + 0.5), ('LINEAR_EXACT', lambda x: (x - 2000) / 1000 + 0.5),
    ('SIGMOID', lambda x: 1 / (1 + np.exp(-4 * (x - 2000) / 1000)))])
def test_the_first_window_where_it_is_asked_for(function, at):
    data = radiograph(WindowCenter=[2000, 7], WindowWidth=[1000, 7], VOILUTFunction=function)
    assert decode(data).said['dicom'] == '100 to 3935, a window that is not taken'
    np.testing.assert_array_equal(grey(decode(data)), PLAIN)
    decoded = decode(data, window=True)
    np.testing.assert_allclose(grey(decoded), np.clip(255 * at(VALUES.astype(float)), 0, 255), atol=0.5001)
    assert decoded.said['dicom-window'] == 'centre 2000, width 1000' and 'dicom' not in decoded.said


def test_a_table_for_viewing():
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [4096, 0, 12], list(range(4095, -1, -1))
    table['LUTDescriptor'].VR, table['LUTData'].VR = 'US', 'US'
    decoded = decode(radiograph(VOILUTSequence=[table]), window=True)
    np.testing.assert_array_equal(grey(decoded), np.rint((4095 - VALUES.astype(float)) * 255 / 4095))


def test_colour():
    values = np.random.default_rng(0).integers(0, 256, (24, 32, 3), np.uint8)
    np.testing.assert_array_equal(decode(radiograph(values, 'RGB', bits=8)).pixels, values[:, :, ::-1])


@pytest.mark.parametrize('fields, spacing, kind, detail', [
    (dict(ImagerPixelSpacing=[0.2, 0.2], PixelSpacing=[0.18, 0.18]), (0.18, 0.18), 'pixel-spacing',
     '0.18 mm, calibrated (another value than ImagerPixelSpacing)'),
    (dict(ImagerPixelSpacing=[0.2, 0.2], PixelSpacing=[0.2, 0.2]), (0.2, 0.2), 'imager-spacing', '0.2 mm'),
    (dict(ImagerPixelSpacing=[0.2, 0.2], PixelSpacing=[0.2, 0.2], PixelSpacingCalibrationType='FIDUCIAL'), (0.2, 0.2),
     'pixel-spacing', '0.2 mm, calibrated (FIDUCIAL)'),
    (dict(PixelSpacing=[0.2, 0.1], PixelSpacingCalibrationType='GEOMETRY'), (0.2, 0.1),  # rows come first
     'pixel-spacing', '0.2 x 0.1 mm, calibrated (GEOMETRY)'),
    (dict(PixelSpacing=[0.2, 0.2]), (0.2, 0.2), 'unsaid-spacing', '0.2 mm'),
    (dict(PixelSpacing=[0.2, 0.2], Modality='CT'), (0.2, 0.2), 'pixel-spacing', '0.2 mm'),
    (dict(ImagerPixelSpacing=[0.2, 0.1]), (0.2, 0.1), 'imager-spacing', '0.2 x 0.1 mm'),
    (dict(NominalScannedPixelSpacing=[0.1, 0.1]), (0.1, 0.1), 'scanned-spacing', '0.1 mm')])
def test_which_spacing_counts(fields, spacing, kind, detail):
    decoded = decode(radiograph(**fields))
    assert decoded.spacing == decoded.aspect == spacing
    assert {k: v for k, v in decoded.said.items() if k.endswith('spacing')} == {kind: detail}


def test_without_a_spacing():
    assert decode(radiograph(PixelAspectRatio=[2, 1])).aspect == (2, 1)
    with pytest.raises(DataError, match='a.dcm: the DICOM file\'s PixelSpacing is no pair of numbers above 0'):
        decode(radiograph(PixelSpacing=[0, 0.1]))


def without_pixels():
    file = pydicom.dcmread(io.BytesIO(radiograph()))
    del file.PixelData
    stream = io.BytesIO()
    file.save_as(stream)
    return stream.getvalue()


@pytest.mark.parametrize('make, message', [
    (lambda: radiograph(np.tile(VALUES, (2, 1)), Rows=24, NumberOfFrames=2), 'has 2 frames'),
    (without_pixels, 'holds no image'),
    (lambda: radiograph()[:-100], 'pixels cannot be read'),
    (lambda: radiograph(interpretation='HSV'), "photometric interpretation 'HSV', which is not read"),
    (lambda: radiograph(PixelData=pydicom.encaps.encapsulate([b'\xff\xd8\xff\xd9']), syntax=JPEGLosslessSV1),
     'compressed as JPEG Lossless.*gdcmconv'),
])
def test_one_line_for_what_is_not_read(make, message, recwarn):
    with pytest.raises(DataError, match=f'^a.dcm.*{message}') as caught:
        decode(make())
    assert '\n' not in str(caught.value) and NAME not in str(caught.value)


def test_run_lengths_are_read():
    file = pydicom.dcmread(io.BytesIO(radiograph()))
    file.compress(RLELossless, generate_instance_uid=False)
    stream = io.BytesIO()
    file.save_as(stream)
    np.testing.assert_array_equal(grey(decode(stream.getvalue())), PLAIN)


# Preparing

def write_table(folder, files, spacing=None):
    """A table of radiographs with two landmarks; ``spacing`` as a column."""
    folder.mkdir()
    lines = ['image,sella_x,sella_y,nasion_x,nasion_y' + (',pixel_spacing' if spacing else '')]
    for name, data in files.items():
        (folder / name).write_bytes(data)
        lines.append(f'{name},10,8,20,8' + (f',{spacing}' if spacing else ''))
    (folder / 'a.csv').write_text('\n'.join(lines) + '\n')
    return folder / 'a.csv'


def noise(seed):
    return np.random.default_rng(seed).integers(0, 4096, (24, 32)).astype(np.uint16)


def records(root):
    return {r.file_name: r for split in ('train', 'val', 'test') for r in read_split(root, split).records}


def test_prepared_radiographs(tmp_path, convert):
    kinds = [('MONOCHROME1', 'PixelSpacing'), ('MONOCHROME2', 'ImagerPixelSpacing')] * 2
    said = {'MONOCHROME1': 'PixelSpacing, calibration not stated', 'MONOCHROME2': 'ImagerPixelSpacing, at the detector'}
    files = {f'{i}.dcm': radiograph(noise(i), interpretation, **{spacing: [0.2, 0.2]})
             for i, (interpretation, spacing) in enumerate(kinds)}
    _, notes = convert('csv', write_table(tmp_path / 'src', files), tmp_path / 'set')
    for count, kind in ((4, 'dicom'), (2, 'monochrome1'), (2, 'unsaid-spacing'), (2, 'imager-spacing')):
        assert any(note.startswith(f'{count} images {images.PHRASES[kind]}: ') for note in notes), kind
    found = records(tmp_path / 'set')
    assert sorted(found) == ['0.png', '1.png', '2.png', '3.png']
    for name, record in found.items():
        data = files[name.replace('png', 'dcm')]
        np.testing.assert_array_equal(cv2.imread(str(record.path)), decode(data).pixels)
        assert record.pixel_spacing == 0.2
    for name, original in read_originals(tmp_path / 'set').items():
        assert (original.photograph, original.mm_down, original.mm_across) == (name.replace('png', 'dcm'), 0.2, 0.2)
        assert original.mm_from == said[kinds[int(name[0])][0]]
    assert not where_the_patient_is(tmp_path / 'set')
    # The box is 10 pixels, the crop 12, so 16 pixels are 2.4 mm.
    convert('csv', tmp_path / 'src' / 'a.csv', tmp_path / 'small', '--size', '16')
    assert [r.pixel_spacing for r in records(tmp_path / 'small').values()] == pytest.approx([0.15] * 4)


def where_the_patient_is(root):
    """Paths below a folder that hold the name or the id of the patient, in the name or in the content."""
    found = []
    for path in root.rglob('*'):
        content = path.name.encode() + (path.read_bytes() if path.is_file() else b'')
        if re.search(rb'(?i)doe(?!s\b)|jane|4711', content):
            found.append(path)
    return found


def test_patients_stay_out_of_names_tables_and_messages(tmp_path, convert, capsys):
    folder = tmp_path / 'src'
    lines = ['image,subject,sella_x,sella_y,nasion_x,nasion_y']
    for number in range(6):
        person = ('doe_jane', 'X1', 'X2')[number // 2]
        name = f'{person}/{number}.dcm' if number < 4 else f'20260102_PID4711_{number}.dcm'
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        values = noise(number) // 3000  # which gives a warning that names the image
        (folder / name).write_bytes(radiograph(values, PixelSpacing=[0.2, 0.2]))
        lines.append(f'{name},{"PID-4711" if number < 2 else person},10,8,20,8')
    (folder / 'a.csv').write_text('\n'.join(lines) + '\n')
    for number, options in enumerate(([], ['--size', '16'])):
        report, notes = convert('csv', folder / 'a.csv', tmp_path / 'out' / str(number), *options)
        report.write(tmp_path / 'out' / f'{number}.txt')
        (tmp_path / 'out' / f'{number}.log').write_text('\n'.join([*notes, report.text(99)]))
        found = read_originals(tmp_path / 'out' / str(number))
        assert sorted(found) == ['X1/2.png', 'X1/3.png', 'dicom1.png', 'dicom2.png', 'dicom3.png', 'dicom4.png']
        assert {one.photograph for one in found.values()} == {name.replace('png', 'dcm') for name in found}
        assert any(note.startswith('4 DICOM files whose names hold') for note in notes)
        assert 'the 3 subjects are called person1' in '\n'.join(notes)
        persons = {record.subject for record in records(tmp_path / 'out' / str(number)).values()}
        assert persons == {'person1', 'person2', 'person3'}
    assert not where_the_patient_is(tmp_path / 'out')
    assert not capsys.readouterr().out


def test_the_way_back_of_squared_and_cut_pixels(tmp_path, convert):
    files = {f'{i}.dcm': radiograph(noise(i), PixelSpacing=[0.2, 0.1]) for i in range(4)}
    convert('csv', write_table(tmp_path / 'src', files), tmp_path / 'set', '--size', '20')
    for name, original in read_originals(tmp_path / 'set').items():
        record = records(tmp_path / 'set')[name]
        np.testing.assert_allclose(original.back(record.landmarks), [[10, 8], [20, 8]], atol=1e-9)
        assert (original.width, original.height, original.mm_down, original.mm_across) == (32, 24, 0.2, 0.1)
        # Ten columns of 0.1 mm, in the photograph and in the square.
        assert np.ptp(record.landmarks[:, 0]) * record.pixel_spacing == pytest.approx(1)


def test_pixels_become_square(tmp_path, convert):
    files = {f'{i}.dcm': radiograph(noise(i), PixelSpacing=[0.2, 0.1]) for i in range(4)}
    _, notes = convert('csv', write_table(tmp_path / 'src', files), tmp_path / 'set')
    assert f'4 images {images.PHRASES["anisotropic"]}: 0.dcm (0.2 x 0.1, now 32 x 48 pixels), ' in '\n'.join(notes)
    for record in records(tmp_path / 'set').values():
        assert (record.width, record.height, record.pixel_spacing) == (32, 48, 0.1)
        np.testing.assert_allclose(record.landmarks, [[10, 16.5], [20, 16.5]])


def test_a_spacing_that_is_stated_twice(tmp_path, convert):
    files = {f'{i}.dcm': radiograph(noise(i), PixelSpacing=[0.2, 0.2]) for i in range(4)}
    with pytest.raises(DataError, match='0.dcm has pixels of 0.2 x 0.2 mm, but pixel_spacing is 0.3. Correct one'):
        convert('csv', write_table(tmp_path / 'a', files, 0.3), tmp_path / 'set')
    convert('csv', write_table(tmp_path / 'b', files, 0.2005), tmp_path / 'set')
    assert {r.pixel_spacing for r in records(tmp_path / 'set').values()} == {0.2005}


def test_a_set_that_holds_dicom_itself(prepared):
    root = prepared(np.full((2, 3, 2), 9.0) + np.arange(3)[:, None])
    for number, spacing in enumerate(([0.2, 0.2], [0.2, 0.1])):
        (root / 'images' / f'train{number}.png').write_bytes(radiograph(noise(number), PixelSpacing=spacing))
    path = root / 'annotations' / 'train.json'
    coco = json.loads(path.read_text())
    for image in coco['images']:
        image['width'], image['height'] = 32, 24
    path.write_text(json.dumps(coco))
    found = [(one.severity, one.kind, one.message) for one in check_dataset(root).findings if one.kind == 'dicom']
    assert [one[0] for one in found] == ['warning', 'error', 'warning']
    assert 'has pixels of 0.2 x 0.1, which are not square' in found[1][2]
