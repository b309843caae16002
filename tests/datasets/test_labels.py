"""Which landmarks a run can't learn, by hand."""

from pathlib import Path

import numpy as np
import pytest

from benchmark.datasets.labels import choose_subset, untrained
from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.datasets.records import Record

META = LandmarkMeta(name='tiny', landmarks=('left', 'right', 'middle'), flip_indices=(1, 0, 2))


def records(*flags):
    return [Record(i, f'{i}.png', Path(f'{i}.png'), 40, 40, np.zeros((3, 2)), np.array(visible, bool))
            for i, visible in enumerate(flags)]


@pytest.mark.parametrize(('policy', 'flips', 'train', 'test', 'missed'), [
    ('never', False, [(1, 1, 0)] * 2, [(1, 1, 1), (1, 1, 0)], {'middle': 1}),
    ('never', False, [(1, 0, 1)], [(1, 1, 1)] * 3, {'right': 3}),
    ('swap', True, [(1, 0, 1)], [(1, 1, 1)], {}),                # mirrored views show the other side
    ('swap', False, [(1, 0, 1)], [(1, 1, 1)], {'right': 1}),
    ('mask', True, [(1, 0, 1)], [(1, 1, 1)], {'right': 1}),      # pairs are out of mirrored views' loss
    ('canonical', False, [(1, 0, 1)], [(0, 1, 1)] * 2, {}),      # tested on the side that was learned
    ('canonical', False, [(0, 1, 1)], [(1, 0, 0), (1, 1, 0)], {'right': 1}),
    ('never', False, [(1, 0, 1)], [(1, 0, 1)], {})])             # nobody asks for it
def test_what_no_training_image_says(policy, flips, train, test, missed):
    assert untrained(META, records(*train), records(*test), policy, flips) == missed


def test_a_draw_of_labels_decides():
    all_of_them = records(*[(1, 1, i == 3) for i in range(8)])
    for seed in range(20):
        drawn = choose_subset(all_of_them, 3, seed)
        assert untrained(META, drawn, records((1, 1, 1)), 'never', False) == (
            {} if any(record.image_id == 3 for record in drawn) else {'middle': 1})


def test_check_names_a_landmark_that_is_tested_and_never_trained(prepared):
    from benchmark.datasets.prepared import check_dataset
    points = [[(3 + i, 19), (36, 19), (20, 30)] for i in range(3)]
    prepared(points, visible=[[2, 2, 0]] * 3, split='train')
    root = prepared([[(x + 0.5, y) for x, y in one] for one in points], split='test')
    said = [text for text in check_dataset(root).warnings if 'middle' in text]
    assert len(said) == 1 and 'is annotated in 3 test images and can be learned from no training image' in said[0]
