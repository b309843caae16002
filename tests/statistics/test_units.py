"""Distances in the photograph, and one unit where inputs differ: values by hand."""

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import analyze, validate
from benchmark.statistics.units import COLUMNS

FAST = dict(draws=100)


def photo_rows(rng, scales, methods=('a', 'b'), seeds=2, images=6, interocular=50.0, spacing=None, offsets=None):
    """A table as suites write it.

    Args:
        rng: Draws the offsets, in photo px, which are the same in all conditions.
        scales: Condition -> (heatmap px per photo px across, and down), or a list of one of these per image.
        interocular: Distance in photo px, or None.
        spacing: Millimetres per photo px, or None.
    """
    offsets = rng.uniform(1, 9, (len(methods), seeds, images, 2, 2)) if offsets is None else offsets
    found = []
    for condition, scale in scales.items():
        for m, method in enumerate(methods):
            for seed in range(seeds):
                for image in range(images):
                    across, down = scale[image] if isinstance(scale, list) else scale
                    one = np.sqrt(across * down)
                    for k in range(2):
                        dx, dy = offsets[m, seed, image, k]
                        photo = np.hypot(dx, dy)
                        found.append(dict(
                            condition=condition, method=method, seed=seed, image=f'i{image}', landmark=f'k{k}',
                            error=np.hypot(dx * across, dy * down), error_photo=photo, error_input=4 * one * photo,
                            scale_x=across, scale_y=down,
                            **({} if interocular is None else dict(normalizer=interocular * one)),
                            **({} if spacing is None else dict(error_mm=photo * spacing))))
    return validate(pd.DataFrame(found)), offsets


def kinds(content):
    return [one['kind'] for one in content['alerts']]


def test_nme_and_photo_pixels_of_squeezed_images_are_those_of_the_photograph():
    table, offsets = photo_rows(np.random.default_rng(0), {'all': (1 / 20, 1 / 8)})
    content = analyze(table, **FAST)
    photo = np.hypot(*np.moveaxis(offsets, -1, 0)).mean(axis=(1, 2, 3))
    for method, mean in zip('ab', photo):
        ends = content['methods'][method]['endpoints']
        assert ends['ME_photo']['mean'] == pytest.approx(mean) and ends['NME']['mean'] == pytest.approx(mean / 50)
    said, = (one['text'] for one in content['alerts'] if one['kind'] == 'squeezed images')
    assert '6 of 6 test images' in said and '20 pixels of the photograph across and 8 down' in said
    assert 'down counts 2.5 times as much as one across' in said
    assert content['endpoints']['ME_photo']['unit'] == 'photo px'


def test_only_squeezed_images_are_counted_as_such():
    scales = [(0.05, 0.05)] * 4 + [(0.05, 0.0502), (0.125, 0.05)]
    content = analyze(photo_rows(np.random.default_rng(0), {'all': scales})[0], **FAST)
    said, = (one['text'] for one in content['alerts'] if one['kind'] == 'squeezed images')
    assert said.startswith('1 of 6 test images') and 'in i5' in said and 'across counts 2.5' in said


def test_with_one_scale_nothing_is_other_than_without_the_columns():
    table, _ = photo_rows(np.random.default_rng(0), {'all': (1 / 12, 1 / 12)})
    content, plain = (analyze(one, **FAST) for one in (table, table.drop(columns=[*COLUMNS])))
    assert 'squeezed images' not in kinds(content)
    for method in 'ab':
        own, bare = (one['methods'][method]['endpoints'] for one in (content, plain))
        assert own.pop('ME_photo') and own == bare
    assert content['contrasts'] == plain['contrasts']
