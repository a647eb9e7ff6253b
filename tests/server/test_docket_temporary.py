"""A name without its schema may mean a temporary table only once the session may have made one."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.wire import Session
from tests.server.dockets import Office, policy_of
from tests.sql.catalogs import Drawing
from tests.wire.conversation import HELLO, READY, SYNC, bind, execute, message, parse, query

POLICY = """
version: 1
accounts:
  - {name: models, kind: model, match: {user: "model_*"}}
rules:
  - {id: read, for: {kind: model}, permit: {effects: [select], on: ["*.*"]}}
  - {id: write, for: {kind: model}, permit: {effects: [insert], on: [sales.orders]}}
  - {id: note, for: {kind: model}, permit: {effects: [create], on: [pg_temp.*], modifiers: [temporary]}}
  - {id: run, for: {kind: model}, permit: {effects: [execute_function], on: [public.f]}}
  - {id: work, for: {kind: model}, permit: {effects: [transaction, prepare, cursor]}}
"""
INSERT = b"INSERT INTO orders VALUES (1)"
NOTE = b"CREATE TEMP TABLE orders (a int)"
RUN = b"SELECT public.f()"
BOUND = bind(b"", b"s") + execute()


def office(folder: Path, *, census: bool = True) -> Office:
    """Open an office for a database with one table and one function that does something."""
    found = Office(folder / "audit", policy_of(POLICY))
    if census:
        learn(found)
    return found


def learn(office: Office, *event_triggers: tuple[str, str]) -> None:
    """Draw the catalog."""
    drawing = Drawing()
    drawing.relation("sales.orders")
    drawing.function("f")
    for name, function in event_triggers:
        drawing.event_triggers.append((name, drawing.oid(function)))
    office.judge.adopt_census("demo", drawing.census())


def session(office: Office, path: bytes = b"sales") -> Session:
    """Begin a model's session."""
    docket = office.docket("model_a")
    begun = Session(docket, statement_bytes=1 << 20)
    docket.attend(begun)
    begun.from_backend(HELLO[: -len(READY)] + message("S", b"search_path\0" + path + b"\0") + READY)
    return begun


def refused(office: Office) -> bool:
    """Tell of the last decision."""
    return bool(office.records("decision")[-1]["refused"])


@pytest.mark.parametrize(
    ("before", "is_refused"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param([query(b"BEGIN"), query(b"SELECT lower('A')"), query(INSERT)], False, id="reads and writes"),
        pytest.param([query(b"CREATE TABLE sales.x ()")], False, id="refused"),
        pytest.param([query(NOTE)], True, id="created"),
        pytest.param([query(NOTE), query(b"ROLLBACK")], True, id="created, perhaps undone"),
        pytest.param([query(b"SELECT 1 AS a INTO TEMP orders")], True, id="selected into"),
        pytest.param([query(RUN)], True, id="code"),
        pytest.param([parse(b"", NOTE) + bind(b"", b"") + execute() + SYNC], True, id="extended"),
        pytest.param([parse(b"s", NOTE) + SYNC, query(b"EXECUTE s")], True, id="prepared there, executed here"),
        pytest.param([query(b"PREPARE s AS " + RUN)], True, id="prepared"),
    ],
)
def test_a_permit_covers_a_plain_name_until_a_temporary_table_may_stand_before_it(
    before: list[bytes], is_refused: bool, tmp_path: Path
) -> None:
    """What only reads, writes or is refused makes no object; whatever else ran may have made one."""
    desk = office(tmp_path)
    begun = session(desk)
    for sent in (*before, query(INSERT)):
        begun.from_frontend(sent)
    assert refused(desk) is is_refused


@pytest.mark.parametrize("second", [INSERT, b"SELECT 1; " + INSERT])
def test_a_message_counts_from_its_first_statement_on(second: bytes, tmp_path: Path) -> None:
    """The second statement of a message finds what the first one made."""
    desk = office(tmp_path)
    session(desk).from_frontend(query(NOTE + b"; " + second))
    assert refused(desk)


@pytest.mark.parametrize("made", [True, False])
def test_what_was_prepared_before_is_judged_again(made: bool, tmp_path: Path) -> None:
    """Names are looked up anew when a statement is bound."""
    desk = office(tmp_path)
    begun = session(desk)
    begun.from_frontend(parse(b"s", INSERT) + SYNC)
    begun.from_backend(message("1") + READY)
    assert not refused(desk)
    if made:
        begun.from_frontend(query(NOTE))
    begun.from_frontend(BOUND + SYNC)
    inserts = [record["refused"] for record in desk.records("decision") if record["statement"]["tag"] == "INSERT"]
    assert inserts == [False, made]


def test_without_a_census_a_plain_name_may_always_be_temporary(tmp_path: Path) -> None:
    """Nobody knows what the statements so far have set off, and it is not known later either."""
    desk = office(tmp_path, census=False)
    begun = session(desk)
    begun.from_frontend(query(INSERT))
    assert refused(desk)
    learn(desk)
    begun.from_frontend(query(INSERT))
    assert refused(desk)
    session(desk).from_frontend(query(INSERT))
    assert not refused(desk)


def test_code_at_login_may_make_a_temporary_table(tmp_path: Path) -> None:
    """An event trigger may have run before the first statement."""
    desk = office(tmp_path)
    learn(desk, ("on_login", "f"))
    session(desk).from_frontend(query(INSERT))
    assert refused(desk)


def test_a_session_that_made_something_may_have_made_a_schema(tmp_path: Path) -> None:
    """Then a schema that the census does not know counts again: for a forbid, any that the name may be found in."""
    desk = office(tmp_path)
    begun = session(desk, b"later, sales")
    for sent in (query(INSERT), query(NOTE), query(INSERT)):
        begun.from_frontend(sent)
    found = [
        record["effects"][0]["candidates"]
        for record in desk.records("decision")
        if not record["effects"][0]["modifiers"]
    ]
    assert found == [[], ["pg_temp", "later", "sales"]]


@pytest.mark.parametrize(
    ("path", "is_refused"),
    [
        (b'"$user", sales', False),
        (b"sales, public", True),
        (b"pg_temp, sales", True),
        (b"sales, pg_temp", True),
        (b"nowhere", True),
        (b"", True),
    ],
)
def test_every_schema_of_the_path_counts_that_exists(path: bytes, is_refused: bool, tmp_path: Path) -> None:
    """PostgreSQL passes over those that do not, and a path of none leads nowhere that is known."""
    desk = office(tmp_path)
    session(desk, path).from_frontend(query(INSERT))
    assert refused(desk) is is_refused
