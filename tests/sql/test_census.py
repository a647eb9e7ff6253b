"""What the catalog adds to a statement: hidden code is an act of its own, its harmless twin is none."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from proxy.sql.catalog_rows import CastRow, ClassRow, StoredKind
from proxy.sql.census import Lost
from proxy.sql.consequences import ATTRIBUTE, NOT_KNOWN, expand
from proxy.sql.facts import Settings
from proxy.sql.stored_code import DELETE, INSERT, UPDATE
from tests.sql.catalogs import INT4, RECORD, TEXT, Drawing
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


def _shop() -> Drawing:
    """Draw customers, and what hangs on them."""
    drawing = Drawing()
    for name in ("users", "orders", "items", "prefs", "notes", "billing.audit"):
        drawing.relation(name)
    drawing.key("orders_user", "orders", "users", on_delete="c")
    drawing.key("items_order", "items", "orders", on_delete="c")
    drawing.key("prefs_user", "prefs", "users", on_delete="n", on_update="c")
    drawing.key("notes_user", "notes", "users")
    drawing.key("parent_user", "users", "users", on_delete="c", columns=("parent",))
    drawing.store(StoredKind.RULE, "notes", name="log", event="3", writes=((INSERT, "billing.audit"),))
    drawing.view("v", reads=("users",))
    drawing.view("w", reads=("v", "orders"))
    return drawing


THROUGH_KEYS = {
    "delete public.orders: by the foreign key orders_user of public.orders",
    "delete public.items: by the foreign key items_order of public.items",
    "update public.prefs: by the foreign key prefs_user of public.prefs",
}

ELSEWHERE: dict[str, set[str]] = {
    "DELETE FROM users WHERE id = 1": THROUGH_KEYS,
    "DELETE FROM orders WHERE id = 1": {"delete public.items: by the foreign key items_order of public.items"},
    "DELETE FROM notes WHERE id = 1": set(),
    "UPDATE users SET name = 'x' WHERE id = 1": set(),
    "UPDATE users SET id = 2 WHERE id = 1": {"update public.prefs: by the foreign key prefs_user of public.prefs"},
    "INSERT INTO users VALUES (1) ON CONFLICT (id) DO UPDATE SET id = 2": {
        "update public.prefs: by the foreign key prefs_user of public.prefs"
    },
    "TRUNCATE users": set(),
    "TRUNCATE orders CASCADE": {"truncate+cascade public.items: by the foreign key items_order of public.items"},
    "INSERT INTO notes VALUES (1)": {"insert billing.audit: by the rule log of public.notes"},
    "SELECT * FROM v": {"implied select public.users: through the view public.v"},
    "SELECT * FROM w": {
        "implied select public.v: through the view public.w",
        "implied select public.users: through the view public.v",
        "implied select public.orders: through the view public.w",
    },
    "DELETE FROM v WHERE id = 1": THROUGH_KEYS
    | {
        "implied select public.users: through the view public.v",
        "implied delete public.users: through the view public.v",
        # The key takes more rows with it than the view may show.
        "delete public.users: by the foreign key parent_user of public.users",
    },
}


@pytest.mark.parametrize(("text", "expected"), ELSEWHERE.items())
def test_what_happens_elsewhere_is_told(text: str, expected: set[str]) -> None:
    """Foreign keys and rules change rows that the statement does not name; a view's relations are implied."""
    assert expected == set(told(_shop(), text))


def test_an_instead_of_trigger_takes_the_write_upon_itself() -> None:
    """Nothing falls through to the view's relation; the trigger's function is what happens."""
    drawing = users(Drawing())
    drawing.view("v", reads=("users",))
    drawing.trigger("t", "v", "purge", INSTEAD | 8)
    acts = told(drawing, "DELETE FROM v WHERE id = 1")
    assert [act for act in acts if act.startswith("implied delete")] == []
    assert "execute_function function:public.purge: the trigger t of public.v calls it" in acts


def test_partitions_and_children_are_kin_both_ways() -> None:
    """Whoever deletes from the whole deletes from the part, and the other way round."""
    drawing = Drawing()
    drawing.relation("whole", "p")
    drawing.relation("archive.part", part_of="whole")
    drawing.relation("other", part_of="whole")
    census = drawing.census()

    def kin(text: str) -> list[str]:
        target = expand(read_one(text), census, PATH).acts[0].target
        assert target is not None
        return [f"{each.schema}.{each.name}" for each in target.kin]

    assert kin("DELETE FROM whole") == ["archive.part", "public.other"]
    assert kin("TRUNCATE archive.part") == ["public.whole"]


