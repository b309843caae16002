"""What is cut out of photographs, and the way back to their pixels."""

import json

import numpy as np
import pandas as pd
import pytest

from benchmark.commands.to_photographs import main
from benchmark.datasets.formats.crops import read_crop
from benchmark.datasets.formats.originals import ORIGINALS, Original, in_photographs, read_originals
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.prepared import fingerprint, read_split

POINTS = np.array([[20.0, 11.0], [41.5, 12.25], [30.0, 33.75]])


@pytest.fixture
def source(tmp_path, photo):
    """A COCO file of six photographs of 64 x 48 pixels, each with a box around its upper half; returns its folder."""
    images, annotations = [], []
    for number in range(6):
        photo(tmp_path / 'src' / 'images' / f'{number}.png', number)
        images.append(dict(id=number, file_name=f'{number}.png', width=64, height=48))
        annotations.append(dict(id=number, image_id=number, category_id=1, bbox=[10, 5, 40, 24],
                                keypoints=[c for x, y in POINTS + number / 8 for c in (x, y, 2)]))
    category = dict(id=1, name='x', keypoints=['a', 'b', 'c'], flip_indices=[0, 1, 2])
    (tmp_path / 'src' / 'all.json').write_text(json.dumps(dict(images=images, annotations=annotations,
                                                               categories=[category])))
    return tmp_path / 'src'


def records(root):
    return [r for split in ('train', 'val', 'test') for r in read_split(root, split).records]


@pytest.mark.parametrize('options, around, side', [
    ([], 'box', 50), (['--crop', 'boxes'], 'box', 50), (['--crop', 'landmarks'], 'landmarks', 28),
    (['--crop', 'whole'], 'whole', 64), (['--crop', 'whole', '--padding', '1.5'], 'whole', 96)])
def test_what_squares_lie_around(source, tmp_path, convert, options, around, side):
    _, notes = convert('coco', source / 'all.json', tmp_path / 'set', '--size', 32, *options)
    assert read_crop(tmp_path / 'set')['around'] == around
    assert any('around the truth' in note for note in notes) == (around == 'landmarks')
    found = read_originals(tmp_path / 'set')
    for record in records(tmp_path / 'set'):
        original = found[record.file_name]
        assert original.x_scale * 32 == pytest.approx(side)
        np.testing.assert_allclose(original.back(record.landmarks), POINTS + int(original.photograph[0]) / 8, atol=1e-9)


def test_a_crop_that_cannot_be(source, tmp_path, convert):
    with pytest.raises(DataError, match='^--crop: nothing is cut out without --size'):
        convert('coco', source / 'all.json', tmp_path / 'set', '--crop', 'whole')
    content = json.loads((source / 'all.json').read_text())
    del content['annotations'][3]['bbox']
    (source / 'all.json').write_text(json.dumps(content))
    with pytest.raises(DataError, match=r"image '3\.png'.*has no box, as --crop boxes needs"):
        convert('coco', source / 'all.json', tmp_path / 'set', '--size', 32, '--crop', 'boxes')
    convert('coco', source / 'all.json', tmp_path / 'set', '--size', 32)
    assert read_crop(tmp_path / 'set')['around'] == 'both'


def test_turned_photographs_say_so(tmp_path, convert):
    folder = tmp_path / 'src'
    folder.mkdir()
    from PIL import Image
    for number in range(4):
        exif = Image.Exif()
        exif[0x0112] = 6 if number else 1
        noise = np.random.default_rng(number).integers(0, 256, (30, 50, 3), np.uint8)
        Image.fromarray(noise).save(folder / f'{number}.jpg', exif=exif)
    (folder / 'a.csv').write_text('image,a_x,a_y,b_x,b_y\n' + ''.join(f'{n}.jpg,5,6,20,25\n' for n in range(4)))
    for frame, size in (('turned', (30, 50)), ('stored', (50, 30))):
        convert('csv', folder / 'a.csv', tmp_path / frame, '--rotation', frame)
        found = {one.photograph: one for one in read_originals(tmp_path / frame).values()}
        assert [one.frame for _, one in sorted(found.items())] == ['', frame, frame, frame]
        assert (found['1.jpg'].width, found['1.jpg'].height) == size


