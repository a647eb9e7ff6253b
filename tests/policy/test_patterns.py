"""Patterns: globs, objects and values."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy.patterns import Glob, PatternError, must_cover_any, object_pattern, quantity, value_pattern
from proxy.sql import TO_DEFAULT, Target, TargetKind
from tests.policy.samples import relation, setting

_SMALL = st.text(alphabet="ab*", max_size=8)


@given(_SMALL, st.text(alphabet="ab", max_size=8))
def test_glob_matches_as_the_regular_expression_of_it_would(pattern: str, text: str) -> None:
    """A glob matches exactly what its translation to a regular expression matches."""
    expected = re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None
    assert expected == Glob.of(pattern).matches(text)


@given(_SMALL, _SMALL, st.text(alphabet="ab", max_size=6))
def test_globs_meet_where_a_text_matches_both(one: str, other: str, text: str) -> None:
    """Two globs that share a text are found to meet."""
    if Glob.of(one).matches(text) and Glob.of(other).matches(text):
        assert Glob.of(one).meets(Glob.of(other))


@pytest.mark.parametrize(("one", "other"), [("a*", "b*"), ("*a", "*b"), ("ab", "a"), ("a*a", "ab"), ("", "a")])
def test_globs_do_not_meet_where_no_text_matches_both(one: str, other: str) -> None:
    """Globs that no text can match both do not meet."""
    assert not Glob.of(one).meets(Glob.of(other))


@pytest.mark.parametrize(
    ("pattern", "target", "may", "must"),
    [
        ("public.users", relation("public.users"), True, True),
        ("public.users", relation("sales.users"), False, False),
        ("*.users", relation("sales.users"), True, True),
        ("*.*", relation("users"), True, True),
        ("*", relation("users"), True, True),
        ("public.users", relation("users"), True, False),
        ("public.users", relation("users", "public"), True, True),
        ("public.users", relation("users", "pg_temp", "public"), True, False),
        ("public.users", relation("users", "sales"), False, False),
        ("public.users", relation("orders"), False, False),
        ("users", relation("sales.users"), True, False),
        ("pub*.users", relation("public.users"), True, True),
        ("a*.b", relation("ax.yb"), False, False),
        ('public."Users"', relation("public.Users"), True, True),
        ('public."a.b"', Target(kind=TargetKind.RELATION, schema="public", name="a.b"), True, True),
        ('public."*"', relation("public.users"), False, False),
        ("work_mem", setting("work_mem"), True, True),
        ("enable_*", setting("enable_seqscan"), True, True),
        ("*.*", setting("work_mem"), False, False),
        ("myapp.*", setting("myapp.tenant"), True, True),
        ("payroll.*", Target(kind=TargetKind.SCHEMA, name="payroll"), True, False),
        ("payroll.*", Target(kind=TargetKind.SCHEMA, name="public"), False, False),
        ("payroll.*", Target(kind=TargetKind.DATABASE, name="shop"), True, False),
        ("payroll.*", Target(kind=TargetKind.OTHER, name=""), True, False),
        ("payroll.x", Target(kind=TargetKind.OTHER, name="x"), True, False),
        ("payroll.*", Target(kind=TargetKind.ROLE, name="x"), False, False),
        ("reader", Target(kind=TargetKind.ROLE, name="reader"), True, True),
    ],
)
def test_pattern_is_read_widely_by_a_forbid_and_narrowly_by_a_permit(
    pattern: str, target: Target, may: bool, must: bool
) -> None:
    """What may be meant and what must be meant differ wherever the statement leaves the object open."""
    read = object_pattern(pattern)
    assert (may, must) == (read.may_cover(target), must_cover_any((read,), target))


def test_patterns_together_cover_an_unqualified_name_where_each_candidate_is_covered() -> None:
    """Two schemas in one permit cover a name that can only be in one of the two."""
    listed = (object_pattern("a.t"), object_pattern("b.t"))
    assert must_cover_any(listed, relation("t", "a", "b"))
    assert not must_cover_any(listed, relation("t", "a", "b", "c"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a.b.c", "3 parts"),
        ("a.", "not a pattern"),
        (".a", "not a pattern"),
        ("", "not a pattern"),
        ("a..b", "not a pattern"),
        ('"a', "not a pattern"),
        ('"a"b', "not a pattern"),
        ('a.""', "may not be empty"),
        ("public.Users", "upper case"),
        ("public. users", "white space"),
    ],
)
def test_pattern_that_cannot_mean_what_it_says_is_refused(text: str, says: str) -> None:
    """A malformed pattern says what to write instead."""
    with pytest.raises(PatternError, match=says):
        object_pattern(text)


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("UTF8", "utf8", True),
        ("UTF8", "latin1", False),
        ("1ms..1h", "30s", True),
        ("1ms..1h", "0", False),
        ("1ms..1h", "0s", False),
        ("1ms..1h", "0.4us", False),
        ("1ms..1h", "3600000", True),
        ("1ms..1h", "3600001", False),
        ("1ms..1h", "010", False),
        ("1ms..1h", "0x10", False),
        ("1ms..1h", "-1", False),
        ("1ms..1h", "default", False),
        ("1..3", "2.5", True),
    ],
)
def test_value_matches_by_text_or_within_a_range(pattern: str, value: str, expected: bool) -> None:
    """Texts compare without case; ranges compare quantities, and what is none lies outside."""
    assert expected == value_pattern(pattern).matches(value)


@pytest.mark.parametrize(
    ("pattern", "value", "expected"),
    [
        ("default", TO_DEFAULT, True),
        ("DEFAULT", TO_DEFAULT, False),
        ("default", "default", False),
        ("1..2", TO_DEFAULT, False),
    ],
)
def test_default_is_what_the_session_began_with_and_no_constant(pattern: str, value: str, expected: bool) -> None:
    """RESET is no value, so no other item stands for it, and a constant of that spelling is not it."""
    assert expected == value_pattern(pattern).matches(value)


def test_range_whose_ends_are_turned_round_is_refused() -> None:
    """A range from high to low would permit nothing, so it is a mistake."""
    with pytest.raises(PatternError, match="not a range"):
        value_pattern("5..1")


@pytest.mark.parametrize(("text", "expected"), [("2min", 120_000.0), ("1.5s", 1_500.0), ("7", 7.0), ("s", None)])
def test_quantity_is_in_milliseconds_where_a_unit_is_written(text: str, expected: float | None) -> None:
    """Units of time are PostgreSQL's."""
    assert expected == quantity(text)


def test_a_forbid_on_a_partition_is_a_forbid_on_the_whole() -> None:
    """A pattern that may be a relation sharing its rows may be it; a permit must be the relation itself."""
    part = Target(kind=TargetKind.RELATION, schema="archive", name="part")
    whole = Target(kind=TargetKind.RELATION, schema="public", name="whole", kin=(part,))
    pattern = object_pattern("archive.*")
    assert (pattern.may_cover(whole), pattern.must_cover(whole)) == (True, False)