def test_circles_end() -> None:
    """Keys, views and aggregates that lead back to where they began are walked once."""
    drawing = users(Drawing())
    drawing.relation("a")
    drawing.relation("b")
    drawing.key("ab", "a", "b", on_delete="c")
    drawing.key("ba", "b", "a", on_delete="c")
    drawing.view("v", reads=("users",))
    drawing.store(StoredKind.RULE, "v", name="r", event="4", writes=((DELETE, "v"), (UPDATE, "a")))
    assert [act.partition(":")[0] for act in told(drawing, "DELETE FROM a WHERE x = 1")] == ["delete public.b"]
    assert "update public.a: by the rule r of public.v" in told(drawing, "DELETE FROM v WHERE x = 1")


def test_names_are_looked_up_where_the_path_leads() -> None:
    """A view, function or type elsewhere is not meant; without a known path all are; any session's pg_temp is one."""
    drawing = users(Drawing())
    drawing.view("other.v", "purge")
    drawing.view("pg_temp_7.tmp", "purge")
    drawing.function("other.lower", first=TEXT)
    nowhere, other = Settings(search_path=("public",)), Settings(search_path=("other",))
    for text in ("SELECT * FROM v", "SELECT lower('x')"):
        assert [bool(told(drawing, text, path)) for path in (nowhere, other, Settings())] == [False, True, True], text
    for text in ("SELECT * FROM tmp", "SELECT * FROM pg_temp.tmp", "SELECT * FROM pg_temp_7.tmp"):
        assert told(drawing, text, nowhere) != [], text


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("SELECT length(1)", True),
        ("SELECT length(1, 2)", True),
        ("SELECT pg_catalog.length('x')", False),
        ("SELECT length(1, 2, 3)", False),
        ("SELECT length(VARIADIC ARRAY[1])", True),
    ],
)
def test_an_overload_counts_only_where_it_can_be_called(text: str, refused: bool) -> None:
    """By how many arguments are passed."""
    drawing = Drawing()
    drawing.function("length", first=INT4, arguments=2, defaults=1)
    assert refused == bool(told(drawing, text))


@pytest.mark.parametrize(
    ("extension", "name", "language", "harmless"),
    [
        ("citext", "lower", "c", True),
        ("citext", "lower", "plpgsql", False),
        ("tablefunc", "crosstab", "c", False),
        ("tablefunc", "normal_rand", "c", True),
        ("pg_trgm", "set_limit", "c", False),
        ("unheard_of", "lower", "c", False),
        (None, "lower", "c", False),
    ],
)
def test_an_extensions_functions_are_harmless_by_review(
    extension: str | None, name: str, language: str, harmless: bool
) -> None:
    """Only those of the list, and only as the extension ships them."""
    drawing = Drawing()
    drawing.function(f"public.{name}", first=TEXT, language=language, extension=extension)
    assert harmless == (told(drawing, f"SELECT public.{name}('x')") == [])


def test_a_function_that_is_a_built_in_by_another_name_is_harmless() -> None:
    """In the language internal the source names the built-in."""
    drawing = Drawing()
    drawing.function("small", first=TEXT, language="internal", source="lower")
    drawing.function("evil", first=TEXT, language="internal", source="pg_sleep")
    assert [bool(told(drawing, f"SELECT {name}('x')")) for name in ("small", "evil")] == [False, True]


def test_a_built_in_that_was_replaced_is_code_of_users() -> None:
    """A function of users in pg_catalog counts as one, whatever its name."""
    drawing = Drawing()
    drawing.function("pg_catalog.upper", first=TEXT)
    for text in ("SELECT upper('x')", "SELECT pg_catalog.upper('x')"):
        assert [act.partition(":")[0] for act in told(drawing, text)] == ["execute_function function"]


def test_withheld_built_ins_behind_names_are_found() -> None:
    """Stored trees name them by oid; a sequence's next value is part of an INSERT's defaults, and nowhere else."""
    drawing = users(Drawing())
    drawing.view("v", "query_to_xml")
    drawing.view("counter", "nextval")
    drawing.store(StoredKind.DEFAULT, "users", "nextval")
    assert told(drawing, "SELECT * FROM v") == [
        "execute_function function:pg_catalog.query_to_xml: the view public.v calls it"
    ]
    assert told(drawing, "SELECT * FROM counter") == [
        "execute_function function:pg_catalog.nextval: the view public.counter calls it"
    ]
    assert told(drawing, "INSERT INTO users VALUES (1)") == []


def test_a_materialized_view_holds_its_rows() -> None:
    """Reading it runs nothing; refreshing it runs its query."""
    drawing = users(Drawing())
    drawing.view("m", "purge", kind="m")
    assert told(drawing, "SELECT * FROM m") == []
    assert len(told(drawing, "REFRESH MATERIALIZED VIEW m")) == 1


