"""Where runs lack images: the mixed model on the page, in the summary and as CSV."""

import csv
import io

import numpy as np
import pytest
from handmade import analyzed, frame, gamma

from reports.build import render
from reports.summary_text import summary
from reports.tables import tables


@pytest.fixture(scope='module')
def content():
    table = frame({'ours': gamma(1, 4, 24, -0.2), **{f'm{number}': gamma(number, 3, 24) for number in range(2, 12)}})
    lacks = (table['method'] == 'm2') & (table['seed'] == 1) & (table['image'] < 'i006')
    return analyzed(table[~lacks], proposed='ours')


def test_each_planned_contrast_has_its_line(content, tmp_path):
    texts = [item['text'] for item in content['unbalanced']['items']]
    assert len(texts) == 10 and len({*texts}) == 10
    page, _ = render({**content, 'report': {'sections': ['contrasts']}}, tmp_path)
    text, md = ' '.join(page.split()), summary(content)
    assert all(f'<li>{one}</li>' in text for one in texts)
    assert 'data-path="/unbalanced/n_complete" data-value="18">18<' in text and '2 more</summary>' in text
    assert all(one.replace('[', r'\[').replace(']', r'\]') in md for one in texts)
    rows = [*csv.DictReader(io.StringIO(tables(content)['unbalanced.csv']))]
    assert [float(row['every_estimate']) for row in rows] == pytest.approx(
        [item['every']['estimate'] for item in content['unbalanced']['items']])


def test_a_complete_table_says_nothing_of_it(tmp_path):
    content = analyzed({'ours': gamma(1), 'theirs': gamma(2)}, proposed='ours')
    page, _ = render({**content, 'report': {'sections': ['contrasts']}}, tmp_path)
    assert 'With the images that were left out' not in page and 'unbalanced.csv' not in tables(content)
    # As of an analysis made before there was one.
    older = {key: value for key, value in content.items() if key != 'unbalanced'}
    assert np.isclose(len(render({**older, 'report': {'sections': ['contrasts']}}, tmp_path)[0]), len(page))
