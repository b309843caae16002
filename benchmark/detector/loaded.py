"""Networks that runs have kept, ready to predict: nothing in their files is executed."""

from __future__ import annotations

import importlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope
from mmpose.registry import HOOKS, MODELS

from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.models.checkpoint import CheckpointError, load_weights, read_checkpoint
from benchmark.utils.files import file_digest
from benchmark.utils.packages import lacking

from .kept import FORMAT, NETWORK

#: Steps of a test pipeline that leave an image of the input's size as it is.
PACKING = ('ReadPhotograph', 'DrawView', 'PackPoseInputs')
#: How to have networks where there are none.
REMEDY = 'Remove its record.json and run the suite again, with execution.keep_checkpoints=True.'


class DetectorError(ValueError):
    """A network that is not there or can't be used; names the file and the remedy."""


@dataclass(frozen=True)
class Found:
    """Networks that are asked for.

    Attributes:
        paths: Their files.
        notes: What a person should know: seeds that have none.
    """

    paths: list[Path]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Network:
    """One network.

    Attributes:
        path: Its file.
        sha256: Digest of its file.
        meta: What the file says of it: see :func:`.kept.keep_network`.
        scheme: Its landmarks.
        model: MMPose's model, in eval mode.
        pipeline: From an entry of a data set with an image of the input's size to the model's input.
        packs: Whether that does no more than to pack it.
        validation: What it says of its validation images (:func:`.validated.validate`); None where it kept nothing.
    """

    path: Path
    sha256: str
    meta: dict[str, Any]
    scheme: LandmarkMeta
    model: torch.nn.Module
    pipeline: Compose
    packs: bool
    validation: dict[str, Any] | None = None

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height of the input, in pixels."""
        return tuple(self.meta['dataset']['input_size'])

    @property
    def resize(self) -> str:
        """How an image gets the input's proportions."""
        return self.meta['dataset']['resize'] or 'squeeze'

    @property
    def untrained(self) -> set[str]:
        """Landmarks that its training images said nothing of."""
        return set(self.meta['run'].get('untrained') or ())


def untrained_by_any(networks: Sequence[Network]) -> set[str]:
    """Landmarks that the training images of some of these networks said nothing of."""
    return set.union(*(network.untrained for network in networks))


def read_seeds(text: str | None) -> list[int] | None:
    """Seeds as they are typed, such as 0,1.

    Raises:
        DetectorError: Something that is no number.
    """
    if not text:
        return None
    seeds = text.split(',')
    if not all(seed.strip().isdecimal() for seed in seeds):
        raise DetectorError(f'--seeds {text}: give numbers, such as 0,1.')
    return [int(seed) for seed in seeds]


def find_networks(place: Path, method: str | None = None, condition: str | None = None,
                  seeds: Sequence[int] | None = None) -> Found:
    """The networks of a run, of a suite's method, or of a folder of copied runs.

    Args:
        place: A network's file, a run's folder, a suite's output folder, or any folder with runs below it.
        method: Which method of several.
        condition: Which condition of several.
        seeds: Which seeds; None: all that there are.

    Raises:
        DetectorError: There is none, or it is not said which.
    """
    if place.is_file():
        return Found([place])
    if (place / NETWORK).is_file():
        return Found([place / NETWORK])
    if not place.is_dir():
        raise DetectorError(f'{place}: no such folder. Give the folder of a run, or the --out of a suite.')
    if (place / 'record.json').is_file():
        raise DetectorError(f'{place}: this run has kept no network. {REMEDY}')
    runs = _runs(place)
    if not runs:
        raise DetectorError(f'{place}: no run below it has kept its network ({NETWORK}). Give the folder of a run, or '
                            'the --out of a suite.')
    for key, wanted in (('method', method), ('condition', condition)):
        names = list(dict.fromkeys(run[key] for run in runs))
        if wanted is None and len(names) > 1:
            raise DetectorError(f'{place}: runs of several {key}s. Say which: --{key} {" | ".join(names)}.')
        if wanted is not None and wanted not in names:
            raise DetectorError(f'--{key} {wanted}: {place} has {", ".join(names)}. Correct it.')
        runs = [run for run in runs if wanted in (None, run[key])]
    if any('trial' in run for run in runs):
        raise DetectorError(f'{place}: this suite is tuned, so a seed has several networks. Give the folder of a run.')
    known = [run['seed'] for run in runs]
    if unknown := sorted(set(seeds or ()) - set(known)):
        raise DetectorError(f'--seeds: {unknown[0]} is none of {", ".join(map(str, known))}. Correct it.')
    runs = [run for run in runs if seeds is None or run['seed'] in seeds]
    there = [run for run in runs if (run['folder'] / NETWORK).is_file()]
    missing = [str(run['seed']) for run in runs if run not in there]
    if not there:
        raise DetectorError(f'{runs[0]["folder"]}: this run has kept no network, nor has another that is asked for. '
                            f'{REMEDY}')
    notes = [f'{len(there)} of {len(runs)} seeds have a network; there is none of {", ".join(missing)}'] if missing \
        else []
    return Found([run['folder'] / NETWORK for run in there], notes)


