"""How long the rest of a plan takes: what is known of each method's runs, and of others by what they compute."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Iterable, Mapping

from benchmark.experiments.state.records import read_record
from benchmark.experiments.state.tasks import Task, Work

#: Time of a step beside one that trains everything, by the number of stages that are frozen (docs/performance.md).
FROZEN = {3: 0.55, 4: 0.4}
#: Beside a ResNet's, of a stacked hourglass of two stacks, both as wide as the suites here have them.
HOURGLASS = 0.8


def cost(config: Mapping, images: int) -> float:
    """What a run takes beside others of its suite: images seen, times millions of pixels, times a step's share.

    Args:
        config: Its config.
        images: Number of training images there are.
    """
    data, backbone = config['train_dataloader']['dataset'], config['model'].get('backbone') or {}
    seen = min(data.get('num_labels') or images, images) * config['train_cfg'].get('max_epochs', 1)
    width, height = data.get('input_size', (256, 256))
    # Of an encoder of fewer or more stages than a ResNet's four those count that are trained.
    trained = len(backbone.get('taps') or range(4)) - (backbone.get('frozen_stages') or 0)
    share = HOURGLASS if backbone.get('type') == 'StackedHourglass' else FROZEN.get(4 - trained, 1.0)
    return seen * width * height / 1e6 * share


class Forecast:
    """Seconds that runs take, and all that are left.

    A run of a method that has been seen takes as long per cost as that method's median; another one as long as the
    median of the methods that have been.

    Args:
        tasks: The runs, in the order in which they are done.
        places: How many at the same time.
    """

    def __init__(self, tasks: Iterable[Task], places: int) -> None:
        self.tasks = {task.id: task for task in tasks}
        self.places = places
        self.open = dict.fromkeys(self.tasks)
        self.rates: dict[str, list[float]] = {}

    @classmethod
    def of(cls, work: Work, places: int, retry_failed: bool = False) -> Forecast:
        """Of a plan, with what earlier runs have taken."""
        result = cls(work.runs, places)
        for task in work.runs:
            try:
                record = read_record(task.folder) or {}
            except ValueError:
                continue
            if record.get('hash') != task.hash:
                continue
            if record.get('state') == 'done':
                result.close(task.id, record.get('seconds'))
            elif not retry_failed and not (record.get('error') or {}).get('may_pass'):
                result.close(task.id)
        return result

    def close(self, name: str, seconds: float | None = None) -> None:
        """A run has ended; with the seconds that it took, where they say something of others."""
        self.open.pop(name, None)
        if seconds and (task := self.tasks.get(name)) is not None:
            self.rates.setdefault(task.entry.get('method'), []).append(seconds / task.cost)

    @property
    def seen(self) -> int:
        """Number of runs of which it is known what they took."""
        return sum(map(len, self.rates.values()))

    def seconds(self, name: str) -> float | None:
        """What a run takes; None where nothing is known."""
        return self._whole([name])[name] if self.rates else None

    def _whole(self, names: Iterable[str]) -> dict[str, float]:
        """What runs take, where something is known."""
        medians = {method: statistics.median(found) for method, found in self.rates.items()}
        other = statistics.median(medians.values())
        tasks = {name: self.tasks[name] for name in names}
        return {name: task.cost * medians.get(task.entry.get('method'), other) for name, task in tasks.items()}

    def left(self, running: Mapping[str, float]) -> float | None:
        """Seconds until all runs have ended, each place taking the next one when it is free; None if nothing is known.

        Args:
            running: What is running, and for how many seconds.
        """
        if not self.rates:
            return None
        whole = self._whole(self.open)
        # One that is over its time will end soon.
        ends = [max(whole[name] / 10, whole[name] - since) for name, since in running.items() if name in self.open]
        ends += [0.0] * (self.places - len(ends))
        heapq.heapify(ends)
        for name in self.open:
            if name not in running:
                heapq.heapreplace(ends, ends[0] + whole[name])
        return max(ends)


def duration(seconds: float | None) -> str:
    """Seconds in words."""
    if seconds is None:
        return ''
    return f'{seconds:.0f} s' if seconds < 90 else f'{seconds / 60:.0f} min' if seconds < 5400 else \
        f'{seconds / 3600:.1f} h'
