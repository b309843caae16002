"""Which taps a backbone has that the suite doesn't know: asked of the network itself, once, with a blank image."""

from __future__ import annotations

import importlib
import importlib.util
import json
import math
import multiprocessing
import os
import tempfile
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import benchmark
from benchmark.experiments.errors import SuiteError
from benchmark.experiments.state.records import in_words
from benchmark.experiments.suite.backbones import TAPS, Backbone
from benchmark.experiments.suite.overrides import plain
from benchmark.numerics import deciding_digest
from benchmark.utils.files import cache_folder, digest, file_digest, json_text, write_text
from benchmark.utils.packages import lacking
from benchmark.utils.signals import end_with_command

FORK = multiprocessing.get_context('fork')
#: Side of the blank image, in pixels, and of the one for networks that take no other.
SIDES = (128, 224)
#: Strides whose last maps are taken as taps, and the most outputs that a network is asked for.
STRIDES, OUTPUTS = (4, 8, 16, 32, 64), 32
#: What a constructor raises over an output that the network does not have.
NO_OUTPUT = (ValueError, AssertionError, IndexError, KeyError, TypeError)
_ANSWERS: dict[str, dict[str, Any]] = {}


def ask_network(network: dict[str, Any], imports: Sequence[str] = ()) -> Backbone:
    """The taps of any backbone: those that are named, else the last map of each stride from 4 on.

    The network is built in a process of its own, and its answer kept with the code that it was built from.

    Args:
        network: Its config; ``taps`` names modules.
        imports: Modules that register it.

    Raises:
        SuiteError: It can't be built or gives no maps; says why.
    """
    content = {key: plain(value) for key, value in network.items()}
    if content['type'] in TAPS:
        content.setdefault('taps', [*TAPS[content['type']]])
    key = digest([content, deciding_digest(), _versions(), [_code(name) for name in imports]])
    if key not in _ANSWERS:
        kept = cache_folder() / 'networks' / f'{key[:24]}.json'
        try:
            _ANSWERS[key] = json.loads(kept.read_text(encoding='utf-8'))
        except (OSError, ValueError):
            _ANSWERS[key] = _answer(content, [*imports])
            if 'said' not in _ANSWERS[key]:
                kept.parent.mkdir(parents=True, exist_ok=True)
                write_text(kept, json_text(_ANSWERS[key]))
    answer = _ANSWERS[key]
    if 'said' in answer:
        raise SuiteError(f"settings.backbone: {content['type']}: {answer['said']}")
    return Backbone(answer['network'], tuple(answer['taps']), tuple(answer['channels']), tuple(answer['strides']))


def _versions() -> list[str]:
    found = []
    for name in ('torch', 'mmpose', 'mmpretrain'):
        try:
            found.append(version(name))
        except PackageNotFoundError:
            found.append('')
    return found


def _code(name: str) -> str | None:
    """Digest of a module's file."""
    try:
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError):
        return None
    return file_digest(spec.origin) if spec and spec.origin and Path(spec.origin).is_file() else None


def _answer(network: dict[str, Any], imports: list[str]) -> dict[str, Any]:
    """Lets a child ask: what it registers nobody else knows."""
    with tempfile.TemporaryDirectory() as folder:
        found = Path(folder) / 'answer.json'
        child = FORK.Process(target=_child, args=(network, imports, found))
        child.start()
        child.join()
        if not found.exists():
            return dict(said='the process that built it ended without a message.')
        return json.loads(found.read_text(encoding='utf-8'))


def on_one_thread() -> None:
    """Keeps torch in a forked process from its parent's threads, which are not there.

    Where the parent has computed (a source was fetched and converted), its pool of OpenMP threads is known to the
    child; the first operation on more than one thread would wait for them for ever.
    """
    import torch
    torch.set_num_threads(1)


