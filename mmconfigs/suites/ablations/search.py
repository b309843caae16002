"""A random search over learning rate and weight: eight trials per method and seed, chosen on validation"""
_base_ = './axis.py'
title = 'Random search'
question = 'Do the regularised methods win once both learning rate and weight are tuned?'
methods = dict(_delete_=True, ft={}, ctd_ed={})
seeds = 3
tuning = dict(trials=8, kind='random', axes=dict(
    ft={'optim_wrapper.optimizer.lr': dict(low=1e-4, high=1e-2, log=True)},
    ctd_ed={'optim_wrapper.optimizer.lr': dict(low=1e-4, high=1e-2, log=True),
            'model.head.transfer.ed.weight': dict(low=1e-5, high=1e-1, log=True)}))
