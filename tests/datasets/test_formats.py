"""Converters and the command line."""

import argparse
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmark.datasets.formats import FORMATS, check_prepared, coco, prepare, synthetic
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import read_split

TOOL = Path(__file__).resolve().parents[2] / 'tools' / 'prepare_data.py'


def convert(name, src, dst, *options):
    parser = argparse.ArgumentParser()
    FORMATS[name].add_arguments(parser)
    return prepare(name, str(src), dst, parser.parse_args([str(o) for o in options]))


def write_image(path, seed, width=32, height=24):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    assert cv2.imwrite(str(path), pixels)
    return pixels


# CSV

HEADER = 'image,eye_r_x,eye_r_y,eye_l_x,eye_l_y,nose_x,nose_y'


def write_table(folder, header, rows):
    folder.mkdir(exist_ok=True)
    path = folder / 'faces.csv'
    path.write_text('\n'.join([header, *(','.join(map(str, row)) for row in rows)]) + '\n')
    return path


def write_faces(folder, count=6, extra=lambda i: [], header=HEADER):
    """A table of images 0.png, 1.png, ... with landmarks that depend on the number."""
    rows = []
    for i in range(count):
        write_image(folder / f'{i}.png', i)
        rows.append([f'{i}.png', 5 + i / 4, 8.25, 15, 8, 10, 12, *extra(i)])
    return write_table(folder, header, rows)


def test_csv_roundtrip(tmp_path):
    splits = ['train', 'train', 'val', 'val', 'test', 'test']
    table = write_faces(tmp_path / 'src', 6, lambda i: [splits[i], f'p{i}', 'fm'[i % 2], 0.25 if i else ''],
                        HEADER + ',split,subject,sex,pixel_spacing')
    table.write_text(table.read_text().replace('1.png,5.25,8.25', '1.png,,'))
    report, notes = convert('csv', table, tmp_path / 'dst', '--groups', 'sex', '--interocular', 'eye_r:eye_l')
    assert report.ok and report.root == tmp_path / 'dst'
    assert notes == ['flip pairs derived from the names: eye_r:eye_l']
    train = read_split(tmp_path / 'dst', 'train')
    assert train.meta.landmarks == ('eye_r', 'eye_l', 'nose') and train.meta.flip_indices == (1, 0, 2)
    assert (train.meta.name, train.meta.subject) == ('dst', 'subject')
    assert train.meta.interocular == ('eye_r', 'eye_l')
    first, second = train.records
    np.testing.assert_array_equal(first.landmarks, [[5, 8.25], [15, 8], [10, 12]])
    np.testing.assert_array_equal(second.visible, [False, True, True])
    assert (first.subject, first.groups, first.pixel_spacing) == ('p0', {'sex': 'f'}, None)
    assert (second.subject, second.groups, second.pixel_spacing) == ('p1', {'sex': 'm'}, 0.25)
    assert first.path.read_bytes() == (tmp_path / 'src' / '0.png').read_bytes()
    assert [r.file_name for r in read_split(tmp_path / 'dst', 'test').records] == ['4.png', '5.png']


def test_csv_splits_by_subject(tmp_path):
    table = write_faces(tmp_path / 'src', 20, lambda i: [f'p{i % 7}'], HEADER + ',subject')
    _, notes = convert('csv', table, tmp_path / 'dst', '--seed', 3)
    assert 'split by subject, 64/16/20 percent, seed 3' in notes
    split_of = {}
    for split in ('train', 'val', 'test'):
        for record in read_split(tmp_path / 'dst', split).records:
            assert split_of.setdefault(record.subject, split) == split
    assert len(split_of) == 7 and set(split_of.values()) == {'train', 'val', 'test'}


