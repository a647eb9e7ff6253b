from __future__ import annotations

from dataclasses import replace

import orjson
from hypothesis import given
from hypothesis import strategies as st

from audit import encode
from tests.audit.journals import SESSION


@given(st.text(st.characters(), max_size=30))
def test_any_client_text_makes_one_valid_line(text: str) -> None:
    """No text of a client, lone surrogates and line ends included, breaks a record or its line."""
    line = encode(replace(SESSION, application_name=text))
    assert b"\n" not in line
    expected = text.encode("utf-8", "backslashreplace").decode()
    assert expected == orjson.loads(line)["application_name"]
