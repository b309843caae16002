"""Draws a stylised portrait from the curves of a face: numpy and OpenCV only.

Lengths are in face units: 1 is half the width of an average face at the cheekbones (about 70 mm). The head
frame has its origin midway between the eyes, x to the image's right and y down, after yaw and pitch but
before roll, scale and shift. Colours are squared sRGB in [0, 1], in which shading adds up nearly as light
does.
"""

from __future__ import annotations

from statistics import NormalDist

import cv2
import numpy as np

from benchmark.datasets.synthetic.canvas import Canvas, ribbon
from benchmark.datasets.synthetic.geometry import span
from benchmark.datasets.synthetic.parameters import BUZZ, CURLY, Identity, Shot, lerp

# quantiles of the normal distribution, so that a random byte gives a normal deviate
NOISE = np.array([NormalDist().inv_cdf((k + 0.5) / 256) for k in range(256)], np.float32)
EXTENT = 2.3    # the shading grid covers [-EXTENT, EXTENT] of the head frame in both directions


class Textures:
    """Fixed noise in the head frame, the same for all faces of an image size.

    Attributes:
        axis: (G,) coordinates of the shading grid.
        strands: (8, G, G) hair, standard deviation about 1; the last two are curls.
        grain: (4, G, G) noise of several sizes for skin and short hair, standard deviation about 1.
    """

    def __init__(self, size: int):
        """Makes the textures for images of `size` pixels."""
        count = self.count = int(np.clip(round(1.05 * size), 96, 400))
        self.axis = ((np.arange(count, dtype=np.float32) + 0.5) / count * 2 - 1) * EXTENT
        rng = np.random.default_rng(20240229)
        x, y = np.meshgrid(self.axis, self.axis)

        def blotches(cells: int) -> np.ndarray:
            coarse = rng.standard_normal((cells, cells)).astype(np.float32)
            return cv2.resize(coarse, (count, count), interpolation=cv2.INTER_CUBIC)

        strands = []
        for k in range(6):
            part = (-0.35, 0.35, 0.0, 0.2, -0.2, 0.45)[k]
            angle = np.arctan2(x - part, np.maximum(2.1 + y, 0.05) * (0.9 + 0.1 * np.abs(x)))
            phase = (angle / np.pi + 1) * 460 + 5 * blotches(8) + 8 * (k % 2) * blotches(12)
            line = rng.standard_normal(1100).astype(np.float32)
            smooth = np.convolve(line, np.ones(6) / 2.4, 'same') + 0.6 * np.convolve(line, np.ones(31) / 5.6,
                                                                                     'same')
            strands.append(np.interp(phase, np.arange(1100), smooth))
        for _ in range(2):
            strands.append(1.1 * blotches(52) + 0.7 * blotches(26))
        self.strands = np.stack(strands).astype(np.float32)
        self.grain = np.stack([0.5 * blotches(14) + 0.5 * blotches(34) + 0.7 * blotches(96)
                               for _ in range(4)])


