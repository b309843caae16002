"""Trainings that are timed side by side: this suite's methods, and stock MMPose on the same data, network and batch.

Stock MMPose is its own ``td-hm_res50_8xb64-210e_coco-256x192.py``: its estimator, data set, pipeline, loader, train
loop, hooks and loss, with the network, the size, the batch and the data of the others. A source on the fly is a
teacher as MMPose's DWPose distiller runs it: its forward at each step, under no_grad, beside stock training.
"""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path

import mmpose
import torch
from mmengine.config import Config
from mmpose.models.pose_estimators import TopdownPoseEstimator
from mmpose.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional

from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.datasets.prepared import read_split
from benchmark.datasets.synthetic.faces import write_landmark_dataset
from benchmark.experiments.plan.configure import fill_paths, run_config
from benchmark.experiments.plan.encoder import ENCODER_CHANNELS, STRIDE
from benchmark.experiments.suite.backbones import WORDS, Backbone
from benchmark.experiments.suite.configs import find_config
from benchmark.experiments.suite.model import Method, Settings
from benchmark.models.backbones.staged import ClampedReLU6, SameConv2d

STOCK = Path(mmpose.__file__).parent / '.mim/configs/body_2d_keypoint/topdown_heatmap/coco' / \
    'td-hm_res50_8xb64-210e_coco-256x192.py'


@dataclass(frozen=True)
class Size:
    """What is trained.

    Attributes:
        depth: Of the ResNet; of no meaning where ``backbone`` names another network.
        pixels: Side of the input.
        batch: Images of a step.
        images: Training images.
        width: Channels of the encoder's first stage.
        decoder: Channels of the decoder.
        test: Images that the trained network is tested on; 0 for none.
        backbone: A suite's word for another network; None for the ResNet.
        stride: Where that network is cut, 16 or 32.
    """

    depth: int
    pixels: int
    batch: int
    images: int
    width: int = 64
    decoder: int = 256
    test: int = 0
    backbone: str | None = None
    stride: int = 32

    @property
    def name(self) -> str:
        network = f'{self.backbone} to stride {self.stride}' if self.backbone else f'ResNet-{self.depth}'
        return f'{network}, {self.pixels} px, batch {self.batch}'

    @property
    def network(self) -> Backbone:
        """The network that ``backbone`` names, up to its last map of this stride."""
        found = WORDS[self.backbone]
        count = found.strides.index(self.stride) + 1
        return Backbone(found.network, found.taps[:count], found.channels[:count], found.strides[:count])


#: Name -> what differs.
OURS = {
    'ft': dict(method='ft'),
    'fe': dict(method='fe'),
    'ftp': dict(method='ftp'),
    'ctd_ed': dict(method='ctd_ed'),
    'ctd_com': dict(method='ctd_com'),
    'ctd_ed_online': dict(method='ctd_ed', feature_cache=dict(enabled=False)),
    'ft_bf16': dict(method='ft', precision='bfloat16'),
}
#: For a GPU alone: steps as CUDA graphs.
GRAPHS = {f'{method}_graphs{name}': dict(method=method, cuda_graphs=True, **precision) for method in ('ft', 'ctd_ed')
          for name, precision in (('', {}), ('_bf16', dict(precision='bfloat16')))}
#: FT without one of the choices that make it fast.
CHOICES = {
    'ft_nchw': dict(method='ft', channels_last=False),
    'ft_kernels': dict(method='ft', without='MatrixConvolutionHook'),
    'ft_adam': dict(method='ft', cfg_options={'optim_wrapper.optimizer.fused': False}),
    'ft_views': dict(method='ft', cfg_options={'train_dataloader.dataset.view_bytes': 0}),
}
PEERS = {
    'stock': {},
    'stock_fe': {'model.backbone.frozen_stages': 4},
    'stock_ftp': {'model.backbone.frozen_stages': 3},
    'stock_ctd': {'model.type': 'SourceOnTheFly'},
    'stock_hg': {},
}
#: Compared epoch by epoch; the others stand in for a suite's runs only.
CONTESTANTS = (*OURS, *(name for name in PEERS if name != 'stock_hg'))


class PlainSameConv2d(SameConv2d):
    """SameConv2d by torch's own padding."""

    def forward(self, x: Tensor) -> Tensor:
        """As SameConv2d's."""
        low, high = zip(*(self._zeros(side) for side in x.shape[:-3:-1]))
        return nn.Conv2d.forward(self, functional.pad(x, (low[0], high[0], low[1], high[1])))


