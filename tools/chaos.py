#!/usr/bin/env python3
"""Breaks a small suite again and again, lets it go on, and compares every byte with an undisturbed one.

Faults: the coordinator, a worker or a writer killed (kill -9) at a random moment, a polite stop (SIGTERM), a storm of
signals in any order to the coordinator, its process group or its workers, a random file cut short or changed, a second
coordinator on the same folder, and, where a small tmpfs can be mounted, a full disk. After each round of faults the
same command is typed until it is done. Exit code 0: nothing was lost and no byte differs.
"""

import argparse
import collections
import contextlib
import fnmatch
import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmark.bootstrap import use_environment  # noqa: E402

use_environment()

from benchmark.command_line import Parser
from benchmark.experiments.state.locks import is_locked
from benchmark.experiments.state.records import State, status
from benchmark.experiments.run.pool import GRACE

SUITE = f"""
_base_ = {str(ROOT / 'mmconfigs/suites/smoke.py')!r}
methods = dict(_delete_=True, ft={{}}, ctd_com={{}}, hg={{}})
data = dict(train=9, val=2, test=4)
source = dict(data=dict(identities=4, shots=4), epochs=2, batch_size=4)
seeds = 2
settings = dict(width=16, iterations=24, batch_size=3, decoder_channels=8, hourglass=dict(channels=8))
analysis = dict(proposed=None)
execution = dict(save_every=0, retries=3)
"""
KILLS = ('coordinator killed', 'worker killed', 'writer killed')
STORM = 'storm of signals'
FAULTS = (*KILLS, 'coordinator stopped', STORM, 'file cut short', 'file changed', 'second coordinator', 'disk full')
TYPED_AGAIN = 8
#: Seconds within which all processes have ended that somebody asked to stop: after the grace, on a busy machine.
STOPPED = GRACE + 30.0


