"""What the commands on one config have in common: their arguments, and the config that these make."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from mmengine.config import Config

import benchmark
from benchmark.command_line import Parser
from benchmark.experiments.plan.configure import fit_data, follow_length
from benchmark.experiments.suite.configs import from_file
from benchmark.experiments.suite.key_values import KeyValues
from benchmark.experiments.suite.overrides import override
from benchmark.utils.packages import lacking


def single_parser(prog: str, description: str | None, config: str, trained: str, folder: str,
                  example: str) -> argparse.ArgumentParser:
    """A command line with ``config``, ``--work-dir``, ``--input-size`` and ``--cfg-options``.

    Args:
        prog: The command.
        description: What it does.
        config: What its config is.
        trained: Which input size it is.
        folder: What its folder is for.
        example: A config value.
    """
    p = Parser(prog=prog, description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument('config', help=config)
    p.add_argument('--work-dir', default=None, help=f'{folder} (default: runs/single/CONFIG)')
    p.add_argument('--input-size', type=int, nargs=2, metavar=('WIDTH', 'HEIGHT'),
                   help=f"of the network's input in pixels, {trained} (default: the config's)")
    p.add_argument('--cfg-options', nargs='+', action=KeyValues, default={}, metavar='KEY=VALUE',
                   help=f'config values to override, by dotted key, such as {example}')
    return p


def single_config(args: argparse.Namespace, split: str) -> Config:
    """The config with what the command line changes of it, fitted to its data; MMPose knows this package afterwards.

    Args:
        args: Of :func:`single_parser`.
        split: ``train`` or ``test``: the data that it is fitted to.

    Raises:
        ValueError, FileNotFoundError: Bad input.
    """
    benchmark.register()
    sys.path.append(str(Path(args.config).resolve().parent))
    cfg = from_file(args.config)
    length = cfg.train_cfg.max_epochs if split == 'train' else None
    override(cfg, args.cfg_options)
    if needed := lacking(cfg.model.to_dict()):
        raise ValueError(f'{args.config}: model: {needed}')
    if length is not None:
        follow_length(cfg, length)
    size = args.input_size and tuple(args.input_size)
    fit_data(cfg, split, size, 'model.head.out_channels' not in args.cfg_options)
    cfg.work_dir = args.work_dir or f'runs/single/{Path(args.config).stem}'
    return cfg
