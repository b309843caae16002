"""What a person sees while a suite runs."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from benchmark.experiments.plan.forecast import Forecast, duration
from benchmark.experiments.state.records import epochs, first_line


class Progress:
    """One bar for the suite, one for each running run; finished runs become plain lines above them.

    Args:
        mode: ``auto`` draws bars on a terminal and prints lines elsewhere; ``plain`` prints lines; ``none`` nothing.
        total: Number of runs.
        done: Runs whose results were there before.
        forecast: What is known of how long runs take; None shows no time left.
    """

    INTERVAL = 30.0

    def __init__(self, mode: str, total: int, done: int, forecast: Forecast | None = None) -> None:
        self.mode, self.forecast = mode, forecast
        self.total, self.count, self.before = total, done, done
        self.running: dict[str, tuple[Path, float]] = {}
        self.resumed: set[str] = set()
        self.spoken = time.time()
        live = mode == 'auto' and sys.stdout.isatty()
        self.bars = Bars(TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
                         console=Console(), refresh_per_second=4) if live else None
        self.tasks: dict[str, int] = {}

    def __enter__(self) -> Progress:
        if self.bars:
            self.bars.start()
            self.tasks[''] = self.bars.add_task('runs', total=self.total, completed=self.count)
        elif self.before:
            self._say(f'{self.before} of {self.total} runs were done before')
        return self

    def __exit__(self, *exception) -> None:
        if self.bars:
            self.bars.stop()

    def start(self, name: str, folder: Path) -> None:
        """A run begins."""
        self.running[name] = (folder, time.time())
        # Then its time says nothing of the others'.
        (self.resumed.add if epochs(folder) else self.resumed.discard)(name)
        if self.bars:
            self.tasks[name] = self.bars.add_task(f'  {name} epoch', total=None)

    def finish(self, name: str, record: dict, ok: bool) -> None:
        """A run has ended."""
        _, began = self.running.get(name, (None, None))
        self.drop(name)
        self.count += ok and name != 'source'
        if self.forecast:
            self.forecast.close(name, record.get('seconds') if ok and name not in self.resumed else None)
        if self.bars:
            self.bars.update(self.tasks[''], completed=self.count)
        if ok:
            value = (record.get('metrics') or {}).get('landmark/ME')
            result = f'ME {value:.3f} heatmap px' if value is not None else ''
            if name == 'source' and record['val_accuracy'] is None:
                result = 'random weights'
            elif name == 'source':
                result = f'accuracy {record["val_accuracy"]:.3f} over {record["classes"]} identities'
        else:
            result = f'FAILED: {_why(record)}'
        took = f'{time.time() - began:.0f} s' if began else 'by another worker'
        self._say(f'[{self.count}/{self.total}] {name}  {took}  {result}{self._left()}')

    def retry(self, name: str, record: dict, delay: float) -> None:
        """A run has had a transient failure; another attempt follows."""
        self.drop(name)
        self._say(f'[{self.count}/{self.total}] {name}  {_why(record)}; next attempt in {delay:.0f} s')

    def drop(self, name: str) -> None:
        """A run is no longer running here, without a result."""
        self.running.pop(name, None)
        if self.bars and name in self.tasks:
            self.bars.remove_task(self.tasks.pop(name))

    def note(self, text: str) -> None:
        """Something that a person should know."""
        self._say(text)

    def refresh(self) -> None:
        """Reads how far the running ones are; a plain line every half minute where there is no terminal."""
        if self.bars:
            for name, (folder, _) in self.running.items():
                if seen := epochs(folder):
                    self.bars.update(self.tasks[name], completed=seen[0], total=seen[1])
        elif self.running and time.time() - self.spoken > self.INTERVAL:
            parts = []
            for name, (folder, _) in self.running.items():
                seen = epochs(folder)
                parts.append(f'{name} epoch {seen[0]}/{seen[1]}' if seen else name)
            self._say(f'[{self.count}/{self.total}] running: {", ".join(parts)}')

    def _left(self) -> str:
        # One run says too little of other methods.
        if not self.forecast or self.forecast.seen < 2 or not self.forecast.open:
            return ''
        now = time.time()
        left = self.forecast.left({name: now - began for name, (_, began) in self.running.items()})
        return f'  (about {duration(left)} left)'

    def _say(self, line: str) -> None:
        self.spoken = time.time()
        if self.bars:
            self.bars.console.print(line, markup=False, highlight=False)
        elif self.mode != 'none':
            print(line, flush=True)


def _why(record: dict) -> str:
    error = record.get('error') or {}
    return f'{error.get("type")}: {first_line(error.get("message"))}'
