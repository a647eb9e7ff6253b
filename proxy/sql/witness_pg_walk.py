"""The walk over libpg_query's tree: every field of every node, on a stack of its own, by the table of nodes.

Knows expressions and names, and leaves statements to the readers that it is given. A node of no known kind raises
`NotUnderstood`, which makes the text unreadable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from proxy.sql.facts import Act, Call, Effect, Modifier, Target, TargetKind
from proxy.sql.node_effects import LEAVES, WALKED
from proxy.sql.witness_pg_tree import Node, children, constant, cut, dotted, relation, strings
from proxy.sql.younger_forms import KINDS, form_of


class Sight:
    """Names of the CTEs in sight: the first `reach` of one WITH, and whatever is in sight outside it.

    All places of one WITH share its names, so a text of many CTEs costs memory linear in the text.
    """

    __slots__ = ("outer", "places", "reach")

    def __init__(self, places: Mapping[str, int], reach: int, outer: Sight | None) -> None:
        """`places`: each name with its first place in the WITH, from 0."""
        self.places = places
        self.reach = reach
        self.outer = outer

    def __contains__(self, name: object) -> bool:
        sight: Sight | None = self
        while sight is not None:
            if sight.places.get(str(name), sight.reach) < sight.reach:
                return True
            sight = sight.outer
        return False


Scope = Sight | None
"""Names of the CTEs in sight; None inside a definition, where a bare relation or type name is not read or run."""

NOWHERE: Final = Sight({}, 0, None)

_CONSTANTS_DECIDE: Final = frozenset({"set_config", "current_setting"})


class NotUnderstood(Exception):  # noqa: N818 - it is not an error of this program
    """The tree holds something that this reading has no meaning for."""


class Walk:
    """What has been found in one statement, and what is still to be looked at."""

    def __init__(self, readers: Mapping[str, Callable[[Walk, Node, Scope], None]]) -> None:
        self._readers = readers
        self._stack: list[tuple[str, Node, Scope]] = []
        self._acts: dict[Act, None] = {}
        self._calls: dict[Call, None] = {}
        self.columns: set[str] = set()
        self.qualified: set[tuple[str, str]] = set()
        """Last two parts of qualified column references."""
        self.function_aliases: set[str] = set()
        """Names under which functions stand in FROM; the empty one may be any."""
        self.fields: set[str] = set()
        self.forms: set[str] = set()
        self.assigned: set[str] = set()
        self.literal_bound = False
        self.reads = False
        """A query was found, with or without relations."""
        self.locked: set[int] = set()
        """Identities of the RangeVar dictionaries that a FOR UPDATE names; the tree outlives the walk."""
        self.tag = ""
        """Set by the statement's reader."""

    @property
    def called(self) -> frozenset[str]:
        """Names that may be called in attribute notation on a value of any type (ParseFuncOrColumn).

        `(value).name`, and `alias.name` where the alias is a function's in FROM, whose row may be a bare value.
        """
        aliases = self.function_aliases
        return frozenset(self.fields | {name for of, name in self.qualified if of in aliases or "" in aliases})

    @property
    def acts(self) -> tuple[Act, ...]:
        """Acts found so far, without repetition."""
        return tuple(self._acts)

    @property
    def calls(self) -> tuple[Call, ...]:
        """Calls found so far, without repetition."""
        return tuple(self._calls)

    def act(
        self,
        effect: Effect,
        target: Target | None = None,
        modifiers: Iterable[Modifier] = (),
        value: str | None = None,
    ) -> None:
        """Note an act."""
        self._acts[Act(effect=effect, target=target, modifiers=frozenset(modifiers), value=value)] = None

    def call(self, call: Call) -> None:
        """Note code that runs by name."""
        self._calls[call] = None

    def push(self, wrapped: Node | None, scope: Scope) -> None:
        """Leave a wrapped node (`{"Kind": {...}}`), or nothing, to be looked at."""
        if wrapped:
            self._stack.extend((kind, node, scope) for kind, node in wrapped.items())

    def push_bare(self, kind: str, node: Node | None, scope: Scope) -> None:
        """Leave a node of a known kind, or nothing, to be looked at."""
        if node is not None:
            self._stack.append((kind, node, scope))

    def push_fields(self, kind: str, node: Node, scope: Scope, without: tuple[str, ...] = ()) -> None:
        """Leave all that a node holds to be looked at, in its order, but for some fields."""
        if without:
            node = {field: value for field, value in node.items() if field not in without}
        found = [(child, inner, scope) for child, inner in children(kind, node)]
        found.reverse()
        self._stack.extend(found)

    def run(self) -> None:
        """Look at everything that was left to be looked at."""
        stack, readers = self._stack, self._readers
        while stack:
            kind, node, scope = stack.pop()
            if kind in LEAVES:
                continue
            reader = readers.get(kind)
            if reader is not None:
                reader(self, node, scope)
            elif kind in WALKED:
                self.push_fields(kind, node, scope)
            else:
                raise NotUnderstood(kind)


