"""tools/setup_env.sh with a Python whose venv and pip only write down that they were called: nothing is installed."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / 'tools/setup_env.sh'
STUB = """#!/bin/sh
if [ "$1 $2" = '-m venv' ]; then
  echo "$*" >> {place}/calls
  for last; do :; done
  if [ "$3" = --clear ]; then rm -rf "$last"; fi
  mkdir -p "$last/bin"
  cp "$0" "$last/bin/python"
elif [ "$1 $2" = '-m pip' ]; then
  echo "pip begins" >> {place}/calls
  while [ -f {place}/hold ]; do sleep 0.05; done
  echo "pip ends" >> {place}/calls
elif [ "$1 $2" = '-m compileall' ]; then
  :
else
  exec {python} "$@"
fi
"""
PIP = ['pip begins', 'pip ends'] * 2


class SetUp:
    """The script on an environment in a folder."""

    def __init__(self, place: Path) -> None:
        self.place, self.venv, self.hold = place, place / 'env', place / 'hold'
        python = place / 'python'
        python.write_text(STUB.format(place=place, python=sys.executable))
        python.chmod(0o755)
        self.env = os.environ | dict(CTD_PYTHON=str(python), CTD_VENV=str(self.venv), CTD_PIP_ARGS='')

    def start(self) -> subprocess.Popen:
        return subprocess.Popen([SCRIPT], env=self.env, stderr=subprocess.PIPE, text=True, start_new_session=True)

    def calls(self) -> list[str]:
        path = self.place / 'calls'
        return path.read_text().splitlines() if path.exists() else []

    def until(self, what: str) -> None:
        end = time.monotonic() + 60
        while what not in self.calls():
            assert time.monotonic() < end, self.calls()
            time.sleep(0.02)


@pytest.fixture
def setup(tmp_path):
    return SetUp(tmp_path)


def test_two_set_ups_at_once_install_once_and_the_second_says_for_whom_it_waits(setup):
    setup.hold.touch()
    first = setup.start()
    setup.until('pip begins')
    second = setup.start()
    assert second.stderr.readline() == f'waiting for process {first.pid}, which sets up {setup.venv}\n'
    assert not (setup.venv / '.requirements').exists()
    setup.hold.unlink()
    assert first.communicate(timeout=60)[1].startswith(f'Setting up {setup.venv} with ')
    assert second.communicate(timeout=60)[1] == '' and (first.returncode, second.returncode) == (0, 0)
    assert setup.calls() == [f'-m venv {setup.venv}', *PIP]
    third = setup.start()
    assert third.communicate(timeout=60)[1] == '' and third.returncode == 0 and len(setup.calls()) == 5


def test_a_set_up_that_was_killed_is_made_anew_and_keeps_nobody_waiting(setup):
    setup.hold.touch()
    killed = setup.start()
    setup.until('pip begins')
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=60)
    assert not (setup.venv / '.requirements').exists()
    setup.hold.unlink()
    again = setup.start()
    assert again.communicate(timeout=60)[1].startswith('Setting up') and again.returncode == 0
    assert setup.calls() == [f'-m venv {setup.venv}', 'pip begins', f'-m venv --clear {setup.venv}', *PIP]


def test_an_environment_that_somebody_else_has_made_is_not_cleared(setup):
    (setup.venv / 'bin').mkdir(parents=True)
    (setup.venv / 'own').touch()
    assert setup.start().wait(timeout=60) == 0
    assert (setup.venv / 'own').exists() and setup.calls()[0] == f'-m venv {setup.venv}'


@pytest.mark.parametrize('name', ['SIGTERM', 'SIGINT', 'SIGHUP'])
def test_the_command_for_all_hands_on_the_wish_to_stop_and_waits(setup, name):
    assert setup.start().wait(timeout=60) == 0
    suite = ('import signal, sys, time\nfor s in (signal.SIGTERM, signal.SIGHUP): signal.signal(s, signal.SIG_IGN)\n'
             'signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.5), print("kept", flush=True), sys.exit(130)))\n'
             'print("up", flush=True)\ntime.sleep(60)\n')
    (setup.place / 'suite.py').write_text(suite)
    (setup.venv / 'bin/python').write_text(f'#!/bin/sh\nexec {sys.executable} {setup.place}/suite.py\n')
    process = subprocess.Popen([SCRIPT.with_name('run_all.sh'), 'smoke'], env=setup.env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, cwd=setup.place)
    assert process.stdout.readline() == 'up\n'
    for _ in range(2):
        process.send_signal(getattr(signal, name))
        time.sleep(0.1)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, 'kept\n'), err
