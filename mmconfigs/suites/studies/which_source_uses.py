"""which_source_uses: other ways of holding on to a source: its class outputs, these and its map, attention."""
_base_ = './which_source.py'
title = 'Which source, and which way of holding on to it?'
question = ('Does any of CTD-CD, CTD-Com, LwF and the constraints of the follow-up (RTL: class outputs, features, '
            'attention) err less than fine-tuning from the same source?')
methods = dict(
    _delete_=True,
    **{f'{use}_{name}': dict(config=use, label=f'{word}, {label}', source=network)
       for name, label, network in (('dlib', 'dlib', 'dlib_resnet'), ('vggface2', 'VGGFace2', 'vggface2_mobilenet'))
       for use, word in dict(ft='FT', ctd_cd='CTD-CD', ctd_ed='CTD-ED', ctd_com='CTD-Com', lwf='LwF',
                             rtl='RTL').items()})
conditions = dict(_delete_=True, labels_10=dict(label='10 labels', value=10, num_labels=10))
analysis = dict(
    proposed='ctd_com_dlib', reference='ft_dlib',
    pairs=[(f'{use}_{name}', f'ft_{name}') for name in ('dlib', 'vggface2')
           for use in ('ctd_cd', 'ctd_ed', 'ctd_com', 'lwf', 'rtl')])
