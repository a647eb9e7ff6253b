"""A PostgreSQL whose model login is a superuser, behind the shipped policy: only the proxy stands in the way."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.database.cluster import Cluster
from tests.database.proxy_process import INTERLOCK, ProxyProcess

HERE = Path(__file__).parent


@pytest.fixture(scope="package")
def scratch() -> Iterator[Path]:
    """Make a folder that PostgreSQL's own system user may enter, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="interlock-redteam-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="package")
def stage(scratch: Path) -> Iterator[Cluster]:
    """Start the server that the attacks aim at."""
    server = Cluster(scratch, {"wal_level": "logical"})
    server.start()
    try:
        server.run("CREATE DATABASE demo", database="postgres")
        server.run("CREATE ROLE model_x SUPERUSER LOGIN", database="postgres")
        command: list[str | Path] = [INTERLOCK, "install", "--dsn", server.url("postgres")]
        subprocess.run(command, capture_output=True, check=True)
        server.run((HERE / "stage.sql").read_text())
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="package")
def proxy(scratch: Path, stage: Cluster) -> Iterator[ProxyProcess]:
    """Start a proxy that knows the catalog's function names."""
    folder = scratch / "with_control"
    folder.mkdir()
    process = ProxyProcess(folder, stage.port, drain_timeout_s=0.0, control_dsn=stage.url("postgres"))
    yield process
    process.stop()


@pytest.fixture(scope="package")
def blind_proxy(scratch: Path, stage: Cluster) -> Iterator[ProxyProcess]:
    """Start a proxy that knows nothing of the catalog."""
    folder = scratch / "without_control"
    folder.mkdir()
    process = ProxyProcess(folder, stage.port, drain_timeout_s=0.0)
    yield process
    process.stop()
