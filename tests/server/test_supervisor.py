"""The parent process over real workers: it replaces those that die, and ends when told or when none can serve."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.embedded import free_port
from interlock.status import read_metrics
from proxy.server.config import ServerConfig
from proxy.server.supervisor import ConfigurationError, _listen, restart_pause_s, serve
from tests.clusters import Cluster
from tests.database.patience import until
from tests.database.proxy_process import POLICIES, ProxyProcess, Setting
from tests.database.script import Speaker, hello, say
from tests.database.wire import Message, query, startup
from tests.server.certificates import issue

Start = Callable[..., ProxyProcess]
HELLO = hello("postgres", database="postgres")


@pytest.fixture
def start(tmp_path: Path, postgres: Cluster) -> Iterator[Start]:
    """Start a proxy with settings of its own; it is stopped, or has ended, when the test does."""
    started: list[ProxyProcess] = []

    def begin(policies: Path = POLICIES, **settings: Setting) -> ProxyProcess:
        folder = tmp_path / f"proxy{len(started)}"
        folder.mkdir()
        started.append(ProxyProcess(folder, postgres.port, policies=policies, **{"drain_timeout_s": 30.0, **settings}))
        return started[-1]

    yield begin
    for process in started:
        process.stop()


def logged(proxy: ProxyProcess, event: str) -> list[dict[str, Any]]:
    """Give the proxy's own log lines of one event."""
    lines = [json.loads(line) for line in proxy.log().splitlines(keepends=True) if line.endswith("\n")]
    return [line for line in lines if line["event"] == event]


def ready(proxy: ProxyProcess, count: int) -> list[int]:
    """Wait until so many workers have ever become ready; give their process ids, in that order."""
    until(lambda: len(logged(proxy, "worker_ready")) >= count, f"{count} workers became ready")
    return [int(line["pid"]) for line in logged(proxy, "worker_ready")]


def carrier(person: Speaker, workers: list[int]) -> int:
    """Find the worker that holds the accepted end of a client's connection, as the kernel sees it."""
    ours = person.socket.getsockname()[1]
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    theirs = next(f"socket:[{line[9]}]" for line in lines if line[2].endswith(f":{ours:04X}"))
    return next(
        pid for pid in workers if theirs in {str(each.readlink()) for each in Path(f"/proc/{pid}/fd").iterdir()}
    )


def answered(person: Speaker) -> list[str]:
    """Ask something; give the codes of what is answered."""
    return [message.code for message in person.do(say(query("SELECT 1")))]


