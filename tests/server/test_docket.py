"""A session's rulings: what is recorded, what is refused, and what changes while it runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.server.docket import Docket
from proxy.wire import End, Ruling, Session
from proxy.wire.codes import DiagnosticField
from tests.server.dockets import Office, default_policy, policy_of
from tests.wire.conversation import HELLO, READY, SYNC, bind, execute, message, parse
from tests.wire.conversation import query as asked

DELETE, READ = b"DELETE FROM users", b"SELECT count(*) FROM users"
INSERT = b"INSERT INTO interlock.recommendation (model) VALUES ('m')"
PREPARE = b"PREPARE a AS " + INSERT
PERMISSIVE = """
version: 1
accounts: [{name: models, kind: model, match: {user: "model_*"}}]
rules: [{id: all, for: {kind: model}, permit: {effects: [select, prepare, execute_function], on: ["*", "*.*"]}}]
"""
CLOSED = "version: 1\naccounts: [{name: models, kind: model, match: {user: 'model_*'}}]\nrules: []\n"
READING = """
version: 1
accounts: [{name: models, kind: model, match: {user: "model_*"}}]
rules: [{id: reads, for: {kind: model}, permit: {effects: [select, prepare, explain], modifiers: [analyze]}}]
"""


@pytest.fixture
def office(tmp_path: Path) -> Office:
    """Open an office on a journal of its own."""
    return Office(tmp_path / "audit")


def query(docket: Docket, text: bytes) -> Ruling:
    """Put a simple Query."""
    return docket.query(text, len(text) + 1)


def attended(docket: Docket) -> Session:
    """Open the wire session of a docket."""
    session = Session(docket, statement_bytes=1_000)
    docket.attend(session)
    session.from_backend(HELLO)
    return session


@pytest.mark.parametrize(
    ("user", "text", "refused", "held", "enforced"),
    [
        ("model_a", READ, False, False, True),
        ("model_a", INSERT, False, True, True),
        ("model_a", DELETE, True, True, True),
        ("model_a", b"\xff", True, True, True),
        ("model_a", b"", False, False, True),
        ("person_ada", READ, False, False, False),
        ("person_ada", DELETE, False, True, False),
        ("person_ada", b"\xff", False, True, False),
    ],
)
def test_ruling_says_what_the_wire_must_do(
    user: str, text: bytes, refused: bool, held: bool, enforced: bool, office: Office
) -> None:
    """Refusals and everything but reads wait for their record; only enforced accounts depend on it."""
    ruling = query(office.docket(user), text)
    assert (ruling.nonce is not None, ruling.held, ruling.enforced) == (refused, held, enforced)


def test_what_waited_for_its_record_has_an_outcome_of_its_own(office: Office) -> None:
    """Decisions of writes and refusals are on record at once; their outcomes are bound to them by id."""
    docket = office.docket("model_a")
    rulings = [query(docket, text) for text in (INSERT, DELETE)]
    ids = [record["id"] for record in office.records("decision")]
    assert len(set(ids)) == 2
    docket.ended(rulings[0], End.FAILED, None, "23505")
    docket.ended(rulings[1], End.FAILED, None, "22P02")
    assert [
        (each["decision"], each["state"], each["rows"], each["sqlstate"]) for each in office.records("outcome")
    ] == [(ids[0], "failed", None, "23505"), (ids[1], "refused", None, "42501")]


def test_read_has_one_record_for_decision_and_outcome(office: Office) -> None:
    """A read's record waits for its end and tells both; its time is the decision's."""
    docket = office.docket("model_a")
    rulings = [query(docket, READ), query(docket, READ)]
    decided_at = office.moment.stamp.decode()
    assert office.records("decision") == []
    office.moment.look()
    docket.ended(rulings[0], End.COMPLETED, 1, None)
    docket.ended(rulings[1], End.FAILED, None, "57014")
    decisions = office.records("decision")
    assert [
        (each["at"], each["outcome"]["state"], each["outcome"]["rows"], each["outcome"]["sqlstate"])
        for each in decisions
    ] == [(decided_at, "completed", 1, None), (decided_at, "cancelled", None, "57014")]
    assert (len({each["id"] for each in decisions}), office.records("outcome")) == (2, [])


def test_read_that_runs_on_is_put_on_record_before_it_ends(office: Office) -> None:
    """What was decided before the time given is written, once; then the outcome is a record of its own."""
    docket = office.docket("model_a")
    ruling = query(docket, READ)
    docket.overdue(ruling, office.moment.monotonic_s)
    assert office.records("decision") == []
    for _ in range(2):
        docket.overdue(ruling, office.moment.monotonic_s + 1.0)
    docket.ended(ruling, End.COMPLETED, 1, None)
    (decision,), (outcome,) = office.records("decision"), office.records("outcome")
    assert (decision["outcome"], outcome["decision"], outcome["state"]) == (None, decision["id"], "completed")


def test_refusal_names_its_rule_and_its_decision(office: Office) -> None:
    """The client is told which rule, and the id under which the record is found."""
    docket = office.docket("model_a")
    ruling = query(docket, DELETE)
    fields = docket.refusal_of(ruling).fields
    (record,) = office.records("decision")
    assert fields[DiagnosticField.SQLSTATE] == b"42501"
    assert record["id"].encode() in fields[DiagnosticField.MESSAGE_DETAIL]
    assert record["rule"].encode() in fields[DiagnosticField.MESSAGE_DETAIL]


def test_nonce_belongs_to_one_ruling(office: Office) -> None:
    """The same statement refused twice has two nonces."""
    docket = office.docket("model_a")
    first, second = query(docket, DELETE), query(docket, DELETE)
    assert first.nonce != second.nonce


def test_prepared_statement_is_judged_anew_under_another_policy(office: Office) -> None:
    """A Parse that was permitted vouches for no Execute after the policy has changed."""
    docket = office.docket("model_a")
    parsed = docket.parse(READ, 30, b"\0\0")
    assert docket.execution((parsed,)).nonce is None
    office.judge.adopt_policy(policy_of(CLOSED))
    assert docket.execution((parsed,)).nonce is not None
    office.judge.adopt_policy(default_policy())
    assert docket.execution((parsed,)).nonce is None


def test_strictest_of_several_statements_stands(office: Office) -> None:
    """Where a name may stand for several statements, an Execute waits for its record if any of them would."""
    docket = office.docket("model_a")
    read, write = docket.parse(READ, 30, b"\0\0"), docket.parse(INSERT, 60, b"\0\0")
    assert not docket.execution((read,)).held
    assert docket.execution((read, write)).held
    assert docket.execution((write, read)).held
    office.judge.adopt_policy(policy_of(CLOSED))
    assert docket.execution((read, write)).nonce is not None


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"standard_conforming_strings", b"off"), (b"client_encoding", b"LATIN1"), (b"client_encoding", b"SJIS")],
)
def test_report_changes_how_the_next_statement_is_read(name: bytes, value: bytes, office: Office) -> None:
    """What the server reports decides: texts that would be read otherwise are refused to a model from then on."""
    docket = office.docket("model_a")
    parsed = docket.parse(READ, 30, b"\0\0")
    assert query(docket, READ).nonce is None
    docket.reported(name, value)
    assert query(docket, READ).nonce is not None
    assert docket.execution((parsed,)).nonce is not None
    docket.reported(name, {b"off": b"on"}.get(value, b"UTF8"))
    assert query(docket, READ).nonce is None


def test_form_in_one_encoding_is_not_a_text_in_another(office: Office) -> None:
    """The bytes of a remembered form are compared with texts in the session's encoding, not in UTF-8."""
    docket = office.docket("person_ada")
    docket.reported(b"client_encoding", b"LATIN1")
    for text in ("SELECT a FROM é".encode("latin-1"), "SELECT a FROM é".encode()):
        docket.ended(query(docket, text), End.COMPLETED, 0, None)
    targets = [record["effects"][0]["target"] for record in office.records("decision")]
    assert targets == ["é", "Ã©"]


