"""What the two witnesses say of the same statements, by class; docs/reading.md tells the classes."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Final

from proxy.policy import Decision, Verdict
from proxy.server.ruled import Ruled
from proxy.sql import Facts

DOCUMENT: Final = Path(__file__).parents[2] / "docs" / "reading.md"
BOTH: Final = "read by both, and told alike"
NOT_ASKED: Final = "of a kind that sqlglot is not asked about"
NO_READING: Final = "where sqlglot has no reading"
EMPTY: Final = "comments, and no statement"
UNREADABLE: Final = "refused by PostgreSQL's grammar"
ASKED: Final = frozenset("SELECT INSERT UPDATE DELETE MERGE".split()) | {  # noqa: SIM905
    "SELECT INTO", "TRUNCATE TABLE", "CREATE TABLE AS", "DROP TABLE", "DROP VIEW",
}  # fmt: skip


def class_of(facts: Facts) -> str:
    """Name the class of a reading; a disagreement is its own, by its sentence without the names."""
    if facts.disagreement is not None:
        return re.sub(r"(effect|written|read) [^;]+", r"\1", facts.disagreement)
    if len(facts.witnesses) > 1:
        return BOTH
    return NO_READING if facts.tag in ASKED else NOT_ASKED


def classes(rulings: dict[str, Ruled]) -> Counter[str]:
    """Count the statements of each class; a text that holds none counts as one."""
    return Counter(name for ruled in rulings.values() for name in _classes_of(ruled.decision))


def _classes_of(decision: Decision) -> list[str]:
    if decision.facts:
        return [class_of(facts) for facts in decision.facts]
    return [EMPTY if decision.verdict is Verdict.PERMIT else UNREADABLE]


def told() -> dict[str, int]:
    """Read the table of classes in the document."""
    rows = re.findall(r"^\| ([^|]+) \| ([\d,]+) \|$", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    return {name: int(count.replace(",", "")) for name, count in rows}


def test_every_class_is_told_with_its_count(rulings: dict[str, Ruled]) -> None:
    """A new class, or one that grows, is looked into and explained before it lands."""
    assert dict(classes(rulings)) == told()
