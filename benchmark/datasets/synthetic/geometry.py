"""The curves of a face: what is drawn, and what the landmarks are points of.

Lengths are in face units: 1 is half the width of an average face at the cheekbones (about 70 mm). The
origin lies midway between the eyes, x points to the image's right and y down. Suffixes _r and _l are the
subject's sides, so _r has the smaller x.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from benchmark.datasets.synthetic import parameters as style
from benchmark.datasets.synthetic.parameters import Identity, Shot, lerp

SIDES = (('r', -1.0), ('l', 1.0))


@lru_cache(maxsize=32)
def span(count: int, start: float = 0.0, end: float = 1.0) -> np.ndarray:
    """Even steps (count,) from start to end."""
    steps = np.linspace(start, end, count)
    steps.flags.writeable = False
    return steps


@lru_cache(maxsize=32)
def _spline(keys: int, closed: bool, per: int = 6) -> np.ndarray:
    """Catmull-Rom weights (n, keys): a curve through `keys` points with `per` samples a segment."""
    spans = keys if closed else keys - 1
    weights = np.zeros((spans * per + (not closed), keys))
    for row in range(len(weights)):
        k, t = divmod(row / per, 1.0)
        parts = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
        for shift, part in zip((-1, 0, 1, 2), parts):
            at = int(k) + shift
            weights[row, at % keys if closed else min(max(at, 0), keys - 1)] += part / 2
    return weights


def smooth(points: list, closed: bool = False) -> np.ndarray:
    """A smooth curve (n, 2) through key points."""
    return _spline(len(points), closed) @ np.asarray(points, float)


def _mirror(half: np.ndarray) -> np.ndarray:
    """A right half from the outside to the midline, and its mirror image (2n - 1, 2)."""
    return np.concatenate([half, half[-2::-1] * (-1, 1)])


@lru_cache(maxsize=32)
def _ring(count: int, power: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1)
    return np.sign(ring) * np.abs(ring) ** (2 / power)


def _both(half: list) -> list:
    """Key points of one side, then their mirror images in reverse."""
    return half + [(-x, y) for x, y in half[::-1]]


def _ellipse(x: float, y: float, rx: float, ry: float, count: int = 16, power: float = 2.0,
             closed: bool = False) -> np.ndarray:
    """A superellipse (count, 2), or a line (count + 1, 2) that ends where it began."""
    ring = _ring(count, float(power)) * (rx, ry) + (x, y)
    return np.concatenate([ring, ring[:1]]) if closed else ring


def depth(points: np.ndarray, who: Identity) -> np.ndarray:
    """Depth (n,) towards the viewer of points (n, 2) of the unturned face: an ellipsoid with a nose."""
    u, v = points[:, 0] / who.width, points[:, 1]
    base = 0.78 * np.sqrt(np.maximum(0.02, 1 - (u / 1.1) ** 2 - ((v - 0.2) / 1.8) ** 2))
    tip = who.nose[0] - who.nose[3]
    ridge = np.clip((v - who.nose[4]) / (tip - who.nose[4]), 0, 1)
    below = np.exp(-0.5 * (np.maximum(v - tip, 0) / 0.10) ** 2)
    near = np.exp(-0.5 * (u / 0.16) ** 2) * (v > who.nose[4] - 0.3)
    return base + who.nose[2] * (0.15 + 0.85 * ridge) * below * near


def _eyes(who: Identity, shot: Shot, out: dict) -> None:
    share = span(15)
    arch = np.sin(np.pi * share ** who.lid_peak) ** 0.75
    arch[[0, -1]] = 0
    opening = who.eye_open * (1 - 0.12 * shot.smile) + 0.25 * shot.brow_raise
    low = who.lid_low * (1 - 0.25 * shot.smile)
    rise = opening * (1 - shot.blink) - 0.92 * low * shot.blink
    brow_y, length, bend, slope, _ = who.brow
    for side, s in SIDES:
        inner = np.array([s * who.inner_eye, 0.0])
        outer = np.array([s * (who.inner_eye + who.fissure), -who.eye_tilt])
        line = inner + (outer - inner) * share[:, None]
        out['lid_upper_' + side] = line - np.outer(rise * arch, (0, 1))
        out['lid_lower_' + side] = line + np.outer(low * arch ** 1.1, (0, 1))
        middle = lerp(inner, outer, 0.5)
        height = who.crease + 0.02 * shot.blink
        fold = max(rise, 0) * arch + height * (0.35 + 0.65 * np.sin(np.pi * share) ** 0.6)
        out['crease_' + side] = (line - np.outer(fold, (0, 1)))[1:]
        hang = 0.075 + 1.3 * low * np.sin(np.pi * share)
        out['bag_' + side] = (middle + (line - middle) * 0.95 + np.outer(hang, (0, 1)))[1:-1]
        out['iris_' + side] = _ellipse(*(middle + shot.gaze - (0, 0.25 * opening)), 0.093, 0.093)
        out['caruncle_' + side] = _ellipse(s * (who.inner_eye + 0.022), -0.002, 0.034, 0.026, 8)
        start = np.array([s * (who.inner_eye - 0.03), -brow_y + 0.03 - 0.8 * shot.brow_raise])
        end = np.array([s * (who.inner_eye - 0.03 + length), -brow_y + 0.02 - slope - shot.brow_raise])
        out['brow_' + side] = start + (end - start) * share[:, None] - np.outer(
            (bend + 0.3 * shot.brow_raise) * np.sin(np.pi * share ** 1.3), (0, 1))
        centre = np.array([s * (who.inner_eye + 0.5 * who.fissure), 0.035])
        out['rim_' + side] = _ellipse(*centre, who.glasses[1], who.glasses[2], 28, who.glasses[3],
                                      closed=True)
        out['temple_' + side] = np.array([(centre[0] + s * who.glasses[1], -0.05), (s * 1.01, -0.06)])
        out['cheek_' + side] = _ellipse(s * 0.52, 0.48 - 0.05 * shot.smile, 0.17, 0.11, 10)
    reach = who.inner_eye + 0.5 * who.fissure - who.glasses[1]
    out['rim_bridge'] = smooth([(-reach, -0.01), (0, -0.05), (reach, -0.01)])


def _nose(who: Identity, shot: Shot, out: dict) -> None:
    base, half, _, rise, top, bridge, _ = who.nose
    half = half * (1 + 0.07 * shot.smile)
    angle = np.radians(span(13, -90, 90))
    for side, s in SIDES:
        out['ala_' + side] = np.stack([s * half * (0.60 + 0.40 * np.cos(angle)),
                                       base - 0.085 + 0.095 * np.sin(angle)], 1)
        ring = _ellipse(0, 0, 0.25 * half, 0.030 + 0.05 * rise, 12)
        ring[:, 1] += 0.28 * s * ring[:, 0]
        out['nostril_' + side] = ring + (s * 0.46 * half, base - 0.035)
        out['bridge_side_' + side] = smooth([(s * 0.20, top - 0.13), (s * (bridge + 0.02), top + 0.08),
                                             (s * (bridge + 0.03), 0.25), (s * (0.6 * half), base - 0.22)])
    out['nose_base'] = smooth([(-0.62 * half, base - 0.02), (-0.3 * half, base - 0.006), (0, base),
                               (0.3 * half, base - 0.006), (0.62 * half, base - 0.02)])
    out['tip'] = np.array([(0, base - rise)])
    out['nasion'] = np.array([(0, top)])
    out['nose_tip'] = _ellipse(0, base - rise, 0.12, 0.08, 10)


def _mouth(who: Identity, shot: Shot, out: dict) -> None:
    half, upper, lower, corner, power = who.mouth
    half = half * (1 + 0.17 * shot.smile - 0.10 * shot.open)
    upper, lower = upper * (1 - 0.15 * shot.smile), lower * (1 - 0.10 * shot.smile)
    top = who.nose[0] + who.philtrum - 0.018 * shot.smile
    seam, gap = top + upper, 0.20 * shot.open
    left = np.array([-half, seam + corner - 0.075 * shot.smile + 0.35 * gap])
    crista = np.array([-who.crista, top - who.bow])
    share = span(9)
    flank = np.stack([left[0] + (crista[0] - left[0]) * share,
                      left[1] + (crista[1] - left[1]) * share ** power], 1)
    ease = 0.5 - 0.5 * np.cos(np.pi * span(5)[1:])
    dip = np.stack([crista[0] * (1 - span(5)[1:]), crista[1] + (top - crista[1]) * ease], 1)
    out['lip_top'] = _mirror(np.concatenate([flank, dip]))
    x = span(21, -1, 1)

    def level(middle: float, k: float, e: float) -> np.ndarray:
        return np.stack([half * x, left[1] + (middle - left[1]) * (1 - np.abs(x) ** k) ** e], 1)

    wave = 0.012 * np.exp(-(x / 0.22) ** 2) - 0.010 * np.exp(-((np.abs(x) - 0.5) / 0.2) ** 2)
    out['lip_seam'] = level(seam, 1.8, 1.0) + np.outer(wave, (0, 1))
    out['lip_seam'][[0, -1], 1] = left[1]
    out['lip_inner'] = out['lip_seam']
    if gap:
        out['lip_inner'] = np.maximum(out['lip_seam'], level(seam + gap, 2.2, 0.8))
    out['lip_bottom'] = np.maximum(level(seam + gap + lower, 2.3, 0.85), out['lip_inner'])
    out['lip_gloss'] = (out['lip_inner'] * 0.5 + out['lip_bottom'] * 0.5)[7:-7]
    out['teeth'] = np.concatenate([out['lip_seam'][2:-2], (out['lip_seam'] + (0, 0.085))[2:-2][::-1]])
    for side, s in SIDES:
        out['corner_' + side] = np.array([(s * half * 0.98, left[1]), (s * (half + 0.03), left[1] + 0.01)])
        out['ridge_' + side] = np.array([(s * 0.7 * who.crista, who.nose[0] + 0.02),
                                         (s * who.crista, top - who.bow - 0.01)])
        out['fold_' + side] = smooth([(s * (who.nose[1] + 0.03), who.nose[0] - 0.14),
                                      (s * (who.nose[1] + 0.12), who.nose[0] + 0.03),
                                      (s * (half + 0.09), left[1] - 0.03),
                                      (s * (half + 0.10), left[1] + 0.08)])
    out['groove'] = np.array([(0, who.nose[0] + 0.025), (0, top - 0.02)])
    low = seam + gap + lower + 0.035
    out['under_lip'] = smooth([(-0.6 * half, low - 0.03), (0, low), (0.6 * half, low - 0.03)])
    band = span(len(out['lip_top']))
    out['moustache'] = np.concatenate([
        [(-half - 0.05, left[1] + 0.06), (-0.75 * half, top - 0.08), (-0.2, who.nose[0] + 0.05),
         (0, who.nose[0] + 0.055), (0.2, who.nose[0] + 0.05), (0.75 * half, top - 0.08),
         (half + 0.05, left[1] + 0.06)],
        (out['lip_top'] - np.outer(0.015 * np.sin(np.pi * band), (0, 1)))[::-1]])


def _head(who: Identity, shot: Shot, out: dict) -> None:
    w, jaw, drop = who.width, who.jaw, 0.13 * shot.open
    chin = who.chin + drop
    gonion = 0.5 * jaw + 0.5 * jaw * w + 0.04 + 0.01 * who.cheek
    out['head'] = smooth(_both([
        (-0.30 * w, -1.58), (-0.68 * w, -1.36), (-0.93 * w, -0.95), (-0.99 * w, -0.45), (-1.0 * w, 0.0),
        (-(0.97 + 0.02 * who.cheek) * w, 0.42), (-gonion, 0.86 + 0.3 * drop),
        (-(0.55 * jaw + 0.45 * who.chin_width), 1.22 + 0.7 * drop), (-0.72 * who.chin_width, chin - 0.09),
        (-0.3 * who.chin_width, chin)]), closed=True)
    e = who.ear
    for side, s in SIDES:
        ear = [(0.93 * w, -0.12), (1.06 * w, -0.2 * e - 0.03), (1.06 * w + 0.08 * e, -0.1),
               (1.05 * w + 0.06 * e, 0.22), (1.0 * w + 0.04 * e, 0.42 * e + 0.08), (0.92 * w, 0.36)]
        out['ear_' + side] = smooth([(s * x, y) for x, y in ear], closed=True)
        out['ear_in_' + side] = smooth([(s * 1.02 * w, -0.10), (s * (1.05 * w + 0.04 * e), 0.02),
                                        (s * (1.02 * w + 0.03 * e), 0.28)])
    inset = [(-0.93 * w, 0.1), (-0.86 * w, 0.45), (-0.62, 0.72), (-0.47, 0.95), (-0.36, 1.14 + drop),
             (0, 1.18 + drop)]
    jawline = out['head'][out['head'][:, 1] > 0.15]
    jawline = jawline[np.argsort(np.arctan2(jawline[:, 0], jawline[:, 1]))][::-1]
    out['beard'] = np.concatenate([smooth(inset + [(-x, y) for x, y in inset[-2::-1]]),
                                   jawline * (0.99, 1.01)])
    out['freckles'] = [_ellipse(x, y, r, r, 6) for x, y, r in who.freckles]
    out['moles'] = [_ellipse(x, y, r, r, 8) for x, y, r in who.moles]


def _hair(who: Identity, out: dict) -> None:
    """Cap over the skull, and strands beside and behind the face."""
    kind, w, vol = who.hair_style, who.width, who.volume
    if kind == style.NO_HAIR:
        return
    if kind == style.BUZZ:
        vol = 0.02
    height, peak, recede, part = who.hairline
    side = {style.BUZZ: 0.02, style.SHORT: 0.06, style.SWEPT: 0.05, style.TIED: 0.03}
    side = w + side.get(kind, 0.5 * vol + 0.03)
    ear = {style.BUZZ: 0.0, style.SHORT: 0.08, style.SWEPT: 0.04, style.TIED: -0.12, style.CURLY: 0.25}
    ear = ear.get(kind, 0.3)
    over = _both([(-side, ear), (-side - 0.02, -0.45), (-0.95 * w - 0.8 * vol, -0.95),
                  (-0.70 * w - 0.6 * vol, -1.38 - 0.5 * vol), (-0.30 * w - 0.1 * vol, -1.62 - vol)])
    if kind == style.SWEPT:
        over = [(x, y - 0.08 * part * np.sign(x) * (abs(x) < 0.9)) for x, y in over]
    if kind in (style.BOB, style.LONG):
        at = 0.3 * part
        temple = [(0.95 * w, ear), (0.92 * w, -0.15), (0.83 * w, -0.50)]
        if peak > 0.03:         # a fringe
            fringe = [(0.6 * w, -0.42), (0.2 * w, -0.38 - 0.05 * part), (-0.2 * w, -0.38 + 0.05 * part),
                      (-0.6 * w, -0.42)]
        else:                   # a parting, the hair falls to both sides
            fringe = [(0.60 * w, -0.80), (0.30 * w + 0.5 * at, height + 0.03), (at, height - 0.10),
                      (-0.30 * w + 0.5 * at, height + 0.03), (-0.60 * w, -0.80)]
        front = temple + fringe + [(-x, y) for x, y in temple[::-1]]
    elif kind == style.SWEPT:
        s = 1 if part > 0 else -1
        front = [(s * x * w, y) for x, y in (
            (0.955, ear), (0.93, -0.30), (0.86, -0.60), (0.62, -0.72), (0.15, -0.80 - 0.2 * recede),
            (-0.30, height), (-0.62, height + 0.06), (-0.82 - recede, -0.62), (-0.93, -0.30), (-0.955, ear))]
        front = front[::s]
    else:
        line = [(0.955 * w, ear), (0.93 * w, -0.30), ((0.90 - recede) * w - 0.03, -0.55),
                (0.72 * w - 1.2 * recede, height + 0.18), (0.36 * w, height + 0.02)]
        front = line + [(0, height + peak)] + [(-x, y) for x, y in line[::-1]]
    cap = np.concatenate([smooth(over), smooth(front)])
    if kind == style.CURLY:
        turn = np.linspace(0, 40 * np.pi, len(cap))
        cap = cap + 0.030 * np.stack([np.sin(turn), np.cos(1.3 * turn)], 1)
    out['cap'], out['hairline'] = cap, smooth(front)[2:-2]
    out['hair'] = [cap]
    if kind in (style.BOB, style.LONG):
        end = 0.95 + 0.25 * part if kind == style.BOB else 2.2
        wide = w + 0.5 * vol + 0.12
        back = [(-0.9 * w, -0.9), (-wide, -0.3), (-wide - 0.06, 0.5),
                (-wide - (0.02 if kind == style.BOB else 0.12), end), (-0.6, end + 0.12)]
        out['back_hair'] = smooth(_both(back), closed=True)
        for _, s in SIDES:
            lock = [(0.97 * w + 0.5 * vol, -0.6), (wide, -0.1), (wide + 0.04, 0.5),
                    (wide + (-0.02 if kind == style.BOB else 0.06), end - 0.05),
                    (0.80 if kind == style.BOB else 0.86, end), (0.93 * w, 0.7), (0.90 * w, 0.2),
                    (0.86 * w, -0.3)]
            out['hair'].append(smooth([(s * x, y) for x, y in lock], closed=True))
    elif kind == style.TIED and part > -0.2:
        out['back_hair'] = _ellipse(0.25 * part, -1.72 - vol, 0.40, 0.30, 20)


def _bumps(who: Identity, shot: Shot) -> np.ndarray:
    """Gaussian bumps (n, 5) of the unturned face: x, y, standard deviations x and y, height."""
    base, half, project, rise, top, bridge, tip = who.nose
    mouth = base + who.philtrum
    upper, lower, gap = who.mouth[1], who.mouth[2], 0.20 * shot.open
    p, m = project / 0.32, mouth + upper
    ph, sm = who.philtrum_depth, shot.smile
    eye = who.inner_eye + 0.5 * who.fissure
    middle = [
        (0, top + 0.12, bridge, 0.14, 0.085 * p), (0, top + 0.28, bridge + 0.005, 0.13, 0.10 * p),
        (0, base - rise - 0.10, bridge + 0.02, 0.11, 0.11 * p),
        (0, base - rise, 0.115 * tip, 0.085 * tip, 0.16 * p), (0, base + 0.02, 0.20, 0.05, -0.03),
        (0, base + 0.5 * who.philtrum, 0.024, 0.06, -0.016 * ph), (0, m - 0.06, 0.26, 0.11, 0.05),
        (0, m - 0.5 * upper, 0.22, 0.035, 0.022), (0, m + gap + 0.5 * lower, 0.20, 0.055, 0.050),
        (0, m + gap + lower + 0.06, 0.20, 0.06, -0.045),
        (0, who.chin - 0.17 + 0.1 * shot.open, 0.22, 0.13, 0.075), (0, -0.75, 0.45, 0.26, 0.05)]
    paired = [
        (0.68 * half, base - 0.085, 0.07, 0.07, 0.075), (0.40, -0.27, 0.24, 0.10, 0.045),
        (0.20, -0.03, 0.075, 0.12, -0.07), (eye, -0.01, 0.23, 0.13, -0.10), (eye, 0.0, 0.13, 0.085, 0.06),
        (0.58, 0.36 - 0.03 * sm, 0.24, 0.16, 0.055 + 0.012 * who.cheek + 0.05 * sm),
        (0.40, 0.72, 0.07, 0.14, -0.02 - 0.03 * sm),
        (0.075, base + 0.55 * who.philtrum, 0.022, 0.06, 0.012 * ph),
        (0.55, 0.85, 0.16, 0.22, 0.02 * who.cheek)]
    return np.array(middle + [(s * x, *rest) for x, *rest in paired for _, s in SIDES])


def face_curves(who: Identity, shot: Shot) -> tuple[dict, np.ndarray, np.ndarray]:
    """Curves, bumps and landmarks of a face, turned by yaw and pitch.

    Args:
        who: The person.
        shot: Pose and expression.

    Returns:
        Curves by name, each (n, 2) (or a list of such polygons); Gaussian bumps (n, 5); landmarks (14,
                                                                                                    2) in the
        order of the face14 scheme. All in the head frame.
    """
    flat: dict = {}
    _eyes(who, shot, flat)
    _nose(who, shot, flat)
    _mouth(who, shot, flat)
    _head(who, shot, flat)
    _hair(who, flat)
    bumps = _bumps(who, shot)
    flat['bumps'] = bumps[:, :2]
    pieces = [(k, p) for k, v in flat.items() for p in (v if isinstance(v, list) else [v])]
    points = np.concatenate([p for _, p in pieces])
    z = depth(points, who)
    names = np.repeat(np.array([k.startswith(('ear', 'back')) for k, _ in pieces]),
                      [len(p) for _, p in pieces])
    z[names] = -0.1
    x, y = points.T
    y = y - 0.3    # the head turns about a point below the eyes
    x, z = x * np.cos(shot.yaw) + z * np.sin(shot.yaw), z * np.cos(shot.yaw) - x * np.sin(shot.yaw)
    y, z = y * np.cos(shot.pitch) + z * np.sin(shot.pitch), z * np.cos(shot.pitch) - y * np.sin(shot.pitch)
    turned = np.stack([x, y], 1) * (1 + 0.09 * (z - 0.5))[:, None] + (0, 0.3)
    curves: dict = {k: [] if isinstance(v, list) else None for k, v in flat.items()}
    for (key, _), part in zip(pieces, np.split(turned, np.cumsum([len(p) for _, p in pieces])[:-1])):
        if isinstance(flat[key], list):
            curves[key].append(part)
        else:
            curves[key] = part
    bumps[:, :2] = curves.pop('bumps')
    right, left, base = curves['lid_upper_r'], curves['lid_upper_l'], curves['nose_base']
    top, n = curves['lip_top'], len(curves['lip_top'])
    landmarks = np.stack([
        right[-1], right[0], left[0], left[-1], curves['nasion'][0], curves['tip'][0],
        _widest(curves['ala_r'], -1), base[len(base) // 2], _widest(curves['ala_l'], 1),
        top[0], top[8], top[n // 2], top[n - 9], top[-1]])
    curves.update(_body(shot, curves['head']))
    return curves, bumps, landmarks


def _widest(curve: np.ndarray, sign: int) -> np.ndarray:
    """The sample (2,) furthest to the image's left (-1) or right (1)."""
    return curve[np.argmax(sign * curve[:, 0])]


def _body(shot: Shot, head: np.ndarray) -> dict:
    """Neck and clothes, which do not turn with the head."""
    chin = head[np.argmax(head[:, 1])]
    neck = [(-0.66, 0.6), (-0.66, 1.3), (-0.66, 1.75), (-0.78, 2.1), (-0.85, 3.4)]
    c = shot.collar
    clothes = [(-3.4, 4.5), (-2.6, 2.75), (-1.9, 2.22), (-0.95, 1.98), (-0.70, 1.80), (-0.35, 1.9 + 0.55 * c),
               (0, 1.95 + 0.9 * c)]
    line = smooth(clothes + [(-x, y) for x, y in clothes[-2::-1]])
    return {'neck': smooth(_both(neck)), 'clothes': line, 'collar': line[20:-20],
            'neck_side': np.array([(0.25, 0.8), (1.2, 0.8), (1.2, 2.2), (0.35, 2.2)]),
            'chin_shadow': np.array([(-0.70, 1.05), (chin[0], chin[1] + 0.02), (0.70, 1.05), (0.62, 1.45),
                                     (chin[0], chin[1] + 0.20), (-0.62, 1.45)])}
