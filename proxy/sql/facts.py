"""What a parser's reading says of a statement: the vocabulary that the whole proxy decides in.

Frozen values without behaviour. Nothing here knows a parser, a catalog or a policy; the witnesses build these values,
`expand` widens them by the catalog, and the policy judges them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

TO_DEFAULT: Final = "\0default"
"""Value of an act that sets a setting back to what it was when the session began; no constant of SQL is equal."""


class Effect(StrEnum):
    """What a statement would do to the database: a closed set. Every statement of the grammar maps to one or more."""

    # Rows
    SELECT = "select"
    INSERT = "insert"
    UPDATE = "update"
    DELETE = "delete"
    MERGE = "merge"
    TRUNCATE = "truncate"
    COPY_IN = "copy_in"
    """COPY ... FROM STDIN: rows into a relation. The client sends them."""
    COPY_OUT = "copy_out"
    """COPY ... TO STDOUT: rows to the client."""
    COPY_FILE = "copy_file"
    """COPY from or to a file of the server."""
    COPY_PROGRAM = "copy_program"
    """COPY from or to a program that the server runs."""
    LARGE_OBJECT = "large_object"
    # Definitions
    CREATE = "create"
    ALTER = "alter"
    DROP = "drop"
    COMMENT = "comment"
    SECURITY_LABEL = "security_label"
    GRANT = "grant"
    """GRANT, REVOKE, ALTER DEFAULT PRIVILEGES, and REASSIGN OWNED."""
    IMPORT = "import"
    """IMPORT FOREIGN SCHEMA."""
    # Code
    EXECUTE_FUNCTION = "execute_function"
    """Code runs that is not known to be harmless: a function, an operator, a cast, an aggregate."""
    CALL = "call"
    DO = "do"
    LOAD = "load"
    """LOAD: a shared library into the server."""
    # Session and transaction
    SET = "set"
    """SET, RESET, and functions that change a setting of the session."""
    SHOW = "show"
    ROLE_CHANGE = "role_change"
    """SET ROLE, SET SESSION AUTHORIZATION and their RESET."""
    SYSTEM_SETTING = "system_setting"
    """ALTER SYSTEM."""
    DISCARD = "discard"
    TRANSACTION = "transaction"
    TWO_PHASE = "two_phase"
    """PREPARE TRANSACTION, COMMIT PREPARED, ROLLBACK PREPARED."""
    CURSOR = "cursor"
    PREPARE = "prepare"
    """PREPARE, EXECUTE, DEALLOCATE of a named statement. What PREPARE prepares has effects of its own beside it."""
    LOCK = "lock"
    LISTEN = "listen"
    """LISTEN and UNLISTEN."""
    NOTIFY = "notify"
    EXPLAIN = "explain"
    """EXPLAIN; with ANALYZE the explained statement's own effects stand beside this one."""
    # The server
    MAINTAIN = "maintain"
    """VACUUM, ANALYZE, CLUSTER, REINDEX, REFRESH MATERIALIZED VIEW."""
    CHECKPOINT = "checkpoint"
    REPLICATE = "replicate"
    """Publications, subscriptions, and the replication protocol."""


class Modifier(StrEnum):
    """What makes an effect reach further or act otherwise than its plain form."""

    CASCADE = "cascade"
    RESTART_IDENTITY = "restart_identity"
    UNBOUNDED = "unbounded"
    """UPDATE or DELETE whose WHERE is missing or always true."""
    ON_CONFLICT_UPDATE = "on_conflict_update"
    LOCKING = "locking"
    """FOR UPDATE, FOR NO KEY UPDATE, FOR SHARE, FOR KEY SHARE."""
    CONCURRENTLY = "concurrently"
    ANALYZE = "analyze"
    """EXPLAIN ANALYZE: the statement runs."""
    WITH_HOLD = "with_hold"
    TEMPORARY = "temporary"
    LOCAL = "local"
    """SET LOCAL: until the transaction ends."""


