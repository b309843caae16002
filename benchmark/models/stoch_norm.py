"""Stochastic normalisation (Kou, You, Long, Wang: *Stochastic Normalization*, NeurIPS 2020)."""

from __future__ import annotations

import torch
from mmpose.registry import MODELS
from torch import Tensor
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm


@MODELS.register_module()
class StochNorm(_BatchNorm):
    r"""Batch norm whose training normalises each channel by the batch's statistics or the moving ones, at random.

    .. math:: y_c = \gamma_c \frac{x_c - m_c}{\sqrt{v_c + \epsilon}} + \beta_c, \qquad
              (m_c, v_c) = s_c (\mu_c, \sigma_c^2) + (1 - s_c) (\tilde\mu_c, \tilde\sigma_c^2), \qquad
              s_c \sim \mathrm{Bernoulli}(p)

    The moving statistics are those of before the step; they are updated as in batch norm, for all channels. In
    evaluation it is batch norm. With p = 1 it is batch norm in training too, bit for bit. Parameters and buffers are
    those of batch norm, so that its weights load, and batch norm's hooks and options (``norm_eval``) apply.

    s is drawn once per layer and step, from torch's generator of the input's device.

    Symbols: B: batch, C: channels, H, W: height and width of the map; c: a channel; mu, sigma^2: mean and variance of
    the batch; mu~, sigma~^2: moving mean and variance; gamma, beta: the affine parameters.

    Args:
        num_features: C.
        p: Probability of the batch's statistics, in [0, 1].
        kwargs: The arguments of torch's batch norm.

    Raises:
        ValueError: p is outside of [0, 1]; ``track_running_stats=False``.
    """

    def __init__(self, num_features: int, p: float = 0.5, **kwargs) -> None:
        super().__init__(num_features, **kwargs)
        if not 0 <= p <= 1:
            raise ValueError(f'StochNorm: p={p} is no probability. Give norm_cfg.p in [0, 1].')
        if not self.track_running_stats:
            raise ValueError('StochNorm: track_running_stats=False leaves no moving statistics to choose. Remove it '
                             'from norm_cfg.')
        self.p = p

    def _check_input_dim(self, x: Tensor) -> None:
        if x.dim() != 4:
            raise ValueError(f'StochNorm: expected maps (B, C, H, W), got an input of shape {tuple(x.shape)}.')

    def forward(self, x: Tensor) -> Tensor:
        """Normalises maps (B, C, H, W); the output has the same shape."""
        if not self.training:
            return super().forward(x)
        self._check_input_dim(x)
        # Copies, as the gradient needs the statistics of before the update.
        by_moving = functional.batch_norm(x, self.running_mean.clone(), self.running_var.clone(), self.weight,
                                          self.bias, training=False, eps=self.eps)
        by_batch = super().forward(x)
        chosen = torch.rand(self.num_features, device=x.device) < self.p
        return torch.where(chosen.view(1, -1, 1, 1), by_batch, by_moving)

    def extra_repr(self) -> str:
        """torch's description, with p."""
        return f'{super().extra_repr()}, p={self.p}'
