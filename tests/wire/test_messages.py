from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol, Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire import messages
from proxy.wire.codes import (
    AuthenticationCode,
    DiagnosticField,
    ProtocolViolation,
    Severity,
    SqlState,
    TransactionStatus,
)


class Message(Protocol):
    """What all codecs have."""

    @classmethod
    def decode(cls, body: bytes) -> Self:
        """Read a body."""

    def encode(self) -> bytes:
        """Give the whole message."""


strings = st.binary(max_size=40).map(lambda text: text.replace(b"\0", b""))
uint16s = st.integers(0, 0xFFFF)
uint32s = st.integers(0, 0xFFFFFFFF)
fields = st.dictionaries(st.integers(1, 255).map(chr), strings, max_size=6)


def function_calls() -> st.SearchStrategy[messages.FunctionCall]:
    """Draw calls whose formats fit their arguments."""

    def shaped(arguments: list[bytes | None]) -> st.SearchStrategy[messages.FunctionCall]:
        formats = st.lists(uint16s, max_size=1) | st.lists(uint16s, min_size=len(arguments), max_size=len(arguments))
        return st.builds(
            messages.FunctionCall,
            oid=uint32s,
            argument_formats=formats.map(tuple),
            arguments=st.just(tuple(arguments)),
            result_format=uint16s,
        )

    return st.lists(st.none() | st.binary(max_size=20), max_size=5).flatmap(shaped)


MESSAGES: dict[type[Message], st.SearchStrategy[Message]] = {
    messages.Query: st.builds(messages.Query, statement=strings),
    messages.Parse: st.builds(
        messages.Parse, name=strings, statement=strings, parameter_types=st.lists(uint32s, max_size=6).map(tuple)
    ),
    messages.Close: st.builds(messages.Close, kind=st.sampled_from("SP"), name=strings),
    messages.Describe: st.builds(messages.Describe, kind=st.sampled_from("SP"), name=strings),
    messages.FunctionCall: function_calls(),
    messages.ErrorResponse: st.builds(messages.ErrorResponse, fields=fields),
    messages.NoticeResponse: st.builds(messages.NoticeResponse, fields=fields),
    messages.ParameterStatus: st.builds(messages.ParameterStatus, name=strings, value=strings),
    messages.BackendKeyData: st.builds(
        messages.BackendKeyData, process_id=uint32s, secret_key=st.binary(min_size=1, max_size=256)
    ),
    messages.CommandComplete: st.builds(messages.CommandComplete, tag=strings),
    messages.ReadyForQuery: st.builds(messages.ReadyForQuery, status=st.sampled_from(TransactionStatus)),
    messages.AuthenticationRequest: st.builds(
        messages.AuthenticationRequest, code=st.sampled_from(AuthenticationCode), data=st.binary(max_size=40)
    ),
    messages.NegotiateProtocolVersion: st.builds(
        messages.NegotiateProtocolVersion, version=uint32s, unrecognized=st.lists(strings, max_size=4).map(tuple)
    ),
}
each_codec = pytest.mark.parametrize("codec", MESSAGES, ids=lambda codec: codec.__name__)


@each_codec
@given(data=st.data())
def test_decode_undoes_encode(codec: type[Message], data: st.DataObject) -> None:
    """What is encoded is framed by its own length and decodes to itself."""
    message = data.draw(MESSAGES[codec])
    whole = message.encode()
    assert struct.unpack("!i", whole[1:5])[0] == len(whole) - 1
    assert message == codec.decode(whole[5:])


@each_codec
@given(body=st.binary(max_size=60))
def test_decode_raises_only_violations(codec: type[Message], body: bytes) -> None:
    """Any body is either read or a protocol violation, and what was read encodes to the very same bytes."""
    try:
        message = codec.decode(body)
    except ProtocolViolation:
        return
    assert body == message.encode()[5:]


UNBOUNDED_TAIL = (messages.BackendKeyData, messages.AuthenticationRequest)


@pytest.mark.parametrize(
    "codec", [codec for codec in MESSAGES if codec not in UNBOUNDED_TAIL], ids=lambda codec: codec.__name__
)
@given(data=st.data())
def test_decode_consumes_exactly_the_body(codec: type[Message], data: st.DataObject) -> None:
    """A body with a byte behind it, or with its last byte missing, is a violation."""
    body = data.draw(MESSAGES[codec]).encode()[5:]
    for wrong in (body + b"x", body[:-1]):
        with pytest.raises(ProtocolViolation):
            codec.decode(wrong)


@pytest.mark.parametrize("body", [b"", b"select 1", b"select 1\0\0", b"select 1\0x"])
def test_query_must_end_in_its_only_terminator(body: bytes) -> None:
    """An unterminated text, an empty body and bytes behind the text are not read as something else."""
    with pytest.raises(ProtocolViolation):
        messages.Query.decode(body)


