"""Read journals back: is every record there and unchanged, and which ones answer a question. Memory is bounded."""

from __future__ import annotations

import heapq
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import Any, TypeAlias

import orjson

from audit.chain import Link, fault
from audit.folder import (
    CLOCK_SLACK_S,
    JournalFile,
    files_of,
    journals_vouched_for,
    last_line_of,
    lines_of,
    read_head,
    torn_part,
)
from audit.record import Vouched

_AT = re.compile(rb'"at":"([0-9TZ.:-]{27})"')
_IN_SCHEMAS = frozenset({"relation", "function", "operator", "type"})
"""Kinds of targets that are looked up in the session's search_path."""
_LOOKS, _LOOK_S = 2, 0.01
"""How often and how long a half line at the very end is looked at again; a write of a megabyte takes under 1 ms."""

Found: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something is wrong with the evidence."""

    file: str
    line: int
    """Counts from 1; 0 where the file as a whole is meant."""
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}" if self.line else f"{self.file}: {self.what}"


@dataclass(slots=True, kw_only=True)
class ChainCount:
    """What one journal holds."""

    journal: str
    files: int = 0
    records: int = 0
    seq: int = 0
    """Number of its last record."""
    closed: bool = False
    """True where the chain's last record is the orderly end."""
    lost: int = 0
    """Records that the journal itself says it had to give up."""


@dataclass(slots=True, kw_only=True)
class Verification:
    """What `verify` found. Sound where there are no findings."""

    findings: list[Finding] = field(default_factory=list)
    """The first ones, in the order of journals, files and lines, as many as were asked for."""
    more: int = 0
    """Findings beyond those."""
    notes: list[Finding] = field(default_factory=list)
    """What an auditor should know and what is no sign of tampering: torn lines after a crash, archived files."""
    chains: list[ChainCount] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """True where nothing is wrong."""
        return not self.findings


def journals_of(folder: Path) -> set[str]:
    """Names of the journals that left a file or a head file in the folder. Raises OSError."""
    # The head files come first: what a living proxy writes meanwhile may only add to what they vouch for.
    return journals_vouched_for(folder) | {file.journal for file in files_of(folder)}


def verify(
    folder: Path,
    *,
    archived: bool = False,
    most_findings: int = 1_000,
    read: Callable[[int], None] | None = None,
) -> Verification:
    """Check every journal of the folder, line by line.

    `archived`: the oldest files may have been moved elsewhere, so a journal may begin in the middle; otherwise
    that is a finding. `read` is told the bytes read, now and then, for a progress display. Raises OSError.
    """
    heads: dict[str, Vouched | ValueError | None] = {}
    for name in journals_of(folder):
        try:
            heads[name] = read_head(folder, name)
        except ValueError as error:
            heads[name] = error
    by_name = {name: list(files) for name, files in groupby(files_of(folder), key=lambda file: file.journal)}
    found = Verification()
    for name in sorted(heads.keys() | by_name.keys()):
        reading = _Reading(found, name, archived, most_findings, read or (lambda _: None))
        reading.chain(by_name.get(name, []), heads.get(name))
    return found


