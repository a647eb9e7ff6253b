"""The protocol through the proxy: every conversation of a person is answered, and passed on, to the byte.

Two comparisons in one run of each script: the client hears from the proxy what it hears from the server, and the server
hears from the proxy what the client said.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.clusters import Cluster
from tests.database.conversations import CONVERSATIONS
from tests.database.masks import differences, lines, mask_backend, mask_frontend
from tests.database.proxy_process import ProxyProcess
from tests.database.script import Script, Speaker
from tests.database.tap import Tap
from tests.database.wire import Message, negotiations, split_frontend

# The proxy answers these packets itself: the server never hears of them, and the place in the server's source code that
# an error otherwise names is missing.
ANSWERED_BY_THE_PROXY = {"a protocol of the past", "a protocol of the far future", "no user"}


SOURCE_PLACE = re.compile(rb"F[\w.]+\0L\d+\0R\w+\0")


def answers(port: int, script: Script, placed: bool) -> list[str]:
    """Collect what a script is answered, masked; without the place in the source code where `placed` is false."""
    with Speaker(port) as speaker:
        heard = [mask_backend(message) for step in script for message in speaker.do(step)]
    return lines(heard if placed else [Message(m.code, SOURCE_PLACE.sub(b"", m.body)) for m in heard])


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_person_is_answered_as_by_the_server(
    name: str, cluster: Cluster, tapped_proxy: ProxyProcess, upstream_tap: Tap, reset: Callable[[], None]
) -> None:
    """A person hears the server's own messages in the server's order, and the server hears the person's own bytes."""
    script = CONVERSATIONS[name]
    placed = name not in ANSWERED_BY_THE_PROXY
    expected = answers(cluster.port, script, placed)
    reset()
    upstream_tap.settle()
    assert differences(expected, answers(tapped_proxy.port, script, placed)) == []
    if placed:
        (recording,) = upstream_tap.settle()
        said = split_frontend(b"".join(step.send for step in script))
        said = said[negotiations(said) :]  # each side of the proxy settles its own encryption
        assert differences(lines([*map(mask_frontend, said)]), lines([*map(mask_frontend, recording.requests())])) == []
