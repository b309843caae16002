"""One run from a config, MMEngine style: tools/train.py CONFIG [--work-dir DIR] [--cfg-options KEY=VALUE ...].

CTD_DATA names a prepared data set and CTD_SOURCE a source checkpoint; both can also be given with --cfg-options. The
number of heatmaps is that of the data set's landmarks.
"""

import argparse

from benchmark.commands.single_run import single_config, single_parser
from benchmark.utils.refusals import refuse


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = single_parser('tools/train.py', __doc__, 'a config, such as mmconfigs/methods/ctd_ed.py',
                      'wherever the config says it', 'output folder', 'train_cfg.max_epochs=5')
    p.add_argument('--launcher', choices=('none', 'pytorch', 'slurm', 'mpi'), default='none',
                   help='for one run over several GPUs, as in: torchrun --nproc-per-node 2 tools/train.py CONFIG '
                        '--launcher pytorch')
    p.add_argument('--local-rank', '--local_rank', type=int, default=0, help=argparse.SUPPRESS)
    return p


def main() -> int:
    """Trains; exit code 2 for bad input."""
    args = parser().parse_args()
    import torch
    from mmengine.runner import Runner
    try:
        cfg = single_config(args, 'train')
        cfg.launcher = args.launcher
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
