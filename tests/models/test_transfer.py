"""The equations of the paper against values worked out by hand."""

import math
from types import SimpleNamespace

import pytest
import torch


@pytest.fixture
def losses(registered):
    from benchmark.models import transfer
    return transfer


def context(source, target):
    return SimpleNamespace(source=source, target=target)


class TestHeatmapLoss:
    """Equation 1."""

    def batch(self):
        output = torch.zeros(2, 2, 2, 2)
        target = torch.zeros(2, 2, 2, 2)
        target[0, 0] = torch.tensor([[1., 2.], [0., 0.]])   # 5
        target[0, 1] = torch.tensor([[0., 0.], [3., 0.]])   # 9
        target[1, 0] = torch.tensor([[0., 1.], [0., 1.]])   # 2
        target[1, 1] = torch.tensor([[4., 0.], [0., 0.]])   # 16
        return output, target

    def test_mean_and_sum(self, registered):
        from benchmark.models import HeatmapLoss
        output, target = self.batch()
        # mean: (5 + 9 + 2 + 16) / 16 pixels; sum: ((5 + 9) + (2 + 16)) / 2 images
        assert HeatmapLoss('mean')(output, target) == pytest.approx(2.0)
        assert HeatmapLoss('sum')(output, target) == pytest.approx(16.0)

    def test_missing_landmark_does_not_shrink_the_rest(self, registered):
        from benchmark.models import HeatmapLoss
        output, target = self.batch()
        weights = torch.tensor([[1., 0.], [1., 1.]])
        # mean: (5 + 2 + 16) / 12 pixels; sum: (5 * 2/1 + 18) / 2
        assert HeatmapLoss('mean')(output, target, weights) == pytest.approx(23 / 12)
        assert HeatmapLoss('sum')(output, target, weights) == pytest.approx(14.0)

    def test_nothing_annotated(self, registered):
        from benchmark.models import HeatmapLoss
        output, target = self.batch()
        output.requires_grad_()
        loss = HeatmapLoss('mean')(output, target, torch.zeros(2, 2))
        loss.backward()
        assert loss == 0 and output.grad.abs().sum() == 0

    def test_unknown_reduction(self, registered):
        from benchmark.models import HeatmapLoss
        with pytest.raises(ValueError, match="reduction='max'"):
            HeatmapLoss('max')


class TestClassDistribution:
    """Equation 3."""

    def test_temperature(self, losses):
        # softmax of (2 ln 3, 0) / 2 = (3/4, 1/4); of (0, 0) = (1/2, 1/2); squared distance 2 * (1/4)^2 = 1/8
        source = torch.tensor([[2 * math.log(3), 0.], [0., 0.]])
        target = torch.zeros(2, 2)
        value = losses.ClassDistributionLoss(temperature=2)(context(dict(logits=source), dict(logits=target)))
        assert value == pytest.approx((1 / 8 + 0) / 2)

    def test_temperature_one_and_mean_over_classes(self, losses):
        # softmax of (ln 3, 0) = (3/4, 1/4): 1/8 over 2 classes
        source = torch.tensor([[math.log(3), 0.]])
        loss = losses.ClassDistributionLoss(temperature=1, reduction='mean')
        assert loss(context(dict(logits=source), dict(logits=torch.zeros(1, 2)))) == pytest.approx(1 / 16)

    @pytest.mark.parametrize('bad', [dict(temperature=0), dict(reduction='max'), dict(weight=-1)])
    def test_refused(self, losses, bad):
        with pytest.raises(ValueError, match=next(iter(bad))):
            losses.ClassDistributionLoss(**bad)


class TestEncoderCosine:
    """Equation 4 on a batch of two maps with 2 channels and 1 x 2 places."""

    source = torch.tensor([[[[1., 0.]], [[0., 1.]]], [[[1., 0.]], [[0., 0.]]]])
    target = torch.tensor([[[[1., 0.]], [[0., -1.]]], [[[3., 4.]], [[0., 0.]]]])

    def value(self, losses, **options):
        taps = [dict(stage4=m, pooled=m.mean((2, 3))) for m in (self.source, self.target)]
        return float(losses.EncoderCosineLoss(**options)(context(*taps)))

    def test_map(self, losses):
        # image 1: (1 - 1) / 2 = 0; image 2: 3 / 5
        assert self.value(losses) == pytest.approx(1 - 0.6 / 2)

    def test_literal_sum(self, losses):
        assert self.value(losses, reduction='sum') == pytest.approx(1 - 0.6)

    def test_pooled(self, losses):
        # image 1: (1, 1) and (1, -1): 0; image 2: (1, 0) and (7, 0): 1
        assert self.value(losses, mode='pooled') == pytest.approx(0.5)

    def test_location(self, losses):
        # image 1: places 1 and -1: 0; image 2: places 1 and 0 (a zero vector): 1/2
        assert self.value(losses, mode='location') == pytest.approx(1 - 0.25)

    def test_taps(self, losses):
        assert losses.EncoderCosineLoss(mode='pooled').source_taps == ('pooled',)
        assert losses.EncoderCosineLoss(stage='stage3').target_taps == ('stage3',)
        with pytest.raises(ValueError, match="mode='maps'"):
            losses.EncoderCosineLoss(mode='maps')
