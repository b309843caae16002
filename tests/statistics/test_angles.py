"""Angles of landmarks, by hand: three points, two lines, signs, coinciding points, and what lies around 180 degrees."""

import itertools
import json

import jsonschema
import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import SCHEMA, analyze, validate
from benchmark.statistics.angles import angle, unwrapped


@pytest.mark.parametrize('points, signed, expected', [
    ([(1, 0), (0, 0), (0, 1)], False, 90), ([(1, 0), (0, 0), (0, 1)], True, 90),  # down is clockwise of right
    ([(1, 0), (0, 0), (0, -1)], True, -90), ([(1, 0), (0, 0), (-2, 0)], False, 180),
    ([(1, 0), (0, 0), (-2, -0.0)], True, 180), ([(3, 3), (2, 2), (9, 9)], True, 0),
    ([(1, 0), (0, 0), (1, np.sqrt(3))], False, 60),
    ([(0, 0), (2, 0), (5, 5), (5, 9)], False, 90), ([(0, 0), (2, 0), (5, 9), (5, 5)], True, -90),
    ([(0, 0), (2, 0), (7, 7), (1, 7)], False, 180)])
def test_by_hand(points, signed, expected):
    assert angle(np.array(points), signed) == pytest.approx(expected, abs=1e-12)


def test_coinciding_points_have_no_angle():
    found = angle(np.array([[(0, 0), (0, 0), (1, 1)], [(1, 1), (0, 0), (0, 0)], [(1, 1), (0, 0), (1, 1)]]))
    assert np.isnan(found[:2]).all() and found[2] == 0
    assert np.isnan(angle(np.array([(0, 0), (1, 1), (2, 2), (2, 2)])))


def test_no_jump_at_180():
    predicted, true = unwrapped(np.array([-179.0, 178, 170]), np.array([179.0, -178, 175]))
    assert predicted - true == pytest.approx([2, -4, -5])
    assert np.ptp(true) == pytest.approx(7) and true.mean() % 360 == pytest.approx((179 + 182 + 175) / 3)


def turned(images=12, around=180.0):
    """Points b at the origin, a to the right, c at an angle around 180 degrees; method a errs by 2 degrees, b by 0."""
    rng, rows = np.random.default_rng(3), []
    true = around + rng.uniform(-8, 8, images)
    for method, seed, i in itertools.product('ab', range(2), range(images)):
        off = 2.0 * (method == 'a')
        for name, here, there in (('A', 0, 0), ('B', None, None), ('C', true[i], true[i] + off)):
            (x, y), (px, py) = ((0.0, 0.0) if one is None else 10 * np.array([np.cos(np.radians(one)),
                                                                              np.sin(np.radians(one))])
                                for one in (here, there))
            rows.append((method, seed, f'i{i:02d}', name, np.hypot(x - px, y - py) + 0.01, px, py, x, y))
    return pd.DataFrame(rows, columns=['method', 'seed', 'image', 'landmark', 'error', 'x', 'y', 'x_true', 'y_true'])


def analysed(frame, **measurements):
    content = analyze(validate(frame), {'data': {'measurements': measurements}}, draws=100)
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))
    return content


def test_signed_angles_around_180_agree():
    content = analysed(turned(), turn=['A', 'B', 'C', 'signed'], width=['A', 'C'])
    first, second = (one for one in content['agreement']['items'] if one['measurement'] == 'turn')
    assert (first['method'], first['unit'], first['landmarks']) == ('a', 'degrees', ['A', 'B', 'C'])
    assert first['bias'] == pytest.approx(2) and first['sd'] == pytest.approx(0, abs=1e-6)
    assert second['bias'] == pytest.approx(0, abs=1e-9) and second['icc']['estimate'] == pytest.approx(1)
    assert first['icc']['estimate'] > 0.8
    assert {one['unit'] for one in content['agreement']['items'] if one['measurement'] == 'width'} == {'image px'}


def test_points_that_coincide_leave_their_image_out_with_a_note():
    frame = turned(around=90.0)
    place = (frame['method'] == 'a') & (frame['seed'] == 0) & (frame['image'] == 'i03') & (frame['landmark'] == 'C')
    frame.loc[place, ['x', 'y']] = 0.0
    content = analysed(frame, turn=['A', 'B', 'C'])
    assert all(one['n_images'] == 11 for one in content['agreement']['items'])
    assert any('turn: 1 of 48 predictions have no angle' in note for note in content['notes'])
