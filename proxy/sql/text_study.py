"""All that is worked out from a text alone: its normalized form, its reading, what a log may show. Pure.

It depends on the text and the bounds and on nothing else, so it may be worked out elsewhere and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proxy.sql.facts import Bounds, Facts, Unreadable
from proxy.sql.normal import fingerprint, mask, may_name_otherwise
from proxy.sql.reading import read_statements

LARGE_TEXT_BYTES: Final = 8_192
"""Texts up to here take about 30 ms at worst; larger ones should be studied where nobody waits for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """What was worked out from one text."""

    form: str | None = None
    """The normalized text that was read: the reading holds for every text of this form. None: for this text alone."""
    reading: tuple[Facts, ...] | Unreadable
    masked: str = ""
    """The text that was read, as a log may show it."""
    mark: str = ""
    """Its fingerprint; empty where it has none."""
    needs_utf8: bool = False
    """A name in it may be another in a database whose encoding is not UTF8."""


def study(text: str, form: str | None, bounds: Bounds) -> Study:
    """Work out what a text says, from its normalized `form` if no constant decides; None: from the text itself."""
    if form is not None:
        reading = read_statements(form, bounds)
        if not isinstance(reading, Unreadable) and not any(facts.literal_bound for facts in reading):
            return Study(
                form=form,
                reading=reading,
                masked=mask(form),
                mark=fingerprint(form) or "",
                needs_utf8=may_name_otherwise(form),
            )
    # The unbounded WHERE of one constant may be the bounded one of the next.
    reading = read_statements(text, bounds)
    if len(text) > bounds.statement_bytes:
        return Study(reading=reading)
    otherwise = may_name_otherwise(text if form is None else form)
    return Study(reading=reading, masked=mask(text), mark=fingerprint(text) or "", needs_utf8=otherwise)
