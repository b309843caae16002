"""Readers: what is common to them, recognising, and one from a user's file."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from odd import COUNT, HEIGHT, NAMES, WIDTH, assert_exact, landmarks, points

from benchmark.datasets import readers
from benchmark.datasets.formats import FORMATS
from benchmark.datasets.formats.recognise import recognise
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import read_split

ROOT = Path(__file__).resolve().parents[2]
TOOL = ROOT / 'tools/prepare_data.py'


def tool(*argv, **env):
    return subprocess.run([sys.executable, TOOL, *map(str, argv)], capture_output=True, text=True,
                          env=os.environ | env)


def shapes(i, **more):
    """LabelMe's shapes of image i: corners are 0, so that half a pixel is added."""
    return [dict(label=name, points=[[float(x) + .5, float(y) + .5]], shape_type='point', group_id=None, flags={},
                 **more) for name, (x, y) in zip(NAMES, points(i))]


@pytest.fixture
def labelled(tmp_path, photo):
    """Writes images and LabelMe files in ``src``; ``change`` alters a file's content."""

    def make(change=lambda i, content: None, name='{}.json', image='{}.png'):
        for i in range(COUNT):
            path = tmp_path / 'src' / name.format(i)
            path.parent.mkdir(parents=True, exist_ok=True)
            photo(Path(os.path.normpath(path.parent / image.format(i))), i, WIDTH, HEIGHT)
            content = dict(version='5.4.1', flags={}, shapes=shapes(i), imagePath=image.format(i), imageData=None,
                           imageHeight=HEIGHT, imageWidth=WIDTH)
            change(i, content)
            path.write_text(json.dumps(content))
        return tmp_path / 'src'

    return make


def test_a_corner_is_half_a_pixel_from_a_centre(labelled, tmp_path, convert):
    src = labelled()
    report, notes = convert('labelme', src, tmp_path / 'dst')
    assert report.ok
    assert_exact(tmp_path / 'dst')
    assert 'coordinates were read as pixels, the centre of the first pixel at 0.5' in notes
    convert('labelme', src, tmp_path / 'other', '--pixel-origin', 'centre')
    np.testing.assert_allclose(landmarks(tmp_path / 'other')[3], points(3) + .5)
    convert('labelme', src, tmp_path / 'old', '--first-pixel', 1)
    np.testing.assert_allclose(landmarks(tmp_path / 'old')[3], points(3) - .5)


@pytest.mark.parametrize(('name', 'image'), [('p{0}/{0}.json', '{}.png'), ('{}.json', '../photos/{}.png'),
                                             ('{}.json', '..\\photos\\{}.png'), ('a/{}.json', '../b/{}.png')])
def test_images_lie_where_the_file_says(labelled, tmp_path, convert, name, image):
    src = labelled(name=name, image=image.replace('\\', '/'))
    for path in src.rglob('*.json'):
        path.write_text(path.read_text().replace(image.split('{')[0].replace('\\', '/') + path.stem,
                                                 json.dumps(image.format(path.stem)[:-4])[1:-1]))
    convert('labelme', src, tmp_path / 'dst')
    assert_exact(tmp_path / 'dst')


def test_persons_by_a_pattern_or_a_flag(labelled, tmp_path, convert):
    src = labelled(lambda i, c: c['flags'].update(patient_id=f'k{i // 2}', smiles=i % 2 == 0), name='v{0}/{0}.json')
    with pytest.raises(DataError, match="'patient_id' looks like the person, and is 'k0' here"):
        convert('labelme', src, tmp_path / 'dst')
    report, _ = convert('labelme', src, tmp_path / 'dst', '--subject', 'patient_id', '--group', 'smiles')
    assert sum(s['subjects'] for s in report.summary.values()) == 6
    assert {r.groups['smiles'] for r in read_split(tmp_path / 'dst', 'train').records} == {'yes', 'no'}
    report, notes = convert('labelme', src, tmp_path / 'name', '--subject', '^v([0-9])')
    assert sum(s['subjects'] for s in report.summary.values()) == 10
    assert 'fields that are not used: patient_id, smiles (--groups names subgroups)' in notes
    for pattern, message in (('^w(.)', "finds nobody in 'v0/0'"), ('^v(', 'no regular expression'), ('v', "no 'v'"),
                             ('^(?:v)', 'has no group')):
        with pytest.raises(DataError, match=re.escape(message)):
            convert('labelme', src, tmp_path / 'bad', '--subject', pattern)