def _child(network: dict[str, Any], imports: list[str], found: Path) -> None:
    end_with_command()
    on_one_thread()
    log = os.open(found.with_name('log'), os.O_WRONLY | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    try:
        for name in imports:
            importlib.import_module(name)
        answer = describe(network)
    except Exception as error:
        answer = dict(said=' '.join(_reason(network['type'], error).split())[:500])
    found.write_text(json.dumps(answer), encoding='utf-8')


def _reason(kind: str, error: Exception) -> str:
    """Why a network can't be asked, with what to do."""
    said = in_words(error)
    if needed := lacking(dict(type=kind)):
        return needed.partition(': ')[2]
    if isinstance(error, KeyError) and 'registry' in said:
        return ('MMPose registers no such backbone. Correct the name, or name the module that registers it in '
                "cfg_options={'custom_imports.imports': [...]}.")
    if isinstance(error, ImportError) or type(error).__name__ == 'TapError':
        return said
    return f'cannot be an encoder: {type(error).__name__}: {said}'


def describe(network: dict[str, Any]) -> dict[str, Any]:
    """Builds a network and finds its taps.

    Args:
        network: Its config; ``taps`` names modules.

    Returns:
        ``network``: its config without them; ``taps``: names of modules, none where its outputs are the taps;
        ``channels`` and ``strides``: of each tap.

    Raises:
        ValueError: It gives no maps that taps could be.
        Exception: Whatever it raises when it is built.
    """
    benchmark.register()
    from mmengine.registry import init_default_scope
    init_default_scope('mmpose')
    network = dict(network)
    if (taps := network.pop('taps', None)) is not None:
        return _measured(network, taps)
    built = _build(network)
    options = network
    if 'out_indices' not in network and (count := _outputs_there_are(network)):
        options = dict(network, out_indices=list(range(count)))
        built = _build(options)
    maps, names = _run(built)
    strides = [stride for stride, _ in maps]
    chosen = [*range(len(maps))]
    if options is not network:
        chosen = [last for stride in STRIDES for last in [max((n for n, one in enumerate(strides) if one == stride),
                                                              default=None)] if last is not None]
    if not chosen:
        raise ValueError(f'its outputs have strides {strides}; an encoder needs maps of strides 4 to 64')
    if all(names[number] for number in chosen):
        try:
            return _measured(network, [names[number] for number in chosen])
        except ValueError:
            pass  # Its modules are no chain: then its outputs are taken as they are.
    if options is not network:
        network = dict(network, out_indices=chosen)
    return _measured(network, [])


def _build(network: dict[str, Any]) -> Any:
    from mmpose.registry import MODELS
    return MODELS.build(network)


def _outputs_there_are(network: dict[str, Any]) -> int:
    """How many ``out_indices`` a network can be asked for, from 0 on; 0 where it takes none."""
    for count in range(1, OUTPUTS):
        try:
            _build(dict(network, out_indices=list(range(count))))
        except NO_OUTPUT:
            return count - 1
    return OUTPUTS - 1


def _run(built: Any) -> tuple[list[tuple[int, int]], list[str]]:
    """Stride and channels of each output for a blank image, and the outermost module that gives it, '' for none."""
    import torch

    from benchmark.models.backbones.tapped import first_map
    built.eval()
    seen: dict[int, tuple[str, Any]] = {}

    def note(name: str):
        def keep(module, given, output) -> None:
            one = first_map(output)
            seen[id(one)] = (name, one)
        return keep

    handles = [module.register_forward_hook(note(name)) for name, module in built.named_modules() if name]
    for side in SIDES:
        seen.clear()
        try:
            with torch.no_grad():
                outputs = built(torch.zeros(1, 3, side, side))
            break
        except (RuntimeError, ValueError, AssertionError, IndexError):
            if side == SIDES[-1]:
                raise
    for handle in handles:
        handle.remove()
    outputs = list(outputs) if isinstance(outputs, (tuple, list)) else [outputs]
    if odd := [one for one in outputs if not isinstance(one, torch.Tensor) or one.dim() != 4]:
        raise ValueError(f'an output is no map of four axes but {getattr(odd[0], "shape", type(odd[0]).__name__)}')
    return [(_stride(side, one), one.shape[1]) for one in outputs], [seen.get(id(one), ('',))[0] for one in outputs]


def _stride(side: int, output: Any) -> int:
    """Pixels of the input per pixel of a map, the nearest power of two: unpadded networks lose some at the edges."""
    return 2 ** max(0, round(math.log2(side / output.shape[-1])))


def _measured(network: dict[str, Any], taps: Sequence[str]) -> dict[str, Any]:
    """A network's answer with these taps; what it computes shows that they are taps."""
    import torch

    from benchmark.models.backbones.tapped import first_map, influences, tapped_backbone
    built = tapped_backbone(network, taps)
    influences(built)
    built.eval()
    for side in SIDES:
        try:
            with torch.no_grad():
                maps = [first_map(one) for one in built.raw_taps(torch.zeros(1, 3, side, side))]
            break
        except (RuntimeError, AssertionError, IndexError):
            if side == SIDES[-1]:
                raise
    if odd := [one for one in maps if not isinstance(one, torch.Tensor) or one.dim() != 4]:
        raise ValueError(f'a tap is no map of four axes but {getattr(odd[0], "shape", type(odd[0]).__name__)}')
    return dict(network=network, taps=[*taps], channels=[one.shape[1] for one in maps],
                strides=[_stride(side, one) for one in maps])
