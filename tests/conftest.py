"""Shared by all tests: threads, numbers of examples, which skips are expected; a small model and batch."""

import ctypes
import gc
import os
import signal

os.environ.setdefault('OMP_NUM_THREADS', '1')

from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile('whole', deadline=None, derandomize=True, max_examples=100)
settings.register_profile('fast', settings.get_profile('whole'), max_examples=25)
settings.load_profile('whole')
pytest.register_assert_rewrite('drawn', 'handmade', 'in_r', 'odd')  # They say what differs as tests do.
#: A reason to skip on each line, and after ``#`` why it is none to worry about.
ALLOWED_SKIPS = Path(__file__).with_name('allowed_skips.txt')

for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1):
    if signal.getsignal(number) == signal.SIG_IGN:  # As under nohup, and all children would inherit it.
        signal.signal(number, lambda *_: None)  # This process stays deaf; whatever it starts hears the signal.

#: Files of the longest tests: one that starts late is waited for.
LONG = ('test_storms', 'test_chaos', 'test_executors', 'test_slurm', 'test_mmpose_tools', 'test_extending')


def pytest_collection_modifyitems(items):
    """Puts the longest first; within a file the order stays."""
    items.sort(key=lambda item: LONG.index(item.path.stem) if item.path.stem in LONG else len(LONG))


def pytest_addoption(parser):
    parser.addoption('--strict-skips', action='store_true', help=f'fail on skips whose reason {ALLOWED_SKIPS.name} '
                                                                 'does not list')


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session):
    """Fails on skips that nobody expected."""
    if not session.config.getoption('strict_skips') or hasattr(session.config, 'workerinput'):
        return
    terminal = session.config.pluginmanager.get_plugin('terminalreporter')
    allowed = [line.partition('#')[0].strip() for line in ALLOWED_SKIPS.read_text(encoding='utf-8').splitlines()]
    reasons = {report.longrepr[2].removeprefix('Skipped: ') for report in terminal.stats.get('skipped', ())}
    if unexpected := sorted(reason for reason in reasons if not any(fnmatchcase(reason, one) for one in allowed)):
        terminal.ensure_newline()
        for reason in unexpected:
            terminal.write_line(f'skipped for a reason that {ALLOWED_SKIPS} does not list: {reason}', red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


#: Gives free memory back to the system, where the C library can.
trim = getattr(ctypes.CDLL(None), 'malloc_trim', lambda _: 0)


def resident() -> int:
    """MiB of this process in memory; 0 where the system does not say."""
    try:
        return int(Path('/proc/self/statm').read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE') >> 20
    except OSError:
        return 0


@pytest.fixture(autouse=True)
def freed():
    """Frees networks that hang in a ring with what was raised over them: few objects, so Python looks for them late.

    Gives the memory that they stood in back to the system too: what comes next need not fit into it.
    """
    before = resident()
    yield
    if resident() > before + 4:
        gc.collect()
        trim(0)


@pytest.fixture(scope='session')
def registered():
    """The suite's plug-ins in MMPose's registries."""
    import benchmark
    benchmark.register()
    from mmengine.registry import init_default_scope
    init_default_scope('mmpose')
    gc.freeze()  # What is imported stays: nobody need look through it again.
    return benchmark


def write_source(path, width, classes):
    """Writes a source checkpoint: a ResNet-18 with random weights."""
    import torch
    from mmpose.registry import MODELS
    torch.manual_seed(3)
    backbone = MODELS.build(dict(type='ResNet', depth=18, out_indices=(0, 1, 2, 3), stem_channels=width,
                                 base_channels=width))
    backbone.init_weights()
    state = {f'backbone.{k}': v for k, v in backbone.state_dict().items()}
    state |= {'classifier.weight': torch.randn(classes, 8 * width), 'classifier.bias': torch.randn(classes)}
    torch.save(dict(meta={}, state_dict=state), path)
    return path


@pytest.fixture(scope='session')
def source_checkpoint(registered, tmp_path_factory):
    """A source checkpoint: ResNet-18 with 6 classes, random weights."""
    return write_source(tmp_path_factory.mktemp('source') / 'source.pth', 64, 6)


@pytest.fixture(scope='session')
def narrow_source(registered, tmp_path_factory):
    """A source checkpoint: ResNet-18 with 8 to 64 channels and 5 classes, random weights."""
    return write_source(tmp_path_factory.mktemp('narrow') / 'source.pth', 8, 5)


@pytest.fixture
def config(registered):
    """Gives a method's config at a tiny size: ResNet-18, 64 px, decoder of 16 channels."""
    from benchmark.datasets.metainfo import LandmarkMeta
    from benchmark.experiments.plan.configure import fill_paths, run_config
    from benchmark.experiments.suite.configs import find_config
    from benchmark.experiments.suite.model import Method, Settings
    meta = LandmarkMeta(name='tiny', landmarks=('a', 'b', 'c'), flip_indices=(1, 0, 2))

    def make(method: str, source, **settings):
        settings = dict(depth=18, input_size=(64, 64), decoder_channels=16, batch_size=4, epochs=2,
                        hourglass=dict(num_stacks=2, channels=16)) | settings
        seeds = dict(init=1, order=2, augmentation=3, split=4)
        found = Method(config=str(find_config('methods', method)))
        cfg = run_config(found, Settings.read(settings), meta, seeds, None, 1.2, num_images=8)
        return fill_paths(cfg, '', str(source))

    return make


@pytest.fixture
def build(config, narrow_source):
    """Builds and initialises a method's tiny model as a Runner does: seed, build, init_weights; 8 to 64 channels."""
    import torch
    from mmpose.registry import MODELS

    def make(method: str, **changes):
        cfg = config(method, narrow_source, width=8)
        cfg.merge_from_dict(changes)
        torch.manual_seed(7)
        model = MODELS.build(cfg.model)
        model.init_weights()
        return model

    return make


@pytest.fixture
def batch(registered):
    """A batch of two 64 px images with three landmarks, as a data loader gives it."""
    import torch
    from mmengine.structures import InstanceData, PixelData
    from mmpose.structures import PoseDataSample

    from benchmark.codecs import ArgmaxHeatmap
    codec = ArgmaxHeatmap((64, 64), (16, 16))
    rng = np.random.default_rng(0)
    samples, images = [], []
    for _ in range(2):
        encoded = codec.encode(rng.uniform(8, 56, (1, 3, 2)).astype(np.float32))
        sample = PoseDataSample()
        sample.gt_instance_labels = InstanceData(keypoint_weights=torch.from_numpy(encoded['keypoint_weights']))
        sample.gt_fields = PixelData(heatmaps=torch.from_numpy(encoded['heatmaps']))
        samples.append(sample)
        images.append(torch.from_numpy(rng.integers(0, 256, (3, 64, 64), dtype=np.uint8)))
    return dict(inputs=images, data_samples=samples)