def relief(textures: Textures, outline: list[np.ndarray], bumps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes of the head's surface in the head frame.

    Args:
        textures: Gives the grid.
        outline: Polygons whose union is the head with hair.
        bumps: (n, 5) Gaussian bumps: centre x and y, standard deviations x and y, height.

    Returns:
        (G, G) slopes along x and y.
    """
    count, axis = textures.count, textures.axis
    step = 2 * EXTENT / count
    mask = np.zeros((count, count), np.uint8)
    for polygon in outline:
        cv2.fillPoly(mask, [np.rint(16 * ((polygon + EXTENT) / step - 0.5)).astype(np.int32)], 255,
                     cv2.LINE_8, 4)
    inside = cv2.distanceTransform(mask, cv2.DIST_L2, 3) * np.float32(step)
    share = np.minimum(inside * np.float32(1 / 0.95), 1)
    height = cv2.GaussianBlur(np.sqrt(1 - (1 - share) ** 2) * np.float32(0.8), (0, 0), 0.07 / step)
    slope_x = cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3, scale=1 / (8 * step))
    slope_y = cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3, scale=1 / (8 * step))
    x, y, sx, sy, a = bumps.astype(np.float32).T
    dx, dy = (axis[:, None] - x) / sx, (axis[:, None] - y) / sy
    across, down = np.exp(-0.5 * dx * dx), a * np.exp(-0.5 * dy * dy)
    slope_x += down @ (-dx / sx * across).T
    slope_y += (-dy / sy * down) @ across.T
    return slope_x, slope_y


def shade(canvas: Canvas, textures: Textures, who: Identity, shot: Shot, curves: dict, bumps: np.ndarray):
    """Light on the head, and textures, all warped from the head frame into the image.

    Returns:
        Three (H, W) planes of light that multiply the albedo; glint, hair strands and grain, each (H, W).
    """
    slope_x, slope_y = relief(textures, [curves['head']] + ([curves['cap']] if 'cap' in curves else []),
                              bumps)
    cos, sin = np.cos(shot.roll), np.sin(shot.roll)
    lx, ly, lz = (cos * shot.light[0] + sin * shot.light[1], cos * shot.light[1] - sin * shot.light[0],
                  shot.light[2])
    upright = 1 / np.sqrt(1 + slope_x * slope_x + slope_y * slope_y)
    facing = (np.float32(lz) - np.float32(lx) * slope_x - np.float32(ly) * slope_y) * upright
    hx, hy, hz = np.array([lx, ly, lz + 1]) / np.linalg.norm([lx, ly, lz + 1])
    glint = np.maximum((np.float32(hz) - np.float32(hx) * slope_x - np.float32(hy) * slope_y) * upright, 0)
    glint *= glint
    glint *= glint
    glint *= glint
    glint = 0.35 * glint + 0.65 * glint * glint * glint
    # the nose's shadow lies away from the light; hair and jaw turn dark at their edges
    tip, x, y = curves['tip'][0], textures.axis[None, :], textures.axis[:, None]
    gone = np.exp(-0.5 * ((x - tip[0] + 0.20 * lx) / 0.15) ** 2).astype(np.float32)
    gone = gone * (0.30 + 0.25 * abs(lx)) * np.exp(-0.5 * ((y - tip[1] - 0.13 + 0.09 * ly) / 0.13) ** 2)
    gone = gone.astype(np.float32)
    sky = (0.62 + 0.38 * upright * (1 + 0.5 * slope_y)) * upright ** 0.5
    light = []
    for c, wrap in enumerate((0.42, 0.28, 0.22)):    # red light travels furthest through skin
        direct = np.maximum((facing + np.float32(wrap)) * np.float32(1 / (1 + wrap)), 0)
        light.append(np.float32(shot.ambient[c]) * sky + np.float32(shot.key[c]) * direct * (1 - gone))
    step = 2 * EXTENT / textures.count
    warp = canvas.matrix.copy()
    warp[:, 2] += warp[:, :2] @ np.full(2, 0.5 * step - EXTENT)
    warp[:, :2] *= step
    planes = [*light, glint, textures.strands[who.strands], textures.grain[who.strands % 4]]
    planes = [cv2.warpAffine(p, warp, (canvas.size, canvas.size), flags=cv2.INTER_LINEAR,
                             borderMode=cv2.BORDER_REPLICATE) for p in planes]
    return planes[:3], *planes[3:]


def paint_backdrop(canvas: Canvas, shot: Shot, rng: np.random.Generator) -> None:
    """A gradient with blurred blotches."""
    size = canvas.size
    ramp = np.linspace(-1, 1, size, dtype=np.float32)
    tilt = np.float32(rng.uniform(-0.5, 0.5))
    share = np.clip(0.5 + tilt * ramp[None, :] + np.float32(0.4) * ramp[:, None], 0, 1)
    cells = int(rng.integers(3, 9))
    coarse = np.float32(shot.texture) * rng.standard_normal((cells, cells), dtype=np.float32)
    blotch = 1 + cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    top, bottom = shot.background.astype(np.float32)[:, :, None, None]
    np.clip((top + (bottom - top) * share) * blotch, 0, 1, out=canvas.image)


def paint_body(canvas: Canvas, who: Identity, shot: Shot, curves: dict, skin: np.ndarray) -> np.ndarray:
    """Shoulders, clothes and neck; returns their coverage (H, W)."""
    side = float(np.sign(shot.light[0]))
    neck = canvas.paint([curves['neck']], 0.62 * skin)
    canvas.paint([curves['neck_side'] * (-side, 1), curves['chin_shadow']], 0.26 * skin * (1.0, 0.87, 0.82),
                 soft=0.12,
                 levels=[0.55, 0.8], within=canvas.whole(neck))
    clothes = canvas.paint([curves['clothes']], shot.clothes)
    canvas.paint([curves['collar']], 0.45 * shot.clothes, 0.8, width=0.05, soft=0.02,
                 within=canvas.whole(clothes))
    return canvas.whole(neck, clothes)


def paint_eyes(canvas: Canvas, who: Identity, shot: Shot, curves: dict, skin: np.ndarray) -> None:
    """Lids, eyeballs, lashes and brows."""
    upper, lower = [curves['lid_upper_r'], curves['lid_upper_l']], [curves['lid_lower_r'],
                                                                    curves['lid_lower_l']]
    eyes = [np.concatenate([u, d[::-1]]) for u, d in zip(upper, lower)]
    deep = skin * (0.60, 0.50, 0.47)
    bag = 0.3 + 0.5 * who.age
    canvas.paint([*eyes, curves['bag_r'], curves['bag_l']], deep, 0.6, width=[0.14, 0.14, 0.04, 0.04],
                 soft=0.045,
                 levels=[0.8, 0.8, bag, bag])
    if who.crease > 0:
        canvas.paint([curves['crease_r'], curves['crease_l']], deep * 0.8, 0.75, width=0.03, soft=0.012)
    white = np.array([0.62, 0.56, 0.53]) * (1 - 0.3 * who.tone)
    opened = canvas.whole(canvas.paint(eyes, white, name='eyes'))
    canvas.paint([curves['caruncle_r'], curves['caruncle_l']], np.array([0.50, 0.25, 0.22]), 0.75,
                 within=opened)
    rings = [curves['iris_r'], curves['iris_l']]
    middles = [r.mean(0) for r in rings]
    canvas.paint(rings, who.iris * 0.22, within=opened)
    canvas.paint([lerp(m, r, 0.78) for m, r in zip(middles, rings)], who.iris * 1.1, 0.95, within=opened)
    canvas.paint([lerp(m, r, 0.45) for m, r in zip(middles, rings)], np.full(3, 0.006), within=opened)
    canvas.paint(upper, np.array([0.02, 0.015, 0.012]), 0.55, width=0.09, soft=0.03, within=opened)
    lash = span(len(upper[0]))
    lash = who.lash * (0.018 + 0.030 * lash * np.sin(np.pi * lash ** 1.4) ** 0.5)
    canvas.paint([ribbon(line, lash) for line in upper],
                 0.12 * lerp(who.hair, np.full(3, 0.03), 0.6), 0.92)
    canvas.paint(lower, deep * 0.55, 0.55, width=0.016)
    spark = 0.030 * shot.light[:2]
    canvas.paint([m + spark + 0.19 * (r - m)[::2] for m, r in zip(middles, rings)], np.full(3, 0.9),
                 0.9 - 0.25 * who.tone, within=opened)


def paint_brows(canvas: Canvas, who: Identity, curves: dict, grain: np.ndarray) -> None:
    """Eyebrows with a broken edge."""
    share = span(len(curves['brow_r']))
    width = who.brow[4] * np.minimum(0.55 + 2.5 * share, 1) * (1 - share ** 3 * 0.75)
    canvas.paint([ribbon(curves['brow_r'], width), ribbon(curves['brow_l'], width)],
                 0.45 * lerp(who.hair, np.array([0.05, 0.03, 0.02]), 0.5),
                 np.clip(who.brow_density * (1.05 + 0.2 * grain), 0, 1), soft=0.018)


def paint_folds(canvas: Canvas, who: Identity, shot: Shot, curves: dict, skin: np.ndarray) -> None:
    """Soft shadows: beside the nose, around its wings, under nose and lip, in the philtrum."""
    fold = min(0.18 + 0.35 * who.age + 0.30 * shot.smile, 0.7)
    near = float(shot.light[0])
    lines = [('fold_r', 0.03, fold), ('fold_l', 0.03, fold), ('under_lip', 0.07, 0.6),
             ('nose_base', 0.06, 0.7),
             ('ala_r', 0.04, 0.6 + 0.3 * max(near, 0)), ('ala_l', 0.04, 0.6 + 0.3 * max(-near, 0)),
             ('groove', 0.055, 0.55 * who.philtrum_depth), ('bridge_side_r' if near > 0 else 'bridge_side_l',
                                                            0.07, 0.3),
             ('corner_r', 0.06, 0.8), ('corner_l', 0.06, 0.8)]
    canvas.paint([curves[k] for k, _, _ in lines], skin * (0.44, 0.33, 0.31), 0.85,
                 width=[w for _, w, _ in lines],
                 levels=[v for _, _, v in lines], soft=0.024)
    canvas.paint([curves['ridge_r'], curves['ridge_l']], np.minimum(skin * 1.3, 1), 0.40 * who.philtrum_depth,
                 width=0.03, soft=0.014)


def paint_nose(canvas: Canvas, curves: dict, skin: np.ndarray) -> None:
    """Wings and nostrils; the form itself comes from the relief."""
    dark = skin * (0.42, 0.32, 0.30)
    canvas.paint([curves['ala_r'], curves['ala_l']], dark, 0.5, width=0.02, name='alae')
    canvas.paint([curves['nostril_r'], curves['nostril_l']], dark * 0.30, 0.85, soft=0.016)


def paint_mouth(canvas: Canvas, who: Identity, shot: Shot, curves: dict) -> None:
    """Lips and teeth."""
    upper = np.concatenate([curves['lip_top'], curves['lip_seam'][::-1]])
    lower = np.concatenate([curves['lip_inner'], curves['lip_bottom'][::-1]])
    if shot.open > 0.02:
        inside = np.concatenate([curves['lip_seam'], curves['lip_inner'][::-1]])
        cavity = canvas.whole(canvas.paint([inside], np.array([0.045, 0.012, 0.012])))
        canvas.paint([curves['teeth']], np.array([0.62, 0.58, 0.50]), 0.95, soft=0.012, within=cavity)
        canvas.paint([curves['lip_seam']], np.array([0.05, 0.02, 0.02]), 0.5, width=0.05, soft=0.02,
                     within=cavity)
    canvas.paint([upper], 0.72 * who.lips, name='upper_lip')
    canvas.paint([lower], who.lips, name='lower_lip')
    canvas.paint([curves['lip_gloss']], np.minimum(who.lips * 1.5 + 0.06, 1), 0.55, width=0.05, soft=0.03)
    seam = np.sin(0.12 + (np.pi - 0.24) * span(len(curves['lip_seam'])))
    canvas.paint([ribbon(curves['lip_seam'], 0.012 + 0.022 * seam)], np.array([0.06, 0.02, 0.018]), 0.85)


def paint_beard(canvas: Canvas, who: Identity, curves: dict, grain: np.ndarray) -> None:
    """Stubble, moustache or full beard."""
    if who.beard == 'none':
        return
    colour = 0.55 * lerp(who.hair, np.array([0.05, 0.03, 0.02]), 0.35)
    strength = {'stubble': 0.34, 'moustache': 0.85, 'full': 0.93}[who.beard]
    alpha = np.clip(strength * (0.95 + 0.10 * grain), 0, 1)
    canvas.paint([curves['moustache']], colour, alpha, soft=0.035)
    if who.beard != 'moustache':
        canvas.paint([curves['beard']], colour, alpha, soft=0.06)


def paint_glasses(canvas: Canvas, who: Identity, shot: Shot, curves: dict) -> None:
    """Rims, bridge and temples."""
    if not who.glasses[0]:
        return
    rims = [curves['rim_r'], curves['rim_l']]
    canvas.paint([r + (0, 0.035) for r in rims], np.full(3, 0.02), 0.30, width=0.05, soft=0.03)
    canvas.paint([*rims, curves['rim_bridge'], curves['temple_r'], curves['temple_l']], who.glasses_colour,
                 0.95,
                 width=0.036)


def paint_portrait(canvas: Canvas, textures: Textures, who: Identity, shot: Shot, curves: dict,
                   bumps: np.ndarray,
                   rng: np.random.Generator) -> np.ndarray:
    """Paints the whole picture.

    Args:
        canvas: Started.
        textures: For the canvas's size.
        curves: Projected curves by name, each (n, 2) in the head frame.
        bumps: As in `relief`.
        rng: Draws backdrop and noise.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    light, glint, strands, grain = shade(canvas, textures, who, shot, curves, bumps)
    paint_backdrop(canvas, shot, rng)
    mottle = 1 + np.float32(0.036) * grain
    hair = np.clip(1 + np.float32(0.24) * (grain if who.hair_style == BUZZ else strands), 0.3, 2.0)
    if 'back_hair' in curves:
        canvas.paint([curves['back_hair']], 0.42 * who.hair, texture=hair)
    body = paint_body(canvas, who, shot, curves, who.skin)
    ears = canvas.paint([curves['ear_r'], curves['ear_l']], np.array([0.82, 0.72, 0.70]) * who.skin)
    canvas.paint([curves['ear_in_r'], curves['ear_in_l']], 0.35 * who.skin, 0.6, width=0.04, soft=0.03)
    head = canvas.paint([curves['head']], who.skin, texture=mottle)
    blush = who.skin * (1.0, 0.74, 0.72)
    canvas.paint([curves['cheek_r'], curves['cheek_l'], curves['nose_tip']], blush, 0.50, soft=0.13)
    if len(who.freckles):
        canvas.paint(curves['freckles'], who.skin * (0.62, 0.45, 0.36), 0.65)
    paint_beard(canvas, who, curves, grain)
    paint_folds(canvas, who, shot, curves, who.skin)
    paint_mouth(canvas, who, shot, curves)
    paint_nose(canvas, curves, who.skin)
    if len(who.moles):
        canvas.paint(curves['moles'], who.skin * (0.25, 0.16, 0.13), 0.9)
    paint_eyes(canvas, who, shot, curves, who.skin)
    paint_brows(canvas, who, curves, grain)
    lit = canvas.whole(head, ears)
    gloss = np.float32(0.15 * (1 - 0.35 * who.tone)) * glint
    if 'hair' in curves:
        soft = {BUZZ: 0.06, CURLY: 0.035}.get(who.hair_style, 0.02)
        canvas.paint([curves['hairline']], who.skin * 0.42, 0.45, width=0.10, soft=0.06, within=lit)
        covered = canvas.whole(canvas.paint(curves['hair'], who.hair, 0.8 if who.hair_style == BUZZ else 1.0,
                                            soft=soft, texture=hair, name='hair'))
        lit = np.maximum(lit, covered)
        shine = np.float32(0.10 * (0.25 + float(who.hair.max()))) * (0.55 + 0.45 * strands)
        gloss += covered * (np.maximum(shine, 0) * glint - gloss)
    paint_glasses(canvas, who, shot, curves)
    body = np.maximum(lit, body)
    gloss *= lit
    for plane, shone, key, ambient in zip(canvas.image, light, shot.key, shot.ambient):
        flat = np.float32(0.8 * ambient + 0.75 * key)    # on the body; the backdrop has its own light
        shone -= flat
        shone *= lit
        shone += 1 + body * (flat - 1)
        plane *= shone
        plane += np.float32(key) * gloss
        plane *= np.float32(shot.exposure)
        plane /= 1 + np.float32(0.18) * plane * plane    # a soft shoulder in place of clipping
        np.sqrt(np.maximum(plane, 0, out=plane), out=plane)
    picture = cv2.merge(list(canvas.image), canvas.picture)
    if (sigma := shot.blur * canvas.size) > 0.25:
        cv2.GaussianBlur(picture, (2 * round(2 * sigma) + 1,) * 2, sigma, dst=picture)
    grains = np.frombuffer(rng.bytes(picture.size), np.uint8).reshape(picture.shape)
    picture += cv2.LUT(grains, NOISE * np.float32(shot.noise), canvas.noise)
    return cv2.convertScaleAbs(np.maximum(picture, 0, out=picture), alpha=255)
