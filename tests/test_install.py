"""The installed package works outside the checkout: a config is found and a model built."""

import os
import shutil
import site
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KEPT = ('benchmark', 'reports', 'mmconfigs', 'requirements', 'setup.py', 'pyproject.toml', 'README.md')
CODE = """
import benchmark
benchmark.register()
from benchmark.experiments.suite.suite import find_config, load_suite
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmpose.registry import MODELS
import reports.build
path = find_config('methods', 'ft')
cfg = Config.fromfile(path)
init_default_scope('mmpose')
cfg.model.backbone.init_cfg = None
print(path)
print(type(MODELS.build(cfg.model)).__name__)
print(len(load_suite('demo').methods))
"""


@pytest.mark.slow
def test_installed_outside_of_the_checkout(tmp_path):
    checkout = tmp_path / 'checkout'
    checkout.mkdir()
    for name in KEPT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, checkout / name, ignore=shutil.ignore_patterns('__pycache__'))
        else:
            shutil.copy(source, checkout / name)
    venv = tmp_path / 'venv'
    subprocess.run([sys.executable, '-m', 'venv', '--without-pip', venv], check=True)
    # The second environment sees the first one's packages, but not the checkout.
    packages = next((venv / 'lib').glob('python*')) / 'site-packages'
    (packages / 'shared.pth').write_text('\n'.join(site.getsitepackages()) + '\n')
    done = subprocess.run([sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--no-index',
                           '--no-build-isolation', '--target', packages, checkout], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    env = {k: v for k, v in os.environ.items() if k != 'PYTHONPATH'}
    done = subprocess.run([venv / 'bin/python', '-c', CODE], cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    path, model, methods = done.stdout.split()
    assert Path(path).is_relative_to(packages) and model == 'TopdownPoseEstimator' and methods == '7'
    for data in ('benchmark/datasets/schemes/face14.json', 'benchmark/statistics/schema.json', 'benchmark/py.typed'):
        assert (packages / data).is_file()
    assert list((packages / 'reports').rglob('*.html'))
