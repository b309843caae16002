"""What moves a result from seed to seed"""
_base_ = './axis.py'
title = 'What moves a result from seed to seed'
question = 'Which of initialisation, order, augmentation and choice of labels makes results vary?'
methods = dict(_delete_=True, ft={}, ctd_ed={})
conditions = dict(
    every=dict(label='all of them', num_labels=20),
    init=dict(label='initialisation', num_labels=20, seeding=dict(all='fixed', init='shared')),
    order=dict(label='order', num_labels=20, seeding=dict(all='fixed', order='shared')),
    augmentation=dict(label='augmentation', num_labels=20, seeding=dict(all='fixed', augmentation='shared')),
    split=dict(label='choice of labels', num_labels=20, seeding=dict(all='fixed', split='shared')))
