"""which_source_held: does it matter what a detector is held to, once every method has the rate that suits it?"""
_base_ = './which_source_tuned.py'
title = 'What a detector is held to, each method at its own rate'
question = ('Where each method and seed takes the rate that does best on the validation split, does holding on to a '
            'network of faces err less than fine-tuning from it, and than holding on to one that knows nothing?')
methods = dict(
    _delete_=True,
    **{f'{use}_{name}': dict(config=config, label=f'{word}, {label}{held}', source=network)
       for name, label, network in (('vggface2', 'VGGFace2', 'vggface2_mobilenet'), ('dlib', 'dlib', 'dlib_resnet'))
       for use, config, word, held in (('ft', 'ft', 'FT', ''), ('ctd_ed', 'ctd_ed', 'CTD-ED', ''),
                                       ('held_to_random', 'ctd_ed_random', 'CTD-ED', ' held to random'))})
tuning = dict(axes=dict(_delete_=True, **{
    f'{use}_{name}': {'optim_wrapper.optimizer.lr': [1.25e-4, 2.5e-4, 5e-4, 1e-3]}
    for use in ('ft', 'ctd_ed', 'held_to_random') for name in ('vggface2', 'dlib')}))
analysis = dict(
    proposed='ctd_ed_vggface2', reference='ft_vggface2',
    pairs=[(f'ctd_ed_{name}', f'{other}_{name}')
           for name in ('vggface2', 'dlib') for other in ('ft', 'held_to_random')])
