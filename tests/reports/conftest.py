"""A synthetic suite's output folder, as the suite itself would write it."""

from __future__ import annotations

import json
import os
import shutil
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pandas as pd
import pytest
from once import once

from benchmark.statistics import analyze, read_suite, write_analysis
from reports import build_report

LABELS = {
    'fe': 'FE',
    'ftp': 'FTP',
    'ft': 'FT',
    'hg': 'HG',
    'ctd_cd': 'CTD-CD',
    'ctd_ed': 'CTD-ED',
    'ctd_com': 'CTD-Com',
}
REPORTED = {
    'fe': (1.822, 0.501, 94.52, 0.01),
    'ftp': (1.161, 0.261, 40.32, 0.10),
    'ft': (0.858, 0.238, 10.65, 0.29),
    'hg': (0.879, 0.386, 12.58, 0.30),
    'ctd_cd': (0.842, 0.246, 5.81, 0.31),
    'ctd_ed': (0.830, 0.245, 7.74, 0.32),
    'ctd_com': (0.829, 0.253, 6.45, 0.32),
}
LEVEL = {'fe': 1.35, 'ftp': 0.95, 'ft': 0.72, 'hg': 0.78, 'ctd_cd': 0.70, 'ctd_ed': 0.66, 'ctd_com': 0.67}
HARDER = {'all': 1.0, 'labels_20': 1.35, 'labels_10': 1.8}


def frontal_faces(root: Path, split: str = 'test') -> tuple[list[str], list[str], np.ndarray]:
    """Image names, landmark names and true positions, images x landmarks x 2, of a prepared data set."""
    coco = json.loads((root / f'annotations/{split}.json').read_text())
    points = {a['image_id']: np.reshape(a['keypoints'], (-1, 3))[:, :2] for a in coco['annotations']}
    images = [(image['file_name'], points[image['id']]) for image in coco['images']]
    return [name for name, _ in images], coco['categories'][0]['keypoints'], np.stack([p for _, p in images])


def make_faces(root: Path, images: int = 8, size: int = 96) -> tuple[list[str], list[str], np.ndarray]:
    """Write grey pictures with a blob under each landmark."""
    (root / 'images').mkdir(parents=True)
    rng = np.random.default_rng(5)
    landmarks = ['exocanthion_r', 'exocanthion_l', 'nasion', 'cheilion_r', 'cheilion_l']
    mean = np.array([[25, 35], [70, 35], [48, 40], [35, 70], [62, 70]], dtype=float)
    truth = mean + rng.normal(0, 2, (images, len(landmarks), 2))
    names = [f'f{i:03d}.jpg' for i in range(images)]
    for name, points in zip(names, truth):
        picture = np.full((size, size, 3), 150, np.uint8)
        for x, y in points:
            cv2.circle(picture, (round(x), round(y)), 5, (90, 110, 200), -1)
        cv2.imwrite(str(root / 'images' / name), picture)
    return names, landmarks, truth


