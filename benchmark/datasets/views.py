"""Views of an image: flip, scale, rotation and shift, drawn so that a view depends on seed, epoch and image alone."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from mmpose.registry import TRANSFORMS

from .metainfo import FLIP_POLICIES, choose_flip_policy

#: Transforms under which an image's view follows from its number alone.
NUMBERED = ('DrawView', 'GenerateTarget', 'PackPoseInputs')
#: Begins the seed of an image's numbered views.
VIEWS = 0x51E3


def numbered_views(pipeline) -> DrawView | None:
    """The DrawView of a pipeline that packs discrete views, touched by nothing else; None for any other."""
    steps = getattr(pipeline, 'transforms', [])
    kinds = [type(step).__name__ for step in steps]
    if set(kinds) - set(NUMBERED) or 'PackPoseInputs' not in kinds[-1:]:
        return None
    return next((step for step in steps if isinstance(step, DrawView) and step.count is not None), None)


class View(NamedTuple):
    """What is done to an image: mirrored first, then scaled and turned about its middle, then shifted.

    Attributes:
        flipped: Whether it is mirrored.
        scale: Above 1 enlarges.
        angle: Degrees, clockwise as one looks at the image.
        shift: To the right and down, as shares of the input's width and height.
        index: Which of the image's own views this is; None where it has none of its own.
    """

    flipped: bool = False
    scale: float = 1.0
    angle: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    index: int | None = None

    def _turn(self) -> tuple[float, float]:
        angle = math.radians(self.angle)
        return self.scale * math.cos(angle), self.scale * math.sin(angle)

    def matrix(self, size: np.ndarray) -> np.ndarray:
        """The affine map (2, 3) from coordinates of the mirrored image to those of the view, in input pixels.

        Args:
            size: Width and height of the input (2,).
        """
        cosine, sine = self._turn()
        x, y = (size - 1) / 2
        return np.array([[cosine, -sine, x * (1 - cosine) + y * sine + self.shift[0] * size[0]],
                         [sine, cosine, y * (1 - cosine) - x * sine + self.shift[1] * size[1]]])

    def moved(self, points: np.ndarray, size: np.ndarray) -> np.ndarray:
        """Where points (..., 2) of the mirrored image lie in the view, in input pixels."""
        cosine, sine = self._turn()
        middle = (size - 1) / 2
        x, y = np.moveaxis(points - middle, -1, 0)
        turned = np.stack([cosine * x - sine * y, sine * x + cosine * y], axis=-1)
        return middle + turned + np.multiply(self.shift, size)


@TRANSFORMS.register_module()
class DrawView(BaseTransform):
    """Draws how an image is mirrored, scaled, turned and shifted, and does so to it and its landmarks.

    By default four discrete views: flipped or not, at scale 1 or 0.8; what a frozen network says about a view can
    then be kept. The draw depends on the data set's seed, the epoch and the image, not on the order of images, the
    number of workers or what else draws random numbers.

    Args:
        flip: Probability of a horizontal flip.
        scales: The scales to draw from, each with the same probability.
        scale_range: Draws uniformly from this interval instead; ``scales`` is then not used.
        rotation: Draws an angle uniformly from -rotation to rotation, in degrees; needs ``scale_range``.
        shift: Draws a shift in either direction uniformly from -shift to shift, as a share of the input's width and
            height; needs ``scale_range``.
        views: With ``scale_range``: each image has so many views, drawn once and the same for every seed, and each time
            one of them is taken, so that what a frozen network says about them can be kept. None draws anew each time.
        flip_policy: What becomes of landmark pairs under a flip when only one side may be annotated: ``swap`` moves
            coordinates and annotation to the mirrored landmark; ``mask`` takes paired landmarks out of flipped views'
            loss; ``canonical`` never draws a flip but mirrors, in training and test alike, images whose annotated
            pair members are mainly the second ones, so that the annotated side is always the same; ``never`` mirrors
            nothing. None takes the data set's (``flip_policy`` in its metainfo.json, ``swap`` where it names none). A
            data set that says ``never`` is never mirrored, whatever is asked for here.
        train: Whether to draw; False gives the plain view (with ``canonical`` the canonical side).

    Raises:
        ValueError: A probability outside [0, 1], a scale that is not positive, an unknown policy, a rotation or shift
            without ``scale_range``, or that is negative.
    """

    def __init__(self, flip: float = 0.5, scales: tuple[float, ...] = (1.0, 0.8),
                 scale_range: tuple[float, float] | None = None, rotation: float = 0.0, shift: float = 0.0,
                 views: int | None = None, flip_policy: str | None = None, train: bool = True) -> None:
        if not 0 <= flip <= 1:
            raise ValueError(f'DrawView: flip={flip} is no probability. Give a number in [0, 1].')
        if flip_policy not in (None, *FLIP_POLICIES):
            raise ValueError(f'DrawView: flip_policy={flip_policy!r} is unknown. Choose one of {FLIP_POLICIES}.')
        if not scales or min(scale_range or scales) <= 0:
            raise ValueError(f'DrawView: scales={scales}, scale_range={scale_range}: scales must be above 0.')
        for name, value in dict(rotation=rotation, shift=shift, views=views or 0).items():
            if value < 0 or value and scale_range is None:
                raise ValueError(f'DrawView: {name}={value} must not be negative, and needs a scale_range, such as '
                                 '(1.0, 1.0).')
        self.flip = flip
        self.scales = tuple(scales)
        self.scale_range = scale_range
        self.rotation = rotation
        self.shift = shift
        self.views = views
        self.flip_policy = flip_policy
        self.train = train

    @property
    def count(self) -> int | None:
        """Number of views of an image; None where they are not discrete."""
        return self.views if self.scale_range is not None else 2 * len(self.scales)

    def described(self) -> list[dict[str, Any]]:
        """What its views are: each one, in the order of their numbers, or how each image's own are drawn."""
        if self.scale_range is not None:
            return [dict(flip=self.flip, scale_range=list(self.scale_range), rotation=self.rotation, shift=self.shift,
                         views=self.views, flip_policy=self.flip_policy)]
        return [dict(flip=flip, scale=scale) for flip in (False, True) for scale in self.scales]

    def number(self, row: int, view: View) -> int | None:
        """Number of a view of an image among all views of all images; None where they are not discrete."""
        if self.count is None:
            return None
        index = view.flipped * len(self.scales) + self.scales.index(view.scale) if view.index is None else view.index
        return row * self.count + index

    def draw(self, key: tuple[int, int, int]) -> View:
        """The view of a (seed, epoch, image)."""
        rng = np.random.default_rng([int(k) for k in key])
        if self.scale_range is not None and self.views is not None:
            index = int(rng.integers(self.views))
            return self._affine(np.random.default_rng([VIEWS, int(key[-1]), index]), index)
        if self.scale_range is not None:
            return self._affine(rng, None)
        flipped = bool(rng.random() < self.flip)
        return View(flipped, float(self.scales[rng.integers(len(self.scales))]))

    def _affine(self, rng: np.random.Generator, index: int | None) -> View:
        flipped = bool(rng.random() < self.flip)
        scale = float(rng.uniform(*self.scale_range))
        angle = float(rng.uniform(-self.rotation, self.rotation)) if self.rotation else 0.0
        across, down = rng.uniform(-self.shift, self.shift, 2) if self.shift else (0.0, 0.0)
        return View(flipped, scale, angle, (float(across), float(down)), index)

    def transform(self, results: dict) -> dict:
        """Adds ``transformed_keypoints`` (1, K, 2) in input pixels and the view's image.

        ``keypoints`` stay as annotated, in pixels of the prepared image; ``flip`` and ``view_scale`` say what was done.
        """
        view = self.draw(results['view_draw']) if self.train else View()
        flipped = view.flipped
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
        matrix = view.matrix(size)
        if (matrix != np.eye(3)[:2]).any():
            points = view.moved(points, size)
            image = cv2.warpAffine(np.ascontiguousarray(image), matrix, (width, height), flags=cv2.INTER_LINEAR,
                                   borderMode=cv2.BORDER_REPLICATE)
        inside = ((points >= -0.5) & (points <= size - 0.5)).all(axis=-1)
        results.update(img=np.ascontiguousarray(image), img_shape=(height, width), flip=flipped, view_scale=view.scale,
                       view_row=self.number(results['row'], view._replace(flipped=flipped)) if self.train else None,
                       transformed_keypoints=points.astype(np.float32),
                       keypoints_visible=(visible * inside).astype(np.float32))
        return results
