"""LandmarkDataPreprocessor: MMPose's bits, without its copies."""

import pytest
import torch

OPTIONS = dict(mean=[123.675, 116.28, 103.53], std=[58.395, 57.12, 57.375])


@pytest.fixture
def batch(registered):
    from mmengine.structures import InstanceData, PixelData
    from mmpose.structures import PoseDataSample

    def make(sizes=((8, 8), (8, 8)), rows=(3, None)):
        generator = torch.Generator().manual_seed(0)
        samples = []
        for row in rows:
            sample = PoseDataSample(metainfo=dict(view_row=row, img_shape=(8, 8)))
            sample.gt_fields = PixelData(heatmaps=torch.rand(2, 2, 2, generator=generator))
            sample.gt_instance_labels = InstanceData(keypoint_weights=torch.ones(1, 2))
            samples.append(sample)
        return dict(inputs=[torch.randint(256, (3, *size), dtype=torch.uint8, generator=generator) for size in sizes],
                    data_samples=samples)

    return make


def build(kind='LandmarkDataPreprocessor', **options):
    from mmpose.registry import MODELS
    return MODELS.build(dict(type=kind, **OPTIONS, **options))


def test_mmposes_bits(batch):
    theirs, ours = build('PoseDataPreprocessor')(batch(), True), build()(batch(), True)
    assert torch.equal(ours['inputs'], theirs['inputs'])
    for one, other in zip(ours['data_samples'], theirs['data_samples'], strict=True):
        assert one.metainfo == other.metainfo
        assert torch.equal(one.gt_fields.heatmaps, other.gt_fields.heatmaps)


def test_samples_are_passed_on_as_they_are(batch):
    data = batch()
    found = build()(data, True)['data_samples']
    assert all(one is other for one, other in zip(found, data['data_samples'], strict=True))


def test_images_of_several_sizes_go_mmposes_way(batch):
    sizes = ((8, 8), (6, 8))
    theirs, ours = build('PoseDataPreprocessor')(batch(sizes), True), build()(batch(sizes), True)
    assert torch.equal(ours['inputs'], theirs['inputs']) and ours['inputs'].shape == (2, 3, 8, 8)


def test_numbered_views_stay_on_the_device_up_to_a_limit(batch):
    # torch's meta device stands for any that is no CPU.
    one = build().to('meta')
    first, second = one(batch(), True), one(batch(), True)
    assert first['inputs'].device.type == 'meta' and first['inputs'].shape == (2, 3, 8, 8)
    assert first['data_samples'][0] is second['data_samples'][0]
    assert first['data_samples'][1] is not second['data_samples'][1]
    assert first['data_samples'][0].gt_fields.heatmaps.device.type == 'meta'
    assert one(batch(), False)['data_samples'][0] is not first['data_samples'][0]
    full = build(resident_gib=100 / 2**30).to('meta')
    assert full(batch(), True)['data_samples'][0] is not full(batch(), True)['data_samples'][0]
