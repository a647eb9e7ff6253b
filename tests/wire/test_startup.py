from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.codes import ProtocolViolation, SqlState
from proxy.wire.messages import ErrorResponse
from proxy.wire.startup import (
    CancelRequest,
    GSSENCRequest,
    SSLRequest,
    StartupMessage,
    StartupPacket,
    packet_length,
    read_startup,
    split_options,
    startup_packet,
    switches,
)
from tests.clusters import Cluster

Pairs = list[tuple[bytes, bytes]]

names = st.binary(min_size=1, max_size=12).map(lambda text: text.replace(b"\0", b"n"))
values = st.binary(max_size=20).map(lambda text: text.replace(b"\0", b""))


@pytest.fixture(scope="module")
def postgres() -> Iterator[Cluster]:
    """Run a PostgreSQL 18 that trusts everybody."""
    with Cluster() as running:
        yield running


def read(packet: bytes) -> StartupMessage:
    """Read a packet that must be a startup message."""
    message = read_startup(packet)
    assert isinstance(message, StartupMessage)
    return message


def started(*pairs: tuple[bytes, bytes]) -> StartupMessage:
    """Read the startup message with these parameters behind a user."""
    return read(startup_packet([(b"user", b"u"), *pairs]))


def packet(code: int, body: bytes, *, length: int | None = None) -> bytes:
    """Make any packet, with a forged length if one is given."""
    return struct.pack("!ii", len(body) + 8 if length is None else length, code) + body


def answers(postgres: Cluster, sent: bytes) -> list[tuple[bytes, bytes]]:
    """Send bytes to the real server; give its messages up to ReadyForQuery or the end of the connection."""
    with socket.create_connection(("127.0.0.1", postgres.port), timeout=20) as sock, sock.makefile("rb") as stream:
        sock.sendall(sent)
        found: list[tuple[bytes, bytes]] = []
        while head := stream.read(5):
            body = stream.read(struct.unpack("!i", head[1:])[0] - 4)
            found.append((head[:1], body))
            if head[:1] in b"ZE":
                break
        return found


def reported(postgres: Cluster, sent: bytes) -> dict[str, str]:
    """Give what the real server reports of a session that it starts."""
    pairs = [body.split(b"\0")[:2] for kind, body in answers(postgres, sent) if kind == b"S"]
    return {name.decode(): value.decode() for name, value in pairs}


@pytest.mark.parametrize(
    "packet",
    [SSLRequest(), GSSENCRequest(), CancelRequest(process_id=7, secret_key=b"1234")],
    ids=lambda packet: type(packet).__name__,
)
def test_requests_read_as_they_were_written(packet: SSLRequest | GSSENCRequest | CancelRequest) -> None:
    """The packets without parameters come back."""
    assert packet == read_startup(packet.encode())


@given(pairs=st.lists(st.tuples(names, values), max_size=6), minor=st.integers(0, 0xFFFF))
def test_startup_keeps_pairs_order_and_bytes(pairs: Pairs, minor: int) -> None:
    """Every pair stays as it was sent, repetitions too, and the packet itself is kept."""
    whole = startup_packet([*pairs, (b"user", b"u")], minor=minor)
    message = read(whole)
    assert ((*pairs, (b"user", b"u")), 3, minor, whole) == (
        message.pairs,
        message.major,
        message.minor,
        message.original,
    )


@given(data=st.binary(max_size=80))
def test_any_bytes_are_a_packet_or_more_is_needed_or_a_violation(data: bytes) -> None:
    """No bytes raise anything but a violation, and nothing is read from fewer bytes than the length says."""
    for whole in (data, packet(3 << 16, data), packet(80877102, data)):
        try:
            found = read_startup(whole)
        except ProtocolViolation:
            continue
        assert found is None or packet_length(whole) <= len(whole)


@pytest.mark.parametrize(
    "whole",
    [
        SSLRequest().encode(),
        CancelRequest(process_id=1, secret_key=bytes(32)).encode(),
        startup_packet([(b"user", b"u")]),
    ],
    ids=["SSLRequest", "CancelRequest", "StartupMessage"],
)
def test_a_part_of_a_packet_is_not_yet_a_packet(whole: bytes) -> None:
    """Every proper beginning asks for more; what lies behind the packet changes nothing."""
    parts: list[StartupPacket | None] = [read_startup(whole[:end]) for end in range(len(whole))]
    assert [None] * len(whole) == parts
    assert read_startup(whole) == read_startup(whole + b"Q\0\0\0\4")


@pytest.mark.parametrize("length", [-1, 0, 7, 10_005, 2**31 - 1])
def test_forged_length_is_refused_before_anything_is_awaited(length: int) -> None:
    """Four bytes are enough to refuse a length outside 8 to 10,004."""
    with pytest.raises(ProtocolViolation, match="invalid length of startup packet"):
        read_startup(struct.pack("!i", length))