def test_query_tells_empty_from_absent() -> None:
    """An empty text is a text."""
    assert messages.Query(statement=b"") == messages.Query.decode(b"\0")


def test_query_keeps_bytes_that_are_not_utf8() -> None:
    """No byte of a statement is replaced."""
    assert messages.Query.decode(b"select '\xff\xc3'\0").statement == b"select '\xff\xc3'"


def test_parse_refuses_a_count_beyond_its_body() -> None:
    """65,535 announced types without their bytes are insufficient data, not an empty list."""
    with pytest.raises(ProtocolViolation, match="insufficient data left in message"):
        messages.Parse.decode(b"\0select 1\0\xff\xff")


def test_bind_names_gives_portal_then_statement() -> None:
    """The parameters behind the names are not looked at."""
    assert messages.bind_names(b"p\0s\0\0\0\0\0\0\0") == (b"p", b"s")
    assert messages.bind_names(b"\0\0\0\0\0\0\0\0") == (b"", b"")


@pytest.mark.parametrize("body", [b"", b"p", b"p\0", b"p\0s"])
def test_bind_names_needs_both_terminators(body: bytes) -> None:
    """A name without its end is a violation."""
    with pytest.raises(ProtocolViolation, match="invalid string in message"):
        messages.bind_names(body)


@given(name=strings, limit=st.integers(-(2**31), 2**31 - 1))
def test_execute_portal_reads_name_and_limit(name: bytes, limit: int) -> None:
    """Any name and any signed limit come out as they went in."""
    assert (name, limit) == messages.execute_portal(name + b"\0" + struct.pack("!i", limit))


@given(body=st.binary(max_size=20))
def test_execute_portal_raises_only_violations(body: bytes) -> None:
    """A body of any other shape is a violation."""
    try:
        name, limit = messages.execute_portal(body)
    except ProtocolViolation:
        return
    assert body == name + b"\0" + struct.pack("!i", limit)


@pytest.mark.parametrize("body", [b"", b"p", b"p\0", b"p\0\0\0\0", b"p\0\0\0\0\0x", b"\0\0\0\0"])
def test_execute_portal_refuses_other_lengths(body: bytes) -> None:
    """The limit has four bytes, and nothing stands behind it."""
    with pytest.raises(ProtocolViolation):
        messages.execute_portal(body)


@pytest.mark.parametrize(
    ("decode", "words"),
    [
        (messages.Close.decode, "invalid CLOSE message subtype 88"),
        (messages.Describe.decode, "invalid DESCRIBE message subtype 88"),
    ],
    ids=["Close", "Describe"],
)
def test_unknown_kind_is_refused_in_the_server_s_words(decode: Callable[[bytes], object], words: str) -> None:
    """Only statements and portals can be closed or described."""
    with pytest.raises(ProtocolViolation, match=words):
        decode(b"Xname\0")


def test_function_call_refuses_a_negative_size() -> None:
    """A size below -1 is neither NULL nor a value."""
    body = struct.pack("!IHHi", 1, 0, 1, -2) + b"\0\0"
    with pytest.raises(ProtocolViolation, match="invalid argument size -2 in function call message"):
        messages.FunctionCall.decode(body)


def test_function_call_refuses_formats_that_do_not_fit() -> None:
    """Two formats for one argument are refused as the server refuses them."""
    body = struct.pack("!IHHHHiH", 1, 2, 0, 0, 1, -1, 0)
    with pytest.raises(ProtocolViolation, match="contains 2 argument formats but 1 arguments"):
        messages.FunctionCall.decode(body)


def test_function_call_tells_null_from_empty() -> None:
    """NULL is None, the empty value is empty bytes."""
    call = messages.FunctionCall(oid=1, arguments=(None, b""))
    assert messages.FunctionCall.decode(call.encode()[5:]).arguments == (None, b"")


def test_built_error_has_the_server_s_field_order() -> None:
    """Severity, its untranslated twin, SQLSTATE, message, detail, hint; what is not given is not there."""
    error = messages.ErrorResponse.build(Severity.ERROR, SqlState.INSUFFICIENT_PRIVILEGE, "no", hint="Ask.")
    expected = {"S": b"ERROR", "V": b"ERROR", "C": b"42501", "M": b"no", "H": b"Ask."}
    assert list(expected.items()) == list(error.fields.items())
    assert error.sqlstate == "42501"


def test_built_error_cannot_be_made_to_carry_further_fields() -> None:
    """A NUL in the words does not end their field."""
    error = messages.ErrorResponse.build(Severity.ERROR, SqlState.SYNTAX_ERROR, "a\0C42501\0b")
    assert messages.ErrorResponse.decode(error.encode()[5:]).fields[DiagnosticField.MESSAGE_PRIMARY] == b"aC42501b"


