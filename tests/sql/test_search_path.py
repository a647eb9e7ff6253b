"""A reported search_path is read as the server splits it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.sql import search_path_of


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