def test_longest_packet_is_taken() -> None:
    """10,000 bytes behind the length word are allowed."""
    value = b"x" * (10_000 - 4 - len(b"user\0u\0a\0\0\0"))
    assert dict(read(startup_packet([(b"user", b"u"), (b"a", value)])).pairs)[b"a"] == value
    with pytest.raises(ValueError, match="too long"):
        startup_packet([(b"user", b"u"), (b"a", value + b"x")])


@pytest.mark.parametrize("size", [0, 257])
def test_cancel_key_has_1_to_256_bytes(size: int) -> None:
    """Other sizes are refused in the server's words."""
    with pytest.raises(ProtocolViolation, match="invalid length of cancel key in cancel request packet"):
        read_startup(packet(80877102, bytes(4 + size)))


@pytest.mark.parametrize("code", [80877103, 80877104], ids=["SSLRequest", "GSSENCRequest"])
def test_request_that_carries_something_is_refused(code: int) -> None:
    """Nothing can be hidden in a request for encryption."""
    with pytest.raises(ProtocolViolation, match="invalid length of startup packet"):
        read_startup(packet(code, b"\0"))


BROKEN = {
    "protocol 4": packet(4 << 16, b"user\0postgres\0\0"),
    "unknown request": packet((1234 << 16) | 5681, b""),
    "no terminator": packet(3 << 16, b"user\0postgres\0"),
    "no value": packet(3 << 16, b"user\0postgres\0database\0"),
    "unterminated value": packet(3 << 16, b"user\0postgres"),
    "bytes behind the terminator": packet(3 << 16, b"user\0postgres\0\0x\0y\0\0"),
    "no parameters": packet(3 << 16, b"\0"),
    "nothing": packet(3 << 16, b""),
    "empty user": packet(3 << 16, b"user\0\0\0"),
    "user taken back": packet(3 << 16, b"user\0postgres\0user\0\0\0"),
}


@pytest.mark.parametrize("whole", BROKEN.values(), ids=BROKEN)
def test_broken_startup_is_refused_as_the_server_refuses_it(whole: bytes, postgres: Cluster) -> None:
    """Our words and SQLSTATE are those of the real server for the same bytes."""
    with pytest.raises(ProtocolViolation) as caught:
        read_startup(whole)
    kind, body = answers(postgres, whole)[0]
    server = ErrorResponse.decode(body)
    ours = ErrorResponse.of(caught.value)
    assert kind == b"E"
    assert {field: server.fields.get(field) for field in "SVCMDH"} == {
        field: ours.fields.get(field) for field in "SVCMDH"
    }


READ_TWO_WAYS: dict[str, Pairs] = {
    "user twice": [(b"user", b"nobody"), (b"user", b"postgres")],
    "options twice": [(b"options", b"-c application_name=a"), (b"options", b"-c DateStyle=German")],
    "setting twice": [(b"application_name", b"a"), (b"application_name", b"b")],
    "setting in other letters": [(b"application_name", b"a"), (b"Application_Name", b"b")],
    "options and parameter": [(b"application_name", b"a"), (b"options", b"-c application_name=b")],
    "replication taken back": [(b"replication", b"true"), (b"replication", b"false")],
    "dashes": [(b"options", b"--application-name=a")],
    "stuck together": [(b"options", b"-capplication_name=a")],
    "behind another switch": [(b"options", b"-ec application_name=a")],
    "as a switch's argument": [(b"options", b"-e-application_name=a")],
    "escaped space": [(b"options", rb"-c application_name=a\ b\\c\d")],
    "equals in the value": [(b"options", b"-c application_name=a=b")],
    "empty value": [(b"options", b"-c application_name=")],
    "tabs and line ends": [(b"options", b"\t-c\napplication_name=a\v\f\r")],
    "last of many": [(b"options", b"-c application_name=a --APPLICATION_NAME=b -S 64")],
}


@pytest.mark.parametrize("pairs", READ_TWO_WAYS.values(), ids=READ_TWO_WAYS)
def test_settings_are_read_as_the_server_reads_them(pairs: Pairs, postgres: Cluster) -> None:
    """The last setting of each name, and the user, are what the real server then reports."""
    whole = startup_packet([(b"user", b"postgres"), (b"database", b"postgres"), *pairs])
    message = read(whole)
    server = reported(postgres, whole)
    ours = dict(message.settings())
    assert server["session_authorization"] == message.user.decode()
    assert server["application_name"] == ours.get("application_name", "")
    assert server["DateStyle"].startswith(ours.get("datestyle", "ISO"))


REFUSED_OPTIONS = [
    b"stray",
    b"-c",
    b"-c name",
    b"--name",
    b"-- -c application_name=a",
    b"-Z",
    b"-",
    rb"\ -c a=b",
    b"-e stray",
]


@pytest.mark.parametrize("options", REFUSED_OPTIONS, ids=lambda options: options.decode())
def test_options_that_give_no_setting_are_refused_by_the_server(options: bytes, postgres: Cluster) -> None:
    """What is listed as a switch or a stray word alone never starts a session."""
    pairs = [(b"user", b"postgres"), (b"options", options)]
    assert answers(postgres, startup_packet(pairs))[-1][0] == b"E"
    assert [name for name, _ in started((b"options", options)).settings() if name.isidentifier()] == []


