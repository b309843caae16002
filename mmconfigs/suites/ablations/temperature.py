"""The temperature of CTD-CD"""
_base_ = './axis.py'
title = 'The temperature of CTD-CD'
question = 'Does softening the class distribution matter?'
methods = dict(_delete_=True, ft={}, ctd_cd={})
analysis = dict(value_label='temperature')
conditions = {
    f'mu_{value:g}': dict(label=f'mu {value:g}', value=value,
                          method_options=dict(ctd_cd={'model.head.transfer.cd.temperature': value}))
    for value in (2.0, 0.5, 1.0, 4.0, 8.0)}
