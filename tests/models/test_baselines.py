"""The baselines' formulas against plain ones in NumPy, their limiting cases, and where gradients go."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from scipy.special import rel_entr, softmax
from torch import nn

#: Name -> class and arguments of every baseline that compares taps of source and target.
COMPARED = dict(
    kd=('KnowledgeDistillationLoss', {}), lwf=('LearningWithoutForgettingLoss', {}),
    fitnets=('FitNetsLoss', {}), attention_transfer=('AttentionTransferLoss', dict(stages=('stage2', 'stage4'))),
    spatial=('SpatialAttentionLoss', dict(stages=('stage2', 'stage4'))),
    channel=('ChannelAttentionLoss', dict(stages=('stage2', 'stage4'))),
    channel_absolute=('ChannelAttentionLoss', dict(power=1)),
    pkd=('PearsonLoss', {}), channel_wise=('ChannelWiseLoss', {}),
    rkd_batch=('RelationalDistillationLoss', {}), rkd_token=('RelationalDistillationLoss', dict(relations='token')),
    cka_batch=('CKALoss', {}), cka_token=('CKALoss', dict(relations='token')),
    similarity_preserving=('SimilarityPreservingLoss', {}))


class Encoder(nn.Module):
    """Stage maps of 3 and 6 channels, by the names that a ResNet has."""

    out_indices = (1, 3)

    def __init__(self):
        super().__init__()
        self.second, self.last = nn.Conv2d(3, 3, 3, stride=16), nn.Conv2d(3, 6, 1)

    def forward(self, images):
        maps = self.second(images)
        return maps, self.last(maps)


@pytest.fixture
def make(registered):
    """Builds a baseline by its name in COMPARED, fitted to small encoders."""
    from benchmark.models import transfer

    def build(name, **changes):
        kind, options = COMPARED.get(name, (name, {}))
        torch.manual_seed(0)
        loss = getattr(transfer, kind)(**options | changes)
        loss.attach(Encoder(), Encoder())
        return loss

    return build


def draw(seed, batch=4, grad=False):
    """Taps as ResNets give them: two stages, their mean, logits."""
    rng = np.random.default_rng(seed)
    taps = dict(stage2=rng.normal(size=(batch, 3, 4, 4)), stage4=rng.normal(size=(batch, 6, 2, 3)),
                logits=3 * rng.normal(size=(batch, 5)))
    taps['pooled'] = taps['stage4'].mean((2, 3))
    return {name: torch.tensor(value, dtype=torch.float32, requires_grad=grad) for name, value in taps.items()}


def context(source, target, **more):
    return SimpleNamespace(source=source, target=target, **more)


def value(loss, source, target):
    return float(loss(context(source, target)).detach())


def arrays(seed, tap='stage4'):
    return draw(seed)[tap].double().numpy()


def divergence(source, target, temperature, axis):
    return rel_entr(softmax(source / temperature, axis), softmax(target / temperature, axis)).sum(axis)


class TestValues:
    """One formula each, worked out in float64 on seeds 0 (source) and 1 (target)."""

    def same(self, loss, expected):
        assert value(loss, draw(0), draw(1)) == pytest.approx(expected, rel=1e-4)

    @pytest.mark.parametrize(('name', 'factor'), [('kd', 9.0), ('lwf', 1.0)])
    def test_softened_classes(self, make, name, factor):
        self.same(make(name, temperature=3.0),
                  factor * divergence(arrays(0, 'logits'), arrays(1, 'logits'), 3, 1).mean())

    def test_divergence_by_hand(self, make):
        # softmax of (2 ln 3, 0) / 2 = (3/4, 1/4), of (0, 0) = (1/2, 1/2): KL = 3/4 ln 3/2 + 1/4 ln 1/2
        source, target = dict(logits=torch.tensor([[2 * np.log(3), 0]])), dict(logits=torch.zeros(1, 2))
        assert value(make('lwf'), source, target) == pytest.approx(0.75 * np.log(1.5) - 0.25 * np.log(2), rel=1e-5)

    def test_hint_through_the_regressor(self, make):
        loss = make('fitnets')
        weight, bias = (p.detach().double().numpy() for p in loss.regressor.parameters())
        mapped = np.einsum('oi,bihw->bohw', weight[:, :, 0, 0], arrays(1, 'stage2')) + bias[:, None, None]
        self.same(loss, ((mapped - arrays(0, 'stage2')) ** 2).mean() / 2)

    def test_attention_maps(self, make):
        total = 0
        for stage in ('stage2', 'stage4'):
            source, target = ((arrays(seed, stage) ** 2).sum(1).reshape(4, -1) for seed in (0, 1))
            unit = [q / np.linalg.norm(q, axis=1, keepdims=True) for q in (source, target)]
            total += ((unit[0] - unit[1]) ** 2).mean() / 2
        self.same(make('attention_transfer'), total)

    def test_attention_by_hand(self, make):
        # One place each: Q of length 1 is 1 in that place; the maps (1, 0) and (0, 1) differ by 1 in both of 2 places.
        source, target = (dict(stage4=torch.tensor(m).view(1, 2, 1, 2)) for m in ([3., 0, 4, 0], [0, 7., 0, 0]))
        assert value(make('attention_transfer', stages=['stage4']), source, target) == pytest.approx(0.5)

    @pytest.mark.parametrize(('name', 'over', 'power'), [
        ('spatial', 1, 2), ('channel', (2, 3), 2), ('channel', (2, 3), 3)])
    def test_attention_of_places_and_of_channels(self, make, name, over, power):
        total = 0
        for stage in ('stage2', 'stage4'):
            source, target = ((abs(arrays(seed, stage)) ** power).sum(over).reshape(4, -1) for seed in (0, 1))
            cosines = (source * target).sum(1) / np.linalg.norm(source, axis=1) / np.linalg.norm(target, axis=1)
            total += 1 - cosines.mean()
        self.same(make(name, **dict(power=power) if name == 'channel' else {}), total)

    # Two images, two channels (rows), two places (columns). First, squares: source (9 0; 16 0), target (0 0; 0 9).
    # Over channels: (25, 0) and (0, 9), of length 1 (1, 0) and (0, 1): half of the squared distance is 1.
    # Over places: (9, 16) and (0, 9), of length 1 (9, 16) / sqrt(337) and (0, 1): 1 - 16 / sqrt(337).
    # Absolute values over places: (3, 4) and (0, 3): 1 - 4/5. The second image is the same in both: 0.
    BY_HAND = [[[3., 0], [-4, 0]], [[1., 2], [3, 4]]], [[[0., 0], [0, 3]], [[1., 2], [3, 4]]]

    @pytest.mark.parametrize(('kind', 'options', 'expected'), [
        ('SpatialAttentionLoss', {}, 1 / 2), ('ChannelAttentionLoss', {}, (1 - 16 / 337 ** 0.5) / 2),
        ('ChannelAttentionLoss', dict(power=1), (1 - 4 / 5) / 2)])
    def test_attention_of_places_and_of_channels_by_hand(self, make, kind, options, expected):
        source, target = (dict(stage4=torch.tensor(maps).view(2, 2, 1, 2)) for maps in self.BY_HAND)
        assert value(make(kind, **options), source, target) == pytest.approx(expected, rel=1e-6)

    def test_a_squeezed_map_that_is_nowhere_negative_is_the_pooled_encoder(self, make):
        source, target = (dict(stage4=draw(seed)['stage4'].relu()) for seed in (0, 1))
        pooled = [dict(pooled=taps['stage4'].mean((2, 3))) for taps in (source, target)]
        expected = value(make('EncoderCosineLoss', mode='pooled'), *pooled)
        assert value(make('channel_absolute'), source, target) == pytest.approx(expected, rel=1e-5)
        assert value(make('ChannelAttentionLoss'), source, target) != pytest.approx(expected, rel=0.05)

    def test_one_minus_pearson(self, make):
        source, target = (arrays(seed).transpose(1, 0, 2, 3).reshape(6, -1) for seed in (0, 1))
        self.same(make('pkd'), np.mean([1 - np.corrcoef(s, t)[0, 1] for s, t in zip(source, target)]))

    def test_places_of_each_channel(self, make):
        source, target = (arrays(seed).reshape(4, 6, 6) for seed in (0, 1))
        self.same(make('channel_wise', temperature=2.0), 4 * divergence(source, target, 2, 2).mean())

    @pytest.mark.parametrize('relations', ['batch', 'token'])
    def test_distances_and_angles(self, make, relations):
        def huber(a, b):
            gap = np.abs(np.array(a) - np.array(b))
            return np.where(gap < 1, gap ** 2 / 2, gap - 0.5).mean()

        def measure(items):
            distances, n = pdist(items), len(items)
            angles = []
            for i, j, k in ((i, j, k) for i in range(n) for j in range(n) for k in range(n) if len({i, j, k}) == 3):
                e, f = items[i] - items[j], items[k] - items[j]
                angles.append(e @ f / np.linalg.norm(e) / np.linalg.norm(f))
            return distances / distances.mean(), angles

        found = [[huber(s, t) for s, t in zip(measure(source), measure(target))]
                 for source, target in zip(groups(0, relations), groups(1, relations))]
        distance, angle = np.mean(found, axis=0)
        self.same(make('rkd_batch', relations=relations, distance_weight=3.0), 3 * distance + 2 * angle)
        self.same(make('rkd_batch', relations=relations, angle_weight=0.0), distance)

    @pytest.mark.parametrize('relations', ['batch', 'token'])
    def test_linear_cka(self, make, relations):
        def cka(x, y):
            x, y = x - x.mean(0), y - y.mean(0)
            return np.linalg.norm(y.T @ x) ** 2 / np.linalg.norm(x.T @ x) / np.linalg.norm(y.T @ y)

        found = [cka(s, t) for s, t in zip(groups(0, relations), groups(1, relations))]
        self.same(make('cka_batch', relations=relations), 1 - np.mean(found))

    def test_similarities_of_images(self, make):
        rows = []
        for seed in (0, 1):
            flat = arrays(seed).reshape(4, -1)
            gram = flat @ flat.T
            rows.append(gram / np.linalg.norm(gram, axis=1, keepdims=True))
        self.same(make('similarity_preserving'), ((rows[0] - rows[1]) ** 2).sum() / 16)

    @pytest.mark.parametrize('k', [1, 3])
    def test_smallest_singular_values(self, make, k):
        self.same(make('SpectralShrinkageLoss', k=k),
                  (np.linalg.svd(arrays(1, 'pooled'), compute_uv=False)[-k:] ** 2).sum())

    def test_features_of_low_rank_are_not_shrunk(self, make):
        pooled = torch.outer(torch.arange(1., 5), torch.arange(6.))
        assert value(make('SpectralShrinkageLoss', k=3), {}, dict(pooled=pooled)) == pytest.approx(0, abs=1e-6)


def groups(seed, relations):
    """Items of each group: flattened images, or the places of each image's map."""
    features = arrays(seed)
    return [features.reshape(4, -1)] if relations == 'batch' else features.reshape(4, 6, -1).transpose(0, 2, 1)