def test_type_of_a_parameter_is_ruled_on(office: Office) -> None:
    """A type that is not built in may run code, so a model may not name it; others may."""
    built_in, made = b"\0\1\0\0\0\x17", b"\0\1\0\0\x40\0"
    model, person = office.docket("model_a"), office.docket("person_ada")
    assert model.parse(READ, 30, built_in).nonce is None
    assert model.parse(READ, 30, made).nonce is not None
    assert person.parse(READ, 30, made).nonce is None


def test_unrecorded_ruling_is_refused_with_its_reason(office: Office) -> None:
    """A held ruling whose record could not be written is refused, and its outcome says why."""
    docket = office.docket("model_a")
    ruling = query(docket, INSERT)
    docket.refuse_unrecorded(ruling)
    assert ruling.nonce is not None
    assert b"put on record" in docket.refusal_of(ruling).fields[DiagnosticField.MESSAGE_DETAIL]
    docket.ended(ruling, End.FAILED, None, "22P02")
    assert [each["state"] for each in office.records("outcome")] == ["unrecorded"]


@pytest.mark.parametrize(
    "prepare",
    [asked(PREPARE), parse(b"", PREPARE) + bind(b"", b"") + execute() + SYNC],
    ids=["Query", "Parse"],
)
@pytest.mark.parametrize(
    "run",
    [
        asked(b"EXECUTE a"),
        asked(b"EXPLAIN ANALYZE EXECUTE a"),
        parse(b"", b"EXECUTE a") + SYNC,
        bind(b"", b"a") + execute() + SYNC,
    ],
    ids=["EXECUTE", "EXPLAIN", "Parse", "Bind"],
)
def test_what_sql_prepared_is_judged_anew_under_another_policy(prepare: bytes, run: bytes, office: Office) -> None:
    """A permission taken away is taken away from what was prepared by it, however that is run."""
    session = attended(office.docket("model_a"))
    refused = []
    for message_, policy in ((prepare, default_policy()), (run, default_policy()), (run, policy_of(READING))):
        office.judge.adopt_policy(policy)
        session.from_frontend(message_)
        refused.append(office.records("decision")[-1]["refused"])
    assert refused == [False, False, True]


