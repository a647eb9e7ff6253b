"""A refusal is PostgreSQL's own 42501: same messages, same order, same state, held against a server that refuses."""

from __future__ import annotations

import re
from collections.abc import Callable

import psycopg
import pytest

from tests.clusters import Cluster, dsn
from tests.database.masks import lines
from tests.database.proxy_process import ProxyProcess
from tests.database.refusals import EXTENDED, READ, REFERENCE, REFUSED, SEVERAL, SIMPLE, Refusal
from tests.database.script import Script, hello, perform, say
from tests.database.wire import Message, function_call, query

INSUFFICIENT_PRIVILEGE = "42501"
ROWS = "SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM orders) + (SELECT count(*) FROM secret.users)"
ALL_ROWS = 85

# Only what people read may differ: message, detail, hint, position, and where in the source it was raised.
WORDING = frozenset("MDHPFLR")


def told(message: Message) -> str:
    """Show a message; of a refusal, everything but its wording."""
    if message.code == "E" and message.fields().get("C") == INSUFFICIENT_PRIVILEGE:
        return f"E { ({name: value for name, value in message.fields().items() if name not in WORDING}) }"
    return lines([message])[0]


def conversation(port: int, user: str, script: Script) -> list[list[str]]:
    """Collect what a login is told, from behind its startup on."""
    return [[told(message) for message in step] for step in perform(port, (hello(user), *script))][1:]


def compared(cluster: Cluster, proxy: ProxyProcess, refusal: Refusal, refused: str) -> None:
    """Hold the proxy's refusal against the server's, and count the rows afterwards."""
    expected = conversation(cluster.port, "plain_reader", refusal(REFERENCE))
    assert expected == conversation(proxy.port, "model_janitor", refusal(refused))
    assert cluster.scalar(ROWS) == ALL_ROWS


@pytest.mark.parametrize("refused", [*REFUSED, *SEVERAL])
@pytest.mark.parametrize("name", SIMPLE)
def test_refused_query_is_told_as_the_server_would(
    name: str, refused: str, cluster: Cluster, proxy: ProxyProcess, reset: Callable[[], None]
) -> None:
    """A refused simple Query leaves the same messages and the same transaction state, and runs in no part."""
    reset()
    compared(cluster, proxy, SIMPLE[name], {**REFUSED, **SEVERAL}[refused])


@pytest.mark.parametrize("refused", REFUSED)
@pytest.mark.parametrize("name", EXTENDED)
def test_refused_parse_is_told_as_the_server_would(
    name: str, refused: str, cluster: Cluster, proxy: ProxyProcess, reset: Callable[[], None]
) -> None:
    """A refused Parse fails in its own place; what follows is skipped up to Sync, and the connection stays usable."""
    reset()
    compared(cluster, proxy, EXTENDED[name], REFUSED[refused])


@pytest.mark.parametrize("before", ["", "BEGIN", "BEGIN; SAVEPOINT s"])
def test_refused_function_call_is_told_as_the_server_would(
    before: str, cluster: Cluster, proxy: ProxyProcess, reset: Callable[[], None]
) -> None:
    """A refused FunctionCall ends with its own ReadyForQuery, in a failed transaction where one was open."""
    reset()
    oid = cluster.scalar("SELECT 'secret.purge(integer)'::regprocedure::oid")
    call = function_call(int(str(oid)), b"1")
    script = (say(query(before)), say(call), say(query(READ)), say(query("ROLLBACK")))
    expected = conversation(cluster.port, "plain_reader", script)
    assert expected == conversation(proxy.port, "model_janitor", script)
    assert cluster.scalar(ROWS) == ALL_ROWS


@pytest.mark.parametrize("statement", ["DELETE FROM users", "TRUNCATE users", "DROP TABLE orders"])
def test_refusal_says_who_why_and_what_instead(statement: str, proxy: ProxyProcess) -> None:
    """The error names the rule, its reason and the decision, which is on record, and what to do instead."""
    with psycopg.connect(dsn(proxy.port, user="model_janitor", dbname="demo")) as connection:
        with pytest.raises(psycopg.errors.InsufficientPrivilege) as refusal:
            connection.execute(statement.encode())
        assert connection.info.transaction_status == psycopg.pq.TransactionStatus.INERROR
        connection.rollback()
        assert connection.execute("SELECT 1").fetchone() == (1,)
    said = refusal.value.diag
    assert (said.severity, said.sqlstate) == ("ERROR", INSUFFICIENT_PRIVILEGE)
    detail = re.fullmatch(r"Rule ([\w-]+): (.+\.) Decision ([\w-]+)\.", said.message_detail or "")
    assert detail is not None, said.message_detail
    assert "interlock.recommendation" in (said.message_hint or "")
    on_record = b"".join(file.read_bytes() for file in proxy.audit.rglob("*.jsonl"))
    assert detail[3].encode() in on_record
    assert detail[1].encode() in on_record
