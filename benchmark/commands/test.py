"""Tests a checkpoint: tools/test.py CONFIG CHECKPOINT [--out FILE.csv] [--cfg-options KEY=VALUE ...].

A CTD checkpoint is tested as the plain network that it is: its source is not needed. Every weight must fit, and nothing
in the file is executed.
"""

import argparse
from pathlib import Path

from benchmark.commands.single_run import single_config, single_parser
from benchmark.utils.refusals import refuse


def parser() -> argparse.ArgumentParser:
    """The command's arguments."""
    p = single_parser('tools/test.py', __doc__, "the run's config", 'as it was trained', 'folder of the log',
                      'test_dataloader.batch_size=4')
    p.add_argument('checkpoint', help='its checkpoint')
    p.add_argument('--out', type=Path, help='write the error per image and landmark as CSV')
    return p


def main() -> int:
    """Tests; exit code 2 for bad input."""
    args = parser().parse_args()
    from mmengine.runner import Runner
    try:
        cfg = single_config(args, 'test')
        from benchmark.models import plain_model
        cfg.model = plain_model(cfg.model.to_dict())
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
