"""A made-up cephalometric study: 19 landmarks, 0.1 mm per pixel, two annotators; from the table to the page."""

import csv
import io
import json
import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from benchmark.statistics import analyze, validate, write_analysis
from benchmark.statistics.measures import HIGHER, Score
from benchmark.statistics.output import plain
from reports import build_report
from reports.tables import tables

LANDMARKS = [f'L{number}' for number in range(1, 20)]
SPACING, STRIDE = 0.1, 30.0  # mm per image pixel; image pixels per heatmap pixel
METHODS = {'ft': 1.6, 'ctd_ed': 1.2, 'fe': 3.2}  # mean error in mm
PLAN = {
    'suite': 'cephalograms', 'title': 'Cephalograms', 'question': 'Which transfer finds landmarks to within 2 mm?',
    'methods': [{'name': name, 'label': name.upper().replace('_', '-')} for name in METHODS],
    'conditions': [{'name': 'all', 'label': 'all labels'}], 'seeds': [0, 1, 2],
    'analysis': {'unit': 'heatmap px', 'threshold': 1.2, 'proposed': 'ctd_ed', 'draws': 200},
    'data': {'name': 'cephalograms', 'landmarks': LANDMARKS},
    'report': {'sections': ['table1', 'ced', 'success', 'landmarks']},
}  # fmt: skip

ONE = PLAN | {'report': {'sections': ['success']}}


def cephalograms(images=10, spread=1.5):
    """A results table as a suite writes it; annotators differ by ``spread`` mm on average."""
    rng, rows = np.random.default_rng(4), []
    truth = rng.uniform(300, 1600, (images, len(LANDMARKS), 2))
    second = rng.rayleigh(spread / 1.2533, (images, len(LANDMARKS)))
    for method, mean in METHODS.items():
        for seed in range(3):
            shift = rng.normal(0, mean / 1.2533 / SPACING, truth.shape)
            error = np.linalg.norm(shift, axis=-1)
            for i in range(images):
                rows += [(method, 'all', seed, f'{i:03d}.bmp', name, error[i, k] / STRIDE, error[i, k] * SPACING,
                          *(truth[i, k] + shift[i, k]), *truth[i, k], second[i, k] / STRIDE / SPACING, second[i, k])
                         for k, name in enumerate(LANDMARKS)]
    return pd.DataFrame(rows, columns=[
        'method', 'condition', 'seed', 'image', 'landmark', 'error', 'error_mm', 'x', 'y', 'x_true', 'y_true',
        'between_junior-senior', 'between_mm_junior-senior'])


def report(folder, frame, plan=PLAN, **choices):
    """Analysis, page and files of a table."""
    path = write_analysis(folder / 'analysis.json', analyze(validate(frame), plan, **choices))
    page = build_report(path, folder)
    return SimpleNamespace(analysis=json.loads(path.read_text()), text=page.read_text(), page=page,
                           folder=page.parent)


@pytest.fixture(scope='module')
def study(tmp_path_factory):
    return report(tmp_path_factory.mktemp('study'), cephalograms())


def section(text, name):
    return re.search(rf'<section[^>]* id="{name}".*?</section>', text, flags=re.DOTALL)[0]


def test_the_table_shows_every_number_with_its_path(study, suites):
    shown = {path: (json.loads(value), scale, text) for path, value, scale, text
             in suites.Reader(section(study.text, 'success')).numbers}
    for name in METHODS:
        for end, scale in (('ME_mm', 1), ('SDR_2', 100), ('SDR_2.5', 100), ('SDR_3', 100), ('SDR_4', 100)):
            value, factor, text = shown[f'/methods/{name}/endpoints/{end}/mean']
            assert value == study.analysis['methods'][name]['endpoints'][end]['mean'] and factor == scale
            assert float(text) == round(value * scale, 3 if scale == 1 else 1)
        assert f'/success/methods/{name}/error_sd' in shown
    for end in ('ME_mm', 'SDR_2', 'SDR_4'):
        assert shown[f'/annotators/endpoints/{end}/mean'][0] == study.analysis['annotators']['endpoints'][end]['mean']
    assert all(value == suites.resolve(study.analysis, path) for path, (value, _, _) in shown.items())


def test_annotators_are_a_reference_and_no_method(study):
    for name in ('table1', 'success', 'ced'):
        assert 'between annotators' in section(study.text, name)
    body = re.search(r'<table[^>]*id="success-rates">.*?</table>', study.text, flags=re.DOTALL)[0]
    assert 'between annotators' not in body.split('<tfoot>')[0] and 'between annotators' in body.split('<tfoot>')[1]
    for prefix in ('fig-ced', 'fig-seeds'):
        figures = re.findall(rf'<svg [^>]*>(?:(?!</svg>).)*{prefix}(?:(?!</svg>).)*</svg>', study.text, flags=re.DOTALL)
        assert len(figures) == 2 and all('between annotators' in figure for figure in figures)
    assert study.analysis['order']['methods'] == [*METHODS]


def test_annotators_stand_in_table_1_whatever_it_begins_with(tmp_path):
    frame = cephalograms().drop(columns=['error_mm', 'between_mm_junior-senior']).assign(normalizer=100.0)
    only = report(tmp_path, frame, PLAN | {'report': {'sections': ['table1']}}, draws=100)
    text = section(only.text, 'table1')
    assert '/methods/fe/endpoints/NME/seed_sd' in text and '/annotators/endpoints/ME/mean' in text
    rows = re.findall(r'<tr>.*?</tr>', text[text.index('id="table1"'):].split('</table>')[0], flags=re.DOTALL)
    cells = [sum(int(span or 1) for span in re.findall(r'<t[dh](?![a-z])(?:[^>]*?colspan="(\d+)")?[^>]*>', row))
             for row in rows[-3:]]
    assert len(set(cells)) == 1


