"""Under which settings a session's next text will be read: what the server reports, unless that may have changed since.

The server reports a setting with the answer to what changed it. Between a statement that may change one and its answer
nothing is assumed of it. What a statement prepares or declares changes a setting not when it is made but whenever it is
run, which may be by another name; so whatever runs something stored counts as changing what any of it may.
"""

from __future__ import annotations

import re
from typing import Final

from audit import Via
from proxy.server.ruled import Ruled
from proxy.sql import Moves, Settings, search_path_of
from proxy.wire import Session

_NOTHING: Final = Moves.NOTHING
_REPORTED: Final = frozenset(
    (b"search_path", b"standard_conforming_strings", b"client_encoding", b"server_encoding", b"server_version")
)
_DIGITS: Final = re.compile(rb"[0-9]{1,4}")


class ReadingSettings:
    """The settings of one session."""

    __slots__ = ("_by_sql", "_moved", "_moving", "_reported", "_stored", "_unsynced", "_user", "quiet", "temporary")

    def __init__(self, user: str, *, temporary: bool) -> None:
        """`user`: what `$user` stands for in a search_path."""
        self._user = user
        self._reported: dict[bytes, bytes] = {}
        self._moving = _NOTHING
        """What statements that are not answered yet may change."""
        self._moved = _NOTHING
        """What was changed in this transaction, and may change back when it ends."""
        self._stored = _NOTHING
        """What may be changed by running what this session has prepared or declared."""
        self._by_sql = False
        """Some of that by SQL: a cursor may stand under any portal's name, also one that SQL's CLOSE has freed."""
        self._unsynced: int | None = None
        """The batch of the extended protocol in which that happened, if its Sync was not sent by then."""
        self.quiet = True
        """Nothing was changed or stored that would make a difference: `settle` and `follow` need not be asked."""
        self.temporary = temporary
        """Whether a temporary object may stand in the session. Once one may, for good: nobody follows what drops it."""

    def reported(self, name: bytes, value: bytes) -> bool:
        """Take note of a ParameterStatus; True if it is one that texts are read under."""
        if name not in _REPORTED:
            return False
        self._reported[name] = value
        return True

    def follow(self, ruled: Ruled, via: Via, wire: Session | None) -> bool:
        """Take note of what a statement may change, now or when it is run; True if `now` gives another answer."""
        self._by_sql = self._by_sql or ruled.stored_moves is not _NOTHING
        stored = ruled.moves if via is Via.PARSE else ruled.stored_moves
        if stored.value > self._stored.value:
            self._stored = stored
            self.quiet = False
        if via is Via.PARSE:
            return False
        if ruled.executed or ruled.fetched or (self._by_sql and via is Via.EXECUTE):
            return self._change(max(self._stored, ruled.moves, key=_extent), via, wire)
        return self._change(ruled.moves, via, wire)

    def follow_stored(self, via: Via, wire: Session | None) -> bool:
        """Take note that something stored is run, whichever it is; True if `now` gives another answer."""
        return self._change(self._stored, via, wire)

    def settle(self, wire: Session | None) -> bool:
        """Believe what the server reports again once it has answered everything; True if `now` gives another answer."""
        if wire is None or not wire.resting or wire.batch == self._unsynced:
            return False
        settled = self._moving is not _NOTHING or (wire.idle and self._moved is not _NOTHING)
        self._moving = _NOTHING
        if wire.idle:
            self._moved = _NOTHING
            self.quiet = self._stored is _NOTHING
        return settled

    def now(self) -> Settings:
        """Give the settings that the next text will be read under."""
        path = self._reported.get(b"search_path") if self._moving is _NOTHING else None
        version = _DIGITS.match(self._reported.get(b"server_version", b""))
        return Settings(
            server_version=int(version[0]) if version else 0,
            search_path=None if path is None else search_path_of(path.decode("utf-8", "surrogateescape"), self._user),
            user_on_path=self._user if path is not None and b"$user" in path else None,
            standard_conforming_strings=self._reported.get(b"standard_conforming_strings", b"on") == b"on",
            client_encoding=self._reported.get(b"client_encoding", b"UTF8").decode("latin-1"),
            server_encoding=self._reported.get(b"server_encoding", b"UTF8").decode("latin-1"),
            settled=self._moving is not Moves.LEXICAL,
            moved=self._moved is not _NOTHING,
            temporary=self.temporary,
        )

    def _change(self, change: Moves, via: Via, wire: Session | None) -> bool:
        if change is _NOTHING:
            return False
        self.quiet = False
        # What an Execute does can be undone until the Sync behind it.
        self._unsynced = wire.batch if wire is not None and via is Via.EXECUTE else None
        if change is Moves.BACK:
            change = self._moved
        elif change.value > self._moved.value:
            self._moved = change
        if change.value <= self._moving.value:
            return False
        self._moving = change
        return True


def _extent(moves: Moves) -> int:
    return int(moves.value)
