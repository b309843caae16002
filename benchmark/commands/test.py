"""Tests a checkpoint: tools/test.py CONFIG CHECKPOINT [--out FILE.csv] [--cfg-options KEY=VALUE ...].

A CTD checkpoint is tested as the plain network that it is: its source is not needed. Every weight must fit, and nothing
in the file is executed.
"""

import argparse
import sys
from pathlib import Path

from mmengine.config import DictAction

import benchmark
from benchmark.command_line import Parser
from benchmark.experiments.plan.configure import fit_data
from benchmark.experiments.suite.configs import from_file
from benchmark.experiments.suite.overrides import override
from benchmark.utils.refusals import refuse


def main() -> int:
    """Tests; exit code 2 for bad input."""
    parser = Parser(prog='tools/test.py', description=__doc__,
                    formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', help="the run's config")
    parser.add_argument('checkpoint', help='its checkpoint')
    parser.add_argument('--input-size', type=int, nargs=2, metavar=('WIDTH', 'HEIGHT'),
                        help="of the network's input in pixels, as it was trained (default: the config's)")
    parser.add_argument('--out', type=Path, help='write the error per image and landmark as CSV')
    parser.add_argument('--work-dir', default=None, help='folder of the log (default: runs/single/CONFIG)')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction, default={}, metavar='KEY=VALUE',
                        help='config values to override, by dotted key, such as test_dataloader.batch_size=4')
    args = parser.parse_args()
    from mmengine.runner import Runner
    try:
        benchmark.register()
        sys.path.append(str(Path(args.config).resolve().parent))
        cfg = from_file(args.config)
        override(cfg, args.cfg_options)
        size = args.input_size and tuple(args.input_size)
        fit_data(cfg, 'test', size, 'model.head.out_channels' not in args.cfg_options)
        from benchmark.models import plain_model
        cfg.model = plain_model(cfg.model.to_dict())
        cfg.work_dir = args.work_dir or f'runs/single/{Path(args.config).stem}'
        for key in ('train_dataloader', 'train_cfg', 'optim_wrapper', 'val_dataloader', 'val_cfg', 'val_evaluator'):
            cfg[key] = None
        cfg.param_scheduler = None
        cfg.load_from = None
        from benchmark.models.checkpoint import load_weights, read_checkpoint
        content = read_checkpoint(args.checkpoint)
        runner = Runner.from_cfg(cfg)
        runner.call_hook('after_load_checkpoint', checkpoint=content)
        load_weights(runner.model, content['state_dict'], args.checkpoint)
        metrics = runner.test()
    except (ValueError, FileNotFoundError) as error:
        return refuse(error)
    if args.out:
        import pandas
        pandas.DataFrame(runner.test_evaluator.metrics[0].rows).to_csv(args.out, index=False)
    print('  '.join(f'{name} {value:.4f}' for name, value in sorted(metrics.items())))
    return 0
