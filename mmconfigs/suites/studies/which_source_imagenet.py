"""which_source_imagenet: a second architecture that never saw people as such, so that networks of faces and of everyday
objects stand against each other with two architectures each."""
_base_ = './which_source.py'
title = 'Networks of faces and of everyday objects, two architectures each'
question = 'Do detectors that start from networks of faces err less than those that start from networks of objects?'
methods = dict(
    _delete_=True,
    **{f'{use}_efficientnet': dict(config=use, label=f'{word}, ImageNet (EfficientNet)',
                                   source='imagenet_efficientnet_lite0')
       for use, word in dict(fe='FE', ft='FT', ctd_ed='CTD-ED', l2_sp='L2-SP').items()},
    **{f'ft_{name}': dict(config='ft', label=f'FT, {label}', source=network)
       for name, label, network in (('vggface2', 'VGGFace2', 'vggface2_mobilenet'), ('dlib', 'dlib', 'dlib_resnet'),
                                    ('imagenet', 'ImageNet (MobileNet)', 'imagenet_mobilenet_v2'))})
conditions = dict(_delete_=True, labels_10=dict(label='10 labels', value=10, num_labels=10))
analysis = dict(
    proposed='ft_vggface2', reference='ft_efficientnet',
    pairs=[('ft_vggface2', 'ft_efficientnet'), ('ft_dlib', 'ft_efficientnet'), ('ft_vggface2', 'ft_imagenet'),
           ('ft_dlib', 'ft_imagenet'), ('ft_imagenet', 'ft_efficientnet'),
           *((f'{use}_efficientnet', 'ft_efficientnet') for use in ('ctd_ed', 'l2_sp'))])