def write_suite(
    out: Path,
    root: Path,
    faces: tuple,
    methods: dict[str, str] | None = None,
    seeds: int = 3,
    conditions: tuple[str, ...] = ('all', 'labels_20', 'labels_10'),
    failed: tuple = (),
    question: str = 'With few labels, is it better to stay close to the source network?',
    title: str = 'Cross-task transfer with few labels',
) -> Path:
    """Write ``results.parquet``, ``plan.json`` and the records; everything follows from the arguments."""
    methods = LABELS if methods is None else methods
    images, landmarks, truth = faces
    size, rng = 256.0 if truth.max() > 96 else 96.0, np.random.default_rng(11)
    per_px = size / 64
    ocular = np.linalg.norm(truth[:, 0] - truth[:, min(3, len(landmarks) - 1)], axis=1)
    hard_image, hard_landmark = rng.lognormal(0, 0.28, len(images)), rng.lognormal(0, 0.25, len(landmarks))
    rows, runs = [], []
    for condition in conditions:
        for method in methods:
            for seed in range(seeds):
                run = f'{condition}-s{seed}'
                bad = (method, condition, seed) in failed
                runs.append(
                    {
                        'id': f'{method}/{run}',
                        'method': method,
                        'condition': condition,
                        'seed': seed,
                        'hash': f'{abs(hash_of(method, condition, seed)):012x}',
                        'folder': f'runs/{method}/{run}',
                    }
                )
                write_record(out, runs[-1], bad, len(runs))
                if bad:
                    continue
                level = LEVEL.get(method, 0.8) * HARDER.get(condition, 1.0) * (1 + rng.normal(0, 0.03))
                spread = level * hard_image[:, None] * hard_landmark[None, :] / 1.2533
                shift = rng.normal(0, 1, truth.shape) * spread[..., None]
                error = np.linalg.norm(shift, axis=-1)
                for i, image in enumerate(images):
                    for k, landmark in enumerate(landmarks):
                        x, y = truth[i, k] + shift[i, k] * per_px
                        rows.append(
                            (
                                method,
                                condition,
                                seed,
                                image,
                                Path(image).stem,
                                landmark,
                                error[i, k],
                                error[i, k] * per_px,
                                np.nan,
                                ocular[i] / per_px,
                                x,
                                y,
                                *truth[i, k],
                                0.9,
                            )
                        )
    names = [
        'method',
        'condition',
        'seed',
        'image',
        'subject',
        'landmark',
        'error',
        'error_input',
        'error_mm',
        'normalizer',
        'x',
        'y',
        'x_true',
        'y_true',
        'score',
    ]
    out.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows, columns=names).to_parquet(out / 'results.parquet')
    values = {'all': 59, 'labels_20': 20, 'labels_10': 10}
    plan = {
        'suite': 'real_faces',
        'title': title,
        'question': question,
        'methods': [
            {
                'name': name,
                'label': label,
                'description': f'How {label} differs.',
                'reported': dict(zip(('ME', 'SD', 'FR', 'AUC'), REPORTED[name]))
                if name in REPORTED
                else None,
            }
            for name, label in methods.items()
        ],
        'conditions': [
            {'name': name, 'label': f'{values.get(name, name)} labels', 'value': values.get(name)}
            for name in conditions
        ],
        'seeds': [*range(seeds)],
        'runs': runs,
        'analysis': {
            'threshold': 1.2,
            'unit': 'heatmap px',
            'design': 'nested',
            'proposed': 'ctd_ed',
            'reference': 'ft',
        },
        'data': {
            'name': 'frontal-faces',
            'root': str(root),
            'licence': 'CC BY 4.0',
            'description': 'Frontal studio photographs with manual landmarks.',
            'splits': {
                'train': {'images': 59, 'subjects': 59},
                'val': {'images': 15, 'subjects': 15},
                'test': {'images': len(images), 'subjects': len(images)},
            },
            'landmarks': landmarks,
            'flip_indices': [3, 2, 1, 0, 4, 5, 8, 7, 6, 13, 12, 11, 10, 9],
            'measurements': {'mouth width': ['cheilion_r', 'cheilion_l']},
            'interocular': ['exocanthion_r', 'exocanthion_l'],
            'input_size': [int(size)] * 2,
            'heatmap_size': [64, 64],
            'fingerprint': 'a3c1f0d29b5e',
        },
        'source': {
            'name': 'synthetic identities',
            'description': 'ResNet-18 trained to tell 200 procedural faces apart.',
            'val_accuracy': 0.9325,
            'classes': 200,
            'hash': '77aa01bc93de',
        },
        'settings': {
            'epochs': 60,
            'batch size': 4,
            'optimiser': 'Adam, 1e-3, polynomial decay 0.9',
            'sigma': 1.5,
            'decoder': 'plain argmax',
            'weights': {'CTD-CD': 0.002, 'CTD-ED': 0.002},
        },
    }
    (out / 'plan.json').write_text(json.dumps(plan))
    return out


def hash_of(*parts: object) -> int:
    """A number that follows from the parts alone (Python's own hash of text does not)."""
    return sum(ord(letter) * 31 ** (place % 9) for place, letter in enumerate(repr(parts)))


def write_record(out: Path, run: dict, failed: bool, number: int) -> None:
    """Write the record of one run."""
    folder = out / run['folder']
    folder.mkdir(parents=True, exist_ok=True)
    error = {
        'type': 'FloatingPointError',
        'message': 'loss is NaN at epoch 3 <b>not bold</b>',
        'traceback': 'Traceback (most recent call last):\n  File "run.py", line 3\nFloatingPointError',
    }
    record = {
        **{key: run[key] for key in ('id', 'method', 'condition', 'seed', 'hash')},
        'state': 'failed' if failed else 'done',
        'started': '2025-01-31T09:00:00+00:00',
        'seconds': 120.5 + number,
        'epochs': 3 if failed else 60,
        'seconds_per_epoch': 2.01,
        'train_images': 59,
        'error': error if failed else None,
        'versions': {'python': '3.12.4', 'torch': '2.13.0', 'mmpose': '1.3.2'},
        'machine': {'cpu': '2 cores', 'gpu': None},
        'source_hash': '77aa01bc93de',
    }
    (folder / 'record.json').write_text(json.dumps(record))


