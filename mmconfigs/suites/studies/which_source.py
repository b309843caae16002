"""which_source: does what a source knows of faces go with what it is worth? Five sources, four ways of using each.

Three of the sources come from package registries (tools/get_source.py --list); random is a control that never learnt
anything, and scratch starts anew. Nothing but the source differs between arms, except what random weights need to
converge: four times the steps and the rate. Rates were chosen on the frontal faces' validation split with 20 labels.
"""
title = 'Which source?'
question = ('Does the gain over fine-tuning from scratch go with what the source knows of faces, and is holding on to '
            'the source worth more than starting from it?')
seeds = 5
data = dict(type='prepared', root='{{$CTD_DATA:data/faces}}')
source = dict(type='random', judge=dict(type='identities', root='{{$CTD_SOURCE_DATA:data/identities}}'))
settings = dict(
    backbone='mobilenet_v1', encoder_stride=16, input_size=(128, 128), batch_size=4, drop_last=True,
    decoder_channels=128, iterations=150, lr=5e-4, augmentation='affine', decoding='dark', channels_last=True)
methods = dict(
    scratch=dict(label='FT, scratch', settings=dict(iterations=600, lr=2e-3)),
    fe_random=dict(config='fe', label='FE, random'),
    ctd_ed_random=dict(config='ctd_ed', label='CTD-ED, random', settings=dict(iterations=600, lr=2e-3)),
    l2_sp_random=dict(config='l2_sp', label='L2-SP, random', settings=dict(iterations=600, lr=2e-3)),
    **{f'{use}_{name}': dict(config=use, label=f'{word}, {label}', source=network)
       for name, label, network in (('imagenet', 'ImageNet', 'imagenet_mobilenet_v2'),
                                    ('vggface2', 'VGGFace2', 'vggface2_mobilenet'), ('dlib', 'dlib', 'dlib_resnet'))
       for use, word in dict(fe='FE', ft='FT', ctd_ed='CTD-ED', l2_sp='L2-SP').items()},
    # Starts from the faces, and is held to a network that knows nothing.
    held_to_random=dict(config='ctd_ed_random', label='CTD-ED, VGGFace2 held to random', source='vggface2_mobilenet'))
conditions = {f'labels_{count}': dict(label=f'{count} labels', value=count, num_labels=count) for count in (10, 5, 20)}
seeding = dict(all='shared')
workers = 2
analysis = dict(
    proposed='ctd_ed_vggface2', reference='ft_vggface2', value_label='labelled training images',
    # A share of the inter-ocular distance: 3 % of an NME of 2 %, the gain that the paper reports of CTD-ED.
    margin=dict(NME=0.0006),
    pairs=[
        # Holding on to the source against starting from it.
        *((f'{use}_{name}', f'ft_{name}') for name in ('vggface2', 'dlib', 'imagenet') for use in ('ctd_ed', 'l2_sp')),
        ('ctd_ed_vggface2', 'held_to_random'),
        # Faces against everyday objects, and both against nothing.
        ('ft_vggface2', 'ft_imagenet'), ('ft_dlib', 'ft_imagenet'),
        *((f'ft_{name}', 'scratch') for name in ('vggface2', 'dlib', 'imagenet'))])
