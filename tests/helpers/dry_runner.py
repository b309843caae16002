"""Storms of signals on workers whose runs train nothing: ``dry_runner.py PLACE STORMS SEED`` prints what went wrong.

Worker, server and all that hears signals are the real ones; a run is a chain of digests, of which it keeps a state
after each step, as a training does. Each command goes on where the last storm has left it. Imported by runs' processes
too, so that the top of this file imports nothing heavy.
"""

import atexit
import collections
import contextlib
import hashlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmark.experiments.run.child import CLAIMED
from benchmark.experiments.state.locks import FolderLock, Locked, is_locked
from benchmark.experiments.state.records import State, status, write_record
from benchmark.numerics import NUMERICS
from benchmark.utils.files import atomic_path, file_digest, write_json
from benchmark.utils.signals import PREEMPTED, stop

LANES = 10
#: Seconds: of the workers' grace, that a stubborn run stands still for when it is told to stop, until all must have
#: ended after the grace on a machine that is busy with other things, and for a suite that nobody asked to stop.
GRACE, DEAF, LIMIT, PATIENCE = 0.5, 40.0, 30.0, 120.0
STORM = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
RUNS, STEPS = 6, 12


def link(value: str, step: int) -> str:
    return hashlib.sha256(f'{value} {step}'.encode()).hexdigest()


def train(kind: str, folder: str, entry: dict, options: dict) -> None:
    """A run: every step keeps its state; a stubborn one that is told to stop stands still instead, and then goes on."""
    place = Path(folder)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(FolderLock(place, patience=2.0))
        except Locked:
            sys.exit(CLAIMED)
        if status(place, entry['hash']).state is State.DONE:
            return
        (place / 'record.json').unlink(missing_ok=True)
        state = place / 'state-1.pth'
        step, value = json.loads(state.read_text()) if state.exists() else (0, entry['id'])
        with stop.deferred():
            while step < STEPS:
                time.sleep(0.02)
                step, value = step + 1, link(value, step)
                (place / 'state').write_text(json.dumps([step, value]))
                os.replace(place / 'state', state)
                if stop.is_set() and entry['id'] not in options['stubborn']:
                    sys.exit(PREEMPTED)
                if stop.is_set():
                    time.sleep(DEAF)
                    stop.clear()
        with atomic_path(place / 'predictions.parquet') as temporary:
            temporary.write_text(value)
        write_record(place, dict(entry, state='done', seconds=STEPS / 50,
                                 result_sha256=file_digest(place / 'predictions.parquet')))
        state.unlink()


def expected(name: str) -> str:
    value = name
    for step in range(STEPS):
        value = link(value, step)
    return value


def plan(out: Path) -> None:
    """A plan that workers can read."""
    runs = [dict(id=f'm/run{n}', method='m', condition='all', seed=n, hash=f'h{n}', folder=f'runs/m/run{n}', seeds={},
                 source_hash=None) for n in range(RUNS)]
    write_json(out / 'plan.json', dict(numerics=NUMERICS, runs=runs, data=dict(fingerprint=''),
                                       execution=dict(code={}, paths=[]),
                                       source=dict(path='', job=None, hash='')))