def is_listening(port: int) -> bool:
    """Tell whether a connection is accepted."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def sqlstates(messages: list[Message]) -> list[str]:
    """Show messages: the SQLSTATE of errors, the code of others."""
    return [message.fields()["C"] if message.code == "E" else message.code for message in messages]


# Workers that die


def test_a_worker_that_dies_is_replaced_and_the_others_connections_live(start: Start) -> None:
    """Killed, it takes its own connections along; the rest goes on, and log and metrics say what happened."""
    metrics = f"127.0.0.1:{free_port()}"
    proxy = start(workers=2, metrics=metrics)
    workers = ready(proxy, 2)
    with Speaker(proxy.port) as person:
        person.do(HELLO)
        spared = carrier(person, workers)
        (victim,) = set(workers) - {spared}
        os.kill(victim, signal.SIGKILL)
        replacement = ready(proxy, 3)[-1]
        assert answered(person) == ["T", "D", "C", "Z"]
    assert set(proxy.pids()[1:]) == {spared, replacement}
    (death,) = logged(proxy, "worker_died")
    assert (death["level"], death["pid"], death["code"]) == ("error", victim, -signal.SIGKILL)
    samples = {sample.name: sample.value for metric in read_metrics(metrics) for sample in metric.samples}
    assert samples["interlock_worker_restarts_total"] == 1


def test_connections_of_a_worker_that_died_are_closed_and_new_ones_served(start: Start) -> None:
    """What waited for an answer meets the end of the stream; the listening socket outlives every worker."""
    proxy = start()
    (only,) = ready(proxy, 1)
    with Speaker(proxy.port) as person:
        person.do(HELLO)
        os.kill(only, signal.SIGKILL)
        assert [message.code for message in person.read("$")] == ["$"]
    with Speaker(proxy.port) as early:
        early.do(HELLO)
        assert answered(early) == ["T", "D", "C", "Z"]


def test_pauses_between_starts_grow_while_deaths_follow_each_other() -> None:
    """Never none, never less than before, and never so long that a mended cause goes unnoticed."""
    pauses = [restart_pause_s(deaths) for deaths in range(1, 20)]
    assert pauses[:3] == [0.5, 1.0, 2.0]
    assert pauses == sorted(pauses)
    assert pauses[-1] == 30.0


def test_deaths_that_follow_each_other_are_counted(start: Start) -> None:
    """A worker that is killed again at its start is waited with longer each time, and comes up when that ends."""
    proxy = start()
    for number in (1, 2):
        os.kill(ready(proxy, number)[-1], signal.SIGKILL)
    survivor = ready(proxy, 3)[-1]
    assert proxy.pids()[1:] == [survivor]
    assert [line["restarts_in_s"] for line in logged(proxy, "worker_died")] == [0.5, 1.0]


def test_a_worker_that_cannot_start_in_the_first_place_ends_the_proxy(start: Start, tmp_path: Path) -> None:
    """Its journal cannot go on where it ended: the worker says so, and the proxy ends with status 1."""
    audit = tmp_path / "audit"
    (audit / "proxy-0-00000001.jsonl").mkdir(parents=True)
    proxy = start(audit=str(audit))
    assert proxy.wait() == 1
    assert len(logged(proxy, "worker_cannot_start")) == 1


def test_an_audit_folder_of_another_proxy_is_told_before_anything_begins(start: Start) -> None:
    """In one sentence, with what to do; the other proxy goes on, and nobody listens for the second."""
    first = start(workers=2)
    ready(first, 2)
    settings = ServerConfig(listen=f"127.0.0.1:{free_port()}", policies=POLICIES, audit=first.audit, workers=2)
    with pytest.raises(ConfigurationError, match=r"^--audit: journal 'proxy-0' in .* is written by .*: another proxy"):
        serve(settings)
    with Speaker(first.port) as person:
        assert person.do(HELLO)[-1].code == "Z"


def test_a_replacement_that_cannot_start_leaves_the_other_workers_alone(start: Start, tmp_path: Path) -> None:
    """The policy has become unreadable: who serves under the last good one goes on, and the replacement follows."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICIES.read_text())
    proxy = start(policies=policy, workers=2)
    workers = ready(proxy, 2)
    with Speaker(proxy.port) as person:
        person.do(HELLO)
        (victim,) = set(workers) - {carrier(person, workers)}
        policy.write_text("version: 1\nrulez: []\n")
        os.kill(victim, signal.SIGKILL)
        until(lambda: len(logged(proxy, "worker_cannot_start")) > 0, "the replacement has failed")
        assert answered(person) == ["T", "D", "C", "Z"]
        policy.write_text(POLICIES.read_text())
        ready(proxy, 3)
        assert answered(person) == ["T", "D", "C", "Z"]


def test_a_proxy_none_of_whose_workers_can_start_ends(start: Start, tmp_path: Path) -> None:
    """Its only worker cannot be replaced: it stops listening and ends with status 1."""
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICIES.read_text())
    proxy = start(policies=policy)
    (only,) = ready(proxy, 1)
    policy.write_text("version: 1\nrulez: []\n")
    os.kill(only, signal.SIGKILL)
    assert proxy.wait() == 1
    assert not is_listening(proxy.port)


def test_workers_end_when_their_parent_is_gone(start: Start) -> None:
    """Killed without a word, the supervisor leaves no orphans."""
    proxy = start(workers=2)
    parent, *workers = proxy.pids()
    ready(proxy, 2)
    os.kill(parent, signal.SIGKILL)
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "the workers have ended")


# Signals


