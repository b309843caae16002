"""Tests a network with the moving average of its weights."""

from __future__ import annotations

from mmengine.hooks import EMAHook
from mmpose.registry import HOOKS

from .unwrap import unwrapped


@HOOKS.register_module()
class AveragedWeightsHook(EMAHook):
    r"""MMEngine's EMAHook for a program that tests in the process that has trained.

    .. math:: \bar\theta_0 = \theta_1, \qquad \bar\theta_t = (1 - m_t) \bar\theta_{t-1} + m_t \theta_{t+1}

    Symbols: theta_t: weights after t steps; m_t: ``momentum``, with ``MomentumAnnealingEMA`` the larger one of it and
    gamma / (gamma + t), so that the average covers a like share of short trainings.

    MMEngine's hook starts a new average whenever a runner begins something: ``runner.train()`` and then
    ``runner.test()`` would test the last weights. This one keeps the average for as long as the model is the same. The
    rest is as there: validations, tests and the ``state_dict`` of checkpoints have the average, the training goes on
    with its own weights, and both are in what an interrupted training resumes from.

    With ``update_buffers=True`` the batch-norm statistics are averaged with the weights that they belong to; otherwise
    the average would be tested with the statistics of the last weights.

    Args:
        kwargs: EMAHook's arguments.
    """

    def before_run(self, runner) -> None:
        """Starts an average, once per model."""
        model = unwrapped(runner.model)
        if getattr(self, 'src_model', None) is not model:
            super().before_run(runner)
