"""tools/average.py: the ensemble's error on the test images, its interval, and what is refused."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas
import pytest
from forked import command

ROOT = Path(__file__).parents[2]


@pytest.fixture
def suite(runs, tmp_path):
    """The networks and predictions of FT, in a folder of their own."""
    plan = json.loads((runs.out / 'plan.json').read_text())
    plan['runs'] = [run for run in plan['runs'] if run['method'] == 'ft']
    for run in plan['runs']:
        (tmp_path / 'suite' / run['folder']).mkdir(parents=True)
        for name in ('network.pth', 'predictions.parquet'):
            shutil.copy(runs.out / run['folder'] / name, tmp_path / 'suite' / run['folder'] / name)
    (tmp_path / 'suite' / 'plan.json').write_text(json.dumps(plan))
    return tmp_path / 'suite'


def average(*arguments):
    return command([ROOT / 'tools/average.py', *arguments], os.environ | dict(OMP_NUM_THREADS='1'))


def test_the_ensemble_stands_beside_its_networks(runs, suite, registered):
    from scipy import stats

    from benchmark.detector.loaded import load_networks
    from benchmark.detector.photographs import Reading, Source, read_photograph
    from benchmark.detector.predictor import Predictor
    done = average(suite)
    assert done.returncode == 0, done.stderr
    one, = json.loads((suite / 'ensembles.json').read_text())['ensembles']
    folders = [runs.folders['ft', seed] for seed in (0, 1)]
    tables = [pandas.read_parquet(folder / 'predictions.parquet') for folder in folders]
    assert one['members'] == pytest.approx([table['error'].mean() for table in tables])
    predictor = Predictor(load_networks([folder / 'network.pth' for folder in folders], 'cpu'))
    landmarks, differences, errors = predictor.scheme.landmarks, [], []
    for image, rows in tables[0].groupby('image'):
        photograph = read_photograph(Source(image, runs.images / image), Reading((64, 64), 'squeeze'))
        points = predictor.predict([photograph])[0].points[[landmarks.index(name) for name in rows['landmark']]]
        errors.append(np.linalg.norm(points - rows[['x_true', 'y_true']], axis=1).mean() / 4)
        single = np.mean([table[table['image'] == image]['error'].mean() for table in tables])
        differences.append(errors[-1] - single)
    assert one['ensemble'] == pytest.approx(np.mean(errors))
    assert one['difference'] == pytest.approx(np.mean(differences))
    assert one['interval'] == pytest.approx(stats.ttest_1samp(differences, 0).confidence_interval(0.95))
    assert f"| ft | all | 2 | {one['single']:.3f} | {one['ensemble']:.3f} | " in done.stdout
    assert '| all | 2 |' in average(suite, '--level', '0.5').stdout
    narrow, = json.loads((suite / 'ensembles.json').read_text())['ensembles']
    assert one['interval'][0] < narrow['interval'][0] < narrow['interval'][1] < one['interval'][1]


def test_a_suite_averages_by_itself_and_once(runs, tmp_path, monkeypatch):
    from benchmark.experiments.commands import averaged_seeds
    from benchmark.experiments.state.tasks import work_of
    from benchmark.experiments.suite.suite import load_suite
    from benchmark.statistics.averaging import read_ensembles
    found = read_ensembles(runs.out)
    assert [one['method'] for one in found['ensembles']] == ['ft', 'ctd_com', 'ema'] and found['left_out'] == []
    assert {*found['table']['left_out']} == {-1, 0, 1}
    # Without one of two networks, the other is left.
    own = pandas.read_parquet(runs.folders['ft', 1] / 'predictions.parquet')
    without = found['table'][(found['table']['method'] == 'ft') & (found['table']['left_out'] == 0)]
    assert without[['x', 'y']].to_numpy() == pytest.approx(own[['x', 'y']].to_numpy(), abs=1e-3)
    assert without['error'].to_numpy() == pytest.approx(own['error'].to_numpy(), abs=1e-3)
    plan, asked = json.loads((runs.out / 'plan.json').read_text()), []
    monkeypatch.setattr(averaged_seeds, 'asked', lambda work, request: asked.append(request) or {'reason': 'no luck'})
    work = work_of(plan, runs.out)
    suite = load_suite(runs.out.parent / 'tiny.py')
    averaged_seeds.average_seeds(suite, type('Plan', (), dict(out=runs.out)), work, [])
    assert asked == []
    averaged_seeds.average_seeds(suite, type('Plan', (), dict(out=tmp_path)), work, [])
    assert asked[0]['wanted'] == [('ft', 'all'), ('ctd_com', 'all'), ('ema', 'all')]


def test_other_images_and_too_few_networks_are_refused(runs, suite, tmp_path):
    plan = json.loads((suite / 'plan.json').read_text())
    shutil.copytree(plan['data']['root'], tmp_path / 'data')
    images = [*runs.points('ft')]
    shutil.copy(runs.images / images[0], tmp_path / 'data/images' / images[1])
    (suite / 'plan.json').write_text(json.dumps(plan | dict(data=plan['data'] | dict(root=str(tmp_path / 'data')))))
    done = average(suite)
    assert done.returncode == 2 and f"other landmarks than its run's test, such as on {images[1]}" in done.stderr
    (suite / plan['runs'][0]['folder'] / 'network.pth').unlink()
    done = average(suite)
    assert '1 of 2 seeds have a network' in done.stdout and 'no method has two networks' in done.stderr
    for arguments, message in [((tmp_path,), 'holds no plan.json'), ((suite, '--level', '95'), 'between 0 and 1')]:
        done = average(*arguments)
        assert done.returncode == 2 and message in done.stderr and len(done.stderr.splitlines()) == 1
    assert not (suite / 'ensembles.json').exists()