def test_a_stop_signal_drains(start: Start) -> None:
    """SIGTERM: nobody new comes in, the idle are told, who is in a transaction may finish it, and the status is 0."""
    proxy = start(workers=2)
    ready(proxy, 2)
    with Speaker(proxy.port) as idle, Speaker(proxy.port) as busy:
        idle.do(HELLO)
        busy.do(HELLO)
        busy.do(say(query("BEGIN")))
        os.kill(proxy.pids()[0], signal.SIGTERM)
        assert sqlstates(idle.read("$")) == ["57P01", "$"]
        until(lambda: not is_listening(proxy.port), "nobody listens any more")
        assert answered(busy) == ["T", "D", "C", "Z"]
        assert sqlstates(busy.do(say(query("COMMIT"), until="$"))) == ["C", "Z", "57P01", "$"]
    assert proxy.wait() == 0


@pytest.mark.parametrize("drains", [True, False], ids=["a second SIGTERM", "SIGINT"])
def test_a_stop_that_does_not_wait_ends_transactions(drains: bool, start: Start) -> None:
    """Who is in a transaction is told at once, though the drain would have let him finish."""
    proxy = start()
    ready(proxy, 1)
    with Speaker(proxy.port) as busy:
        busy.do(HELLO)
        busy.do(say(query("BEGIN")))
        if drains:
            os.kill(proxy.pids()[0], signal.SIGTERM)
            until(lambda: len(logged(proxy, "draining")) == 1, "the worker drains")
        os.kill(proxy.pids()[0], signal.SIGTERM if drains else signal.SIGINT)
        assert sqlstates(busy.read("$")) == ["57P01", "$"]
    assert proxy.wait() == 0


def test_a_reload_reaches_every_worker(start: Start, tmp_path: Path) -> None:
    """SIGHUP is passed on: each worker has looked at the certificate, which is broken now, and kept the last one."""
    certificates = issue(tmp_path)
    proxy = start(workers=2, tls_cert=str(certificates.cert), tls_key=str(certificates.key))
    ready(proxy, 2)
    certificates.key.write_bytes(b"no key")
    os.kill(proxy.pids()[0], signal.SIGHUP)
    until(lambda: len(logged(proxy, "certificates_kept")) == 2, "both workers have tried the broken key")


def test_a_reload_that_comes_before_a_worker_can_hear_it_waits(start: Start) -> None:
    """SIGHUP at the very start ends nobody; it is heard when the worker is ready."""
    proxy = start()
    until(lambda: len(proxy.pids()) == 2, "the worker's process is there")
    os.kill(proxy.pids()[1], signal.SIGHUP)
    ready(proxy, 1)
    assert logged(proxy, "worker_died") == []


def test_a_stop_is_heard_between_a_death_and_a_start(start: Start) -> None:
    """While no worker runs the supervisor ends at once, with status 0."""
    proxy = start()
    os.kill(ready(proxy, 1)[0], signal.SIGKILL)
    until(lambda: len(logged(proxy, "worker_died")) > 0, "the worker has died")
    os.kill(proxy.pids()[0], signal.SIGTERM)
    assert proxy.wait() == 0
    assert len(logged(proxy, "worker_ready")) == 1


# Where it listens


def test_a_unix_socket_is_served_and_removed(tmp_path: Path, postgres: Cluster) -> None:
    """A dead server's socket is taken over, a living one's is not, and a stopped proxy leaves none."""
    place = tmp_path / ".s.PGSQL.6432"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))
    folder = tmp_path / "proxy"
    folder.mkdir()
    proxy = ProxyProcess(folder, postgres.port, listen=f"{tmp_path}:6432", drain_timeout_s=0.0)
    try:
        ready(proxy, 1)
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(place))
            client.sendall(startup("postgres", database="postgres"))
            assert client.recv(1) == b"R"
        with pytest.raises(ConfigurationError, match="in use"):
            serve(ServerConfig(listen=f"{tmp_path}:6432", policies=POLICIES, audit=tmp_path / "audit"))
        assert stat.S_ISSOCK(place.stat().st_mode)
    finally:
        proxy.stop()
    assert not place.exists()


