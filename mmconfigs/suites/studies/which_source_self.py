"""which_source_self: a source trained here on the identities that are given, few, in VGGFace2's own architecture.

Between random weights and a network that knows thousands of people stands what most laboratories could train. What
starts from it takes the steps and the rate of what starts from nothing. It is judged on other people than it was
trained on. Runs that which_source has done on the same data are taken over if they lie in the same folder.
"""
_base_ = './which_source.py'
title = "Is a source of one's own, trained on few people, worth holding on to?"
question = ('Does fine-tuning from a network that was trained on some dozens of people err less than training from '
            'scratch, does holding on to it help, and how far is it from one that knows thousands?')
source = dict(
    _delete_=True, type='train', epochs=60,
    data=dict(type='identities', root='{{$CTD_SOURCE_DATA:data/identities}}'),
    judge=dict(type='identities', root='{{$CTD_JUDGE_DATA:data/people}}'))
methods = dict(
    _delete_=True,
    scratch=dict(label='FT, scratch', settings=dict(iterations=600, lr=2e-3)),
    fe_self=dict(config='fe', label='FE, self-trained'),
    ft_self=dict(config='ft', label='FT, self-trained', settings=dict(iterations=600, lr=2e-3)),
    ctd_ed_self=dict(config='ctd_ed', label='CTD-ED, self-trained', settings=dict(iterations=600, lr=2e-3)),
    **{f'{use}_vggface2': dict(config=use, label=f'{word}, VGGFace2', source='vggface2_mobilenet')
       for use, word in dict(fe='FE', ft='FT', ctd_ed='CTD-ED').items()})
conditions = dict(_delete_=True, labels_10=dict(label='10 labels', value=10, num_labels=10))
analysis = dict(
    proposed='ctd_ed_self', reference='ft_self',
    pairs=[('ctd_ed_self', 'ft_self'), ('ft_self', 'scratch'), ('ft_vggface2', 'ft_self'),
           ('ctd_ed_vggface2', 'ft_vggface2')])
