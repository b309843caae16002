"""What all commands have in common: ``--version``, and names of commands as they were typed."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from benchmark.program import described, program
from benchmark.utils.spoken import spoken

#: The package's name in registries and in ``--version``.
NAME = 'landmark-benchmark'


class Parser(argparse.ArgumentParser):
    """A parser of a command, and of its subcommands, that knows ``--version``.

    Args:
        prog: The command as a checkout names it, such as ``tools/analyze.py``; None: the script's name.
        **kwargs: As of ``argparse.ArgumentParser``.
    """

    def __init__(self, prog: str | None = None, **kwargs: Any) -> None:
        super().__init__(prog=prog and spoken(prog), **kwargs)
        self.add_argument('--version', action=_Version, nargs=0, help=argparse.SUPPRESS)

    def format_help(self) -> str:
        """The help, with commands as they were typed."""
        return spoken(super().format_help())


class _Version(argparse.Action):
    """Says which program this is, and ends."""

    def __call__(self, parser: argparse.ArgumentParser, namespace: argparse.Namespace,
                 values: str | Sequence[Any] | None, option_string: str | None = None) -> None:
        print(version())
        parser.exit()


def version() -> str:
    """The program in a line: name, version, commit where it lies in a checkout, the number of its numerics."""
    return f'{NAME} {described(program()).removeprefix("version ")}'
