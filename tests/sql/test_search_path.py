"""A reported search_path is read as the server splits it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sql import Act, Effect, Facts, may_make_temporary, search_path_of


@pytest.mark.parametrize(
    ("reported", "path"),
    [
        ('"$user", public', ("ada", "public")),
        ("", ()),
        ("   ", ()),
        ('""', ("",)),
        ("public", ("public",)),
        ("PUBLIC,Other", ("public", "other")),
        ('"Public" , "a,b"', ("Public", "a,b")),
        ('"a""b"', ('a"b',)),
        ('""""', ('"',)),
        ("$user", ("ada",)),
        ("a , b ,c", ("a", "b", "c")),
        ("a,", None),
        (",a", None),
        ("a b", None),
        ('"a" b', None),
        ('"a', None),
        ('"a""', None),
        ('a"b', None),
        ("a,,b", None),
        ('"a""b', None),
        ("äpfel", ("äpfel",)),
        ("Äpfel, public", None),
        ('"Äpfel"', ("Äpfel",)),
        ("a" * 70, ("a" * 63,)),
        ('"' + "é" * 40 + '"', ("é" * 31,)),
    ],
)
def test_path_is_read_as_the_server_splits_it(reported: str, path: tuple[str, ...] | None) -> None:
    """Quoted names keep their letters, others are lowered, `$user` is the login; what is no list says nothing."""
    assert search_path_of(reported, "ada") == path


@given(st.lists(st.text(max_size=12), max_size=6))
def test_quoted_names_come_back(names: list[str]) -> None:
    """Whatever a schema is called, quoting it says so."""
    reported = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    assert search_path_of(reported, "ada") == tuple("ada" if name == "$user" else name for name in names)


@pytest.mark.parametrize("effect", Effect)
def test_only_what_defines_or_runs_code_may_make_a_temporary_object(effect: Effect) -> None:
    """Everything else reads, writes rows, or moves the session's own state."""
    makes = {
        Effect.CREATE, Effect.ALTER, Effect.DROP, Effect.EXECUTE_FUNCTION, Effect.CALL, Effect.DO, Effect.LOAD,
        Effect.IMPORT, Effect.GRANT, Effect.COMMENT, Effect.SECURITY_LABEL, Effect.MAINTAIN, Effect.REPLICATE,
        Effect.COPY_FILE, Effect.COPY_PROGRAM, Effect.LARGE_OBJECT, Effect.ROLE_CHANGE, Effect.SYSTEM_SETTING,
        Effect.TWO_PHASE, Effect.CHECKPOINT,
    }  # fmt: skip
    assert may_make_temporary(Facts(tag="X", acts=(Act(effect=effect),))) is (effect in makes)


def test_what_is_not_established_may_make_a_temporary_object() -> None:
    """Who is not enforced goes on without a census."""
    assert may_make_temporary(Facts(tag="SELECT", acts=(Act(effect=Effect.SELECT),), unestablished="lost"))