def test_built_error_gives_back_undecodable_bytes() -> None:
    """Text that was read with surrogate escapes goes out as the bytes that came in."""
    name = b"caf\xe9".decode("utf-8", "surrogateescape")
    error = messages.ErrorResponse.build(Severity.ERROR, SqlState.SYNTAX_ERROR, name)
    assert error.fields["M"] == b"caf\xe9"


def test_repeated_error_field_is_refused() -> None:
    """Which of two a client would show is nobody's guess."""
    with pytest.raises(ProtocolViolation, match="appears twice"):
        messages.ErrorResponse.decode(b"Ma\0Mb\0\0")


def test_violation_becomes_a_fatal_error() -> None:
    """The peer reads the violation's own words and SQLSTATE."""
    error = messages.ErrorResponse.of(ProtocolViolation("invalid string in message", detail="Why."))
    expected = {"S": b"FATAL", "V": b"FATAL", "C": b"08P01", "M": b"invalid string in message", "D": b"Why."}
    assert expected == error.fields
    assert error.encode() == messages.fatal(SqlState.PROTOCOL_VIOLATION, "invalid string in message", detail="Why.")


@pytest.mark.parametrize("size", [0, 257])
def test_cancel_key_has_1_to_256_bytes(size: int) -> None:
    """Other sizes are neither read nor written."""
    with pytest.raises(ProtocolViolation, match="invalid length of cancel key"):
        messages.BackendKeyData.decode(bytes(4 + size))
    with pytest.raises(ValueError, match="1 to 256"):
        messages.BackendKeyData(process_id=1, secret_key=bytes(size)).encode()


@pytest.mark.parametrize(
    ("tag", "command", "rows"),
    [
        (b"INSERT 0 5", "INSERT", 5),
        (b"SELECT 0", "SELECT", 0),
        (b"COPY 18446744073709551615", "COPY", 2**64 - 1),
        (b"CREATE TABLE", "CREATE TABLE", None),
        (b"BEGIN", "BEGIN", None),
        (b"", "", None),
        (b"SELECT " + b"9" * 30, "SELECT " + "9" * 30, None),
        ("SELECT ²".encode("latin-1"), "SELECT ²", None),
    ],
)
def test_tag_gives_command_and_rows(tag: bytes, command: str, rows: int | None) -> None:
    """Only digits at the end are a count, and INSERT's first number is none."""
    complete = messages.CommandComplete(tag=tag)
    assert (command, rows) == (complete.command, complete.rows)


def test_unknown_transaction_status_is_refused() -> None:
    """A status outside I, T and E is not taken for idle."""
    with pytest.raises(ProtocolViolation, match="invalid transaction status"):
        messages.ReadyForQuery.decode(b"X")


def test_unknown_authentication_method_is_refused() -> None:
    """A request that is not known cannot be passed as if it were."""
    with pytest.raises(ProtocolViolation, match="authentication method 6 not supported"):
        messages.AuthenticationRequest.decode(b"\0\0\0\6")


@pytest.mark.parametrize(
    ("offered", "kept"),
    [
        ((b"SCRAM-SHA-256-PLUS", b"SCRAM-SHA-256"), (b"SCRAM-SHA-256",)),
        ((b"SCRAM-SHA-256", b"OAUTHBEARER"), (b"SCRAM-SHA-256", b"OAUTHBEARER")),
        ((b"SCRAM-SHA-256-PLUS",), ()),
    ],
)
def test_channel_binding_is_taken_out_of_the_offer(offered: tuple[bytes, ...], kept: tuple[bytes, ...]) -> None:
    """SCRAM-SHA-256-PLUS goes, the others stay in their order."""
    request = messages.AuthenticationRequest(
        code=AuthenticationCode.SASL, data=b"".join(name + b"\0" for name in offered) + b"\0"
    )
    assert offered == request.mechanisms
    assert kept == request.without_channel_binding().mechanisms


def test_channel_binding_name_in_another_request_is_left_alone() -> None:
    """Only AuthenticationSASL has mechanisms."""
    request = messages.AuthenticationRequest(code=AuthenticationCode.SASL_CONT, data=b"SCRAM-SHA-256-PLUS\0\0")
    assert request == request.without_channel_binding()


@pytest.mark.parametrize(
    "encode",
    [
        messages.Query(statement=b"a\0b").encode,
        messages.Close(kind="X", name=b"").encode,
        messages.Parse(statement=b"", parameter_types=(-1,)).encode,
        messages.ErrorResponse(fields={"MM": b""}).encode,
        messages.ErrorResponse(fields={"M": b"a\0"}).encode,
    ],
    ids=["NUL in a text", "unknown kind", "negative OID", "long field code", "NUL in a field"],
)
def test_encode_refuses_what_the_wire_cannot_say(encode: Callable[[], bytes]) -> None:
    """A value that would be read as another one is the caller's mistake."""
    with pytest.raises(ValueError, match=r"."):
        encode()