def test_groups_of_shapes_are_persons_and_the_rest_is_told(labelled, tmp_path, convert):
    def two(i, content):
        content['shapes'] = [*content['shapes'], dict(label='face', points=[[1, 1], [2, 3]], shape_type='rectangle')]
        if i:
            return
        content['shapes'] += shapes(1)
        for k, shape in enumerate(content['shapes']):
            shape['group_id'] = k // 4

    src = labelled(two)
    with pytest.raises(DataError, match=r'0\.json: group_id 0: 2 annotated faces in 0\.png\. Use --size'):
        convert('labelme', src, tmp_path / 'dst')
    report, notes = convert('labelme', src, tmp_path / 'dst', '--size', 64)
    assert sum(s['images'] for s in report.summary.values()) == COUNT + 1
    assert f'not used: shapes of type rectangle ({COUNT + 1} images)' in notes


def twice(i, content):
    content['shapes'].append(content['shapes'][0])


def ungrouped(i, content):
    content['shapes'] += [shape | dict(group_id=1) for shape in shapes(i)]


def no_point(i, content):
    content['shapes'][1]['points'] = [[3, None]]


def no_label(i, content):
    del content['shapes'][2]['label']


def other_size(i, content):
    content['imageWidth'] -= 1


@pytest.mark.parametrize(('change', 'message'), [
    (twice, r"0\.json: shapes\[3\]: 'eye_r' is marked twice"),
    (ungrouped, r'0\.json: 3 points have no group_id'),
    (no_point, r'0\.json: shapes\[1\]: points is \[\[3, None\]\]'),
    (no_label, r"0\.json: shapes\[2\]: field 'label' is missing"),
    (lambda i, c: c.update(imagePath=None), r'0\.json: imagePath is missing'),
    (lambda i, c: c.update(shapes=[]), r'12 images and no landmark in any of them'),
    (other_size, rf'is {WIDTH} x {HEIGHT}, but the record says {WIDTH - 1}'),
])
def test_bad_files_are_named(labelled, tmp_path, convert, change, message):
    with pytest.raises(DataError, match=message):
        convert('labelme', labelled(change), tmp_path / 'dst')
    assert not (tmp_path / 'dst').exists()


def test_names_alike_are_noticed(labelled, tmp_path, convert):
    src = labelled(lambda i, c: c['shapes'][0].update(label='Eye R') if i == 4 else None)
    report, _ = convert('labelme', src, tmp_path / 'dst')
    assert "'eye_r' (11 images) and 'Eye R' (1 images) differ only in case" in ' '.join(report.warnings)


# Recognising


