"""Censuses of real databases: read, renewed when something is defined, lost and found again."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable, Iterator

import asyncpg
import pytest

from proxy.server import catalog as room
from proxy.server.catalog import Catalog, CatalogUnreadable, check_login, read_census
from proxy.server.catalog_reading import CatalogReader
from proxy.sql import Bounds, Census, Knowledge, Lost, Settings, Unreadable, expand_each, read_statements
from tests.clusters import Cluster
from tests.database.proxy_process import INTERLOCK

WITHIN_S = 30.0


@pytest.fixture(scope="module")
def server() -> Iterator[Cluster]:
    """Run a server with one database that is prepared, and one that is not."""
    with Cluster() as running:
        for name in ("prepared", "plain"):
            running.run(f"CREATE DATABASE {name}", database="postgres")
        subprocess.run([INTERLOCK, "install", "--dsn", running.dsn("prepared")], capture_output=True, check=True)
        yield running


class Heard:
    """What a catalog says, in order, and a way to wait for it."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Knowledge]] = []
        self._changed = asyncio.Event()

    def __call__(self, database: str, census: Knowledge) -> None:
        """Take note."""
        self.told.append((database, census))
        self._changed.set()

    async def until(self, holds: Callable[[Knowledge], bool]) -> Knowledge:
        """Wait until the last thing told is as wanted."""
        async with asyncio.timeout(WITHIN_S):
            while not self.told or not holds(self.told[-1][1]):
                self._changed.clear()
                await self._changed.wait()
        return self.told[-1][1]


def watching(dsn: str, act: Callable[[Catalog, Heard], Awaitable[None]]) -> None:
    """Run `act` with a catalog that is closed at its end."""

    async def run() -> None:
        heard = Heard()
        catalog = Catalog(dsn, heard)
        try:
            await act(catalog, heard)
        finally:
            await catalog.close()

    asyncio.run(run())


def _knows(name: str) -> Callable[[Knowledge], bool]:
    return lambda census: isinstance(census, Census) and bool(census.functions(name, None, None))


