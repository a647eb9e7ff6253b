"""What `interlock status` makes of a proxy's metrics and of an audit folder."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from interlock.failure import Failure
from interlock.status import audit_status, proxy_status, read_metrics, report
from proxy.server.metrics import Fleet, Snapshot
from tests.audit.journals import fill

NOT_A_PROXY = "# TYPE up gauge\nup 1\n"


class _Page(BaseHTTPRequestHandler):
    """Answers every path with the server's text."""

    text = NOT_A_PROXY

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the signature is http.server's
        """Say nothing."""


@pytest.fixture
def stranger() -> Iterator[str]:
    """Address of an HTTP server that is no proxy."""
    with HTTPServer(("127.0.0.1", 0), _Page) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


def test_status_sums_what_a_fleet_reports() -> None:
    """Version, policy, connections and verdicts, as the proxy itself words its metrics."""
    fleet = Fleet("9.9.9")
    snapshot = Snapshot(policy_digest="abc", connections=3, audit_writable=True)
    fleet.report(0, snapshot)
    fleet.report(1, snapshot)

    known = proxy_status(list(fleet.collect()))

    assert {name: known[name] for name in ("version", "policies", "workers", "connections", "audit_writable")} == {
        "version": "9.9.9",
        "policies": ["abc"],
        "workers": 2,
        "connections": 6,
        "audit_writable": True,
    }


def test_status_of_something_else_is_a_finding(stranger: str) -> None:
    """Another program's metrics are not taken for a proxy's."""
    with pytest.raises(Failure, match="not a proxy's metrics endpoint") as raised:
        proxy_status(read_metrics(stranger))
    assert raised.value.exit_code == 1


@pytest.mark.parametrize("address", ["9187", "localhost", "127.0.0.1:0", "127.0.0.1:x"])
def test_a_bad_address_is_wrong_use(address: str) -> None:
    """The sentence says what was expected."""
    with pytest.raises(Failure, match="expected HOST:PORT") as raised:
        read_metrics(address)
    assert raised.value.exit_code == 2


def test_an_unwritable_audit_log_is_a_finding() -> None:
    """A proxy that cannot record is not well, whatever else it says."""
    fleet = Fleet("9.9.9")
    fleet.report(0, Snapshot(policy_digest="abc", audit_writable=False))
    assert proxy_status(list(fleet.collect()))["audit_writable"] is False