def test_within_the_inter_observer_error_is_said_with_its_interval(study):
    said = section(study.text, 'success')
    items = {item['method']: item for item in study.analysis['annotators']['comparison']['items']}
    assert items['fe']['verdict'] == 'beyond' and items['ctd_ed']['verdict'] == 'within'
    assert 'CTD-ED is within the inter-observer error: its mean error is' in said
    assert 'FE is not within the inter-observer error' in said
    assert all(f'(95 % interval {word}' in items[name]['text'] for name, word in (('fe', 'from'), ('ctd_ed', 'from')))
    assert 'not adjusted for the number of methods' in said


def test_rates_per_landmark_stand_in_their_section(study, suites):
    shown = {path for path, *_ in suites.Reader(section(study.text, 'landmarks')).numbers}
    for key in ('mean', 'mean_mm', 'SDR_2', 'SDR_4'):
        assert {f'/landmarks/methods/ft/L19/{key}', f'/annotators/landmarks/L19/{key}'} <= shown


def test_files_have_the_rates(study):
    made = tables(study.analysis)
    rows = {row['name']: row for row in csv.DictReader(io.StringIO(made['success.csv']))}
    assert [row['kind'] for row in rows.values()] == ['method'] * 3 + ['annotators']
    curve = [row for row in csv.DictReader(io.StringIO(made['ced.csv'])) if row['method'] == 'between annotators']
    stored = study.analysis['annotators']['ced']
    assert [(float(row['error']), float(row['mean']), row['lowest_seed']) for row in curve] == [
        (x, share, '') for x, share in zip(stored['x'], stored['mean'])]
    ends = study.analysis['methods']['ft']['endpoints']
    assert float(rows['ft']['SDR_2.5']) == ends['SDR_2.5']['mean'] and float(rows['ft']['MRE']) == ends['ME_mm']['mean']
    table1 = next(csv.DictReader(io.StringIO(made['table1.csv'])))
    assert float(table1['SDR_2_ci_low']) == ends['SDR_2']['ci_low']
    for row in csv.DictReader(io.StringIO(made['landmarks.csv'])):
        cell = study.analysis['landmarks']['methods'][row['method']][row['landmark']]
        assert (float(row['SDR_2']), float(row['mean_mm'])) == (cell['SDR_2'], cell['mean_mm'])
    assert {'success_contrasts.csv', 'annotators.csv', 'annotators_landmarks.csv'} <= set(made)
    assert made['success.tex'].count(r'\midrule') == 2 and r'SDR 2.5\,mm' in made['success.tex']
    line = next(line for line in made['success.tex'].splitlines() if line.startswith(r'\midrule between annotators'))
    assert f'\\below{{{100 * study.analysis["annotators"]["endpoints"]["SDR_2"]["mean"]:.1f}}}' in line
    summary = (study.folder / 'summary.md').read_text()
    assert 'SDR 2.5 mm, %' in summary and 'CTD-ED is within the inter-observer error' in summary


def test_a_table_in_millimetres_without_landmarks_of_annotators(tmp_path):
    frame = cephalograms(images=4).drop(columns=['error', 'between_junior-senior', 'between_mm_junior-senior'])
    made = report(tmp_path, frame.rename(columns={'error_mm': 'error'}), plan=ONE, unit='mm', threshold=2.0)
    assert made.analysis['success']['mean'] == 'ME' and made.analysis['annotators'] is None
    said = section(made.text, 'success')
    assert '% within 2.5 mm' in said and 'annotators' not in re.sub(r'<h2.*?</h2>', '', said)


def test_annotators_without_millimetres(tmp_path):
    frame = cephalograms(images=4).drop(columns=['error_mm', 'between_mm_junior-senior'])
    made = report(tmp_path, frame, ONE)
    assert made.analysis['success'] is None and made.analysis['annotators']['comparison']['unit'] == 'heatmap px'
    said = section(made.text, 'success')
    assert 'between annotators' in said and 'SDR' not in said and 'success.csv' not in tables(made.analysis)


def test_neither_is_said_in_a_sentence(tmp_path):
    frame = cephalograms(images=4)[['method', 'condition', 'seed', 'image', 'landmark', 'error']]
    made = report(tmp_path, frame, ONE)
    assert 'Errors are not known in millimetres' in section(made.text, 'success')
    assert 'between annotators' not in made.text
    old = {key: value for key, value in made.analysis.items() if key not in ('success', 'annotators')}
    (tmp_path / 'old.json').write_text(json.dumps(old))
    assert 'Errors are not known in millimetres' in build_report(tmp_path / 'old.json', tmp_path).read_text()


def test_whole_images_have_no_rates_whatever_their_unit(tmp_path):
    frame = cephalograms(images=4)[['method', 'condition', 'seed', 'image', 'error']].groupby(
        ['method', 'condition', 'seed', 'image'], as_index=False).mean()
    made = report(tmp_path, frame, ONE, unit='mm')
    said = section(made.text, 'success')
    assert 'count landmarks, and the table has none' in said and 'millimetres' not in said
    scores = [Score('dice', HIGHER)]
    frame = validate(frame.rename(columns={'error': 'dice'}), scores=scores)
    (tmp_path / 'scores.json').write_text(json.dumps(plain(analyze(frame, {'report': ONE['report']}, draws=100))))
    said = section(build_report(tmp_path / 'scores.json', tmp_path).read_text(), 'success')
    assert 'are of errors, and the table has scores' in said and 'millimetres' not in said
