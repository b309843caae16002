"""Simple Baselines (Xiao et al. 2018): ResNet encoder, three deconvolutions, a 1x1 convolution, K = 14 heatmaps.

The encoder starts as the source network: CTD_SOURCE names its checkpoint.
"""
source_checkpoint = '{{$CTD_SOURCE:sources/faces.pth}}'
backbone = dict(type='ResNet', depth=50, out_indices=(0, 1, 2, 3))
model = dict(
    type='TopdownPoseEstimator',
    data_preprocessor=dict(type='LandmarkDataPreprocessor', mean=[123.675, 116.28, 103.53],
                           std=[58.395, 57.12, 57.375]),
    backbone=dict(**backbone, init_cfg=dict(type='Pretrained', checkpoint=source_checkpoint, prefix='backbone.')),
    head=dict(
        type='HeatmapHead', in_channels=2048, out_channels=14, deconv_out_channels=(256, 256, 256),
        deconv_kernel_sizes=(4, 4, 4), loss=dict(type='HeatmapLoss', reduction='mean'),
        decoder=dict(type='ArgmaxHeatmap', input_size=(256, 256), heatmap_size=(64, 64), sigma=1.5,
                     decoding='argmax')),
    train_cfg=dict(compute_acc=False),
    test_cfg=dict(flip_test=False))
