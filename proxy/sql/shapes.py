"""A statement's shape: its bytes with the integers taken out. A cache key that costs less than normalizing. Pure.

Only plain texts have one: ASCII without quotes, backslashes, dollar signs, slashes and double dashes. There are no
strings, no quoted names, no comments and no parameters in them, and every run of one to nine digits that touches no
letter, digit, underscore or dot is an integer constant (scan.l: `decinteger`; nine digits fit an Iconst, whatever they
are). Two texts of one shape are then the same tokens but for the values of integer constants, hence the same parse tree
but for those values.

That alone does not make one decision hold for both: an integer may stand where its value decides. `covers` says when it
does not: where normalization has replaced every one of them.
"""

from __future__ import annotations

import re
from typing import Final

_HOLE: Final = b"\x01"
_INTEGER: Final = re.compile(rb"(?<![\w.$])[0-9]{1,9}(?![\w.$])")
_PARAMETER: Final = re.compile(rb"\$[0-9]+")
_PLAIN: Final = bytes(byte for byte in range(0x20, 0x7F) if byte not in b"'\"\\$/") + b"\t\n\r"


def shape(text: bytes) -> bytes | None:
    """Give the text's shape; None where it has none."""
    if text.translate(None, _PLAIN) or b"--" in text:
        return None
    return _INTEGER.sub(_HOLE, text)


def covers(shaped: bytes, normalized: bytes) -> bool:
    """Tell whether what is decided on the normalized text holds for every text of this shape."""
    return _INTEGER.search(normalized) is None and len(_PARAMETER.findall(normalized)) == shaped.count(_HOLE)
