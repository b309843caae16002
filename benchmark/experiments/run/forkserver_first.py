"""What the server that runs are forked from imports first, before anything heavy: it hears no signal, and ends with its
command even while it imports, where the system can do that (Linux)."""

from __future__ import annotations

import contextlib
import ctypes
import signal

from benchmark.utils.signals import SIGNALS

PR_SET_PDEATHSIG = 1  # linux/prctl.h; of the thread that has started this process; not inherited over fork

# It has inherited this, unless it was started again by somebody who does not know of it.
signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
with contextlib.suppress(OSError, AttributeError):
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
