"""which_source_tuned: does holding on to the source still pay once every method has the rate that suits it?"""
_base_ = './which_source.py'
title = 'Which source, each method at its own rate?'
question = ('Is holding on to a source worth more than fine-tuning from it, where each method and seed takes the rate '
            'that does best on the validation split?')
methods = dict(
    _delete_=True,
    **{f'{use}_{name}': dict(config=use, label=f'{word}, {label}', source=network)
       for name, label, network in (('dlib', 'dlib', 'dlib_resnet'), ('vggface2', 'VGGFace2', 'vggface2_mobilenet'),
                                    ('imagenet', 'ImageNet', 'imagenet_mobilenet_v2'))
       for use, word in dict(ft='FT', ctd_ed='CTD-ED').items()},
    # Starts from the faces, and is held to a network that knows nothing.
    held_to_random=dict(config='ctd_ed_random', label='CTD-ED, dlib held to random', source='dlib_resnet'))
conditions = dict(_delete_=True, labels_10=dict(label='10 labels', value=10, num_labels=10))
tuning = dict(trials=4, kind='grid', axes={
    name: {'optim_wrapper.optimizer.lr': [1.25e-4, 2.5e-4, 5e-4, 1e-3]}
    for name in ('held_to_random', *(f'{use}_{name}' for use in ('ft', 'ctd_ed')
                                     for name in ('dlib', 'vggface2', 'imagenet')))})
analysis = dict(
    proposed='ctd_ed_dlib', reference='ft_dlib',
    pairs=[*((f'ctd_ed_{name}', f'ft_{name}') for name in ('dlib', 'vggface2', 'imagenet')),
           ('ctd_ed_dlib', 'held_to_random')])
