"""A PostgreSQL whose model login is a superuser, behind the shipped policy: only the proxy stands in the way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clusters import Cluster
from tests.database.proxy_process import ProxyProcess
from tests.redteam.stage import staged


@pytest.fixture(scope="package")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder for what proxies and authorities write."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="package")
def stage() -> Iterator[Cluster]:
    """Start the server that the attacks aim at."""
    with staged("demo", "traps") as server:
        yield server


@pytest.fixture(scope="package")
def proxy(scratch: Path, stage: Cluster) -> Iterator[ProxyProcess]:
    """Start a proxy that knows the catalog's function names."""
    folder = scratch / "with_control"
    folder.mkdir()
    process = ProxyProcess(folder, stage.port, drain_timeout_s=0.0, control_dsn=stage.dsn("demo"))
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
