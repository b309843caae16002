"""The contact sheet: what stands out comes first, and mirrored views carry exchanged names."""

import re

import numpy as np
import pytest
from PIL import Image

from benchmark.commands import prepare_data
from benchmark.datasets.formats import check_prepared
from benchmark.datasets.metainfo import DataError
from benchmark.datasets.sheet import write_sheet
from benchmark.datasets.sheet.panels import ALONE, FIRST, SECOND, Mark, landmark_colours, place_texts, sheet_of

COUNT = 20


@pytest.fixture
def root(prepared, photo):
    """Images of 40 pixels whose landmarks jitter; 3 has its sides exchanged, 5 is shifted, 7 half as large."""
    rng = np.random.default_rng(0)
    points = np.array([[12., 12], [28, 12], [20, 26]]) + rng.normal(0, .4, (COUNT, 3, 2))
    points[3, [0, 1]] = points[3, [1, 0]]
    points[5] += (11, 12)
    points[7] = points[7] / 2
    root = prepared(points)
    prepared(points[:3] + .3, split='test')
    for i, path in enumerate(sorted((root / 'images').iterdir())):
        photo(path, i, 40, 40)
    return root


def test_images_that_stand_out_come_first(root):
    sheet = sheet_of(root, check_prepared(root), 8)
    assert [panel.title for panel in sheet.small[:4] if panel.flagged] == ['train3.png', 'train7.png', 'train5.png']
    lines = {panel.title: panel.lines[0] for panel in sheet.small}
    assert 'mirrored?' in lines['train3.png'] or 'exchanged?' in lines['train3.png']
    assert 'unusual place in the image' in lines['train5.png'] and 'unusual size' not in lines['train5.png']
    assert 'unusual size in the image' in lines['train7.png']
    assert len(sheet.small) == 8 and len({panel.title for panel in sheet.small}) == 8
    assert '3 images stand out, 3 of them are shown first' in sheet.notes[0]
    swapped = sheet.small[0]
    rings = np.array(swapped.rings) - [(mark.x, mark.y) for mark in swapped.marks]
    assert (np.hypot(*rings.T) > 10).any()


def test_a_mirrored_view_exchanges_names_and_keeps_colours(root):
    sheet = sheet_of(root, check_prepared(root), 4)
    as_it_is, mirrored = sheet.large[2:4]
    width = as_it_is.size[0]
    before = {mark.title: mark for mark in as_it_is.marks}
    after = {mark.title: mark for mark in mirrored.marks}
    for name, other in (('left', 'right'), ('right', 'left'), ('middle', 'middle')):
        assert after[name].x == pytest.approx(width - 1 - before[other].x)
        assert after[name].y == pytest.approx(before[other].y)
        assert after[name].colour == before[name].colour
    np.testing.assert_array_equal(mirrored.image, as_it_is.image[:, ::-1])


def test_colours_follow_the_names(root):
    meta = sheet_of(root, check_prepared(root), 1), check_prepared(root)
    assert meta[0].legend == [(SECOND, '1 left'), (FIRST, '2 right'), (ALONE, '3 middle')]


def test_a_set_that_is_never_mirrored_shows_no_mirrored_view(root):
    from benchmark.datasets.prepared import load_scheme
    path = root / 'metainfo.json'
    path.write_text('{"landmarks": ["a", "b", "c"], "flip_indices": [0, 1, 2], "flip_policy": "never"}')
    for file in root.glob('annotations/*.json'):
        file.write_text(file.read_text().replace('"left", "right", "middle"', '"a", "b", "c"').replace(
            '[1, 0, 2]', '[0, 1, 2]'))
    sheet = sheet_of(root, check_prepared(root), 4)
    assert len(sheet.large) == 4 and 'No view is mirrored in training: the set says never.' in sheet.notes
    assert landmark_colours(load_scheme(root)) == [ALONE] * 3


def test_small_faces_are_shown_large_and_unusual_ones_in_their_image(prepared, photo):
    points = np.array([[48., 48], [64, 48], [56, 62]]) + np.random.default_rng(0).normal(0, .4, (COUNT, 3, 2))
    points[5] += (44, 44)
    root = prepared(points, size=120)
    for i, path in enumerate(sorted((root / 'images').iterdir())):
        photo(path, i, 120, 120)
    sheet = sheet_of(root, check_prepared(root), COUNT)
    panels = {panel.title: panel for panel in sheet.small}
    for number, large in ((0, True), (5, False)):
        panel = panels[f'train{number}.png']
        places = np.array([(mark.x, mark.y) for mark in panel.marks])
        extent = np.ptp(points[number], axis=0).max() / 120
        assert np.ptp(places, axis=0).max() / panel.size[0] == pytest.approx(1 / 1.8 if large else extent, rel=.05)
        assert ('of its width, around the landmarks' in panel.lines[0]) == large
    # What a landmark lies on is what it lies on in the image.
    panel, path = panels['train0.png'], root / 'images/train0.png'
    with Image.open(path) as image:
        original = np.asarray(image.convert('RGB'), float)
    x, y = points[0, 0].round().astype(int)
    mark = panel.marks[0]
    found = panel.image[round(mark.y) - 1:round(mark.y) + 2, round(mark.x) - 1:round(mark.x) + 2].mean((0, 1))
    near = original[y - 1:y + 2, x - 1:x + 2].reshape(-1, 3)
    assert (near.min(0) - 1 <= found).all() and (found <= near.max(0) + 1).all()


def test_few_images_have_no_mean_shape(prepared):
    root = prepared([[[5, 5], [20, 5], [9, 20]]] * 3)
    sheet = sheet_of(root, check_prepared(root), 24)
    assert sheet.large[0].lines == ['none: it takes 8 images that share 3 landmarks'] and len(sheet.small) == 3


def test_texts_do_not_touch(root):
    panel = sheet_of(root, check_prepared(root), 1).large[0]
    panel.marks = [Mark(200., 200., f'name {k}', ALONE, '') for k in range(20)]
    place_texts(panel)
    boxes = [(mark.at[0], mark.at[1] - 5, mark.at[0] + 30, mark.at[1] + 5) for mark in panel.marks if mark.text]
    assert 3 < len(boxes) < 20
    for k, one in enumerate(boxes):
        assert not any(one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
                       for other in boxes[:k])


def test_the_files(root, tmp_path, capsys):
    page, picture = tmp_path / 'sheet.html', tmp_path / 'sheet.png'
    assert prepare_data.main(['check', str(root), '--sheet', str(page), '--sheet-images', '5']) == 0
    assert f'contact sheet: {page}' in capsys.readouterr().out
    text = page.read_text()
    assert text.count('<figure') == 6 + 5 and text.count('data:image/jpeg') == 4 + 5
    assert not re.search(r'(?:src|href)="(?!data:)', text) and '<script' not in text
    assert all(f'<title>{name}</title>' in text for name in ('left', 'right', 'middle'))
    write_sheet(root, picture, check_prepared(root), 5)
    with Image.open(picture) as image:
        assert image.width == 1680 and len(image.getcolors(1 << 24)) > 100
    assert check_prepared(root).ok


@pytest.mark.parametrize(('name', 'count', 'message'), [('a.jpg', 4, 'ends in neither of'),
                                                        ('set/a.html', 4, 'lies in the data set'),
                                                        ('a.png', 0, '--sheet-images: 0 is below 1')])
def test_what_is_refused(root, tmp_path, name, count, message):
    with pytest.raises(DataError, match=message):
        write_sheet(root, tmp_path / name, check_prepared(root), count)
