"""What a run keeps of its network: tensors and plain data, and a config with which MMPose's own tools use them."""

from __future__ import annotations

import copy
import io
from pathlib import Path
from typing import Any

import torch
from mmengine.config import Config
from mmengine.hooks import Hook

from benchmark.datasets.formats.came import read_format
from benchmark.datasets.formats.crops import read_crop
from benchmark.datasets.metainfo import LandmarkMeta
from benchmark.datasets.prepared import load_scheme
from benchmark.engine.unwrap import unwrapped
from benchmark.models.checkpoint import plain, read_checkpoint
from benchmark.models.ctd_estimator import plain_model
from benchmark.utils.files import atomic_path, file_digest, write_text

#: The network's file, and the config that MMPose's tools read, in a run's folder.
NETWORK, DETECTOR = 'network.pth', 'detector.py'
#: Of what a network's file holds; a later one is refused.
FORMAT = 1
#: Hooks that lay a network's weights out, in the order in which they act.
LAYOUT = ('ChannelsLastHook', 'MatrixConvolutionHook')
#: What a source says of itself that is kept with the networks that learnt from it.
OF_SOURCE = ('name', 'licence', 'citation', 'trained_on')
#: What a record says of a run that is part of what its network is.
OF_RUN = ('method', 'condition', 'seed', 'hash', 'numerics', 'data', 'untrained')


class TestedWeights(Hook):
    """Holds a copy of the weights that are tested, whichever hook has put them in place (averages, interpolations).

    Attributes:
        state: Name -> tensor on the CPU; None before a test.
    """

    state: dict[str, torch.Tensor] | None = None

    def before_test_iter(self, runner, batch_idx: int, data_batch=None) -> None:
        """Copies them before the first batch."""
        if batch_idx == 0:
            state = unwrapped(runner.model).state_dict()
            self.state = {name: value.detach().cpu().clone(memory_format=torch.contiguous_format)
                          for name, value in state.items()}


def layout(cfg: Config) -> list[dict[str, Any]]:
    """The hooks of a config that lay weights out for the processor, and with it decide the last bits of outputs."""
    return [hook for hook in cfg.to_dict().get('custom_hooks', ()) if hook['type'] in LAYOUT]


def detector_config(cfg: Config, meta: LandmarkMeta) -> dict[str, Any]:
    """A run's config for who uses its network: no source, nothing that trains otherwise, and what MMPose's tools ask.

    Its ``data_root`` is that of the run, which ``tools/test.py`` and ``browse_dataset.py`` of MMPose need; predicting
    needs no data.

    Args:
        cfg: The run's config.
        meta: Its landmark scheme.
    """
    content = copy.deepcopy(cfg.to_dict())
    content['model'] = plain_model(content['model'])
    for name in ('work_dir', 'experiment_name', 'launcher', 'load_from', 'resume'):
        content.pop(name, None)
    content['custom_hooks'] = layout(cfg)
    for loader in ('train_dataloader', 'val_dataloader', 'test_dataloader'):
        if content.get(loader):
            content[loader]['dataset']['metainfo'] = meta.to_mmpose()
    content['default_hooks'] = content['default_hooks'] | dict(
        visualization=dict(type='PoseVisualizationHook', enable=False))
    backends = content.pop('vis_backends', None) or content.get('visualizer', {}).get('vis_backends')
    return content | dict(data_mode='topdown', dataset_type=content['test_dataloader']['dataset']['type'],
                          visualizer=dict(type='LandmarkVisualizer', vis_backends=backends, name='visualizer'))


def keep_network(place: Path, cfg: Config, state: dict[str, torch.Tensor], metainfo: dict[str, Any],
                 entry: dict[str, Any], validation: dict[str, Any] | None = None) -> dict[str, Any]:
    """Writes ``network.pth`` and ``detector.py``; the same network gives the same bytes.

    Args:
        place: The run's folder.
        cfg: The run's config.
        state: The weights.
        metainfo: The landmark scheme as MMPose's data set has parsed it.
        entry: What the run's record says of it.
        validation: What it says of its validation images (:func:`.validated.validate`), where there are some.

    Returns:
        What the record says of them: ``file``, ``sha256`` and ``bytes`` of the network.
    """
    root = Path(cfg.test_dataloader.dataset.data_root)
    scheme = load_scheme(root)
    config = detector_config(cfg, scheme)
    data = config['test_dataloader']['dataset']
    meta = dict(format_version=FORMAT, run={name: entry[name] for name in OF_RUN if name in entry},
                source=_source(entry), landmarks=scheme.to_dict(), crop=read_crop(root), came=read_format(root),
                dataset_meta=plain(metainfo),
                imports=config.get('custom_imports', {}).get('imports', []), model=config['model'],
                dataset={name: data.get(name) for name in ('input_size', 'resize', 'pipeline')},
                hooks=config['custom_hooks'])
    # By way of memory: torch writes a file's own name into it, and a temporary name would make the bytes differ.
    content = io.BytesIO()
    beside = {} if validation is None else dict(validation=validation)
    torch.save(dict(meta=plain(meta), state_dict=state, **beside), content)
    with atomic_path(place / NETWORK) as temporary:
        temporary.write_bytes(content.getvalue())
    write_text(place / DETECTOR, Config(config, format_python_code=False).pretty_text)
    return dict(file=NETWORK, sha256=file_digest(place / NETWORK), bytes=len(content.getvalue()))


def _source(entry: dict[str, Any]) -> dict[str, Any] | None:
    """What the source of a run says of its name, licence, citation and training, or None."""
    if not entry.get('source_hash'):
        return None
    meta = read_checkpoint(entry['source']).get('meta')
    return {name: meta[name] for name in OF_SOURCE if meta.get(name)} or None if isinstance(meta, dict) else None
