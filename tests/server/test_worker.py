"""One worker as the supervisor starts it: a process that is handed its task, reports, records, reloads and drains."""

from __future__ import annotations

import contextlib
import json
import os
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import psycopg
import pytest

from audit import verify
from proxy.server.config import ServerConfig
from proxy.server.metrics import Snapshot
from proxy.server.task import Task
from tests.clusters import Cluster
from tests.database.patience import until
from tests.database.proxy_process import POLICIES
from tests.database.script import Speaker, hello, say
from tests.database.wire import SSL_REQUEST, query, request
from tests.server.certificates import Certificates, issue

ENDS_WITHIN_S = 20.0
HELLO = hello("postgres", database="postgres")
MODEL = hello("model_x", database="postgres")
NOBODY_READS = "version: 1\naccounts:\n- {name: all, kind: person, match: {user: '*'}}\nrules:\n"
NOBODY_READS += "- {id: no-reads, for: {kind: person}, forbid: {effects: [select]}, because: It is closed.}\n"


class WorkerProcess:
    """A worker, and what a supervisor would hold of it."""

    def __init__(self, folder: Path, upstream: int, *, stdout: int | None = None, **settings: Any) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listening.getsockname()[1])
        self.audit = folder / "audit"
        self._out, self._err = folder / "stdout", folder / "stderr"
        usual: dict[str, Any] = {"upstream": f"127.0.0.1:{upstream}", "policies": POLICIES, "audit": self.audit}
        task = Task(
            config=ServerConfig(**(usual | settings)),
            number=3,
            sockets=[self._listening.fileno()],
            version="9.9.9",
        )
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "proxy.server.worker"],
                stdin=subprocess.PIPE,
                stdout=out if stdout is None else stdout,
                stderr=err,
                pass_fds=[self._listening.fileno()],
            )
        stdin: IO[bytes] = self.process.stdin  # type: ignore[assignment]
        stdin.write(task.model_dump_json().encode())
        stdin.close()
        until(lambda: len(self.logged("worker_ready")) == 1 or self.process.poll() is not None, "the worker is ready")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """Give its log lines of one event."""
        return [line for line in _lines(self._err) if line["event"] == event]

    def log(self) -> str:
        """Give all that it has logged."""
        return self._err.read_text()

    def reports(self) -> list[Snapshot]:
        """Give what it has reported so far."""
        return [Snapshot.model_validate(line) for line in _lines(self._out)]

    def records(self, kind: str) -> list[dict[str, Any]]:
        """Give the records of one kind that it has handed to the kernel, oldest first."""
        files = sorted(self.audit.rglob("*.jsonl"))
        return [line for file in files for line in _lines(file) if line.get("kind") == kind]

    def tell(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Stop it, unless it has ended; gives its exit status."""
        self.tell(number)
        self._listening.close()
        try:
            return self.process.wait(ENDS_WITHIN_S)
        finally:
            self.process.kill()
            self.process.wait()


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]


Start = Callable[..., WorkerProcess]


@pytest.fixture
def start(tmp_path: Path, postgres: Cluster) -> Iterator[Start]:
    """Start a worker with settings of its own; it is stopped when the test is over."""
    started: list[WorkerProcess] = []

    def begin(**settings: Any) -> WorkerProcess:
        started.append(WorkerProcess(tmp_path, postgres.port, **settings))
        return started[-1]

    yield begin
    for worker in started:
        worker.end(signal.SIGINT)


def codes(person: Speaker, statement: str) -> list[str]:
    """Ask; give the SQLSTATE of errors and the codes of the rest."""
    answers = person.do(say(query(statement)))
    return [message.fields()["C"] if message.code == "E" else message.code for message in answers]


# What it reports and records


def test_its_life_is_on_record_in_order(start: Start) -> None:
    """The policy in force, the start, sessions and the stop stand in a journal of its own that verifies."""
    worker = start()
    with Speaker(worker.port) as person:
        person.do(HELLO)
    until(lambda: len(worker.records("session")) == 3, "the session's end is on record")
    assert worker.end() == 0

    assert [(record["event"], record["proxy"].rpartition("/")[2]) for record in worker.records("policy")] == [
        ("loaded", "3")
    ]
    assert [(record["event"], record["version"]) for record in worker.records("proxy")] == [
        ("started", "9.9.9"),
        ("stopped", "9.9.9"),
    ]
    assert [record["event"] for record in worker.records("session")] == ["opened", "login", "closed"]
    assert not verify(worker.audit).findings


def test_it_reports_its_counts_again_and_again(start: Start) -> None:
    """Each report is whole, and the last one, written as it ends, misses nothing."""
    worker = start()
    with Speaker(worker.port) as person:
        person.do(HELLO)
        codes(person, "SELECT 1")
        until(lambda: any(report.connections for report in worker.reports()), "a report counts the connection")
    assert worker.end() == 0
    last = worker.reports()[-1]
    assert (last.connections, last.connections_total, sum(last.statements.values())) == (0, {"opened": 1}, 1)


def test_a_refusal_is_on_record_before_it_is_told(start: Start) -> None:
    """Whoever has read the error finds its record in the file."""
    worker = start()
    with Speaker(worker.port) as model:
        model.do(MODEL)
        assert codes(model, "DROP TABLE users") == ["42501", "Z"]
        assert [record["verdict"] for record in worker.records("decision")] == ["forbid"]


def test_a_read_is_on_record_though_nothing_follows_it(start: Start) -> None:
    """Its record waits for its end, and for nobody's next message."""
    worker = start()
    with Speaker(worker.port) as person:
        person.do(HELLO)
        assert codes(person, "SELECT 1") == ["T", "D", "C", "Z"]
        until(lambda: len(worker.records("decision")) == 1, "the read is on record")
        assert worker.records("decision")[0]["outcome"]["state"] == "completed"


def test_a_read_that_runs_on_is_on_record_meanwhile(start: Start, postgres: Cluster) -> None:
    """Nothing is answered and nothing said, and yet it can be seen what is being read; its outcome follows."""
    worker = start()
    with psycopg.connect(postgres.dsn()) as holder, Speaker(worker.port) as person:
        person.do(HELLO)
        holder.execute("SELECT pg_advisory_lock(7)")
        person.do(say(query("SELECT * FROM pg_advisory_lock_shared(7)"), until=""))
        until(lambda: len(worker.records("decision")) == 1, "the read is on record")
        assert worker.records("decision")[0].get("outcome") is None
        holder.execute("SELECT pg_advisory_unlock(7)")
        person.read("Z")
        until(lambda: len(worker.records("outcome")) == 1, "its outcome is on record")


def test_a_dsn_s_password_is_not_logged(start: Start) -> None:
    """What cannot be reached is named without it."""
    worker = start(control_dsn="postgresql://census:hunter2@127.0.0.1:1/postgres")
    with Speaker(worker.port) as model:
        model.do(MODEL)
        assert codes(model, "SELECT max(1)") == ["42501", "Z"]
    assert worker.end() == 0
    assert "census" in worker.log()
    assert "hunter2" not in worker.log()


# Reloading


def test_a_policy_that_changes_on_the_disk_is_in_force_and_on_record(start: Start, tmp_path: Path) -> None:
    """Sessions that are open are judged by the new one; a record says since when."""
    policy = tmp_path / "policy.yaml"
    shutil.copy(POLICIES, policy)
    worker = start(policies=policy)
    with Speaker(worker.port) as person:
        person.do(HELLO)
        assert codes(person, "SELECT 1") == ["T", "D", "C", "Z"]
        policy.write_text(NOBODY_READS)
        until(lambda: len(worker.records("policy")) == 2, "the new policy is on record")
        loaded = worker.records("policy")
        assert [record["event"] for record in loaded] == ["loaded", "loaded"]
        assert loaded[0]["digest"] != loaded[1]["digest"]
        assert codes(person, "SELECT 1") == ["42501", "Z"]


@pytest.mark.parametrize("broken", ["version: 1\nrulez: []\n", None], ids=["broken", "deleted"])
def test_a_broken_policy_leaves_the_last_good_one_in_force(broken: str | None, start: Start, tmp_path: Path) -> None:
    """What is wrong with it stands in the record, in the log and in the counts."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(NOBODY_READS)
    worker = start(policies=policy)
    with Speaker(worker.port) as person:
        person.do(HELLO)
        if broken is None:
            policy.unlink()
        else:
            policy.write_text(broken)
        until(lambda: len(worker.records("policy")) == 2, "the broken policy is on record")
        loaded, kept = worker.records("policy")
        assert (kept["event"], kept["digest"]) == ("kept", loaded["digest"])
        assert "rulez" in str(kept["problems"]) or "No such file" in str(kept["problems"])
        assert codes(person, "SELECT 1") == ["42501", "Z"]
    assert worker.end() == 0
    assert worker.reports()[-1].policy_reload_failures == len(worker.logged("policy_kept")) > 0


def test_a_reload_says_so_whatever_it_found(start: Start, tmp_path: Path) -> None:
    """SIGHUP is answered also where nothing changed, and the word after a failure is that it is over."""
    policy = tmp_path / "policies" / "policy.yaml"
    policy.parent.mkdir()
    policy.write_text(NOBODY_READS)
    worker = start(policies=policy.parent)
    worker.tell(signal.SIGHUP)
    until(lambda: len(worker.logged("policy_unchanged")) > 0, "nothing had changed")
    policy.parent.rename(tmp_path / "aside")
    worker.tell(signal.SIGHUP)
    until(lambda: len(worker.logged("policy_kept")) > 0, "the folder is gone")
    until(lambda: worker.reports()[-1].reload_failing, "the report says so")
    (tmp_path / "aside").rename(policy.parent)
    worker.tell(signal.SIGHUP)
    until(lambda: len(worker.logged("policy_unchanged")) > 1, "the folder is back, as it was")
    until(lambda: not worker.reports()[-1].reload_failing, "the report says so")


def test_what_a_worker_logs_bears_its_number(start: Start, tmp_path: Path) -> None:
    """Every worker says the same of a policy; changes on the disk are told by it, not by what watches the disk."""
    policy = tmp_path / "policy.yaml"
    shutil.copy(POLICIES, policy)
    worker = start(policies=policy)
    policy.write_text(NOBODY_READS)
    until(lambda: len(worker.logged("policy_loaded")) == 1, "the new policy is loaded")
    worker.tell(signal.SIGHUP)
    until(lambda: len(worker.logged("policy_unchanged")) > 0, "nothing had changed")
    lines = [json.loads(line) for line in worker.log().splitlines()]
    assert {(line.get("logger"), line.get("worker")) for line in lines} == {(None, 3)}


def presented(worker: WorkerProcess, authority: Path) -> ssl.SSLObject | None:
    """Ask for TLS and verify; None where the certificate does not."""
    context = ssl.create_default_context(cafile=authority)
    with Speaker(worker.port) as person:
        person.do(say(request(SSL_REQUEST), until="."))
        try:
            with context.wrap_socket(person.socket, server_hostname="localhost") as tls:
                return tls._sslobj  # type: ignore[attr-defined, no-any-return]
        except ssl.SSLCertVerificationError:
            return None


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Issue certificates."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    return issue(folder)


def test_certificates_are_read_anew_on_sighup(start: Start, certificates: Certificates) -> None:
    """A renewed certificate is presented to the next client; a broken one leaves the last good one."""
    cert, key = certificates.cert.read_bytes(), certificates.key.read_bytes()
    certificates.cert.write_bytes(certificates.misnamed_cert.read_bytes())
    certificates.key.write_bytes(certificates.misnamed_key.read_bytes())
    worker = start(tls_cert=certificates.cert, tls_key=certificates.key)
    assert presented(worker, certificates.ca) is None
    certificates.cert.write_bytes(cert)
    certificates.key.write_bytes(key)
    worker.tell(signal.SIGHUP)
    until(lambda: presented(worker, certificates.ca) is not None, "the renewed certificate is presented")
    certificates.key.write_bytes(b"no key")
    worker.tell(signal.SIGHUP)
    until(lambda: len(worker.logged("certificates_kept")) == 1, "the broken key has been tried")
    assert presented(worker, certificates.ca) is not None


# Its end


@pytest.mark.parametrize("policy", ["version: 1\nrulez: []\n", None], ids=["broken", "missing"])
def test_a_worker_that_cannot_start_says_why(policy: str | None, start: Start, tmp_path: Path) -> None:
    """One line of the log, exit status 1, and no report: the supervisor knows by that that it never served."""
    path = tmp_path / "policy.yaml"
    if policy is not None:
        path.write_text(policy)
    worker = start(policies=path)
    assert worker.process.wait(ENDS_WITHIN_S) == 1
    (said,) = worker.logged("worker_cannot_start")
    assert str(path) in said["because"]
    assert worker.reports() == []


def test_a_worker_without_a_parent_lets_transactions_finish(start: Start) -> None:
    """Nobody reads its reports any more: it drains, as if it had been told to stop once."""
    reading, writing = os.pipe()
    try:
        worker = start(stdout=writing)
    finally:
        os.close(writing)
    with Speaker(worker.port) as busy:
        busy.do(HELLO)
        busy.do(say(query("BEGIN")))
        os.close(reading)
        until(lambda: len(worker.logged("draining")) == 1, "the worker drains")
        # Longer than the pause between two reports: the second one that nobody reads must not cut it short.
        assert codes(busy, "SELECT pg_sleep(1.5)") == ["T", "D", "C", "Z"]
        assert [message.code for message in busy.do(say(query("COMMIT"), until="$"))] == ["C", "Z", "E", "$"]
    assert worker.process.wait(ENDS_WITHIN_S) == 0


def test_a_drain_ends_when_its_time_is_up(start: Start) -> None:
    """A transaction that outlasts drain_timeout_s is told, and so is a client that never said hello."""
    worker = start(drain_timeout_s=0.2)
    with Speaker(worker.port) as busy, Speaker(worker.port) as silent:
        busy.do(HELLO)
        busy.do(say(query("BEGIN")))
        worker.tell(signal.SIGTERM)
        told, end = busy.read("$")
        assert (told.fields()["C"], end.code) == ("57P01", "$")
        assert [message.code for message in silent.read("$")] == ["$"]
    assert worker.process.wait(ENDS_WITHIN_S) == 0
    assert [record["reason"] for record in worker.records("session")][-1] == "proxy stopped"


def test_running_out_of_file_descriptors_is_a_pause(start: Start) -> None:
    """Who comes then waits in the backlog, and is served when somebody has gone."""
    worker = start()
    pid = worker.process.pid
    with contextlib.ExitStack() as fillers, Speaker(worker.port) as first:
        first.do(HELLO)
        highest = max(int(entry.name) for entry in Path(f"/proc/{pid}/fd").iterdir())
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (highest + 1, hard))
        for _ in range(highest + 2):
            fillers.enter_context(socket.create_connection(("127.0.0.1", worker.port)))
        until(lambda: len(worker.logged("accept_failed")) > 0, "there is no file descriptor left")
        assert codes(first, "SELECT 1") == ["T", "D", "C", "Z"]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    with Speaker(worker.port) as late:
        assert late.do(HELLO)[-1].code == "Z"
