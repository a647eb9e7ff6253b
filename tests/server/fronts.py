"""A front as the tests of the reception need it: a listening socket, its desk, and clients that speak bytes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from audit import IdMint
from proxy.policy import Account
from proxy.server.address import TcpAddress
from proxy.server.catalog import Catalog
from proxy.server.config import ServerConfig, SslMode
from proxy.server.connection import Connection
from proxy.server.metrics import Meter
from proxy.server.reception import STANDING, Reception
from proxy.server.tls import ServerTls
from proxy.server.upstream import Upstream
from proxy.sql import Bounds, Study, normalize, study
from tests.database.wire import split_backend
from tests.server.certificates import Certificates
from tests.server.dockets import Office


class Shelf:
    """Stands for the census of a database, which takes its time or fails as the test says."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.failure: Exception | None = None

    async def know(self, database: str) -> None:
        """Note which database is asked for."""
        self.asked.append(database)
        if self.failure is not None:
            raise self.failure


@dataclass
class Desk:
    """A worker as a reception sees it."""

    office: Office
    config: ServerConfig
    port: int
    """Of the server."""
    tls: ServerTls | None = None
    proxy_name: str = "p/0"
    bytes_up: int = 0
    bytes_down: int = 0
    connections: set[Connection] = field(default_factory=set)
    gone: list[str] = field(default_factory=list)
    shelf: Shelf = field(default_factory=Shelf)
    emptied: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the last connection has gone."""

    def __post_init__(self) -> None:
        self.moment, self.journal, self.judge = self.office.moment, self.office.journal, self.office.judge
        self.meter = Meter(self.judge, self.journal)
        self.mint = IdMint(1)
        self.catalog = cast("Catalog", self.shelf)
        self.upstream = Upstream(
            TcpAddress(host="127.0.0.1", port=self.port), SslMode.DISABLE, None, self.config.connect_timeout_s
        )

    def flush_soon(self) -> None:
        """Write at once."""
        self.journal.flush()

    def flush_later(self) -> None:
        """Write at once."""
        self.journal.flush()

    def study(self, text: str, account: Account, told: Callable[[Study], None]) -> Callable[[], object]:  # noqa: ARG002
        """Study it at once."""
        found = study(text, normalize(text), Bounds())
        return asyncio.get_running_loop().call_soon(told, found).cancel

    def went(self, connection: Connection, reason: str) -> None:
        """Note it."""
        self.connections.discard(connection)
        self.gone.append(reason)
        if not self.connections:
            self.emptied.set()


class Client:
    """A client whose reads end with what it waits for, or with the stream."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def say(self, *data: bytes) -> None:
        """Send in one segment."""
        self.writer.write(b"".join(data))

    async def heard(self, until: str) -> list[str]:
        """Read whole messages until one of this type, or the end: SQLSTATEs of errors, codes of others, `$`."""
        noted: list[str] = []
        while not noted or noted[-1] != until:
            try:
                head = await self.reader.readexactly(5)
                body = await self.reader.readexactly(int.from_bytes(head[1:], "big") - 4)
            except (asyncio.IncompleteReadError, ConnectionResetError):
                return [*noted, "$"]
            (message,) = split_backend(head + body)
            noted.append(message.fields()["C"] if message.code == "E" else message.code)
            if message.code == "K":
                self.key = message.body
        return noted

    async def under_tls(self, certificates: Certificates) -> None:
        """Go on under TLS."""
        await self.writer.start_tls(ssl.create_default_context(cafile=certificates.ca), server_hostname="localhost")


class Front:
    """A listening socket whose clients are received, and the tasks that do it."""

    def __init__(self, desk: Desk, standing: int) -> None:
        self.desk = desk
        self.receiving: list[asyncio.Task[None]] = []
        self._reception = Reception(desk, standing=standing)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.setblocking(False)
        self._clients: list[Client] = []

    async def client(self) -> Client:
        """Connect a client."""
        loop = asyncio.get_running_loop()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._listening.getsockname()[1])
        accepted, _ = await loop.sock_accept(self._listening)
        accepted.setblocking(False)
        self.receiving.append(loop.create_task(self._reception.receive(accepted)))
        self._clients.append(Client(reader, writer))
        return self._clients[-1]

    async def close(self) -> None:
        """Hang up everywhere, and see to it that no reception has raised."""
        for client in self._clients:
            client.writer.close()
            with contextlib.suppress(OSError):
                await client.writer.wait_closed()
        for connection in list(self.desk.connections):
            connection.end(b"", "the test is over")
        await asyncio.gather(*self.receiving)
        if self.desk.connections:
            await self.desk.emptied.wait()
        self._listening.close()
        self.desk.journal.close()

    @property
    def counted(self) -> Counter[str]:
        """Give what became of connections."""
        return self.desk.meter.connections


@contextlib.asynccontextmanager
async def front(
    folder: Path, port: int, tls: Certificates | None = None, *, standing: int = STANDING, **settings: Any
) -> AsyncIterator[Front]:
    """Receive clients for the server at that port."""
    if tls is not None:
        settings |= {"tls_cert": tls.cert, "tls_key": tls.key}
    config = ServerConfig(**settings)
    place = Front(Desk(Office(folder), config, port, ServerTls.from_config(config)), standing)
    try:
        yield place
    finally:
        await place.close()