class Reader(HTMLParser):
    """What a page holds.

    Attributes:
        numbers: (path, value, scale, text) of each element with a data-path.
        cells: [tag, attributes, text, whether a number with a path is inside] of each table cell.
        ids: All ids.
        tags: Names of all elements.
        scripts: Texts of the scripts that run.
    """

    def __init__(self, text: str) -> None:
        super().__init__()
        self.numbers, self.cells, self.ids, self.tags, self.scripts, self.open = [], [], [], set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        self.tags.add(tag)
        self.ids += [attributes['id']] if 'id' in attributes else []
        if 'data-path' in attributes or tag in ('td', 'script'):
            self.open.append([tag, attributes, '', False])
        if 'data-path' in attributes and len(self.open) > 1:
            self.open[-2][3] = True

    def handle_data(self, data):
        for entry in self.open:
            entry[2] += data

    def handle_endtag(self, tag):
        if self.open and self.open[-1][0] == tag:
            entry = self.open.pop()
            if 'data-path' in entry[1]:
                scale = float(entry[1].get('data-scale', 1))
                self.numbers.append((entry[1]['data-path'], entry[1]['data-value'], scale, entry[2]))
            if tag == 'td':
                self.cells.append(entry)
            if tag == 'script' and 'type' not in entry[1]:
                self.scripts.append(entry[2])


def resolve(content: object, pointer: str) -> object:
    """The value at a JSON Pointer; None where a part of it is absent."""
    for part in pointer.split('/')[1:]:
        part = part.replace('~1', '/').replace('~0', '~')
        content = content[int(part)] if isinstance(content, list) else content.get(part) if content else None
    return content


def analyse_only(out: Path, **choices: object) -> Path:
    """Write analysis.json of a suite's folder; returns its path."""
    suite = read_suite(out)
    return write_analysis(out / 'analysis.json', analyze(suite.table, suite.plan, suite.records, **choices))


def analyse(out: Path) -> Path:
    """Write analysis.json and the report of a suite's folder; returns the page."""
    return build_report(analyse_only(out), out)


@pytest.fixture(scope='session')
def suites() -> SimpleNamespace:
    """The functions of this file, for tests that make a suite of their own."""

    def small(base: Path, images: int = 7, **options: object) -> Path:
        options = {'methods': {'ft': 'FT', 'ctd_ed': 'CTD-ED'}, 'conditions': ('all',), 'seeds': 2, **options}
        return write_suite(base / 'out', base / 'data', make_faces(base / 'data', images), **options)

    return SimpleNamespace(small=small, analyse=analyse, analyse_only=analyse_only, Reader=Reader, resolve=resolve)


@pytest.fixture(scope='session')
def suite_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven methods, three seeds, three conditions, eight pictures; one failed run."""
    def make(base: Path) -> None:
        write_suite(base / 'out', base / 'data', make_faces(base / 'data'), failed=(('hg', 'all', 2),))

    return once(tmp_path_factory, 'reports_suite', make) / 'out'


@pytest.fixture(scope='session')
def page(suite_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of :func:`suite_folder`."""
    once(tmp_path_factory, 'reports_page', lambda _: analyse(suite_folder))
    return suite_folder / 'report/index.html'


@pytest.fixture(scope='module')
def analysis(page: Path) -> dict:
    """The analysis of :func:`page`."""
    return json.loads((page.parents[1] / 'analysis.json').read_text())


@pytest.fixture(scope='session')
def small_analysis(tmp_path_factory: pytest.TempPathFactory, suites: SimpleNamespace) -> Path:
    """analysis.json of three methods, three seeds and seven pictures."""
    methods = {'ft': 'FT', 'hg': 'HG', 'ctd_ed': 'CTD-ED'}
    base = once(tmp_path_factory, 'reports_small',
                lambda base: analyse_only(suites.small(base, methods=methods, seeds=3)))
    return base / 'out/analysis.json'


@pytest.fixture(scope='session')
def small_page(small_analysis: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its report; quick in a browser."""
    once(tmp_path_factory, 'reports_small_page', lambda _: build_report(small_analysis, small_analysis.parent))
    return small_analysis.with_name('report') / 'index.html'


FLAGS = (
    '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking '
    '--disable-component-update --disable-sync'
).split()


@pytest.fixture(scope='module')
def browser():
    """The system's Chromium; tests that need it skip, with the reason, where there is none."""
    sync_api = pytest.importorskip('playwright.sync_api', reason='playwright is not installed')
    names = ('chromium', 'chromium-browser', 'google-chrome', 'chrome')
    path = os.environ.get('CHROMIUM') or next(filter(None, map(shutil.which, names)), None)
    if path is None:
        pytest.skip('no Chromium on this machine (install it, or name it in CHROMIUM)')
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
