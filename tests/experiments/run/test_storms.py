"""Storms of signals in any order to a command, its process group, its runs and the server that they are forked from."""

import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from benchmark.utils import signals
from benchmark.utils.signals import SIGNALS, Stop, held_back


@pytest.mark.slow
def test_after_a_storm_nothing_is_left_and_the_same_command_goes_on(tmp_path):
    done = subprocess.run([sys.executable, Path(__file__).parents[2] / 'helpers/dry_runner.py', tmp_path, '200', '0'],
                          capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert sum(found['storms'].values()) == 200 and found['suites'] > 20
    assert found['problems'] == []


@pytest.fixture
def as_before():
    """Puts back what a test does to this process' signals."""
    before = {name: signal.getsignal(name) for name in SIGNALS}
    yield
    for name, handler in before.items():
        signal.signal(name, handler)


def test_a_handler_may_come_within_any_step_of_whoever_sets_the_note(as_before):
    """While the note is set or looked at; no lock would bear it. Handlers only set attributes, or end the process."""
    stop, seen = Stop(), []

    def trace(frame, event, argument):
        if frame.f_code.co_filename == signals.__file__ and len(seen) < 50:
            seen.append(frame.f_code.co_name)
            os.kill(os.getpid(), signal.SIGTERM)
        return trace

    with stop.heard():
        sys.settrace(trace)
        try:
            stop.set()
            stop.is_set()
            stop.wait(0.01)
        finally:
            sys.settrace(None)
    assert stop.is_set() and {'set', 'is_set', 'wait'} <= set(seen)
    assert set(Stop._note.__code__.co_names) == {'asked', 'told'}
    assert set(Stop._note_or_end.__code__.co_names) == {'asked', 'defers', 'os', '_exit', 'PREEMPTED'}
    assert all(signal.getsignal(name) == signal.SIG_IGN for name in SIGNALS)


def test_who_was_not_told_hears_as_before_and_what_is_ignored_stays_so(as_before):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    before = [signal.getsignal(name) for name in SIGNALS]
    stop = Stop()
    with stop.heard():
        os.kill(os.getpid(), signal.SIGHUP)
        assert not stop.is_set() and signal.getsignal(signal.SIGTERM) == stop._note
        stop.set()
    assert [signal.getsignal(name) for name in SIGNALS] == before
    thread = threading.Thread(target=lambda: stop.heard().__enter__())
    thread.start()
    thread.join()
    assert [signal.getsignal(name) for name in SIGNALS] == before


@pytest.mark.parametrize(('code', 'end'), [
    ('os.kill(os.getpid(), SIGTERM)', signals.PREEMPTED),
    ('os.kill(os.getpid(), SIGUSR1); os.kill(os.getpid(), SIGINT)', signals.PREEMPTED),
    ('with stop.deferred(): [os.kill(os.getpid(), s) for s in (SIGTERM, SIGINT, SIGHUP)]; sys.exit(3 + stop.is_set())',
     4),
    ('with stop.deferred(): os.kill(os.getpid(), SIGTERM)\nos.kill(os.getpid(), SIGHUP)', signals.PREEMPTED)])
def test_a_run_ends_on_the_spot_or_where_it_keeps_its_state(code, end):
    begin = 'import os, sys\nfrom signal import *\nfrom benchmark.utils.signals import obey, stop\nobey()\n'
    done = subprocess.run([sys.executable, '-c', f'{begin}{code}\nsys.exit(9)'], cwd=Path(__file__).parents[3],
                          capture_output=True, text=True)
    assert done.returncode == end, done.stderr


def test_what_is_started_while_signals_are_held_back_gets_none():
    ask = 'import signal; print(sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])))'
    with held_back():
        inherited = subprocess.run([sys.executable, '-c', ask], capture_output=True, text=True).stdout
    assert inherited.strip() == str(sorted(SIGNALS))
    assert not set(SIGNALS) & signal.pthread_sigmask(signal.SIG_BLOCK, [])