@pytest.mark.parametrize('name', [name for name in COMPARED if name != 'fitnets'])
def test_identical_features_give_zero(make, name):
    assert value(make(name), draw(0), draw(0)) == pytest.approx(0, abs=1e-6)


def test_a_perfect_regressor_gives_zero(make):
    loss = make('fitnets')
    nn.init.dirac_(loss.regressor.weight)
    nn.init.zeros_(loss.regressor.bias)
    assert value(loss, draw(0), draw(0)) == 0


@pytest.mark.parametrize(('name', 'change'), [
    ('attention_transfer', lambda x: 7 * x), ('spatial', lambda x: -7 * x), ('channel', lambda x: -7 * x),
    ('pkd', lambda x: 7 * x - 3), ('channel_wise', lambda x: x - 3),
    ('rkd_batch', lambda x: 7 * x - 3), ('rkd_token', lambda x: 7 * x - 3), ('cka_batch', lambda x: 7 * x - 3),
    ('cka_token', lambda x: 7 * x - 3), ('similarity_preserving', lambda x: 7 * x)])
def test_scales_and_shifts_that_make_no_difference(make, name, change):
    loss, source, target = make(name), draw(0), draw(1)
    changed = {tap: change(features) for tap, features in target.items()}
    assert value(loss, source, changed) == pytest.approx(value(loss, source, target), rel=1e-4)