class TargetKind(StrEnum):
    """The kind of object that an effect falls on."""

    RELATION = "relation"
    """Table, view, materialized view, foreign table, sequence, index."""
    FUNCTION = "function"
    """Function, procedure or aggregate."""
    OPERATOR = "operator"
    TYPE = "type"
    SCHEMA = "schema"
    DATABASE = "database"
    ROLE = "role"
    SETTING = "setting"
    """A configuration parameter, lower case, as `search_path` or `myapp.tenant`."""
    CHANNEL = "channel"
    PREPARED = "prepared"
    CURSOR = "cursor"
    FILE = "file"
    PROGRAM = "program"
    LANGUAGE = "language"
    OTHER = "other"
    """Anything else that DDL names: extension, trigger, policy, publication, server ..."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The object that an effect falls on. Names are as the catalog holds them: folded, unquoted, 63 bytes at most."""

    kind: TargetKind
    schema: str | None = None
    """None: not written, to be resolved under the session's search_path; or a kind of object that has no schema."""
    name: str = ""
    """Empty where the statement names no object (DROP OWNED, VACUUM of everything)."""
    candidates: tuple[str, ...] = ()
    """Schemas an unwritten schema may resolve to, in order; filled by `expand`. Empty: unknown, any."""
    kin: tuple[Target, ...] = field(default=(), compare=False)
    """Relations that share rows with this one, partitions and inheritance; filled by `expand`. A forbid on one of them
    is a forbid on this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One effect on one target."""

    effect: Effect
    target: Target | None = None
    modifiers: frozenset[Modifier] = frozenset()
    value: str | None = None
    """SET's value where it is one plain constant or name, TO_DEFAULT for RESET, else None. Only for effect `set`."""
    note: str | None = None
    """Why `expand` took this to be an act, in words for people: one clause, lower case, no full stop."""
    implied: bool = False
    """The database's own definition of a view makes it part of another act: a forbid bites, no permit is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Code that the statement runs by name: function, aggregate, operator or type (an explicit cast)."""

    kind: TargetKind
    """FUNCTION, OPERATOR or TYPE."""
    schema: str | None
    """None: unqualified. The grammar's own forms (EXTRACT, COALESCE, CURRENT_DATE, LIKE ...) say `pg_catalog`."""
    name: str
    arguments: int | None = None
    """How many arguments are passed; None where it cannot be told (VARIADIC). `count(*)` passes 0."""
    constants: tuple[str | None, ...] = ()
    """Text of each argument that is a plain string constant, None for others; only where `schema.name` is one whose
    constants decide (set_config, current_setting). Setting it makes the facts literal-bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything a reading says of one statement."""

    tag: str
    """Command tag as PostgreSQL prints it, without counts: `SELECT`, `DROP TABLE`, `COPY`."""
    acts: tuple[Act, ...] = ()
    """In the order of the text, without repetition. Includes what CTEs, EXPLAIN ANALYZE, PREPARE and DECLARE carry."""
    calls: tuple[Call, ...] = ()
    """What runs by name; `expand` turns each that is not known harmless into an act."""
    columns: frozenset[str] = frozenset()
    """Last parts of qualified column references (`u.email` gives `email`): each may be a function call in attribute
    notation if a function of that name exists."""
    fields: frozenset[str] = frozenset()
    """Names taken of an expression in brackets (`(x).name`) or of a function in FROM (`FROM f() x`, `x.name`): each may
    be a function call, whatever type `x` has."""
    forms: frozenset[str] = frozenset()
    """Forms of the grammar (`json_value`, ...) that a server older than the form takes for calls of functions."""
    assigned: frozenset[str] = frozenset()
    """Columns that UPDATE, ON CONFLICT DO UPDATE and MERGE assign."""
    planned: tuple[Act, ...] = ()
    """What EXPLAIN plans and does not do. Planning runs functions that are labelled stable or immutable."""
    literal_bound: bool = False
    """A constant's value decided something above, so only the exact text may be the key of a cached decision."""
    disagreement: str | None = None
    """What the two witnesses do not agree on, in words; None where they agree or one has no reading."""
    unestablished: str | None = None
    """Why it could not be established what the statement sets off, one clause; filled by `expand`."""
    unknown: Target | None = None
    """A relation whose rows the statement touches and that the census does not know; filled by `expand`."""
    witnesses: tuple[str, ...] = ("libpg_query",)
    """Whose readings stand behind these facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """No reading could be established: malformed, beyond a bound, or in a form that is not understood."""

    because: str
    """One clause in words, lower case, no full stop; the grammar's own may quote a constant."""
    place: str = ""
    """Where the grammar stumbled, as `at character 8`; quotes nothing that may be a constant or a secret."""
    syntax_error: bool = False
    """PostgreSQL's own grammar refuses the text, so the server will too, without doing anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Limits that hold before any recursive code sees a statement."""

    statement_bytes: int = 1_048_576
    """Size of the text in UTF-8 bytes."""
    nesting_depth: int = 500
    """Depth of brackets and of the parse tree that is walked."""
    statements: int = 1_000
    """Statements in one text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What of a session's state changes how a statement is read, as the server reported it."""

    search_path: tuple[str, ...] | None = None
    """Schemas in order, `$user` already replaced; None where the server does not report it."""
    moved: bool = False
    """search_path was changed in the open transaction, whose end may change it back."""
    temporary: bool = True
    """False: nothing that ran in the session can have made an object, so no name means a temporary one, nor one in a
    schema that a census does not know."""
    user_on_path: str | None = None
    """The login, where the search_path names it as `$user`, which is the role that the session runs as."""
    server_version: int = 18
    """Major version; 0 where it is not known, which counts as older than everything."""
    standard_conforming_strings: bool = True
    client_encoding: str = "UTF8"
    server_encoding: str = "UTF8"
    settled: bool = True
    """False: a statement that may change how texts are read is under way, so none of the above need hold for the next.
    """
