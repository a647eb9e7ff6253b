"""What is read from the text of a node tree."""

from __future__ import annotations

from proxy.sql.stored_code import DELETE, NOTHING, StoredCode, read_stored

VIEW = (
    "({QUERY :commandType 1 :resultRelation 0 :cteList <> :rtable ("
    '{RANGETBLENTRY :alias <> :eref {ALIAS :aliasname t :colnames ("q\\ :funcid\\ 55")} :rtekind 0 :relid 16387}'
    " {RANGETBLENTRY :rtekind 1 :subquery {QUERY :commandType 1 :resultRelation 0 :rtable ("
    "{RANGETBLENTRY :rtekind 0 :relid 16390}) :jointree {FROMEXPR :fromlist ({RANGETBLREF :rtindex 1})}} :relid 16999}"
    " {RANGETBLENTRY :rtekind 0 :relid 1259}) :jointree {FROMEXPR :fromlist ({JOINEXPR :larg {RANGETBLREF :rtindex 1}"
    " :rarg {RANGETBLREF :rtindex 2}}) :quals {OPEXPR :opno 96 :opfuncid 65 :args ({FUNCEXPR :funcid 16400})}}"
    " :targetList ({COERCETODOMAIN :resulttype 16401} {ROWCOMPAREEXPR :opnos (o 97 16500)})})"
)


def test_functions_types_and_relations_are_read_by_oid() -> None:
    """Built-in functions count, other built-in objects do not; a name that looks like a field is none."""
    assert read_stored(VIEW) == StoredCode(
        functions=frozenset({65, 16400}),
        operators=frozenset({16500}),
        types=frozenset({16401}),
        reads=(16390, 16387),
        rows_of=(16387,),
    )


def test_types_of_values_are_read() -> None:
    """Of constants, columns and results, where they are of users; anyarray may hold any."""
    tree = (
        "({CONST :consttype 16402 :consttypmod -1} {VAR :varno 1 :vartype 2277} {FUNCEXPR :funcid 65 :funcresulttype"
        " 16403 :args ({CONST :consttype 23} {VAR :vartype 12345})} {AGGREF :aggfnoid 66 :aggtype 16404})"
    )
    assert read_stored(tree).values == frozenset({16402, 2277, 16403, 16404})


def test_what_depends_on_no_column_is_told_apart() -> None:
    """The planner works it out; what a column stands in, it leaves to when there are rows."""
    tree = (
        "({OPEXPR :opno 551 :opfuncid 177 :args ({FUNCEXPR :funcid 16400 :args ({CONST :consttype 23})}"
        " {FUNCEXPR :funcid 16401 :args ({FUNCEXPR :funcid 16402 :args <>} {VAR :varno 1})})}"
        " {OPEXPR :opno 16500 :args ({CONST} {CONST})})"
    )
    constant = read_stored(tree, planned=True).constant
    assert constant == StoredCode(functions=frozenset({16400, 16402}), operators=frozenset({16500}))


def test_what_a_rule_writes_is_not_what_it_reads() -> None:
    """The result relation is written; NOTIFY is noticed."""
    rule = (
        "({QUERY :commandType 4 :resultRelation 2 :rtable ({RANGETBLENTRY :rtekind 0 :relid 16387}"
        " {RANGETBLENTRY :rtekind 0 :relid 16388})} {QUERY :commandType 6 :utilityStmt {NOTIFYSTMT} :rtable <>})"
    )
    assert read_stored(rule) == StoredCode(reads=(16387,), writes=((DELETE, 16388),), notifies=True)


def test_a_text_that_is_no_tree_names_nothing() -> None:
    """Stray brackets and fields outside any node do no harm."""
    assert [read_stored(text) for text in ("", "<>", "}} :relid 16400 :rtindex 1", "{QUERY")] == [NOTHING] * 4
