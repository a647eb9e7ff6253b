"""The corpus as long sessions through a real proxy, before a server of its own, with every byte noted on both sides.

The statements run, as a superuser: what they do to the server is its end. Between client and proxy, and between proxy
and server, the streams must be the same, so nothing of what a statement answers (its time, its chance, its row numbers)
has to be left out of the comparison.
"""

from __future__ import annotations

import random
import re
import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.clusters import Cluster
from tests.database.proxy_process import ProxyProcess
from tests.database.tap import Recording, Tap
from tests.database.wire import COPY_DONE, SYNC, TERMINATE, bind, describe, execute, parse, query, startup

LOGIN: Final = "person_ada"
SETTINGS: Final = {"statement_timeout": "2s", "autovacuum": "off"}
ANSWER_WITHIN_S: Final = 30.0
BATCH: Final = 20
"""Statements sent before the first answer is read: as many as one forgotten BEGIN may spoil."""
LONGEST_CHUNK: Final = 2_000
_HEAD: Final = struct.Struct("!ci")
_ROWS_FOLLOW: Final = re.compile(r"(?i)\bfrom\s+std(?:in|out)\b")
_RESTORE: Final = [query("ROLLBACK"), query("RESET SESSION AUTHORIZATION"), query("RESET ALL")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A proxy with a recorder between it and its server."""

    port: int
    """The proxy's."""
    tap: Tap


@contextmanager
def staged(scratch: Path) -> Iterator[Stage]:
    """Start a server, the recorder and the proxy; all are gone when the block ends."""
    with Cluster(SETTINGS, roles={LOGIN: "SUPERUSER"}) as server, Tap(server.port, prompt=True) as tap:
        server.run("CREATE DATABASE demo", database="postgres")
        proxy = ProxyProcess(scratch, tap.port, upstream_sslmode="disable", drain_timeout_s=0.0)
        try:
            yield Stage(port=proxy.port, tap=tap)
        finally:
            proxy.stop()


class Dialogue:
    """One session: sends in chunks of any length, brings no rows to a COPY, and keeps every byte of both directions."""

    def __init__(self, port: int, chance: random.Random) -> None:
        self.sent = bytearray()
        self.heard = bytearray()
        self.answers: dict[str, int] = {}
        """Messages heard, by type."""
        self._chance = chance
        self._read = 0
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_WITHIN_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.alive = self.ask([startup(LOGIN)])

    def ask(self, messages: Sequence[bytes], *, rows_end: bytes = COPY_DONE) -> bool:
        """Send what is answered by one ReadyForQuery each, and await these; False if the server hung up.

        `rows_end` is said to a server that waits for the rows of a COPY.
        """
        self._send(b"".join(messages))
        awaited = len(messages)
        while awaited:
            code = self._message()
            if code is None:
                return False
            awaited -= code == "Z"
            if code == "G":
                self._send(rows_end)
        return True

    def close(self) -> None:
        """Say goodbye, and hear the last of the server."""
        with self._socket:
            if self.alive:
                self._send(TERMINATE)
                while self._receive():
                    continue

    def _send(self, data: bytes) -> None:
        self.sent += data
        start = 0
        while start < len(data):
            end = start + self._chance.randint(1, LONGEST_CHUNK)
            self._socket.sendall(data[start:end])
            start = end

    def _message(self) -> str | None:
        while len(self.heard) < self._read + _HEAD.size or len(self.heard) < self._read + 1 + self._length():
            if not self._receive():
                return None
        code = chr(self.heard[self._read])
        self._read += 1 + self._length()
        self.answers[code] = self.answers.get(code, 0) + 1
        return code

    def _length(self) -> int:
        return int(_HEAD.unpack_from(self.heard, self._read)[1])

    def _receive(self) -> bool:
        data = self._socket.recv(1 << 18)
        self.heard += data
        return bool(data)


def speak(stage: Stage, statements: Sequence[str], *, extended: bool, seed: int) -> list[tuple[Dialogue, Recording]]:
    """Send all statements in one session, or in as many as the server ends; give each with what its server noted."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable run
    dialogues: list[Dialogue] = []
    for batch in batches(statements):
        if not dialogues or not dialogues[-1].alive:
            dialogues.append(Dialogue(stage.port, chance))
        talk = dialogues[-1]
        if extended:
            talk.alive = talk.ask([in_extended_protocol(text) for text in batch], rows_end=b"")
        else:
            talk.alive = talk.ask([query(text) for text in batch])
        talk.alive = talk.alive and talk.ask(_RESTORE)
    for talk in dialogues:
        talk.close()
    return list(zip(dialogues, stage.tap.settle(), strict=True))


def in_extended_protocol(text: str) -> bytes:
    """Give the messages that drivers send for a statement without parameters.

    The end of a COPY's rows comes with them: behind a COPY that failed it is ignored, and a COPY in progress would
    swallow the Sync.
    """
    rows_end = COPY_DONE if _ROWS_FOLLOW.search(text) else b""
    return parse(text) + bind() + describe("P") + execute() + rows_end + SYNC


def batches(statements: Sequence[str]) -> Iterator[list[str]]:
    """Put statements together that may be sent before they are answered: a COPY FROM STDIN stands alone."""
    batch: list[str] = []
    for text in statements:
        alone = _ROWS_FOLLOW.search(text) is not None
        if batch and (alone or len(batch) == BATCH):
            yield batch
            batch = []
        batch.append(text)
        if alone:
            yield batch
            batch = []
    if batch:
        yield batch
