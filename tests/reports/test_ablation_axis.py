"""Where conditions stand on an ablation's axis."""

import numpy as np
import pytest

from reports.figures.ablations import places


def axis(*values):
    analysis = dict(conditions={str(place): dict(value=value) for place, value in enumerate(values)})
    return places(analysis, [*analysis['conditions']])


def test_values_that_span_a_factor_are_logarithmic_and_zero_stands_a_step_below():
    x, numeric, log = axis(0.0, 2e-3, 2e-2, 2e-1)
    assert numeric and log and x[1:].tolist() == [2e-3, 2e-2, 2e-1]
    assert 0 < x[0] == pytest.approx(2e-4)


def test_close_values_are_linear_and_names_have_places_only():
    assert axis(1, 2, 3)[2] is False and axis(0, 1)[2] is False
    x, numeric, _ = axis('a', 'b')
    assert not numeric and np.array_equal(x, [0, 1])
