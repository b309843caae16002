"""Interpolation of the weights before and after fine-tuning (Wortsman et al. 2022)."""

from __future__ import annotations

import torch
from mmpose.registry import HOOKS
from torch import Tensor

from .lp_ft_hook import LPFTHook
from .unwrap import unwrapped

Weights = dict[str, Tensor]


@HOOKS.register_module()
class WiseFTHook(LPFTHook):
    r"""WiSE-FT: tests a network whose weights lie between those before and those after fine-tuning.

    Wortsman et al.: *Robust Fine-Tuning of Zero-Shot Models*, CVPR 2022.

    .. math:: \theta_\alpha = (1 - \alpha)\, \theta_{T_s} + \alpha\, \theta_T

    Symbols: theta_t: weights after t iterations; T_s: the iteration at which LP-FT (see :class:`LPFTHook`) begins to
    fine-tune; T: iterations of the training; alpha: weight of the fine-tuned network.

    Both ends must be whole networks that solve the task. The original's zero-shot network has no counterpart in
    regression, so the one before fine-tuning is LP-FT's at its switch: the source's encoder with a head trained on it.

    The training itself is LP-FT's, bit for bit. Everything that looks at the network from outside sees theta_alpha:
    validations (with the present weights in place of theta_T), the test, and the ``state_dict`` of checkpoints. Before
    the switch that is the network itself. Checkpoints, and the states that a training resumes from, also hold both
    ends, under ``wise_ft``, so that another alpha needs no training.

    Batch-norm statistics are interpolated as the weights are, not measured anew; the counters of batches are those of
    the fine-tuned network.

    Args:
        share: As LPFTHook's, in (0, 1]; at 0 the head of the network before fine-tuning would be random.
        alpha: Weight of the fine-tuned network, in [0, 1].
        restart: As LPFTHook's.

    Raises:
        ValueError: ``share`` or ``alpha`` is outside of its bounds.
    """

    KEY = 'wise_ft'

    def __init__(self, share: float = 0.5, alpha: float = 0.5, restart: bool = False) -> None:
        super().__init__(share, restart)
        if share == 0:
            raise ValueError('WiseFTHook: share=0 leaves no trained network before fine-tuning. Give one in (0, 1].')
        if not 0 <= alpha <= 1:
            raise ValueError(f'WiseFTHook: alpha={alpha} is not between the two networks. Give one in [0, 1].')
        self.alpha = alpha
        self.before: Weights | None = None
        self.after: Weights | None = None

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """Keeps the weights at the switch."""
        if runner.iter == self.switch(runner):
            self.before = _copy(unwrapped(runner.model).state_dict())
        super().before_train_iter(runner, batch_idx, data_batch)

    def before_val_epoch(self, runner) -> None:
        """Puts the interpolated weights in place."""
        if self.before is not None:
            model = unwrapped(runner.model)
            self.after = _copy(model.state_dict())
            model.load_state_dict(interpolate(self.before, self.after, self.alpha))

    def after_val_epoch(self, runner, metrics: dict[str, float] | None = None) -> None:
        """Puts the training's weights back."""
        if self.after is not None:
            unwrapped(runner.model).load_state_dict(self.after)
            self.after = None

    before_test_epoch = before_val_epoch
    after_test_epoch = after_val_epoch

    def before_save_checkpoint(self, runner, checkpoint: dict) -> None:
        """Makes the interpolated weights the checkpoint's, and adds both ends."""
        if self.before is not None:
            after = checkpoint['state_dict']
            before = {key: value.to(after[key].device) for key, value in self.before.items()}
            checkpoint[self.KEY] = dict(before=before, after=after)
            checkpoint['state_dict'] = interpolate(before, after, self.alpha)

    def after_load_checkpoint(self, runner, checkpoint: dict) -> None:
        """Takes both ends from what the training resumes from; any other checkpoint is taken as it is."""
        ends = checkpoint.get(self.KEY) if runner._resume else None
        self.before = None
        if ends is not None:
            checkpoint['state_dict'] = ends['after']
            self.before = _copy(ends['before'])


def interpolate(before: Weights, after: Weights, alpha: float) -> Weights:
    """(1 - alpha) before + alpha after, for all tensors of floating point; the others are those of ``after``."""
    return {key: torch.lerp(before[key].to(value.device), value, alpha) if value.is_floating_point() else value
            for key, value in after.items()}


def _copy(state: Weights) -> Weights:
    return {key: value.detach().clone() for key, value in state.items()}