class Chaos:
    """Rounds of faults on one small suite.

    Args:
        place: An empty folder for everything.
        seed: Of the faults' order, moments and places.
        disk: Whether the place is a small file system of its own, which may be filled.
        only: The faults to inject; None: all.
    """

    def __init__(self, place: Path, seed: int, disk: bool, only: list[str] | None = None) -> None:
        self.place, self.random = place, random.Random(seed)
        self.faults = [fault for fault in only or FAULTS if disk or fault != 'disk full']
        self.suite = place / 'small.py'
        self.suite.write_text(SUITE)
        self.counts: collections.Counter[str] = collections.Counter()
        self.problems: list[str] = []
        self.typed = self.again = 0
        self.coordinators: list[subprocess.Popen] = []

    def command(self, out: Path) -> subprocess.Popen:
        """Types the command."""
        self.typed += 1
        # Its words go beside the folder under attack, so that a full disk can't take them.
        with open(self.words, 'ab') as log:
            return subprocess.Popen([sys.executable, ROOT / 'tools/run_suite.py', self.suite, '--out', out / 'out',
                                     '--workers', '2', '--progress', 'plain'], stdout=log, stderr=log,
                                    start_new_session=True,
                                    env=os.environ | dict(CTD_CACHE=str(out / 'cache'), OMP_NUM_THREADS='1'))

    def undisturbed(self) -> None:
        """Runs the suite once in peace; what it gives is what all rounds are compared with."""
        self.words = self.place.parent / f'{self.place.name}.log'
        folder = self.place / 'peace'
        if self.command(folder).wait():
            raise RuntimeError(f'the undisturbed suite fails; see {self.words}')
        self.truth = results(folder)
        shutil.rmtree(folder)

    def round(self, number: int, faults: int) -> int:
        """Breaks the suite a few times, lets it end, compares.

        Returns:
            How many faults were injected.
        """
        folder = self.place / f'round{number}'
        folder.mkdir()
        self.coordinators = []
        self.done: dict[Path, str] = {}
        injected = 0
        for _ in range(faults):
            time.sleep(self.random.choice((0.1, 1.0, 3.0, 6.0)) * self.random.random())
            if not any(process.poll() is None for process in self.coordinators):
                self.coordinators = [self.command(folder)]
                time.sleep(self.random.uniform(2.0, 9.0))
            self._remember(folder)
            fault = self.random.choice(self.faults)
            if self.inject(fault, folder):
                self.counts[fault] += 1
                injected += 1
        self._settle(folder, number)
        return injected

    def inject(self, fault: str, folder: Path) -> bool:
        """One fault; whether there was something to break."""
        alive = [process for process in self.coordinators if process.poll() is None]
        if fault in ('coordinator killed', 'coordinator stopped'):
            if not alive:
                return False
            victim = self.random.choice(alive)
            victim.send_signal(signal.SIGKILL if fault.endswith('killed') else signal.SIGTERM)
            victim.wait()
            return True
        if fault == 'second coordinator':
            self.coordinators.append(self.command(folder))
            return True
        if fault == STORM:
            return bool(alive) and self._storm(self.random.choice(alive), folder)
        if fault == 'worker killed':
            return kill(self.random.choice([None, *locked(folder)]))
        if fault == 'writer killed':
            end = time.monotonic() + 4.0
            while time.monotonic() < end:
                if writing := [p.parent for p in files(folder, '.*.tmp')]:
                    return kill(writing[0])
            return False
        if fault == 'disk full':
            ballast = folder / 'ballast'
            try:
                with open(ballast, 'wb') as file:
                    while True:
                        file.write(bytes(1 << 20))
                        file.flush()
            except OSError:
                pass
            time.sleep(self.random.uniform(0.5, 3.0))
            ballast.unlink()
            return True
        return self._damage(folder, fault)

    def _storm(self, victim: subprocess.Popen, folder: Path) -> bool:
        """Some signals within half a second; who is asked to stop must end with all that it has started."""
        target = self.random.choice(('group', 'coordinator', 'workers'))
        for _ in range(self.random.randint(2, 6)):
            number = self.random.choice((signal.SIGTERM, signal.SIGINT, signal.SIGHUP))
            with contextlib.suppress(ProcessLookupError):
                if target == 'group':
                    os.killpg(victim.pid, number)
                elif target == 'coordinator':
                    victim.send_signal(number)
                else:
                    for place in locked(folder):
                        kill(place, number)
            time.sleep(self.random.choice((0.0, 0.001, 0.05, 0.2)))
        if target == 'workers':
            return True
        end = time.monotonic() + STOPPED
        while victim.poll() is None or group(victim.pid):
            if time.monotonic() > end:
                self.problems.append(f'a storm at the {target} has left {group(victim.pid)}')
                os.killpg(victim.pid, signal.SIGKILL)
                victim.wait()
                break
            time.sleep(0.1)
        if left := locked(folder):
            if not any(process.poll() is None for process in self.coordinators):
                self.problems.append(f'a storm at the {target} has left locks: {left}')
        asked = subprocess.run([sys.executable, ROOT / 'tools/run_suite.py', self.suite, '--out', folder / 'out',
                                '--status'], capture_output=True, text=True)
        if (folder / 'out/plan.json').exists() and asked.returncode:
            self.problems.append(f'--status after a storm at the {target}: {asked.stderr}')
        return True

    def _damage(self, folder: Path, fault: str) -> bool:
        there = [p for p in files(folder) if p.is_file() and 'set_aside' not in p.parts and p.suffix != '.tmp']
        try:
            path = self.random.choice(there)
            content = bytearray(path.read_bytes())
            if fault == 'file cut short':
                os.truncate(path, self.random.randrange(len(content)))
            else:
                where = self.random.randrange(len(content))
                with open(path, 'r+b') as file:
                    file.seek(where)
                    file.write(bytes([content[where] ^ (1 + self.random.randrange(255))]))
        except (OSError, IndexError, ValueError):
            return False
        self.done = {run: started for run, started in self.done.items() if run not in path.parents}
        return True

    def _remember(self, folder: Path) -> None:
        """Notes which runs are done: unless their files are damaged, they must not be done again."""
        for path in files(folder / 'out/runs', 'record.json'):
            try:
                record = json.loads(path.read_text())
            except (OSError, ValueError):
                continue
            if status(path.parent, record.get('hash')).state is State.DONE:
                self.done.setdefault(path.parent, record['started'])

    def _settle(self, folder: Path, number: int) -> None:
        for process in self.coordinators:
            process.wait()
        for _ in range(TYPED_AGAIN):
            if self.command(folder).wait() == 0:
                break
            self.again += 1
        else:
            self.problems.append(f'round {number}: not done after typing the command {TYPED_AGAIN} times')
        found = results(folder)
        for name in sorted(set(self.truth) | set(found)):
            if self.truth.get(name) != found.get(name):
                self.problems.append(f'round {number}: {name} {"differs" if name in found else "is lost"}')
        for run, started in self.done.items():
            if json.loads((run / 'record.json').read_text())['started'] != started:
                self.problems.append(f'round {number}: {run.name} was done twice')
        if self.problems:
            shutil.copytree(folder, self.place.parent / f'{self.place.name}-round{number}', dirs_exist_ok=True)
        shutil.rmtree(folder)


