"""Views that are zoomed, turned and shifted: image and landmarks move alike, and numbered views stay the same."""

import numpy as np
import pytest


@pytest.fixture
def views(registered):
    from benchmark.datasets import views
    return views


def test_a_point_goes_where_it_was_computed_to_by_hand(views):
    size = np.array([101, 51], np.float32)
    # Middle (50, 25). (60, 25) is 10 to the right of it: twice as far and a quarter turn clockwise, 20 below it; then
    # 10.1 to the right and 5.1 up.
    view = views.View(scale=2.0, angle=90.0, shift=(0.1, -0.1))
    assert view.moved(np.array([[60.0, 25.0]]), size) == pytest.approx(np.array([[60.1, 39.9]]))
    assert view.matrix(size) @ [60, 25, 1] == pytest.approx([60.1, 39.9])


def entry(points, size=64):
    """A grey image with a bright spot at each point."""
    y, x = np.mgrid[:size, :size]
    image = np.zeros((size, size))
    for a, b in points:
        image += 200 * np.exp(-((x - a) ** 2 + (y - b) ** 2) / 8)
    points = np.array(points, np.float32)[None]
    return dict(img=np.repeat(image.clip(0, 255).astype(np.uint8)[..., None], 3, axis=2), keypoints=points,
                keypoints_visible=np.ones(points.shape[:2], np.float32), flip_indices=[1, 0], input_size=(size, size),
                input_scale=np.array([size, size], np.float32), row=3)


def test_the_image_moves_with_its_landmarks(views):
    draw = views.DrawView(scale_range=(0.8, 1.2), rotation=30, shift=0.1)
    seen = set()
    for epoch in range(12):
        one = draw.transform(dict(entry([(22, 25), (40, 36)]), view_draw=(0, epoch, 7)))
        for x, y in one['transformed_keypoints'][0]:
            # The spot's centre of mass, in a window around where the landmark is said to be.
            left, top = int(round(x)) - 6, int(round(y)) - 6
            part = one['img'][top:top + 13, left:left + 13, 0].astype(float)
            down, across = np.mgrid[:13, :13]
            assert (across * part).sum() / part.sum() + left == pytest.approx(x, abs=0.3)
            assert (down * part).sum() / part.sum() + top == pytest.approx(y, abs=0.3)
        assert one['view_row'] is None
        seen.add((one['flip'], round(one['view_scale'], 3)))
    assert len(seen) == 12 and {flip for flip, _ in seen} == {True, False}


def test_an_image_has_so_many_views_whatever_the_seed(views):
    draw = views.DrawView(scale_range=(0.8, 1.2), rotation=15, shift=0.06, views=4)
    pictures = {}
    for seed in range(3):
        for epoch in range(20):
            one = draw.transform(dict(entry([(22, 25), (40, 36)]), view_draw=(seed, epoch, 7)))
            first = pictures.setdefault(one['view_row'], one)
            assert (one['img'] == first['img']).all()
            assert (one['transformed_keypoints'] == first['transformed_keypoints']).all()
    assert sorted(pictures) == [12, 13, 14, 15] and draw.count == 4
    other = draw.transform(dict(entry([(22, 25), (40, 36)]), view_draw=(0, 0, 8)))
    assert not any(np.array_equal(other['img'], one['img']) for one in pictures.values())


def test_numbered_views_of_other_kinds_have_other_keys(views):
    def described(**options):
        usual = dict(scale_range=(0.8, 1.2), rotation=15, shift=0.06, views=4)
        return views.DrawView(**{**usual, **options}).described()

    kinds = [described(), described(flip=0.0), described(scale_range=(0.9, 1.1)), described(rotation=10),
             described(shift=0.05), described(views=8), described(flip_policy='never'), views.DrawView().described()]
    assert all(one != other for number, one in enumerate(kinds) for other in kinds[:number])


@pytest.mark.parametrize('bad', [dict(rotation=5), dict(shift=0.1), dict(views=8),
                                 dict(rotation=-5, scale_range=(1, 1))])
def test_what_has_no_meaning_is_refused(views, bad):
    with pytest.raises(ValueError, match=f'{next(iter(bad))}=.*scale_range'):
        views.DrawView(**bad)
