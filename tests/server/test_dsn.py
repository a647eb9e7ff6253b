"""DSNs in libpq's two forms."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from proxy.server.dsn import uri_of


@pytest.mark.parametrize(
    "dsn",
    [
        "host=db dbname=shop",
        "  host = /run/pg\tport= 6432 ",
        r"password='it\'s & \\' user=a",
        r"password=a\ b=c%20 user=\u00e9",
        "password='' user=a",
        "user=a password= dbname=b",
        "user=a user=b",
        r"user=\'a\' dbname='a b'",
    ],
)
def test_keywords_are_read_as_libpq_reads_them(dsn: str) -> None:
    """Quotes, backslashes and spaces; libpq itself says what is meant."""
    expected = {key: value for key, value in conninfo_to_dict(dsn).items() if value}
    assert expected == dict(parse_qsl(urlsplit(uri_of(dsn)).query))


@pytest.mark.parametrize("dsn", ["host=db hunter2", "password='hunter2", "user='a'b", "password='it''s'", "hunter2"])
def test_what_is_no_dsn_is_refused_as_libpq_refuses_it(dsn: str) -> None:
    """It is not repeated, since it may hold a password."""
    with pytest.raises(psycopg.ProgrammingError):
        conninfo_to_dict(dsn)
    with pytest.raises(ValueError, match=r"^not a DSN; expected postgresql://\S+, or host=HOST [^2]*$"):
        uri_of(dsn)


@pytest.mark.parametrize("dsn", ["", "  ", "mysql://db/shop"])
def test_what_names_no_server_is_no_dsn(dsn: str) -> None:
    """Nothing is guessed from the environment."""
    with pytest.raises(ValueError, match=r"^not a DSN"):
        uri_of(dsn)


@pytest.mark.parametrize("dsn", ["postgresql://a:b@db/shop?sslmode=require", "postgres:///shop"])
def test_a_uri_is_passed_on_as_it_is(dsn: str) -> None:
    """It is asyncpg's own form."""
    assert dsn == uri_of(dsn)