def test_the_format_is_recognised_or_asked_for(labelled, tmp_path):
    src = labelled()
    done = tool(src, tmp_path / 'dst', '--size', 64)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith('note: read as labelme: 0.json has the fields shapes, label and shape_type\n')
    for name in FORMATS:
        if name != 'labelme' and FORMATS[name].recognise(src):
            raise AssertionError(name)
    (src / 'annotations').mkdir()
    (src / 'annotations/train.json').write_text(json.dumps(dict(images=[dict(file_name='a')], annotations=[])))
    done = tool(src, tmp_path / 'two')
    assert done.returncode == 2 and not done.stdout
    for name in ('coco', 'labelme'):
        assert f'tools/prepare_data.py {name} {src} {tmp_path}/two (' in done.stderr
    assert len(done.stderr.splitlines()) == 1
    (tmp_path / 'empty').mkdir()
    with pytest.raises(DataError, match='the format is not recognised. Say which it is'):
        recognise(str(tmp_path / 'empty'), 'dst', FORMATS)
    (tmp_path / 'photographs').mkdir()
    for name in ('a.JPG', 'b.dcm'):
        (tmp_path / 'photographs' / name).touch()
    with pytest.raises(DataError, match='photographs: 2 images and no file that could hold landmarks.* --images'):
        recognise(str(tmp_path / 'photographs'), 'dst', FORMATS)
    with pytest.raises(DataError, match='labelmee: no such .*Did you mean labelme[?] FORMAT is one'):
        recognise('labelmee', 'dst', FORMATS)
    with pytest.raises(DataError, match='nothing: no such file or folder, and no FORMAT. FORMAT is one of: coco, csv'):
        recognise(str(tmp_path / 'nothing'), 'dst', FORMATS)


def test_tables_and_coco_files_are_recognised(tmp_path):
    table = tmp_path / 'faces.csv'
    table.write_text('a title\n"Image";eye_x;eye_y\n1.png;2;3\n', encoding='utf-16')
    assert recognise(str(table), 'dst', FORMATS) == ('csv', 'faces.csv has a column image')
    coco = tmp_path / 'all.json'
    coco.write_text(json.dumps(dict(images=[dict(id=k, file_name=f'{k}.png') for k in range(5000)], annotations=[],
                                    categories=[])))
    assert recognise(str(coco), 'dst', FORMATS)[0] == 'coco'


@pytest.mark.parametrize(('name', 'file'), [('300w', 'helen/trainset/1.png'), ('wflw', 'WFLW_annotations/a.txt'),
                                            ('isbi2015', 'AnnotationsByMD/400_junior/001.txt'),
                                            ('webmorph', 'faces/1.tem'), ('aflw', 'AFLWinfo_release.mat')])
def test_public_sets_are_recognised_by_their_folders(tmp_path, name, file):
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text('')
    assert recognise(str(tmp_path), 'dst', FORMATS)[0] == name


# Readers of one's own


def example(folder):
    """The reader of docs/extending.md."""
    page = (ROOT / 'docs/extending.md').read_text()
    block = re.search(r'```python\n(# lines_reader\.py\n.*?)```', page, re.S)[1]
    folder.mkdir(exist_ok=True)
    (folder / 'lines_reader.py').write_text(block)
    return folder / 'lines_reader.py'


@pytest.fixture
def lines(tmp_path, photo):
    """Writes what that reader reads."""
    for i in range(COUNT):
        photo(tmp_path / f'src/{i}.png', i, WIDTH, HEIGHT)
        (tmp_path / f'src/{i}.lines').write_text(''.join(
            f'{name} {x + 1} {y + 1}\n' for name, (x, y) in zip(NAMES, points(i))))
    return tmp_path / 'src'


def test_a_reader_from_a_users_file(lines, tmp_path):
    reader = example(tmp_path / 'mine')
    done = tool('--reader', reader, 'lines', lines, tmp_path / 'dst', '--interocular', 'eye_r:eye_l')
    assert done.returncode == 0, done.stderr
    assert_exact(tmp_path / 'dst')
    done = tool(lines, tmp_path / 'two', f'--reader={reader}')
    assert done.returncode == 0, done.stderr
    assert 'note: read as lines: the first line of 0.lines is a name and two numbers\n' in done.stdout
    assert_exact(tmp_path / 'two')
    assert 'read as' not in tool('lines', '--reader', reader, '--help').stdout
    (lines / '3.lines').write_text('eye_r 2\n')
    done = tool('--reader', reader, 'lines', lines, tmp_path / 'bad')
    assert done.returncode == 2 and "3.lines: line 1: 'eye_r 2' is not `name x y`." in done.stderr


