"""The number of labelled images; beside CTD the two baselines that were best on the validation split of real faces.

Weights are those that most seeds of the suite `baselines` chose there (docs/studies/baselines.md).
"""
_base_ = './axis.py'
title = 'The number of labelled images'
question = 'With how few labels does regularising begin to help?'
methods = dict(
    _delete_=True, ft={}, ctd_ed=dict(cfg_options={'model.head.transfer.ed.weight': 2e-4}),
    ctd_com=dict(cfg_options={'model.head.transfer.ed.weight': 2e-4}),
    fitnets=dict(label='FitNets', cfg_options={'model.head.transfer.fitnets.weight': 2e-3}),
    l2=dict(label='Weight decay', cfg_options={'optim_wrapper.optimizer.weight_decay': 1e-5}))
conditions = {
    f'labels_{count}': dict(label=f'{count} labels', value=count, num_labels=count)
    for count in (20, 5, 10, 40)}
