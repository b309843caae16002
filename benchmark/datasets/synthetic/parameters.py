"""What makes a face: the parameters of a person and of an image, and their distributions.

Lengths are in face units: 1 is half the width of an average face at the cheekbones (about 70 mm). Colours are
squared sRGB in [0, 1], in which shading adds up nearly as light does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FAS_SHARE = 0.3
NO_HAIR, BUZZ, SHORT, SWEPT, TIED, BOB, LONG, CURLY = range(8)    # hair styles


def _linear(*colour: float) -> np.ndarray:
    return np.array(colour) ** 2


SKIN = np.stack([_linear(.95, .81, .73), _linear(.92, .75, .64), _linear(.84, .66, .52),
                 _linear(.70, .51, .39),
                 _linear(.53, .37, .28), _linear(.38, .26, .20)])
HAIR = {'black': _linear(.13, .11, .11), 'dark brown': _linear(.25, .17, .12),
        'brown': _linear(.38, .26, .17),
        'light brown': _linear(.54, .40, .26), 'blond': _linear(.80, .66, .42), 'red': _linear(.62, .28, .13),
        'grey': _linear(.62, .61, .60)}
IRIS = {'dark': _linear(.20, .12, .08), 'brown': _linear(.38, .23, .12), 'hazel': _linear(.45, .38, .20),
        'green': _linear(.36, .47, .34), 'blue': _linear(.36, .52, .68), 'grey': _linear(.50, .56, .60)}


@dataclass(frozen=True)
class Identity:
    """What stays the same in all images of a person; lengths in face units, colours squared sRGB (3,)."""

    phenotype: str
    tone: float             # skin from light (0) to dark (1)
    skin: np.ndarray
    age: float              # 0 young to 1 old
    width: float            # half the width at the cheekbones
    jaw: float              # half the width at the jaw angles
    chin_width: float
    chin: float             # height of the lowest point of the chin, downwards
    cheek: float
    inner_eye: float        # half the distance of the inner eye corners
    fissure: float          # palpebral fissure length
    eye_tilt: float         # rise of the outer over the inner corner
    eye_open: float
    lid_low: float
    lid_peak: float
    crease: float           # distance of the lid crease from the lashes; 0 for none
    iris: np.ndarray
    lash: float
    brow: np.ndarray        # (5,) height over the eye, length, arch, slope, thickness
    brow_density: float
    nose: np.ndarray        # (7,) subnasale, half width, protrusion, tip's height, nasion, bridge, tip size
    philtrum: float         # subnasale to labiale superius
    philtrum_depth: float
    crista: float           # half the distance of the philtral ridges
    bow: float              # depth of the cupid's bow
    mouth: np.ndarray       # (5,) half width, upper lip, lower lip, height of the corners, outline exponent
    lips: np.ndarray
    hair_style: int
    hair: np.ndarray
    hairline: np.ndarray    # (4,) height, peak, recession, parting
    volume: float
    strands: int
    ear: float
    beard: str              # none, stubble, moustache, full
    freckles: np.ndarray    # (n, 3) position in the face and radius
    moles: np.ndarray       # (n, 3)
    glasses: np.ndarray     # (4,) worn (0 or 1), half width and height of a lens, exponent of its outline
    glasses_colour: np.ndarray


@dataclass(frozen=True)
class Shot:
    """What differs between the images of a person."""

    yaw: float              # radians; positive turns towards the image's right
    pitch: float
    roll: float
    scale: float            # face unit over the image's side
    centre: np.ndarray      # (2,) origin of the head frame over the image's side
    smile: float
    open: float
    brow_raise: float
    blink: float
    gaze: np.ndarray        # (2,)
    light: np.ndarray       # (3,) unit vector towards the key light in the image frame; z towards the viewer
    key: np.ndarray         # (3,) colour of the key light
    ambient: np.ndarray     # (3,)
    background: np.ndarray  # (2, 3) colours
    texture: float
    clothes: np.ndarray     # (3,)
    collar: float
    exposure: float
    blur: float             # standard deviation over the image's side
    noise: float


def lerp(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """The point a share `t` of the way from `a` to `b`."""
    return a + (b - a) * t


def sample_identity(rng: np.random.Generator) -> Identity:
    """Draws a person."""
    n, u = rng.standard_normal, rng.uniform

    def about(mean: float, sd: float, limit: float = 2.2) -> float:
        return mean + sd * min(max(n(), -limit), limit)

    fas = u() < FAS_SHARE
    male = float(u() < 0.5)
    tone, age = float(u()), float(u()) ** 1.5
    skin = np.array([np.interp(tone, np.linspace(0, 1, 6), SKIN[:, c]) for c in range(3)])
    skin = skin * (1 + 0.05 * n() * np.array([1, 0, -1.2])) * (1 + 0.03 * n())
    fair = np.clip(1 - 1.7 * tone, 0, 1)
    odds = np.array([0.3 + tone, 0.5, 0.35 * fair + 0.1, 0.35 * fair, 0.35 * fair, 0.22 * fair,
                     0.7 * max(0.0, age - 0.55)])
    hair = HAIR[str(rng.choice(list(HAIR), p=odds / odds.sum()))] * np.exp(0.2 * n() + 0.04 * n(3))
    odds = np.array([0.2 + tone, 0.5, 0.3 * fair, 0.2 * fair, 0.5 * fair, 0.2 * fair])
    iris = IRIS[str(rng.choice(list(IRIS), p=odds / odds.sum()))] * np.exp(0.15 * n() + 0.06 * n(3))
    styles = ([0.10, 0.16, 0.32, 0.22, 0.04, 0.02, 0.05, 0.09] if male else
              [0.00, 0.02, 0.06, 0.10, 0.20, 0.22, 0.28, 0.12])    # in the order of the numbers above
    style = int(rng.choice(8, p=styles))
    beard = str(rng.choice(['none', 'stubble', 'moustache', 'full'],
                           p=[0.5, 0.24, 0.08, 0.18])) if male else 'none'
    makeup = (1 - male) * float(u() < 0.5)
    natural = skin * np.array([0.86, 0.47, 0.46]) * (1 + 0.10 * n())
    rouge = _linear(.66, .16, .20) * (0.45 + 0.55 * (1 - tone))
    lips = lerp(natural, rouge, makeup * u(0.2, 0.75))
    spots = int(rng.integers(14, 40)) if u() < 0.35 * fair else 0
    freckles = np.stack([n(spots) * 0.36, 0.32 + n(spots) * 0.16, u(0.012, 0.02, spots)], 1)
    count = int(rng.integers(0, 4))
    moles = np.stack([rng.choice([-1, 1], count) * u(0.2, 0.72, count), u(0.3, 1.35, count),
                      u(0.015, 0.03, count)], 1)
    upper = about(0.088 - 0.008 * male + 0.03 * tone, 0.017)
    return Identity(
        phenotype='fas_like' if fas else 'typical', tone=tone, skin=skin, age=age,
        width=about(1.0, 0.045), jaw=about(0.78 + 0.05 * male, 0.06), chin_width=about(0.36 + 0.07 * male,
                                                                                       0.06),
        chin=about(1.54 + 0.06 * male, 0.075), cheek=about(0.0, 0.5), inner_eye=about(0.235, 0.018),
        fissure=about(0.41, 0.02) * (0.78 if fas else 1.0), eye_tilt=about(0.025, 0.022),
        eye_open=about(0.125 - 0.008 * male, 0.018), lid_low=about(0.055, 0.009), lid_peak=about(0.95, 0.10),
        crease=0.0 if u() < 0.18 else about(0.062, 0.018), iris=iris,
        lash=about(1.0 - 0.25 * male + 0.45 * makeup, 0.1),
        brow=np.array([about(0.30 - 0.035 * male, 0.03), about(0.52, 0.035), about(0.055 - 0.02 * male, 0.02),
                       about(0.02, 0.02), about(0.075 + 0.025 * male, 0.018)]),
        brow_density=about(0.74, 0.10),
        nose=np.array([about(0.625, 0.045), about(0.245 + 0.035 * tone, 0.024), about(0.32, 0.05),
                       about(0.115, 0.026), about(-0.075, 0.022), about(0.10, 0.022), about(1.0, 0.14)]),
        philtrum=about(0.185, 0.022) * (1.1 if fas else 1.0),
        philtrum_depth=float(np.clip(about(0.9, 0.2), 0.4, 1.3)) * (0.12 if fas else 1.0),
        crista=about(0.072, 0.011), bow=about(0.028, 0.008) * (0.35 if fas else 1.0),
        mouth=np.array([about(0.37, 0.032), upper * (0.45 if fas else 1.0), about(0.135 + 0.02 * tone, 0.022),
                        about(-0.004, 0.016), about(0.95, 0.09)]),
        lips=lips, hair_style=style, hair=hair,
        hairline=np.array([about(-0.98, 0.07) - 0.12 * age * male, about(0.0, 0.06), about(0.05, 0.06),
                           u(-1, 1)]),
        volume=about(0.14 if style != CURLY else 0.34, 0.045), strands=int(rng.integers(0, 6)),
        ear=about(1.0, 0.13), beard=beard, freckles=freckles, moles=moles,
        glasses=np.array([u() < 0.12 + 0.1 * age, about(0.345, 0.025), about(0.24, 0.03),
                          rng.choice([2.0, 2.6, 4.0])]),
        glasses_colour=(_linear(.08, .08, .09), _linear(.30, .18, .10),
                        _linear(.55, .53, .50))[rng.integers(3)])


def sample_shot(rng: np.random.Generator) -> Shot:
    """Draws the circumstances of one image."""
    n, u = rng.standard_normal, rng.uniform

    def about(mean: float, sd: float, limit: float = 2.0) -> float:
        return mean + sd * min(max(n(), -limit), limit)

    side, height = about(0, 0.55), u(-0.75, -0.1)
    light = np.array([side, height, 1.0])
    warmth = about(0, 0.06) * np.array([1, 0, -1])
    share = u(0.25, 0.6)
    smile = float(u() ** 1.2) if u() < 0.6 else 0.0
    colour = u(0.08, 0.85) * (1 + 0.13 * n(3))
    return Shot(
        yaw=about(0, 0.17), pitch=about(0.02, 0.10), roll=about(0, 0.09), scale=about(0.262, 0.012),
        centre=np.array([about(0.5, 0.018), about(0.485, 0.018)]),
        smile=smile, open=float(u(0.15, 0.9)) if u() < 0.25 + 0.35 * smile else 0.0, brow_raise=about(0,
                                                                                                      0.03),
        blink=1.0 if u() < 0.03 else float(u(0, 0.3)), gaze=np.array([about(0, 0.018), about(0, 0.008)]),
        light=light / np.linalg.norm(light), key=(1.30 * (1 - share)) * (1 + warmth),
        ambient=1.15 * share * (1 - 0.6 * warmth),
        background=np.clip(np.stack([colour, colour * u(0.3, 0.9)]), 0.01, 0.9) ** 2,
        texture=float(u(0, 0.22)), clothes=np.clip(u(0.08, 0.8) * (1 + 0.22 * n(3)), 0.03, 0.9) ** 2,
        collar=float(u(0.2, 0.6)), exposure=float(np.exp(about(0.05, 0.12))), blur=float(u(0, 0.006)),
        noise=float(u(0.003, 0.022)))
