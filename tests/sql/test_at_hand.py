"""What casts, ranges and domains run without being named counts where a value may be at hand, and not elsewhere."""

from __future__ import annotations

import pytest

from proxy.sql.catalog_rows import CastRow, StoredKind
from tests.sql.catalogs import INT4, TEXT, Drawing
from tests.sql.test_census import told, users


@pytest.mark.parametrize("context", ["i", "a", "e"])
def test_a_cast_of_a_users_type_counts_where_a_value_of_it_is_at_hand(context: str) -> None:
    """In any context, for functions and operators convert by themselves; not where no value of the type can be."""
    drawing = users(Drawing())
    own = drawing.type("own", "c")
    drawing.relation("things", columns=(own,))
    drawing.type("own_domain", "d", base=own)
    drawing.function("make", first=TEXT, language="internal", source="lower", types=(own,))
    drawing.function("fill", first=TEXT, language="internal", source="lower")
    drawing.store(StoredKind.ARGUMENT, "fill", values=(own,))
    drawing.view("constant", "lower", values=(own,))
    drawing.view("over", reads=("things",))
    drawing.casts.append(CastRow(own, INT4, "int4", drawing.oid("purge"), context))
    expected = {
        "SELECT * FROM users": False,
        "SELECT 1::int, 'x'::text": False,
        "SELECT * FROM things": True,
        "SELECT * FROM over": True,
        "SELECT * FROM constant": True,
        "SELECT NULL::own": True,
        "SELECT '{}'::own[]": True,
        "SELECT 'x'::own_domain": True,
        "SELECT make('x')": True,
        "SELECT fill()": True,
        "SELECT ('x').make": True,
        "SELECT u.make FROM users u": True,
        "SELECT x.own FROM unnest(ARRAY['x']) x": True,
        "SELECT * FROM pg_stats": True,
        "SELECT * FROM pg_attribute": False,
        "ANALYZE": True,
    }
    assert expected == {text: bool(told(drawing, text)) for text in expected}


def test_a_cast_to_a_users_type_counts_where_the_type_is_named() -> None:
    """And where something is made of it; between types of PostgreSQL's own it counts everywhere."""
    drawing = users(Drawing())
    own = drawing.type("own", "c")
    drawing.type("wide", "c", columns=(own,))
    drawing.casts.append(CastRow(INT4, own, "own", drawing.oid("purge"), "e"))
    expected = {"SELECT * FROM users": False, "SELECT 1::own": True, "SELECT ROW(1)::wide": True}
    assert expected == {text: bool(told(drawing, text)) for text in expected}
    drawing.casts.append(CastRow(INT4, TEXT, "text", drawing.oid("purge"), "e"))
    assert told(drawing, "SELECT * FROM users") == ["execute_function function:public.purge: a cast to text calls it"]


def test_a_row_type_and_kept_defaults_are_at_hand_where_their_rows_are() -> None:
    """A view over a table may convert its whole rows; pg_attribute keeps values for rows older than their column."""
    drawing = users(Drawing())
    drawing.view("v", reads=("users",))
    drawing.casts.append(CastRow(drawing.row_type("users"), INT4, "int4", drawing.oid("purge"), "e"))
    assert [bool(told(drawing, f"SELECT * FROM {name}")) for name in ("users", "v", "pg_attribute")] == [
        True,
        True,
        False,
    ]
    drawing.columns.append((1249, drawing.row_type("users")))
    assert told(drawing, "SELECT * FROM pg_attribute") != []


def test_a_range_runs_what_its_multirange_does() -> None:
    """range_agg makes one of the other, and unnest takes it apart."""
    drawing = users(Drawing())
    span, spans = drawing.type("span", "r", subtype=INT4), drawing.type("spans", "m", subtype=INT4)
    drawing.types[-1] = drawing.types[-1]._replace(range=span)
    drawing.relation("rows", columns=(span,))
    drawing.casts.append(CastRow(spans, INT4, "int4", drawing.oid("purge"), "e"))
    assert [bool(told(drawing, text)) for text in ("SELECT * FROM rows", "SELECT NULL::spans", "TABLE users")] == [
        True,
        True,
        False,
    ]


def test_what_a_domain_checks_by_converting_counts_where_the_domain_is() -> None:
    """The check makes values of its own, which casts of users convert."""
    drawing = users(Drawing())
    own = drawing.type("own", "c")
    drawing.type("checked", "d", base=TEXT)
    drawing.store(StoredKind.DOMAIN, "checked", values=(own,))
    drawing.casts.append(CastRow(own, INT4, "int4", drawing.oid("purge"), "e"))
    assert told(drawing, "SELECT 'x'::checked") != []
