"""A contact sheet as one HTML file that loads nothing."""

from __future__ import annotations

import base64
from html import escape

import cv2

from .panels import FITTED, Panel, Sheet

_STYLE = """
body{font:14px/1.45 system-ui,sans-serif;margin:1.2rem;background:#fafafa;color:#1c1c1c;max-width:1720px}
h1{font-size:1.3rem;margin:0 0 .3rem}h2{font-size:1rem;margin:1.1rem 0 .4rem}p{margin:.15rem 0;max-width:75rem}
.row{display:flex;flex-wrap:wrap;gap:10px;align-items:flex-start}
figure{margin:0;background:#fff;border:1px solid #d0d0d0;border-radius:4px;overflow:hidden}
figure.flagged{border:2px solid #d61f69}
figcaption{padding:3px 6px;font-size:12px;overflow-wrap:anywhere;box-sizing:border-box}
figcaption b{display:block;font-weight:600}svg{display:block;background:#f1f1f1}
text{font:10px system-ui,sans-serif;fill:#fff;stroke:#000;stroke-width:2.4px;paint-order:stroke;stroke-linejoin:round}
.plain text{fill:#111;stroke:#fff}
ul{list-style:none;margin:.4rem 0;padding:0;display:flex;flex-wrap:wrap;gap:2px 14px;font-size:12px}
i{display:inline-block;width:.75em;height:.75em;border-radius:50%;border:1px solid #000;margin-right:.35em}
"""


def page(sheet: Sheet) -> str:
    """The file's text."""
    legend = ''.join(f'<li><i style="background:{colour}"></i>{escape(text)}</li>' for colour, text in sheet.legend)
    notes = ''.join(f'<p>{escape(note)}</p>' for note in sheet.notes)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{escape(sheet.title)}: contact sheet</title><style>{_STYLE}</style></head><body>
<h1>{escape(sheet.title)}</h1>{notes}
<ul>{legend}</ul>
<h2>All images, and usual ones as training sees them</h2><div class="row">{''.join(map(_figure, sheet.large))}</div>
<h2>Images, those that stand out first</h2><div class="row">{''.join(map(_figure, sheet.small))}</div>
</body></html>
"""


def _figure(panel: Panel) -> str:
    width, height = panel.size
    parts = []
    if panel.image is not None:
        data = cv2.imencode('.jpg', panel.image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])[1]
        parts.append(f'<image width="{width}" height="{height}" href="data:image/jpeg;base64,'
                     f'{base64.b64encode(data.tobytes()).decode()}"/>')
    # SVG counts from the panel's corner.
    parts += [f'<circle cx="{x + .5:.1f}" cy="{y + .5:.1f}" r="1.3" fill="{colour}" fill-opacity=".55"/>'
              for x, y, colour in panel.dots]
    for mark, ring in zip(panel.marks, panel.rings, strict=False):
        parts.append(f'<path d="M{ring[0] + .5:.1f} {ring[1] + .5:.1f}L{mark.x + .5:.1f} {mark.y + .5:.1f}" '
                     f'stroke="{FITTED}"/><circle cx="{ring[0] + .5:.1f}" cy="{ring[1] + .5:.1f}" r="4" fill="none" '
                     f'stroke="{FITTED}" stroke-width="1.4"/>')
    for mark in panel.marks:
        parts.append(f'<g><title>{escape(mark.title)}</title><circle cx="{mark.x + .5:.1f}" cy="{mark.y + .5:.1f}" '
                     f'r="3" fill="{mark.colour}" stroke="#000"/><text x="{mark.at[0]:.1f}" y="{mark.at[1] + 4:.1f}">'
                     f'{escape(mark.text)}</text></g>')
    lines = '<br>'.join(escape(line) for line in panel.lines)
    kind = ' '.join(word for word, on in (('flagged', panel.flagged), ('plain', panel.image is None)) if on)
    return (f'<figure class="{kind}" style="width:{width}px"><svg viewBox="0 0 {width} {height}" width="{width}" '
            f'height="{height}" role="img" aria-label="{escape(panel.title)}">{"".join(parts)}</svg>'
            f'<figcaption><b>{escape(panel.title)}</b>{lines}</figcaption></figure>')
