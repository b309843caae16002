"""Forest plots for narrow screens: names and numbers stand free of every line, bar and other text."""

import matplotlib
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from reports.figures.base import NARROW, PAPER, RC
from reports.figures.forest import Bar, Row, draw_rows, stacked

NUMBERS = '\u22120.144 [\u22120.212, \u22120.075]'
ONE = [Row(f'data set number {place}', (Bar(one, one - 0.4, one + 0.3, words=NUMBERS),), apart=place == 2)
       for place, one in enumerate((-0.5, 0.1, 0.0, -0.2))]
TWO = [Row('a long first method \u2212 a long second method', (
           Bar(-0.5, -0.9, 0.1, (-1.2, 0.3), words='procedure: inconclusive'),
           Bar(-0.5, -0.8, -0.1, (-1.0, 0.1), True, 'networks: superior'))) for _ in range(3)]
BARE = [Row(f'landmark {place}', (Bar(0.1 * place, -0.2, 0.4),)) for place in range(12)]


def drawn(rows, margin):
    """The axes, laid out, with what measures texts."""
    with matplotlib.rc_context(RC):
        fig = Figure(figsize=NARROW, layout='constrained')
        ax = fig.add_subplot()
        fig.set_figheight(0.85 + stacked(rows))
        draw_rows(ax, rows, {}, above=True, margin=margin)
        ax.set_xlabel('difference\n\u2190 first is better')
        canvas = FigureCanvasAgg(fig)
        fig.draw_without_rendering()
    return ax, canvas.get_renderer()


@pytest.mark.parametrize(('rows', 'lines'), [(ONE, 1), (TWO, 2), (BARE, 1)])
@pytest.mark.parametrize('margin', [None, 0.3])
def test_no_line_runs_through_a_name_or_a_number(rows, lines, margin):
    ax, renderer = drawn(rows, margin)
    said = [text for text in ax.texts if text.get_text()]
    words = [row.label for row in rows] + [text.get_text() for text in said if text.get_color() != RC['text.color']]
    assert sorted(text.get_text() for text in said) == sorted(words) and len(said) >= len(rows)
    boxes = [text.get_window_extent(renderer) for text in said]
    assert all(-1 <= box.x0 and box.x1 <= ax.figure.bbox.x1 + 1 for box in boxes)
    for place, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[place + 1:])
    strips = [patch for patch in ax.patches if to_hex(patch.get_facecolor()) == PAPER]
    assert len(strips) == len(rows)
    over = [strip.get_window_extent(renderer) for strip in strips]
    for text, box in zip(said, boxes, strict=True):
        middle = (box.y0 + box.y1) / 2
        strip, = [one for one, own in zip(strips, over, strict=True) if own.y0 <= middle <= own.y1]
        own = strip.get_window_extent(renderer)
        assert own.x0 <= box.x0 + 1 and box.x1 - 1 <= own.x1 and own.height > lines * 10
        # What is upright lies under the paper, and the paper under the text.
        upright = [line for line in ax.lines if len({*line.get_xdata()}) == 1 and len(line.get_xdata()) > 1]
        assert upright and all(line.get_zorder() < strip.get_zorder() < text.get_zorder() for line in upright)
        bars = [line.get_window_extent(renderer) for line in ax.lines
                if len({*line.get_ydata()}) == 1 and line.get_transform() == ax.transData]
        assert bars and not any(one.y0 - 1 < middle < one.y1 + 1 for one in bars)
    assert ax.get_ylim() == (pytest.approx(stacked(rows)), 0)


def test_rows_take_one_line_of_text_only_where_it_is_wide_enough():
    short = [Row('a', (Bar(0, -1, 1, words='p 0.012'),))]
    assert stacked([Row('a' * 50, short[0].bars)]) > stacked(short) == stacked([Row('a' * 50, (Bar(0, -1, 1),))])
