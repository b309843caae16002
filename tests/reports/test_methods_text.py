"""The methods paragraph says what the analysis did, and nothing that it did not."""

import copy
import json

import pytest

from benchmark.statistics import analyze, read_suite
from benchmark.statistics.measures import Score
from reports.methods_text import as_file, paragraphs


@pytest.fixture
def said(analysis):
    """A changed copy of the suite's analysis in a paragraph."""

    def say(**changes: object) -> str:
        return ' '.join(paragraphs({**copy.deepcopy(analysis), **changes}))

    return say


def test_page_summary_and_file_have_the_same_paragraphs(page, analysis):
    text = (page.parent / 'methods.txt').read_text()
    assert text == as_file(paragraphs(analysis)) and text.count('\n\n') == len(paragraphs(analysis)) - 1
    html, summary = page.read_text(), (page.parent / 'summary.md').read_text()
    assert 'id="paragraph"' in html
    assert all(part.split('. ')[0].partition('’')[0] in place for part in paragraphs(analysis)
               for place in (html, summary.replace('\\', '')))


def test_methods_seeds_images_and_planned_contrasts_are_named(analysis, said):
    text = said()
    assert all(block['label'] in text for block in analysis['methods'].values())
    assert f'{analysis["counts"]["images"]} test images' in text and f'level of tests is {analysis["alpha"]:g}' in text
    pairs = {(one['a'], one['b']) for one in analysis['contrasts'] if one['family'] == 'planned'}
    assert f'{len(pairs)} contrasts were planned' in text
    failed = analysis['runs']['failed']
    assert failed and f'{failed} failed' in text


def test_tests_are_those_that_the_analysis_names(analysis, said):
    either = said(tests=analysis['tests'] | {'adjusted': 'Holm or either key'})
    assert 'by a two-part test' in either and 'by paired t tests' in either and 'either key' in either
    alone = said(tests=analysis['tests'] | {'adjusted': 'Holm'})
    assert 'either key' not in alone and 'Holm’s method' in alone
    older = said(tests={})
    assert 'two-part' not in older and 'paired t' not in older and 'Holm' not in older


def test_what_was_not_declared_is_not_claimed(said):
    text = said(margin={}, missing_cap=None)
    assert 'difference that matters' not in text and 'one-sided' not in text and 'missing prediction' not in text
    assert 'looked at' not in text
    more = said(margin={'ME': 0.05}, missing_cap=3.0)
    assert 'set to 0.050 heatmap px (ME)' in more and 'an error of 3 heatmap px' in more


def test_the_caps_of_all_scores_are_named(tmp_path):
    rows = [f'{method},{seed},{image},{0.8 + (3 * image + seed) % 7 / 50},{image}'
            for method in 'ab' for seed in range(2) for image in range(20)]
    rows[3] = rows[3].removesuffix('3')
    (tmp_path / 'r.csv').write_text('\n'.join(['method,seed,image,dice,hd95', *rows]))
    suite = read_suite(tmp_path / 'r.csv', None, True, [Score('dice', 'higher'), Score('hd95', unit='mm')])
    content = json.loads(json.dumps(analyze(suite.table, suite.plan, suite.records, proposed='a', draws=100,
                                            missing_cap=0.0, caps={'hd95': 50.0})))
    text = ' '.join(paragraphs(content))
    assert 'A missing prediction counted as a dice of 0, a missing hd95 as 50 mm.' in text
    assert 'A missing hd95 counted as 50 mm.' in ' '.join(paragraphs({**content, 'missing_cap': None}))


def test_a_setting_in_which_methods_differ_is_not_one_of_all(analysis, said):
    settings = analysis['settings'] | {'epochs': 30, 'batch_size': 4}
    assert 'for 30 epochs, ' in said(settings=settings)
    text = said(settings=settings | {'FT': {'epochs': 60}})
    assert 'epochs' not in text and 'in batches of 4' in text


def test_a_table_from_elsewhere_speaks_of_no_training(tmp_path):
    rows = [f'{method},{seed},{image},{1 + (3 * image + seed) % 7 / 10 + (method == "b") / 3}'
            for method in 'ab' for seed in range(2) for image in range(6)]
    (tmp_path / 'r.csv').write_text('\n'.join(['method,seed,image,error', *rows]))
    suite = read_suite(tmp_path / 'r.csv')
    first, second, last = paragraphs(json.loads(json.dumps(analyze(suite.table, suite.plan, suite.records, unit='mm'))))
    assert first == ('2 methods (a and b) were compared, with 2 training runs (random seeds) of each. Seeds were '
                     'nested: each method had randomness of its own in each seed. Results are those of 6 images.')
    assert 'the mean error in mm (ME)' in second and 'No contrast was planned' in second and 'by' not in second.split()
    assert last.startswith('Analysis: landmark-benchmark ')


def test_a_cross_validation_is_said_to_be_one(tmp_path):
    rows = [f'{method},{repetition},{image % 3},{image},{1 + (3 * image + repetition) % 7 / 10 + (method == "b") / 3}'
            for method in 'ab' for repetition in range(2) for image in range(12)]
    (tmp_path / 'r.csv').write_text('\n'.join(['method,repetition,fold,image,error', *rows]))
    suite = read_suite(tmp_path / 'r.csv')
    text = ' '.join(paragraphs(json.loads(json.dumps(
        analyze(suite.table, suite.plan, suite.records, unit='mm', proposed='a')))))
    assert 'with 2 repetitions of a cross-validation by image in 3 folds of each' in text
    assert 'their variance multiplied by 2.5 since' in text
    assert 'two-part' not in text and 'crossed' not in text and 'paired t' not in text and 'nested' not in text
