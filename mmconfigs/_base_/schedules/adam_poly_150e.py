"""The paper's schedule: Adam at 1e-3, polynomial decay per iteration, 150 epochs; the last checkpoint is tested."""
train_cfg = dict(type='ResumableTrainLoop', max_epochs=150, val_interval=1000)
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='Adam', lr=1e-3, fused=True))
param_scheduler = [dict(type='PolyLR', power=0.9, eta_min=0.0, begin=0, end=150, by_epoch=True,
                        convert_to_iter_based=True)]
