"""Lines from names to what they name are those that matplotlib draws, to a hundredth of a pixel."""

import numpy as np
import pytest
from matplotlib.patches import ConnectionStyle, Rectangle

from reports.figures.pointers import straight


@pytest.mark.parametrize('boxed', [True, False])
def test_ends_are_those_of_matplotlib(boxed):
    rng, cut = np.random.default_rng(0), 0
    for _ in range(200):
        start, end = rng.uniform(0, 100, (2, 2))
        width, height, shrink = rng.uniform(1, 60), rng.uniform(1, 20), rng.uniform(0, 12, 2)
        box = Rectangle(start - (width / 2, height / 2), width, height) if boxed else None
        theirs = ConnectionStyle('arc3')(start, end, *shrink, box, None).vertices
        ours = straight(start, end, *shrink, box).vertices
        if np.hypot(*(ours[1] - ours[0])) > 0.1:  # of what is shorter, matplotlib's halving may leave the rest uncut
            np.testing.assert_allclose(ours, theirs[[0, -1]], atol=0.02)
        cut += np.hypot(*(ours[0] - start)) > shrink[0] + 1
    assert cut > 100 or not boxed


def test_upright_and_level_lines_leave_their_box():
    box = Rectangle((0, 0), 10, 4)
    assert straight((5, 2), (5, 20), patchA=box).vertices.tolist() == [[5, 4], [5, 20]]
    assert straight((5, 2), (-9, 2), patchA=box).vertices.tolist() == [[0, 2], [-9, 2]]


def test_a_box_around_the_end_is_refused():
    with pytest.raises(ValueError, match='leave patchB out'):
        straight((0, 0), (9, 9), patchB=Rectangle((8, 8), 2, 2))
