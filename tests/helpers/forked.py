"""Commands as users type them, forked from one server that has imported the stack: most of a short command is imports.

:func:`command` and :func:`start` stand for ``subprocess.run`` and ``subprocess.Popen`` of ``[sys.executable, *argv]``:
the tool's own file runs as ``__main__``, in a process with the arguments, environment, folder and pipes that it is
given. What it would start ``multiprocessing``'s forkserver from is replaced in the same way: a process forked before
the tool has begun takes the place of a new interpreter, so that all else (who is whose parent, who hears which signal,
which files are inherited) is as it is for users. What differs: all commands share one seed of ``hash``, and a tool
finds the heavy packages imported already. Tests of that, and at least one of each tool, start real processes.
"""

from __future__ import annotations

import atexit
import ctypes
import fcntl
import functools
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
#: What the server imports: the server of runs' processes, and what the tools import on their way.
PRELOAD = ('benchmark.experiments.run.forkserver', 'benchmark.experiments.commands.run_suite',
           'benchmark.experiments.commands.work', 'pyarrow.parquet', 'rich.live', 'reports')
PR_SET_PDEATHSIG = 1  # linux/prctl.h
NUMBER = struct.Struct('q')
#: File numbers that nothing here reaches.
ABOVE = 256


class Forked:
    """What has been started, with the attributes and methods of ``subprocess.Popen`` that tests use.

    Args:
        args: The command.
        status: Where the server writes the process's id, and its exit code when it has ended.
        stdout, stderr: What it prints, as text.
    """

    def __init__(self, args: list[str], status: int, stdout: Any, stderr: Any) -> None:
        self.args, self.stdout, self.stderr, self.returncode = args, stdout, stderr, None
        self._status = status
        self.pid = self._number()

    def _number(self) -> int:
        content = os.read(self._status, NUMBER.size)
        if len(content) < NUMBER.size:
            raise RuntimeError('the server that commands are forked from has ended')
        return NUMBER.unpack(content)[0]

    def wait(self, timeout: float | None = None) -> int:
        """Waits for its end; gives the exit code."""
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._status, selectors.EVENT_READ)
                if not selector.select(timeout):
                    raise subprocess.TimeoutExpired(self.args, timeout)
            self.returncode = self._number()
            os.close(self._status)
        return self.returncode

    def poll(self) -> int | None:
        """The exit code of one that has ended, else None."""
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it prints until its end; one that takes longer goes on."""
        said = {}

        def read(name: str, file: Any) -> None:
            said[name] = file.read()

        readers = [threading.Thread(target=read, args=pair, daemon=True)
                   for pair in (('out', self.stdout), ('err', self.stderr)) if not pair[1].closed]
        end = None if timeout is None else time.monotonic() + timeout
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(None if end is None else max(0.0, end - time.monotonic()))
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout)
        self.wait(None if end is None else max(0.0, end - time.monotonic()))
        self.stdout.close()
        self.stderr.close()
        return said.get('out', ''), said.get('err', '')

    def send_signal(self, number: int) -> None:
        """Sends a signal, if it is there."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Sends SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Sends SIGKILL."""
        self.send_signal(signal.SIGKILL)


