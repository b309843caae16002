"""which_source_lambda: how the error responds to CTD-ED's weight with the strongest source and with one that is random.

At the rate that fine-tuning from this network chose on the validation split (which_source_tuned), so that the weight
does not make up for steps that are too long. Lambda = 0 is fine-tuning, bit for bit.
"""
_base_ = './which_source.py'
title = 'How firmly should a detector be held to its source?'
question = ('Does any weight of CTD-ED err less than fine-tuning from the strongest source at the rate that suits '
            'fine-tuning, and does it matter that the source knows faces?')
settings = dict(lr=1.25e-4)
methods = dict(
    _delete_=True,
    ctd_ed_dlib=dict(config='ctd_ed', label='CTD-ED, dlib', source='dlib_resnet'),
    held_to_random=dict(config='ctd_ed_random', label='CTD-ED, dlib held to random', source='dlib_resnet'))
conditions = dict(
    _delete_=True,
    **{f'lambda_{value:g}': dict(label=f'lambda {value:g}', value=value, num_labels=10, method_options={
        name: {'model.head.transfer.ed.weight': value} for name in ('ctd_ed_dlib', 'held_to_random')})
       for value in (2e-3, 0.0, 2e-4, 2e-2, 2e-1)})
analysis = dict(proposed='ctd_ed_dlib', reference='held_to_random', value_label='lambda',
                pairs=[('ctd_ed_dlib', 'held_to_random')])