def test_every_interface_is_every_interface_that_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """`*` on a kernel that lacks an address family serves the others; an address of that family is a mistake."""
    unknown = (socket.AddressFamily.AF_IPX, socket.SOCK_STREAM, 0, "", ("::", 0, 0, 0))
    known = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("0.0.0.0", 0))  # noqa: S104 - what `*` resolves to
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: [unknown, known])
    (listening,) = _listen("*:0")
    listening.close()
    with pytest.raises(OSError, match="not supported"):
        _listen("[::]:0")


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "no policies": ({"policies": Path("/nowhere")}, "^--policies: /nowhere"),
    "no certificate": ({"tls_cert": Path("/nowhere/cert"), "tls_key": Path("/nowhere/key")}, "/nowhere"),
    "no certificate authority": ({"upstream_sslrootcert": Path("/nowhere/ca")}, "/nowhere/ca"),
    "no port of the server": ({"upstream": "localhost"}, "^--upstream: .*expected HOST:PORT"),
    "no port to listen on": ({"listen": "localhost"}, "^--listen: .*expected HOST:PORT"),
    "metrics on a Unix socket": ({"metrics": "/run:9187"}, "^--metrics: expected HOST:PORT"),
    "a file for the audit log": ({"audit": Path(__file__)}, "^--audit: .*File exists"),
    "a port out of range": ({"listen": "127.0.0.1:99999"}, "^--listen: .* out of range"),
    "no DSN": ({"control_dsn": "host=db password hunter2"}, "^--control-dsn: not a DSN; expected [^2]*$"),
    "an address of somebody else": ({"listen": "192.0.2.1:6432"}, "192.0.2.1"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_before_anything_begins(mistake: str, tmp_path: Path) -> None:
    """The sentence names what is wrong; nothing listens and no worker has been started."""
    settings, words = MISTAKES[mistake]
    usual: dict[str, Any] = {"listen": f"127.0.0.1:{free_port()}", "policies": POLICIES, "audit": tmp_path / "audit"}
    with pytest.raises(ConfigurationError, match=words):
        serve(ServerConfig(**(usual | settings)))


def test_mistakes_of_all_settings_are_told_at_once(tmp_path: Path) -> None:
    """One a line, each with its flag, so that mending takes one round."""
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nrulez: []\n")
    settings = ServerConfig(
        policies=policy,
        tls_cert=Path("/nowhere/cert"),
        upstream="localhost",
        metrics="/run:9187",
        control_dsn="garbage",
        audit=Path(__file__),
        listen="127.0.0.1:99999",
    )
    with pytest.raises(ConfigurationError) as raised:
        serve(settings)
    begun = [f"{policy}:2:1", "The certificate", "--upstream", "--metrics", "--control-dsn", "--audit", "--listen"]
    said = str(raised.value).splitlines()
    assert [line[: len(begin)] for line, begin in zip(said, begun, strict=True)] == begun


def test_a_control_dsn_whose_login_fails_is_told_at_the_start(start: Start) -> None:
    """Before a session finds out; the proxy serves, since the login may work later. Its password is not told."""
    proxy = start(control_dsn=f"postgresql://nobody:hunter2@127.0.0.1:{free_port()}/postgres")
    assert [line["level"] for line in logged(proxy, "control_dsn_login_failed")] == ["warning"]
    assert "hunter2" not in proxy.log()
    proxy.stop()
    fine = start()
    ready(fine, 1)
    assert logged(fine, "control_dsn_login_failed") == []


def test_a_port_in_use_is_told(tmp_path: Path) -> None:
    """Somebody else's port is not shared."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        listen = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(ConfigurationError, match=f"{listen}: Address already in use"):
            serve(ServerConfig(listen=listen, policies=POLICIES, audit=tmp_path / "audit"))


def test_a_metrics_port_in_use_is_told(tmp_path: Path) -> None:
    """As the port for clients: nobody would see that there are no metrics."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        metrics = f"127.0.0.1:{other.getsockname()[1]}"
        settings: dict[str, Any] = {
            "listen": f"127.0.0.1:{free_port()}",
            "metrics": metrics,
            "audit": tmp_path / "audit",
        }
        with pytest.raises(ConfigurationError, match=f"^--metrics: {metrics}: "):
            serve(ServerConfig(policies=POLICIES, **settings))


def test_the_audit_folder_it_makes_is_its_owner_s_alone(start: Start) -> None:
    """Statements are nobody else's to read."""
    proxy = start(workers=1)
    ready(proxy, 1)
    assert stat.S_IMODE(proxy.audit.stat().st_mode) == 0o700
