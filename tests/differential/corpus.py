"""The statements of PostgreSQL 18's regression tests: what people who know every corner of it thought worth writing.

`statements.xz` holds them in the order of the scripts, each once, a NUL between two; `build.py` made it. Some are wrong
on purpose, and a few carry several statements, as psql sends them in one message.
"""

from __future__ import annotations

import hashlib
import lzma
from functools import lru_cache
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("statements.xz")
SHA256: Final = "80afd5ad489816167b9e239f82faff82e1d9621214e7446a4ca60116bce1a3a4"
"""Of the statements themselves: another compressor may pack the same ones differently."""


def packed() -> bytes:
    """Give the statements as one piece, which `SHA256` is of."""
    return lzma.decompress(FILE.read_bytes())


@lru_cache(maxsize=1)
def statements() -> tuple[str, ...]:
    """Give the statements, in order."""
    return tuple(packed().decode().split("\0"))


def digest(piece: bytes) -> str:
    """Name the statements."""
    return hashlib.sha256(piece).hexdigest()
