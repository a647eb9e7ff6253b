"""Types that a client gives its parameters by number: what their values run."""

from __future__ import annotations

import pytest

from proxy.sql.catalog_rows import CastRow, StoredKind
from proxy.sql.census import Lost
from proxy.sql.given_types import types_given
from tests.sql.catalogs import INT4, RECORD, TEXT, Drawing

LOST = Lost(because="the server does not answer")


def test_a_parameters_type_is_judged_by_its_number() -> None:
    """Enums, their arrays and row types of known relations do no harm; a harmful domain and an unknown type may."""
    drawing = Drawing()
    drawing.function("purge")
    drawing.relation("users")
    mood = drawing.type("mood")
    email = drawing.type("email", "d", base=TEXT)
    drawing.store(StoredKind.DOMAIN, "email", "purge")
    census = drawing.census()
    harmless = [INT4, RECORD, mood, drawing.oid("mood[]"), drawing.row_type("users"), drawing.oid("users[]")]
    assert types_given(harmless, census) is None
    for oid in (email, drawing.oid("email[]"), 99_999):
        assert types_given([mood, oid], census) is not None, oid
    assert types_given([INT4], None) is None
    lost = types_given([mood], LOST)
    assert lost is not None
    assert lost.unestablished == LOST.because


@pytest.mark.parametrize("context", ["i", "a", "e"])
def test_parameter_of_a_type_with_a_cast_that_runs_code_is_code(context: str) -> None:
    """No text says that a parameter has the type, and `$1::int` or to_json($1) may convert it."""
    drawing = Drawing()
    mood, calm = drawing.type("mood"), drawing.type("calm")
    drawing.casts.append(CastRow(mood, INT4, "int4", drawing.function("purge"), context))
    census = drawing.census()
    assert [types_given([oid], census) is None for oid in (calm, mood, drawing.oid("mood[]"))] == [True, False, False]
