"""DELTA: feature maps stay near the source's, in the channels that the new task needs."""

from __future__ import annotations

import copy

import torch
from mmpose.registry import MODELS
from torch import Tensor, nn

from ..backbones.tapped import residual_stages
from ..source import SourceError, tap_channels
from .base import STAGES, TransferContext, TransferLoss
from .channel_attention import fit_decoder, increases
from .parameters import decoder_parameters, squared_norm


@MODELS.register_module()
class DeltaLoss(TransferLoss):
    r"""Distance of feature maps weighted by channel, and weight decay of the decoder (DELTA; Li et al.: ICLR 2019).

    .. math:: \Omega = \alpha \sum_l \frac{C_l}{2 B h_l w_l} \sum_i \sum_c W_{lc}
        \lVert u^t_{ilc} - u^s_{ilc} \rVert_2^2
        + \frac{\beta}{2} \lVert w_{\bar S} \rVert_2^2, \quad W_l = \mathrm{softmax}(\hat\Delta_l / T)

    Before the training a copy of the decoder is fitted on the frozen source's features. Delta of a channel is by how
    much the heatmap loss then grows without this channel, averaged over training images. A heatmap loss is small, and
    so are its changes: Delta hat is Delta with mean 0 and standard deviation 1 over a stage's channels. The authors'
    code does the same, with T = 5.

    Symbols: B: batch, l: stages, c: channels, C_l of them, u: a channel's map (h, w), W: attention, w_not S:
    parameters of the decoder.

    Args:
        weight: Factor of the whole penalty.
        alpha: Pull of the feature maps to the source's.
        beta: Weight decay of the decoder.
        stages: The stages that are compared.
        temperature: T.
        reduction: ``mean`` over a map's places, times half the number of channels (the authors' code, but for its sum
            over the batch), or ``sum``: the printed equation.
        images: Number of training images on which channels are knocked out.
        fit_steps: Steps of Adam in which the decoder is fitted.
        fit_rate: Their learning rate.

    Raises:
        ValueError: A value out of its range, no stage, an unknown reduction.
    """

    def __init__(self, weight: float = 1.0, alpha: float = 0.01, beta: float = 0.01, stages: tuple[str, ...] = STAGES,
                 temperature: float = 5.0, reduction: str = 'mean', images: int = 16, fit_steps: int = 100,
                 fit_rate: float = 1e-3) -> None:
        super().__init__(weight)
        if alpha < 0 or beta < 0 or fit_steps < 0:
            raise ValueError(f'DeltaLoss: alpha={alpha}, beta={beta}, fit_steps={fit_steps}: give 0 or more.')
        if not (temperature > 0 and fit_rate > 0 and images >= 1):
            raise ValueError(f'DeltaLoss: temperature={temperature}, fit_rate={fit_rate}, images={images}: must be '
                             'above 0.')
        if reduction not in ('mean', 'sum'):
            raise ValueError(f"DeltaLoss: reduction={reduction!r} is unknown. Choose 'mean' or 'sum'.")
        self.alpha, self.beta, self.temperature = float(alpha), float(beta), float(temperature)
        self.reduction = reduction
        self.prepare_images, self.fit_steps, self.fit_rate = int(images), int(fit_steps), float(fit_rate)
        self.source_taps = self.target_taps = self.checked_stages(stages)

    def attach(self, source: nn.Module, target: nn.Module) -> None:
        """Makes room for the attention: a buffer per stage, 0 until it is measured.

        Raises:
            SourceError: The source's backbone has no stages that can be run one by one.
        """
        if not residual_stages(source):
            raise SourceError(f'DeltaLoss: channels can be knocked out of a ResNet only, not of a '
                              f'{type(source).__name__}. Use a ResNet for source.backbone.')
        channels = tap_channels(source)
        for stage in self.target_taps:
            self.register_buffer(f'attention_{stage}', torch.zeros(channels[stage]))

    def attention(self, stage: str) -> Tensor:
        """W of a stage's channels; they add up to 1."""
        return self.get_buffer(f'attention_{stage}')

    @property
    def prepared(self) -> bool:
        """Whether the attention is measured."""
        return all(bool(self.attention(stage).any()) for stage in self.target_taps)

    def prepare(self, estimator: nn.Module, batches: list[dict]) -> None:
        """Measures the attention with a copy of the decoder; see :meth:`TransferLoss.prepare`."""
        data = [estimator.data_preprocessor(batch, False) for batch in batches]
        data = [(estimator.denormalise(one['inputs']), one['data_samples']) for one in data]
        head = copy.deepcopy(estimator.head)
        fit_decoder(estimator.source, head, data, self.fit_steps, self.fit_rate)
        for stage in self.target_taps:
            change = increases(estimator.source, head, data, stage)
            spread = change.std(correction=0).clamp(min=torch.finfo(change.dtype).tiny)
            self.attention(stage).copy_(((change - change.mean()) / spread / self.temperature).softmax(dim=0))

    def forward(self, context: TransferContext) -> Tensor:
        """See the class.

        Raises:
            SourceError: The attention was not measured.
        """
        if context.progress == 0 and not self.prepared:
            raise SourceError('DeltaLoss: no channel attention was measured. Add dict(type=\'TransferHook\') to '
                              'custom_hooks, or call prepare().')
        value = context.target_module.head.final_layer.weight.new_zeros(())
        for stage in self.target_taps:
            squared = (context.target[stage] - context.source[stage]).square()
            # The mean over places goes with the authors' factor of channels / 2.
            distances = squared.mean(dim=(2, 3)) * squared.shape[1] / 2 if self.reduction == 'mean' else squared.sum(
                dim=(2, 3))
            value = value + (distances * self.attention(stage)).sum(dim=1).mean()
        return self.alpha * value + self.beta / 2 * squared_norm(decoder_parameters(context.target_module.head))
