"""What an audit record says: versioned, with field names that stay. Pure: time, chance and every value are handed in.

A record is one JSON object on one line. The journal adds `seq` and `chain` at its end (see `audit.chain`); nothing else
is ever added or reordered. What is written for every statement is joined by `audit.body` from parts serialised once.

The frozen classes below are the schema. `docs/audit-record.schema.json` is generated from them (`audit.schema`).
Additions of optional fields keep `v`; a field's removal or change of meaning makes a new `v`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, ClassVar, Literal, TypeAlias

import orjson

Fragment: TypeAlias = bytes
"""The inner fields of a JSON object, without its braces; never empty."""

_SCHEMA: dict[str, Any] = {
    "extra": "forbid",
    "use_attribute_docstrings": True,
    "json_schema_serialization_defaults_required": True,
}


class Via(StrEnum):
    """How the statement reached the proxy."""

    QUERY = "query"
    PARSE = "parse"
    EXECUTE = "execute"
    FUNCTION_CALL = "function_call"
    STARTUP = "startup"


class OutcomeState(StrEnum):
    """What became of a decided statement."""

    COMPLETED = "completed"
    FAILED = "failed"
    """The server answered with an error of its own."""
    REFUSED = "refused"
    """The refusal reached the client, in the statement's place."""
    SUSPENDED = "suspended"
    """A portal stopped at Execute's row limit; more may follow."""
    SKIPPED = "skipped"
    """Discarded by the server, unread, on its way to the next Sync."""
    CANCELLED = "cancelled"
    """Ended by a cancel request or a timeout (57014)."""
    UNRECORDED = "unrecorded"
    """Permitted, but not forwarded, because its record could not be written."""
    LOST = "lost"
    """The connection ended before the answer; the server may have run it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Who speaks."""

    __pydantic_config__: ClassVar = _SCHEMA
    id: str
    """Sortable unique id of the connection."""
    proxy: str
    """Host and worker of the proxy process, as `host/0`; the journal's name for the host's other writers."""
    pid: int | None = None
    """Process id of the server's backend, once it is known."""
    client: str | None = None
    """Client's address and port; null for a Unix socket."""
    user: str | None = None
    database: str | None = None
    application_name: str | None = None
    account: str | None = None
    """Account as the policy names it; null before the login is judged."""
    account_kind: str | None = None
    """`model`, `service` or `person`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What was said."""

    __pydantic_config__: ClassVar = _SCHEMA
    fingerprint: str
    """Equal for statements that differ in literals only; empty where the text could not be read."""
    text: str
    """Normalized text, literals replaced by `$n` unless the policy keeps them."""
    tag: str
    """Command tag as PostgreSQL prints it, without counts; empty where unknown."""
    via: Via


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEffect:
    """One thing that the statement would do."""

    __pydantic_config__: ClassVar = _SCHEMA
    effect: str
    target: str | None = None
    """`schema.name`, or `name` alone where no schema is known; null where the effect falls on no object."""
    target_kind: str | None = None
    """`relation`, `function`, `setting` ..."""
    candidates: tuple[str, ...] = ()
    """Where `target` was written without its schema: those it may stand for, in the order of the session's path; empty
    where it has one, or the path was not known."""
    modifiers: tuple[str, ...] = ()
    """Sorted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grounds:
    """The part of a decision that may be cached and serialised once."""

    __pydantic_config__: ClassVar = _SCHEMA
    statement: Statement
    verdict: Literal["permit", "forbid", "undecidable"]
    refused: bool
    """True where the statement did not reach the server. `undecidable` is refused to enforced accounts only."""
    rule: str
    """Id of the rule that decided; `default`, `reading`, `audit` ... where the house itself did."""
    because: str
    effects: tuple[RecordedEffect, ...] = ()
    disagreement: str | None = None
    """What the two readings of the statement did not agree on."""
    policy: str
    """Digest of the policy that decided."""
    census: int | None = None
    """Epoch of the catalog's picture; null where there is none."""
    observed: tuple[str, ...] = ()
    """Ids of rules in `mode: observe` that would have refused."""
    sqlstate: str | None = None
    """SQLSTATE that the client is sent with the refusal; null where nothing is refused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a decided statement."""

    __pydantic_config__: ClassVar = _SCHEMA
    state: OutcomeState
    rows: int | None = None
    """Row count of the command tag; null where the tag has none."""
    sqlstate: str | None = None
    duration_us: int
    """Microseconds from the statement's arrival at the proxy to the end of its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionRecord(Grounds):
    """A statement was judged. Written before it has any effect."""

    v: Literal[1] = 1
    kind: Literal["decision"] = "decision"
    id: str
    """Sortable unique id, 26 characters of Crockford's base 32; the refusal's DETAIL names it."""
    at: str
    """When it was decided: RFC 3339, UTC, microseconds, as `2026-02-03T04:05:06.000007Z`."""
    session: Session
    outcome: Outcome | None = None
    """Of a permitted read that ended soon; null: an outcome record follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomeRecord(Outcome):
    """The outcome of a statement whose decision had been written before."""

    v: Literal[1] = 1
    kind: Literal["outcome"] = "outcome"
    decision: str
    """Id of the decision record."""
    at: str
    """When the answer ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """A connection was opened, logged in or closed."""

    __pydantic_config__: ClassVar = _SCHEMA
    v: Literal[1] = 1
    kind: Literal["session"] = "session"
    event: Literal["opened", "login", "closed"]
    at: str
    session: Session
    reason: str | None = None
    """Why it closed, or why the login failed; null where there is nothing to say."""
    sqlstate: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFile:
    """One file of a policy."""

    __pydantic_config__: ClassVar = _SCHEMA
    name: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord:
    """A policy took effect, or a broken one was turned down and the last good one kept."""

    __pydantic_config__: ClassVar = _SCHEMA
    v: Literal[1] = 1
    kind: Literal["policy"] = "policy"
    event: Literal["loaded", "kept"]
    at: str
    proxy: str
    digest: str
    """Digest of the policy in force after this record."""
    files: tuple[PolicyFile, ...] = ()
    """The files read: those in force, or those turned down."""
    problems: tuple[str, ...] = ()
    """What was wrong with the files turned down, each with file and line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyRecord:
    """A writer of this journal, the proxy or the scorer, started or stopped."""

    __pydantic_config__: ClassVar = _SCHEMA
    v: Literal[1] = 1
    kind: Literal["proxy"] = "proxy"
    event: Literal["started", "stopped"]
    at: str
    proxy: str
    pid: int
    version: str
    listen: str | None = None
    upstream: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Torn:
    """Bytes after a file's last whole record, left by a crash or a failed write."""

    __pydantic_config__: ClassVar = _SCHEMA
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Vouched:
    """What the head file vouched for, where the files did not hold it any more."""

    __pydantic_config__: ClassVar = _SCHEMA
    file: str
    seq: int
    chain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Previous:
    """The file that a file continues."""

    __pydantic_config__: ClassVar = _SCHEMA
    file: str
    seq: int
    """`seq` of the chain's last record before this file."""
    chain: str
    """`chain` of that record."""
    torn: Torn | None = None
    vouched: Vouched | None = None
    """Not null: records that had been vouched for were gone when the journal was opened again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecord:
    """The journal speaks of itself. The first record of every file is `opened` or `continued`."""

    __pydantic_config__: ClassVar = _SCHEMA
    v: Literal[1] = 1
    kind: Literal["journal"] = "journal"
    event: Literal["opened", "continued", "recovered", "closed"]
    at: str
    journal: str
    """Name of the journal: one writer, one chain."""
    file: str
    previous: Previous | None = None
    """`continued`: the file before."""
    reason: str | None = None
    """`continued`: `restart`, `rotation`, `recovery` or `clock` (it was set back); `recovered`: what had gone wrong."""
    since: str | None = None
    """`recovered`: when writing failed first."""
    lost: int | None = None
    """`recovered`: records that were given up in the meantime. They are nowhere."""
    late: int | None = None
    """`recovered`: records before this one that were written late; whoever waited for them
    had been told that they were not written."""


Record: TypeAlias = DecisionRecord | OutcomeRecord | SessionRecord | PolicyRecord | ProxyRecord | JournalRecord


def encode(record: Session | Grounds | Record) -> bytes:
    r"""Write a record as a JSON object on one line, without line end.

    A text that is not valid Unicode (a lone surrogate, as a startup packet may carry) is written with the offending
    character spelled out as `\udcff`: a record must never fail for what a client sent.
    """
    try:
        return orjson.dumps(record)
    except TypeError:
        return orjson.dumps(spelled_out(asdict(record)))


def spelled_out(value: Any) -> Any:
    """Give a value whose texts are valid Unicode, offending characters spelled out."""
    match value:
        case str():
            return value.encode("utf-8", "backslashreplace").decode()
        case dict():
            return {key: spelled_out(inner) for key, inner in value.items()}
        case list() | tuple():
            return [spelled_out(inner) for inner in value]
        case _:
            return value