def test_a_definition_is_told_by_the_database(server: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notification alone renews the census where the database is prepared; one at rest is not handed on again."""
    monkeypatch.setattr(room, "_LOOK_S", 3_600.0)

    async def act(catalog: Catalog, heard: Heard) -> None:
        await catalog.know("prepared")
        await catalog.know("prepared")
        first = await heard.until(lambda census: isinstance(census, Census))
        connection = await asyncpg.connect(server.dsn("prepared"))
        await connection.execute("CREATE FUNCTION public.fresh() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        await connection.close()
        second = await heard.until(_knows("fresh"))
        assert isinstance(first, Census)
        assert isinstance(second, Census)
        assert (len(heard.told), second.epoch) == (2, first.epoch + 1)

    watching(server.dsn("prepared", "interlock_census"), act)


def test_a_definition_is_found_by_looking(server: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody notifies, the fingerprint shows it; a temporary table changes nothing."""
    monkeypatch.setattr(room, "_LOOK_S", 0.05)

    async def act(catalog: Catalog, heard: Heard) -> None:
        await catalog.know("plain")
        connection = await asyncpg.connect(server.dsn("plain"))
        await connection.execute("CREATE TEMP TABLE passing (a int)")
        await connection.execute("CREATE FUNCTION public.fresh() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        await heard.until(_knows("fresh"))
        await connection.execute("DROP FUNCTION public.fresh")
        await heard.until(lambda census: isinstance(census, Census) and not census.functions("fresh", None, None))
        await connection.close()
        assert [database for database, _ in heard.told] == ["plain"] * 3

    watching(server.dsn("plain", "interlock_census"), act)


def test_a_catalog_that_cannot_be_read_is_lost_until_it_can(server: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """One loss is told once; a cut connection is replaced without a loss."""
    monkeypatch.setattr(room, "_LOOK_S", 0.05)
    cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'interlock census'"

    async def act(catalog: Catalog, heard: Heard) -> None:
        await catalog.know("plain")
        connection = await asyncpg.connect(server.dsn("plain"))
        await connection.execute(cut)
        await connection.execute("CREATE FUNCTION public.renewed() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        await heard.until(_knows("renewed"))
        assert [type(census) for _, census in heard.told] == [Census, Census]
        assert (catalog.known, catalog.lost) == (("plain",), {})
        await connection.execute("ALTER ROLE interlock_census NOLOGIN")
        await connection.execute(cut)
        lost = await heard.until(lambda census: isinstance(census, Lost))
        assert isinstance(lost, Lost)
        assert (catalog.known, list(catalog.lost)) == ((), ["plain"])
        assert "is not permitted to log in" in lost.because
        await connection.execute("ALTER ROLE interlock_census LOGIN")
        await heard.until(_knows("renewed"))
        await connection.execute("DROP FUNCTION public.renewed")
        await connection.close()

    watching(server.dsn("plain", "interlock_census"), act)


def test_a_failure_of_the_proxys_own_is_a_loss_too(server: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """A census that is no longer renewed does not stand, whatever the reason."""

    async def broken(*_: object) -> None:
        raise KeyError("x")

    monkeypatch.setattr(CatalogReader, "read", broken)

    async def act(catalog: Catalog, heard: Heard) -> None:
        await catalog.know("plain")
        assert [type(census) for _, census in heard.told] == [Lost]

    watching(server.dsn("plain", "interlock_census"), act)


def test_a_database_that_does_not_exist_is_not_watched(server: Cluster) -> None:
    """Names come from clients: nothing is kept of them."""

    async def act(catalog: Catalog, heard: Heard) -> None:
        await catalog.know("nowhere")
        assert [census for _, census in heard.told] == [None]
        # Asked again, the server is asked again.
        await catalog.know("nowhere")
        assert len(heard.told) == 2

    watching(server.dsn("plain", "interlock_census"), act)


def test_without_a_control_dsn_nothing_is_read() -> None:
    """Nobody waits for it either."""

    async def run() -> list[tuple[str, Knowledge]]:
        heard = Heard()
        await Catalog(None, heard).know("plain")
        return heard.told

    assert asyncio.run(run()) == []


def test_a_census_read_once_is_the_one_that_a_watch_reads(server: Cluster) -> None:
    """Whoever tries a policy looks at the catalog as the proxy does."""
    server.run("CREATE FUNCTION upper(int) RETURNS int LANGUAGE sql AS 'SELECT 1'", database="plain")
    found = asyncio.run(read_census(server.dsn("postgres"), "plain"))
    reading = read_statements("SELECT upper('x'), lower('x')", Bounds())
    assert not isinstance(reading, Unreadable)
    (expanded,) = expand_each(reading, found, Settings(search_path=("public",)))
    assert [act.target.name for act in expanded.acts if act.target is not None and act.note] == ["upper"]

    async def act(catalog: Catalog, heard: Heard) -> None:
        await catalog.know("plain")
        watched = await heard.until(lambda each: isinstance(each, Census))
        assert expand_each(reading, watched, Settings(search_path=("public",))) == (expanded,)

    watching(server.dsn("postgres"), act)


def test_a_login_that_fails_is_told_from_a_dsn_that_is_none(server: Cluster) -> None:
    """The first may work later; the second never will."""
    asyncio.run(check_login(server.dsn("plain")))
    with pytest.raises(CatalogUnreadable, match="does not exist"):
        asyncio.run(check_login(server.dsn("nowhere")))
    with pytest.raises(CatalogUnreadable, match="does not exist"):
        asyncio.run(read_census(server.dsn("plain"), "nowhere"))
    with pytest.raises(ValueError, match="DSN"):
        asyncio.run(check_login("localhost"))


def test_the_name_of_a_lost_database_can_be_shown_whatever_a_client_sent(server: Cluster) -> None:
    """Reports and metrics are text; a name that is none would keep them all back."""

    async def act(catalog: Catalog, _: Heard) -> None:
        await catalog.know("a\udcff")
        assert list(catalog.lost) == ["a\\udcff"]

    watching(server.dsn("plain"), act)