def test_execute_prepared_before_is_judged_anew_where_it_runs(office: Office) -> None:
    """A Parse of EXECUTE vouches for what its name stands for at that time alone."""
    session = attended(office.docket("model_a"))
    session.from_frontend(parse(b"run", b"EXECUTE a") + asked(PREPARE))
    office.judge.adopt_policy(policy_of(READING))
    session.from_frontend(bind(b"", b"run") + execute() + SYNC)
    assert office.records("decision")[-1]["refused"]


def test_bind_is_judged_where_its_statement_must_be_judged_anew(office: Office) -> None:
    """The server plans at a Bind and reads the parameters' values, so what no longer holds ends there."""
    session = attended(office.docket("model_a"))
    session.from_frontend(parse(b"a", INSERT) + bind(b"p", b"a") + SYNC)
    assert [each["refused"] for each in office.records("decision")] == [False]
    office.judge.adopt_policy(policy_of(READING))
    session.from_frontend(bind(b"p", b"a") + SYNC)
    assert [each["refused"] for each in office.records("decision")] == [False, True]


@pytest.mark.parametrize("refused", [False, True])
def test_fetch_from_a_portal_is_judged_by_what_the_portal_runs(refused: bool, office: Office) -> None:
    """SQL's FETCH runs a portal that a Bind made, as an Execute does: it is judged and recorded like one."""
    session = attended(office.docket("model_a"))
    session.from_frontend(asked(b"BEGIN") + parse(b"", INSERT + b" RETURNING id") + bind(b"p", b"") + SYNC)
    if refused:
        office.judge.adopt_policy(policy_of(READING.replace("explain]", "explain, cursor]")))
    session.from_frontend(asked(b"FETCH ALL FROM p"))
    last = office.records("decision")[-1]
    assert (last["refused"], last["statement"]["tag"], last["statement"]["via"]) == (refused, "INSERT", "query")