def _range_var(walk: Walk, node: Node, scope: Scope) -> None:
    if scope is None:
        return
    if node.get("relname", "") in scope and "schemaname" not in node and "catalogname" not in node:
        return
    walk.act(Effect.SELECT, relation(node), {Modifier.LOCKING} if id(node) in walk.locked else ())


def _func_call(walk: Walk, node: Node, scope: Scope) -> None:
    schema, name = dotted(node.get("funcname", []))
    if schema == "pg_catalog" and name == "json_object":
        # What is written without a schema looks the same in the tree.
        walk.forms.add(name)
    given = node.get("args", [])
    ordered = node.get("agg_order", []) if node.get("agg_within_group") else []
    constants: tuple[str | None, ...] = ()
    if name in _CONSTANTS_DECIDE:
        walk.literal_bound = True
        # Arguments by name may stand in any order, so none of them counts as known.
        if not any("NamedArgExpr" in item for item in given):
            constants = tuple(constant(item) for item in given)
    walk.call(
        Call(
            kind=TargetKind.FUNCTION,
            schema=schema,
            name=name,
            arguments=None if node.get("func_variadic") else len(given) + len(ordered),
            constants=constants,
        )
    )
    walk.push_fields("FuncCall", node, scope)


def _operator(walk: Walk, items: list[Node], arguments: int | None) -> None:
    schema, name = dotted(items)
    # BETWEEN is two comparisons under one name, and NOT BETWEEN two others.
    names = (">=", "<=", "<", ">") if "BETWEEN" in name else (name,)
    for each in names:
        walk.call(Call(kind=TargetKind.OPERATOR, schema=schema, name=each, arguments=arguments))


def _a_expr(walk: Walk, node: Node, scope: Scope) -> None:
    _operator(walk, node.get("name", []), 2 if "lexpr" in node and "rexpr" in node else 1)
    walk.push_fields("A_Expr", node, scope)


def _sub_link(walk: Walk, node: Node, scope: Scope) -> None:
    if "operName" in node:
        _operator(walk, node["operName"], 2)
    elif "testexpr" in node:
        walk.call(Call(kind=TargetKind.OPERATOR, schema=None, name="=", arguments=2))
    walk.push_fields("SubLink", node, scope)


def _case(walk: Walk, node: Node, scope: Scope) -> None:
    if "arg" in node:
        walk.call(Call(kind=TargetKind.OPERATOR, schema=None, name="=", arguments=2))
    walk.push_fields("CaseExpr", node, scope)


def _join(walk: Walk, node: Node, scope: Scope) -> None:
    if "usingClause" in node or node.get("isNatural"):
        walk.call(Call(kind=TargetKind.OPERATOR, schema=None, name="=", arguments=2))
    walk.push_fields("JoinExpr", node, scope)


def _sort_by(walk: Walk, node: Node, scope: Scope) -> None:
    if "useOp" in node:
        _operator(walk, node["useOp"], 2)
    walk.push_fields("SortBy", node, scope)