def test_a_foreign_table_is_code_by_its_own_name() -> None:
    """What runs behind it cannot be seen; the table is what a policy permits."""
    drawing = Drawing()
    drawing.relation("far", "f")
    (act,) = told(drawing, "SELECT * FROM far")
    assert act.startswith("execute_function public.far: it is a foreign table")


def test_a_row_may_be_passed_to_what_takes_rows() -> None:
    """In attribute notation: functions of one row, of several, or of anything; not those that need more arguments."""
    drawing = users(Drawing())
    drawing.function("one", first=drawing.row_type("users"))
    drawing.function("several", first=drawing.oid("users[]"), variadic=True)
    drawing.function("optional", first=RECORD, arguments=2, defaults=1)
    drawing.function("two", first=RECORD, arguments=2)
    drawing.function("number", first=INT4)
    expected = {"one": True, "several": True, "optional": True, "two": False, "number": False}
    assert expected == {name: bool(told(drawing, f"SELECT u.{name} FROM users u")) for name in expected}


def test_a_name_behind_brackets_may_be_a_call_on_anything() -> None:
    """Of functions of users and of PostgreSQL's own that are withheld; fields of rows are plain."""
    drawing = users(Drawing())
    assert told(drawing, "SELECT (1).purge") == [f"execute_function function:public.purge: {ATTRIBUTE}"]
    for census in (drawing, Drawing()):
        assert [act.partition(":")[2] for act in told(census, "SELECT ('s'::regclass).nextval")] == [
            f"pg_catalog.nextval: {NOT_KNOWN}"
        ]
        assert told(census, "SELECT (x).name, (x).lower FROM users x") == []


def test_a_column_may_be_a_conversion_of_its_row() -> None:
    """To a domain over rows, whose checks run; other types are not made of rows in attribute notation."""
    drawing = users(Drawing())
    drawing.type("person", "d", base=drawing.row_type("users"))
    drawing.store(StoredKind.DOMAIN, "person", "purge")
    drawing.type("email", "d", base=TEXT)
    drawing.store(StoredKind.DOMAIN, "email", "purge")
    assert told(drawing, "SELECT u.person FROM users u") == [
        "execute_function function:public.purge: a check of the domain public.person calls it"
    ]
    assert told(drawing, "SELECT u.email, u.users FROM users u") == []


def test_event_triggers_run_when_something_is_defined() -> None:
    """The installation's own is known to do no harm."""
    drawing = users(Drawing())
    drawing.function("interlock.catalog_changed", arguments=0)
    drawing.event_triggers += [
        ("mine", drawing.oid("purge")),
        ("interlock_catalog_defined", drawing.oid("interlock.catalog_changed")),
    ]
    assert told(drawing, "DROP TABLE users") == [
        "execute_function function:public.purge: the event trigger mine calls it"
    ]
    assert told(drawing, "SELECT 1") == []


LOST = Lost(because="the catalog's census is lost")


@pytest.mark.parametrize(
    ("text", "established"),
    [
        ("SELECT 1 + 1", True),
        ("BEGIN", True),
        ("SET timezone = 'UTC'", True),
        ("SELECT now(), pg_catalog.lower('x')", True),
        ("SELECT * FROM pg_catalog.pg_class", True),
        ("SELECT * FROM pg_class", True),
        ("SELECT lower('x')", False),
        ("SELECT * FROM users", False),
        ("INSERT INTO interlock.recommendation (model) VALUES ('m')", False),
        ("EXPLAIN SELECT * FROM users", False),
        ("SELECT 'x'::mood", False),
        ("SELECT (SELECT pg_class FROM pg_class).x", False),
    ],
)
def test_without_the_census_that_should_be_there_only_what_needs_none_is_established(
    text: str, established: bool
) -> None:
    """What no catalog changes goes on; everything else says why it cannot be established."""
    assert (None if established else LOST.because) == expand(read_one(text), LOST, PATH).unestablished


@pytest.mark.parametrize(
    ("other_roles", "login", "moved"),
    [([], "ada", False), (["bob"], "ada", False), (["ada"], "ada", True), ([""], "ada", True), (["ada"], None, False)],
)
def test_user_on_the_path_is_the_role_that_the_session_runs_as(
    other_roles: list[str], login: str | None, moved: bool
) -> None:
    """Where ALTER ROLE or ALTER DATABASE ... SET role puts another role in its place, the path is not known."""
    drawing = Drawing()
    drawing.relation("app.users")
    drawing.other_roles += other_roles
    settings = Settings(search_path=("app",), user_on_path=login, temporary=False)
    target = expand(read_one("SELECT * FROM users"), drawing.census(), settings).acts[0].target
    assert target is not None
    assert target.candidates == (() if moved else ("app",))
