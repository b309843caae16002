"""mine: fine-tuning, the proposed regularisers and the closest baselines on a prepared set of your own (--data-root),
all labels; with few images by cross-validation (--folds 5 --repeats 5). Without faces of a source task (--source)."""
_base_ = './real_faces.py'
title = 'Regularised fine-tuning on your own images'
question = 'Does regularising fine-tuning by the source network reduce the error on these images?'
methods = dict(
    _delete_=True, ft={}, ctd_ed={}, ctd_com={}, l2_sp=dict(label='L2-SP'), delta={}, bss={},
    scratch=dict(label='From scratch', settings=dict(iterations=1200, lr=1e-3)))
conditions = dict(_delete_=True, all=dict(label='all labels'))
