"""The audit floor: the record, the hash chain, the journal that writes them, verification and queries."""

from audit.body import decision_body, fragment_of, outcome_body, outcome_fragment, timestamp
from audit.ids import IdMint, ulid
from audit.journal import Journal
from audit.record import (
    DecisionRecord,
    Fragment,
    Grounds,
    JournalRecord,
    Outcome,
    OutcomeRecord,
    OutcomeState,
    PolicyFile,
    PolicyRecord,
    ProxyRecord,
    Record,
    RecordedEffect,
    Session,
    SessionRecord,
    Statement,
    Via,
    encode,
)
from audit.search import ChainCount, Finding, Question, Verification, journals_of, query, verify
from audit.storage import JournalBusy, check_free
from audit.tape import Fsync

__all__ = [
    "ChainCount",
    "DecisionRecord",
    "Finding",
    "Fragment",
    "Fsync",
    "Grounds",
    "IdMint",
    "Journal",
    "JournalBusy",
    "JournalRecord",
    "Outcome",
    "OutcomeRecord",
    "OutcomeState",
    "PolicyFile",
    "PolicyRecord",
    "ProxyRecord",
    "Question",
    "Record",
    "RecordedEffect",
    "Session",
    "SessionRecord",
    "Statement",
    "Verification",
    "Via",
    "check_free",
    "decision_body",
    "encode",
    "fragment_of",
    "journals_of",
    "outcome_body",
    "outcome_fragment",
    "query",
    "timestamp",
    "ulid",
    "verify",
]
