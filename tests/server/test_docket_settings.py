"""Settings that move under way: what follows is judged by what the server has reported, or by no path at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from proxy.server.reading_settings import ReadingSettings
from proxy.wire import Session
from tests.server.dockets import Office, policy_of
from tests.wire.conversation import HELLO, READY, SYNC, bind, error, execute, message, parse, query

POLICY = """
version: 1
rules:
  - {id: keep-secrets, for: everyone, forbid: {effects: [delete], on: ["secret.*"]}, because: They stay.}
"""
PUBLIC = message("S", b"search_path\0public\0")
SECRET = message("S", b"search_path\0secret\0")
DELETE = query(b"DELETE FROM t WHERE id = 1")
MOVE = query(b"SET search_path = secret")
BACK = query(b"SET search_path = public")
IN_TRANSACTION, FAILED = message("Z", b"T"), message("Z", b"E")
DONE = message("C", b"SET\0")


def extended(text: bytes) -> bytes:
    """Give a statement in the extended protocol, without its Sync."""
    return parse(b"", text) + bind(b"", b"") + execute()


class Talk:
    """One session of a clerk, to be spoken for on both sides."""

    def __init__(self, folder: Path) -> None:
        self.office = Office(folder, policy_of(POLICY))
        docket = self.office.docket("clerk")
        self.session = Session(docket, statement_bytes=1 << 20)
        docket.attend(self.session)
        self.session.from_backend(HELLO[: -len(READY)] + PUBLIC + READY)

    def refused(self) -> list[str]:
        """Give the tags of what was refused so far."""
        return [record["statement"]["tag"] for record in self.office.records("decision") if record["refused"]]


@pytest.mark.parametrize(
    ("steps", "refused"),
    [
        pytest.param([("client", DELETE)], False, id="reported"),
        pytest.param([("client", MOVE + DELETE)], True, id="moved, unanswered"),
        pytest.param([("client", MOVE), ("server", DONE + SECRET + READY), ("client", DELETE)], True, id="moved"),
        pytest.param(
            [("client", MOVE), ("server", DONE + SECRET + READY), ("client", BACK + DELETE)],
            True,
            id="back, unanswered",
        ),
        pytest.param(
            [
                ("client", MOVE),
                ("server", DONE + SECRET + READY),
                ("client", BACK),
                ("server", DONE + PUBLIC + READY),
                ("client", DELETE),
            ],
            False,
            id="back",
        ),
        pytest.param(
            [
                ("client", query(b"BEGIN; SET LOCAL search_path = public")),
                ("server", message("C", b"BEGIN\0") + DONE + IN_TRANSACTION),
                ("client", DELETE),
            ],
            False,
            id="in its transaction",
        ),
        pytest.param(
            [
                ("client", query(b"BEGIN; SET LOCAL search_path = public")),
                ("server", message("C", b"BEGIN\0") + DONE + IN_TRANSACTION),
                ("client", query(b"COMMIT") + DELETE),
            ],
            True,
            id="behind its transaction, unanswered",
        ),
        pytest.param(
            [
                ("client", query(b"BEGIN; SET LOCAL search_path = public")),
                ("server", message("C", b"BEGIN\0") + DONE + IN_TRANSACTION),
                ("client", query(b"COMMIT; DELETE FROM t WHERE id = 1")),
            ],
            True,
            id="behind its transaction, in one text",
        ),
        pytest.param(
            [
                ("client", query(b"BEGIN; SET LOCAL search_path = public")),
                ("server", message("C", b"BEGIN\0") + DONE + IN_TRANSACTION),
                ("client", query(b"COMMIT")),
                ("server", DONE + PUBLIC + READY),
                ("client", query(b"COMMIT; DELETE FROM t WHERE id = 1")),
            ],
            False,
            id="behind another transaction, in one text",
        ),
        pytest.param(
            [
                ("client", query(b"BEGIN; SET search_path = public")),
                ("server", message("C", b"BEGIN\0") + DONE + IN_TRANSACTION),
                ("client", query(b"SELECT 1/0")),
                ("server", error(b"22012", b"no") + FAILED),
                ("client", query(b"ROLLBACK") + DELETE),
            ],
            True,
            id="behind a failed transaction, unanswered",
        ),
        pytest.param(
            [
                ("client", query(b"BEGIN")),
                ("server", message("C", b"BEGIN\0") + IN_TRANSACTION),
                ("client", query(b"COMMIT") + DELETE),
            ],
            False,
            id="behind a transaction that moved nothing",
        ),
        pytest.param(
            [
                ("client", extended(b"SET search_path = public") + message("H")),
                ("server", message("1") + message("2") + DONE),
                ("client", parse(b"", b"no") + SYNC + extended(b"DELETE FROM t WHERE id = 1") + SYNC),
            ],
            True,
            id="answered before its Sync",
        ),
        pytest.param([("client", query(b"DO 'x'") + DELETE)], True, id="code, unanswered"),
        pytest.param(
            [("client", query(b"SET standard_conforming_strings = off") + DELETE)], False, id="unreadable, not enforced"
        ),
    ],
)
def test_what_follows_a_moved_path_is_judged_by_what_is_known(
    steps: list[tuple[str, bytes]], refused: bool, tmp_path: Path
) -> None:
    """Until the server has answered, and reported, an unqualified name may stand for what a rule forbids."""
    talk = Talk(tmp_path / "audit")
    for side, data in steps:
        if side == "client":
            talk.session.from_frontend(data)
        else:
            talk.session.from_backend(data)
    assert any("DELETE" in tags for tags in talk.refused()) is refused


def test_what_is_only_prepared_moves_nothing(tmp_path: Path) -> None:
    """A Parse runs nothing, so the Execute behind it is ruled on as the Parse was."""
    talk = Talk(tmp_path / "audit")
    talk.session.from_frontend(extended(b"SET standard_conforming_strings = on") + SYNC)
    talk.session.from_backend(message("1") + message("2") + DONE + READY)
    verdicts = [(record["statement"]["via"], record["verdict"]) for record in talk.office.records("decision")]
    assert verdicts == [("parse", "permit"), ("execute", "permit")]


def test_text_behind_a_change_of_how_texts_are_read_is_not_read(tmp_path: Path) -> None:
    """Backslashes may end strings elsewhere by the time the server reads it."""
    talk = Talk(tmp_path / "audit")
    move = query(b"SET standard_conforming_strings = off")
    talk.session.from_frontend(move + query(b"SELECT 1"))
    talk.session.from_backend(DONE + READY + message("C", b"SELECT 1\0") + READY)
    talk.session.from_frontend(query(b"SELECT 2"))
    talk.session.from_backend(message("C", b"SELECT 1\0") + READY)
    verdicts = [(record["statement"]["tag"], record["verdict"]) for record in talk.office.records("decision")]
    assert verdicts == [("", "undecidable"), ("SET", "permit"), ("SELECT", "permit")]


QUIET = b"SELECT set_config('standard_conforming_strings', $1, false)"
BEGUN = message("C", b"BEGIN\0") + IN_TRANSACTION


@pytest.mark.parametrize(
    ("store", "run"),
    [
        pytest.param(query(b"PREPARE p AS " + QUIET), query(b"EXECUTE p('off')"), id="EXECUTE"),
        pytest.param(query(b"PREPARE p AS " + QUIET), query(b"EXPLAIN ANALYZE EXECUTE p('off')"), id="EXPLAIN"),
        pytest.param(query(b"PREPARE p AS " + QUIET), parse(b"", b"EXECUTE p('off')") + bind(b"", b"") + execute()),
        pytest.param(query(b"PREPARE p AS " + QUIET), bind(b"", b"p") + execute(), id="Bind of SQL's statement"),
        pytest.param(query(b"DECLARE c CURSOR FOR " + QUIET), query(b"FETCH c"), id="FETCH"),
        pytest.param(query(b"DECLARE c CURSOR FOR " + QUIET), query(b"MOVE 1 IN c"), id="MOVE"),
        pytest.param(query(b"DECLARE c CURSOR FOR " + QUIET), execute(b"c"), id="Execute of a cursor"),
        pytest.param(query(b"DECLARE c CURSOR WITH HOLD FOR " + QUIET), query(b"COMMIT"), id="COMMIT"),
        pytest.param(parse(b"p", QUIET) + SYNC, query(b"EXECUTE p('off')"), id="EXECUTE of a Parse"),
        pytest.param(parse(b"p", QUIET) + bind(b"c", b"p") + SYNC, query(b"FETCH c"), id="FETCH of a portal"),
    ],
)
def test_what_is_stored_moves_when_it_runs(store: bytes, run: bytes, tmp_path: Path) -> None:
    """What changes how texts are read may be prepared or declared, and answered, long before it is run."""
    talk = Talk(tmp_path / "audit")
    talk.session.from_frontend(query(b"BEGIN"))
    talk.session.from_backend(BEGUN)
    talk.session.from_frontend(store)
    parsed = store.startswith(b"P")
    talk.session.from_backend((message("1") if parsed else message("C", b"PREPARE\0")) + IN_TRANSACTION)
    talk.session.from_frontend(query(b"SELECT 1"))
    talk.session.from_backend(message("C", b"SELECT 1\0") + IN_TRANSACTION)
    talk.session.from_frontend(run + query(b"SELECT 2"))
    talk.session.broken_off()
    records = [record for record in talk.office.records("decision") if record["statement"]["via"] == "query"]
    read = [record["statement"]["tag"] for record in records if record["statement"]["text"] == "SELECT $1"]
    assert (read, [record["verdict"] for record in records].count("undecidable")) == (["SELECT"], 1)


def test_a_cursor_may_stand_under_the_name_of_a_portal_that_sql_has_closed(tmp_path: Path) -> None:
    """What the portal was bound to says nothing then of what its Execute moves."""
    talk = Talk(tmp_path / "audit")
    talk.session.from_frontend(query(b"BEGIN") + parse(b"p", b"SELECT 3") + bind(b"c", b"p") + SYNC)
    talk.session.from_backend(BEGUN + message("1") + message("2") + IN_TRANSACTION)
    talk.session.from_frontend(query(b"CLOSE c") + query(b"DECLARE c CURSOR FOR " + QUIET))
    closed, declared = message("C", b"CLOSE CURSOR\0"), message("C", b"DECLARE CURSOR\0")
    talk.session.from_backend(closed + IN_TRANSACTION + declared + IN_TRANSACTION)
    talk.session.from_frontend(query(b"SELECT 1"))
    talk.session.from_backend(message("C", b"SELECT 1\0") + IN_TRANSACTION)
    talk.session.from_frontend(execute(b"c") + query(b"SELECT 2"))
    talk.session.broken_off()
    records = [record for record in talk.office.records("decision") if record["statement"]["via"] == "query"]
    assert [record["verdict"] for record in records].count("undecidable") == 1


@pytest.mark.parametrize("run", [query(b"EXECUTE p"), query(b"FETCH c"), execute(b"c")])
def test_what_stores_no_setting_moves_none(run: bytes, tmp_path: Path) -> None:
    """Cursors and prepared statements leave what follows them readable."""
    talk = Talk(tmp_path / "audit")
    talk.session.from_frontend(query(b"PREPARE p AS SELECT 3") + query(b"DECLARE c CURSOR FOR SELECT 4"))
    talk.session.from_frontend(run + query(b"DELETE FROM t WHERE id = 1"))
    assert talk.refused() == []
    assert all(record["verdict"] == "permit" for record in talk.office.records("decision"))


def test_what_was_not_read_may_move_anything(tmp_path: Path) -> None:
    """A statement that nobody here can read may change how the next one is read."""
    talk = Talk(tmp_path / "audit")
    talk.session.from_frontend(query(b"SELEC nonsense") + query(b"SELECT 1"))
    talk.session.broken_off()
    assert [record["verdict"] for record in talk.office.records("decision")] == ["undecidable", "undecidable"]


@pytest.mark.parametrize(
    ("reported", "version"), [(b"18.1", 18), (b"15.14 (Debian 15.14-0)", 15), (b"17beta2", 17), (b"x", 0), (None, 0)]
)
def test_the_version_that_the_server_reports_counts(reported: bytes | None, version: int) -> None:
    """Its major part; a server that reports none is older than everything."""
    settings = ReadingSettings("ada", temporary=False)
    if reported is not None:
        assert settings.reported(b"server_version", reported)
    assert settings.now().server_version == version
