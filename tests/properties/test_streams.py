"""Properties of the protocol machine: chunks never matter, and no bytes of a client raise anything."""

from __future__ import annotations

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from proxy.wire import ProtocolViolation
from tests.wire.conversation import (
    READY,
    SYNC,
    Conversation,
    bind,
    cut,
    error,
    execute,
    message,
    parse,
    query,
)


class Shown(bytes):
    """Bytes that do not fill the screen when an example is shown."""

    def __repr__(self) -> str:
        """Give the beginning, and the length."""
        return f"<{bytes(self[:60])!r} {len(self)} bytes>"


TEXTS = st.sampled_from([b"SELECT 1", b"HOLD 2", b"REFUSE 3", b"WITHDRAWN 4", b"", b"x" * 5_000, b"y" * 30_000]).map(
    Shown
)
NAMES = st.sampled_from([b"", b"a", b"b", b"n" * 70])
CLIENT = st.one_of(
    st.builds(query, TEXTS).map(Shown),
    st.builds(parse, NAMES, TEXTS).map(Shown),
    st.builds(bind, NAMES, NAMES, st.binary(max_size=40)),
    st.builds(execute, NAMES),
    st.sampled_from(
        [SYNC, message("H"), message("c"), message("f", b"no\0"), message("D", b"Sa\0"), message("C", b"Sa\0")]
    ),
    st.builds(lambda data: message("d", data), st.binary(max_size=200)),
    st.builds(lambda data: message("F", data), st.binary(max_size=12)),
)
SERVER = st.one_of(
    st.sampled_from(
        [READY, message("1"), message("2"), message("3"), message("s"), message("I"), message("G", b"\0\0\0")]
    ),
    st.builds(lambda data: message("D", data), st.binary(max_size=200)),
    st.builds(lambda rows: message("C", b"SELECT %d\0" % rows), st.integers(0, 10**9)),
    st.builds(
        error, st.sampled_from([b"42501", b"22P02"]), st.sampled_from([b"no", b"interlock-refusal-" + b"%032x" % 1])
    ),
    st.just(message("S", b"search_path\0public\0")),
)
CUTS = st.lists(st.integers(0, 100_000), max_size=30)


@given(st.lists(CLIENT, max_size=12), CUTS)
def test_chunks_of_the_client_never_matter(messages: list[bytes], places: list[int]) -> None:
    """However a client's stream is cut, the same bytes are passed on and the same is asked."""
    stream = b"".join(messages)
    whole, pieces = Conversation(), Conversation()
    assert whole.client(stream) == pieces.client(*cut(stream, places))
    assert whole.clerk.asked == pieces.clerk.asked


@given(st.lists(CLIENT, max_size=8), st.lists(SERVER, max_size=12), CUTS)
def test_chunks_of_the_server_never_matter(client: list[bytes], server: list[bytes], places: list[int]) -> None:
    """However a server's stream is cut, the same bytes reach the client and the same outcomes are told."""
    stream = b"".join(server)
    whole, pieces = Conversation(), Conversation()
    for talk in (whole, pieces):
        talk.client(*client)
    assert whole.server(stream) == pieces.server(*cut(stream, places))
    assert (whole.clerk.ends, whole.clerk.reports) == (pieces.clerk.ends, pieces.clerk.reports)


@given(st.lists(st.binary(max_size=300) | CLIENT, max_size=8))
def test_no_bytes_of_a_client_raise(chunks: list[bytes]) -> None:
    """Nothing that a client sends makes the machine raise, and it invents nothing but a replacement."""
    talk = Conversation()
    passed = talk.client(*chunks)
    if b"interlock-refusal-" not in passed:
        assert b"".join(chunks).startswith(passed)


@given(st.lists(CLIENT, max_size=5), st.lists(st.binary(max_size=300) | SERVER, max_size=8))
def test_bytes_of_a_server_raise_only_protocol_violations(client: list[bytes], chunks: list[bytes]) -> None:
    """A server that talks nonsense is in breach of the protocol, and nothing else happens."""
    talk = Conversation()
    talk.client(*client)
    with contextlib.suppress(ProtocolViolation):
        talk.server(*chunks)