def files(folder: Path, pattern: str = '*') -> list[Path]:
    """The files below a folder whose names fit; what goes while they are listed is left out."""
    return [Path(place) / name for place, _, names in os.walk(folder) for name in fnmatch.filter(names, pattern)]


def results(folder: Path) -> dict[str, str]:
    """Digests of the predictions, the results table and the source."""
    found = [*folder.glob('out/runs/*/*/predictions.parquet'), *folder.glob('out/runs/*/*/history.json'),
             *folder.glob('out/runs/*/*/heatmaps.npz'), *folder.glob('out/runs/*/*/decodings.json'),
             *folder.glob('out/runs/*/*/validation.json'),
             *folder.glob('out/results.parquet'), *folder.glob('cache/sources/*/source.pth')]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in found}


def locked(folder: Path) -> list[Path]:
    """Folders of runs that somebody is on."""
    locks = [*files(folder / 'out/runs', '.lock'), *files(folder / 'cache/sources', '.lock')]
    return [lock.parent for lock in locks if is_locked(lock.parent)]


def group(number: int) -> list[str]:
    """The processes of a group, but for those that have ended and are not waited for."""
    lines = subprocess.run(['ps', '-A', '-o', 'pgid=,stat=,args='], capture_output=True, text=True).stdout.splitlines()
    return [line for line in lines if line.split()[0] == str(number) and not line.split()[1].startswith('Z')]


def kill(place: Path | None, number: int = signal.SIGKILL) -> bool:
    """Sends a signal to the process that holds a folder's lock; to kill is one."""
    try:
        os.kill(json.loads((place / '.lock').read_text())['pid'], number)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True


def mounted(place: Path, mebibytes: int) -> bool:
    """Mounts a small tmpfs, where that is allowed."""
    try:
        return subprocess.run(['mount', '-t', 'tmpfs', '-o', f'size={mebibytes}m', 'tmpfs', str(place)],
                              capture_output=True).returncode == 0
    except OSError:
        return False


def main() -> int:
    """Injects faults until there are enough; exit code 1 where something was lost or differs."""
    parser = Parser(prog='tools/chaos.py', description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--faults', type=int, default=200, help='how many to inject (default: 200)')
    parser.add_argument('--per-round', type=int, default=8, help='faults between two comparisons (default: 8)')
    parser.add_argument('--seed', type=int, default=0, help="of the faults' order, moments and places")
    parser.add_argument('--only', choices=FAULTS, action='append', metavar='FAULT',
                        help=f'inject this kind alone; may be given again. Kinds: {", ".join(FAULTS)}')
    parser.add_argument('--json', type=Path, help='write the counts to this file')
    args = parser.parse_args()
    if args.faults < 1 or args.per_round < 1:
        parser.error('--faults and --per-round: give 1 or more.')
    began = time.time()
    place = Path(tempfile.mkdtemp(prefix='chaos-'))
    disk = mounted(place, 192)
    chaos = Chaos(place, args.seed, disk, args.only)
    try:
        chaos.undisturbed()
        total = number = 0
        while total < args.faults:
            number += 1
            total += chaos.round(number, min(args.per_round, args.faults - total))
            print(f'round {number}: {total} faults, {len(chaos.problems)} problems', flush=True)
    finally:
        for process in chaos.coordinators:
            process.terminate()
        if disk:
            subprocess.run(['umount', '-l', str(place)], check=False)
        shutil.rmtree(place, ignore_errors=True)
    summary = dict(faults=dict(sorted(chaos.counts.items())), total=total, rounds=number, commands=chaos.typed,
                   typed_again_after_an_error=chaos.again, problems=chaos.problems, seconds=round(time.time() - began),
                   full_disk='tried' if disk else 'not tried: no tmpfs could be mounted here')
    print(json.dumps(summary, indent=1))
    if args.json:
        args.json.write_text(json.dumps(summary, indent=1) + '\n')
    return 1 if chaos.problems else 0


if __name__ == '__main__':
    sys.exit(main())
