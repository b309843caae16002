"""The machine: its cores, its processor, and how its memory is given back."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.util
import os
import platform
import runpy
from pathlib import Path

#: As Linux names them: Intel's and AMD's, AMX, ARM's.
BFLOAT16 = {'avx512_bf16', 'amx_bf16', 'bf16'}


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


def thread_limit() -> int | None:
    """The most threads that a process may use, by OMP_NUM_THREADS; None where that says nothing."""
    # It may be a list, for threads that start threads.
    asked = os.environ.get('OMP_NUM_THREADS', '').partition(',')[0].strip()
    return int(asked) if asked.isdecimal() and int(asked) else None


def threads() -> int:
    """Number of threads that a process should use here: one for each of its cores, within :func:`thread_limit`."""
    return min(cores(), thread_limit() or cores())


def gpus_here() -> int:
    """Number of GPUs that torch can use. A torch that is built for processors alone is not imported to find none."""
    if (found := importlib.util.find_spec('torch')) is not None:
        built = runpy.run_path(str(Path(found.origin).with_name('version.py')))
        if not built.get('cuda') and not built.get('hip'):
            return 0
    import torch
    return torch.cuda.device_count()


def processor() -> dict[str, str]:
    """The first processor's entries in Linux's /proc/cpuinfo; empty where there is none."""
    try:
        first = Path('/proc/cpuinfo').read_text().partition('\n\n')[0]
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(':') for line in first.splitlines())}


def instructions() -> set[str]:
    """Names of the processor's instruction sets."""
    found = processor()
    return set((found.get('flags') or found.get('Features') or '').split())


def computes_in_bfloat16() -> bool:
    """Whether the processor has bfloat16 instructions; without them that arithmetic is slower than float32."""
    return bool(instructions() & BFLOAT16)


def processor_name() -> str:
    """The processor's name, or its architecture where the system does not say."""
    return processor().get('model name') or platform.processor() or platform.machine()


def describe() -> dict[str, str | int]:
    """Cores, processor, its widest instructions, and Python."""
    known = instructions()
    widest = next((name for name in ('amx_bf16', 'avx512_bf16', 'avx512f', 'avx2', 'sve', 'asimd') if name in known),
                  None)
    return dict(cores=cores(), processor=processor_name(), instructions=widest or 'unknown',
                python=platform.python_version())


def keep_freed_memory() -> None:
    """Lets this process keep the memory that it frees, where its C library is glibc.

    A training step frees what the next one needs. Given back to the system, every page of it is asked for and cleared
    again at each step: a tenth of a small training's time. The peak stays as it was.
    """
    trim_threshold, top_pad, mmap_threshold = -1, -2, -3  # malloc.h
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL('libc.so.6')
        library.mallopt(mmap_threshold, 32 << 20)  # the largest that it takes
        library.mallopt(trim_threshold, 2**31 - 1)
        library.mallopt(top_pad, 64 << 20)
