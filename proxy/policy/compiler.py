"""Policy files -> Policy, or every mistake in all of them at once. Pure.

Each file is read and validated by itself; what its parts must say together is asked of all files as they were written
(`consistency.py`); and only where nothing is wrong does anything become a policy.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from pydantic import ValidationError

from proxy.policy.account import AccountKind
from proxy.policy.consistency import File, claims_of, did_you_mean, inconsistencies
from proxy.policy.document import ANY_EFFECT, ForEntry, LimitEntry, PolicyDocument, RuleEntry, keys_of, seconds
from proxy.policy.marks import Marked, Path, PolicyMistake, read_marked
from proxy.policy.patterns import Glob, object_pattern, value_pattern
from proxy.policy.rules import Audience, Limit, Mode, Policy, Rule, Sense
from proxy.sql import Effect, Modifier


class PolicyMistakes(Exception):  # noqa: N818 - it carries mistakes, several, and is named for them
    """Policy files that cannot be used, with everything that is wrong about them (their author's fault)."""

    def __init__(self, mistakes: Iterable[PolicyMistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes), key=lambda m: (m.file, m.line, m.column, m.message)))
        """Sorted by file, line and column; never empty."""
        super().__init__("\n".join(map(str, self.mistakes)))


@dataclass(frozen=True, slots=True)
class _Sound:
    """A file without mistakes."""

    file: File
    document: PolicyDocument


def compile_policy(files: Sequence[tuple[str, str]]) -> Policy:
    """Compile [(file name, text)], which together are one policy. Raises PolicyMistakes, and nothing else."""
    mistakes: list[PolicyMistake] = []
    if not files:
        mistakes.append(PolicyMistake("policy", 1, 1, "there is no policy file", "name a file or a folder of *.yaml"))
    written = [File(name, read_marked(name, text)) for name, text in files]
    sound = [_Sound(file, document) for file in written if (document := _validated(file, mistakes)) is not None]
    mistakes.extend(inconsistencies(written))
    if mistakes:
        raise PolicyMistakes(mistakes)
    documents = [each.document for each in sound]
    unmatched = next((said for document in documents if (said := document.unmatched) is not None), AccountKind.PERSON)
    claims = [
        claim
        for document in documents
        for entry in document.accounts
        for claim in claims_of(entry.name, entry.kind, entry.match)
    ]
    rules = [
        _rule(entry, each.file.name, each.file.place(("rules", index)).line)
        for each in sound
        for index, entry in enumerate(each.document.rules)
    ]
    return Policy(
        rules=tuple(sorted(rules, key=lambda rule: rule.id)),
        claims=tuple(sorted(claims, key=lambda claim: claim.weight, reverse=True)),
        limits=tuple(_limit(entry) for document in documents for entry in document.limits),
        unmatched=unmatched,
        digest=_digest(documents, unmatched),
    )


def _validated(file: File, mistakes: list[PolicyMistake]) -> PolicyDocument | None:
    """Validate one file by itself."""
    marked = file.marked
    mistakes.extend(marked.mistakes)
    if marked.value is None:
        if not marked.mistakes:
            mistakes.append(PolicyMistake(file.name, 1, 1, "the file says nothing", "begin with: version: 1"))
        return None
    try:
        return PolicyDocument.model_validate(marked.value)
    except ValidationError as error:
        mistakes.extend(
            _worded(file.name, marked, found)
            for found in error.errors(include_url=False)
            # Where reading broke off, what seems missing may stand in the rest.
            if marked.whole or found["type"] not in _MISSING
        )
        return None


# Wording of pydantic's findings


_TYPES: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
}
_MISSING: Final = {"missing", "too_short", "interlock", *_TYPES}
"""Findings that more text may mend: a key, an item, a value that is empty so far."""
_VOCABULARIES: Final[tuple[tuple[str, type[StrEnum]], ...]] = (
    ("effects", Effect),
    ("modifiers", Modifier),
    ("kind", AccountKind),
    ("unmatched", AccountKind),
    ("mode", Mode),
)


