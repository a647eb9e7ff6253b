"""Statement text -> facts. Pure: no sockets, no clock, no files. This module is the room's door."""

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
    "fingerprint",
    "mask",
    "normalize",
    "read_statements",
]
