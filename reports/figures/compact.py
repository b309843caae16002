"""Smaller SVG: matplotlib's files without what nothing refers to. The picture stays the same."""

from __future__ import annotations

import re
from xml.etree.ElementTree import Element

SVG = 'http://www.w3.org/2000/svg'
#: Ids that matplotlib numbers by itself; those that a figure gives its artists are kept.
NUMBERED = re.compile(
    r'.*-(figure|axes|patch|line2d|text|[xy]tick|matplotlib\.axis|legend|[A-Za-z]+Collection|mpl_[a-z]+)_\d+'
)
REFERENCE = re.compile(r'#([^)"\s]+)')


def compact(root: Element) -> None:
    """Shorten a figure in place: no white space, no ids or groups without a use, shorter paths."""
    used = {name for element in root.iter() for value in element.attrib.values() for name in REFERENCE.findall(value)}
    for element in root.iter():
        if element.tag != f'{{{SVG}}}text':
            element.text = element.text if (element.text or '').strip() else None
        element.tail = None
        name = element.get('id')
        if name and name not in used and NUMBERED.fullmatch(name):
            del element.attrib['id']
        if element.get('transform', '').startswith('rotate(-0 '):
            del element.attrib['transform']
        if path := element.get('d'):
            element.set('d', _path(path))
        if style := element.get('style'):
            element.set('style', style.replace(': ', ':').replace('; ', ';'))
    _prune(root)


def _path(text: str) -> str:
    """``M 1.50 2 L 1.50 2`` as ``M1.5 2h0``: no spaces at letters, no noughts at ends, dots as strokes of length 0."""
    text = re.sub(r'(\.\d*?)0+(?=\D|$)', r'\1', text)
    text = re.sub(r'\.(?=\D|$)', '', text)
    text = re.sub(r'\s*([A-Za-z])\s*', r'\1', text.strip())
    return re.sub(r'M(\S+ [^\sA-Za-z]+)L\1(?=M|$)', r'M\1h0', text)


def _prune(parent: Element) -> None:
    """Put the content of groups without attributes in their place, and leave out what is empty or not painted."""
    for child in list(parent):
        _prune(child)
        tag = child.tag.removeprefix(f'{{{SVG}}}')
        bare = tag == 'g' and not child.attrib
        empty = tag in ('defs', 'g', 'style') and not len(child) and not child.text
        unpainted = tag == 'path' and child.get('style') == 'fill:none' and not parent.get('id')
        if bare or empty or unpainted and 'id' not in child.attrib:
            place = list(parent).index(child)
            parent.remove(child)
            for offset, inner in enumerate(list(child) if bare else []):
                parent.insert(place + offset, inner)