def test_the_table_is_no_part_of_the_fingerprint(source, tmp_path, convert):
    convert('coco', source / 'all.json', tmp_path / 'set', '--size', 32)
    before = fingerprint(tmp_path / 'set')
    (tmp_path / 'set' / ORIGINALS).unlink()
    assert fingerprint(tmp_path / 'set') == before
    with pytest.raises(DataError, match='originals.csv: no such file, so the way back .* Prepare the set anew'):
        read_originals(tmp_path / 'set')


def test_results_in_pixels_of_the_photographs(source, tmp_path, convert, capsys):
    convert('coco', source / 'all.json', tmp_path / 'set', '--size', 32)
    path = tmp_path / 'set' / ORIGINALS
    path.write_text(path.read_text().replace(',,,\n', ',0.2,0.1,ImagerPixelSpacing\n'))
    rows = [dict(method='ft', condition='all', seed=0, image=r.file_name, landmark=name, x=x + 1, y=y - 2, x_true=x,
                 y_true=y, score=0.5) for r in records(tmp_path / 'set') for name, (x, y) in zip('abc', r.landmarks)]
    pd.DataFrame(rows).to_parquet(tmp_path / 'results.parquet')
    arguments = [str(tmp_path), str(tmp_path / 'set'), '--out', str(tmp_path / 'out.csv')]
    assert main(arguments) == 0 and capsys.readouterr().out == f'18 rows: {tmp_path / "out.csv"}\n'
    table = pd.read_csv(tmp_path / 'out.csv')
    scale = 50 / 32
    for row in table.itertuples():
        expected = POINTS['abc'.index(row.landmark)] + int(row.photograph[0]) / 8
        assert (row.x_true, row.y_true) == pytest.approx(tuple(expected), abs=1e-4)
        assert (row.x - row.x_true, row.y - row.y_true) == pytest.approx((scale, -2 * scale), abs=2e-4)
        # A pixel counts 0.1 mm across and 0.2 mm down.
        assert row.error_mm == pytest.approx(scale * np.hypot(1 * 0.1, 2 * 0.2), abs=1e-4)
        assert row.error_px == pytest.approx(scale * np.hypot(1, 2), abs=1e-4)
    pd.DataFrame(rows).assign(image='other.png').to_parquet(tmp_path / 'results.parquet')
    assert main(arguments) == 2 and "image 'other.png' (1 in all) is not in" in capsys.readouterr().err
    assert main([str(tmp_path / 'none'), *arguments[1:]]) == 2 and 'no such file' in capsys.readouterr().err


def test_a_table_without_truth_and_a_damaged_one(tmp_path):
    originals = {'a.png': Original('a.png', 'test', 'a.jpg', 100, 80, x_scale=2, y_scale=3, x_offset=10, y_offset=20)}
    found = in_photographs(pd.DataFrame([dict(image='a.png', landmark='a', x=1, y=1)]), originals, 'r', 'd')
    assert found.columns.tolist() == ['image', 'photograph', 'frame', 'landmark', 'x', 'y']
    assert (found.x[0], found.y[0]) == (12.5, 24)
    with pytest.raises(DataError, match="r: column 'landmark' is missing"):
        in_photographs(pd.DataFrame([dict(image='a.png')]), originals, 'r', 'd')
    (tmp_path / ORIGINALS).write_text('image,split,photograph,width,height,frame,x_scale\na,b,c,1,2,,x\n')
    with pytest.raises(DataError, match="line 2: x_scale is 'x', no finite number"):
        read_originals(tmp_path)
    (tmp_path / ORIGINALS).write_text('image,split,photograph,width\na,b,c,1\n')
    with pytest.raises(DataError, match='line 2: height is missing'):
        read_originals(tmp_path)
