"""Which views were trained on, in words."""

import pytest

from reports.views import Views, trained_on

PAPERS = dict(view_flip=0.5, view_scales=[1.0, 0.8])
AFFINE = dict(view_flip=0.5, view_scales=[0.8, 1.2], view_rotation=15.0, view_shift=0.06, views=16)
FOUR = ('mirrored and scaled views', 'each image as it is or mirrored, each half of the time, at scale 1 or 0.8, so 4 '
        "views; the paper's protocol")
SIXTEEN = ('affine views', '16 views of each image, drawn once: as it is or mirrored, each half of the time, zoomed by '
           '0.8 to 1.2, turned by up to 15° and shifted by up to 6 % of the input')


def said(settings):
    labels = dict(ft='FT', hg='HG')
    return trained_on(dict(settings=settings, order=dict(methods=[*labels]), methods={
        name: dict(label=label) for name, label in labels.items()}, conditions=dict(
            all=dict(label='all labels'), few=dict(label='10 labels'))))


@pytest.mark.parametrize(('settings', 'expected'), [
    (PAPERS, [Views(*FOUR, '')]),
    (AFFINE | dict(batch_size=4), [Views(*SIXTEEN, '')]),
    ({'all labels': PAPERS, '10 labels': AFFINE}, [Views(*FOUR, 'all labels'), Views(*SIXTEEN, '10 labels')]),
    (PAPERS | {'HG': AFFINE}, [Views(*FOUR, 'FT'), Views(*SIXTEEN, 'HG')]),
    (PAPERS | {'HG, 10 labels': AFFINE}, [
        Views(*FOUR, 'FT under all labels, HG under all labels, FT under 10 labels'),
        Views(*SIXTEEN, 'HG under 10 labels')]),
    (dict(view_flip=0.0, view_scales=[1.0]), [Views('plain views', 'each image never mirrored at random, at scale 1',
                                                    '')]),
    (dict(view_flip=0.25, view_scales=[0.9, 1.1], view_rotation=30.0), [
        Views('affine views', 'views drawn anew each time: mirrored with a probability of 0.25, zoomed by 0.9 to 1.1 '
              'and turned by up to 30°', '')]),
    (dict(view_flip=0.0, view_scales=[0.9, 1.1], view_scales_between=True), [
        Views('affine views', 'views drawn anew each time: never mirrored at random, zoomed by 0.9 to 1.1', '')]),
    ({}, []), (dict(view_flip=None, view_scales=[]), [])])
def test_views_in_words(settings, expected):
    assert said(settings) == expected
