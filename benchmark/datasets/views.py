"""Views of an image: flip and scale, drawn so that a view depends on seed, epoch and image alone."""

from __future__ import annotations

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from .metainfo import FLIP_POLICIES, choose_flip_policy

#: Transforms under which an image's view follows from its number alone.
NUMBERED = ('DrawView', 'GenerateTarget', 'PackPoseInputs')


def numbered_views(pipeline) -> DrawView | None:
    """The DrawView of a pipeline that packs discrete views, touched by nothing else; None for any other."""
    steps = getattr(pipeline, 'transforms', [])
    kinds = [type(step).__name__ for step in steps]
    if set(kinds) - set(NUMBERED) or 'PackPoseInputs' not in kinds[-1:]:
        return None
    return next((step for step in steps if isinstance(step, DrawView) and step.count is not None), None)


@TRANSFORMS.register_module()
class DrawView(BaseTransform):
    """Draws a flip and a scale, and applies them to the image and its landmarks.

    By default four discrete views: flipped or not, at scale 1 or 0.8; what a frozen network says about a view can
    then be kept. The draw depends on the data set's seed, the epoch and the image, not on the order of images, the
    number of workers or what else draws random numbers.

    Args:
        flip: Probability of a horizontal flip.
        scales: The scales to draw from, each with the same probability.
        scale_range: Draws uniformly from this interval instead; ``scales`` is then not used.
        flip_policy: What becomes of landmark pairs under a flip when only one side may be annotated: ``swap`` moves
            coordinates and annotation to the mirrored landmark; ``mask`` takes paired landmarks out of flipped views'
            loss; ``canonical`` never draws a flip but mirrors, in training and test alike, images whose annotated
            pair members are mainly the second ones, so that the annotated side is always the same; ``never`` mirrors
            nothing. None takes the data set's (``flip_policy`` in its metainfo.json, ``swap`` where it names none). A
            data set that says ``never`` is never mirrored, whatever is asked for here.
        train: Whether to draw; False gives the plain view (with ``canonical`` the canonical side).

    Raises:
        ValueError: A probability outside [0, 1], a scale that is not positive, an unknown policy.
    """

    def __init__(self, flip: float = 0.5, scales: tuple[float, ...] = (1.0, 0.8),
                 scale_range: tuple[float, float] | None = None, flip_policy: str | None = None,
                 train: bool = True) -> None:
        if not 0 <= flip <= 1:
            raise ValueError(f'DrawView: flip={flip} is no probability. Give a number in [0, 1].')
        if flip_policy not in (None, *FLIP_POLICIES):
            raise ValueError(f'DrawView: flip_policy={flip_policy!r} is unknown. Choose one of {FLIP_POLICIES}.')
        if not scales or min(scale_range or scales) <= 0:
            raise ValueError(f'DrawView: scales={scales}, scale_range={scale_range}: scales must be above 0.')
        self.flip = flip
        self.scales = tuple(scales)
        self.scale_range = scale_range
        self.flip_policy = flip_policy
        self.train = train

    @property
    def count(self) -> int | None:
        """Number of views of an image; None where they are not discrete."""
        return None if self.scale_range is not None else 2 * len(self.scales)

    def described(self) -> list:
        """What its views are, in the order of their numbers."""
        return [dict(flip=flip, scale=scale) for flip in (False, True) for scale in self.scales]

    def number(self, row: int, flipped: bool, scale: float) -> int | None:
        """Number of a view among all views of all images; None where they are not discrete."""
        if self.count is None:
            return None
        return row * self.count + flipped * len(self.scales) + self.scales.index(scale)

    def draw(self, key: tuple[int, int, int]) -> tuple[bool, float]:
        """The view of a (seed, epoch, image): whether it is flipped, and its scale."""
        rng = np.random.default_rng([int(k) for k in key])
        flipped = bool(rng.random() < self.flip)
        if self.scale_range is not None:
            return flipped, float(rng.uniform(*self.scale_range))
        return flipped, float(self.scales[rng.integers(len(self.scales))])

    def transform(self, results: dict) -> dict:
        """Adds ``transformed_keypoints`` (1, K, 2) in input pixels and the view's image.

        ``keypoints`` stay as annotated, in pixels of the prepared image; ``flip`` and ``view_scale`` say what was done.
        """
        flipped, scale = self.draw(results['view_draw']) if self.train else (False, 1.0)
        pairs = np.array(results['flip_indices'])
        visible = results['keypoints_visible'].copy()
        policy = choose_flip_policy(self.flip_policy, results.get('flip_policy', 'swap'))
        if policy == 'never':
            flipped = False
        elif policy == 'canonical':
            first, second = np.arange(len(pairs)) < pairs, np.arange(len(pairs)) > pairs
            flipped = bool(visible[0, second].sum() > visible[0, first].sum())
        width, height = results['input_size']
        size = np.array([width, height], np.float32)
        points = (results['keypoints'] + 0.5 + results.get('padding', 0.0)) * size / results['input_scale'] - 0.5
        image = results['img']
        if flipped:
            image = image[:, ::-1]
            points[..., 0] = width - 1 - points[..., 0]
            points, visible = points[:, pairs], visible[:, pairs]
            if policy == 'mask':
                visible = visible * (pairs == np.arange(len(pairs)))
        if scale != 1.0:
            middle = (size - 1) / 2
            points = middle + scale * (points - middle)
            matrix = np.array([[scale, 0, middle[0] * (1 - scale)], [0, scale, middle[1] * (1 - scale)]])
            image = cv2.warpAffine(np.ascontiguousarray(image), matrix, (width, height), flags=cv2.INTER_LINEAR,
                                   borderMode=cv2.BORDER_REPLICATE)
        inside = ((points >= -0.5) & (points <= size - 0.5)).all(axis=-1)
        results.update(img=np.ascontiguousarray(image), img_shape=(height, width), flip=flipped, view_scale=scale,
                       view_row=self.number(results['row'], flipped, scale) if self.train else None,
                       transformed_keypoints=points.astype(np.float32),
                       keypoints_visible=(visible * inside).astype(np.float32))
        return results