@MODELS.register_module()
class PlainEstimator(TopdownPoseEstimator):
    """Stock estimator around a converted network in plain PyTorch, without what makes this suite's layers faster."""

    def __init__(self, **kwargs) -> None:
        super().__init__(**kwargs)
        for module in self.backbone.modules():
            module.__class__ = {ClampedReLU6: nn.ReLU6, SameConv2d: PlainSameConv2d}.get(type(module), type(module))


@MODELS.register_module()
class SourceOnTheFly(TopdownPoseEstimator):
    """Stock estimator beside a frozen source whose forward runs at each step, as a DWPose-style distiller's teacher.

    Args:
        source: Config of the frozen source.
        distance: Config of a transfer loss on the last stage's map.
        kwargs: TopdownPoseEstimator's arguments.
    """

    def __init__(self, source: dict, distance: dict, **kwargs) -> None:
        super().__init__(**kwargs)
        self.source = MODELS.build(source)
        self.distance = MODELS.build(distance)

    def loss(self, inputs: Tensor, data_samples: list) -> dict[str, Tensor]:
        """Stock losses and the distance between the two encoders' outputs."""
        from benchmark.models.transfer import TransferContext
        features = self.extract_feat(inputs)
        losses = self.head.loss(features, data_samples, train_cfg=self.train_cfg)
        taps = self.source(inputs * self.data_preprocessor.std + self.data_preprocessor.mean)
        context = TransferContext(source=taps, target={'stage4': features[-1]}, source_module=self.source,
                                  target_module=self, data_samples=data_samples, heatmaps=features[-1], progress=0.0)
        losses['loss_ed'] = self.distance(context) * self.distance.weight
        return losses


def config(name: str, size: Size, data: Path, source: Path, epochs: int) -> Config:
    """Config of a contestant.

    Args:
        name: One of :data:`CONTESTANTS`, :data:`GRAPHS` or :data:`CHOICES`.
        size: Network, input, batch.
        data: Prepared data set.
        source: Source checkpoint of this depth.
        epochs: Length of the training.
    """
    meta = read_split(data, 'train').meta
    ours = OURS | GRAPHS | CHOICES
    made = our_config(ours[name], size, meta, epochs) if name in ours else _stock(PEERS[name], size, data, meta, epochs)
    if name in ours:
        return fill_paths(made, str(data), str(source))
    if name == 'stock_hg':
        _stock_hourglass(made, size, len(meta.landmarks))
        return made
    made.model.backbone.init_cfg = dict(type='Pretrained', checkpoint=str(source), prefix='backbone.')
    if made.model.type == 'SourceOnTheFly':
        made.model.source = dict(type='FrozenSource', checkpoint=str(source),
                                 backbone=dict(type='ResNet', out_indices=(0, 1, 2, 3), **_encoder(size)))
        made.model.distance = dict(type='EncoderCosineLoss', weight=0.002)
    return made


def our_config(entry: dict, size: Size, meta: LandmarkMeta, epochs: int) -> Config:
    """Config of a method of this suite; the paths of data and source are left open.

    Args:
        entry: ``method``, ``without`` (the type of a hook to leave out), and settings that differ.
        size: Network, input, batch.
        meta: The landmarks.
        epochs: Length of the training.
    """
    network = dict(backbone=size.backbone, encoder_stride=size.stride) if size.backbone else dict(depth=size.depth,
                                                                                              width=size.width)
    settings = dict(decoder_channels=size.decoder, input_size=(size.pixels, size.pixels), batch_size=size.batch,
                    epochs=epochs, channels_last=True, **network)
    settings |= {key: value for key, value in entry.items() if key not in ('method', 'without')}
    method = Method(config=str(find_config('methods', entry['method'])))
    seeds = dict(init=0, order=0, augmentation=0, split=0)
    cfg = run_config(method, Settings.read(settings, 'settings'), meta, seeds, None, 1.2, num_images=size.images)
    cfg.custom_hooks = [hook for hook in cfg.custom_hooks if hook.type != entry.get('without')]
    return cfg


