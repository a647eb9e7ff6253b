"""The last word reaches a client that is turned away, and a client that stays is left."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from proxy.server.farewell import linger, take_leave
from tests.server.loops import each_loop, run

Loop = Callable[[], asyncio.AbstractEventLoop]
WORD = b"go away"
A_LOT = b"x" * 100_000
AT_ONCE_S = 0.05


async def _unread(said: bytes) -> tuple[asyncio.Transport, socket.socket]:
    """Give a transport that has not read what its client has said, and the client."""
    loop = asyncio.get_running_loop()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        client = socket.create_connection(listening.getsockname())
        accepted, _ = listening.accept()
    client.sendall(said)
    client.setblocking(False)
    accepted.setblocking(False)
    transport, _ = await loop.connect_accepted_socket(asyncio.Protocol, accepted)
    transport.pause_reading()
    return transport, client


async def _heard(client: socket.socket) -> bytes:
    """Read to the end; a reset raises."""
    loop, heard = asyncio.get_running_loop(), b""
    while piece := await loop.sock_recv(client, 1_000):
        heard += piece
    return heard


@each_loop
def test_the_last_word_is_read_whatever_the_client_had_sent(loop: Loop) -> None:
    """Bytes that nobody read do not reset the connection, and its end is awaited."""

    async def conversation() -> None:
        transport, client = await _unread(A_LOT)
        with client:
            leaving = asyncio.create_task(take_leave(transport, WORD))
            assert await _heard(client) == WORD
            assert not leaving.done()
            client.close()
            await leaving

    run(loop, conversation())


@each_loop
def test_a_client_that_stays_is_left(loop: Loop) -> None:
    """Its place is free again after a bounded time, whether or not it ends."""

    async def conversation() -> None:
        transport, client = await _unread(b"")
        with client:
            await take_leave(transport, WORD, within_s=AT_ONCE_S)
            assert transport.is_closing()

    run(loop, conversation())


@each_loop
def test_a_client_that_has_gone_is_not_waited_for(loop: Loop) -> None:
    """A transport that is closing already has nobody to tell."""

    async def conversation() -> None:
        transport, client = await _unread(b"")
        client.close()
        transport.abort()
        await take_leave(transport, WORD, within_s=1e9)

    run(loop, conversation())


@each_loop
def test_a_bare_socket_is_read_to_its_end_or_for_a_while(loop: Loop) -> None:
    """What was sent on it before is read; what its client says after the bound is not."""

    async def conversation() -> None:
        ours, client = socket.socketpair()
        ours.setblocking(False)
        client.setblocking(False)
        with ours, client:
            client.send(A_LOT[:1_000])
            lingering = asyncio.create_task(linger(ours, within_s=1e9))
            assert await _heard(client) == b""
            assert not lingering.done()
            client.close()
            await lingering
        ours, client = socket.socketpair()
        ours.setblocking(False)
        with ours, client:
            await linger(ours, within_s=AT_ONCE_S)

    run(loop, conversation())
