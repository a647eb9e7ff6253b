"""A person's bytes arrive as they were sent: the whole corpus in both protocols, in chunks of any size."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from proxy.server.docket import Docket
from proxy.server.judge import Judge
from proxy.server.ruled import Ruled
from proxy.sql import study
from proxy.wire import Held, Session, Wait
from tests.database.wire import message, query
from tests.differential.corpus import statements
from tests.differential.stream import Stage, in_extended_protocol, speak, staged
from tests.server.dockets import BOUNDS, Office
from tests.wire.conversation import HELLO, cut

SEED: Final = 20_261_123
BATCH: Final = 100
READY: Final = message("Z", b"I")
ANSWERS: Final = {
    "simple": (query, message("C", b"SELECT 0\0") + READY),
    "extended": (
        in_extended_protocol,
        message("1") + message("2") + message("n") + message("C", b"SELECT 0\0") + READY,
    ),
}
RUN, OF = 400, 4_000
"""What is sent over TCP: so many statements in a row, of every so many. `make differential` sends all."""


@pytest.fixture
def office(judge: Judge, rulings: dict[str, Ruled], tmp_path: Path) -> Office:
    """Give a journal and dockets to the judge who knows the corpus."""
    assert rulings
    office = Office(tmp_path)
    office.judge = judge
    return office


class Line:
    """A person's session with the protocol machine, and the docket that rules on it."""

    def __init__(self, docket: Docket) -> None:
        self._docket = docket
        self._session = Session(docket, statement_bytes=BOUNDS.statement_bytes)
        docket.attend(self._session)
        self.to_client(HELLO)

    def to_server(self, chunks: list[bytes]) -> bytes:
        """Take what the client sends; gives what goes on to the server."""
        parts = [part for chunk in chunks for part in [*self._session.from_frontend(chunk), *self._go_on()]]
        return b"".join(part if isinstance(part, bytes) else part.data for part in parts)

    def to_client(self, data: bytes) -> bytes:
        """Take what the server sends; gives what goes on to the client."""
        return b"".join(self._session.from_backend(data))

    def _go_on(self) -> Iterator[bytes | Held]:
        while (waits := self._session.frontend.waits) is not None:
            if waits is Wait.TEXT:
                self._docket.learn(study(self._docket.unstudied, None, BOUNDS))
            yield from self._session.frontend.resume()


@pytest.mark.parametrize(("messages_for", "answer"), ANSWERS.values(), ids=ANSWERS.keys())
def test_a_person_s_statements_pass_the_protocol_machine_unchanged(
    office: Office, messages_for: Callable[[str], bytes], answer: bytes
) -> None:
    """One session, every statement of the corpus, under real rulings: nothing is replaced, held back or reordered."""
    chance = random.Random(SEED)  # noqa: S311 - a repeatable run
    line = Line(office.docket("person_ada"))
    changed = []
    for start in range(0, len(statements()), BATCH):
        messages = [messages_for(text) for text in statements()[start : start + BATCH]]
        sent = b"".join(messages)
        places = [chance.randrange(len(sent)) for _ in range(chance.randrange(2 * BATCH))]
        answers = answer * len(messages)
        if line.to_server(cut(sent, places)) != sent or line.to_client(answers) != answers:
            changed.append(start)
        office.journal.flush()
    assert changed == []


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Start a proxy in front of a server that nobody needs afterwards."""
    with staged(tmp_path_factory.mktemp("stage")) as found:
        yield found


@pytest.mark.parametrize("extended", [False, True], ids=["simple", "extended"])
def test_a_person_s_session_is_the_same_on_both_sides_of_the_proxy(stage: Stage, extended: bool) -> None:
    """Every byte that the client sends reaches the server, every byte of the server the client, and nothing else."""
    chosen = [text for start in range(0, len(statements()), OF) for text in statements()[start : start + RUN]]
    sides = speak(stage, chosen, extended=extended, seed=SEED)
    assert [talk.sent == noted.frontend for talk, noted in sides] == [True]
    assert [talk.heard == noted.backend for talk, noted in sides] == [True]
    assert sum(talk.answers["Z"] for talk, _ in sides) > len(chosen)
