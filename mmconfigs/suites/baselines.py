"""baselines: what else one can do with a pre-trained network, each tuned by three trials per seed."""
_base_ = './demo.py'
title = 'Cross-task regularisation against its baselines'
question = 'With 20 labels, does regularising by the source beat other ways to use a pre-trained network?'
methods = dict(
    _delete_=True, ft={}, ctd_ed={}, ctd_com={}, ctd_ed_random=dict(label='CTD-ED, random source'),
    l2_sp=dict(label='L2-SP'), delta={}, lwf=dict(label='LwF'), kd={}, fitnets=dict(label='FitNets'),
    attention_transfer=dict(label='Attention'), pkd={}, channel_wise=dict(label='Channel-wise'), rkd={}, cka={},
    similarity_preserving=dict(label='Similarity'), bss={}, rtl={}, rtl_spatial=dict(label='RTL, spatial only'),
    rtl_channel=dict(label='RTL, channels only'), bn_frozen=dict(label='BN frozen'),
    layer_lr=dict(label='Stage-wise rates'), lp_ft={}, ema={}, wise_ft=dict(label='WiSE-FT'),
    stoch_norm=dict(label='StochNorm'), l2=dict(label='Weight decay'), scratch=dict(label='From scratch'))
seeds = 5
seeding = dict(all='shared')
conditions = dict(few=dict(label='20 labels', value=20, num_labels=20, iterations=240))
analysis = dict(proposed=None, reference='ft', groups=[])
# Three values a factor of ten apart around the config's weight; rates a factor of three; else what the papers vary.
tuning = dict(trials=3, kind='grid', axes={
    **{name: {'optim_wrapper.optimizer.lr': [3e-4, 1e-3, 3e-3]} for name in ('ft', 'bn_frozen', 'ema', 'scratch')},
    **{name: {f'model.head.transfer.{key}.weight': [weight / 10, weight, weight * 10]} for name, key, weight in (
        ('ctd_ed', 'ed', 2e-3), ('ctd_com', 'ed', 2e-3), ('ctd_ed_random', 'ed', 2e-3), ('l2_sp', 'l2_sp', 2e-3),
        ('delta', 'delta', 2e-3), ('lwf', 'lwf', 2e-3), ('kd', 'kd', 2e-3), ('fitnets', 'fitnets', 2e-3),
        ('attention_transfer', 'at', 2.0), ('pkd', 'pkd', 0.012), ('channel_wise', 'cwd', 0.1), ('rkd', 'rkd', 0.05),
        ('cka', 'cka', 2e-3), ('similarity_preserving', 'sp', 6.0), ('bss', 'bss', 2e-6), ('rtl_spatial', 'sa', 2e-3),
        ('rtl_channel', 'ca', 2e-3))},
    'rtl': {'model.head.transfer': [{key: dict(weight=weight) for key in ('cd', 'ed', 'sa', 'ca')}
                                    for weight in (2e-4, 2e-3, 2e-2)]},
    'layer_lr': {'optim_wrapper.paramwise_cfg.stage_decay': [0.2, 0.4, 0.7]},
    'lp_ft': {'custom_hooks.LPFTHook.share': [0.25, 0.5, 0.75]},
    'wise_ft': {'custom_hooks.WiseFTHook.alpha': [0.25, 0.5, 0.75]},
    'stoch_norm': {'model.backbone.norm_cfg.p': [0.25, 0.5, 0.75]},
    'l2': {'optim_wrapper.optimizer.weight_decay': [1e-5, 1e-4, 1e-3]}})
