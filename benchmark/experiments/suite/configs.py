"""Config files: where the shipped ones lie, how one is found by its name or path, and read."""

from __future__ import annotations

import ast
import contextlib
import functools
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mmengine.config import Config
from mmengine.config import config as mmengine_config

from benchmark.experiments.errors import SuiteError
from benchmark.utils.files import ROOT

CONFIGS = ROOT / 'mmconfigs'
#: Old beginnings of paths below CONFIGS -> new ones. An old one works, with a warning, until version 1.0.
RENAMED = {'methods/rivals': 'methods/baselines', 'suites/rivals_untuned': 'suites/baselines_untuned',
           'suites/rivals': 'suites/baselines'}


def names(kind: str) -> list[str]:
    """Names of the shipped configs of a kind (``suites``, ``methods``); those in sub-folders come last."""
    return list(_shipped(kind))


def titles(kind: str) -> dict[str, str]:
    """The shipped configs of a kind by name, each with its ``title``, or what it says of itself where it has none."""
    found = {}
    for name, path in _shipped(kind).items():
        tree = ast.parse(path.read_text(encoding='utf-8'))
        own = [node.value.value for node in tree.body if isinstance(node, ast.Assign)
               and [getattr(target, 'id', None) for target in node.targets] == ['title']
               and isinstance(node.value, ast.Constant)]
        found[name] = str(own[0]) if own else (ast.get_docstring(tree) or '').partition('\n')[0]
    return found


@functools.cache
def _shipped(kind: str) -> dict[str, Path]:
    paths = sorted((CONFIGS / kind).rglob('*.py'), key=lambda path: (len(path.parts), path.stem))
    return {path.stem: path for path in paths if path.parent.name != '_base_'}


def find_config(kind: str, name: str, beside: Path = Path()) -> Path:
    """The path of a config by name or path.

    Args:
        kind: ``suites`` or ``methods``.
        name: A shipped config's name, whichever sub-folder it is in, or a path.
        beside: Folder that a relative path starts from.

    Raises:
        SuiteError: There is none; lists the names there are.
    """
    shipped = _shipped(kind)
    for path in (shipped.get(name, CONFIGS / kind / f'{name}.py'), beside / name):
        if (place := present(path)).is_file():
            return place.resolve()
    if name.endswith('.py'):
        raise SuiteError(f'{(beside / name).absolute()}: no such file. Correct the path of this {kind[:-1]}.')
    raise SuiteError(f'{name}: no such {kind[:-1]}. There are: {", ".join(shipped)}; or give a path to a .py file.')


def present(path: Path) -> Path:
    """The path itself, or where a shipped config lies now that had this path before; that is said on standard error."""
    if path.exists() or not path.resolve().is_relative_to(CONFIGS):
        return path
    old = path.resolve().relative_to(CONFIGS).as_posix()
    for before, after in RENAMED.items():
        if old.startswith(before) and (CONFIGS / (new := old.replace(before, after, 1))).is_file():
            _say_renamed(old, new)
            return CONFIGS / new
    return path


@functools.cache
def _say_renamed(old: str, new: str) -> None:
    print(f'warning: mmconfigs/{old} is called mmconfigs/{new} now; the old name works until version 1.0.',
          file=sys.stderr)


def unformatted(cfg: Config) -> Config:
    """The same config, whose text is not laid out by yapf: that takes a fifth of a second, six times a run."""
    return Config(cfg.to_dict(), format_python_code=False)


def from_file(path: str | Path, **options: Any) -> Config:
    """``Config.fromfile``, which finds renamed shipped configs, bases too, and tells less (see :func:`_quiet`)."""
    def place(name: str, file: str) -> tuple[str, str | None]:
        found, scope = get(name, file)
        return str(present(Path(found))), scope

    get = Config._get_cfg_path
    Config._get_cfg_path = staticmethod(place)
    try:
        with _quiet():
            return Config.fromfile(present(Path(path)), **options)
    finally:
        Config._get_cfg_path = staticmethod(get)


def read_config(path: str | Path) -> Config:
    """Reads a config file; the modules that it names are imported by the run, not by who reads it.

    Args:
        path: The file.

    Raises:
        SuiteError: It does not load; says why, and for a base that is not there what to write.
    """
    try:
        return unformatted(from_file(path, import_custom_modules=False))
    except Exception as error:
        remedy = ''
        base = re.search(r'mmconfigs/[^\'"]*', str(error)) if isinstance(error, FileNotFoundError) else None
        if base and (CONFIGS.parent / base[0]).is_file():
            remedy = (f" A _base_ is looked for from the folder of its file; give this one's whole path: "
                      f"'{CONFIGS.parent / base[0]}'.")
        raise SuiteError(f'{path}: does not load as a config ({type(error).__name__}: {error}).{remedy}') from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keeps MMEngine from telling of every variable that it fills into a config, for which it would import torch."""
    before = mmengine_config.print_log

    def said(message: str, logger: Any = None, level: int = logging.INFO) -> None:
        if level > logging.INFO:
            before(message, logger, level)

    mmengine_config.print_log = said
    try:
        yield
    finally:
        mmengine_config.print_log = before