def _type(walk: Walk, node: Node) -> None:
    schema, name = dotted(node.get("names", []))
    if node.get("pct_type"):
        # `relation.column%TYPE`: whatever type that column has.
        schema, name = None, ""
    walk.call(Call(kind=TargetKind.TYPE, schema=schema, name=name, arguments=1))


def _type_cast(walk: Walk, node: Node, scope: Scope) -> None:
    _type(walk, node.get("typeName", {}))
    walk.push_fields("TypeCast", node, scope)


def _type_name(walk: Walk, node: Node, scope: Scope) -> None:
    if scope is not None and "names" in node:
        _type(walk, node)
    walk.push_fields("TypeName", node, scope)


def _column_ref(walk: Walk, node: Node, _: Scope) -> None:
    fields = node.get("fields", [])
    if len(fields) > 1 and "String" in fields[-1]:
        name = cut(fields[-1]["String"].get("sval", ""))
        walk.columns.add(name)
        walk.qualified.add((cut(fields[-2].get("String", {}).get("sval", "")), name))


def _range_function(walk: Walk, node: Node, scope: Scope) -> None:
    items = [each.get("List", {}).get("items", [{}])[0] for each in node.get("functions", [])]
    called = [dotted(item.get("FuncCall", {}).get("funcname", [])) for item in items]
    if ("pg_catalog", "system_user") in called:
        # Before PostgreSQL 16 the word is a name like others.
        walk.act(Effect.SELECT, Target(kind=TargetKind.RELATION, name="system_user"))
    alias = node.get("alias", {}).get("aliasname")
    # Without one it goes by its first function's name, or by what else the server calls such an expression
    # (FigureColname).
    walk.function_aliases.add(called[0][1] if alias is None else cut(alias))
    walk.push_fields("RangeFunction", node, scope)


def _indirection(walk: Walk, node: Node, scope: Scope) -> None:
    names = {cut(name) for name in strings(node.get("indirection", []))}
    walk.columns |= names
    walk.fields |= names
    walk.push_fields("A_Indirection", node, scope)


def _table_sample(walk: Walk, node: Node, scope: Scope) -> None:
    schema, name = dotted(node.get("method", []))
    # The method is looked up with exactly one argument of type internal, so the built-in ones cannot be beaten.
    if schema is None and name in ("system", "bernoulli"):
        schema = "pg_catalog"
    walk.call(Call(kind=TargetKind.FUNCTION, schema=schema, name=name, arguments=1))
    walk.push_fields("RangeTableSample", node, scope)


def _younger_form(kind: str) -> Callable[[Walk, Node, Scope], None]:
    def read(walk: Walk, node: Node, scope: Scope) -> None:
        walk.forms.add(form_of(kind, node))
        walk.push_fields(kind, node, scope)

    return read


def _unread(kind: str, *fields: str) -> Callable[[Walk, Node, Scope], None]:
    """Walk a node but for fields that name relations without reading them."""

    def read(walk: Walk, node: Node, scope: Scope) -> None:
        walk.push_fields(kind, node, scope, without=fields)

    return read


EXPRESSION_READERS: Final[Mapping[str, Callable[[Walk, Node, Scope], None]]] = {
    "RangeVar": _range_var,
    "RangeFunction": _range_function,
    "FuncCall": _func_call,
    "A_Expr": _a_expr,
    "SubLink": _sub_link,
    "CaseExpr": _case,
    "JoinExpr": _join,
    "SortBy": _sort_by,
    "TypeCast": _type_cast,
    "TypeName": _type_name,
    "ColumnRef": _column_ref,
    "A_Indirection": _indirection,
    "RangeTableSample": _table_sample,
    **{kind: _younger_form(kind) for kind in KINDS},
    "LockingClause": _unread("LockingClause", "lockedRels"),
    "IntoClause": _unread("IntoClause", "rel"),
}
"""Nodes that are not statements and say something by themselves."""
