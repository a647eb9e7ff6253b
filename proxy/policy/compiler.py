"""Policy files -> Policy, or every mistake in all of them at once. Pure.

Each file is read and validated by itself; then what spans files is checked over all entries that are sound: ids, names
of accounts, ambiguous accounts, permits that could never mean what they say.
"""

from __future__ import annotations

import difflib
import hashlib
import ipaddress
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from proxy.policy.account import AccountKind
from proxy.policy.document import (
    AccountEntry,
    ForEntry,
    LimitEntry,
    PolicyDocument,
    RuleEntry,
    keys_of,
    seconds,
)
from proxy.policy.marks import Marked, Path, Place, PolicyMistake, read_marked
from proxy.policy.patterns import Glob, object_pattern, value_pattern
from proxy.policy.rules import Audience, Claim, Limit, Mode, Policy, Rule, Sense
from proxy.sql import Effect, Modifier

ALWAYS_IN_SCHEMA: Final = frozenset(
    {Effect.SELECT, Effect.INSERT, Effect.UPDATE, Effect.DELETE, Effect.MERGE, Effect.TRUNCATE, Effect.COPY_IN}
    | {Effect.COPY_OUT, Effect.EXECUTE_FUNCTION, Effect.CALL, Effect.LOCK, Effect.MAINTAIN}
)
"""Effects that fall only on objects in schemas: a permit's pattern without a schema would never cover one."""


class PolicyMistakes(Exception):  # noqa: N818 - it carries mistakes, several, and is named for them
    """Policy files that cannot be used, with everything that is wrong about them (their author's fault)."""

    def __init__(self, mistakes: Iterable[PolicyMistake]) -> None:
        self.mistakes = tuple(sorted(set(mistakes), key=lambda m: (m.file, m.line, m.column, m.message)))
        """Sorted by file, line and column; never empty."""
        super().__init__("\n".join(map(str, self.mistakes)))


