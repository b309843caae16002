"""A training loop that can be stopped anywhere and goes on from there."""

from __future__ import annotations

import time
from pathlib import Path

from mmengine.dist import get_world_size
from mmengine.runner import EpochBasedTrainLoop
from mmpose.registry import LOOPS

from benchmark.utils.signals import stop as _stop

from . import training_state
from .feature_cache_hook import FeatureCacheHook
from .graphed_step import DeferredLosses, GraphedStep
from .hooks import FiniteLossHook


class Preempted(BaseException):
    """The run was asked to stop; its state is on the disk."""


def request_stop() -> bool:
    """Asks the training of this process to keep its state and to stop after the present iteration.

    Returns:
        Whether there is a training that will; otherwise nothing would come of the request.
    """
    _stop.set()
    return _stop.defers


def stopping() -> bool:
    """Whether this process was asked to stop."""
    return _stop.is_set()


@LOOPS.register_module()
class ResumableTrainLoop(EpochBasedTrainLoop):
    """MMEngine's loop over epochs, which keeps the training's whole state in the work folder now and then.

    With ``save_every`` it starts from the state that it finds there, in the middle of an epoch too: the batches that
    were done are passed over and the random number generators put back, so that on a CPU the result is that of an
    undisturbed training, bit for bit. Runs of several processes (torchrun) keep no states: they resume from MMEngine's
    checkpoints.

    Args:
        runner: The runner.
        dataloader: The training data, or its config.
        max_epochs: Number of epochs.
        val_begin: First epoch with a validation.
        val_interval: Epochs between validations.
        dynamic_intervals: As in MMEngine.
        save_every: Seconds between two states; None keeps none.
        recorded: Runs steps as captured CUDA graphs (see :class:`GraphedStep`), reading losses every ``read_every``
            steps, so that nothing waits for the GPU in between; hooks see ``outputs`` only then, the last step's. The
            log holds every step's losses. Without a CUDA device, steps run one by one.
        read_every: Steps between two readings; a suite's runs take the logger's interval.
    """

    def __init__(self, runner, dataloader, max_epochs: int, val_begin: int = 1, val_interval: int = 1,
                 dynamic_intervals=None, save_every: float | None = None, recorded: bool = False,
                 read_every: int = 10) -> None:
        super().__init__(runner, dataloader, max_epochs, val_begin, val_interval, dynamic_intervals)
        self.save_every = save_every if get_world_size() == 1 else None
        self.folder = Path(runner.work_dir)
        self.saved = time.monotonic()
        self.fresh = True
        self.recorded, self.read_every = recorded, read_every
        self.step: GraphedStep | None = None
        self.deferred = DeferredLosses()

    def run_epoch(self) -> None:
        """Runs an epoch, or what is left of it."""
        with _stop.deferred():
            self._run_epoch()

    def _run_epoch(self) -> None:
        state = self._resume() if self.fresh else None
        self.fresh = False
        done = state['batches'] if state else 0
        self.runner.call_hook('before_train_epoch')
        self.runner.model.train()
        batches = iter(self.dataloader)
        for _ in range(done):
            next(batches)
        if state:
            training_state.set_random_states(state['random'])
        for index, batch in enumerate(batches, start=done):
            self.run_iter(index, batch)
            self._keep(index + 1)
        self.runner.call_hook('after_train_epoch')
        self._epoch += 1

    def run_iter(self, idx: int, data_batch: dict) -> None:
        """Runs a step; the hooks after it see its losses where they are read."""
        if not self.recorded:
            super().run_iter(idx, data_batch)
            return
        self.runner.call_hook('before_train_iter', batch_idx=idx, data_batch=data_batch)
        self.step = self.step or self.make_step()
        self.deferred.add(self.step(data_batch))
        outputs = None
        if (idx + 1) % self.read_every == 0 or idx + 1 == len(self.dataloader):
            *earlier, outputs = self.deferred.read()
            self._log(earlier, self._iter - len(earlier))
        self.runner.call_hook('after_train_iter', batch_idx=idx, data_batch=data_batch, outputs=outputs)
        self._iter += 1

    def make_step(self) -> GraphedStep:
        """The step of this training, once its hooks have prepared the model."""
        cached = [outputs for hook in self.runner.hooks if isinstance(hook, FeatureCacheHook)
                  for outputs in hook.outputs]
        return GraphedStep(self.runner.model, self.runner.optim_wrapper, cached, say=self.runner.logger.info)

    def _log(self, losses: list[dict], first: int) -> None:
        """Does with earlier steps' losses what the hooks do with the last one's."""
        for number, values in enumerate(losses, start=first):
            for name, value in values.items():
                self.runner.message_hub.update_scalar(f'train/{name}', value)
            for hook in self.runner.hooks:
                if isinstance(hook, FiniteLossHook):
                    hook.check(float(values['loss']), self._epoch, number)

    def _resume(self) -> dict | None:
        state = training_state.load(self.folder) if self.save_every is not None else None
        if state:
            training_state.restore(self.runner, state)
            self._epoch, self._iter = state['epoch'], state['iter']
            self.runner.optim_wrapper.initialize_count_status(self.runner.model, self._iter, self._max_iters)
            self.runner.logger.info(f'resumes from epoch {self._epoch + 1}, iteration {self._iter}')
        return state

    def _keep(self, batches: int) -> None:
        stop = _stop.is_set()
        if self.save_every is not None and (stop or time.monotonic() - self.saved >= self.save_every) \
                and self.runner.optim_wrapper.should_update():
            unread = self.deferred.read()
            self._log(unread, self._iter - len(unread))
            try:
                training_state.save(self.folder, training_state.capture(self.runner, batches))
            except OSError as error:
                # The training needs no state; one that goes on is worth more than one that ends with its disk.
                self.runner.logger.warning(f'the state could not be saved ({error}); the training continues without it')
            self.saved = time.monotonic()
        if stop:
            raise Preempted