def test_csv_one_based_and_crop(tmp_path):
    table = write_faces(tmp_path / 'src', 6, lambda i: [0.5], HEADER + ',pixel_spacing')
    convert('csv', table, tmp_path / 'dst', '--one-based', '--size', 40, '--padding', 2)
    records = [r for s in ('train', 'val', 'test') for r in read_split(tmp_path / 'dst', s).records]
    first = next(r for r in records if r.file_name == '0.png')
    # Zero-based: (4, 7.25), (14, 7), (9, 11). Box from the pixel edge: 4.5..14.5, 7.5..11.5; side 20, x0 and
    # y0 are -0.5, rounded to 0.
    np.testing.assert_allclose(first.landmarks, [[8.5, 15], [28.5, 14.5], [18.5, 22.5]])
    assert (first.width, first.height, first.pixel_spacing) == (40, 40, 0.25)
    assert cv2.imread(str(first.path)).shape == (40, 40, 3)


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ('nose_y', 'nose_z', r"faces\.csv: column 'nose_y' is missing"),
    ('image,', 'photo,', r"faces\.csv: column 'image' is missing"),
    ('nose_x', 'eye_r_x', r"faces\.csv: column 'eye_r_x' appears more than once"),
    ('1.png', '../1.png', r"line 3: image '\.\./1\.png': leaves the folder"),
    ('1.png', '0.png', r"line 3: image '0\.png': the image is listed in line 2"),
    ('1.png', '77.png', r"line 3: image '77\.png': .*77\.png does not exist"),
    ('1.png,5.25', '1.png,', r"line 3: image '1\.png': eye_r has only one coordinate"),
    ('1.png,5.25', '1.png,inf', r"line 3: image '1\.png': eye_r is 'inf', no finite number"),
    ('1.png,5.25', '1.png,nan', r"line 3: image '1\.png': eye_r has only one coordinate"),
    ('1.png,5.25', '1.png,5;2', r"line 3: image '1\.png': eye_r is '5;2', no finite number"),
    ('1.png,5.25,8.25,15,8,10,12', '1.png,,,,,,', r"line 3: image '1\.png': no landmark is annotated"),
    ('1.png,5.25', '1.png', r'line 3: 6 cells for 7 columns'),
    ('1.png,5.25', '1.png,50', r"faces\.csv: line 3: image '1\.png': keypoints: eye_r at \(50, 8\.25\) is outside"),
])
def test_bad_table_is_named_and_nothing_is_left(tmp_path, old, new, message):
    table = write_faces(tmp_path / 'src')
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match=message) as error:
        convert('csv', table, tmp_path / 'dst')
    assert 'partial' not in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ['src']


def test_bad_table_options(tmp_path):
    table = write_faces(tmp_path / 'src', 6, lambda i: ['dev', ''], HEADER + ',split,subject')
    with pytest.raises(DataError, match=r"line 2: image '0\.png': split is 'dev'"):
        convert('csv', table, tmp_path / 'dst')
    with pytest.raises(DataError, match=r"line 2: image '0\.png': subject is empty"):
        convert('csv', table, tmp_path / 'dst', '--resplit')
    with pytest.raises(DataError, match=r"column 'sex' is missing. Columns found: image, eye_r_x"):
        convert('csv', table, tmp_path / 'dst', '--groups', 'sex')
    with pytest.raises(DataError, match=r'none\.csv: no such file'):
        convert('csv', tmp_path / 'none.csv', tmp_path / 'dst')
    table = write_table(tmp_path / 'src', HEADER, [])
    with pytest.raises(DataError, match=r'faces\.csv: no rows'):
        convert('csv', table, tmp_path / 'dst')
    with pytest.raises(DataError, match='--size: 4 is too small'):
        convert('csv', write_faces(tmp_path / 'src'), tmp_path / 'dst', '--size', 4)


def test_existing_destination_is_kept(tmp_path):
    table = write_faces(tmp_path / 'src')
    (tmp_path / 'dst').mkdir()
    (tmp_path / 'dst' / 'mine').write_text('x')
    with pytest.raises(DataError, match=r'dst: exists already. Delete it or choose another DST'):
        convert('csv', table, tmp_path / 'dst')
    assert (tmp_path / 'dst' / 'mine').read_text() == 'x'


# COCO

NAMES = ['left_eye', 'right_eye', 'nose']


def coco_file(numbers, keypoints=None, **image_fields):
    return dict(
        categories=[dict(id=1, name='person', keypoints=NAMES)],
        images=[dict(id=i, file_name=f'{i}.png', width=32, height=24, **image_fields) for i in numbers],
        annotations=[dict(id=10 + i, image_id=i, category_id=1,
                          keypoints=keypoints or [20, 8, 2, 10, 8, 1, 15, 12, 2]) for i in numbers])


def write_coco(root, folder='annotations', images='images', names='{}.json'):
    for n, split in enumerate(('train', 'val', 'test')):
        numbers = [2 * n + 1, 2 * n + 2]
        path = root / folder / names.format(split)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(coco_file(numbers)))
        for i in numbers:
            write_image(root / images.format(split) / f'{i}.png', i)


@pytest.mark.parametrize('layout', [
    {}, dict(folder='.'), dict(images='{}2017', names='person_keypoints_{}2017.json'),
    dict(folder='.', images='{}'), dict(images='images/{}')])