def _worded(file: str, marked: Marked, found: Any) -> PolicyMistake:
    location: Path = tuple(found["loc"])
    names = tuple(part for part in location if isinstance(part, str))
    kind: str = found["type"]
    raw = found["input"]
    context: dict[str, Any] = found.get("ctx", {})
    place = marked.place(location)
    message, fix = str(found["msg"]).lower(), None
    match kind:
        case "interlock":
            message, fix = context["message"], context["fix"] or None
        case "extra_forbidden":
            place = marked.place(location, key=True)
            known = keys_of(names[:-1])
            message, fix = f'unknown key "{names[-1]}"', did_you_mean(names[-1], known, "keys here are")
        case "missing":
            place = marked.place(location[:-1])
            message, fix = f'key "{names[-1]}" is missing', f"add {names[-1]}:"
        case "literal_error":
            message = f"version is that of the file's shape, {context['expected']}; found {_shown(raw)}"
            fix = f"write version: {context['expected']}"
        case "enum":
            key = names[-1]
            vocabulary = dict(_VOCABULARIES).get(key)
            words = [word.value for word in vocabulary] if vocabulary else []
            message = f"unknown {_singular(key)} {_shown(raw)}"
            fix = did_you_mean(str(raw), words, "known are")
            if key == "effects" and raw == ANY_EFFECT:
                message = f'"{ANY_EFFECT}" stands alone, and only with forbid'
                fix = "remove the other effects" if "forbid" in names else "name each effect that is permitted"
        case "too_short":
            message, fix = "an empty list", "name at least one, or leave the key out"
        case "string_too_short":
            message, fix = "an empty text", "write a name"
        case "string_too_long":
            message, fix = "a text of more than 500 characters", "shorten it"
        case "greater_than_equal" | "less_than_equal":
            message, fix = f"{_shown(raw)} is out of range", "write a whole number from 1 to 10^15"
        case _ if kind in _TYPES:
            message = f"expected {_TYPES[kind]}, found {_shown(raw)}"
            fix = "put it in double quotes" if kind == "string_type" and isinstance(raw, bool | int | float) else None
    return PolicyMistake(file, place.line, place.column, message, fix)


def _singular(key: str) -> str:
    return {"effects": "effect", "modifiers": "modifier", "unmatched": "kind"}.get(key, key)


def _shown(raw: Any) -> str:
    match raw:
        case None:
            return "nothing"
        case bool():
            return str(raw).lower()
        case str():
            return f'"{raw[:60]}"'
        case int() | float():
            return f"the number {raw}"
        case list():
            return "a list"
    return "a mapping"


# Compiled values


def _audience(whom: ForEntry) -> Audience:
    return Audience(
        kinds=None if whom.kind is None else frozenset(whom.kind),
        accounts=None if whom.account is None else frozenset(whom.account),
        users=None if whom.user is None else tuple(Glob.of(user) for user in whom.user),
    )


def _rule(entry: RuleEntry, file: str, line: int) -> Rule:
    said = entry.permit or entry.forbid
    assert said is not None  # noqa: S101 - for the type checker: the shape has one of them
    values = entry.permit.values if entry.permit is not None else None
    return Rule(
        id=entry.id,
        sense=Sense.FORBID if entry.permit is None else Sense.PERMIT,
        audience=_audience(entry.for_),
        effects=frozenset(said.effects),
        on=None if said.on is None else tuple(object_pattern(text) for text in said.on),
        modifiers=frozenset(said.modifiers or ()),
        values=None if values is None else tuple(value_pattern(text) for text in values),
        because=entry.because,
        instead=entry.instead,
        mode=entry.mode,
        file=file,
        line=line,
    )


def _limit(entry: LimitEntry) -> Limit:
    rows, quarantine = entry.rows_written, entry.quarantine
    return Limit(
        audience=_audience(entry.for_),
        rows_per_statement=None if rows is None else rows.per_statement,
        rows_per_minute=None if rows is None else rows.per_minute,
        statements_per_second=None if entry.statements is None else entry.statements.per_second,
        refusals=None if quarantine is None else quarantine.after_refusals,
        refusals_within_s=None if quarantine is None else seconds(quarantine.within),
    )


def _digest(documents: Sequence[PolicyDocument], unmatched: AccountKind) -> str:
    """SHA-256 of what the files mean: every list is a set here, so order does not count."""
    dumps = [document.model_dump(mode="json", by_alias=True) for document in documents]
    content: dict[str, Any] = {"version": 1, "unmatched": str(unmatched)}
    for key in ("accounts", "rules", "limits"):
        content[key] = [_canonical(entry) for dump in dumps for entry in dump[key]]
    return hashlib.sha256(_text(_canonical(content)).encode("ascii")).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return sorted((_canonical(each) for each in value), key=_text)
    return value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
