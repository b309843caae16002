"""What a run's hash is made of, and the seal on its config."""

from __future__ import annotations

import copy
import hashlib
import importlib.util
from pathlib import Path
from typing import Any

from mmengine.config import Config

from benchmark.numerics import NUMERICS, OTHER_NETWORKS
from benchmark.utils.files import digest, file_digest

from .configure import fill_paths
from .encoder import RESNETS, network_of

SEAL = '# sha256 of what follows: '


def identity(cfg: Config, data_fingerprint: str, source_hash: str | None) -> dict[str, Any]:
    """What a run's hash is made of: config without paths and loggers, data, source, the user's own modules in
    it, and the number of the suite's numerics (:mod:`benchmark.numerics`)."""
    content = fill_paths(copy.deepcopy(cfg), '', '').to_dict()
    # Where a run is and who is told of it decide nothing.
    for key in ('work_dir', 'visualizer', 'vis_backends', 'log_level'):
        content.pop(key, None)
    # With and without cached features a run gives the same bytes; their precision counts.
    for hook in content.get('custom_hooks', ()):
        if hook.get('type') == 'FeatureCacheHook':
            hook.pop('enabled', None)
            hook.pop('limit_gib', None)
            hook.pop('resident_gib', None)
    modules = plugins_as_ever(content)
    code = {name: module_digest(name) for name in modules if name.partition('.')[0] != 'benchmark'}
    return dict(numerics=NUMERICS, config=content, data=data_fingerprint, source=source_hash,
                **other_networks(content['model'])) | (dict(code=code) if code else {})


def other_networks(model: dict[str, Any]) -> dict[str, int]:
    """What else a hash holds where an encoder or a source is no ResNet and no hourglass: their own number."""
    found = [model.get('backbone'), (model.get('source') or {}).get('backbone')]
    usual = (*RESNETS, 'StackedHourglass')
    others = any(network_of(one).get('type') not in usual for one in found if one)
    return dict(other_networks=OTHER_NETWORKS) if others else {}


def plugins_as_ever(content: dict[str, Any]) -> list[str]:
    """Names the suite's plug-ins in a config as they were first, since both names are one and the same.

    Returns:
        The modules that the config imports.
    """
    modules = content.get('custom_imports', {}).get('imports', [])
    modules[:] = ['benchmark' if name == 'benchmark.plugins' else name for name in modules]
    return modules


def seal(text: str) -> str:
    """A config's text under a first line that holds its digest, so that a damaged one is never executed."""
    return f'{SEAL}{hashlib.sha256(text.encode()).hexdigest()}\n{text}'


def sealed(path: Path) -> bool:
    """Whether a config file is whole: fits the digest in its first line (see :func:`seal`)."""
    try:
        first, _, text = path.read_text(encoding='utf-8').partition('\n')
    except (FileNotFoundError, UnicodeDecodeError):
        return False
    return f'{first}\n{text}' == seal(text)


def module_digest(name: str) -> str | None:
    """SHA-256 of a module's source, or of all of a package's; nothing is imported. None where it is not found."""
    spec = importlib.util.find_spec(name.partition('.')[0])
    if spec is None:
        return None
    if places := list(spec.submodule_search_locations or ()):
        return digest([{str(path.relative_to(place)): file_digest(path) for path in sorted(Path(place).rglob('*.py'))}
                       for place in places])
    return file_digest(spec.origin) if spec.has_location else None
