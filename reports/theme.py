"""The page's colours in its two themes, as CSS variables; figures as files use the light ones on white."""

from __future__ import annotations

from markupsafe import Markup

from . import palette
from .palette import Style, theme_css

PAGE = {
    'light': {
        'bg': palette.LIGHT, 'card': '#f5f5f2', 'hover': '#f1f1ed', 'ink': '#1c1e21', 'muted': '#5b6168',
        'line': '#dfdfda', 'link': '#00629b', 'warn': '#c04f00', 'ok': '#00724f', 'heat': '#e69f00',
    },
    'dark': {
        'bg': palette.DARK, 'card': '#1c1f24', 'hover': '#1f2328', 'ink': '#e9e7e2', 'muted': '#a2a8b0',
        'line': '#30353c', 'link': '#7fc1f0', 'warn': '#f08a4b', 'ok': '#16b98a', 'heat': '#d98a00',
    },
}  # fmt: skip


def variables(theme: str, styles: dict[str, Style] | None = None) -> Markup:
    """Declarations of a theme's CSS variables, with those of the methods."""
    own = Markup(''.join(f'--{name}:{colour};' for name, colour in PAGE[theme].items()))
    return own + theme_css(styles or {}, theme)


def style_sheet(styles: dict[str, Style] | None = None) -> Markup:
    """Both themes: the system's choice, unless the page's switch has set ``data-theme``; on paper always light."""
    light, dark = variables('light', styles), variables('dark', styles)
    return Markup(
        ':root{{color-scheme:light;{0}}}\n'
        '@media screen{{\n'
        '@media (prefers-color-scheme:dark){{:root:not([data-theme=light]){{color-scheme:dark;{1}}}}}\n'
        ':root[data-theme=dark]{{color-scheme:dark;{1}}}\n'
        '}}'
    ).format(light, dark)
