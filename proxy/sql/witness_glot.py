"""sqlglot's reading of a text: what each statement writes and which relations it names, or nothing.

The second witness speaks only where it is known to read well: queries, INSERT, UPDATE, DELETE, MERGE, TRUNCATE, DROP
of a relation and CREATE TABLE AS. It has no reading where sqlglot raises, returns `Command`, or reads a utility
statement as an expression. It never decides alone, so to say nothing is safe, and to say something wrong costs an
honest statement.

sqlglot's parser recurses in C, and on some shapes backtracks. Measured (30.30 compiled, Python 3.11, 8 MiB stack,
each of 42 shapes in a process of its own, size doubled until it fails): RecursionError from 640 nested brackets,
CASE, NOT or subqueries, SIGSEGV at 10,240 subqueries in FROM, and time that grows exponentially where brackets nest
behind the name of a type or ARRAY: 24 nested `date(` do not end within 4 s, 20 `ARRAY[` not within 15 s. The bounds
below are counted on sqlglot's own tokens and lie at least ten times lower.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlglot
from sqlglot import exp, parser
from sqlglot.tokenizer_core import Token, TokenType

from proxy.sql.facts import Effect

# sqlglot logs each statement that it does not understand, passwords and all.
parser.logger.disabled = True

_POSTGRES = sqlglot.Dialect.get_or_raise("postgres")

TOKENS_MOST = 5_000
"""sqlglot takes some 5 us a token and holds the interpreter meanwhile; a longer text is left to libpg_query."""
NESTING_MOST = 40
"""Open brackets, CASEs and prefix operators at one place."""
RETRIED_MOST = 4
"""Open brackets behind a type's name at one place: each level multiplies the time, for the parser tries it twice."""
_RETRIED = frozenset({*parser.Parser.TYPE_TOKENS, TokenType.ARRAY, TokenType.STRUCT, TokenType.MAP})
PREFIXES_MOST = 100
"""NOT, `~`, INTERVAL and EXPLAIN in one text, and minus signs."""
_OPENING = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.CASE})
_CLOSING = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.END})
_PREFIXES = frozenset({TokenType.NOT, TokenType.DASH, TokenType.RLIKE, TokenType.TILDE, TokenType.INTERVAL})
_PARAMETER = re.compile(
    r"""
      (?<![\w$\x80-\U0010ffff]) [eE]'(?:[^'\\]|\\.)*+'
    | (?<![\w$\x80-\U0010ffff]) \$((?:[A-Za-z_\x80-\U0010ffff][\w\x80-\U0010ffff]*+)?)\$.*?\$\1\$
    | '[^']*+' | "[^"]*+" | --[^\n\r]*+ | /\*.*?\*/
    | (?<![\w$\x80-\U0010ffff]) (?P<parameter> \$\d++ )
    """,
    re.VERBOSE | re.DOTALL | re.ASCII,
)
"""A parameter, or what may hide the look of one."""
_NAME_BYTES = 63
_VALUES = frozenset(
    """
    current_catalog current_date current_role current_schema current_time current_timestamp current_user localtime
    localtimestamp session_user user
    """.split()  # noqa: SIM905 - a table of words
)
"""Words of PostgreSQL's grammar that stand for a value, also in FROM, where they are not quoted. Not among them is
system_user, which names a relation before PostgreSQL 16."""
_DROPPED = frozenset({"TABLE", "VIEW"})
_READABLE = (
    exp.Select, exp.SetOperation, exp.Subquery, exp.Values, exp.Insert, exp.Update, exp.Delete, exp.Merge,
    exp.TruncateTable, exp.Drop, exp.Create,
)  # fmt: skip
_EFFECTS: dict[type[object], Effect] = {
    exp.Insert: Effect.INSERT,
    exp.Update: Effect.UPDATE,
    exp.Delete: Effect.DELETE,
    exp.Merge: Effect.MERGE,
    exp.TruncateTable: Effect.TRUNCATE,
    exp.Drop: Effect.DROP,
    exp.Create: Effect.CREATE,
    exp.Into: Effect.CREATE,
}
_IMPLIED: dict[type[object], frozenset[Effect]] = {
    exp.Insert: frozenset({Effect.UPDATE}),
    exp.Merge: frozenset({Effect.INSERT, Effect.UPDATE, Effect.DELETE}),
    exp.Create: frozenset({Effect.INSERT}),
    exp.Into: frozenset({Effect.INSERT}),
}

