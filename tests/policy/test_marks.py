"""Reading YAML with places, and nothing of YAML that a policy does not need."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy.marks import MAX_BYTES, Place, read_marked


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "y", "On", "1:30", "0x10", "0o7", "1_000", "2026-01-01"])
def test_words_that_yaml_1_1_would_turn_into_something_else_stay_text(word: str) -> None:
    """What YAML 1.1 reads as booleans, dates or base 60 is text here, as key and as value."""
    assert {"k": word} == read_marked("f", f"k: {word}").value
    assert {word: "v"} == read_marked("f", f"{word}: v").value


def test_numbers_booleans_and_nothing_are_read() -> None:
    """The core schema's plain scalars have their types; quoted ones are text."""
    read = read_marked("f", "[1, -2, 1.5, true, False, null, ~, '1', \"true\"]")
    assert read.value == [1, -2, 1.5, True, False, None, None, "1", "true"]


def test_values_and_keys_know_their_places() -> None:
    """Lines and columns count from 1."""
    read = read_marked("f", "a:\n  - b: c\n    d: e\n")
    assert Place(3, 8) == read.place(("a", 0, "d"))
    assert Place(3, 5) == read.place(("a", 0, "d"), key=True)
    assert Place(2, 5) == read.place(("a", 0, "missing"))


@pytest.mark.parametrize(
    ("text", "line", "column", "says"),
    [
        ("a: 1\na: 2", 2, 1, 'key "a" is given twice, first on line 1'),
        ("a: &x 1", 1, 4, "anchors"),
        ("a: *x", 1, 4, "aliases"),
        ("a: &x [1]\nb: [*x, *x]", 1, 4, "anchors"),
        ("a: !!python/object:os.system x", 1, 4, "tags"),
        ("a: !!str 1", 1, 4, "tags"),
        ("1: a", 1, 1, "a key must be text"),
        ("true: a", 1, 1, "a key must be text"),
        ("? [a]\n: b", 1, 3, "a key must be text"),
        ("? {a: b}\n: c", 1, 3, "a key must be text"),
        ("a: 1\n---\nb: 2", 2, 1, "a second document"),
        ("a: [", 1, 5, "not YAML"),
        ("a:\n\tb: 1", 2, 1, "not YAML"),
        ('a: "\\0"', 1, 4, "control character"),
        ('a: "\\ud800"', 1, 4, "surrogate"),
        ("a: b\nc: \x07", 2, 4, "a character that YAML does not allow"),
        ("a: \udcff", 1, 4, "a character that YAML does not allow"),
        ('"\\UFFFFFFFF"', 1, 1, "out of range"),
        ("[" * 40, 1, 33, "nested deeper"),
        ("x" * (MAX_BYTES + 1), 1, 1, "more than 1048576"),
    ],
)
def test_what_a_policy_does_not_need_of_yaml_is_a_mistake_with_its_place(
    text: str, line: int, column: int, says: str
) -> None:
    """Each is found where it stands."""
    first = read_marked("f", text).mistakes[0]
    assert (line, column) == (first.line, first.column)
    assert says in first.message


@pytest.mark.parametrize(
    ("text", "place", "fix"),
    [
        ("on: [*.*]", (1, 6), 'put it in double quotes: "*.*"'),
        ("on: [a, *]", (1, 9), 'put it in double quotes: "*"'),
        ("user: *_janitor", (1, 7), 'put it in double quotes: "*_janitor"'),
        ("user: @x", (1, 7), "a text cannot begin with it: put the text in double quotes"),
        ("a:\n\tb: 1", (2, 1), "indent with spaces"),
        ("a:\n  b: 1\n c: 2", (3, 2), "indent it with spaces, as much as what it stands beside"),
        ("a: 1\n  b: 2", (2, 4), "indent it"),
        ("because: No: never", (1, 12), "a text that holds a colon, put in double quotes"),
        ("on: [a b, c", (1, 12), "close the list with ]"),
        ("for: {kind: model", (1, 18), "close the mapping with }"),
        ("because: 'People decide", (1, 24), "close the quotes"),
        ('on: "a\\.b"', (1, 8), "for a backslash"),
        ("on: - a", (1, 5), "begin a line with each - of a list"),
        ("version 1\nrules: []", (2, 6), "indent it"),
    ],
)
def test_what_is_not_yaml_says_how_to_mend_it(text: str, place: tuple[int, int], fix: str) -> None:
    """Authors of policies know what they mean, and need not know YAML's grammar."""
    [mistake] = read_marked("f", text).mistakes
    assert place == (mistake.line, mistake.column)
    assert fix in (mistake.fix or "")


def test_a_mistake_of_yaml_names_the_line_on_which_it_began() -> None:
    """A bracket that was never closed may stand far above the place where it shows."""
    [mistake] = read_marked("f", "a: [b,\n  c\nd: e\n").mistakes
    assert mistake.message.endswith(", in what began on line 1")


def test_alias_bomb_costs_nothing() -> None:
    """Aliases are not expanded, so ten levels of ten make ten mistakes each and no gigabytes."""
    lines = ["a0: &a0 [x]"] + [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 10)]
    read = read_marked("f", "\n".join(lines))
    assert len(read.mistakes) == 9 * 10 + 10


@given(st.text(max_size=200) | st.text(alphabet="[]{}:,-&*!|>'\"\\#%@`? \nab01Uux", max_size=200))
def test_reading_never_raises(text: str) -> None:
    """Whatever the text, the outcome is a value."""
    read = read_marked("f", text)
    assert read.whole or read.mistakes