def test_an_order_that_makes_no_difference(make):
    """Of channels to where a map is active, of places to which of its channels are; not the other way round."""
    source, target = draw(0), draw(1)
    turned = {dims: {tap: target[tap].flip(dims) for tap in ('stage2', 'stage4')} for dims in ((1,), (2, 3))}
    for name, idle, other in (('spatial', (1,), (2, 3)), ('channel', (2, 3), (1,))):
        loss = make(name)
        before = value(loss, source, target)
        assert value(loss, source, turned[idle]) == pytest.approx(before, rel=1e-5)
        assert value(loss, source, turned[other]) != pytest.approx(before, rel=0.01)


@pytest.mark.parametrize('name', ['rkd_token', 'cka_token', 'rkd_batch', 'cka_batch'])
def test_rotations_that_make_no_difference(make, name):
    rotation = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(0)))[0]
    source, target = draw(0), draw(1)
    turned = dict(stage4=torch.einsum('oi,bihw->bohw', rotation, target['stage4']))
    assert value(make(name), source, turned) == pytest.approx(value(make(name), source, target), rel=1e-4)


@pytest.mark.parametrize('name', [*COMPARED, 'SpectralShrinkageLoss'])
def test_gradients_reach_the_target_and_are_those_of_the_value(make, name):
    loss, source, target = make(name), draw(0, grad=True), draw(1, grad=True)
    raw = loss(context({tap: features.detach() for tap, features in source.items()}, target))
    raw.backward()
    assert raw.shape == () and torch.isfinite(raw)
    for tap in loss.target_taps:
        gradient, features = target[tap].grad, target[tap].detach()
        assert torch.isfinite(gradient).all() and gradient.norm() > 0
        step = 1e-2 * gradient / gradient.norm()
        ends = [value(loss, source, {**target, tap: features + sign * step}) for sign in (1, -1)]
        assert (ends[0] - ends[1]) / 2e-2 == pytest.approx(float(gradient.norm()), rel=0.02)


