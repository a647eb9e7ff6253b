"""The JSON schema that editors complete and check by."""

from __future__ import annotations

import json
from typing import Any

from proxy.policy import AccountKind, Mode, json_schema
from proxy.sql import Effect, Modifier


def _words(name: str) -> list[str]:
    return list(json_schema()["$defs"][name]["enum"])


def test_schema_lists_every_word_that_may_be_written() -> None:
    """Effects, modifiers, kinds and modes complete in editors."""
    assert list(Effect) == _words("Effect")
    assert list(Modifier) == _words("Modifier")
    assert list(AccountKind) == _words("AccountKind")
    assert list(Mode) == _words("Mode")


def test_schema_refuses_unknown_keys_everywhere() -> None:
    """Every mapping of the shape is closed."""
    shapes: list[dict[str, Any]] = [json_schema(), *json_schema()["$defs"].values()]
    assert all(shape["additionalProperties"] is False for shape in shapes if shape["type"] == "object")


def test_schema_lets_a_list_of_one_be_its_item_and_everyone_a_word() -> None:
    """What the compiler accepts, editors accept too."""
    shapes = json_schema()["$defs"]
    assert shapes["PermitEntry"]["properties"]["effects"]["anyOf"][0] == {"$ref": "#/$defs/Effect"}
    assert {"const": "everyone"} in shapes["RuleEntry"]["properties"]["for"]["anyOf"]
    assert {"const": "*"} in shapes["ForbidEntry"]["properties"]["effects"]["anyOf"]


def test_schema_is_json() -> None:
    """It can be written to a file as it is."""
    assert json_schema() == json.loads(json.dumps(json_schema()))
