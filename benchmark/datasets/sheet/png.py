"""A contact sheet as one PNG file."""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from .panels import FITTED, Panel, Sheet

#: Drawn so much finer than it is saved, so that edges are smooth; and the sheet's width in pixels.
FINE, WIDTH = 2, 1680
_GAP, _LINE = 10, 16


def picture(sheet: Sheet) -> Image.Image:
    """The file's pixels."""
    blocks = [_text([sheet.title], 20), _text(sheet.notes, 13), _legend(sheet.legend),
              *_rows([_panel(panel) for panel in sheet.large]), *_rows([_panel(panel) for panel in sheet.small])]
    height = sum(block.height + _GAP * FINE for block in blocks) + _GAP * FINE
    canvas = Image.new('RGB', (WIDTH * FINE, height), '#fafafa')
    y = _GAP * FINE
    for block in blocks:
        canvas.paste(block, (_GAP * FINE, y))
        y += block.height + _GAP * FINE
    return canvas.resize((WIDTH, height // FINE), Image.Resampling.BOX)


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.load_default(size * FINE)


def _text(lines: list[str], size: int) -> Image.Image:
    block = Image.new('RGB', ((WIDTH - 2 * _GAP) * FINE, int(len(lines) * size * 1.4 * FINE) + 2), '#fafafa')
    for k, line in enumerate(lines):
        ImageDraw.Draw(block).text((0, int(k * size * 1.4 * FINE)), line, '#1c1c1c', _font(size))
    return block


def _legend(legend: list[tuple[str, str]]) -> Image.Image:
    """Colours and names, as many in a line as fit."""
    font, x, y, places = _font(12), 0, 0, []
    for colour, text in legend:
        width = int(font.getlength(text)) + 34 * FINE
        if x + width > (WIDTH - 2 * _GAP) * FINE:
            x, y = 0, y + _LINE * FINE
        places.append((x, y, colour, text))
        x += width
    block = Image.new('RGB', ((WIDTH - 2 * _GAP) * FINE, y + (_LINE + 4) * FINE), '#fafafa')
    draw = ImageDraw.Draw(block)
    for x, y, colour, text in places:
        _disc(draw, x / FINE + 6, y / FINE + 8, 5, colour, '#000')
        draw.text((x + 15 * FINE, y), text, '#1c1c1c', font)
    return block


def _rows(blocks: list[Image.Image]) -> list[Image.Image]:
    """Panels side by side, as many in a row as fit."""
    rows: list[list[Image.Image]] = []
    for block in blocks:
        if not rows or sum(one.width + _GAP * FINE for one in rows[-1]) + block.width > (WIDTH - 2 * _GAP) * FINE:
            rows.append([])
        rows[-1].append(block)
    result = []
    for row in rows:
        line = Image.new('RGB', ((WIDTH - 2 * _GAP) * FINE, max(one.height for one in row)), '#fafafa')
        x = 0
        for one in row:
            line.paste(one, (x, 0))
            x += one.width + _GAP * FINE
        result.append(line)
    return result


def _disc(draw: ImageDraw.ImageDraw, x: float, y: float, radius: float, fill: str | None, line: str,
          width: int = 1) -> None:
    box = [(x - radius) * FINE, (y - radius) * FINE, (x + radius) * FINE, (y + radius) * FINE]
    draw.ellipse(box, fill=fill, outline=line, width=width * FINE)


def _panel(panel: Panel) -> Image.Image:
    width, height = panel.size
    font = _font(11)
    words, lines = f'{panel.title}\n{" ".join(panel.lines)}'.replace('\n', ' \n ').split(' '), ['']
    for word in words:
        if word == '\n' or lines[-1] and font.getlength(f'{lines[-1]} {word}') > (width - 8) * FINE:
            lines.append('')
        if word != '\n':
            lines[-1] = f'{lines[-1]} {word}'.strip()
    block = Image.new('RGB', (width * FINE, (height + 15 * len(lines) + 4) * FINE), '#ffffff')
    draw = ImageDraw.Draw(block)
    if panel.image is not None:
        block.paste(Image.fromarray(panel.image).resize((width * FINE, height * FINE), Image.Resampling.BICUBIC))
    else:
        draw.rectangle([0, 0, width * FINE, height * FINE], '#f1f1f1')
    for x, y, colour in panel.dots:
        _disc(draw, x + .5, y + .5, 1.2, colour, colour)
    for mark, ring in zip(panel.marks, panel.rings, strict=False):
        draw.line([(ring[0] + .5) * FINE, (ring[1] + .5) * FINE, (mark.x + .5) * FINE, (mark.y + .5) * FINE], FITTED,
                  FINE)
        _disc(draw, ring[0] + .5, ring[1] + .5, 4, None, FITTED)
    dark = panel.image is not None
    for mark in panel.marks:
        _disc(draw, mark.x + .5, mark.y + .5, 3.5, mark.colour, '#000')
        draw.text((mark.at[0] * FINE, (mark.at[1] + .5) * FINE), mark.text, '#fff' if dark else '#111', _font(10),
                  anchor='lm', stroke_width=FINE, stroke_fill='#000' if dark else '#fff')
    for k, line in enumerate(lines):
        draw.text((4 * FINE, (height + 2 + 15 * k) * FINE), line, '#1c1c1c', font)
    draw.rectangle([0, 0, block.width - 1, block.height - 1], outline=FITTED if panel.flagged else '#d0d0d0',
                   width=FINE * (2 if panel.flagged else 1))
    return block