def _runs(place: Path) -> list[dict[str, Any]]:
    """Method, condition, seed and folder of the runs of a suite, or of what lies below a folder."""
    try:
        plan = json.loads((place / 'plan.json').read_text(encoding='utf-8'))
        return [run | dict(folder=place / run['folder']) for run in plan['runs']]
    except FileNotFoundError:
        pass
    except (ValueError, KeyError, TypeError) as error:
        raise DetectorError(f'{place / "plan.json"}: is damaged ({type(error).__name__}). Run the command that made it '
                            'again.') from None
    return [read_meta(path)['run'] | dict(folder=path.parent) for path in sorted(place.rglob(NETWORK))]


def read_meta(path: Path) -> dict[str, Any]:
    """What a network's file says of it.

    Raises:
        DetectorError: It is no such file, damaged, or of a later version.
    """
    return _read(path)['meta']


def _read(path: Path) -> dict[str, Any]:
    try:
        content = read_checkpoint(path)
    except CheckpointError as error:
        raise DetectorError(str(error)) from None
    meta = content.get('meta')
    if not isinstance(meta, dict) or 'landmarks' not in meta or 'dataset' not in meta:
        raise DetectorError(f'{path}: is not what a run keeps of its network. Give the {NETWORK} of a run.')
    if meta['format_version'] > FORMAT:
        raise DetectorError(f'{path}: is of format {meta["format_version"]}, this program reads {FORMAT}. Use the '
                            'version that made it.')
    return content


def load_network(path: Path, device: str, laid_out: bool = True) -> Network:
    """Builds a network with its weights.

    Args:
        path: Its file; a ``record.json`` beside it vouches for its bytes.
        device: Torch's name of the device.
        laid_out: Whether its weights are laid out for the processor as they were in the run's test.

    Raises:
        DetectorError: It can't be read or built, or its bytes are not those that the run has kept.
    """
    sha256 = file_digest(path) if path.is_file() else ''
    try:
        record = json.loads((path.parent / 'record.json').read_text(encoding='utf-8'))
    except (OSError, ValueError):
        record = {}
    kept = record.get('network') or {}
    if path.name == kept.get('file') and sha256 != kept['sha256']:
        raise DetectorError(f'{path}: does not match the checksum in record.json. {REMEDY}')
    content = _read(path)
    meta, state = content['meta'], content['state_dict']
    init_default_scope('mmpose')
    for name in meta['imports']:
        try:
            importlib.import_module(name)
        except ImportError as error:
            raise DetectorError(f'{path}: needs the module {name} ({error}). Put it on PYTHONPATH.') from None
    if needed := lacking(meta['model']):
        raise DetectorError(f'{path}: {needed}')
    model = MODELS.build(ConfigDict(meta['model']))
    try:
        load_weights(model, state, path)
    except CheckpointError as error:
        raise DetectorError(str(error)) from None
    model.eval().to(device)
    for hook in meta['hooks'] if laid_out else ():
        HOOKS.build(dict(hook)).before_train(SimpleNamespace(model=model))
    if isinstance(model.test_cfg, dict):
        model.test_cfg['output_heatmaps'] = True
    # Nobody knows the truth: there is nothing to encode.
    steps = [step for step in meta['dataset']['pipeline'] if step['type'] != 'GenerateTarget']
    scheme = LandmarkMeta.from_dict(meta['landmarks'], str(path))
    packs = all(step['type'] in PACKING for step in steps) and scheme.mirroring != 'canonical'
    return Network(path, sha256, meta, scheme, model, Compose(steps), packs, content.get('validation'))


def load_networks(paths: Sequence[Path], device: str, laid_out: bool = True) -> list[Network]:
    """Networks whose heatmaps can be averaged; arguments as :func:`load_network`'s.

    Raises:
        DetectorError: As :func:`load_network`, or they don't belong together.
    """
    networks = [load_network(path, device, laid_out) for path in paths]
    first = networks[0]
    for other in networks[1:]:
        for what, one in (('landmarks', lambda n: n.scheme.landmarks), ('input size', lambda n: n.input_size),
                          ('resize', lambda n: n.resize), ('crop', lambda n: n.meta['crop']),
                          ('heatmaps', lambda n: tuple(n.model.head.decoder.heatmap_size))):
            if one(first) != one(other):
                raise DetectorError(f'{other.path}: has another {what} than {first.path}, so that they are no ensemble '
                                    f'({one(other)}, {one(first)}). Choose with --method, --condition or --seeds.')
    return networks
