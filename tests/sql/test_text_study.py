from __future__ import annotations

import pytest

from proxy.sql import Bounds, Unreadable, normalize, study

BOUNDS = Bounds()


@pytest.mark.parametrize(
    ("text", "by_form"),
    [
        ("SELECT a FROM t WHERE b = 'x'", True),
        ("DELETE FROM t WHERE 1 = 1", False),
        ("SELECT set_config('search_path', 'x', false)", False),
        ("SELECT a FROM t WHERE b = r'x'", True),
    ],
)
def test_reading_holds_for_the_form_unless_a_constant_decides(text: str, by_form: bool) -> None:
    """Where a constant decides, the text itself was read, and the reading is of nothing else."""
    found = study(text, normalize(text), BOUNDS)
    assert (found.form == normalize(text), found.form is None) == (by_form, not by_form)
    assert not isinstance(found.reading, Unreadable)


def test_what_a_log_may_show_has_no_constants() -> None:
    """Text and fingerprint are of what was read, and nothing of a constant is in them."""
    first, second = (study(text, None, BOUNDS) for text in ("SELECT 'secret', 1", "SELECT  'other', 2"))
    assert (first.masked, first.mark) == ("SELECT ?, ?", second.mark)


def test_text_beyond_the_bounds_has_no_text_for_a_log() -> None:
    """What is too long to be read is too long to be scanned for what may be shown."""
    found = study("SELECT 1" + " " * 100, None, Bounds(statement_bytes=50))
    assert (isinstance(found.reading, Unreadable), found.masked, found.mark) == (True, "", "")
