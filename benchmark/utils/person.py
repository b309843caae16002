"""Names of fields that say who is on an image."""

from __future__ import annotations

import re

_PERSON = re.compile(r'(.*[ _.-])?(subject|person|patient|participant|proband|case|individual)s?'
                     r'([ _.-]?(id|ids|no|nr|num|number|code|key|uid|identifier|name|pseudonym))?|p?id|mrn',
                     re.IGNORECASE)


def looks_like_person(name: str) -> bool:
    """Whether a field's name says that it tells persons apart, such as ``patient_id``."""
    return bool(_PERSON.fullmatch(name))