@pytest.mark.parametrize('name', [*COMPARED, 'SpectralShrinkageLoss'])
def test_dead_features_have_finite_gradients(make, name):
    loss, source, target = make(name), draw(0), draw(1)
    dead = {tap: torch.zeros_like(features).requires_grad_() for tap, features in target.items()}
    raw = loss(context(source, dead))
    raw.backward()
    assert torch.isfinite(raw) and all(torch.isfinite(dead[tap].grad).all() for tap in loss.target_taps)


def test_with_two_images_relations_say_nothing(make):
    """Why the batch forms ask for three: RKD's distance and CKA are the same whatever the features."""
    for name in ('rkd_batch', 'cka_batch'):
        loss, other = make(name), make(name.replace('batch', 'token'))
        assert (loss.min_batch, other.min_batch) == (3, 1)
        assert value(other, draw(0, batch=1), draw(1, batch=1)) > 1e-3
    x, y = (draw(seed, batch=2)['stage4'].flatten(1) for seed in (0, 1))
    grams = [((z - z.mean(0)) @ (z - z.mean(0)).T).flatten() for z in (x, y)]
    assert float(nn.functional.cosine_similarity(*grams, dim=0)) == pytest.approx(1)
    for name in ('rkd_batch', 'cka_batch'):
        with pytest.raises(ValueError, match="2 items of relations='batch', and needs 3"):
            make(name)(context(draw(0, batch=2), draw(1, batch=2)))


def test_with_one_image_similarities_say_nothing(make):
    assert make('similarity_preserving').min_batch == 2 and make('SpectralShrinkageLoss', k=3).min_batch == 4
    assert value(make('similarity_preserving'), draw(0, batch=1), draw(1, batch=1)) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(('kind', 'options', 'message'), [
    ('KnowledgeDistillationLoss', dict(temperature=0), 'temperature=0'),
    ('LearningWithoutForgettingLoss', dict(temperature=-1), 'LearningWithoutForgettingLoss: temperature=-1'),
    ('ChannelWiseLoss', dict(temperature=0), 'temperature=0'), ('CKALoss', dict(relations='image'), "'image'"),
    ('CKALoss', dict(relations='token', tap='pooled'), "tap='pooled' has no places"),
    ('RelationalDistillationLoss', dict(angle_weight=-1), 'angle_weight=-1'), ('L2SPLoss', dict(alpha=-1), 'alpha=-1'),
    ('SpectralShrinkageLoss', dict(k=0), 'k=0'), ('AttentionTransferLoss', dict(stages=()), r'stages=\(\)'),
    ('SimilarityPreservingLoss', dict(stages='stage4'), "stages='stage4'"), ('DeltaLoss', dict(images=0), 'images=0'),
    ('DeltaLoss', dict(reduction='max'), "reduction='max'"), ('DeltaLoss', dict(beta=-1), 'beta=-1'),
    ('FitNetsLoss', dict(weight=-1), 'weight=-1'), ('SpatialAttentionLoss', dict(stages='stage4'), "stages='stage4'"),
    ('ChannelAttentionLoss', dict(stages=[]), r'stages=\[\]'),
    ('ChannelAttentionLoss', dict(power=0.5), 'power=0.5 is below 1')])
def test_refused(registered, kind, options, message):
    from benchmark.models import transfer
    with pytest.raises(ValueError, match=message):
        getattr(transfer, kind)(**options)