@pytest.mark.parametrize("reporting", [0, 1])
def test_a_proxy_without_a_worker_is_a_finding(
    reporting: int, stranger: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its metrics answer, and its clients are answered by nobody."""
    registry, fleet = CollectorRegistry(), Fleet("9.9.9")
    for number in range(reporting):
        fleet.report(number, Snapshot(policy_digest="abc"))
    registry.register(fleet)
    monkeypatch.setattr(_Page, "text", generate_latest(registry).decode())

    assert report(metrics=stranger, audit=None, as_json=False) == (0 if reporting else 1)
    assert ("NO WORKER" in capsys.readouterr().out) is (reporting == 0)


def test_a_folder_without_journals_is_wrong_use(tmp_path: Path) -> None:
    """As `audit verify` has it: nothing is not sound."""
    with pytest.raises(Failure, match=f"no journals in {tmp_path}") as raised:
        audit_status(tmp_path)
    assert raised.value.exit_code == 2


def show_proxy(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, login_worked: bool | None = None) -> None:
    """Let the page show what a proxy of one worker reports."""
    registry, fleet = CollectorRegistry(), Fleet("9.9.9", login_worked=login_worked)
    fleet.report(0, snapshot)
    registry.register(fleet)
    monkeypatch.setattr(_Page, "text", generate_latest(registry).decode())


@pytest.mark.parametrize("as_json", [False, True])
def test_a_proxy_is_shown_though_its_audit_folder_is_gone(
    as_json: bool, stranger: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Just then one wants to know how it is; the failure follows, with its exit code."""
    show_proxy(Snapshot(policy_digest="abc"), monkeypatch)
    with pytest.raises(Failure, match="none is not a folder") as raised:
        report(metrics=stranger, audit=tmp_path / "none", as_json=as_json)
    assert raised.value.exit_code == 2
    assert "9.9.9" in capsys.readouterr().out


def test_both_failures_are_told(tmp_path: Path) -> None:
    """One a line; no proxy and no folder."""
    with pytest.raises(Failure) as raised:
        report(metrics="127.0.0.1:1", audit=tmp_path / "none", as_json=False)
    first, second = str(raised.value).splitlines()
    assert "no proxy answers at 127.0.0.1:1" in first
    assert "is not a folder" in second


def test_an_audit_log_is_shown_though_no_proxy_answers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is on record can be looked at when all else is down."""
    fill(tmp_path, 4)
    with pytest.raises(Failure, match="no proxy answers") as raised:
        report(metrics="127.0.0.1:1", audit=tmp_path, as_json=True)
    assert raised.value.exit_code == 1
    assert json.loads(capsys.readouterr().out)["audit"]["sound"] is True


@pytest.mark.parametrize(
    ("failures", "failing", "said"),
    [
        (0, False, None),
        (1, True, "the last one failed; what was in force before still is"),
        (3, False, "3 have failed; the last one succeeded"),
        (1, False, "1 has failed; the last one succeeded"),
    ],
)
def test_a_reload_s_failure_that_is_over_is_told_from_one_that_stands(
    failures: int,
    failing: bool,
    said: str | None,
    stranger: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The count never falls, so it alone does not say how things are."""
    show_proxy(
        Snapshot(policy_digest="abc", policy_reload_failures=failures, reload_failing=failing),
        monkeypatch,
    )
    assert report(metrics=stranger, audit=None, as_json=False) == 0
    shown = [line.split(maxsplit=1)[1].strip() for line in capsys.readouterr().out.splitlines() if "reload" in line]
    assert shown == ([] if said is None else [said])


@pytest.mark.parametrize(
    ("login_worked", "snapshot", "said"),
    [
        (None, Snapshot(), ["none: the proxy has no --control-dsn"]),
        (True, Snapshot(), ["no session yet; the login of --control-dsn works"]),
        (False, Snapshot(), ["no session yet; the login of --control-dsn FAILED at the start"]),
        (True, Snapshot(census_known=("shop",)), ["known of 1 database"]),
        (
            True,
            Snapshot(census_known=("shop", "crm"), census_lost={"bi": 1_767_323_045.6}),
            ["known of 2 databases", "LOST of bi since 2026-01-02 03:04:05+00:00: models are refused what needs it"],
        ),
    ],
)
def test_status_says_whether_the_proxy_knows_its_databases(
    login_worked: bool | None,
    snapshot: Snapshot,
    said: list[str],
    stranger: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A control DSN that stopped working is refusals to models, and here is why, and since when."""
    monkeypatch.setenv("COLUMNS", "200")
    show_proxy(snapshot, monkeypatch, login_worked)
    assert report(metrics=stranger, audit=None, as_json=False) == 0
    lines = capsys.readouterr().out.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith("census"))
    assert [line.removeprefix("census").strip() for line in lines[first : first + len(said)]] == said


def test_a_damaged_journal_is_a_finding(tmp_path: Path) -> None:
    """What `audit verify` finds, status shows."""
    (tmp_path / "proxy-0-000001.jsonl").write_text('{"kind": "decision"}\n')
    (tmp_path / "proxy-0.head").write_text("nonsense")
    known = audit_status(tmp_path)
    assert known["sound"] is False
    assert known["findings"]


def test_a_missing_folder_is_wrong_use(tmp_path: Path) -> None:
    """A folder that was asked for must be there."""
    with pytest.raises(Failure, match="is not a folder"):
        audit_status(tmp_path / "none")
