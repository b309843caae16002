"""The weight of the regularisers, with both controls: lambda = 0, and a source that is random."""
_base_ = './axis.py'
title = 'The weight of the regularisers'
question = 'Does any weight of the regularisers beat fine-tuning, and how does the error respond to it?'
methods = dict(ctd_ed_random=dict(label='CTD-ED, random source'))
analysis = dict(value_label='lambda')
conditions = {
    f'lambda_{value:g}': dict(label=f'lambda {value:g}', value=value, method_options=dict(
        ctd_cd={'model.head.transfer.cd.weight': value}, ctd_ed={'model.head.transfer.ed.weight': value},
        ctd_ed_random={'model.head.transfer.ed.weight': value}))
    for value in (2e-3, 0.0, 2e-5, 2e-4, 2e-2, 2e-1)}