Entry = TypeVar("Entry", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Located:
    """Where an entry came from."""

    file: str
    marked: Marked
    path: Path

    def mistake(self, within: Path, message: str, fix: str | None = None) -> PolicyMistake:
        place = self.marked.place((*self.path, *within))
        return PolicyMistake(self.file, place.line, place.column, message, fix)

    @property
    def place(self) -> Place:
        return self.marked.place(self.path)


@dataclass(slots=True)
class _Gathered:
    """The sound entries of all files."""

    accounts: list[tuple[AccountEntry, _Located]] = field(default_factory=list)
    rules: list[tuple[RuleEntry, _Located]] = field(default_factory=list)
    limits: list[tuple[LimitEntry, _Located]] = field(default_factory=list)
    unmatched: list[tuple[AccountKind, _Located]] = field(default_factory=list)
    whole: bool = True
    """False where some file broke off: accounts may be declared in what was not read."""


def compile_policy(files: Sequence[tuple[str, str]]) -> Policy:
    """Compile [(file name, text)], which together are one policy. Raises PolicyMistakes, and nothing else."""
    mistakes: list[PolicyMistake] = []
    if not files:
        mistakes.append(PolicyMistake("policy", 1, 1, "there is no policy file", "name a file or a folder of *.yaml"))
    gathered = _Gathered()
    for file, text in files:
        _gather(file, read_marked(file, text), gathered, mistakes)
    mistakes.extend(_unmatched_twice(gathered))
    mistakes.extend(_repeated_ids(gathered))
    claims = [(claim, located) for entry, located in gathered.accounts for claim in _claims(entry)]
    mistakes.extend(_ambiguities(claims))
    if gathered.whole:
        mistakes.extend(_unknown_accounts(gathered))
    mistakes.extend(_bare_names(gathered.rules))
    if mistakes:
        raise PolicyMistakes(mistakes)
    return Policy(
        rules=tuple(sorted((_rule(entry, located) for entry, located in gathered.rules), key=lambda rule: rule.id)),
        claims=tuple(sorted((claim for claim, _ in claims), key=lambda claim: claim.weight, reverse=True)),
        limits=tuple(_limit(entry) for entry, _ in gathered.limits),
        unmatched=gathered.unmatched[0][0] if gathered.unmatched else AccountKind.PERSON,
        digest=_digest(gathered),
    )


def _gather(file: str, marked: Marked, gathered: _Gathered, mistakes: list[PolicyMistake]) -> None:
    """Validate one file; keep what is sound even where other parts are not, so that all mistakes show at once."""
    mistakes.extend(marked.mistakes)
    gathered.whole &= marked.whole
    if not marked.places:
        return
    if marked.value is None:
        if not marked.mistakes:
            mistakes.append(PolicyMistake(file, 1, 1, "the file says nothing", "begin with: version: 1"))
        return
    try:
        PolicyDocument.model_validate(marked.value)
    except ValidationError as error:
        if marked.whole:
            mistakes.extend(_worded(file, marked, found) for found in error.errors(include_url=False))
    if not isinstance(marked.value, dict):
        return
    gathered.accounts.extend(_sound(AccountEntry, "accounts", file, marked))
    gathered.rules.extend(_sound(RuleEntry, "rules", file, marked))
    gathered.limits.extend(_sound(LimitEntry, "limits", file, marked))
    unmatched = marked.value.get("unmatched")
    if isinstance(unmatched, str) and unmatched in set(AccountKind):
        gathered.unmatched.append((AccountKind(unmatched), _Located(file, marked, ("unmatched",))))


def _sound(model: type[Entry], key: str, file: str, marked: Marked) -> Iterable[tuple[Entry, _Located]]:
    listed = marked.value.get(key) if isinstance(marked.value, dict) else None
    for index, raw in enumerate(listed if isinstance(listed, list) else ()):
        try:
            yield model.model_validate(raw), _Located(file, marked, (key, index))
        except ValidationError:
            continue  # Already worded from the whole document.


# Wording of pydantic's findings


_TYPES: Final = {
    "string_type": "text",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "a mapping of keys",
    "dict_type": "a mapping of keys",
    "model_attributes_type": "a mapping of keys",
}
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
            message, fix = f'unknown key "{names[-1]}"', _did_you_mean(names[-1], known, "keys here are")
        case "missing":
            place = marked.place(location[:-1])
            message, fix = f'key "{names[-1]}" is missing', f"add {names[-1]}:"
        case "literal_error":
            message, fix = f"expected {context['expected']}, found {_shown(raw)}", None
        case "enum":
            key = names[-1]
            vocabulary = dict(_VOCABULARIES).get(key)
            words = [word.value for word in vocabulary] if vocabulary else []
            message = f"unknown {_singular(key)} {_shown(raw)}"
            fix = _did_you_mean(str(raw), words, "known are")
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


def _did_you_mean(word: str, known: Sequence[str], otherwise: str) -> str | None:
    near = difflib.get_close_matches(word.lower()[:100], known, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"{otherwise}: {', '.join(known)}" if known else None


# What spans entries


def _unmatched_twice(gathered: _Gathered) -> Iterable[PolicyMistake]:
    for kind, located in gathered.unmatched[1:]:
        if kind is not gathered.unmatched[0][0]:
            first = gathered.unmatched[0][1]
            message = f"unmatched is also given in {first.file}:{first.place.line}, with another kind"
            yield located.mistake((), message, "keep one")


def _repeated_ids(gathered: _Gathered) -> Iterable[PolicyMistake]:
    rules = [("id", entry.id, located) for entry, located in gathered.rules]
    accounts = [("name", entry.name, located) for entry, located in gathered.accounts]
    for what, named in (("rule id", rules), ("account name", accounts)):
        first: dict[str, _Located] = {}
        for key, name, located in named:
            if name in first:
                there = first[name]
                message = f'{what} "{name}" is already used in {there.file}:{there.place.line}'
                fix = "choose another" if what == "rule id" else "list all logins in one entry's match.user"
                yield located.mistake((key,), message, fix)
            first.setdefault(name, located)


def _claims(entry: AccountEntry) -> Iterable[Claim]:
    match = entry.match
    for user in dict.fromkeys(match.user):
        yield Claim(
            account=entry.name,
            kind=entry.kind,
            user=Glob.of(user),
            certificate_name=Glob.of(match.certificate_name or "*"),
            network=None if match.client_address is None else ipaddress.ip_network(match.client_address),
            database=Glob.of(match.database or "*"),
            application_name=Glob.of(match.application_name or "*"),
        )


def _ambiguities(claims: Sequence[tuple[Claim, _Located]]) -> Iterable[PolicyMistake]:
    # Only equal weights can tie, and two exact logins meet only if they are one: this keeps long lists of logins cheap.
    alike: dict[tuple[object, str | None], list[tuple[Claim, _Located]]] = {}
    for claim, located in claims:
        alike.setdefault((claim.weight, claim.user.literal), []).append((claim, located))
    for group in alike.values():
        for (one, there), (other, here) in combinations(group, 2):
            if one.account != other.account and one.meets(other):
                message = (
                    f'accounts "{one.account}" ({there.file}:{there.place.line}) and "{other.account}" can match the '
                    "same connection equally closely"
                )
                yield here.mistake(("match",), message, "make one of them more exact")


def _unknown_accounts(gathered: _Gathered) -> Iterable[PolicyMistake]:
    known = sorted({entry.name for entry, _ in gathered.accounts})
    entries: list[tuple[ForEntry, _Located]] = [(entry.for_, located) for entry, located in gathered.rules]
    entries += [(entry.for_, located) for entry, located in gathered.limits]
    for whom, located in entries:
        for index, name in enumerate(whom.account or ()):
            if name not in known:
                message = f'there is no account "{name}" under accounts'
                fix = _did_you_mean(name, known, "accounts are") or "for a login, write user: instead of account:"
                yield located.mistake(("for", "account", index), message, fix)


def _bare_names(rules: Iterable[tuple[RuleEntry, _Located]]) -> Iterable[PolicyMistake]:
    for entry, located in rules:
        permit = entry.permit
        if permit is None or not ALWAYS_IN_SCHEMA.issuperset(permit.effects):
            continue
        for index, text in enumerate(permit.on or ()):
            pattern = object_pattern(text)
            if pattern.schema is None and not pattern.everything:
                message = f'"{text}" names no schema, so the permit would cover nothing'
                yield located.mistake(("permit", "on", index), message, f"write the schema, as public.{text}")


# Compiled values


def _audience(whom: ForEntry) -> Audience:
    return Audience(
        kinds=None if whom.kind is None else frozenset(whom.kind),
        accounts=None if whom.account is None else frozenset(whom.account),
        users=None if whom.user is None else tuple(Glob.of(user) for user in whom.user),
    )


def _rule(entry: RuleEntry, located: _Located) -> Rule:
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
        file=located.file,
        line=located.place.line,
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


def _digest(gathered: _Gathered) -> str:
    """SHA-256 of what the files mean: every list is a set here, so order does not count."""
    content = {
        "version": 1,
        "unmatched": str(gathered.unmatched[0][0] if gathered.unmatched else AccountKind.PERSON),
        "accounts": [_canonical(entry.model_dump(mode="json", by_alias=True)) for entry, _ in gathered.accounts],
        "rules": [_canonical(entry.model_dump(mode="json", by_alias=True)) for entry, _ in gathered.rules],
        "limits": [_canonical(entry.model_dump(mode="json", by_alias=True)) for entry, _ in gathered.limits],
    }
    return hashlib.sha256(_text(_canonical(content)).encode("ascii")).hexdigest()


def _canonical(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _canonical(each) for key, each in value.items() if each is not None}
    if isinstance(value, list):
        return sorted((_canonical(each) for each in value), key=_text)
    return value


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
