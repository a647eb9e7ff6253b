"""Run the whole corpus: `python -m tests.differential`. About three minutes.

Every statement is judged for a person and for a model, from the cache and anew; then all run on a server of their own,
through a proxy, in both protocols. Exit status 1 where a person is refused anything, where a remembered decision is not
the one that reading the statement anew gives, or where a byte differs between the two sides of the proxy.
"""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from tests.differential.corpus import statements
from tests.differential.stream import speak, staged
from tests.properties.test_cache import fresh, gist, profile_of
from tests.server.dockets import default_policy, judge_of

SEED: Final = 20_261_123
SHOWN: Final = 20


def main() -> int:
    """Run, and say what was found."""
    wrong = sum(_judged(user) for user in ("person_ada", "model_x"))
    return 1 if wrong + _sent() else 0


def _judged(user: str) -> int:
    """Give how many statements are decided otherwise than they should be."""
    judge = judge_of(default_policy())
    profile = profile_of(judge, user)
    verdicts: Counter[str] = Counter()
    wrong = []
    for text in statements():
        decision = judge.rule(text.encode(), profile).decision
        verdicts[decision.verdict.value] += 1
        anew = gist(fresh(text, user, judge))
        if gist(decision) != anew or (decision.refused and not decision.account.enforced):
            wrong.append(text)
    told = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.most_common())
    print(f"{user}: {told}; {len(wrong)} refused to a person, or decided otherwise when read anew")
    for text in wrong[:SHOWN]:
        print(f"    {text!r}")
    return len(wrong)


def _sent() -> int:
    """Give how many sessions differ between the two sides of the proxy."""
    differ = 0
    with tempfile.TemporaryDirectory() as folder, staged(Path(folder)) as stage:
        for extended in (False, True):
            sides = speak(stage, statements(), extended=extended, seed=SEED)
            other = sum(talk.sent != noted.frontend or talk.heard != noted.backend for talk, noted in sides)
            up, down = (sum(map(len, each)) for each in zip(*((t.sent, t.heard) for t, _ in sides), strict=True))
            failed = sum(talk.answers.get("E", 0) for talk, _ in sides)
            print(
                f"{'extended' if extended else 'simple'} protocol: {len(statements())} statements, {failed} of them "
                f"failed, in {len(sides)} sessions: {up} bytes up, {down} down, {other} sessions differ"
            )
            differ += other
    return differ


if __name__ == "__main__":
    sys.exit(main())