def test_coco_layouts(tmp_path, layout):
    write_coco(tmp_path / 'src', **layout)
    _, notes = convert('coco', tmp_path / 'src', tmp_path / 'dst', '--interocular', 'left_eye:right_eye')
    assert notes == ['flip pairs derived from the names: left_eye:right_eye']
    for n, split in enumerate(('train', 'val', 'test')):
        read = read_split(tmp_path / 'dst', split)
        assert [r.file_name for r in read.records] == [f'{2 * n + 1}.png', f'{2 * n + 2}.png']
        np.testing.assert_array_equal(read.records[0].landmarks, [[20, 8], [10, 8], [15, 12]])
        assert read.meta.interocular == ('left_eye', 'right_eye') and read.meta.subject is None


def test_one_person_twice_and_the_photograph_as_unit(tmp_path):
    write_coco(tmp_path / 'src')
    path = tmp_path / 'src' / 'annotations' / 'train.json'
    content = coco_file([1, 2])
    points = content['annotations'][0]['keypoints']
    again = [v + 0.4 if k % 3 == 0 else v for k, v in enumerate(points)]
    content['annotations'].append(dict(id=99, image_id=1, keypoints=again))
    path.write_text(json.dumps(content))
    first = content['annotations'][0]['id']
    with pytest.raises(DataError, match=f'But annotations {first} and 99 lie on each other.*keep one'):
        convert('coco', tmp_path / 'src', tmp_path / 'dst')
    report, notes = convert('coco', tmp_path / 'src', tmp_path / 'dst', '--size', 16)
    found = [one for one in report.findings if one.kind == 'one-person-twice']
    assert len(found) == 1 and "image '1.png': annotation 99" in found[0].message
    assert f'those of annotation {first}: one person annotated twice' in found[0].message
    split = read_split(tmp_path / 'dst', 'train')
    assert split.meta.subject == 'photograph' and len(split.records) == 3
    assert len({record.subject for record in split.records}) == 2
    assert any('1 photographs show several annotated persons' in note for note in notes)
    content['annotations'][-1]['keypoints'] = [30, 20, 2, 25, 20, 2, 27, 22, 2]
    path.write_text(json.dumps(content))
    report, _ = convert('coco', tmp_path / 'src', tmp_path / 'two', '--size', 16)
    assert 'one-person-twice' not in [one.kind for one in report.findings]


def test_coco_crops_each_person_and_lists_empty_images(tmp_path):
    write_coco(tmp_path / 'src')
    path = tmp_path / 'src' / 'annotations' / 'train.json'
    content = coco_file([1, 2])
    content['images'].append(dict(id=3, file_name='empty.png', width=32, height=24))
    content['annotations'][0]['bbox'] = [8, 4, 16, 16]
    content['annotations'].append(dict(id=99, image_id=1, keypoints=[31, 20, 2, 0, 0, 0, 0, 0, 0],
                                       bbox=[20, 12, 4, 4]))
    path.write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"train\.json: image '1\.png': 2 annotated persons. Use --size"):
        convert('coco', tmp_path / 'src', tmp_path / 'dst')
    _, notes = convert('coco', tmp_path / 'src', tmp_path / 'dst', '--size', 64, '--padding', 1)
    assert 'train.json: 1 images without annotated landmarks left out: empty.png' in notes
    # All but annotation 11: padding 1 leaves no room for rounding where the box is that of the landmarks.
    assert '6 crops were widened because a landmark lay outside of the square' in notes
    one, other, single = read_split(tmp_path / 'dst', 'train').records
    assert [r.file_name for r in (one, other, single)] == ['1_11.png', '1_99.png', '2.png']
    # The square is the bounding box, x0 = 8, y0 = 4, scale 4.
    np.testing.assert_allclose(one.landmarks, [[49.5, 17.5], [9.5, 17.5], [29.5, 33.5]])
    assert one.bbox == (0, 0, 64, 64)
    np.testing.assert_array_equal(other.visible, [True, False, False])
    source = cv2.imread(str(tmp_path / 'src' / 'images' / '1.png'))[4:20, 8:24]
    np.testing.assert_array_equal(cv2.imread(str(one.path)), cv2.resize(source, (64, 64)))


