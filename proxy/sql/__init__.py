"""Statement text -> facts. Pure: no sockets, no clock, no files. This module is the room's door."""

from proxy.sql.consequences import expand
from proxy.sql.facts import (
    Act,
    Bounds,
    Call,
    Census,
    Effect,
    Facts,
    Modifier,
    Settings,
    Target,
    TargetKind,
    Unreadable,
)
from proxy.sql.normal import fingerprint, mask, normalize
from proxy.sql.reading import read_statements
from proxy.sql.search_path import search_path_of
from proxy.sql.shapes import covers, shape

__all__ = [
    "Act",
    "Bounds",
    "Call",
    "Census",
    "Effect",
    "Facts",
    "Modifier",
    "Settings",
    "Target",
    "TargetKind",
    "Unreadable",
    "covers",
    "expand",
    "fingerprint",
    "mask",
    "normalize",
    "read_statements",
    "search_path_of",
    "shape",
]
