"""What the entries of a policy must say together: within one, across all of them, and across files. Pure.

Asked of the values as they were written, not of entries that are sound: an entry with a mistake still has an id that
another may repeat, and whoever mends the one mistake would meet the next only then. What is doubtful because of a
mistake that is told anyway is passed over.
"""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from pydantic import ValidationError

from proxy.policy.account import AccountKind
from proxy.policy.document import MatchEntry, keys_of
from proxy.policy.marks import Marked, Path, Place, Plain, PolicyMistake
from proxy.policy.patterns import Glob, PatternError, object_pattern
from proxy.policy.rules import Claim, Mode
from proxy.sql import Effect

ALWAYS_IN_SCHEMA: Final = frozenset(
    {Effect.SELECT, Effect.INSERT, Effect.UPDATE, Effect.DELETE, Effect.MERGE, Effect.TRUNCATE, Effect.COPY_IN}
    | {Effect.COPY_OUT, Effect.EXECUTE_FUNCTION, Effect.CALL, Effect.LOCK, Effect.MAINTAIN}
)
"""Effects that fall only on objects in schemas: a permit's pattern without a schema would never cover one."""


@dataclass(frozen=True, slots=True)
class File:
    """One file as it was written, right or wrong."""

    name: str
    marked: Marked

    def entries(self, key: str) -> Iterator[_Entry]:
        """Give the entries of a list of the file that are mappings."""
        listed = self.marked.value.get(key) if isinstance(self.marked.value, dict) else None
        for index, said in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(said, dict):
                yield _Entry(self, (key, index), said)

    def place(self, path: Path) -> Place:
        """Where a value stands, or the nearest part around it."""
        return self.marked.place(path)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One item of `accounts`, `rules` or `limits`."""

    file: File
    path: Path
    said: dict[str, Plain]

    def at(self, *path: str) -> Plain:
        """Give what is written there; None where nothing is."""
        value: Plain = self.said
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        return value

    def texts(self, *path: str) -> list[tuple[Path, str]]:
        """Give the texts there, one or a list of them, each with its path in the entry."""
        value = self.at(*path)
        if isinstance(value, list):
            return [((*path, index), text) for index, text in enumerate(value) if isinstance(text, str)]
        return [(path, value)] if isinstance(value, str) else []

    def lacks(self, *path: str) -> bool:
        """Whether the last key is missing, rather than misspelt or in what was not read."""
        *around, key = path
        there = self.at(*around)
        if not isinstance(there, dict) or key in there or not self.file.marked.whole:
            return False
        known = keys_of((str(self.path[0]), *around))
        return not any(difflib.get_close_matches(other, [key]) for other in there if other not in known)

    def mistake(self, within: Path, message: str, fix: str) -> PolicyMistake:
        place = self.file.place((*self.path, *within))
        return PolicyMistake(self.file.name, place.line, place.column, message, fix)

    def __str__(self) -> str:
        return f"{self.file.name}:{self.file.place(self.path).line}"


def inconsistencies(files: Sequence[File]) -> Iterator[PolicyMistake]:
    """Give every mistake that the shape of one part alone does not show."""
    accounts = [entry for file in files for entry in file.entries("accounts")]
    rules = [entry for file in files for entry in file.entries("rules")]
    limits = [entry for file in files for entry in file.entries("limits")]
    for account in accounts:
        yield from _freer_by_claim(account)
    for rule in rules:
        yield from _one_thing(rule)
        yield from _values_of_settings(rule)
        yield from _bare_names(rule)
    for limit in limits:
        yield from _no_limit(limit)
    yield from _unmatched_twice(files)
    yield from _repeated("id", "rule id", rules, "choose another")
    yield from _repeated("name", "account name", accounts, "list all logins in one entry's match.user")
    yield from _ambiguities(accounts)
    # Accounts may be declared in what was not read.
    if all(file.marked.whole for file in files):
        yield from _unknown_accounts(accounts, [*rules, *limits])


def claims_of(account: str, kind: AccountKind, match: MatchEntry) -> Iterator[Claim]:
    """Give the ways in which a connection is recognized as the account: one for each login."""
    for user in dict.fromkeys(match.user):
        yield Claim(
            account=account,
            kind=kind,
            user=Glob.of(user),
            certificate_name=Glob.of(match.certificate_name or "*"),
            network=None if match.client_address is None else ipaddress.ip_network(match.client_address),
            database=Glob.of(match.database or "*"),
            application_name=Glob.of(match.application_name or "*"),
        )


# Within one entry


def _freer_by_claim(account: _Entry) -> Iterator[PolicyMistake]:
    freer = (AccountKind.PERSON, AccountKind.SERVICE)
    if account.at("match", "application_name") is not None and account.at("kind") in freer:
        message = "application_name is whatever the client says, so it may make an account a model but nothing freer"
        yield account.mistake((), message, "recognize it by user, certificate_name or client_address")


def _one_thing(rule: _Entry) -> Iterator[PolicyMistake]:
    permits, forbids = rule.at("permit") is not None, rule.at("forbid") is not None
    if permits and forbids:
        yield rule.mistake((), "a rule needs either permit or forbid", "split it into two")
    elif permits:
        if rule.at("mode") == Mode.OBSERVE:
            yield rule.mistake((), "mode observe is for forbid rules: a permit refuses nothing", "remove mode")
        if rule.at("instead") is not None:
            yield rule.mistake((), "instead is for forbid rules: a permit refuses nothing", "remove instead")
    elif not forbids and rule.lacks("permit") and rule.lacks("forbid"):
        yield rule.mistake((), "a rule needs either permit or forbid", "add one")
    if forbids and rule.lacks("because"):
        message = 'key "because" is missing: whoever is refused is told why'
        yield rule.mistake((), message, "add because: and one sentence")


def _values_of_settings(rule: _Entry) -> Iterator[PolicyMistake]:
    effects = _effects(rule)
    if rule.at("permit", "values") is not None and effects and effects != {Effect.SET}:
        message = "values limit only the effect set"
        yield rule.mistake(("permit",), message, "move the other effects to a rule of their own")


def _bare_names(rule: _Entry) -> Iterator[PolicyMistake]:
    effects = _effects(rule)
    if not effects or not ALWAYS_IN_SCHEMA.issuperset(effects):
        return
    for path, text in rule.texts("permit", "on"):
        try:
            pattern = object_pattern(text)
        except PatternError:
            continue
        if pattern.schema is None and not pattern.everything:
            message = f'"{text}" names no schema, so the permit would cover nothing'
            yield rule.mistake(path, message, f"write the schema, as public.{text}")


def _effects(rule: _Entry) -> set[Effect]:
    """Effects of a permit; none where one of them is a mistake, and may be meant to be any."""
    texts = {text for _, text in rule.texts("permit", "effects")}
    return {Effect(text) for text in texts} if texts <= set(Effect) else set()


def _no_limit(limit: _Entry) -> Iterator[PolicyMistake]:
    rows = limit.at("rows_written")
    if isinstance(rows, dict) and limit.lacks("rows_written", "per_statement"):
        if limit.lacks("rows_written", "per_minute"):
            yield limit.mistake((), "rows_written limits nothing", "add per_statement or per_minute")
    elif rows is None and all(limit.lacks(key) for key in ("rows_written", "statements", "quarantine")):
        yield limit.mistake((), "it limits nothing", "add rows_written, statements or quarantine")


# Across entries


def _unmatched_twice(files: Sequence[File]) -> Iterator[PolicyMistake]:
    kinds = tuple(AccountKind)
    given = [
        (file, said)
        for file in files
        if isinstance(file.marked.value, dict) and (said := file.marked.value.get("unmatched")) in kinds
    ]
    for file, said in given[1:]:
        first, first_said = given[0]
        if said != first_said:
            place, there = file.place(("unmatched",)), first.place(("unmatched",))
            message = f"unmatched is also given in {first.name}:{there.line}, with another kind"
            yield PolicyMistake(file.name, place.line, place.column, message, "keep one")


def _repeated(key: str, what: str, entries: Iterable[_Entry], fix: str) -> Iterator[PolicyMistake]:
    first: dict[str, _Entry] = {}
    for entry in entries:
        name = entry.at(key)
        if not isinstance(name, str):
            continue
        if name in first:
            yield entry.mistake((key,), f'{what} "{name}" is already used in {first[name]}', fix)
        first.setdefault(name, entry)


def _ambiguities(accounts: Iterable[_Entry]) -> Iterator[PolicyMistake]:
    # Only equal weights can tie, and two exact logins meet only if they are one: this keeps long lists of logins cheap.
    alike: dict[tuple[object, str | None], list[tuple[Claim, _Entry]]] = {}
    for entry in accounts:
        for claim in _claims(entry):
            alike.setdefault((claim.weight, claim.user.literal), []).append((claim, entry))
    for group in alike.values():
        for (one, there), (other, here) in combinations(group, 2):
            if one.account != other.account and one.meets(other):
                message = (
                    f'accounts "{one.account}" ({there}) and "{other.account}" can match the same connection equally '
                    "closely"
                )
                yield here.mistake(("match",), message, "make one of them more exact")


def _claims(account: _Entry) -> Iterator[Claim]:
    name = account.at("name")
    if not isinstance(name, str):
        return
    try:
        match = MatchEntry.model_validate(account.at("match"))
    except ValidationError:
        return  # Worded from the whole document.
    # The kind does not tell connections apart, and may be a mistake of its own.
    yield from claims_of(name, AccountKind.MODEL, match)


def _unknown_accounts(accounts: Iterable[_Entry], entries: Iterable[_Entry]) -> Iterator[PolicyMistake]:
    known = sorted({name for account in accounts if isinstance(name := account.at("name"), str)})
    for entry in entries:
        for path, name in entry.texts("for", "account"):
            if name not in known:
                message = f'there is no account "{name}" under accounts'
                fix = did_you_mean(name, known, "accounts are") or "for a login, write user: instead of account:"
                yield entry.mistake(path, message, fix)


def did_you_mean(word: str, known: Sequence[str], otherwise: str) -> str | None:
    """Give the known word that is near, or else all of them; None where there are none."""
    near = difflib.get_close_matches(word.lower()[:100], known, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"{otherwise}: {', '.join(known)}" if known else None
