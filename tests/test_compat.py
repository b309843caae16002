"""compat: a working package is left alone; a missing or broken one gets a placeholder that names the remedy."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def python(code: str, *path: Path) -> str:
    """Runs code in a fresh interpreter with these folders first on its path."""
    import os
    env = os.environ | {'PYTHONPATH': os.pathsep.join(map(str, (*path, ROOT)))}
    done = subprocess.run([sys.executable, '-c', code], env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def package(folder: Path, name: str, text: str) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / '__init__.py').write_text(text)
    return folder


INSTALL = 'from benchmark import compat; replaced = compat.install(); '


@pytest.mark.slow
def test_present_package_is_left_alone(tmp_path):
    package(tmp_path, 'torchvision', "__version__ = '9.9'")
    (tmp_path / 'torchvision' / 'transforms.py').write_text('class ToPILImage: real = True')
    out = python(INSTALL + "import torchvision.transforms as t; print('torchvision' in replaced, t.ToPILImage.real)",
                 tmp_path)
    assert out == 'False True'


def test_missing_package_gets_a_placeholder(tmp_path):
    code = """
from benchmark import compat
with compat.placeholders() as replaced:
    from mmdet.utils import ConfigType, reduce_mean
from typing import Optional
Optional[ConfigType]
class Sub(ConfigType): pass
print('mmdet' in replaced)
try: reduce_mean(1)
except ImportError as error: print(error)
"""
    said, error = python(code).splitlines()
    assert said == 'True'
    assert 'mmdet.utils.reduce_mean' in error and 'Install mmdet' in error


@pytest.mark.parametrize('broken', [
    "raise RuntimeError('operator torchvision::nms does not exist')",
    *(pytest.param(code, marks=pytest.mark.slow)
      for code in ("raise ValueError('numpy.dtype size changed')", 'import absent_module'))])
def test_broken_package_gets_a_placeholder(tmp_path, broken):
    package(tmp_path, 'torchvision', broken)
    code = """
from benchmark import compat
with compat.placeholders() as replaced:
    import torchvision
print('torchvision' in replaced, torchvision.__version__)
try: torchvision.transforms.ToPILImage()
except ImportError as error: print(error)
"""
    said, error = python(code, tmp_path).splitlines()
    assert said == 'True 0.0.0'
    assert 'torchvision' in error and 'matches your torch' in error


@pytest.mark.slow
def test_broken_xtcocotools_is_replaced_by_pycocotools(tmp_path):
    package(tmp_path, 'xtcocotools', '')
    (tmp_path / 'xtcocotools' / 'coco.py').write_text("raise ValueError('numpy.dtype size changed')")
    assert python(INSTALL + 'from xtcocotools.coco import COCO; print(COCO.__module__)', tmp_path) == 'pycocotools.coco'


@pytest.mark.slow
def test_mmpose_imports_and_is_installed_twice_without_harm():
    out = python(INSTALL + "import mmpose.models; print(compat.install() == replaced, 'mmdet' in replaced)")
    assert out == 'True True'


@pytest.mark.slow
def test_whoever_asks_for_a_missing_package_is_told_the_truth(tmp_path):
    """transformers, for one, looks with find_spec, which a module without a spec makes fail."""
    code = """
import benchmark; benchmark.register()
from importlib.util import find_spec
import mmcv, mmpose.apis, mmpose.visualization
print(find_spec('torchvision') is None, find_spec('mmdet') is None, hasattr(mmcv, 'ops'))
try: import torchvision
except ImportError as error: print(type(error).__name__)
from mmpose.visualization.simcc_vis import ToPILImage
try: ToPILImage()
except ImportError as error: print('Install a torchvision' in str(error))
"""
    assert python(code).splitlines() == ['True True False', 'ModuleNotFoundError', 'True']
    package(tmp_path, 'torchvision', "raise RuntimeError('operator torchvision::nms does not exist')")
    asked = ("import benchmark; benchmark.register(); import importlib.util; "
             "print(importlib.util.find_spec('torchvision').origin)")
    assert python(asked, tmp_path) == str(tmp_path / 'torchvision' / '__init__.py')


def test_benchmark_alone_imports_nothing_heavy():
    code = ('import sys, benchmark, benchmark.datasets.prepared; from benchmark.statistics import *; '
            "print([m for m in ('torch', 'mmengine', 'mmpose', 'mmcv') if m in sys.modules])")
    assert python(code) == '[]'


@pytest.mark.slow
def test_benchmark_registers_inside_an_mmengine_program():
    code = ("from mmengine.config import Config; Config(dict()); import benchmark; "
            "from mmpose.registry import MODELS; print('CTDHead' in MODELS)")
    assert python(code) == 'True'


@pytest.mark.slow
def test_what_runs_import_on_their_way_is_there_before_they_are_forked_and_nothing_is_set():
    code = ('import sys, benchmark.experiments.run.forkserver, torch; from mmengine.registry import DefaultScope; '
            "print(sorted({'torch._inductor', 'mmpose.visualization', 'mmpose.engine.hooks', 'mmengine.runner'} "
            '- set(sys.modules)), torch.are_deterministic_algorithms_enabled(), DefaultScope.get_current_instance())')
    assert python(code) == '[] False None'


@pytest.mark.slow
def test_nobody_asks_the_cuda_driver_before_runs_are_forked_and_each_run_does():
    """A build for CUDA, played: its driver counts how often it is asked, which a process that forks must not do."""
    code = ('import torch; asked = []; torch._C._cuda_getDeviceCount = lambda: asked.append(1) or 1; '
            'torch.cuda._is_compiled = lambda: True; real = torch.cuda.is_available; {}; '
            'import mmengine.device; print(len(asked), mmengine.device.get_device(), end=" "); {}; '
            'print(mmengine.device.get_device(), torch.cuda.is_available is real)')
    preload = 'import benchmark.experiments.run.forkserver as preload'
    assert python(code.format(preload, 'preload.ask_again()')) == '0 cpu cuda True'
    # Imported as it is, MMEngine asks.
    assert python(code.format('pass', 'pass')) == '1 cuda cuda True'


@pytest.mark.parametrize('name', ['benchmark', 'benchmark.plugins'])
def test_a_config_that_names_the_plug_ins_registers_them(tmp_path, name):
    """The first was the only name once, and stands in configs of users."""
    path = tmp_path / 'config.py'
    path.write_text(f'custom_imports = dict(imports=[{name!r}], allow_failed_imports=False)\n')
    code = f"""
from mmengine.config import Config
Config.fromfile({str(path)!r})
from mmpose.registry import HOOKS, MODELS
print('CTDPoseEstimator' in MODELS.module_dict, 'FeatureCacheHook' in HOOKS.module_dict)
"""
    assert python(code) == 'True True'
