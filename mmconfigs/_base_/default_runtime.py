"""Runtime of every run: the suite's plug-ins, a plain loop, the last checkpoint only."""
custom_imports = dict(imports=['benchmark.plugins'], allow_failed_imports=False)
default_scope = 'mmpose'
default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=10, log_metric_by_epoch=True),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='CheckpointHook', interval=-1, by_epoch=True, max_keep_ckpts=1, save_last=True,
                    save_optimizer=False, save_param_scheduler=False),
    sampler_seed=dict(type='DistSamplerSeedHook'))
custom_hooks = [dict(type='SetEpochHook'), dict(type='TransferHook'), dict(type='StrictSourceHook'),
                dict(type='FiniteLossHook'), dict(type='FeatureCacheHook'),
                dict(type='MatrixConvolutionHook'), dict(type='PlainCheckpointHook')]
env_cfg = dict(cudnn_benchmark=False, mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
               dist_cfg=dict(backend='nccl'))
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='Visualizer', vis_backends=vis_backends)
log_processor = dict(type='LogProcessor', window_size=10, by_epoch=True, num_digits=6)
log_level = 'INFO'
load_from = None
resume = False
randomness = dict(seed=0, deterministic=True)
