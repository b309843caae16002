"""What a measurement was made on."""

from __future__ import annotations

import os
import platform
from pathlib import Path

#: As Linux names them: Intel's and AMD's, AMX, ARM's.
BFLOAT16 = {'avx512_bf16', 'amx_bf16', 'bf16'}


def cores() -> int:
    """Number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity') else os.cpu_count() or 1


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


def describe() -> dict[str, str | int]:
    """Cores, processor, its widest instructions, and Python."""
    known = instructions()
    widest = next((name for name in ('amx_bf16', 'avx512_bf16', 'avx512f', 'avx2', 'sve', 'asimd') if name in known),
                  None)
    return dict(cores=cores(), processor=processor().get('model name', platform.machine()),
                instructions=widest or 'unknown', python=platform.python_version())
