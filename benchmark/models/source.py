"""The frozen source network: what the face-recognition task has learnt, as named taps."""

from __future__ import annotations

from pathlib import Path

import torch
from mmengine.model import BaseModule
from mmpose.models.backbones import ResNet
from mmpose.registry import MODELS
from torch import Tensor, nn

from .backbones.staged import resized
from .backbones.tapped import Tapped
from .checkpoint import CheckpointError, load_weights, read_checkpoint

RANDOM = 'random'
#: What class scores are of.
LOGITS = ('classifier', 'pooled')
#: What may follow the last stage of a checkpoint's network.
EMBEDDINGS = ('DlibEmbedding', 'EfficientNetLiteEmbedding')


class SourceError(ValueError):
    """A source network that is missing, does not fit or lacks a tap; names the file and the remedy."""


def load_source_checkpoint(path: str | Path) -> dict:
    """Reads a source checkpoint: ``state_dict`` with ``backbone.*`` and ``classifier.*``, and ``meta``; tensors only.

    Raises:
        SourceError: The file is missing, unreadable or holds no ``backbone.*`` tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise SourceError(f'{path}: no such source checkpoint. Train one with a suite (tools/run_suite.py), fetch one '
                          'with tools/get_source.py, or convert one with tools/convert_source.py.')
    try:
        content = read_checkpoint(path)
    except CheckpointError as error:
        raise SourceError(f'{error} A source checkpoint is made by tools/convert_source.py.') from None
    if not any(key.startswith('backbone.') for key in content['state_dict']):
        raise SourceError(f'{path}: has no tensor named backbone.*. Make a source checkpoint with '
                          'tools/convert_source.py.')
    return content


def backbone_weights(state: dict[str, Tensor], backbone: nn.Module, where: str) -> dict[str, Tensor]:
    """The backbone's part of a source checkpoint's tensors, once it is known to fit.

    Args:
        state: The checkpoint's ``state_dict``.
        backbone: The network that it is for.
        where: The checkpoint's path, for messages.

    Raises:
        SourceError: A tensor is missing, has another shape, or is one too many.
    """
    found = {k[9:]: v for k, v in state.items() if k.startswith('backbone.')}
    own, kind = backbone.state_dict(), type(backbone).__name__
    for key, value in own.items():
        if key not in found:
            raise SourceError(f'{where}: backbone.{key} is missing. The checkpoint is of another architecture than the '
                              f'configured {kind}.')
        if found[key].shape != value.shape:
            raise SourceError(f'{where}: backbone.{key} has shape {tuple(found[key].shape)}, the configured {kind} '
                              f'needs {tuple(value.shape)}.')
    if extra := sorted(set(found) - set(own)):
        raise SourceError(f'{where}: backbone.{extra[0]} has no place in the configured {kind}. Set the depth that the '
                          'checkpoint was made with.')
    return found


def stage_taps(backbone: nn.Module) -> tuple[str, ...]:
    """Names of a backbone's outputs: ``stage1`` .. ``stage4`` by its ``out_indices``, always with the last; of a tapped
    one by their number."""
    if isinstance(backbone, Tapped):
        return tuple(f'stage{number + 1}' for number in range(backbone.tap_count))
    indices = getattr(backbone, 'out_indices', None)
    return tuple(f'stage{i + 1}' for i in indices) if indices is not None else ('stage4',)


@MODELS.register_module()
class FrozenSource(BaseModule):
    """A frozen network over any MMPose backbone that gives named taps of its features.

    Its weights and batch-norm statistics never change, ``train()`` leaves it in eval mode, no checkpoint of the
    target holds it and ``init_weights()`` does not touch it.

    A checkpoint's ``meta`` may name an ``embedding``, a module behind the fourth stage whose tensors are its
    ``embedding.*``; the classifier then stands on it, else on the pooled features. Where ``meta`` says ``resize``,
    images are brought to its ``input_size`` inside, and all taps are of that size.

    Symbols: B: batch, H, W: input size in pixels, d: encoder width, e: width of the embedding, C: source classes.

    Args:
        backbone: Config of an MMPose backbone.
        checkpoint: Path of a source checkpoint (see :func:`load_source_checkpoint`), or ``random`` for an untrained
            source (the control that tells knowledge from mere anchoring).
        mean: Normalisation of the source's own training, per RGB channel in 0..255; None takes the checkpoint's
            ``meta.normalisation``.
        std: As ``mean``.
        batch_norm: ``eval`` (default) uses the source's statistics; ``train`` those of the batch (an ablation), still
            without updating the running ones.
        num_classes: Classes of a ``random`` source's classifier; a checkpoint brings its own.
        seed: Seed of a ``random`` source's weights.
        input_size: Width and height that images are brought to inside; None does as ``meta`` says.
        logits: ``classifier``: of the checkpoint's classifier, if it has one. ``pooled``: the pooled features stand for
            class scores, so that L_CD compares how source and target share out their features; the classifier is then
            the identity (d, d), and the target's, a copy, is trained from there.

    Raises:
        SourceError: Missing or unfitting checkpoint.
    """

    def __init__(self, backbone: dict, checkpoint: str, mean=None, std=None, batch_norm: str = 'eval',
                 num_classes: int | None = None, seed: int = 0, input_size: tuple[int, int] | None = None,
                 logits: str = 'classifier') -> None:
        super().__init__()
        if logits not in LOGITS:
            raise SourceError(f'FrozenSource: logits={logits!r} is unknown. Choose one of: {", ".join(LOGITS)}.')
        if batch_norm not in ('eval', 'train'):
            raise SourceError(f"FrozenSource: batch_norm={batch_norm!r} is unknown. Choose 'eval' or 'train'.")
        self.batch_norm = batch_norm
        self.checkpoint = str(checkpoint)
        self.classifier: nn.Linear | None = None
        self.embedding: nn.Module | None = None
        # The source is built with a generator state of its own: the target's weights do not depend on it.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.backbone = MODELS.build({**backbone, 'init_cfg': None} if checkpoint != RANDOM else backbone)
            if checkpoint == RANDOM:
                self.backbone.init_weights()
                awaken(self.backbone)
                if num_classes:
                    width = output_channels(self.backbone)
                    self.classifier = nn.Linear(width, num_classes)
        meta = {} if checkpoint == RANDOM else self._load(load_source_checkpoint(checkpoint), backbone)
        self.scores_tap = 'pooled' if self.embedding is None or logits == 'pooled' else 'embedding'
        if logits == 'pooled':
            self.classifier = _identity(output_channels(self.backbone))
        if input_size is None and meta.get('resize'):
            input_size = meta.get('input_size')
        self.input_size = tuple(input_size) if input_size else None
        normalisation = meta.get('normalisation') or {}
        mean = mean if mean is not None else normalisation.get('mean', (123.675, 116.28, 103.53))
        std = std if std is not None else normalisation.get('std', (58.395, 57.12, 57.375))
        self.register_buffer('mean', torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1), persistent=False)
        self.register_buffer('std', torch.tensor(std, dtype=torch.float32).view(1, -1, 1, 1), persistent=False)
        self.requires_grad_(False)
        self.train(False)

    def _load(self, content: dict, config: dict) -> dict:
        state, meta = content['state_dict'], content.get('meta') or {}
        # Architectures can have the same shapes and compute different things (VGGFace2ResNet and ResNet).
        made_with, config = meta.get('arch') or {}, config.get('network', config)
        for key in ('type', 'depth'):
            if key in made_with and made_with[key] != config.get(key, made_with[key]):
                raise SourceError(f'{self.checkpoint}: was made with {key}={made_with[key]!r}, the config has '
                                  f'source.backbone.{key}={config[key]!r}. Set the one that the checkpoint has.')
        backbone = backbone_weights(state, self.backbone, self.checkpoint)
        self.backbone.load_state_dict(backbone)
        if meta.get('embedding') and stage_taps(self.backbone)[-1] == 'stage4':
            self.embedding = self._embedding(meta['embedding'], state)
        cut = bool(meta.get('embedding')) and self.embedding is None or _cut(self.backbone, made_with)
        if 'classifier.weight' in state and not cut:
            classes, width = state['classifier.weight'].shape
            given = self.embedding.width if self.embedding is not None else output_channels(self.backbone)
            if width != given and isinstance(self.backbone, Tapped) and self.embedding is None:
                # It is cut before its end, where the classifier stands.
                return meta
            if width != given:
                what = 'encoder' if self.embedding is None else 'embedding'
                raise SourceError(f'{self.checkpoint}: classifier.weight has shape {(classes, width)}, but the {what} '
                                  f'gives {given} channels.')
            with torch.random.fork_rng(devices=[]):
                self.classifier = nn.Linear(width, classes)
            self.classifier.load_state_dict({k[11:]: v for k, v in state.items() if k.startswith('classifier.')})
        return meta

    def _embedding(self, config: dict, state: dict[str, Tensor]) -> nn.Module:
        """What follows the last stage, with its weights."""
        if config not in [{'type': name} for name in EMBEDDINGS]:
            raise SourceError(f'{self.checkpoint}: meta.embedding={config!r} is unknown. Known are '
                              f'{", ".join(EMBEDDINGS)}: make the checkpoint with tools/convert_source.py.')
        with torch.random.fork_rng(devices=[]):
            module = MODELS.build(config)
        try:
            load_weights(module, {key[10:]: value for key, value in state.items() if key.startswith('embedding.')},
                         self.checkpoint)
        except CheckpointError:
            raise SourceError(f'{self.checkpoint}: its embedding.* are not the tensors of a {config["type"]}, which '
                              'meta.embedding names. Make the checkpoint with tools/convert_source.py.') from None
        return module

    @property
    def taps(self) -> tuple[str, ...]:
        """Names of the taps: the backbone's stages, ``pooled``, with an embedding or a classifier these too."""
        more = {'embedding': self.embedding, 'logits': self.classifier}
        return (*stage_taps(self.backbone), 'pooled', *(name for name, module in more.items() if module is not None))

    def init_weights(self) -> None:
        """Does nothing: the weights were loaded when the source was built."""

    def train(self, mode: bool = True) -> FrozenSource:
        """Keeps eval mode whatever ``mode`` says; batch norm follows ``batch_norm``."""
        nn.Module.train(self, False)
        for module in self.modules():
            module.training = False
            if isinstance(module, nn.modules.batchnorm._BatchNorm) and self.batch_norm == 'train':
                # Batch statistics, running ones untouched.
                module.training, module.track_running_stats = True, False
        return self

    def normalised(self, images: Tensor) -> Tensor:
        """RGB images (B, 3, H, W) in 0..255 as the backbone takes them: at ``input_size`` where there is one."""
        if self.input_size is not None:
            images = resized(images, self.input_size[::-1])
        return (images - self.mean) / self.std

    @torch.no_grad()
    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Computes the taps.

        Args:
            images: RGB images (B, 3, H, W) in 0..255.

        Returns:
            Per tap: ``stage*`` (B, channels, h, w), ``pooled`` (B, d), ``embedding`` (B, e), ``logits`` (B, C).
        """
        features = self.backbone(self.normalised(images))
        features = features if isinstance(features, (tuple, list)) else (features,)
        taps = dict(zip(stage_taps(self.backbone), features))
        taps['pooled'] = features[-1].mean(dim=(2, 3))
        if self.embedding is not None:
            taps['embedding'] = self.embedding(features[-1])
        if self.classifier is not None:
            taps['logits'] = self.classifier(taps[self.scores_tap])
        return taps


@torch.no_grad()
def awaken(backbone: nn.Module) -> None:
    """Gives an untrained network's batch norms the mean and variance of what they see of images of normal noise.

    A source is frozen, in evaluation mode. There a network of depthwise layers, as MMPose draws it, gives maps of 1e-6
    of what comes in and less (MobileNet v2, ShuffleNet v2): a control that could teach nothing. A ResNet stays as it is
    drawn.
    """
    norms = [module for module in backbone.modules()
             if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats]
    if not norms or isinstance(backbone, ResNet):
        return
    modes = [(module, module.training) for module in backbone.modules()]
    momenta = [(norm, norm.momentum) for norm in norms]
    for module, _ in modes:
        module.training = True
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        backbone(torch.randn(8, 3, 128, 128))
    for norm, momentum in momenta:
        norm.momentum = momentum
    for module, mode in modes:
        module.training = mode


def _identity(width: int) -> nn.Linear:
    """A classifier that gives its features as they are."""
    with torch.random.fork_rng(devices=[]):
        classifier = nn.Linear(width, width)
    nn.init.eye_(classifier.weight)
    nn.init.zeros_(classifier.bias)
    return classifier


def _cut(backbone: nn.Module, made_with: dict) -> bool:
    """Whether a network ends before the last tap that its checkpoint was made with, which has maybe as many channels.
    """
    taps = made_with.get('taps')
    return bool(taps) and isinstance(backbone, Tapped) and backbone.tap_modules[-1:] != tuple(taps)[-1:]


def tap_channels(backbone: nn.Module) -> dict[str, int]:
    """Channels of a backbone's stage taps, from a forward of a small blank image in eval mode."""
    was_training = backbone.training
    nn.Module.train(backbone, False)
    for module in backbone.modules():
        module.training = False
    with torch.no_grad():
        output = backbone(torch.zeros(1, 3, 64, 64))
    backbone.train(was_training)
    outputs = output if isinstance(output, (tuple, list)) else (output,)
    return {name: value.shape[1] for name, value in zip(stage_taps(backbone), outputs)}


def output_channels(backbone: nn.Module) -> int:
    """Channels of a backbone's last stage tap."""
    return tap_channels(backbone)[stage_taps(backbone)[-1]]