def test_types_of_parameters_are_ruled_on_again(office: Office) -> None:
    """What a Parse typed its parameters counts wherever the statement is judged anew."""
    session = attended(office.docket("model_a"))
    typed = message("P", b"a\0" + READ + b"\0\0\1\0\0\x40\0")
    office.judge.adopt_policy(policy_of(PERMISSIVE))
    session.from_frontend(typed + SYNC)
    assert [each["refused"] for each in office.records("decision")] == [False]
    office.judge.adopt_policy(default_policy())
    session.from_frontend(bind(b"", b"a") + SYNC)
    assert [each["refused"] for each in office.records("decision")] == [False, True]


def test_what_cannot_be_told_is_refused_to_those_who_are_enforced(office: Office) -> None:
    """Beyond the names that are remembered, an Execute may run anything that was ever permitted."""
    assert office.docket("model_a").execution(None).nonce is not None
    assert office.docket("person_ada").execution(None).nonce is None


def test_deallocated_name_is_told_once_it_is_gone(office: Office) -> None:
    """DEALLOCATE counts when it has completed, and not when it has failed."""
    docket = office.docket("person_ada")
    session = attended(docket)
    session.from_frontend(parse(b"a", b"DELETE FROM t") + SYNC)
    session.from_backend(message("1") + READY)
    docket.ended(query(docket, b"DEALLOCATE a"), End.FAILED, None, "26000")
    session.from_frontend(bind(b"", b"a") + execute() + SYNC)
    docket.ended(query(docket, b"DEALLOCATE PREPARE a"), End.COMPLETED, None, None)
    session.from_frontend(bind(b"", b"a") + execute() + SYNC)
    assert [
        each["statement"]["tag"] for each in office.records("decision") if each["statement"]["via"] == "execute"
    ] == [
        "DELETE",
        "EXECUTE",
    ]


@pytest.mark.parametrize(
    ("user", "settings", "replication", "refused"),
    [
        ("model_a", [], False, False),
        ("model_a", [("application_name", "x"), ("client_encoding", "utf-8")], False, False),
        ("model_a", [("role", "postgres")], False, True),
        ("model_a", [("session_replication_role", "replica")], False, True),
        ("model_a", [], True, True),
        ("person_ada", [("search_path", "x")], True, False),
    ],
)
def test_startup_packet_is_judged_as_set_would_be(
    user: str, settings: list[tuple[str, str]], replication: bool, refused: bool, office: Office
) -> None:
    """What a packet sets is ruled on before the server sees it."""
    error = office.docket(user).startup(settings, replication=replication)
    assert (error is not None) is refused
    assert error is None or error.fields[DiagnosticField.SEVERITY] == b"FATAL"


def test_records_name_the_server_s_process_once_it_is_known(office: Office) -> None:
    """What the server said at the login stands in every record from then on."""
    docket = office.docket("model_a")
    query(docket, DELETE)
    docket.backend_started(4242)
    query(docket, DELETE)
    assert [record["session"]["pid"] for record in office.records("decision")] == [None, 4242]
    assert docket.record.pid == 4242


@pytest.mark.parametrize(
    ("path", "text", "target", "candidates"),
    [
        (b"billing", b"DELETE FROM users", "users", ["pg_temp", "billing"]),
        (b"billing", b"DELETE FROM public.users", "public.users", []),
        (b"billing, audit", b"DELETE FROM users", "users", ["pg_temp", "billing", "audit"]),
        (b"billing", b"CREATE TABLE users (id int)", "billing.users", []),
        (None, b"DELETE FROM users", "users", []),
    ],
    ids=["one schema", "written", "two schemas", "certain", "no path"],
)
def test_a_record_says_which_schemas_a_name_may_stand_for(
    path: bytes | None, text: bytes, target: str, candidates: list[str], office: Office
) -> None:
    """The path that was in force decides, and a table of the session's own may always come first."""
    docket = office.docket("model_a")
    if path is not None:
        docket.reported(b"search_path", path)
    query(docket, text)
    effect = office.records("decision")[0]["effects"][0]
    assert (effect["target"], effect["candidates"]) == (target, candidates)