def test_coco_single_file_is_split_by_subject(tmp_path):
    content = coco_file(range(12))
    for image in content['images']:
        image['subject'] = f's{image["id"] % 4}'
        write_image(tmp_path / 'src' / 'images' / image['file_name'], image['id'])
    (tmp_path / 'src' / 'faces.json').write_text(json.dumps(content))
    _, notes = convert('coco', tmp_path / 'src', tmp_path / 'dst')
    assert 'split by subject, 64/16/20 percent, seed 0' in notes
    subjects = [{r.subject for r in read_split(tmp_path / 'dst', split).records}
                for split in ('train', 'val', 'test')]
    assert sum(map(len, subjects)) == 4 == len(set.union(*subjects))


def test_coco_carries_scheme_and_second_annotator(tmp_path):
    write_coco(tmp_path / 'src')
    for path in (tmp_path / 'src' / 'annotations').iterdir():
        content = json.loads(path.read_text())
        for annotation in content['annotations']:
            annotation['keypoints_b'] = [21, 8, 2, 11, 8, 2, 0, 0, 0]
        path.write_text(json.dumps(content))
    (tmp_path / 'src' / 'metainfo.json').write_text(json.dumps(dict(
        name='old', landmarks=NAMES, flip_indices=[1, 0, 2], annotators=['b'], pixel_spacing=0.5,
        measurements=dict(width=['left_eye', 'right_eye']), licence='free')))
    # The landmarks' box is 10 x 4 from (10.5, 8.5); side 20 from (round(5.5), round(0.5)) = (6, 0), scale 2.
    convert('coco', tmp_path / 'src', tmp_path / 'dst', '--size', 40, '--padding', 2)
    split = read_split(tmp_path / 'dst', 'train')
    assert split.meta.licence == 'free' and split.meta.measurements == {'width': ('left_eye', 'right_eye')}
    record = split.records[0]
    np.testing.assert_allclose(record.landmarks[0], [28.5, 16.5])
    np.testing.assert_allclose(record.annotators['b'], [[30.5, 16.5], [10.5, 16.5], [np.nan, np.nan]])
    assert record.pixel_spacing == 0.25


def broken(change):
    content = coco_file([1, 2])
    change(content)
    return content


@pytest.mark.parametrize(('change', 'message'), [
    (lambda c: c.pop('images'), r"train\.json: field 'images' is missing"),
    (lambda c: c['categories'][0].pop('keypoints'), r'train\.json: categories: no category names its `keypoints`'),
    (lambda c: c['categories'][0].update(keypoints=['a', 'b', 'c']),
     r'val\.json: .* differs from .*train\.json'),
    (lambda c: c['images'][1].pop('file_name'), r"train\.json: images\[1\]: field 'file_name' is missing"),
    (lambda c: c['images'][1].update(id=1), r"image '2\.png': id 1 appears more than once"),
    (lambda c: c['images'][1].update(file_name='a/../../2.png'),
     r"image 'a/\.\./\.\./2\.png': leaves the folder"),
    (lambda c: c['images'][1].update(file_name='9.png'), r"image '9\.png': found in none of"),
    (lambda c: c['images'][1].update(width=31), r"image '2\.png': annotation 12: .* is 32 x 24, .* 31 x 24"),
    (lambda c: c['annotations'][1].update(keypoints=[1, 2]),
     r"image '2\.png': annotation 12: keypoints has 2 numbers"),
    (lambda c: c['annotations'][1]['keypoints'].__setitem__(0, float('nan')),
     r'annotation 12: .* no finite number'),
    (lambda c: c['annotations'][1].update(image_id=9),
     r'train\.json: annotation 12: image_id 9 is not in images'),
    (lambda c: c['annotations'][1].pop('image_id'),
     r"train\.json: annotations\[1\]: field 'image_id' is missing"),
    (lambda c: c['images'][1].update(pixel_spacing='1'), r"image '2\.png': pixel_spacing is '1'"),
    (lambda c: c['annotations'][1].update(bbox=[0, 0, -1, 2]), r'annotation 12: bbox is \[0, 0, -1, 2\]'),
])
def test_bad_coco_is_named(tmp_path, change, message):
    write_coco(tmp_path / 'src')
    (tmp_path / 'src' / 'annotations' / 'train.json').write_text(json.dumps(broken(change)))
    with pytest.raises(DataError, match=message):
        convert('coco', tmp_path / 'src', tmp_path / 'dst')
    assert not (tmp_path / 'dst').exists()


