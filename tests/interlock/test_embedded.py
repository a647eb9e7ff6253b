"""The PostgreSQL of one's own: what it takes, whom it lets in, and that nothing of it stays."""

from __future__ import annotations

import stat
import subprocess
from pathlib import Path

import psycopg
import pytest

from interlock.embedded import PASSWORDS, EmbeddedPostgres
from interlock.failure import Failure


def shown(server: EmbeddedPostgres, statement: str, **login: str) -> object:
    """Fetch the first column of the first row."""
    with psycopg.connect(server.dsn(**login)) as connection:
        row = connection.execute(statement.encode()).fetchone()
    return None if row is None else row[0]


def test_settings_roles_and_files_are_the_callers(tmp_path: Path) -> None:
    """Settings replace the usual ones, roles log in with the password, files lie where the server finds them alone."""
    note = tmp_path / "note.key"
    note.write_text("for the server")
    with EmbeddedPostgres({"work_mem": "9MB"}, roles={"ada": "SUPERUSER", "bob": ""}, files=[note]) as server:
        assert shown(server, "SHOW work_mem") == "9MB"
        superusers = "SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolcanlogin AND rolsuper"
        assert shown(server, superusers, user="bob") == "ada postgres"
        assert shown(server, "SELECT pg_read_file('note.key')", user="ada") == "for the server"
        copy = server.folder / "data" / "note.key"
        assert stat.S_IMODE(copy.stat().st_mode) == 0o600


@pytest.mark.parametrize("host", ["127.0.0.1", "the Unix socket"])
def test_nobody_comes_in_without_a_password_unless_told_so(host: str) -> None:
    """The superuser's password is asked for on every way in, and a line of pg_hba.conf changes that for its login."""
    with EmbeddedPostgres(hba=("host all open 127.0.0.1/32 trust", *PASSWORDS), roles={"open": ""}) as server:
        where = server.host if host == "127.0.0.1" else str(server.folder)
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host=where, port=server.port, user="postgres", password="wrong", dbname="postgres")
        psycopg.connect(
            host=where, port=server.port, user="postgres", password=server.password, dbname="postgres"
        ).close()
        psycopg.connect(host=server.host, port=server.port, user="open", dbname="postgres").close()


def test_a_stopped_server_tells_its_sessions_and_starts_again_with_what_was_committed() -> None:
    """`stop` is an administrator's shutdown, and `start` brings the same data back on the same port."""
    with EmbeddedPostgres() as server:
        with psycopg.connect(server.dsn(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
            server.stop()
            with pytest.raises(psycopg.errors.AdminShutdown):
                connection.execute("SELECT 1")
        server.start()
        assert shown(server, "SELECT answer FROM kept") == 42


def test_nothing_is_left_behind() -> None:
    """After the block the folder is gone and no process speaks of it, also where the block ended in an exception."""
    with pytest.raises(ZeroDivisionError), EmbeddedPostgres() as server:
        raise ZeroDivisionError
    assert not server.folder.exists()
    running = subprocess.run(["ps", "axww", "-o", "args"], capture_output=True, text=True, check=True).stdout
    assert str(server.folder) not in running


def test_a_setting_that_the_server_refuses_is_told_in_its_words() -> None:
    """A server that does not start ends in a sentence with its own reason, and leaves nothing."""
    server = EmbeddedPostgres({"shared_buffers": "a lot"})
    with pytest.raises(Failure, match='invalid value for parameter "shared_buffers"'):
        server.__enter__()
    assert not server.folder.exists()


def test_a_role_that_the_server_refuses_is_told_in_its_words() -> None:
    """What CREATE ROLE makes of its options stands in the failure."""
    server = EmbeddedPostgres(roles={"ada": "CLAIRVOYANT"})
    with pytest.raises(Failure, match='unrecognized role option "clairvoyant"'):
        server.__enter__()
    assert not server.folder.exists()
