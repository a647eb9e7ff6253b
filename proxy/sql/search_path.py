"""What of a session decides what a name means: `search_path` as the server reports it, and what moves it. Pure.

Temporary objects stand before every schema of it, so what may make one counts, too.

Sources: Schema Search Path; varlena.c, SplitIdentifierString; SET ("if SET LOCAL is used within a transaction ..., the
effects disappear when the transaction ends", and those of SET when it is rolled back).
"""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Final

from proxy.sql.facts import Effect, Facts, Settings

_NAME_BYTES: Final = 63
"""NAMEDATALEN - 1: PostgreSQL cuts longer identifiers."""
_ENDS: Final = frozenset({"COMMIT", "ROLLBACK", "PREPARE TRANSACTION"})
_LEXICAL: Final = frozenset({"standard_conforming_strings", "client_encoding", "names"})
_CODE: Final = frozenset({Effect.ROLE_CHANGE, Effect.DISCARD, Effect.DO, Effect.CALL})

_STORE: Final = frozenset({"CLOSE CURSOR", "DEALLOCATE", "DECLARE CURSOR", "PREPARE"})
"""Tags of the statements that name what is stored, and do not run it."""
_MAKE_NOTHING: Final = frozenset(
    {Effect.SELECT, Effect.INSERT, Effect.UPDATE, Effect.DELETE, Effect.MERGE, Effect.TRUNCATE, Effect.LOCK}
    | {Effect.COPY_IN, Effect.COPY_OUT, Effect.CURSOR, Effect.PREPARE, Effect.EXPLAIN, Effect.TRANSACTION}
    | {Effect.SET, Effect.SHOW, Effect.DISCARD, Effect.LISTEN, Effect.NOTIFY}
)
"""Effects that by themselves make no object; code that they set off is an act of its own under a census."""


class Moves(Enum):
    """What a statement may change of the settings under which the next text is read."""

    NOTHING = 0
    BACK = 1
    """It ends a transaction, and with it what was set inside."""
    PATH = 2
    """Which objects unqualified names stand for."""
    LEXICAL = 3
    """Where strings end, or what the bytes mean."""


def moves(facts: Facts) -> Moves:
    """Tell what a statement may change of the settings under which the next text is read."""
    names = {"" if act.target is None else act.target.name for act in facts.acts if act.effect is Effect.SET}
    if names & _LEXICAL:
        return Moves.LEXICAL
    # The empty name is set_config of a name that is not written.
    if "" in names:
        return Moves.LEXICAL
    if names & {"search_path", "all"} or any(act.effect in _CODE for act in facts.acts):
        return Moves.PATH
    return Moves.BACK if facts.tag in _ENDS else Moves.NOTHING


def may_make_temporary(facts: Facts) -> bool:
    """Tell whether a temporary object may stand in the session when this statement, expanded by a census, has run."""
    return facts.unestablished is not None or any(act.effect not in _MAKE_NOTHING for act in facts.acts)


def settings_behind(facts: Facts, settings: Settings) -> Settings:
    """Give what is known of the settings that the next statement of the same message is read under.

    `facts` are expanded. The server reports what a statement changed only when it has answered the whole message.
    """
    change = moves(facts)
    # What was prepared, bound or declared before sets when it runs whatever it sets.
    runs_stored = facts.tag not in _STORE and any(act.effect in (Effect.PREPARE, Effect.CURSOR) for act in facts.acts)
    if change in (Moves.PATH, Moves.LEXICAL) or (change is Moves.BACK and settings.moved) or runs_stored:
        settings = replace(settings, search_path=None)
    return replace(settings, temporary=True) if may_make_temporary(facts) else settings


def search_path_of(reported: str, user: str) -> tuple[str, ...] | None:
    """Give the schemas of a reported search_path in order, names as the catalog holds them, `$user` replaced by `user`.

    None where the text is no list of identifiers: then nothing is known of it.
    """
    names: list[str] = []
    rest = reported.strip()
    while rest:
        if rest.startswith('"'):
            name, rest = _quoted(rest)
            if name is None:
                return None
        else:
            end = rest.find(",")
            name, rest = (rest, "") if end < 0 else (rest[:end], rest[end:])
            name = name.strip()
            if not name.isascii() and name != name.lower():
                # Folded in encodings of one byte a character, left as it is in others (downcase_identifier).
                return None
            name = name.lower()
            if not name or '"' in name or any(character.isspace() for character in name):
                return None
        encoded = name.encode("utf-8", "surrogateescape")
        if len(encoded) > _NAME_BYTES:
            name = encoded[:_NAME_BYTES].decode(errors="ignore")
        names.append(user if name == "$user" else name)
        rest = rest.lstrip()
        if rest:
            if not rest.startswith(","):
                return None
            rest = rest[1:].lstrip()
            if not rest:
                return None
    return tuple(names)


def _quoted(text: str) -> tuple[str | None, str]:
    """Split a quoted identifier, unquoted, from what follows it; None where its quote is not closed."""
    end = 1
    while True:
        end = text.find('"', end)
        if end < 0:
            return None, ""
        if text[end + 1 : end + 2] != '"':
            return text[1:end].replace('""', '"'), text[end + 1 :]
        end += 2