def _stock(changes: dict, size: Size, data: Path, meta: LandmarkMeta, epochs: int) -> Config:
    cfg = Config.fromfile(STOCK)
    pixels, heatmap = (size.pixels, size.pixels), (size.pixels // 4, size.pixels // 4)
    codec = dict(type='MSRAHeatmap', input_size=pixels, heatmap_size=heatmap, sigma=1.5)
    if size.backbone:
        cfg.model.type = 'PlainEstimator'
        cfg.model.backbone = size.network.network | dict(out_indices=(len(size.network.taps) - 1,))
    else:
        cfg.model.backbone.update(_encoder(size))
    doublings = int(math.log2(size.stride // STRIDE))
    cfg.model.head.update(in_channels=_channels(size), decoder=codec, out_channels=len(meta.landmarks),
                          deconv_out_channels=(size.decoder,) * doublings, deconv_kernel_sizes=(4,) * doublings)
    # Boxes as they are, no rotation, no shift: the views of the others.
    pipeline = [dict(type='LoadImage'), dict(type='GetBBoxCenterScale', padding=1.0),
                dict(type='RandomFlip', direction='horizontal'),
                dict(type='RandomBBoxTransform', shift_prob=0.0, rotate_prob=0.0, scale_factor=(0.8, 1.0)),
                dict(type='TopdownAffine', input_size=pixels), dict(type='GenerateTarget', encoder=codec),
                dict(type='PackPoseInputs')]
    cfg.train_dataloader = dict(
        batch_size=size.batch, num_workers=cfg.train_dataloader.num_workers, persistent_workers=True,
        sampler=dict(type='DefaultSampler', shuffle=True),
        dataset=dict(type='CocoDataset', data_root=str(data), data_mode='topdown', metainfo=meta.to_mmpose(),
                     ann_file='annotations/train.json', data_prefix=dict(img='images/'), pipeline=pipeline))
    for key in ('val_cfg', 'val_dataloader', 'val_evaluator', 'test_cfg', 'test_dataloader', 'test_evaluator'):
        cfg[key] = None
    if size.test:
        plain = [step for step in pipeline
                 if step['type'] in ('LoadImage', 'GetBBoxCenterScale', 'TopdownAffine', 'PackPoseInputs')]
        cfg.test_cfg, cfg.test_evaluator = dict(), dict(type='PCKAccuracy', thr=0.05)
        cfg.test_dataloader = dict(
            batch_size=8, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
            dataset=dict(cfg.train_dataloader.dataset, ann_file='annotations/test.json', test_mode=True,
                         pipeline=plain))
        cfg.model.test_cfg.update(flip_test=False)
    cfg.train_cfg = dict(by_epoch=True, max_epochs=epochs)
    cfg.default_hooks.checkpoint.update(interval=epochs, save_best=None)
    if size.backbone and 'model.backbone.frozen_stages' in changes:
        changes = changes | {'model.backbone.frozen_stages': len(size.network.taps)}
    cfg.merge_from_dict(changes)
    # Workers of its own beside a training on all cores only slow it down: the faster of the two is its peer.
    if (workers := os.environ.get('STOCK_WORKERS')) is not None:
        cfg.train_dataloader.update(num_workers=int(workers), persistent_workers=int(workers) > 0)
    return cfg


def _encoder(size: Size) -> dict:
    """Options of the ResNet."""
    return dict(depth=size.depth) | ({} if size.width == 64 else dict(stem_channels=size.width,
                                                                      base_channels=size.width))


def _channels(size: Size) -> int:
    """Channels of the encoder's last map."""
    return size.network.channels[-1] if size.backbone else ENCODER_CHANNELS[size.depth] * size.width // 64


def _stock_hourglass(cfg: Config, size: Size, landmarks: int) -> None:
    """The suite's stacked hourglass (MMPose has none of Newell's) in the stock loop."""
    codec = cfg.model.head.decoder
    cfg.model.backbone = dict(type='StackedHourglass', num_stacks=2, num_blocks=1, channels=size.width,
                              out_channels=landmarks)
    cfg.model.head = dict(type='HourglassHead', out_channels=landmarks, loss=dict(type='HeatmapLoss'), decoder=codec)


def make_inputs(folder: Path, size: Size) -> tuple[Path, Path]:
    """Synthetic faces and a source with random weights, of the wanted size."""
    data, source = folder / 'faces', folder / 'source.pth'
    if not source.exists():
        write_landmark_dataset(data, dict(train=size.images, val=2, test=max(2, size.test)), image_size=size.pixels,
                               seed=0)
        torch.manual_seed(0)
        network = MODELS.build(size.network.network if size.backbone else dict(type='ResNet', **_encoder(size)))
        network.init_weights()
        width = _channels(size)
        state = {f'backbone.{key}': value for key, value in network.state_dict().items()}
        state |= {'classifier.weight': torch.randn(64, width) / width, 'classifier.bias': torch.zeros(64)}
        torch.save(dict(meta={}, state_dict=state), source)
    return data, source