def test_l2_sp_by_hand(registered):
    from benchmark.models.transfer import L2SPLoss
    source, target, head = nn.Linear(2, 1), nn.Linear(2, 1), nn.Module()
    head.final, head.classifier = nn.Linear(1, 1), nn.Linear(2, 3)
    loss = L2SPLoss(alpha=0.5, beta=0.1)
    loss.attach(source, target)
    with torch.no_grad():
        for module, numbers in ((source, [1., 2, 3]), (target, [2., 4, 3]), (head.final, [3., 4])):
            nn.utils.vector_to_parameters(torch.tensor(numbers), module.parameters())
    given = context({}, {}, source_module=SimpleNamespace(backbone=source.requires_grad_(False)),
                    target_module=SimpleNamespace(backbone=target, head=head))
    # 0.5/2 (1 + 4 + 0) + 0.1/2 (9 + 16); g^t does not count
    raw = loss(given)
    raw.backward()
    assert float(raw.detach()) == pytest.approx(1.25 + 1.25)
    assert target.weight.grad.tolist() == [[0.5, 1.0]] and source.weight.grad is None
    assert head.final.bias.grad.tolist() == pytest.approx([0.4]) and head.classifier.weight.grad is None


def test_l2_sp_needs_something_in_common(registered):
    from benchmark.models import SourceError
    from benchmark.models.transfer import L2SPLoss
    with pytest.raises(SourceError, match='share no parameter. Use one backbone'):
        L2SPLoss().attach(nn.Linear(2, 1), nn.Conv2d(1, 2, 3))


class TestDelta:
    """The attention, and the distance that it weights, on two stages that are multiplications."""

    def loss(self, **options):
        from benchmark.models.transfer import DeltaLoss
        loss = DeltaLoss(stages=('stage2', 'stage4'), **options)
        loss.register_buffer('attention_stage2', torch.tensor([0.5, 0.25, 0.25]))
        loss.register_buffer('attention_stage4', torch.full((6,), 1 / 6))
        return loss

    def given(self, progress=0.5):
        head = nn.Module()
        head.final_layer = nn.Linear(1, 1)
        nn.utils.vector_to_parameters(torch.tensor([3., 4]), head.parameters())
        return context(draw(0), draw(1), target_module=SimpleNamespace(head=head), progress=progress)

    @pytest.mark.parametrize('reduction', ['mean', 'sum'])
    def test_value(self, registered, reduction):
        expected = 0.01 / 2 * 25
        for stage, attention in (('stage2', [0.5, 0.25, 0.25]), ('stage4', [1 / 6] * 6)):
            squared = getattr((arrays(0, stage) - arrays(1, stage)) ** 2, reduction)(axis=(2, 3))
            squared = squared * len(attention) / 2 if reduction == 'mean' else squared
            expected += 0.1 * (squared @ np.array(attention)).mean()
        found = self.loss(alpha=0.1, reduction=reduction)(self.given())
        assert float(found.detach()) == pytest.approx(expected, rel=1e-5)

    def test_without_attention_it_says_what_is_missing(self, registered):
        from benchmark.models import SourceError
        loss = self.loss()
        loss.attention_stage4.zero_()
        assert not loss.prepared
        with pytest.raises(SourceError, match='TransferHook'):
            loss(self.given(progress=0))

    def test_knocked_out_channels(self, registered):
        """A last stage that adds its channels up: without channel c the loss is the square of what c gave."""
        from benchmark.models.transfer.channel_attention import increases

        class Sum(nn.Module):
            def forward(self, maps):
                return maps.sum(dim=1, keepdim=True)

        class Source(nn.Module):
            res_layers, out_indices = ['layer1', 'layer2'], (0, 1)

            def __init__(self):
                super().__init__()
                self.layer1, self.layer2 = nn.Identity(), Sum()

            def forward(self, images):
                return images, self.layer2(images)

        images = torch.tensor([1., 2, 4]).view(1, 3, 1, 1).repeat(5, 1, 2, 2)
        head = nn.Module()
        head.forward = lambda features: features[-1]
        head.heatmap_loss = lambda heatmaps, truth: (heatmaps - truth).square().mean()
        source = SimpleNamespace(backbone=Source(), normalised=lambda images: images)
        data = [(images[:2], torch.tensor(7.0)), (images[2:], torch.tensor(8.0))]
        # 2 images with 7 to give, 3 with 8: the loss of 7 - c is (c)^2 and (1 + c)^2, less 0 and 1
        expected = [(2 * c**2 + 3 * ((1 + c)**2 - 1)) / 5 for c in (1, 2, 4)]
        torch.testing.assert_close(increases(source, head, data, 'stage1'), torch.tensor(expected))
