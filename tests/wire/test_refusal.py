"""The poison and its error: known by the nonce alone, and never mistaken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire import ErrorResponse, Severity, SqlState
from proxy.wire.refusal import MARK, nonce_of, poison_parse, poison_query, poison_text, rewrite
from tests.wire.conversation import error, parse, query

NONCES = st.text("0123456789abcdef", min_size=32, max_size=32).map(str.encode)
REFUSAL = ErrorResponse.build(
    Severity.ERROR, SqlState.INSUFFICIENT_PRIVILEGE, "DELETE refused", detail="Rule r.", hint="Ask."
)


@given(NONCES, st.text(max_size=40).map(str.encode), st.text(max_size=40).map(str.encode))
def test_nonce_is_read_wherever_it_stands(nonce: bytes, before: bytes, behind: bytes) -> None:
    """Whatever a server's language puts around the value, its nonce is found."""
    assert nonce_of(before + b"\0" + MARK + nonce + b'"' + behind) == nonce


@pytest.mark.parametrize("text", [b"", MARK, MARK + b"f" * 31, b"interlock-refusal" + b"f" * 32, b"f" * 32])
def test_what_is_no_whole_nonce_is_none(text: bytes) -> None:
    """A mark without a whole nonce behind it is somebody else's text."""
    assert nonce_of(text) is None


@pytest.mark.parametrize("nonce", [b"", b"f" * 31, b"f" * 33, b"'" * 32, b"f" * 31 + b"\\"])
def test_nonce_that_could_end_the_literal_is_not_written(nonce: bytes) -> None:
    """The poison holds 32 letters and digits, and so nothing that means anything in SQL."""
    with pytest.raises(ValueError, match="32 hexadecimal digits"):
        poison_text(nonce)


@given(NONCES, st.binary(max_size=70).filter(lambda name: 0 not in name))
def test_poison_is_a_message_of_its_kind(nonce: bytes, name: bytes) -> None:
    """It names what the refused Parse named, and says nothing else."""
    text = b"SELECT 'interlock-refusal-%b'::pg_catalog.int4" % nonce
    assert (poison_query(nonce), poison_parse(nonce, name)) == (query(text), parse(name, text))


def test_rewritten_error_says_what_the_refusal_says() -> None:
    """SQLSTATE, message, DETAIL and HINT are the refusal's; how severe it is, the server's."""
    written = rewrite(error(b"22P02", MARK + b"0" * 32)[5:], REFUSAL)
    fields = {part[:1]: part[1:] for part in written[5:].split(b"\0") if part}
    assert fields == {
        b"S": b"ERROR",
        b"V": b"ERROR",
        b"C": b"42501",
        b"M": b"DELETE refused",
        b"D": b"Rule r.",
        b"H": b"Ask.",
    }
