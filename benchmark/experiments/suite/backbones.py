"""The encoders that a suite names by a word, and what else the setting ``backbone`` takes."""

from dataclasses import dataclass
from typing import Any

from .kinds import Kind


@dataclass(frozen=True)
class Backbone:
    """A network with its taps, as a test asks it for them.

    Attributes:
        network: Config of the MMPose backbone.
        taps: Names of the modules that give the taps, the first one's first.
        channels: Of each tap.
        strides: Of each tap: pixels of the input per pixel of its map.
    """

    network: dict[str, Any]
    taps: tuple[str, ...]
    channels: tuple[int, ...]
    strides: tuple[int, ...] = (4, 8, 16, 32)


#: Layers of MMPose's ResNets and of networks that are built like them.
LAYERS = ('layer1', 'layer2', 'layer3', 'layer4')
BRANCHES = (32, 64, 128, 256)
HRNET = {'stage1': dict(num_modules=1, num_branches=1, block='BOTTLENECK', num_blocks=(4,), num_channels=(64,)), **{
    f'stage{number}': dict(num_modules=modules, num_branches=number, block='BASIC', num_blocks=(4,) * number,
                           num_channels=BRANCHES[:number]) for number, modules in ((2, 1), (3, 4), (4, 3))}}
#: Word -> network. A word of its own for a backbone of this package, or of MMPose, is one line here.
WORDS: dict[str, Backbone] = {
    'resnet18': Backbone(dict(type='ResNet', depth=18), LAYERS, (64, 128, 256, 512)),
    'resnet34': Backbone(dict(type='ResNet', depth=34), LAYERS, (64, 128, 256, 512)),
    'resnet50': Backbone(dict(type='ResNet', depth=50), LAYERS, (256, 512, 1024, 2048)),
    'resnet101': Backbone(dict(type='ResNet', depth=101), LAYERS, (256, 512, 1024, 2048)),
    'resnet152': Backbone(dict(type='ResNet', depth=152), LAYERS, (256, 512, 1024, 2048)),
    'mobilenet_v2': Backbone(dict(type='MobileNetV2'), ('layer2', 'layer3', 'layer5', 'conv2'), (24, 32, 96, 1280)),
    'mobilenet_v1': Backbone(dict(type='MobileNetV1'), LAYERS, (128, 256, 512, 1024)),
    # Of 128 pixels only: it brings every image to its own size, and its maps are as large whatever the input.
    'dlib_resnet': Backbone(dict(type='DlibResNet'), LAYERS, (32, 64, 128, 256)),
    'efficientnet_lite0': Backbone(dict(type='EfficientNetLite0'), LAYERS, (24, 40, 112, 320)),
    # All its stages keep a map of stride 4, the first of their branches.
    'hrnet_w32': Backbone(dict(type='HRNet', extra=HRNET), ('layer1', 'stage2', 'stage3', 'stage4'), (256, 32, 32, 32),
                          (4, 4, 4, 4)),
}
#: Taps of networks that give one map only, by class.
TAPS = {'HRNet': WORDS['hrnet_w32'].taps}
#: What of a network is no method's to choose under this setting, as its method says how it is trained.
TRAINING = ('init_cfg', 'frozen_stages', 'norm_eval')


def _fits(value: Any) -> bool:
    if isinstance(value, dict):
        return isinstance(value.get('type'), str) and not set(TRAINING) & set(value)
    return isinstance(value, str) and value in WORDS


BACKBONE = Kind(f'one of {", ".join(WORDS)}, or the config of a backbone that MMPose registers, such as '
                f"dict(type='ResNeXt', depth=50), without {', '.join(TRAINING)}, which are the methods'", _fits)
