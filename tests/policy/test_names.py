"""Names as people may see them."""

from __future__ import annotations

import pytest

from proxy.policy.names import clean, shown_name
from proxy.sql import Target, TargetKind


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (None, ""),
        (Target(kind=TargetKind.RELATION), ""),
        (Target(kind=TargetKind.RELATION, name="users", candidates=("public",)), "users"),
        (Target(kind=TargetKind.RELATION, schema="public", name="users"), "public.users"),
        (Target(kind=TargetKind.RELATION, schema="a\nb", name="c\0d"), "a?b.c?d"),
        (Target(kind=TargetKind.FILE, name="/etc/passwd"), ""),
        (Target(kind=TargetKind.PROGRAM, name="rm"), ""),
    ],
)
def test_a_name_is_shown_as_written_and_a_literal_never(target: Target | None, shown: str) -> None:
    """What stands in quotes may be a secret."""
    assert shown == shown_name(target)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("a\r\nb", "a??b"),
        ("\u202ea\ud800\u2028", "?a??"),
        ("\u00e9\U0001f600", "\u00e9\U0001f600"),
        ("x" * 200, "x" * 125 + "..."),
    ],
)
def test_a_text_cannot_break_a_line_or_run_on_for_ever(text: str, cleaned: str) -> None:
    """Control characters, bidirectional marks and lone surrogates become question marks."""
    assert cleaned == clean(text)