Name = tuple[str | None, str]
"""Schema (None: not written) and name of a relation, folded as PostgreSQL folds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GlotReading:
    """What sqlglot says of one statement."""

    effects: frozenset[Effect]
    """Effects that change rows or structure. Empty for a plain query."""
    implied: frozenset[Effect]
    """Effects that may be told apart from the above, or not: UPDATE for ON CONFLICT DO UPDATE, those of a MERGE."""
    written: frozenset[Name]
    read: frozenset[Name]
    """Relations named in FROM and its like, without CTEs, functions and what is written."""


def read_glot(text: str) -> tuple[GlotReading | None, ...] | None:
    """One reading or None for each statement of the text; None where the text as a whole has no reading.

    The text must have passed PostgreSQL's grammar. Parses at most once; time and depth are bounded by the token count.
    """
    # sqlglot reads U&"x" as a bitwise and, and the name behind `r'x'` as an alias.
    if 'u&"' in text or 'U&"' in text:
        return None
    if "$" in text:
        text = _PARAMETER.sub(_as_constant, text)
    try:
        tokens = _POSTGRES.tokenize(text)
        if not _shallow(tokens):
            return None
        trees = _POSTGRES.parser().parse(tokens, text)
        return tuple(_reading(tree) for tree in trees if tree is not None and not isinstance(tree, exp.Semicolon))
    except Exception:
        # A parser meets anything; whatever it trips over means that it has no reading.
        return None


def _as_constant(found: re.Match[str]) -> str:
    """Give sqlglot a constant for a parameter: it takes `$1,$` for a dollar quote, and cannot read `interval $1`."""
    return found.group() if found.group("parameter") is None else "'1'"


def _shallow(tokens: list[Token]) -> bool:
    if len(tokens) > TOKENS_MOST:
        return False
    # One entry for each open bracket or CASE: whether the parser would try it twice.
    opened: list[bool] = []
    retried = prefixes = 0
    before = cast = TokenType.SEMICOLON
    for token in tokens:
        kind = token.token_type
        if kind in _OPENING:
            again = before in _RETRIED or cast is TokenType.DCOLON
            opened.append(again)
            retried += again
        elif kind in _CLOSING and opened:
            retried -= opened.pop()
        # Prefix operators may stand far apart (`NOT a = NOT b`), so all of a text's count together.
        prefixes += kind in _PREFIXES
        if len(opened) > NESTING_MOST or retried > RETRIED_MOST or prefixes > PREFIXES_MOST:
            return False
        cast, before = before, kind
    return True


def _reading(tree: exp.Expr) -> GlotReading | None:
    """Walk one statement with a stack of its own: a chain of operators is as deep as it is long."""
    if not isinstance(tree, _READABLE):
        return None
    effects: set[Effect] = set()
    implied: set[Effect] = set()
    written: set[Name] = set()
    read: set[Name] = set()
    pending: list[tuple[exp.Expr, frozenset[str]]] = [(tree, frozenset())]
    while pending:
        node, ctes = pending.pop()
        if isinstance(node, exp.Command):
            return None
        skipped: set[int] = set()
        with_ = node.args.get("with_")
        if isinstance(with_, exp.With):
            skipped.add(id(with_))
            ctes = _enter(with_, ctes, pending)
        match node:
            case exp.Insert() | exp.Update() if isinstance(node.parent, exp.When):
                # MERGE's branches name no target of their own.
                pass
            case exp.Insert() | exp.Update() | exp.Delete() | exp.Merge() | exp.Into() | exp.Create():
                table = node.this.this if isinstance(node.this, exp.Schema) else node.this
                name = _name(table)
                if name is None or (isinstance(node, exp.Create) and str(node.args.get("kind")).upper() != "TABLE"):
                    return None
                written.add(name)
                effects.add(_EFFECTS[type(node)])
                implied.update(_IMPLIED.get(type(node), ()))
                skipped.add(id(node.this))
            case exp.TruncateTable() | exp.Drop():
                if isinstance(node, exp.Drop) and str(node.args.get("kind")).upper() not in _DROPPED:
                    return None
                tables = node.args.get("tables") if isinstance(node, exp.Drop) else node.expressions
                names = [_name(table) for table in tables or ()]
                if not names or None in names:
                    return None
                written.update(name for name in names if name is not None)
                effects.add(_EFFECTS[type(node)])
                continue
            case exp.Lock():
                # FOR UPDATE OF names aliases.
                continue
            case exp.Table():
                name = _name(node)
                if name is not None and not (name[0] is None and name[1] in ctes):
                    read.add(name)
            case _:
                pass
        pending.extend((child, ctes) for child in node.iter_expressions() if id(child) not in skipped)
    return GlotReading(
        effects=frozenset(effects), implied=frozenset(implied), written=frozenset(written), read=frozenset(read)
    )


def _enter(with_: exp.With, outer: frozenset[str], pending: list[tuple[exp.Expr, frozenset[str]]]) -> frozenset[str]:
    """Put the queries of a WITH on the stack, each with the names it sees, and give those that its statement sees."""
    names = [_fold(cte.args["alias"].this) for cte in with_.expressions]
    for place, cte in enumerate(with_.expressions):
        pending.append((cte.this, outer.union(names if with_.args.get("recursive") else names[:place])))
    return outer.union(names)


def _name(table: object) -> Name | None:
    """Name the relation of a table node; None where it is a function, a parameter or something else."""
    if not isinstance(table, exp.Table) or not isinstance(table.this, exp.Identifier):
        return None
    schema = table.args.get("db")
    if isinstance(schema, exp.Identifier):
        return _fold(schema), _fold(table.this)
    name = _fold(table.this)
    return None if name in _VALUES and not table.this.quoted else (None, name)


def _fold(identifier: exp.Identifier) -> str:
    """As PostgreSQL folds in UTF-8: ASCII letters only, and at most 63 bytes."""
    name = str(identifier.this)
    if not identifier.quoted:
        name = "".join(sign.lower() if sign.isascii() else sign for sign in name)
    encoded = name.encode()
    return name if len(encoded) <= _NAME_BYTES else encoded[:_NAME_BYTES].decode(errors="ignore")
