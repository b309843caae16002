"""A prepared set of landmarks at 256 px: four discrete views in training, the plain view in tests."""
data_root = '{{$CTD_DATA:data/faces}}'
codec = dict(type='ArgmaxHeatmap', input_size=(256, 256), heatmap_size=(64, 64), sigma=1.5, decoding='argmax')
meta_keys = ('id', 'img_id', 'img_path', 'image', 'subject', 'groups', 'pixel_spacing', 'annotated', 'ori_shape',
             'img_shape', 'input_size', 'input_center', 'input_scale', 'flip', 'flip_indices', 'view_row',
             'channel_order')
train_pipeline = [
    dict(type='DrawView', flip=0.5, scales=(1.0, 0.8)),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys)]
test_pipeline = [
    dict(type='ReadPhotograph', input_size=(256, 256)),
    dict(type='DrawView', train=False),
    dict(type='GenerateTarget', encoder=codec),
    dict(type='PackPoseInputs', meta_keys=meta_keys)]
train_dataloader = dict(
    batch_size=2, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=True, seed=0),
    dataset=dict(type='LandmarkDataset', data_root=data_root, split='train', input_size=(256, 256),
                 pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=8, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='LandmarkDataset', data_root=data_root, split='val', input_size=(256, 256),
                 pipeline=test_pipeline, test_mode=True))
test_dataloader = dict(
    batch_size=8, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False),
    dataset=dict(type='LandmarkDataset', data_root=data_root, split='test', input_size=(256, 256),
                 pipeline=test_pipeline, test_mode=True))
val_evaluator = dict(type='LandmarkErrorMetric')
test_evaluator = dict(type='LandmarkErrorMetric')
