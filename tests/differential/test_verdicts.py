"""A person is never in the way of Interlock: each statement of the corpus, as the shipped policy has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

from proxy.policy import Verdict
from proxy.server.ruled import Ruled
from proxy.sql import Unreadable, read_statements
from tests.clusters import Cluster
from tests.database.script import Speaker, hello, say
from tests.database.wire import SYNC, parse
from tests.differential.corpus import statements
from tests.server.dockets import BOUNDS

RAW_PARSER: Final = frozenset({"gram.y", "scan.l", "parser.c"})
"""PostgreSQL's source files whose errors are raised before anything but the text is looked at."""
BATCH: Final = 500
READ_BY_THE_WITNESS_ALONE: Final = {
    "PREPARE p1 AS SELECT $1a;": 'trailing junk after parameter at or near "$1a"',
    "PREPARE p1 AS SELECT $0_1;": 'trailing junk after parameter at or near "$0_1"',
}
"""libpg_query still takes a letter behind a parameter for the next word (docs/reading.md)."""


def test_no_statement_is_refused_to_a_person(rulings: dict[str, Ruled]) -> None:
    """Whatever it is: what cannot be read is on record as undecidable, and goes on."""
    assert [text for text, ruled in rulings.items() if ruled.decision.refused] == []


def test_every_statement_that_is_sql_is_permitted(rulings: dict[str, Ruled]) -> None:
    """Undecidable is only what PostgreSQL's grammar refuses; the judge itself never stumbles."""
    undecided = {text for text, ruled in rulings.items() if ruled.decision.verdict is not Verdict.PERMIT}
    assert {rulings[text].decision.verdict for text in undecided} == {Verdict.UNDECIDABLE}
    readings = [read_statements(text, BOUNDS) for text in undecided]
    assert [each for each in readings if not isinstance(each, Unreadable) or not each.syntax_error] == []


@pytest.fixture(scope="module")
def refused_by_the_grammar() -> Iterator[dict[str, str]]:
    """Ask a server to parse, but not to run, each statement: those that its own grammar refuses, and its words."""
    found = {}
    with Cluster() as server, Speaker(server.port) as speaker:
        speaker.do(hello("postgres", database="postgres"))
        for start in range(0, len(statements()), BATCH):
            batch = list(statements()[start : start + BATCH])
            answers = speaker.do(say(*(parse(text) + SYNC for text in batch), until="Z" * len(batch)))
            for answer in answers:
                if answer.code == "Z":
                    batch.pop(0)
                elif answer.code == "E" and answer.fields()["F"] in RAW_PARSER:
                    found[batch[0]] = answer.fields()["M"]
        yield found


def test_what_cannot_be_read_is_what_the_server_refuses_in_the_same_words(
    rulings: dict[str, Ruled], refused_by_the_grammar: dict[str, str]
) -> None:
    """The first witness is the server's own grammar: both refuse the same statements, for the same reasons."""
    undecided = (text for text, ruled in rulings.items() if ruled.decision.verdict is not Verdict.PERMIT)
    readings = ((text, read_statements(text, BOUNDS)) for text in undecided)
    witness = {text: each.because for text, each in readings if isinstance(each, Unreadable)}
    assert refused_by_the_grammar == witness | READ_BY_THE_WITNESS_ALONE
