"""One annotated eye an image: from the holder's table to a view of the canonical side and back."""

import re
from pathlib import Path

import numpy as np
import pytest

from benchmark.datasets.formats.cifasd import both_sides
from benchmark.datasets.formats.delimited import read_table
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import read_split

HEADER = 'image,side,diagnosis,exocanthion_x,exocanthion_y,endocanthion_x,endocanthion_y,nasion_x,nasion_y'


@pytest.fixture
def table(tmp_path, photo):
    """Twelve 40 x 40 images, right and left eyes in turn; a left eye lies where a right one does when mirrored."""
    rows = []
    for i in range(12):
        photo(tmp_path / f'src/{i}.png', i, 40, 40)
        eye = [6 + i / 4, 12, 14, 13]
        if i % 2:
            eye = [39 - eye[0], 12, 39 - 14, 13]
        rows.append([f'{i}.png', ['Right', 'l'][i % 2], ['fasd', 'control'][i % 3 == 0], *eye, 20, 10])
    path = tmp_path / 'src/faces.csv'
    path.write_text('\n'.join([HEADER, *(','.join(map(str, row)) for row in rows)]) + '\n')
    return path


OPTIONS = ('--sided', 'exocanthion,endocanthion', '--groups', 'diagnosis,side')
NAMES = ('exocanthion_r', 'exocanthion_l', 'endocanthion_r', 'endocanthion_l', 'nasion')


def test_each_row_fills_its_side(table, tmp_path, convert):
    convert('cifasd', table, tmp_path / 'dst', *OPTIONS)
    split = read_split(tmp_path / 'dst', 'train')
    assert split.meta.landmarks == NAMES and split.meta.flip_indices == (1, 0, 3, 2, 4)
    assert split.meta.flip_policy == 'canonical'
    for record in split.records:
        i = int(record.file_name.split('.')[0])
        assert record.groups['side'] == ['right', 'left'][i % 2]
        assert record.visible.tolist() == ([True, False, True, False, True], [False, True, False, True, True])[i % 2]
    convert('cifasd', table, tmp_path / 'swap', *OPTIONS, '--flip-policy', 'swap')
    assert read_split(tmp_path / 'swap', 'train').meta.flip_policy == 'swap'


def test_views_show_one_side_and_predictions_are_mirrored_back(registered, table, tmp_path, convert):
    from mmpose.registry import DATASETS

    from benchmark.evaluation import LandmarkErrorMetric
    convert('cifasd', table, tmp_path / 'dst', *OPTIONS)
    for train in (True, False):
        data = DATASETS.build(dict(type='LandmarkDataset', data_root=str(tmp_path / 'dst'), split='train',
                                   input_size=(40, 40),
                                   pipeline=[dict(type='DrawView', scales=(1.0,), train=train)]))
        items = [data[i] for i in range(len(data))]
        assert {item['flip'] for item in items} == {True, False}
        for item in items:
            assert item['keypoints_visible'][0].tolist() == [1, 0, 1, 0, 1]
            i = int(item['image'].split('.')[0])
            np.testing.assert_allclose(item['transformed_keypoints'][0, [0, 2]], [[6 + i / 4, 12], [14, 13]], atol=1e-5)
    metric = LandmarkErrorMetric(landmarks=list(NAMES))
    # The network finds the mirrored view's landmarks exactly, and something for the side that is not there.
    for item in items:
        sample = {k: item[k] for k in ('image', 'subject', 'groups', 'flip', 'flip_indices', 'annotated', 'input_size',
                                       'input_scale', 'ori_shape')}
        found = np.where(item['keypoints_visible'][0, :, None] > 0, item['transformed_keypoints'][0], 3.0)
        metric.process({}, [sample | dict(gt_instances=dict(keypoints=item['keypoints']), pixel_spacing=None,
                                          pred_instances=dict(keypoints=found[None], keypoint_scores=np.ones((1, 5))))])
    summary = metric.compute_metrics(metric.results)
    assert summary['ME'] == pytest.approx(0, abs=1e-5) and len(metric.rows) == 3 * len(items)
    sides = {row['landmark'][-2:] for row in metric.rows if row['group_side'] == 'left' and row['landmark'] != 'nasion'}
    assert sides == {'_l'}


def test_a_table_with_both_sides_is_read_by_csv(table, tmp_path, convert):
    text = table.read_text().splitlines()
    header = ('image,exocanthion_r_x,exocanthion_r_y,exocanthion_l_x,exocanthion_l_y,endocanthion_r_x,endocanthion_r_y,'
              'endocanthion_l_x,endocanthion_l_y,nasion_x,nasion_y')
    rows = []
    for line in text[1:]:
        name, side, _, *c = line.split(',')
        eye = [c[:2], ['', ''], c[2:4], ['', '']] if side == 'Right' else [['', ''], c[:2], ['', ''], c[2:4]]
        rows.append(','.join([name, *sum(eye, []), *c[4:]]))
    table.write_text('\n'.join([header, *rows]) + '\n')
    convert('csv', table, tmp_path / 'dst', '--flip-policy', 'canonical')
    meta = read_split(tmp_path / 'dst', 'train').meta
    assert meta.landmarks == NAMES and meta.flip_policy == 'canonical'


@pytest.mark.parametrize(('old', 'new', 'message'), [
    ('image,side', 'image,eye', r"column 'side' is missing. .* A table with columns for both sides is read by `csv`"),
    ('exocanthion_y', 'exo_y', r"column 'exocanthion_y' is missing. Columns found: image, side"),
    ('0.png,Right', '0.png,both', r"line 2: image '0\.png': side is 'both'. Use right or left"),
    ('nasion_x', 'exocanthion_r_x', r"column 'exocanthion_r_x' is there although --sided makes it"),
    ('0.png,Right,control,6.0', '0.png,Right,control,', r"line 2: .*: exocanthion_r has only one coordinate"),
])
def test_bad_table_is_named(table, tmp_path, convert, old, new, message):
    text = table.read_text()
    assert old in text
    table.write_text(text.replace(old, new, 1))
    with pytest.raises(DataError, match=r'faces\.csv: ' + message):
        convert('cifasd', table, tmp_path / 'dst', *OPTIONS)


def test_the_documented_example(tmp_path):
    text = (Path(__file__).parents[2] / 'docs/data.md').read_text().split('## One annotated eye')[1]
    path = tmp_path / 'faces.csv'
    path.write_text(re.search(r'```\n(image,.*?)```', text, re.S)[1])
    sided = re.search(r'prepare_data.py cifasd .*?--sided (\S+)', text, re.S)[1].split(',')
    read = read_table(path)
    rows, columns = both_sides(path, read.rows, read.columns, sided)
    assert [c[:-2] for c in columns if c.endswith('_x')] == list(NAMES)
    (_, first), (_, second) = rows
    assert (first['exocanthion_r_x'], first['exocanthion_l_x'], first['side']) == ('61.5', '', 'right')
    assert (second['endocanthion_r_y'], second['endocanthion_l_y'], second['nasion_y']) == ('', '88', '87')
