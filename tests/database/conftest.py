"""One PostgreSQL and one proxy for all the tests of this folder."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests.clusters import Cluster, dsn
from tests.database import proxy_process
from tests.database.proxy_process import INTERLOCK, ProxyProcess, Setting
from tests.database.script import hello, perform, say
from tests.database.tap import Tap
from tests.database.wire import query

HERE = Path(__file__).parent
SETTINGS = {
    "autovacuum": "off",  # relfrozenxid and relpages move under pg_dump otherwise
    "max_prepared_transactions": "5",
}
# The authentication method is chosen by the login: one cluster shows them all.
HBA = (
    "local all all                              trust",
    "host  all person_md5        127.0.0.1/32   md5",
    "host  all person_password   127.0.0.1/32   password",
    "host  all person_ada,service_billing,model_scram 127.0.0.1/32 scram-sha-256",
    "host  all all               127.0.0.1/32   trust",
)
RESET = (HERE / "reset.sql").read_text()


def demo_database(server: Cluster) -> None:
    """Give a fresh cluster the roles, tables and schema `interlock` of the tests."""
    server.run("CREATE DATABASE demo", database="postgres")
    server.run((HERE / "schema.sql").read_text())
    server.run(RESET)
    command: list[str | Path] = [INTERLOCK, "install", "--dsn", server.dsn("demo", "owner")]
    installed = subprocess.run(command, capture_output=True, text=True)
    if installed.returncode:
        raise RuntimeError(installed.stderr)


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder for what proxies and authorities write."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="session")
def new_cluster() -> Iterator[Callable[..., Cluster]]:
    """Start another PostgreSQL, with settings of its own and `hba` before the usual lines; it ends with the tests."""
    with ExitStack() as closing:

        def start(
            *, bindir: Path | None = None, files: tuple[Path, ...] = (), hba: tuple[str, ...] = (), **settings: str
        ) -> Cluster:
            server = closing.enter_context(Cluster(SETTINGS | settings, hba=(*hba, *HBA), files=files, bindir=bindir))
            demo_database(server)
            return server

        yield start


@pytest.fixture(scope="session")
def cluster(new_cluster: Callable[..., Cluster]) -> Cluster:
    """Start the PostgreSQL of all tests that leave it as they found it."""
    return new_cluster()


@pytest.fixture(scope="session")
def new_proxy(scratch: Path) -> Iterator[Callable[..., ProxyProcess]]:
    """Start a proxy with settings of its own; every test that needs the real proxy needs this."""
    if not proxy_process.POLICIES.exists():
        pytest.skip("this checkout has no policies/default.yaml yet")
    started: list[ProxyProcess] = []

    def start(upstream: int, policies: Path = proxy_process.POLICIES, **settings: Setting) -> ProxyProcess:
        folder = scratch / f"proxy{len(started)}"
        folder.mkdir()
        started.append(ProxyProcess(folder, upstream, policies=policies, **{"drain_timeout_s": 0.0, **settings}))
        return started[-1]

    yield start
    for process in started:
        process.stop()


@pytest.fixture(scope="session")
def proxy(new_proxy: Callable[..., ProxyProcess], cluster: Cluster) -> ProxyProcess:
    """Start the proxy before the cluster, and let it judge once: what it loads once and keeps is then there."""
    front = new_proxy(cluster.port)
    perform(front.port, (hello(), say(query("SELECT 1"))))
    perform(front.port, (hello("model_janitor"), say(query("DELETE FROM users"))))
    return front


@pytest.fixture(scope="session")
def upstream_tap(cluster: Cluster) -> Iterator[Tap]:
    """Write down everything the tapped proxy says to the server."""
    with Tap(cluster.port) as tap:
        yield tap


@pytest.fixture(scope="session")
def tapped_proxy(new_proxy: Callable[..., ProxyProcess], upstream_tap: Tap) -> ProxyProcess:
    """Start a proxy whose way to the server is recorded."""
    return new_proxy(upstream_tap.port, upstream_sslmode="disable")


@pytest.fixture
def direct(cluster: Cluster) -> str:
    """Give a person's DSN of the server itself."""
    return dsn(cluster.port, user="person_ada", dbname="demo")


@pytest.fixture
def through(proxy: ProxyProcess) -> str:
    """Give the same person's DSN of the proxy."""
    return dsn(proxy.port, user="person_ada", dbname="demo")


@pytest.fixture(scope="session")
def _resetting(cluster: Cluster) -> Iterator[psycopg.Connection]:
    with psycopg.connect(cluster.dsn("demo"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def reset(_resetting: psycopg.Connection) -> Callable[[], None]:
    """Put the demo rows and sequences back; done once before the test."""

    def again() -> None:
        _resetting.execute(RESET)

    again()
    return again
