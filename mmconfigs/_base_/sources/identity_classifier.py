"""The source task: a classifier of identities from a folder of faces with index.csv; Adam, cosine decay."""
_base_ = '../default_runtime.py'
model = dict(
    type='SourceClassifier', backbone=dict(type='ResNet', depth=50, out_indices=(0, 1, 2, 3)), in_channels=2048,
    num_classes=0, label_smoothing=0.1, dropout=0.0,
    data_preprocessor=dict(type='ImgDataPreprocessor', mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375]))
train_dataloader = dict(
    batch_size=32, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True, seed=0), drop_last=True,
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='IdentityDataset', data_root='', split='train', input_size=(256, 256), augment=True))
val_dataloader = dict(
    batch_size=32, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    collate_fn=dict(type='default_collate'),
    dataset=dict(type='IdentityDataset', data_root='', split='val', input_size=(256, 256)))
train_cfg = dict(type='ResumableTrainLoop', max_epochs=20, val_interval=1000)
val_cfg = dict()
val_evaluator = dict(type='IdentityAccuracy')
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='AdamW', lr=1e-3, weight_decay=0.05))
param_scheduler = [dict(type='CosineAnnealingLR', T_max=20, eta_min=1e-6, begin=0, end=20, by_epoch=True,
                        convert_to_iter_based=True)]
