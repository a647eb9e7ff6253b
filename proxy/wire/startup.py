"""Read the packets that come before the session, as backend_startup.c and postgres.c read them.

Pure. A packet is a length, a code and a body, without a type byte. What the server would refuse is a ProtocolViolation
with the server's words and SQLSTATE; what it would read in two ways is read here in the one way it reads it: of a
repeated parameter the last one stands, names are cut at 63 bytes, `options` is split by backslashes and white space
and read by getopt. Text is decoded as UTF-8 with surrogate escapes, so no byte is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proxy.wire.codes import (
    CANCEL_REQUEST_CODE,
    LATEST_PROTOCOL_MINOR,
    MAX_CANCEL_KEY_LENGTH,
    MAX_STARTUP_PACKET_LENGTH,
    NEGOTIATE_GSS_CODE,
    NEGOTIATE_SSL_CODE,
    PROTOCOL_MAJOR,
    ProtocolViolation,
    SqlState,
)

HEADER_BYTES: Final = 8
"""Length word and code: enough to know what a packet is and where it ends."""
_NAME_BYTES: Final = 63
"""NAMEDATALEN - 1."""
_SWITCHES_WITH_VALUE: Final = frozenset("BCcDdfhkNprStvW-")
"""Of postgres.c, process_postgres_switches: "B:bC:c:D:d:EeFf:h:ijk:lN:nOPp:r:S:sTt:v:W:-:"."""
_WHITE_SPACE: Final = " \t\n\v\f\r"
"""isspace() of the C locale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SSLRequest:
    """The client asks for TLS; answered by one byte, `S` or `N`."""

    def encode(self) -> bytes:
        """Give the whole packet."""
        return _packet(NEGOTIATE_SSL_CODE, b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class GSSENCRequest:
    """The client asks for GSSAPI encryption; answered by one byte, `G` or `N`."""

    def encode(self) -> bytes:
        """Give the whole packet."""
        return _packet(NEGOTIATE_GSS_CODE, b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelRequest:
    """The client asks to cancel what another connection's server process is doing."""

    process_id: int
    secret_key: bytes
    """4 bytes in protocol 3.0, 1 to 256 in 3.2."""

    def encode(self) -> bytes:
        """Give the whole packet, which is also the one that was read."""
        return _packet(CANCEL_REQUEST_CODE, self.process_id.to_bytes(4, "big") + self.secret_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartupMessage:
    """The client asks for a session."""

    major: int
    minor: int
    pairs: tuple[tuple[bytes, bytes], ...]
    """Every parameter in the order of the packet, repetitions included."""
    original: bytes
    """The packet as it came."""

    @property
    def parameters(self) -> dict[bytes, bytes]:
        """Parameters by name; of a repeated one the last value, as the server keeps it."""
        return dict(self.pairs)

    @property
    def user(self) -> bytes:
        """The role, cut as the server cuts it; never empty."""
        return self.parameters[b"user"][:_NAME_BYTES]

    @property
    def database(self) -> bytes:
        """The database, cut as the server cuts it; the user's name where none is given."""
        return (self.parameters.get(b"database") or self.parameters[b"user"])[:_NAME_BYTES]

    @property
    def replication(self) -> bool:
        """True where the server would speak the replication protocol, or would not understand the wish."""
        wish = self.parameters.get(b"replication")
        return wish is not None and not _says_no(wish)

    @property
    def protocol_options(self) -> tuple[bytes, ...]:
        """Names of the `_pq_.` parameters."""
        return tuple(name for name, _ in self.pairs if name.startswith(b"_pq_."))

    def settings(self) -> list[tuple[str, str]]:
        """Give what the packet sets for the session, in the order in which the server applies it: the last one stands.

        `-c name=value` and `--name=value` of `options` give (name, value), and so does each parameter that is a
        setting. Names are lower case. Other switches give (`-x`, value or empty), a long one without a value
        (`--name`, empty), a stray word (empty, word): the server refuses the last two, but not all of the first.
        """
        found = switches(_text(self.parameters.get(b"options", b"")))
        for name, value in self.pairs:
            if name not in (b"user", b"database", b"options", b"replication") and not name.startswith(b"_pq_."):
                found.append((_folded(_text(name)), _text(value)))
        return found


StartupPacket = SSLRequest | GSSENCRequest | CancelRequest | StartupMessage


def packet_length(header: bytes) -> int:
    """Give the bytes of a whole packet, its length word included, from at least its first 4 bytes.

    Raises ProtocolViolation for a length that PostgreSQL refuses.
    """
    length = int.from_bytes(header[:4], "big", signed=True)
    if not HEADER_BYTES <= length <= MAX_STARTUP_PACKET_LENGTH + 4:
        raise ProtocolViolation("invalid length of startup packet")
    return length


def packet_code(header: bytes) -> int:
    """Give the request code or protocol version from a packet's first 8 bytes."""
    return int.from_bytes(header[4:8], "big")


def check_version(code: int) -> None:
    """Raise the server's own FATAL 0A000 unless the code is a protocol version 3.x."""
    if code >> 16 != PROTOCOL_MAJOR:
        raise ProtocolViolation(
            f"unsupported frontend protocol {code >> 16}.{code & 0xFFFF}: "
            f"server supports {PROTOCOL_MAJOR}.0 to {PROTOCOL_MAJOR}.{LATEST_PROTOCOL_MINOR}",
            SqlState.FEATURE_NOT_SUPPORTED,
        )


def read_startup(data: bytes) -> StartupPacket | None:
    """Read the packet that `data` begins with; None where more bytes are needed.

    Its length is `packet_length(data)`; what lies behind it is not looked at. Raises ProtocolViolation.
    """
    if len(data) < 4:
        return None
    length = packet_length(data)
    if len(data) < length:
        return None
    code = packet_code(data)
    body = data[HEADER_BYTES:length]
    match code:
        case _ if code in (NEGOTIATE_SSL_CODE, NEGOTIATE_GSS_CODE):
            # The server would skip what a request carries; nothing honest carries anything, so it is not guessed at.
            if body:
                raise ProtocolViolation("invalid length of startup packet")
            return SSLRequest() if code == NEGOTIATE_SSL_CODE else GSSENCRequest()
        case _ if code == CANCEL_REQUEST_CODE:
            return _cancel_request(body)
        case _:
            check_version(code)
            pairs = _pairs(body)
            if not dict(pairs).get(b"user"):
                raise ProtocolViolation(
                    "no PostgreSQL user name specified in startup packet", SqlState.INVALID_AUTHORIZATION_SPECIFICATION
                )
            return StartupMessage(major=code >> 16, minor=code & 0xFFFF, pairs=pairs, original=bytes(data[:length]))


def startup_packet(pairs: list[tuple[bytes, bytes]], *, minor: int = 0) -> bytes:
    """Give the whole startup packet of protocol 3.`minor` with these parameters. Raises ValueError on NUL or length."""
    if any(0 in name or 0 in value or not name for name, value in pairs):
        raise ValueError("a parameter has a name, and no NUL")
    body = b"".join(name + b"\0" + value + b"\0" for name, value in pairs) + b"\0"
    if len(body) + 4 > MAX_STARTUP_PACKET_LENGTH:
        raise ValueError("startup packet too long")
    return _packet(PROTOCOL_MAJOR << 16 | minor, body)


def switches(options: str) -> list[tuple[str, str]]:
    """Read a server's command line as glibc's permuting getopt does; StartupMessage.settings says what comes out."""
    words = split_options(options)
    found: list[tuple[str, str]] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            # getopt stops here: what follows are arguments, and the server refuses those.
            found += [("", rest) for rest in words[at:]]
            break
        if not word.startswith("-") or word == "-":
            found.append(("", word))
            continue
        cluster = word[1:]
        while cluster:
            switch, cluster = cluster[0], cluster[1:]
            value = ""
            if switch in _SWITCHES_WITH_VALUE:
                if cluster:
                    value, cluster = cluster, ""
                elif at < len(words):
                    value = words[at]
                    at += 1
            found.append(_setting(switch, value))
    return found


def split_options(options: str) -> list[str]:
    """Split `options` into words as pg_split_opts does: at white space; a backslash keeps the next character."""
    words: list[str] = []
    word: list[str] | None = None
    escaped = False
    for character in options:
        if character in _WHITE_SPACE and not escaped:
            if word is not None:
                words.append("".join(word))
            word = None
            continue
        word = [] if word is None else word
        if character == "\\" and not escaped:
            escaped = True
        else:
            escaped = False
            word.append(character)
    if word is not None:
        words.append("".join(word))
    return words


def _setting(switch: str, value: str) -> tuple[str, str]:
    if switch not in "c-":
        return f"-{switch}", value
    name, equals, setting = value.partition("=")
    if not equals:
        return (f"--{value}" if switch == "-" else "-c"), ("" if switch == "-" else value)
    # ParseLongOption: a dash in a name stands for an underscore.
    return _folded(name.replace("-", "_")), setting


def _pairs(body: bytes) -> tuple[tuple[bytes, bytes], ...]:
    pairs: list[tuple[bytes, bytes]] = []
    at = 0
    while True:
        name_end = body.find(0, at)
        if name_end < 0:
            break
        if name_end == at:
            if at == len(body) - 1:
                return tuple(pairs)
            break
        value_end = body.find(0, name_end + 1)
        if value_end < 0:
            break
        pairs.append((body[at:name_end], body[name_end + 1 : value_end]))
        at = value_end + 1
    raise ProtocolViolation("invalid startup packet layout: expected terminator as last byte")


def _cancel_request(body: bytes) -> CancelRequest:
    if len(body) < 4:
        raise ProtocolViolation("invalid length of cancel request packet")
    key = body[4:]
    if not 1 <= len(key) <= MAX_CANCEL_KEY_LENGTH:
        raise ProtocolViolation("invalid length of cancel key in cancel request packet")
    return CancelRequest(process_id=int.from_bytes(body[:4], "big"), secret_key=key)


def _says_no(value: bytes) -> bool:
    """Tell whether parse_bool reads `false`: any prefix of false and no, any of off from two letters, and 0."""
    word = value.lower()
    return (
        word == b"0" or (len(word) >= 2 and b"off".startswith(word)) or _prefix(word, b"false") or _prefix(word, b"no")
    )


def _prefix(word: bytes, whole: bytes) -> bool:
    return bool(word) and whole.startswith(word)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "surrogateescape")


def _folded(name: str) -> str:
    # guc_name_compare folds ASCII letters only.
    return name.encode("utf-8", "surrogateescape").lower().decode("utf-8", "surrogateescape")


def _packet(code: int, body: bytes) -> bytes:
    return (len(body) + HEADER_BYTES).to_bytes(4, "big") + code.to_bytes(4, "big") + body
