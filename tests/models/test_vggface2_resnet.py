"""The VGGFace2 ResNet's geometry."""

import benchmark

benchmark.register()

import pytest
import torch
from mmpose.registry import MODELS
from torch import nn

from benchmark.models.backbones import VGGFace2ResNet
from benchmark.models.backbones.vggface2_resnet import VGGFACE2_CLASSES, VGGFACE2_NORMALISATION


def test_default_is_the_public_network():
    with torch.device('meta'):
        model = MODELS.build({'type': 'VGGFace2ResNet'})
        outputs = model(torch.empty(1, 3, 64, 64))
    assert isinstance(model, VGGFace2ResNet)
    assert [o.shape[1] for o in outputs] == [256, 512, 1024, 2048]
    # 23.5 M: a ResNet-50 without its classifier.
    assert sum(p.numel() for p in model.parameters()) == 23_508_032
    assert VGGFACE2_CLASSES == 8631
    assert VGGFACE2_NORMALISATION == {'mean': (131.0912, 103.8827, 91.4953), 'std': (1.0, 1.0, 1.0)}


def test_stride_is_in_the_first_1x1_convolution():
    with torch.device('meta'):
        model = VGGFace2ResNet()
    strides = {name: module.stride for name, module in model.named_modules()
               if isinstance(module, nn.Conv2d) and module.stride != (1, 1)}
    assert strides == {'conv1': (2, 2)} | {f'layer{i}.0.{conv}': (2, 2) for i in (2, 3, 4)
                                           for conv in ('conv1', 'downsample.0')}


@pytest.mark.parametrize(('side', 'stem', 'stages'), [
    (256, 128, [64, 32, 16, 8]),  # pool: ceil((128 - 3) / 2) + 1 = 64
    (224, 112, [56, 28, 14, 7]),  # pool: ceil((112 - 3) / 2) + 1 = 56
    (64, 32, [16, 8, 4, 2]),
    (230, 115, [57, 29, 15, 8]),  # pool: ceil((115 - 3) / 2) + 1 = 57; a padded one gives 58
])
def test_sizes_by_hand(side, stem, stages):
    with torch.device('meta'):
        model, images = VGGFace2ResNet(depth=50), torch.empty(1, 3, side, side)
        assert model.conv1(images).shape[-1] == stem
        assert [o.shape[-1] for o in model(images)] == stages


def test_pool_is_unpadded():
    pool = VGGFace2ResNet(depth=18).maxpool
    row = torch.tensor([9.0, 1, 2, 8, 3, 4, 5, 0]).expand(1, 1, 3, 8)
    # Windows 0-2, 2-4, 4-6 and 6-7, the last one cut off by the edge.
    assert pool(row)[0, 0, 0].tolist() == [9, 8, 5, 5]
    # Windows of a padded pool are centred on 0, 2, 4 and 6.
    assert nn.MaxPool2d(3, 2, padding=1)(row)[0, 0, 0].tolist() == [9, 8, 8, 5]


@pytest.mark.parametrize('depth', [18, 34, 50, 101])
def test_state_dict_is_that_of_a_plain_resnet(depth):
    with torch.device('meta'):
        own = MODELS.build({'type': 'VGGFace2ResNet', 'depth': depth}).state_dict()
        plain = MODELS.build({'type': 'ResNet', 'depth': depth}).state_dict()
    assert {k: v.shape for k, v in own.items()} == {k: v.shape for k, v in plain.items()}


def test_same_weights_give_other_features_than_a_plain_resnet():
    torch.manual_seed(0)
    own, plain = VGGFace2ResNet(depth=18).eval(), MODELS.build({'type': 'ResNet', 'depth': 18})
    plain.eval()
    plain.load_state_dict(own.state_dict())
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert not torch.allclose(own(images)[-1], plain(images)[-1], atol=1e-3)


def test_options_of_resnet_work():
    model = VGGFace2ResNet(depth=18, out_indices=(3,), frozen_stages=1, norm_eval=True, init_cfg=None)
    assert model.train() is model
    assert not model.conv1.weight.requires_grad
    assert not model.layer4[0].bn1.training
    assert len(model(torch.randn(1, 3, 64, 64))) == 1
