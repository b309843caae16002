"""Cross-task regularised training: the simple baseline beside its frozen source; methods add ``transfer``."""
_base_ = './simple_baseline.py'
model = dict(
    type='CTDPoseEstimator',
    source=dict(type='FrozenSource', backbone={{_base_.backbone}}, checkpoint={{_base_.source_checkpoint}}),
    head=dict(type='CTDHead', train_classifier=True))
