"""Feed mutated messages to the protocol machine: `python -m tests.fuzz [COUNT] [SEED]`, a million by default.

The contract, both ways: a client's bytes raise nothing; a server's raise ProtocolViolation and nothing else. What is
passed on of a client's stream is a prefix of it wherever nothing was replaced.
"""

from __future__ import annotations

import random
import sys

from tests.fuzz.mutation import run

COUNT = 1_000_000


def main(arguments: list[str]) -> int:
    """Run, and say how many messages were sent and what came of them."""
    count = int(arguments[0]) if arguments else COUNT
    seed = int(arguments[1]) if len(arguments) > 1 else random.SystemRandom().randrange(2**32)
    print(f"seed {seed}")
    report = run(count, seed)
    print(
        f"{report.messages} mutated messages in {report.sessions} sessions: {report.replaced} replaced, "
        f"{report.cut_off} sessions cut off by the client's nonsense, {report.violations} by the server's, 0 crashes"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
