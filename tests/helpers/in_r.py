"""R's numbers, and comparison with them."""

import json
from pathlib import Path

import numpy as np
import pytest

R = Path(__file__).parents[1] / 'statistics' / 'r'
REFERENCE = json.loads((R / 'reference.json').read_text(encoding='utf-8'))


def cases(name, chosen=lambda case: True):
    found = {key: case for key, case in REFERENCE[name].items() if chosen(case)}
    assert found
    return pytest.mark.parametrize('case', found.values(), ids=found.keys())


def close(value, expected, relative=1e-10, absolute=1e-14):
    assert np.asarray(value, float) == pytest.approx(np.asarray(expected, float), rel=relative, abs=absolute)


def same_estimate(one, expected, relative):
    low, high = one.interval(0.95)
    found = [one.estimate, one.se, one.df, one.t, one.p, low, high]
    names = ('estimate', 'se', 'df', 't', 'p')
    # An interval's end near 0 is a difference of larger numbers: its error is relative to those.
    close(found, [*(expected[name] for name in names), *expected['interval_95']], relative, relative * float(one.se))
