"""tools/setup_env.sh with a Python whose venv and pip only write down that they were called: nothing is installed."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / 'tools/setup_env.sh'
STUB = """#!/bin/sh
if [ "$1 $2" = '-m venv' ]; then
  echo "$*" >> {place}/calls
  for last; do :; done
  if [ "$3" = --clear ]; then rm -rf "$last"; fi
  mkdir -p "$last/bin"
  cp "$0" "$last/bin/python"
elif [ "$1 $2" = '-m pip' ]; then
  echo "pip begins" >> {place}/calls
  for last; do :; done
  case "$*" in *--editable*) echo "installs $last" >> {place}/calls ;; esac
  while [ -f {place}/hold ]; do sleep 0.05; done
  echo "pip ends" >> {place}/calls
elif [ "$1 $2" = '-m compileall' ]; then
  :
else
  exec {python} "$@"
fi
"""
LINK = ['pip begins', f'installs {ROOT}', 'pip ends']
PIP = ['pip begins', 'pip ends'] * 2 + LINK


class SetUp:
    """The script on an environment in a folder."""

    def __init__(self, place: Path) -> None:
        self.place, self.venv, self.hold = place, place / 'env', place / 'hold'
        python = place / 'python'
        python.write_text(STUB.format(place=place, python=sys.executable))
        python.chmod(0o755)
        self.env = os.environ | dict(CTD_PYTHON=str(python), CTD_VENV=str(self.venv), CTD_PIP_ARGS='')

    def start(self, script: Path = SCRIPT) -> subprocess.Popen:
        return subprocess.Popen([script], env=self.env, stderr=subprocess.PIPE, text=True, start_new_session=True)

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
    assert third.communicate(timeout=60)[1] == '' and third.returncode == 0 and len(setup.calls()) == 1 + len(PIP)


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


@pytest.fixture
def other(tmp_path):
    """A second checkout: what the script reads of one."""
    checkout = tmp_path / 'other'
    for name in ('tools/setup_env.sh', 'pyproject.toml', 'setup.py', *sorted(
            str(path.relative_to(ROOT)) for path in (ROOT / 'requirements').iterdir())):
        (checkout / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, checkout / name)
    return checkout


def test_a_second_checkout_leaves_the_package_of_the_first_and_takes_it_over_when_that_is_gone(setup, other):
    second = other / 'tools/setup_env.sh'
    assert setup.start(second).wait(timeout=60) == 0 and setup.calls()[-2] == f'installs {other}'
    made = len(setup.calls())
    assert setup.start().wait(timeout=60) == 0 and len(setup.calls()) == made
    (other / 'requirements/runtime.txt').write_text('numpy')  # Other pins: what is installed is still the second's.
    assert setup.start(second).wait(timeout=60) == 0
    assert setup.start().wait(timeout=60) == 0 and f'installs {ROOT}' not in setup.calls()
    other.rename(other.with_name('gone'))
    assert setup.start().wait(timeout=60) == 0 and setup.calls()[-3:] == LINK


def test_a_changed_command_is_installed_anew(setup, other):
    script = other / 'tools/setup_env.sh'
    assert setup.start(script).wait(timeout=60) == 0
    made = len(setup.calls())
    (other / 'pyproject.toml').write_text((ROOT / 'pyproject.toml').read_text() + '# changed\n')
    assert setup.start(script).wait(timeout=60) == 0
    assert setup.calls()[made:] == ['pip begins', f'installs {other}', 'pip ends']


@pytest.mark.parametrize('version', ['3.9.18', '3.15.0'])
def test_a_python_that_does_not_fit_is_named_with_its_version_and_why(setup, version):
    python = setup.place / 'old'
    python.write_text(f'#!/bin/sh\ncase "$*" in *python_version*) echo {version} ;; *) exit 1 ;; esac\n')
    python.chmod(0o755)
    setup.env['CTD_PYTHON'] = str(python)
    process = setup.start()
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 2 and said.count('\n') == 1 and not setup.calls()
    assert said.startswith(f'error: {python}') and f'is {version}, but' in said and 'Python 3.10 to 3.14' in said
    setup.env['CTD_PYTHON'] = str(setup.place / 'none')
    assert 'is not there' in setup.start().communicate(timeout=60)[1]


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
