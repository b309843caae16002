"""One run from a config, MMEngine style: tools/train.py CONFIG [--work-dir DIR] [--cfg-options KEY=VALUE ...].

CTD_DATA names a prepared data set and CTD_SOURCE a source checkpoint; both can also be given with --cfg-options. The
number of heatmaps is that of the data set's landmarks.
"""

import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction

import benchmark
from benchmark.command_line import Parser
from benchmark.experiments.plan.configure import fit_data, follow_length
from benchmark.experiments.suite.configs import from_file
from benchmark.experiments.suite.overrides import override
from benchmark.utils.refusals import refuse


def main() -> int:
    """Trains; exit code 2 for bad input."""
    parser = Parser(prog='tools/train.py', description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help='a config, such as mmconfigs/methods/ctd_ed.py')
    parser.add_argument('--work-dir', default=None, help='output folder (default: runs/single/CONFIG)')
    parser.add_argument('--input-size', type=int, nargs=2, metavar=('WIDTH', 'HEIGHT'),
                        help="of the network's input in pixels, wherever the config says it (default: the config's)")
    parser.add_argument('--launcher', choices=('none', 'pytorch', 'slurm', 'mpi'), default='none',
                        help='for one run over several GPUs, as in: torchrun --nproc-per-node 2 tools/train.py CONFIG '
                             '--launcher pytorch')
    parser.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
                        help='config values to override, by dotted key, such as train_cfg.max_epochs=5')
    args = parser.parse_args()
    import torch
    from mmengine.runner import Runner
    try:
        benchmark.register()
        sys.path.append(str(Path(args.config).resolve().parent))
        cfg = from_file(args.config)
        length = cfg.train_cfg.max_epochs
        override(cfg, args.cfg_options)
        follow_length(cfg, length)
        size = args.input_size and tuple(args.input_size)
        fit_data(cfg, 'train', size, 'model.head.out_channels' not in args.cfg_options)
        cfg.launcher = args.launcher
        cfg.work_dir = args.work_dir or f'runs/single/{Path(args.config).stem}'
        from benchmark.datasets.metainfo import DataError
        from benchmark.models.source import SourceError
        if args.launcher == 'pytorch' and not torch.cuda.is_available():
            # MMEngine chooses a GPU for each process and wraps the model for it; without GPUs that is done here.
            torch.distributed.init_process_group('gloo')
            cfg.setdefault('model_wrapper_cfg', dict(device_ids=None, broadcast_buffers=False))
        runner = Runner.from_cfg(cfg)
    except (ValueError, FileNotFoundError) as error:
        return refuse(error)
    try:
        runner.train()
    except (DataError, SourceError) as error:
        return refuse(error)
    return 0