def test_a_reader_of_an_installed_package(lines, tmp_path):
    reader = example(tmp_path / 'site')
    info = tmp_path / 'site/lines-1.dist-info'
    info.mkdir()
    (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: lines\nVersion: 1\n')
    (info / 'entry_points.txt').write_text('[landmark_benchmark.readers]\nlines = lines_reader\n')
    done = tool(lines, tmp_path / 'dst', PYTHONPATH=str(reader.parent))
    assert done.returncode == 0, done.stderr
    assert_exact(tmp_path / 'dst')
    reader.write_text('import nothing_of_this_name\n')
    done = tool(lines, tmp_path / 'bad', PYTHONPATH=str(reader.parent))
    assert done.returncode == 2 and 'reader lines of an installed package (lines_reader): ModuleNotFound' in done.stderr


@pytest.mark.parametrize(('text', 'message'), [
    ('1 +', 'SyntaxError'),
    ('x = 1', 'no reader is registered there'),
    ('from benchmark.datasets.readers import Reader, register\n@register\nclass A(Reader):\n    name = "a"',
     'reader A: summary is missing'),
    ('from benchmark.datasets.readers import Reader, register\n@register\nclass A(Reader):\n    name = "labelme"\n'
     '    summary = "x"', 'reader labelme: the name is taken'),
    ('from benchmark.datasets.readers import Reader, register\n@register\nclass A(Reader):\n    name = "a"\n'
     '    summary = "x"\n    pixel_origin = "center"', "reader a: pixel_origin is 'center'. Use one of: centre,"),
])
def test_a_users_file_that_registers_no_reader(tmp_path, text, message):
    path = tmp_path / 'mine.py'
    path.write_text(text)
    with pytest.raises(DataError, match=f'--reader: .*mine.py: .*{re.escape(message)}'):
        readers.load(path)
    with pytest.raises(DataError, match='--reader: .*none.py: no such file'):
        readers.load(tmp_path / 'none.py')


def test_points_without_names(tmp_path, photo, convert, monkeypatch):
    class Counted(readers.Reader):
        name, summary = 'counted', 'a test'
        given = [list(map(tuple, points(i))) for i in range(COUNT)]

        def read(self, src, options):
            yield 'a note of its own'
            for i, found in enumerate(self.given):
                yield readers.Annotated(f'{i}.png', found, f'record {i}', spacing=.5, annotators=dict(b=found))

    for i in range(COUNT):
        photo(tmp_path / f'src/{i}.png', i, WIDTH, HEIGHT)
    from benchmark.datasets.formats.reading import as_converter
    monkeypatch.setitem(FORMATS, 'counted', as_converter(Counted()))
    _, notes = convert('counted', tmp_path / 'src', tmp_path / 'dst')
    assert_exact(tmp_path / 'dst')
    assert 'a note of its own' in notes and '3 landmarks without names: p1 to p3 (--names)' in notes
    assert 'points of a further annotator are not used: --annotators b takes them' in notes
    convert('counted', tmp_path / 'src', tmp_path / 'named', '--names', 'a,b,c', '--annotators', 'b', '--spacing', '.2')
    train = read_split(tmp_path / 'named', 'train')
    assert train.meta.landmarks == ('a', 'b', 'c') and train.meta.annotators == ('b',)
    assert train.records[0].pixel_spacing == .2
    with pytest.raises(DataError, match='--names: 2 different names for 3 points'):
        convert('counted', tmp_path / 'src', tmp_path / 'bad', '--names', 'a,b')
    with pytest.raises(DataError, match="--annotators: nobody is called 'c'. Annotators: b."):
        convert('counted', tmp_path / 'src', tmp_path / 'bad', '--annotators', 'c')
    Counted.given[2] = [*Counted.given[2], None]
    with pytest.raises(DataError, match='record 2: 4 points, but record 0 has 3'):
        convert('counted', tmp_path / 'src', tmp_path / 'bad')
