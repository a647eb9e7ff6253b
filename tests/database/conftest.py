"""One PostgreSQL and one proxy for all the tests of this folder."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from tests.database import proxy_process
from tests.database.cluster import Cluster, dsn
from tests.database.proxy_process import INTERLOCK, ProxyProcess, Setting
from tests.database.script import hello, perform, say
from tests.database.tap import Tap
from tests.database.wire import query

HERE = Path(__file__).parent
RESET = (HERE / "reset.sql").read_text()


def demo_database(server: Cluster) -> None:
    """Give a fresh cluster the roles, tables and schema `interlock` of the tests."""
    server.run("CREATE DATABASE demo", database="postgres")
    server.run((HERE / "schema.sql").read_text())
    server.run(RESET)
    command: list[str | Path] = [INTERLOCK, "install", "--dsn", server.url("owner")]
    installed = subprocess.run(command, capture_output=True, text=True)
    if installed.returncode:
        raise RuntimeError(installed.stderr)


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """Make a folder that PostgreSQL's own system user may enter, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="interlock-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def new_cluster(scratch: Path) -> Iterator[Callable[..., Cluster]]:
    """Start another PostgreSQL, with settings of its own, that ends with the tests."""
    started: list[Cluster] = []

    def start(
        name: str, home: Path | None = None, *, keys: tuple[Path, ...] = (), hba: str = "", **settings: str
    ) -> Cluster:
        folder = scratch / name
        folder.mkdir(mode=0o755)
        server = Cluster(folder, settings, home)
        server.admit(hba)
        for key in keys:
            server.own(key)
        started.append(server)
        server.start()
        demo_database(server)
        return server

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def cluster(new_cluster: Callable[..., Cluster]) -> Cluster:
    """Start the PostgreSQL of all tests that leave it as they found it."""
    return new_cluster("main")


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
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def reset(_resetting: psycopg.Connection) -> Callable[[], None]:
    """Put the demo rows and sequences back; done once before the test."""

    def again() -> None:
        _resetting.execute(RESET)

    again()
    return again
