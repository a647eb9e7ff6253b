from __future__ import annotations

import pytest

from proxy.server.address import Address, TcpAddress, UnixAddress, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("db.example:5432", TcpAddress(host="db.example", port=5432)),
        ("127.0.0.1:0", TcpAddress(host="127.0.0.1", port=0)),
        ("[::1]:6432", TcpAddress(host="::1", port=6432)),
        ("*:6432", TcpAddress(host=None, port=6432)),
        ("/run/postgresql:5432", UnixAddress(folder="/run/postgresql", port=5432)),
    ],
)
def test_address_reads_and_prints_alike(text: str, address: Address) -> None:
    """Each written form is read, and printed as it was written."""
    assert address == parse_address(text)
    assert text == str(address)


@pytest.mark.parametrize("folder", ["/run/postgresql", "/run/postgresql/"])
def test_unix_address_names_the_socket_as_postgresql_does(folder: str) -> None:
    """The file is .s.PGSQL.PORT in the folder."""
    assert UnixAddress(folder=folder, port=5433).path == "/run/postgresql/.s.PGSQL.5433"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "host:99999",
        "host",
        "host:",
        ":5432",
        "host:65536",
        "host:-1",
        "host:5432x",
        "host:٥",
        "::1:5432",
        "[host]:1",
        "a b:1",
    ],
)
def test_what_is_no_address_is_refused_in_words(text: str) -> None:
    """Each mistake names the text and what was expected of it."""
    with pytest.raises(ValueError, match=r"expected|has no IPv6 address"):
        parse_address(text)