@pytest.mark.parametrize('x', [32, 54.4, 1e6])
def test_coco_landmark_outside_is_named_though_the_crop_would_hold_it(tmp_path, x):
    write_coco(tmp_path / 'src')
    content = coco_file([1, 2], keypoints=[20, 8, 2, x, 8, 2, 15, 12, 2])
    (tmp_path / 'src' / 'annotations' / 'train.json').write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"image '1\.png': annotation 11: keypoints: .* outside of the 32 x 24 image"):
        convert('coco', tmp_path / 'src', tmp_path / 'dst', '--size', 16)
    assert not (tmp_path / 'dst').exists()


def test_coco_options_and_files(tmp_path):
    write_coco(tmp_path / 'src')
    with pytest.raises(DataError, match=r"train\.json: image '1\.png': field 'person' is missing"):
        convert('coco', tmp_path / 'src', tmp_path / 'dst', '--subject', 'person')
    with pytest.raises(DataError, match=r'none: no such file or folder'):
        convert('coco', tmp_path / 'none', tmp_path / 'dst')
    with pytest.raises(DataError, match=r'images: no \*\.json here'):
        convert('coco', tmp_path / 'src' / 'images', tmp_path / 'dst')
    folder = tmp_path / 'src' / 'annotations'
    (folder / 'train_extra.json').write_text('{}')
    found, notes = coco.find_files(tmp_path / 'src')
    assert found == [(s, folder / f'{s}.json') for s in ('train', 'val', 'test')]
    assert notes == ['left out, no split of its own: train_extra.json']
    (folder / 'train.json').rename(folder / 'train_b.json')
    with pytest.raises(DataError, match=r'train_b\.json and .*train_extra\.json both claim split train'):
        coco.find_files(tmp_path / 'src')


# Synthetic


def test_synthetic_options(tmp_path):
    assert synthetic.parse_splits('train=4, test=2') == dict(train=4, test=2)
    for text in ('train', 'dev=3', 'train=x', 'train=1'):
        with pytest.raises(DataError, match='--splits: '):
            synthetic.parse_splits(text)
    with pytest.raises(DataError, match="SRC is 'dogs'"):
        convert('synthetic', 'dogs', tmp_path / 'dst')
    with pytest.raises(DataError, match='--image-size: 8 is too small'):
        convert('synthetic', 'faces', tmp_path / 'dst', '--image-size', 8)
    with pytest.raises(DataError, match='--shots must be at least 2'):
        convert('synthetic', 'identities', tmp_path / 'dst', '--shots', 1)


def test_synthetic_sets_pass(tmp_path):
    report, _ = convert('synthetic', 'faces', tmp_path / 'faces', '--splits', 'train=3,val=2,test=2',
                        '--image-size', 64)
    assert [report.summary[s]['images'] for s in ('train', 'val', 'test')] == [3, 2, 2]
    report, _ = convert('synthetic', 'identities', tmp_path / 'ids', '--identities', 3, '--shots', 4,
                        '--image-size', 64)
    assert report.summary['train']['subjects'] == 3
    assert report.summary['train']['images'] + report.summary['val']['images'] == 12
    (tmp_path / 'ids' / 'index.csv').write_text('file,identity,label,split\n')
    assert 'no rows' in check_prepared(tmp_path / 'ids').errors[0]


# The command line


def run(*arguments):
    command = [sys.executable, str(TOOL), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_command_line(tmp_path):
    table = write_faces(tmp_path / 'src')
    done = run('csv', table, tmp_path / 'dst', '--size', 32)
    assert (done.returncode, done.stderr) == (0, '')
    assert 'note: flip pairs derived from the names: eye_r:eye_l\n' in done.stdout
    assert 'dst: 0 errors, ' in done.stdout.splitlines()[-1]
    again = run('csv', table, tmp_path / 'dst')
    assert again.returncode == 2 and again.stdout == ''
    assert again.stderr == f'error: {tmp_path / "dst"}: exists already. Delete it or choose another DST.\n'
    next((tmp_path / 'dst' / 'images').iterdir()).unlink()
    checked = run('check', tmp_path / 'dst')
    assert checked.returncode == 1 and checked.stderr == ''
    assert 'does not exist' in checked.stdout and 'dst: 1 errors, ' in checked.stdout


def test_command_line_help_and_missing_set(tmp_path):
    shown = run('--help')
    assert shown.returncode == 0 and 'examples:' in shown.stdout
    assert all(name in shown.stdout for name in FORMATS)
    missing = run('check', tmp_path / 'none')
    assert missing.returncode == 2
    assert missing.stderr.count('\n') == 1
    assert missing.stderr.startswith(f'error: {tmp_path / "none"}: no prepared set')
