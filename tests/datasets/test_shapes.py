"""The mean shape of a set, and the images and flip pairs that do not fit it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.datasets.findings import Report
from benchmark.datasets.metainfo import SCHEMES, LandmarkMeta, read_json
from benchmark.datasets.records import Record
from benchmark.datasets.shape_checks import check_shapes, pairs_text
from benchmark.datasets.shapes import find_order, fit_shape, mean_shape, mirror, propose_flips, to_complex

#: A frontal face in the order of face14, and a head from the side (19 points that all look to the right).
FACE = np.array([[30, 45], [48, 46], [72, 46], [90, 45], [60, 44], [60, 62], [48, 69], [60, 71], [72, 69], [44, 90],
                 [55, 83], [60, 84], [65, 83], [76, 90]], float)
HEAD = np.array([(84, 100), (147, 103), (129, 128), (60, 123), (138, 165), (139, 202), (133, 220), (126, 227),
                 (131, 225), (69, 180), (146, 187), (145, 186), (159, 175), (157, 201), (151, 162), (138, 231),
                 (94, 151), (143, 157), (66, 134)], float)
SCHEME = read_json(SCHEMES / 'face14.json')
FLIPS = SCHEME['flip_indices']
META = LandmarkMeta(name='faces', landmarks=tuple(SCHEME['landmarks']), flip_indices=tuple(FLIPS))
NUMBERED = replace(META, landmarks=tuple(f'p{k}' for k in range(14)), flip_indices=tuple(range(14)))


def sample(base=FACE, count=40, seed=0, noise=1.2):
    """Points (count, K, 2) of one shape, each turned by up to 10 degrees, scaled, shifted and noisy."""
    rng = np.random.default_rng(seed)
    angle, scale = rng.normal(0, np.radians(4), (count, 1)), rng.uniform(0.8, 1.2, (count, 1))
    z = (base[:, 0] + 1j * base[:, 1]) + noise * (rng.standard_normal((2, count, len(base))) * [[[1]], [[1j]]]).sum(0)
    z = scale * np.exp(1j * angle) * z + rng.uniform(0, 20, (count, 1))
    return np.stack([z.real, z.imag], axis=-1)


def check(points, meta=META, visible=None):
    """The report on images 0.png, 1.png, ... with these points (N, K, 2)."""
    seen = np.ones(points.shape[:2], bool) if visible is None else visible
    records = [Record(i, f'{i}.png', Path(f'{i}.png'), 200, 200, np.where(v[:, None], p, 0), v)
               for i, (p, v) in enumerate(zip(points, seen, strict=True))]
    report = Report(Path('set'))
    half = len(records) // 2
    check_shapes(Path('set'), meta, dict(train=records[:half], test=records[half:]), report)
    return report


def kinds(report):
    return [one.kind for one in report.findings]


@pytest.mark.parametrize('seed', range(8))
def test_sound_sets_are_quiet(seed):
    assert kinds(check(sample(seed=seed))) == []
    visible = np.random.default_rng(seed).random((40, 14)) < 0.7
    assert kinds(check(sample(seed=seed), visible=visible)) == []
    one_side = np.ones((40, 14), bool)
    one_side[::2, [2, 3, 8, 12, 13]] = one_side[1::2, [0, 1, 6, 9, 10]] = False
    assert kinds(check(sample(seed=seed), visible=one_side)) == []


def swapped(points):
    points[[4, 11]] = points[[11, 4]]


def reflected(points):
    points[:, 0] = 199 - points[:, 0]


def upside_down(points):
    points[:, 1] = 199 - points[:, 1]


def exchanged(points):
    points[:] = points[:, ::-1].copy()


def on_its_head(points):
    points[:] = 199 - points


def sides(points):
    points[:] = points[FLIPS].copy()


def shifted(points):
    points[:] = np.roll(points, 1, axis=0)


def astray(points):
    points[7] = 180, 20


FAULTS = {
    'two points': (swapped, 'order', 'nasion and labiale_superius are exchanged'),
    'mirror image': (reflected, 'mirrored', 'where the points are those of the mirrored image, write width - 1 - x'),
    'sides': (sides, 'mirrored', 'Exchange the names of left and right'),
    'y from below': (upside_down, 'mirrored', 'Write height - 1 - y'),
    'x and y': (exchanged, 'mirrored', 'x and y exchanged'),
    'on its head': (on_its_head, 'turned', 'turned by'),
    'shifted by one': (shifted, 'order', 'exocanthion_r is cheilion_l, endocanthion_r is exocanthion_r'),
    'one point': (astray, 'far-from-mean', 'subnasale farthest off'),
}


@pytest.mark.parametrize('fault', FAULTS)
@pytest.mark.parametrize('rows', [[3], [1, 5, 8, 30]])
def test_a_fault_is_found_in_its_images_with_its_remedy(fault, rows):
    change, kind, remedy = FAULTS[fault]
    points = sample()
    for row in rows:
        change(points[row])
    found = [one for one in check(points).findings if one.kind != 'mixed-orders']
    assert sorted(one.message.split("image '")[1].split("'")[0] for one in found) == sorted(f'{r}.png' for r in rows)
    for one in found:
        assert one.kind == kind and remedy in one.message, one
        assert one.severity == 'warning' and one.message.startswith(str(Path('set/annotations')))


def test_an_order_that_many_images_have_is_told_once():
    points = sample()
    order = np.random.default_rng(3).permutation(14)
    points[::2] = points[::2][:, order]
    report = check(points)
    assert kinds(report).count('mixed-orders') == 1 and kinds(report).count('order') == 20
    message = report.findings[0].message
    assert '20 of 40 images' in message
    # Under name k lies what was point order[k].
    assert message.endswith(', '.join(META.landmarks[k] for k in order))


@pytest.mark.parametrize('first', [True, False])
def test_of_two_halves_that_one_is_right_which_the_pairs_fit(first):
    points = sample(seed=4)
    order = np.random.default_rng(3).permutation(14)
    rows = slice(0, 20) if first else slice(20, 40)
    points[rows] = points[rows][:, order]
    report = check(points)
    assert set(kinds(report)) == {'mixed-orders', 'order'} and len(report.findings) == 21
    assert f"the first is '{0 if first else 20}.png'" in report.warnings[0]


def test_pairs_of_images_that_lie_in_any_direction():
    points = sample()
    angle = np.random.default_rng(1).uniform(0, 2 * np.pi, 40)
    points[..., 0], points[..., 1] = (np.cos(angle)[:, None] * points[..., 0] - np.sin(angle)[:, None] * points[..., 1],
                                      np.sin(angle)[:, None] * points[..., 0] + np.cos(angle)[:, None] * points[..., 1])
    assert kinds(check(points)) == []
    report = check(points, NUMBERED)
    assert kinds(report) == ['flip-pairs'] and 'p0:p3,p1:p2,p6:p8,p9:p13,p10:p12.' in report.warnings[0]


def test_small_images_and_missing_points_are_no_copies():
    assert kinds(check((sample(FACE / 10, count=400, noise=0.1)).round())) == []
    points = sample()
    points[[3, 7, 9], 2:5] = 0
    assert 'same-point' not in kinds(check(points)), 'another check tells of points at 0, 0'


def test_names_without_any_order_are_told():
    points = sample()
    rng = np.random.default_rng(0)
    for one in points:
        one[:] = one[rng.permutation(14)]
    assert kinds(check(points)) == ['no-common-shape']


def test_points_of_another_image():
    points = sample()
    points[30] = points[4]
    points[31] = 1.5 * points[6] - 7
    found = check(points).findings
    assert [one.kind for one in found] == ['same-points'] * 2
    assert "image '30.png'" in found[0].message and "of image '4.png'" in found[0].message
    assert "image '31.png'" in found[1].message and "of image '6.png'" in found[1].message


def test_two_landmarks_on_one_point():
    points = sample()
    points[[2, 9, 20], 7] = points[[2, 9, 20], 11]
    report = check(points)
    message, = (one.message for one in report.findings if one.kind == 'same-point')
    where = Path('set/annotations/train.json')
    assert message.startswith(f"{where}: image '2.png': subnasale and labiale_superius "
                              'lie on one point; so they do in 3 of 40 images.')
    few = points[:4, :2].copy()
    few[[0, 3], 1] = few[[0, 3], 0]
    assert kinds(check(few, replace(META, landmarks=('a', 'b'), flip_indices=(1, 0)))) == ['same-point']
    closed = FACE.copy()
    closed[11] = closed[7] + [0, 0.4]
    points = sample(closed)
    points[[2, 9, 20], 7] = points[[2, 9, 20], 11]
    assert kinds(check(points)) == [], 'points that touch on average may share a pixel'


def test_pairs_are_proposed_where_names_do_not_tell_sides():
    report = check(sample(), NUMBERED)
    assert kinds(report) == ['flip-pairs']
    assert '--flip-pairs p0:p3,p1:p2,p6:p8,p9:p13,p10:p12.' in report.warnings[0]
    for sure in (replace(NUMBERED, flip_policy='never'), replace(NUMBERED, midline=True)):
        assert kinds(check(sample(), sure)) == (['flip-pairs'] if sure.midline else [])
    assert pairs_text(META.landmarks, range(14)) == 'none'


def test_wrong_pairs_are_told():
    wrong = list(FLIPS)
    wrong[0], wrong[3], wrong[9], wrong[13] = 9, 13, 0, 3
    report = check(sample(), replace(META, flip_indices=tuple(wrong)))
    assert kinds(report) == ['flip-pairs']
    assert 'Those that fit: --flip-pairs exocanthion_r:exocanthion_l,' in report.warnings[0]


def test_images_that_face_one_way_are_noticed():
    names = tuple(f'p{k}' for k in range(19))
    bare = LandmarkMeta(name='heads', landmarks=names, flip_indices=tuple(range(19)))
    report = check(sample(HEAD), bare)
    assert kinds(report) == ['one-way'] and 'No image is mirrored' in report.warnings[0]
    assert kinds(check(sample(HEAD), replace(bare, flip_policy='never'))) == []
    paired = replace(bare, flip_indices=tuple([1, 0, *range(2, 19)]))
    report = check(sample(HEAD), paired)
    assert kinds(report) == ['one-way'] and '--flip-policy never' in report.warnings[0]


def test_little_says_little():
    assert mean_shape(to_complex(sample(count=7), np.ones((7, 14), bool))) is None
    assert kinds(check(sample(count=7))) == []
    for count in (1, 2):
        meta = LandmarkMeta(name='few', landmarks=tuple('ab'[:count]), flip_indices=tuple(range(count))[::-1])
        assert kinds(check(sample(FACE[[0, 3][:count]]), meta)) == []
    assert kinds(check(np.zeros((0, 14, 2)))) == []
    nothing = np.zeros((9, 14), bool)
    nothing[:, 0] = True
    assert kinds(check(sample(count=9), visible=nothing)) == []


def test_fit_recovers_a_similarity():
    m = FACE[:, 0] + 1j * FACE[:, 1]
    z = 2 * np.exp(0.3j) * m + (5 - 7j)
    z[4] = complex(np.nan, np.nan)
    fit = fit_shape(z[None], m)
    assert fit.distance[0] < 1e-7 and abs(fit.turn[0] - 0.3) < 1e-9
    np.testing.assert_allclose(fit.aligned[0, [0, 13]], m[[0, 13]])
    assert np.isnan(fit.residual[0, 4]) and np.nanmax(abs(fit.residual)) < 1e-9
    # The full Procrustes distance of two segments of a line and a right angle, by hand: <m, z> = 1 + i over 2.
    found = fit_shape(np.array([[0, 1, 1 + 1j]]), np.array([0, 1, 2]) + 0j).distance[0]
    zc, mc = np.array([-2 - 1j, 1 - 1j, 1 + 2j]) / 3, np.array([-1, 0, 1])
    assert found == pytest.approx(np.sqrt(1 - abs((mc * zc).sum()) ** 2 / ((abs(zc) ** 2).sum() * 2)))


def test_orders_and_flips_against_what_was_planted():
    shape = mean_shape(to_complex(sample(), np.ones((40, 14), bool)))
    assert abs(shape.mean.mean()) < 1e-9 and shape.mean[0].real < shape.mean[3].real
    rng = np.random.default_rng(5)
    for number in range(10):
        points, order = sample(seed=100 + number, count=1)[0], rng.permutation(14)
        z = points[:, 0] + 1j * points[:, 1]
        assert find_order(z, shape) is None
        np.testing.assert_array_equal(find_order(z[order], shape), order)
    indices, left = propose_flips(shape.mean)
    assert indices.tolist() == FLIPS and left == pytest.approx(mirror(shape.mean, np.array(FLIPS)), abs=1e-6)
    shuffled, _ = propose_flips(shape.mean[order])
    assert [order[k] for k in shuffled] == [FLIPS[k] for k in order]
    assert propose_flips(np.arange(4) + 0j) is None, 'points on a line have no sides'