class _Reading:
    """One journal's files, read in order."""

    def __init__(
        self, found: Verification, name: str, archived: bool, most_findings: int, read: Callable[[int], None]
    ) -> None:
        self._found, self._name, self._archived, self._most, self._read = found, name, archived, most_findings, read
        self._count = ChainCount(journal=name)
        self._after = Link()
        self._vouched: Vouched | None = None
        self._vouched_seen = False

    def chain(self, files: list[JournalFile], head: Vouched | ValueError | None) -> None:
        self._found.chains.append(self._count)
        if isinstance(head, Vouched):
            self._vouched = head
        previous: JournalFile | None = None
        for nth, file in enumerate(files):
            self._file(file, previous, files[nth + 1] if nth + 1 < len(files) else None)
            previous = file
        self._count.seq = self._after.seq
        self._end(files, head)

    def _end(self, files: list[JournalFile], head: Vouched | ValueError | None) -> None:
        name = f"{self._name}.head"
        match head:
            case None:
                self._finding(name, 0, "is missing: nothing vouches for the journal's end")
            case ValueError():
                self._finding(name, 0, "is damaged: nothing vouches for the journal's end")
            case Vouched() if head.seq > self._after.seq:
                last = files[-1].path.name if files else name
                gone = head.seq - self._after.seq
                self._finding(last, 0, f"ends at seq {self._after.seq}, but {head.seq} was vouched for: {gone} missing")
            case Vouched() if not self._vouched_seen and files and head.seq >= self._oldest:
                self._finding(name, 0, f"vouches for a record {head.seq} that is not the journal's")
            case Vouched():
                pass

    def _file(self, file: JournalFile, previous: JournalFile | None, following: JournalFile | None) -> None:
        self._count.files += 1
        name = file.path.name
        good_bytes = number = 0
        for number, line in enumerate(lines_of(file.path), start=1):
            if number == 1:
                self._header(file, line, previous)
            if not line.endswith(b"\n"):
                self._torn(file, number, good_bytes, following)
                break
            self._line(name, number, line)
            good_bytes += len(line)
        if number == 0:
            self._torn(file, 1, 0, following)

    def _line(self, name: str, number: int, line: bytes) -> None:
        why, self._after = fault(line[:-1], self._after)
        self._count.records += 1
        self._count.closed = b'"kind":"journal","event":"closed"' in line
        self._read(len(line))
        if why is not None:
            self._finding(name, number, why)
        elif b'"kind":"journal","event":"recovered"' in line:
            lost = _parsed(line).get("lost")
            if isinstance(lost, int) and lost:
                self._count.lost += lost
                self._note(name, number, f"{lost} records could not be kept while the journal could not be written")
        if self._vouched is not None and self._after.seq == self._vouched.seq:
            self._vouched_seen = self._vouched_seen or self._after.chain.decode() == self._vouched.chain

    def _header(self, file: JournalFile, line: bytes, previous: JournalFile | None) -> None:
        header = _parsed(line)
        name = file.path.name
        before = header.get("previous")
        if header.get("kind") != "journal" or header.get("event") not in ("opened", "continued"):
            if line.endswith(b"\n"):
                self._finding(name, 1, "the file's first record is not its header")
            return
        if header.get("file") != name:
            self._finding(name, 1, f"the file was renamed: its header says {header.get('file')}")
        if not isinstance(before, dict):
            if previous is not None or file.number != 1:
                self._finding(name, 1, "begins a new chain in the middle of the journal")
                self._after = Link()
            return
        vouched = before.get("vouched")
        if isinstance(vouched, dict) and not vouched.get("file"):
            self._finding(name, 1, "when the journal was opened here, its head file was gone or damaged")
        elif vouched:
            self._finding(name, 1, "when the journal was opened here, records that had been vouched for were gone")
        if previous is None:
            self._begins_late(name, before)
        elif before.get("file") != previous.path.name:
            self._finding(name, 1, f"continues {before.get('file')}, which is missing")

    def _begins_late(self, name: str, before: Mapping[str, Any]) -> None:
        what = f"continues {before.get('file')} (seq {before.get('seq')}), which is not here"
        if self._archived:
            self._note(name, 1, what)
        else:
            self._finding(name, 1, what)
        seq, chain = before.get("seq"), before.get("chain")
        if isinstance(seq, int) and isinstance(chain, str):
            self._after = Link(seq=seq, chain=chain.encode())

    def _torn(self, file: JournalFile, number: int, good_bytes: int, following: JournalFile | None) -> None:
        """Judge a last line without its end: a crash that the next file declares, one just being written, or a cut."""
        name = file.path.name
        if following is None and _grows(file.path, good_bytes):
            return
        left = torn_part(file.path, good_bytes)
        before: object = None
        if following is not None:
            before = next((_parsed(line).get("previous") for line in lines_of(following.path)), None)
        before = before if isinstance(before, dict) else {}
        if left is None and before.get("file") == name:
            self._note(name, 0, "is empty: a crash came before its first record, and the next file continues it")
        elif left is None:
            self._finding(name, 0, "is empty")
        elif before.get("torn") == {"bytes": left.bytes, "sha256": left.sha256}:
            self._note(name, number, f"{left.bytes} bytes of a record were torn by a crash, as the next file declares")
        else:
            self._finding(name, number, "ends in the middle of a record: torn by a crash, or cut")

    @property
    def _oldest(self) -> int:
        return self._after.seq - self._count.records + 1

    def _finding(self, file: str, line: int, what: str) -> None:
        if len(self._found.findings) < self._most:
            self._found.findings.append(Finding(file=file, line=line, what=what))
        else:
            self._found.more += 1

    def _note(self, file: str, line: int, what: str) -> None:
        if len(self._found.notes) < self._most:
            self._found.notes.append(Finding(file=file, line=line, what=what))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which records are wanted; None leaves a field open. Times as in records: RFC 3339, UTC, so they sort as text."""

    since: str | None = None
    """Inclusive."""
    until: str | None = None
    """Exclusive."""
    kind: str | None = None
    account: str | None = None
    user: str | None = None
    session: str | None = None
    verdict: str | None = None
    rule: str | None = None
    """The rule that decided, or one in `mode: observe` that would have refused."""
    effect: str | None = None
    target: str | None = None
    """The object an effect may fall on. `name`: in any schema. `schema.name`: a name written without its schema fits,
    too, unless it cannot mean that one."""
    id: str | None = None
    """A decision's id: gives the decision and its outcome."""

    def needles(self) -> tuple[bytes, ...]:
        """Bytes that a line must hold to be worth parsing."""
        wanted = (self.kind, self.account, self.user, self.session, self.verdict, self.rule, self.effect, self.id)
        return tuple(orjson.dumps(value) for value in wanted if value is not None)

    def fits(self, record: Found) -> bool:
        """Whether the record is wanted."""
        at = record.get("at", "")
        session = record.get("session") or {}
        effects = record.get("effects") or ()
        pairs = (
            (self.kind, record.get("kind")),
            (self.account, session.get("account")),
            (self.user, session.get("user")),
            (self.session, session.get("id")),
            (self.verdict, record.get("verdict")),
        )
        return (
            (self.since is None or at >= self.since)
            and (self.until is None or at < self.until)
            and all(wanted is None or wanted == given for wanted, given in pairs)
            and (self.rule is None or self.rule in (record.get("rule"), *(record.get("observed") or ())))
            and (self.id is None or self.id in (record.get("id"), record.get("decision")))
            and (self.effect is None or any(self.effect == effect.get("effect") for effect in effects))
            and (self.target is None or any(_may_fall_on(effect, self.target) for effect in effects))
        )

    def covers(self, line: bytes) -> bool:
        """Whether the line's time may be wanted; a look at its bytes, cheaper than parsing it."""
        if self.since is None and self.until is None:
            return True
        match = _AT.search(line)
        at = match[1].decode() if match else ""
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