def command(out: Path, workers: int, stubborn: list[str]) -> int:
    """tools/work.py in a process group of its own; gives its id."""
    pid = os.fork()
    if pid:
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        return pid
    code = 1
    try:
        os.setpgid(0, 0)
        log = os.open(out / 'log', os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(log, 1)
        os.dup2(log, 2)
        from benchmark.experiments.commands import work
        from benchmark.experiments.run import pool

        class Dry(pool.Worker):
            preload = ('benchmark.experiments.run.child', 'benchmark.experiments.state.records')

            def __init__(self, *arguments) -> None:
                super().__init__(*arguments)
                self.perform = Performer(stubborn)

        pool.GRACE, work.Worker = GRACE, Dry
        code = work.main([str(out), '--workers', str(workers)])
        atexit._run_exitfuncs()
    finally:
        sys.stdout.flush()
        os._exit(code)


class Performer:
    """:func:`train` with what it must know beside its options."""

    def __init__(self, stubborn: list[str]) -> None:
        self.stubborn = stubborn

    def __call__(self, kind: str, folder: str, entry: dict, options: dict) -> None:
        train(kind, folder, entry, options | dict(stubborn=self.stubborn))


def group(pid: int) -> list[str]:
    """The processes of a group, zombies aside."""
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return []
    lines = subprocess.run(['ps', '-A', '-o', 'pid=,pgid=,stat=,args='], capture_output=True, text=True).stdout
    return [line for line in lines.splitlines() if line.split()[1] == str(pid) and not line.split()[2].startswith('Z')]


class Lane:
    """One storm after the other.

    Args:
        place: Its folder.
        seed: Of everything that is random.
    """

    def __init__(self, place: Path, seed: int) -> None:
        self.place, self.random = place, random.Random(seed)
        self.problems: list[str] = []
        self.counts: collections.Counter[str] = collections.Counter()
        self.suites, self.slowest = 0, 0.0
        self._new()

    def _new(self) -> None:
        self.suites += 1
        self.out = self.place / f'suite{self.suites}'
        self.out.mkdir(parents=True)
        plan(self.out)

    def storm(self) -> None:
        """Starts the command, sends a storm, and looks at what is left."""
        rng = self.random
        stubborn = [f'm/run{n}' for n in range(RUNS) if rng.random() < 0.1]
        pid = command(self.out, rng.choice((1, 2, 3)), stubborn)
        target = rng.choice(('group', 'group', 'coordinator', 'children', 'server killed', 'all'))
        time.sleep(rng.random() ** 2)
        sent = []
        for _ in range(rng.randint(1, 6)):
            one = rng.choice(('group', 'coordinator', 'children', 'server killed')) if target == 'all' else target
            number = signal.SIGKILL if one == 'server killed' else rng.choice(STORM)
            if self._send(one, number, pid):
                sent.append((one, number))
            time.sleep(rng.choice((0.0, 0.0, 0.001, 0.02, 0.2)))
        asked = any(one in ('group', 'coordinator') for one, _ in sent)
        self.counts[target] += 1
        self._settle(pid, asked, f'storm {sum(self.counts.values())} of {self.place.name}, {sent}')

    def _send(self, target: str, number: int, pid: int) -> bool:
        """Sends one signal; whether somebody got it."""
        victims = [pid]
        if target in ('children', 'server killed'):
            victims = []
            for lock in self.out.glob('runs/*/*/.lock'):
                with contextlib.suppress(OSError, ValueError):
                    if is_locked(lock.parent):
                        victims.append(json.loads(lock.read_text())['pid'])
        if target == 'server killed':
            parents = subprocess.run(['ps', '-o', 'ppid=', '-p', ','.join(map(str, victims or [0]))],
                                     capture_output=True, text=True).stdout.split()
            victims = [int(parent) for parent in set(parents) if int(parent) not in (1, pid, os.getpid())]
        hit = False
        for victim in victims:
            with contextlib.suppress(ProcessLookupError):
                # Only what belongs to the command: a process that has just ended may have left its number to another.
                if os.getpgid(victim) == pid:
                    (os.killpg if target == 'group' else os.kill)(victim, number)
                    hit = True
        return hit

    def _settle(self, pid: int, asked: bool, about: str) -> None:
        began = time.monotonic()
        limit = GRACE + LIMIT if asked else PATIENCE
        code = None
        while time.monotonic() - began < limit:
            if code is None:
                found, code_now = os.waitpid(pid, os.WNOHANG)
                code = os.waitstatus_to_exitcode(code_now) if found else None
            if code is not None and not group(pid):
                break
            time.sleep(0.05)
        else:
            self.problems.append(f'{about}: after {limit} s there are {group(pid)}, exit code {code}; {self._log()}')
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            if code is None:
                os.waitpid(pid, 0)
        if asked:
            self.slowest = max(self.slowest, time.monotonic() - began)
        from benchmark.experiments.commands.status import rows, summary
        from benchmark.experiments.state.tasks import read_work
        work = read_work(self.out)
        if not summary(rows(work)).startswith(f'{RUNS} runs: '):
            self.problems.append(f'{about}: --status cannot be read')
        for folder in (self.out, *(task.folder for task in work.runs)):
            if is_locked(folder):
                self.problems.append(f'{about}: {folder} is locked')
        states = [task.status().state for task in work.runs]
        if not asked and (code != 0 or set(states) != {State.DONE}):
            self.problems.append(f'{about}: nobody asked it to stop; exit code {code}, {states}, {self._log()}')
        if code == 0:
            self._compare(states, about)

    def _compare(self, states: list, about: str) -> None:
        """A suite that is done has the bytes of an undisturbed one."""
        for number in range(RUNS):
            path = self.out / f'runs/m/run{number}/predictions.parquet'
            if not path.exists() or path.read_text() != expected(f'm/run{number}'):
                self.problems.append(f'{about}: {path} is not what it should be, {states}')
        shutil.rmtree(self.out)
        self._new()

    def finish(self) -> None:
        """The same command, undisturbed."""
        self._settle(command(self.out, 3, []), False, f'the last command of {self.place.name}')

    def _log(self) -> str:
        return (self.out / 'log').read_text()[-2000:]


def weather(place: Path, storms: int, seed: int, answer) -> None:
    """A lane's storms."""
    lane = Lane(place, seed)
    try:
        for _ in range(storms):
            lane.storm()
        lane.finish()
    except Exception:
        lane.problems.append(traceback.format_exc())
    answer.put((lane.counts, lane.suites, lane.slowest, lane.problems))


def main(place: Path, storms: int, seed: int) -> None:
    """Prints a summary as JSON."""
    # Whoever started this may ignore some; then nobody would be asked to stop.
    for number in STORM:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    from benchmark.experiments.commands import status as overview  # noqa: F401  imported once, for all that are forked from here
    from benchmark.experiments.commands import work  # noqa: F401  (imported once, for all that are forked from here)
    fork = multiprocessing.get_context('fork')
    answer = fork.SimpleQueue()
    lanes = [fork.Process(target=weather, args=(place / f'lane{n}', len(range(n, storms, LANES)), seed + n, answer))
             for n in range(LANES)]
    for lane in lanes:
        lane.start()
    found = [answer.get() for _ in lanes]
    for lane in lanes:
        lane.join()
    print(json.dumps(dict(storms=dict(sum((one[0] for one in found), collections.Counter())),
                          suites=sum(one[1] for one in found), slowest=round(max(one[2] for one in found), 1),
                          problems=[problem for one in found for problem in one[3]]), indent=1))


if __name__ == '__main__':
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
