"""Makes ``mmpose`` importable where compiled extras are missing or broken.

``import mmpose.models`` pulls in packages that no model of this suite uses: ``mmdet`` (RTMO's head), ``mmcv.ops``
(deformable attention), ``torchvision`` (a visualiser) and ``xtcocotools``. Where such a package works, nothing is
touched. Where it is missing or broken, a placeholder takes its place while mmpose is imported; *using* what mmpose took
from it raises an ImportError that names what to install. Afterwards the placeholders are gone, so that other programs
that look whether such a package is there (``importlib.util.find_spec``) are told the truth. ``xtcocotools`` is replaced
by ``pycocotools``, which has the interface that mmpose needs.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import importlib.machinery
import sys
import types
import warnings
from collections.abc import Iterator

#: Package -> (submodules that mmpose imports, what to install to get the real one).
OPTIONAL = {
    'torchvision': (('torchvision.transforms',), 'a torchvision build that matches your torch'),
    'mmcv.ops': ((), 'an mmcv build with compiled operators'),
    'mmdet': (('mmdet.utils',), 'mmdet'),
}

#: Modules of mmpose that import such a package as they are imported; everything else does so when it is used.
NEEDING = ('mmpose.models', 'mmpose.visualization')


class _Missing(type):
    """Metaclass of placeholders: they can be named, subclassed and annotated with, not used."""

    def __call__(cls, *args, **kwargs):
        raise ImportError(cls._message)

    def __getattr__(cls, name):
        # pickle and torch.compile look for names in all modules, and take only this error for a no.
        raise AttributeError(name if name.startswith('__') else cls._message)


def works(name: str) -> bool:
    """Whether a package imports; any exception on import counts as broken."""
    try:
        importlib.import_module(name)
    except Exception:
        return False
    return True


def placeholder(name: str, remedy: str) -> types.ModuleType:
    """A module whose attributes are placeholder classes; calling one raises ImportError naming the remedy."""
    module = types.ModuleType(name, f'Placeholder: {name} is not available.')
    module.__version__ = '0.0.0'
    module.__path__ = []
    module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
    message = f'{name} is missing or broken here, and this feature needs it. Install {remedy}.'

    def attribute(item: str):
        if item.startswith('__'):
            raise AttributeError(item)
        return _Missing(item, (), {'_message': f'{name}.{item}: {message}'})

    module.__getattr__ = attribute
    return module


def _forget(name: str) -> None:
    """Drops what a failed import of ``name`` left behind."""
    for loaded in [m for m in sys.modules if m == name or m.startswith(name + '.')]:
        del sys.modules[loaded]


@contextlib.contextmanager
def placeholders() -> Iterator[list[str]]:
    """Placeholders for what is missing or broken, as long as the block runs; yields the packages that have one.

    Afterwards ``sys.modules`` is as it was: whoever asks for such a package then, an import or
    ``importlib.util.find_spec``, gets the truth.
    """
    placed = {}
    for name, (submodules, remedy) in OPTIONAL.items():
        if all(works(module) for module in (name, *submodules)):
            continue
        _forget(name)
        for module in (name, *submodules):
            sys.modules[module] = placed[module] = placeholder(module, remedy)
            parent, _, child = module.rpartition('.')
            if parent in sys.modules:
                setattr(sys.modules[parent], child, sys.modules[module])
    try:
        yield [name for name in OPTIONAL if name in placed]
    finally:
        for module, stand_in in placed.items():
            if sys.modules.get(module) is stand_in:
                del sys.modules[module]
            parent, _, child = module.rpartition('.')
            if getattr(sys.modules.get(parent), child, None) is stand_in:
                delattr(sys.modules[parent], child)


@functools.cache
def install() -> list[str]:
    """Imports what of mmpose needs placeholders, with them in place; another call does nothing.

    Returns:
        The packages that were replaced.
    """
    found = []
    warnings.filterwarnings('ignore', message='Fail to import ``MultiScaleDeformableAttention``')
    if not works('xtcocotools.coco'):
        _forget('xtcocotools')
        for child in ('', '.coco', '.cocoeval', '.mask'):
            sys.modules['xtcocotools' + child] = importlib.import_module('pycocotools' + child)
        found.append('xtcocotools')
    with placeholders() as replaced:
        for name in NEEDING:
            importlib.import_module(name)
    return found + replaced