def start(argv: Sequence[Any], env: dict[str, str] | None = None, cwd: Any = None) -> Forked:
    """Starts a command.

    Args:
        argv: What follows ``python``: a script or ``-m`` and a module, and arguments.
        env: The whole environment; None: this process's.
        cwd: Its folder; None: this process's.
    """
    args = [*map(str, argv)]
    if sys.platform != 'linux':
        return subprocess.Popen([sys.executable, *args], env=env, cwd=cwd, text=True, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
    request = json.dumps(dict(argv=args, env=dict(os.environ if env is None else env), cwd=str(cwd or os.getcwd())))
    pipes = [os.pipe() for _ in range(3)]
    with open(os.devnull, 'rb') as nothing:
        _send(_server(), request, [nothing.fileno(), pipes[0][1], pipes[1][1], pipes[2][1]])
    for _, write in pipes:
        os.close(write)
    (out, _), (err, _), (status, _) = pipes
    return Forked([sys.executable, *args], status, open(out), open(err))


def command(argv: Sequence[Any], env: dict[str, str] | None = None, cwd: Any = None,
            timeout: float = 600.0) -> subprocess.CompletedProcess:
    """Runs a command to its end; see :func:`start`."""
    process = start(argv, env, cwd)
    try:
        out, err = process.communicate(timeout)
    except BaseException:
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@functools.cache
def _server() -> socket.socket:
    """The server's socket; it is started on the first call and ends with this process."""
    here, there = socket.socketpair()
    env = os.environ | dict(PYTHONPATH=os.pathsep.join([str(ROOT), *filter(None, [os.environ.get('PYTHONPATH')])]))
    subprocess.Popen([sys.executable, __file__, str(there.fileno())], pass_fds=[there.fileno()], env=env,
                     stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    there.close()
    return here


def _send(connection: socket.socket, text: str, files: list[int]) -> None:
    content = text.encode()
    socket.send_fds(connection, [NUMBER.pack(len(content))], files)
    connection.sendall(content)


def _receive(connection: socket.socket) -> tuple[dict, list[int]] | None:
    """What :func:`_send` has sent; None at the end."""
    head, files, *_ = socket.recv_fds(connection, NUMBER.size, 16)
    if len(head) < NUMBER.size:
        return None
    left, parts = NUMBER.unpack(head)[0], []
    while left:
        parts.append(connection.recv(left))
        left -= len(parts[-1])
    return json.loads(b''.join(parts)), files


# -- in the server ----------------------------------------------------------------------------------------------------

def _serve(connection: socket.socket) -> None:
    """Forks a process for each request, and says what has become of it."""
    awake, wake = os.pipe()
    os.set_blocking(awake, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.set_wakeup_fd(wake)
    children: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(connection, selectors.EVENT_READ)
        selector.register(awake, selectors.EVENT_READ)
        while True:
            ready = [key.fileobj for key, _ in selector.select()]
            if awake in ready:
                os.read(awake, 65536)
                while children:
                    pid, code = os.waitpid(-1, os.WNOHANG)
                    if not pid:
                        break
                    _tell(children.pop(pid), os.waitstatus_to_exitcode(code))
            if connection in ready:
                request = _receive(connection)
                if request is None:
                    return
                content, files = request
                pid = os.fork()
                if not pid:
                    _become(content, files)
                *pipes, status = files
                for file in pipes:
                    os.close(file)
                children[pid] = status
                os.write(status, NUMBER.pack(pid))


def _tell(status: int, code: int) -> None:
    try:
        os.write(status, NUMBER.pack(code))
    except BrokenPipeError:
        pass  # Whoever has started it no longer wants to know.
    os.close(status)


def _become(content: dict, files: list[int]) -> None:
    """Makes this process the command's, runs it, and ends."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        for name in (signal.SIGCHLD, signal.SIGINT):
            signal.signal(name, signal.default_int_handler if name == signal.SIGINT else signal.SIG_DFL)
        _keep(dict(zip(files[:3], range(3))))
        _settle(content)
        _stand_by()
        code = _run(content['argv'])
    finally:
        os._exit(code)


def _keep(files: dict[int, int]) -> None:
    """Gives files their numbers and closes all others."""
    # Copied out of the way first: one number may be another file's.
    moved = {fcntl.fcntl(file, fcntl.F_DUPFD, ABOVE): number for file, number in files.items()}
    for file, number in moved.items():
        os.dup2(file, number)
    first = 3
    for number in sorted({*files.values()} - {0, 1, 2}):
        os.closerange(first, number)
        first = number + 1
    os.closerange(first, os.sysconf('SC_OPEN_MAX'))


def _settle(content: dict) -> None:
    os.environ.clear()
    os.environ.update(content['env'])
    os.chdir(content['cwd'])


def _run(argv: list[str]) -> int:
    """Does what ``python`` does with its arguments; gives the exit code."""
    module = argv[0] == '-m'
    sys.argv = argv[module:]
    base = [path for path in sys.path if path not in (str(ROOT), str(Path(__file__).parent))]
    extra = [path for path in os.environ.get('PYTHONPATH', '').split(os.pathsep) if path]
    sys.path[:] = [os.getcwd() if module else str(Path(argv[0]).resolve().parent), *extra, *base]
    code: Any = 0
    try:
        if module:
            sys.modules.pop(argv[1], None)
            runpy.run_module(argv[1], run_name='__main__', alter_sys=True)
        else:
            runpy.run_path(argv[0], run_name='__main__')
    except SystemExit as end:
        code = end.code
    except BaseException:
        traceback.print_exc()
        code = 1
    if code is not None and not isinstance(code, int):
        print(code, file=sys.stderr)
        code = 1
    try:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException:
        code = code or 120
    sys.stderr.flush()
    return code or 0


def _stand_by() -> None:
    """Forks what takes the place of the next new interpreter that ``multiprocessing`` wants for its forkserver."""
    from multiprocessing import util
    here, there = socket.socketpair()
    pid = os.fork()
    if not pid:
        here.close()
        _wait_for_work(there)
    there.close()
    spawn = util.spawnv_passfds
    waiting = [pid]

    def start_waiting(path: bytes, args: list[str], passed: Sequence[int]) -> int:
        if not waiting or 'multiprocessing.forkserver' not in args[-1]:
            return spawn(path, args, passed)
        held = [*map(int, signal.pthread_sigmask(signal.SIG_BLOCK, []))]
        ignored = [int(name) for name in signal.valid_signals() if signal.getsignal(name) == signal.SIG_IGN]
        try:
            _send(here, json.dumps(dict(code=args[-1], files=[*map(int, passed)], held=held, ignored=ignored,
                                        env=dict(os.environ), cwd=os.getcwd())), [*passed])
        except OSError:  # Somebody has ended it.
            return spawn(path, args, passed)
        finally:
            pid = waiting.pop()
            here.close()
        return pid

    util.spawnv_passfds = start_waiting


def _wait_for_work(connection: socket.socket) -> None:
    """In what stands by: deaf until it is asked, and gone with the command."""
    code = 1
    try:
        process_control = ctypes.CDLL(None).prctl
        process_control(PR_SET_PDEATHSIG, signal.SIGKILL)
        deaf = signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1
        for name in deaf:
            signal.signal(name, signal.SIG_IGN)
        request = _receive(connection)
        if request is None:
            os._exit(0)
        content, files = request
        process_control(PR_SET_PDEATHSIG, 0)
        signal.pthread_sigmask(signal.SIG_SETMASK, content['held'])
        for name in deaf:
            default = signal.default_int_handler if name == signal.SIGINT else signal.SIG_DFL
            signal.signal(name, signal.SIG_IGN if name in content['ignored'] else default)
        _keep(dict(zip(files, content['files'])))
        _settle(content)
        exec(content['code'], {})
        code = 0
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


if __name__ == '__main__':
    for preloaded in PRELOAD:
        importlib.import_module(preloaded)
    gc.freeze()  # Else each process would copy what it looks through.
    _serve(socket.socket(fileno=int(sys.argv[1])))