def test_other_switches_are_listed_so_that_they_can_be_refused() -> None:
    """Each switch but -c and -- appears by its letter, with its value, alone or in a bundle."""
    expected = [
        ("-s", ""),
        ("-O", ""),
        ("-P", ""),
        ("-f", "s"),
        ("-S", "64"),
        ("", "stray"),
        ("-d", "5"),
        ("geqo", "off"),
    ]
    assert expected == switches("-sOP -fs -S 64 stray -d5 --geqo=off")


def test_protocol_2_is_refused_in_the_server_s_words(postgres: Cluster) -> None:
    """The server says the same, in that protocol's own form of an error, which has no fields."""
    whole = packet(2 << 16, bytes(288))
    with pytest.raises(ProtocolViolation) as caught:
        read_startup(whole)
    with socket.create_connection(("127.0.0.1", postgres.port), timeout=20) as sock, sock.makefile("rb") as stream:
        sock.sendall(whole)
        assert caught.value.message.encode() in stream.read()


def test_settings_leave_out_what_is_none() -> None:
    """User, database, replication and protocol options are no settings."""
    message = started((b"database", b"d"), (b"replication", b"off"), (b"_pq_.test", b"1"), (b"Work_Mem", b"1MB"))
    assert message.settings() == [("work_mem", "1MB")]
    assert message.protocol_options == (b"_pq_.test",)


def test_settings_lose_no_byte() -> None:
    """A value that is not UTF-8 comes out with surrogate escapes."""
    assert started((b"application_name", b"caf\xe9")).settings() == [("application_name", "caf\udce9")]


def test_identity_is_cut_at_63_bytes() -> None:
    """Longer names are those that the server looks up."""
    message = read(startup_packet([(b"user", b"u" * 70), (b"database", b"d" * 70)]))
    assert (message.user, message.database) == (b"u" * 63, b"d" * 63)


@pytest.mark.parametrize("pairs", [[], [(b"database", b"")]], ids=["absent", "empty"])
def test_database_defaults_to_the_user(pairs: Pairs) -> None:
    """An absent and an empty database are the user's."""
    assert started(*pairs).database == b"u"


REPLICATION = [
    *(b"true", b"TRUE", b"t", b"yes", b"y", b"on", b"1", b"database"),
    *(b"false", b"f", b"no", b"N", b"off", b"OF", b"0"),
]


@pytest.mark.parametrize("value", REPLICATION, ids=lambda value: value.decode())
def test_replication_is_recognized_in_every_spelling(value: bytes, postgres: Cluster) -> None:
    """A session is one of replication exactly where the real server takes IDENTIFY_SYSTEM."""
    pairs = [(b"user", b"postgres"), (b"replication", value)]
    text = b"IDENTIFY_SYSTEM\0"
    with socket.create_connection(("127.0.0.1", postgres.port), timeout=20) as sock, sock.makefile("rb") as stream:
        sock.sendall(startup_packet(pairs) + b"Q" + struct.pack("!i", len(text) + 4) + text)
        kinds: list[bytes] = []
        while kinds.count(b"Z") < 2:
            head = stream.read(5)
            stream.read(struct.unpack("!i", head[1:])[0] - 4)
            kinds.append(head[:1])
    assert (b"T" in kinds) == read(startup_packet(pairs)).replication


@pytest.mark.parametrize(
    "value", [b"", b"o", b"truely", b"2", b"Database"], ids=lambda value: value.decode() or "empty"
)
def test_replication_that_is_not_understood_counts_as_replication(value: bytes, postgres: Cluster) -> None:
    """The server refuses such a value; whoever judges before it must not take it for no."""
    pairs = [(b"user", b"postgres"), (b"replication", value)]
    error = ErrorResponse.decode(answers(postgres, startup_packet(pairs))[0][1])
    assert error.sqlstate == SqlState.INVALID_PARAMETER_VALUE
    assert read(startup_packet(pairs)).replication


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("", []),
        ("  ", []),
        ("a  b", ["a", "b"]),
        (r"a\ b", ["a b"]),
        (r"a\\ b", ["a\\", "b"]),
        ("a\\", ["a"]),
        ("a \\", ["a", ""]),
        ("a\u00a0b", ["a\u00a0b"]),
    ],
)
def test_options_are_split_as_pg_split_opts_does(options: str, words: list[str]) -> None:
    """White space of the C locale parts words, a backslash keeps what follows it."""
    assert words == split_options(options)


@pytest.mark.parametrize("pair", [(b"", b"v"), (b"n\0", b"v"), (b"n", b"v\0")], ids=["no name", "NUL", "NUL in value"])
def test_startup_packet_refuses_what_would_read_otherwise(pair: tuple[bytes, bytes]) -> None:
    """A pair that the server would read as other pairs is the caller's mistake."""
    with pytest.raises(ValueError, match="a parameter has a name"):
        startup_packet([pair])
