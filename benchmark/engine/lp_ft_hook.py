"""Linear probing, then fine-tuning (Kumar, Raghunathan, Jones, Ma, Liang 2022)."""

from __future__ import annotations

from mmengine.hooks import Hook
from mmengine.optim.scheduler.param_scheduler import PolyParamScheduler
from mmpose.registry import HOOKS
from torch import nn

from .training_state import schedulers
from .unwrap import unwrapped


@HOOKS.register_module()
class LPFTHook(Hook):
    r"""LP-FT: trains the head on a frozen encoder for the first share of the training, then everything.

    Kumar et al.: *Fine-Tuning can Distort Pretrained Features and Underperform Out-of-Distribution*, ICLR 2022.

    .. math:: t < T_s: \; \theta_h \leftarrow \theta_h - \eta_t\, u(\nabla_{\theta_h} L), \qquad
              t \ge T_s: \; \theta \leftarrow \theta - \eta_t\, u(\nabla_\theta L), \qquad T_s = \mathrm{round}(sT)

    Symbols: theta: all weights, theta_h: the head's; t: iteration from 0; T: iterations of the training; s: ``share``;
    eta_t: learning rate; u: the optimiser's step; L: the loss.

    While it is frozen the encoder is in eval mode, so that its batch norm neither follows nor learns the batch's
    statistics; afterwards its parameters and modes are what the config makes them. The phase follows from the
    iteration alone. Parameters without gradients have no state in Adam: the encoder's moments and step counts start
    at the switch, and its first step changes every weight by about the learning rate. The head's go on.

    With ``share=0`` this is FT, with ``share=1`` FE.

    Under DistributedDataParallel set ``find_unused_parameters=True`` in the config: the first phase uses few of them.

    Args:
        share: Part of the iterations with a frozen encoder, in [0, 1].
        restart: False (default) leaves one learning-rate schedule to both phases. True gives each phase a whole one:
            eta (1 - k / n)^power in the k-th of the phase's n iterations, from 0.

    Raises:
        ValueError: ``share`` is outside of [0, 1]; ``restart`` with a schedule that is not PolyLR per iteration.
    """

    def __init__(self, share: float = 0.5, restart: bool = False) -> None:
        if not 0 <= share <= 1:
            raise ValueError(f'{type(self).__name__}: share={share} is no part of a training. Give one in [0, 1].')
        self.share, self.restart = share, restart
        self.trained: list[nn.Parameter] = []
        self.frozen = False

    def switch(self, runner) -> int:
        """T_s: number of iterations with a frozen encoder."""
        return round(self.share * runner.max_iters)

    def before_train(self, runner) -> None:
        """Notes which parameters of the encoder are trained when it is not frozen."""
        self.trained = [p for p in _backbone(runner).parameters() if p.requires_grad]
        self.frozen = False
        for scheduler in schedulers(runner) if self.restart else ():
            if not isinstance(scheduler, PolyParamScheduler) or scheduler.by_epoch or scheduler.begin:
                raise ValueError(f'{type(self).__name__}: restart=True needs PolyLR per iteration in param_scheduler '
                                 f'(convert_to_iter_based=True, begin=0), not {type(scheduler).__name__}.')

    def before_train_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """Freezes or thaws the encoder where the iteration asks for it."""
        backbone, switch = _backbone(runner), self.switch(runner)
        if self.restart and runner.iter in (0, switch):
            self._begin_schedule(runner, switch if runner.iter < switch else runner.max_iters - switch)
        if self.frozen != (runner.iter < switch):
            self.frozen = not self.frozen
            for parameter in self.trained:
                parameter.requires_grad = not self.frozen
            backbone.train(not self.frozen)
            runner.logger.info(f'the encoder is {"frozen" if self.frozen else "trained"} from iteration {runner.iter}')
        elif self.frozen and backbone.training:
            # The loop puts the model in train mode at each epoch's start.
            backbone.eval()

    @staticmethod
    def _begin_schedule(runner, iterations: int) -> None:
        """Puts the learning rate back to its initial value, to decay over so many iterations."""
        for group in runner.optim_wrapper.param_groups:
            group['lr'] = group['initial_lr']
        for scheduler in schedulers(runner):
            scheduler.last_step, scheduler.total_iters = 0, iterations


def _backbone(runner) -> nn.Module:
    return unwrapped(runner.model).backbone
