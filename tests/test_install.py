"""A wheel built from the sdist works outside of the checkout: configs, a model, the commands. Nothing is fetched."""

import os
import shutil
import site
import subprocess
import sys
import tarfile
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from setuptools.config.pyprojecttoml import load_file

ROOT = Path(__file__).parents[1]
BUILD = 'import sys; from setuptools import build_meta; build_meta.build_{}(sys.argv[1])'
CODE = """
import benchmark
benchmark.register()
from benchmark.experiments.suite.suite import find_config, load_suite
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
path = find_config('methods', 'ft')
cfg = Config.fromfile(path)
init_default_scope('mmpose')
cfg.model.backbone.init_cfg = None
print(path)
print(type(MODELS.build(cfg.model)).__name__)
print(len(load_suite('demo').methods))
"""


def calm(command: list, folder: Path) -> str:
    """A command in a folder, without what would make it find the checkout."""
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done.stdout


@pytest.fixture(scope='module')
def wheel(tmp_path_factory):
    """Built from the sdist alone, which is built of the files that git knows."""
    place = tmp_path_factory.mktemp('built')
    names = subprocess.run(['git', '-C', ROOT, 'ls-files', '--cached', '--others', '--exclude-standard'],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    for name in names:
        if (ROOT / name).is_file():
            (place / 'checkout' / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, place / 'checkout' / name)
    calm([sys.executable, '-c', BUILD.format('sdist'), place], place / 'checkout')
    with tarfile.open(next(place.glob('*.tar.gz'))) as packed:
        packed.extractall(place / 'sdist', filter='data')
    calm([sys.executable, '-c', BUILD.format('wheel'), place], next((place / 'sdist').iterdir()))
    return next(place.glob('*.whl'))


@pytest.mark.slow
def test_the_wheel_has_what_the_packages_have_and_its_licence(wheel):
    held = set(zipfile.ZipFile(wheel).namelist())
    tracked = subprocess.run(['git', '-C', ROOT, 'ls-files', 'benchmark', 'reports', 'mmconfigs'], capture_output=True,
                             text=True, check=True).stdout.split()
    assert {name for name in tracked if (ROOT / name).is_file()} <= held
    assert any(name.endswith('licenses/LICENSE') for name in held)
    assert not any(name.startswith(('tests/', 'tools/', 'docs/')) for name in held)


@pytest.mark.slow
def test_installed_outside_of_the_checkout(wheel, tmp_path):
    venv = tmp_path / 'venv'
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', venv], check=True)
    # The second environment sees the first one's packages, but not the checkout.
    packages = next((venv / 'lib').glob('python*')) / 'site-packages'
    (packages / 'shared.pth').write_text('\n'.join(site.getsitepackages()) + '\n')
    calm([sys.executable, '-m', 'pip', '--python', venv / 'bin/python', 'install', '--quiet', '--no-deps', '--no-index',
          wheel], tmp_path)
    path, model, methods = calm([venv / 'bin/python', '-c', CODE], tmp_path).split()
    assert Path(path).is_relative_to(packages) and model == 'TopdownPoseEstimator' and methods == '7'
    bench = venv / 'bin/landmark-bench'
    results = tmp_path / 'results.csv'
    results.write_text('method,seed,image,error\n' + ''.join(
        f'{method},{seed},{image},{1 + (3 * image + seed) % 7 / 10}\n'
        for method in ('a', 'b') for seed in range(3) for image in range(6)))
    calm([bench, 'analyze', results, '--draws', '100', '--proposed', 'a'], tmp_path)
    assert calm([bench, 'report', tmp_path], tmp_path).strip() == str(tmp_path / 'report/index.html')
    planned = calm([bench, 'run', 'smoke', '--dry-run', '--out', 'out'], tmp_path)
    assert 'to run ' in planned


def pins(name: str) -> list[Requirement]:
    lines = (ROOT / f'requirements/{name}.txt').read_text(encoding='utf-8').splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith('#')]


def test_the_pins_lie_in_the_ranges_and_each_range_has_a_pin():
    project = load_file(ROOT / 'pyproject.toml')['project']
    extras = project['optional-dependencies']
    stated = [*project['dependencies'], *(one for name, extra in extras.items() if name != 'all' for one in extra)]
    ranges = {canonicalize_name(one.name): one for one in map(Requirement, stated)}
    locked = {}
    for path in (ROOT / 'requirements').glob('*.txt'):
        for pin in pins(path.stem):
            locked.setdefault(canonicalize_name(pin.name), []).append(str(pin.specifier)[2:])
    assert ranges.keys() <= locked.keys()
    outside = [f'{name} {version}' for name, one in ranges.items() for version in locked[name]
               if not one.specifier.contains(version)]
    assert not outside
    named = {canonicalize_name(pin.name) for pin in pins('runtime')}
    assert named <= ranges.keys(), 'pinned for running, and in no range'


#: Imports what needs no torch, where packages that only training brings are not to be had.
WITHOUT_TRAINING = '''
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] in {names!r}:
            raise ModuleNotFoundError(f'{{name}} is not installed', name=name)
sys.meta_path.insert(0, Missing())
from benchmark.commands import analyze, prepare_data, report
from benchmark.datasets.formats import mmpose_config
from benchmark.datasets.synthetic import faces
for command in (analyze, prepare_data, report):
    try:
        command.main(['--help'])
    except SystemExit as ended:
        assert ended.code == 0
'''


def test_statistics_reports_and_data_need_no_package_that_only_training_brings():
    project = load_file(ROOT / 'pyproject.toml')['project']
    training = {canonicalize_name(Requirement(one).name) for one in project['optional-dependencies']['train']}
    training |= {canonicalize_name(pin.name) for pin in pins('no-deps')}
    # What is installed for the sake of others is there all the same.
    training -= {'six', 'packaging'}
    names = {module for module, owners in packages_distributions().items()
             if {canonicalize_name(one) for one in owners} <= training}
    assert {'torch', 'mmpose', 'rich', 'termcolor'} <= names and 'yaml' not in names
    done = subprocess.run([sys.executable, '-c', WITHOUT_TRAINING.format(names=names)], cwd=ROOT, capture_output=True,
                          text=True)
    assert done.returncode == 0, done.stderr
