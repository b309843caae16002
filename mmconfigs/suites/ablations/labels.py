"""The number of labelled images"""
_base_ = './axis.py'
title = 'The number of labelled images'
question = 'With how few labels does regularising begin to help?'
methods = dict(_delete_=True, ft={}, ctd_ed={}, ctd_com={}, bn_frozen={}, l2_sp={})
conditions = {
    f'labels_{count}': dict(label=f'{count} labels', value=count, num_labels=count)
    for count in (20, 5, 10, 40)}
