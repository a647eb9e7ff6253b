"""A byte relay that writes down both directions of every connection. It adds, drops and reorders nothing.

Half-close travels through it; a reset of one side closes the other. `settle()` returns when every connection is over,
so a recording is whole when it is read, without waiting for time to pass.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tests.database.masks import lines, mask_backend, mask_frontend
from tests.database.wire import Message, negotiations, split_backend, split_frontend

OVER_WITHIN_S = 20.0
Alter = Callable[[bytes], bytes]


class Recording:
    """What one connection said, as bytes and as masked lines."""

    def __init__(self) -> None:
        self.frontend = bytearray()
        self.backend = bytearray()

    def said(self) -> list[str]:
        """Show both directions, message by message, masked: first all that the client said, then all that it heard."""
        said = [f"> {line}" for line in lines([*map(mask_frontend, self.requests())])]
        return [*said, *(f"< {line}" for line in lines([*map(mask_backend, self.answers())]))]

    def requests(self) -> list[Message]:
        """Split what the client said."""
        return split_frontend(bytes(self.frontend))

    def answers(self) -> list[Message]:
        """Split what the server said."""
        return split_backend(bytes(self.backend), negotiations(self.requests()))


class Tap:
    """A relay to 127.0.0.1:`target`. `alter` may change what the server says, to see that a comparison notices.

    `prompt` passes small pieces on at once. What some clients say depends on how soon they hear an answer (psycopg's
    pipelines do), so where two runs of theirs are compared, it is left off.
    """

    def __init__(self, target: int, alter: Alter | None = None, *, prompt: bool = False) -> None:
        self._target = target
        self._prompt = prompt
        self._alter = alter
        self._pumps: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._recordings: list[Recording] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        # shutdown before close: close alone would leave accept() waiting in its thread
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(OVER_WITHIN_S)
        for peer in self._sockets:
            _hang_up(peer)
        for pump in self._pumps:
            pump.join(OVER_WITHIN_S)
        for peer in self._sockets:
            peer.close()

    def settle(self) -> list[Recording]:
        """Take the recordings since the last call, in the order of connecting; waits until each connection is over."""
        for pump in list(self._pumps):
            pump.join(OVER_WITHIN_S)
            if pump.is_alive():
                msg = "a recorded connection is still open"
                raise TimeoutError(msg)
        recordings, self._recordings = self._recordings, []
        return recordings

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            recording = Recording()
            self._recordings.append(recording)
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            for peer in (client, server):
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, self._prompt)
            self._sockets += [client, server]
            self._pump(client, server, recording.frontend, None)
            self._pump(server, client, recording.backend, self._alter)

    def _pump(self, source: socket.socket, sink: socket.socket, record: bytearray, alter: Alter | None) -> None:
        thread = threading.Thread(target=_relay, args=(source, sink, record, alter), daemon=True)
        self._pumps.append(thread)
        thread.start()


def _relay(source: socket.socket, sink: socket.socket, record: bytearray, alter: Alter | None) -> None:
    try:
        while data := source.recv(65536):
            data = alter(data) if alter else data
            record += data
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        _hang_up(source)
        _hang_up(sink)


def _hang_up(peer: socket.socket) -> None:
    try:
        peer.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
