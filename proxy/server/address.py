"""Where to listen and where to dial, as an operator writes it: HOST:PORT, [IPV6]:PORT, *:PORT, /FOLDER:PORT."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class TcpAddress:
    """A TCP port of a host."""

    host: str | None
    """Name or IP address without brackets; None: every interface (`*`)."""
    port: int
    """0: one that the system chooses; for listening only."""

    def __str__(self) -> str:
        host = "*" if self.host is None else self.host
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UnixAddress:
    """A Unix socket, named as PostgreSQL names its own."""

    folder: str
    port: int

    @property
    def path(self) -> str:
        """The socket's file."""
        return f"{self.folder.rstrip('/')}/.s.PGSQL.{self.port}"

    def __str__(self) -> str:
        return f"{self.folder}:{self.port}"


Address = TcpAddress | UnixAddress


def parse_address(text: str) -> Address:
    """Read an address. Raises ValueError with a clause that says what was expected."""
    host, colon, digits = text.rpartition(":")
    if colon and digits.isascii() and digits.isdigit() and (len(digits) > 5 or int(digits) > 65_535):
        raise ValueError(f"{text!r} has a port out of range: expected one up to 65535")
    if not colon or not (digits.isascii() and digits.isdigit()):
        raise ValueError(f"{text!r} does not end in a port: expected HOST:PORT, [IPV6]:PORT, *:PORT or /FOLDER:PORT")
    port = int(digits)
    if host.startswith("/"):
        return UnixAddress(folder=host, port=port)
    if host == "*":
        return TcpAddress(host=None, port=port)
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
        if ":" not in host:
            raise ValueError(f"{text!r} has no IPv6 address in its brackets")
        return TcpAddress(host=host, port=port)
    if not host or not set(host).isdisjoint(":[]/ \t"):
        raise ValueError(f"{text!r} names no host: expected HOST:PORT, an IPv6 address in brackets")
    return TcpAddress(host=host, port=port)
