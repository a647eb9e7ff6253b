"""What time changes about a decision. Applied after `decide`, and never cached."""

from __future__ import annotations

from dataclasses import dataclass, replace

from proxy.policy.verdict import Decision, Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand for an account at one moment."""

    audit_writable: bool = True
    """False while a decision could not be put on record."""


def restrain(decision: Decision, standing: Standing, now_s: float) -> Decision:  # noqa: ARG001 - leases compare it
    """Tighten a decision by how things stand at `now_s` (seconds, any epoch). Never loosens: a refusal stays as it is.

    While the audit cannot be written, enforced accounts are refused; others go on.
    """
    if decision.refused or not decision.account.enforced or standing.audit_writable:
        return decision
    return replace(
        decision,
        verdict=Verdict.UNDECIDABLE,
        rule="audit",
        because="The decision cannot be put on record, and nothing may happen unrecorded.",
        instead="Try again later, and tell whoever runs the proxy that its audit log cannot be written.",
    )