def query(folder: Path, question: Question) -> Iterator[Found]:
    """Yield the wanted records of all journals, by time as far as each journal's own order is by time.

    Lines that are no records are left to `verify`. Holds one record of each journal at a time. Raises OSError.
    """
    by_name = [list(files) for _, files in groupby(files_of(folder), key=lambda file: file.journal)]
    yield from heapq.merge(*(_of_journal(files, question) for files in by_name), key=lambda record: str(record["at"]))


def _of_journal(files: list[JournalFile], question: Question) -> Iterator[Found]:
    needles = question.needles()
    for nth, file in enumerate(files):
        following = files[nth + 1] if nth + 1 < len(files) else None
        if question.since is not None and following is not None and _over(file, following, question.since):
            continue
        for line in lines_of(file.path):
            if all(needle in line for needle in needles) and question.covers(line):
                record = _parsed(line)
                if _is_record(record) and question.fits(record):
                    yield record


def _over(file: JournalFile, following: JournalFile, since: str) -> bool:
    """Whether a finished file can hold nothing from `since` on, allowing for the slack.

    Only `since` may pass over files: what was kept through an outage is written late, so a file may hold times from
    long before its first record's. Around a clock that was set back nothing is certain.
    """
    if _begins_by_clock(file) or _begins_by_clock(following):
        return False
    last = _parsed(last_line_of(file.path)).get("at")
    try:
        ended = datetime.fromisoformat(str(last))
        return ended + timedelta(seconds=CLOCK_SLACK_S) < datetime.fromisoformat(since)
    except (ValueError, TypeError, OverflowError):
        return False


def _begins_by_clock(file: JournalFile) -> bool:
    return any(_parsed(line).get("reason") == "clock" for line in islice(lines_of(file.path), 1))


def _grows(path: Path, good_bytes: int) -> bool:
    """Whether a line that seemed torn was only being written: readers can see a part of a write."""
    for _ in range(_LOOKS):
        time.sleep(_LOOK_S)
        if any(line.endswith(b"\n") for line in islice(lines_of(path, from_byte=good_bytes), 1)):
            return True
    return False


def _is_record(found: Found) -> bool:
    """Whether the fields that a search goes by are of their types: a folder may hold forged lines."""
    effects = found.get("effects")
    return (
        isinstance(found.get("at"), str)
        and isinstance(found.get("kind"), str)
        and isinstance(found.get("session") or {}, dict)
        and isinstance(found.get("statement") or {}, dict)
        and isinstance(effects or [], list)
        and isinstance(found.get("observed") or [], list)
        and all(isinstance(effect, dict) for effect in effects or ())
    )


def _may_fall_on(effect: Found, wanted: str) -> bool:
    target = effect.get("target")
    if not isinstance(target, str):
        return False
    if wanted in (target, target.rpartition(".")[2]):
        return True
    schema, _, name = wanted.rpartition(".")
    if target != name or effect.get("target_kind") not in _IN_SCHEMAS:
        return False
    candidates = effect.get("candidates")
    return not candidates or (isinstance(candidates, list) and schema in candidates)


def _parsed(line: bytes) -> Found:
    try:
        found = orjson.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
