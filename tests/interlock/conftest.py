"""PostgreSQL 18 for all tests of the front door, and the system's own where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import asyncpg
import pytest

from interlock.embedded import EmbeddedPostgres
from tests.clusters import programs_with_tls


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A running PostgreSQL."""

    base: str
    """DSN of its superuser, without a database."""

    async def fresh(self, name: str) -> str:
        """Make an empty database; gives its DSN."""
        connection = await asyncpg.connect(f"{self.base}/postgres")
        try:
            await connection.execute(f'CREATE DATABASE "{name}"')
        finally:
            await connection.close()
        return f"{self.base}/{name}"


@pytest.fixture(scope="session", params=["embedded 18", "the system's"])
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """Each PostgreSQL that can be had."""
    bindir = None if request.param == "embedded 18" else programs_with_tls()
    if bindir is None and request.param != "embedded 18":
        pytest.skip("no PostgreSQL below /usr/lib/postgresql")
    with EmbeddedPostgres(bindir=bindir) as running:
        yield Server(base=running.dsn("").rstrip("/"))
