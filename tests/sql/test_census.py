"""What the catalog adds to a statement: hidden code is an act of its own, its harmless twin is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.sql.catalog_rows import CastRow, ClassRow, StoredKind
from proxy.sql.consequences import expand
from proxy.sql.facts import Settings
from tests.sql.catalogs import INT4, TEXT, Drawing
from tests.sql.shorthand import read_one, short_act

PATH = Settings(search_path=("app", "public"))


def told(drawing: Drawing, text: str, settings: Settings = PATH) -> list[str]:
    """Give the acts that a census adds to what the text says, short, with their notes."""
    facts = read_one(text)
    said = {short_act(act) for act in facts.acts}
    added = [act for act in expand(facts, drawing.census(), settings).acts if short_act(act) not in said or act.note]
    return [f"{'implied ' if act.implied else ''}{short_act(act)}: {act.note}" for act in added]


def users(drawing: Drawing) -> Drawing:
    """Draw a table that others hang on, and a function that does something."""
    drawing.relation("users")
    drawing.function("purge", first=INT4)
    return drawing


def _harmless_twin(draw: Callable[[Drawing, str], object]) -> tuple[Drawing, Drawing]:
    harmful, harmless = users(Drawing()), users(Drawing())
    draw(harmful, "purge")
    draw(harmless, "lower")
    return harmful, harmless


INSTEAD = 64
HIDDEN: dict[str, tuple[Callable[[Drawing, str], object], dict[str, str]]] = {
    "a view": (
        lambda d, f: d.view("v", f, reads=("users",)),
        {"SELECT * FROM v": "the view public.v", "COPY v TO STDOUT": "the view public.v"},
    ),
    "a view on a view": (
        lambda d, f: (d.view("inner_v", f), d.view("v", reads=("inner_v",))),
        {"SELECT * FROM v": "the view public.inner_v", "EXPLAIN SELECT * FROM v": "the view public.inner_v"},
    ),
    "a default": (
        lambda d, f: d.store(StoredKind.DEFAULT, "users", f),
        {
            "INSERT INTO users VALUES (1)": "a default of public.users",
            "COPY users FROM STDIN": "a default of public.users",
        },
    ),
    "a generated column": (
        lambda d, f: d.store(StoredKind.GENERATED, "users", f, event="s"),
        {"UPDATE users SET a = 1 WHERE b = 1": "a generated column of public.users"},
    ),
    "a virtual generated column": (
        lambda d, f: d.store(StoredKind.GENERATED, "users", f, event="v"),
        {"SELECT * FROM users": "a generated column of public.users"},
    ),
    "a check": (
        lambda d, f: d.store(StoredKind.CHECK, "users", f, name="sane"),
        {"INSERT INTO users VALUES (1)": "the check sane of public.users"},
    ),
    "an index": (
        lambda d, f: d.store(StoredKind.INDEX, "users", f),
        {"INSERT INTO users VALUES (1)": "an index of public.users", "REINDEX TABLE users": "an index of public.users"},
    ),
    "a trigger": (
        lambda d, f: d.trigger("t", "users", f if f == "purge" else "suppress_redundant_updates_trigger", 4 | 8),
        {
            "INSERT INTO users VALUES (1)": "the trigger t of public.users",
            "DELETE FROM users WHERE a = 1": "the trigger t of public.users",
        },
    ),
    "a trigger's condition": (
        lambda d, f: d.store(StoredKind.TRIGGER, "users", f, name="t", event="16"),
        {"UPDATE users SET a = 1 WHERE b = 1": "the trigger t of public.users"},
    ),
    "a rule": (
        lambda d, f: d.store(StoredKind.RULE, "users", f, name="r", event="3"),
        {"INSERT INTO users VALUES (1)": "the rule r of public.users"},
    ),
    "a row security policy": (
        lambda d, f: (d.relation("safe", policies=True), d.store(StoredKind.POLICY, "safe", f, name="p", event="*")),
        {
            "SELECT * FROM safe": "the policy p of public.safe",
            "DELETE FROM safe WHERE a = 1": "the policy p of public.safe",
        },
    ),
    "a partition's trigger": (
        lambda d, f: (
            d.relation("parted", "p"),
            d.relation("part", part_of="parted"),
            d.trigger("t", "part", f if f == "purge" else "suppress_redundant_updates_trigger", 4),
        ),
        {"INSERT INTO parted VALUES (1)": "the trigger t of public.part"},
    ),
    "a partition key": (
        lambda d, f: (
            d.relation("parted", "p"),
            d.store(StoredKind.PARTITION_KEY, "parted", f),
            d.relation("part", part_of="parted"),
        ),
        {
            "INSERT INTO parted VALUES (1)": "the partition key of public.parted",
            "INSERT INTO part VALUES (1)": "the partition key of public.parted",
        },
    ),
    "a domain": (
        lambda d, f: (d.type("email", "d", base=TEXT), d.store(StoredKind.DOMAIN, "email", f)),
        {
            "SELECT 'x'::email": "a check of the domain public.email",
            "SELECT '{x}'::email[]": "a check of the domain public.email",
            "SELECT email('x')": "a check of the domain public.email",
            "SELECT CAST('x' AS public._email)": "a check of the domain public.email",
        },
    ),
    "a column of a domain": (
        lambda d, f: (
            d.store(StoredKind.DOMAIN, "email", f)
            if (oid := d.type("email", "d", base=TEXT)) and d.relation("mails", columns=(oid,))
            else None
        ),
        {"INSERT INTO mails VALUES ('x')": "a check of the domain public.email"},
    ),
    "a composite of a domain": (
        lambda d, f: (
            d.store(StoredKind.DOMAIN, "email", f)
            if (oid := d.type("email", "d", base=TEXT)) and d.type("person", "c", columns=(oid,))
            else None
        ),
        {"SELECT '(x)'::person": "a check of the domain public.email"},
    ),
    "a type's input function": (
        lambda d, f: d.type("own", "b", functions=(f,)),
        {"SELECT 'x'::own": "the type public.own"},
    ),
    "an operator": (
        lambda d, f: d.operator("=", f, INT4, INT4, 16),
        {
            "SELECT a = 1 FROM users": "the operator public.=",
            "SELECT a IN (1, 2) FROM users": "the operator public.=",
            "SELECT a = ANY (ARRAY[1]) FROM users": "the operator public.=",
            "SELECT 1 OPERATOR(public.=) 1": "the operator public.=",
            "SELECT CASE a WHEN 1 THEN 2 END FROM users": "the operator public.=",
            "SELECT * FROM users JOIN users u USING (a)": "the operator public.=",
            "SELECT * FROM users NATURAL JOIN users u": "the operator public.=",
            "SELECT NULLIF(a, 1) FROM users": "the operator public.=",
            "SELECT 1 IN (SELECT 1)": "the operator public.=",
        },
    ),
    "an aggregate": (
        lambda d, f: d.function("total", first=INT4, support=(f, "numeric_accum")),
        {"SELECT total(a) FROM users": ""},
    ),
    "an argument's default": (
        lambda d, f: (
            d.function("near", first=INT4, arguments=2, defaults=1, language="c", extension="cube"),
            d.store(StoredKind.ARGUMENT, "near", f),
        ),
        {"SELECT near(1)": "an argument's default of public.near"},
    ),
    "an implicit cast": (
        lambda d, f: d.casts.append(CastRow(INT4, TEXT, "text", d.oid(f), "i")),
        {"SELECT 1": "a cast to text", "INSERT INTO users VALUES (1)": "a cast to text"},
    ),
    "an operator class": (
        lambda d, f: d.classes.append(ClassRow(9, (114,), True, (d.oid(f),), "json_ops")),
        {"SELECT 1 ORDER BY 1": "the operator class json_ops"},
    ),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_hidden_code_is_found_and_its_harmless_twin_is_not(kind: str) -> None:
    """The same place runs a function of users, or one that PostgreSQL brings and that does no harm."""
    draw, texts = HIDDEN[kind]
    harmful, harmless = _harmless_twin(draw)
    for text, path in texts.items():
        name = "total" if kind == "an aggregate" else "purge"
        note = f"{path} calls it" if path else "it is not on the list of functions known to do no harm"
        assert f"execute_function function:public.{name}: {note}" in told(harmful, text), text
        assert [each for each in told(harmless, text) if "execute_function" in each] == [], text
