"""The one place where text becomes a decision: read, expand, decide, and remember.

What depends only on the text (and on policy, census and the session's reading settings, which make up a Profile) is
decided here once and cached by normalized text; what depends on time is `restrain`'s, applied afterwards by the docket
and never cached. Whatever goes wrong here is `undecidable`, never "carry on". No I/O.

A text is first read in its normalized form, constants replaced by parameters. If nothing in that reading hangs on a
constant, the decision holds for every text of that form, by construction: no constant was there to be looked at.
Otherwise the text itself is read, and the decision is kept for exactly that text.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from time import perf_counter
from typing import Final

import structlog

from proxy.policy import Account, Policy, decide
from proxy.server.ruled import Ruled
from proxy.sql import (
    LARGE_TEXT_BYTES,
    Act,
    Bounds,
    Effect,
    Facts,
    Knowledge,
    Settings,
    Study,
    Target,
    TargetKind,
    Unreadable,
    covers,
    expand_each,
    normalize,
    shape,
    study,
    types_given,
)

_log = structlog.get_logger()

_OID: Final = struct.Struct("!I")
_DROPPED_AT_ONCE: Final = 100
"""The part of a full cache that makes room: one in so many."""
_PROFILES: Final = 512
"""Profiles at one time; more (sessions that make up search paths, say) and all caches start anew."""

_CODECS: Final = {
    # PostgreSQL's names of encodings (documentation: Character Set Support) to Python's, where both read alike.
    "UTF8": "utf-8",
    "UNICODE": "utf-8",
    "SQL_ASCII": "utf-8",
    "LATIN1": "latin-1",
    "WIN1252": "cp1252",
    "WIN1251": "cp1251",
    "WIN1250": "cp1250",
    "LATIN2": "iso8859-2",
    "LATIN9": "iso8859-15",
    "KOI8R": "koi8-r",
    "EUC_JP": "euc-jp",
    "EUC_KR": "euc-kr",
    "SJIS": "cp932",
    "BIG5": "cp950",
    "GBK": "gbk",
    "GB18030": "gb18030",
}


_UNKNOWN_PORTAL: Final = Facts(tag="EXECUTE", acts=(Act(effect=Effect.PREPARE),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileKey:
    """All that a decision depends on beside the text."""

    account: Account
    database: str
    settings: Settings


class Profile:
    """The decisions made for one ProfileKey under one policy and one census."""

    __slots__ = ("by_form", "by_shape", "by_text", "census", "codec", "key", "policy", "unreadable")

    def __init__(self, key: ProfileKey, policy: Policy, census: Knowledge) -> None:
        self.key = key
        self.policy = policy
        self.census = census
        self.by_form: dict[bytes, Ruled | None] = {}
        """By normalized text; None: a constant decides, look in `by_text`."""
        self.by_shape: dict[bytes, Ruled] = {}
        """The same rulings by the shape of texts, which is had sooner."""
        self.by_text: dict[bytes, Ruled] = {}
        self.codec = _CODECS.get(key.settings.client_encoding.upper())
        self.unreadable: str | None = None
        if not key.settings.settled:
            self.unreadable = "a statement sent before it, and not answered yet, may change how texts are read"
        elif not key.settings.standard_conforming_strings:
            self.unreadable = "standard_conforming_strings is off, so backslashes change where strings end"
        elif self.codec is None or (key.account.enforced and self.codec != "utf-8"):
            self.unreadable = f"client_encoding is {key.settings.client_encoding}, not UTF8"

    @property
    def size(self) -> int:
        """Decisions kept."""
        return len(self.by_form) + len(self.by_shape) + len(self.by_text)


class Judge:
    """Decides texts for one worker, and remembers."""

    def __init__(
        self, policy: Policy, *, bounds: Bounds, cached_decisions: int, clock: Callable[[], float] = perf_counter
    ) -> None:
        """`cached_decisions`: how many are kept over all profiles; the oldest go first."""
        self._policy = policy
        self._bounds = bounds
        self._cached_decisions = cached_decisions
        self._clock = clock
        self._census: dict[str, Knowledge] = {}
        self._profiles: dict[ProfileKey, Profile] = {}
        self.generation = 0
        """Changes whenever profiles made before are void."""
        self.hits = 0
        self.misses = 0
        self.miss_seconds: list[float] = []
        """How long each decision that was not cached took; read and cleared by the metrics."""
        self.given: list[Ruled] = []
        """Rulings given since the metrics last looked, each once; whether the cache keeps them does not matter."""

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    def adopt_policy(self, policy: Policy) -> None:
        """Judge by another policy from the next statement on."""
        self._policy = policy
        self._forget()

    def adopt_census(self, database: str, census: Knowledge) -> None:
        """Judge a database's statements by another picture of its catalog, by the loss of it, or (None) by none."""
        if census is None:
            self._census.pop(database, None)
        else:
            self._census[database] = census
        self._profiles = {key: profile for key, profile in self._profiles.items() if key.database != database}
        self.generation += 1

    def profile(self, key: ProfileKey) -> Profile:
        """Give the profile for a key under the present policy and census. Hold it no longer than its generation."""
        profile = self._profiles.get(key)
        if profile is None:
            if len(self._profiles) >= _PROFILES:
                self._forget()
            profile = self._profiles[key] = Profile(key, self._policy, self._census.get(key.database))
        return profile

    def rule(self, text: bytes, profile: Profile) -> Ruled:
        """Decide one message's text, in the session's encoding. Never raises."""
        ruled = profile.by_form.get(text)
        if ruled is not None:
            self.hits += 1
            return ruled
        shaped = shape(text) if len(text) <= LARGE_TEXT_BYTES else None
        if shaped is not None:
            ruled = profile.by_shape.get(shaped)
            if ruled is not None:
                self.hits += 1
                return ruled
        try:
            ruled = self._rule(text, profile)
            if shaped is not None:
                self._learn_shape(shaped, ruled, profile)
        except Exception as error:
            # The judge's own failure is a reason to refuse, never to carry on.
            _log.exception("a statement could not be judged", error=repr(error))
            return self._decided(Unreadable(because="the judge failed on it; the log says how"), profile)
        return ruled

    def unstudied(self, text: bytes, profile: Profile) -> str | None:
        """Give the text if it is too large to be read here: it is to be studied elsewhere first."""
        if not LARGE_TEXT_BYTES < len(text) <= self._bounds.statement_bytes or profile.unreadable is not None:
            return None
        try:
            return codecs.decode(text, profile.codec or "utf-8")
        except UnicodeDecodeError:
            return None

    def rule_studied(self, found: Study, profile: Profile) -> Ruled:
        """Decide a text that was studied elsewhere."""
        self.misses += 1
        began = self._clock()
        ruled = self._decided(self._expanded(found, profile), profile, found)
        self.miss_seconds.append(self._clock() - began)
        return ruled

    def rule_facts(self, facts: Sequence[Facts], profile: Profile) -> Ruled:
        """Decide what is asked for in another form than SQL: a startup parameter, a function call."""
        return self._decided(tuple(facts), profile)

    def rule_types(self, ruled: Ruled, types: bytes, profile: Profile) -> Ruled:
        """Decide on the types that a Parse gives its parameters, where its text is permitted.

        A value of a domain runs the domain's checks, and no text names the type.
        """
        oids = [oid for (oid,) in _OID.iter_unpack(types[2 : 2 + (len(types) - 2) // 4 * 4])]
        facts = types_given(oids, profile.census)
        return ruled if facts is None else self.rule_facts([*ruled.decision.facts, facts], profile)

    def unread(self, because: str, profile: Profile) -> Ruled:
        """Decide a text that was never held."""
        return self._decided(Unreadable(because=because), profile)

    def unknown_portal(self, profile: Profile) -> Ruled:
        """Decide an Execute of a portal that no Bind made: a cursor or statement of SQL's, judged when made."""
        return self._decided((_UNKNOWN_PORTAL,), profile)

    # Inside

    def _rule(self, raw: bytes, profile: Profile) -> Ruled:
        if profile.unreadable is not None:
            self.misses += 1
            return self._decided(Unreadable(because=profile.unreadable), profile)
        try:
            text = codecs.decode(raw, profile.codec or "utf-8")
        except UnicodeDecodeError:
            self.misses += 1
            because = f"it is not valid {profile.key.settings.client_encoding}"
            return self._decided(Unreadable(because=because), profile)
        form = normalize(text) if len(raw) <= self._bounds.statement_bytes else None
        # In the session's encoding: it is compared with what clients send.
        key = raw if form is None else form.encode(profile.codec or "utf-8")
        if form is not None:
            ruled = profile.by_form.get(key)
            if ruled is not None:
                self.hits += 1
                return ruled
        ruled = profile.by_text.get(raw)
        if ruled is not None:
            self.hits += 1
            return ruled
        self.misses += 1
        began = self._clock()
        ruled = self._study_and_decide(text, form, raw, key, profile)
        self.miss_seconds.append(self._clock() - began)
        return ruled

    def _study_and_decide(self, text: str, form: str | None, raw: bytes, key: bytes, profile: Profile) -> Ruled:
        known_to_decide = key in profile.by_form
        found = study(text, None if known_to_decide else form, self._bounds)
        ruled = self._decided(self._expanded(found, profile), profile, found)
        if found.form is not None:
            ruled.form = key
            self._keep(profile.by_form, key, ruled)
            return ruled
        if form is not None and not known_to_decide:
            self._keep(profile.by_form, key, None)
        self._keep(profile.by_text, raw, ruled)
        return ruled

    def _learn_shape(self, shaped: bytes, ruled: Ruled, profile: Profile) -> None:
        form = ruled.form
        if form is not None and profile.by_form.get(form) is ruled and covers(shaped, form):
            self._keep(profile.by_shape, shaped, ruled)

    def _expanded(self, found: Study, profile: Profile) -> tuple[Facts, ...] | Unreadable:
        encoding = profile.key.settings.server_encoding
        if found.needs_utf8 and encoding != "UTF8" and profile.key.account.enforced:
            return Unreadable(
                because=f"the database's encoding is {encoding}, and a name beyond ASCII may be another one there"
            )
        if isinstance(found.reading, Unreadable):
            return found.reading
        return expand_each(found.reading, profile.census, profile.key.settings)

    def _decided(self, reading: tuple[Facts, ...] | Unreadable, profile: Profile, found: Study | None = None) -> Ruled:
        decision = decide(reading, profile.key.account, profile.policy)
        return Ruled(decision, "" if found is None else found.masked, "" if found is None else found.mark)

    def _keep(self, cache: dict[bytes, Ruled | None] | dict[bytes, Ruled], key: bytes, ruled: Ruled | None) -> None:
        if sum(profile.size for profile in self._profiles.values()) >= self._cached_decisions:
            self._shrink()
        cache[key] = ruled  # type: ignore[assignment]

    def _shrink(self) -> None:
        """Drop the oldest of every cache, few at a time: to take half of 20,000 decisions apart stalls for 20 ms."""
        caches: list[dict[bytes, Ruled | None] | dict[bytes, Ruled]] = []
        for profile in self._profiles.values():
            caches += [profile.by_form, profile.by_shape, profile.by_text]
        for cache in caches:
            for key in list(islice(cache, len(cache) // _DROPPED_AT_ONCE + 1)):
                del cache[key]

    def _forget(self) -> None:
        self._profiles = {}
        self.generation += 1


def setting_facts(name: str, value: str) -> Facts:
    """Give the facts of a setting that a startup packet brings, as SET would have them."""
    effect = Effect.ROLE_CHANGE if name in ("role", "session_authorization") else Effect.SET
    target = Target(kind=TargetKind.SETTING, name=name)
    if name == "client_encoding":
        # The server compares letters and digits alone (encnames.c, clean_encoding_name), and asyncpg sends 'utf-8' in
        # quotes.
        value = "".join(letter for letter in value if letter.isascii() and letter.isalnum())
    return Facts(tag="SET", acts=(Act(effect=effect, target=target, value=value),), literal_bound=True)
