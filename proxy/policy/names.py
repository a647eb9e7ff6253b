"""Names as people may see them in errors and records: clean, bounded, and never a literal of the statement. Pure."""

from __future__ import annotations

import unicodedata
from typing import Final

from proxy.sql import Target, TargetKind

_LITERAL_NAMES: Final = frozenset({TargetKind.FILE, TargetKind.PROGRAM})
"""Kinds whose name is a literal of the statement."""


def shown_name(target: Target | None) -> str:
    """Give `schema.name` as the statement writes it; empty where it names nothing, or nothing that may be shown."""
    if target is None or not target.name or target.kind in _LITERAL_NAMES:
        return ""
    name = clean(target.name)
    return name if target.schema is None else f"{clean(target.schema)}.{name}"


def clean(text: str, most: int = 128) -> str:
    """Without characters that could end a message early, forge a log line or fail to encode; and not endless."""
    kept = "".join("?" if unicodedata.category(c) in {"Cc", "Cs", "Cf", "Zl", "Zp"} else c for c in text)
    return kept if len(kept) <= most else f"{kept[: most - 3]}..."
