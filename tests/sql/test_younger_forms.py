"""What PostgreSQL 18's grammar reads as a form of its own is a call where the server does not know the form."""

from __future__ import annotations

import pytest

from proxy.sql.younger_forms import KINDS, SINCE
from tests.sql.shorthand import read_one, short_acts

FORMS = {
    "SELECT json_value(bad(), '$'), json_query(a, '$') FROM t": {"json_value", "json_query"},
    "SELECT 1 FROM t WHERE json_exists(a, '$')": {"json_exists"},
    "SELECT json_scalar(1), json_serialize(a) FROM t": {"json_scalar", "json_serialize"},
    "SELECT * FROM json_object('{a,b}'), json_object()": {"json_object"},
    "SELECT json_array(1, 2), json_array(SELECT 1)": {"json_array"},
    "SELECT json_arrayagg(a), json_objectagg(a: 1) FROM t": {"json_arrayagg", "json_objectagg"},
    "SELECT json('1'), merge_action()": {"json", "merge_action"},
    "SELECT s.json_object('{}'), s.json_value(a), \"json_value\"(1, 2) FROM t": set(),
    "SELECT b FROM JSON_TABLE(a, '$' COLUMNS (b int)) WHERE a IS JSON": set(),
}


@pytest.mark.parametrize(("text", "forms"), FORMS.items())
def test_forms_are_noted_by_their_names(text: str, forms: set[str]) -> None:
    """Quoted, or behind a schema, the names are plain functions to every server."""
    assert forms == read_one(text).forms


def test_every_form_has_its_version() -> None:
    """What the grammar can give is known to the table, and the other way round."""
    names = {*filter(None, KINDS.values()), "json_exists", "json_query", "json_value"}
    assert SINCE.keys() == names


def test_system_user_in_from_may_be_a_relation() -> None:
    """The word is reserved since PostgreSQL 16, and a view may have had the name before."""
    assert short_acts(read_one("SELECT * FROM system_user")) == ["select system_user"]
    assert short_acts(read_one("SELECT system_user FROM current_user")) == ["select"]
