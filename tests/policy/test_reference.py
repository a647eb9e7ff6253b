"""The policy reference is true to the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from proxy.policy import HOUSE_RULES, AccountKind, compile_policy
from proxy.policy.document import SHAPES, keys_of
from proxy.policy.rules import INNOCUOUS, MAY_NAME_NOTHING
from proxy.sql import Effect, Modifier

REFERENCE = (Path(__file__).parents[2] / "docs" / "policy.md").read_text("utf-8")


def _table(heading: str) -> dict[str, str]:
    """First column of the first table under a heading -> the rest of its row."""
    section = REFERENCE.partition(f"### {heading}\n")[2]
    section = re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0]
    return dict(re.findall(r"^\| `([a-z_]+)` \| (.*) \|$", section, flags=re.MULTILINE))


def test_every_effect_is_documented_and_no_other() -> None:
    """The table of effects is the closed set."""
    assert list(Effect) == list(_table("Effects"))


def test_every_modifier_is_documented_with_whether_it_must_be_named() -> None:
    """The table of modifiers is the closed set, and says which are innocuous."""
    documented = _table("Modifiers")
    assert list(Modifier) == list(documented)
    assert {m.value for m in INNOCUOUS} == {m for m, words in documented.items() if "need not be named" in words}


def test_effects_that_need_no_object_are_documented() -> None:
    """The sentence names them all."""
    [sentence] = re.findall(r'"Needs no object" holds for (.*)\.\n', REFERENCE)
    assert {effect.value for effect in MAY_NAME_NOTHING} == set(re.findall(r"`(\w+)`", sentence))


@pytest.mark.parametrize("word", sorted({*HOUSE_RULES, *AccountKind, *(k for p in SHAPES for k in keys_of(p))}))
def test_every_key_kind_and_house_rule_is_in_the_reference(word: str) -> None:
    """Whatever may be written or shown is explained."""
    assert re.search(rf"\b{word}\b", REFERENCE)


EXAMPLES = re.findall(r"```yaml\n(.*?)```", REFERENCE, flags=re.DOTALL)


@pytest.mark.parametrize("text", EXAMPLES, ids=range(len(EXAMPLES)))
def test_examples_of_the_reference_compile(text: str) -> None:
    """What is copied from the reference works."""
    whole = text if text.startswith("version") else f"version: 1\n{text}"
    assert compile_policy([("example.yaml", whole)]).digest
