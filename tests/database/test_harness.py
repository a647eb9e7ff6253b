"""The harness itself: a plain relay compares equal, and one changed byte does not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clusters import Cluster
from tests.database.conversations import CONVERSATIONS
from tests.database.masks import lines, mask_backend
from tests.database.script import Script, perform
from tests.database.tap import Tap


def answers(port: int, script: Script) -> list[list[str]]:
    """Collect what a script is answered, masked."""
    return [lines([*map(mask_backend, step)]) for step in perform(port, script)]


@pytest.mark.parametrize("name", CONVERSATIONS)
def test_conversation_through_a_relay_is_equal(name: str, cluster: Cluster, reset: Callable[[], None]) -> None:
    """Every conversation says the same twice, so a difference through the proxy is the proxy's."""
    expected = answers(cluster.port, CONVERSATIONS[name])
    reset()
    with Tap(cluster.port) as tap:
        assert expected == answers(tap.port, CONVERSATIONS[name])


def test_changed_byte_is_caught(cluster: Cluster, reset: Callable[[], None]) -> None:
    """One letter of one row changed on its way makes the comparison fail."""
    reset()
    script = CONVERSATIONS["simple query"]
    with Tap(cluster.port, alter=lambda data: data.replace(b"user2@", b"user3@")) as tap:
        assert answers(cluster.port, script) != answers(tap.port, script)


def test_recording_holds_both_directions(cluster: Cluster, reset: Callable[[], None]) -> None:
    """A recording is what was sent and what was answered, to the last byte."""
    reset()
    script = CONVERSATIONS["extended, unnamed"]
    with Tap(cluster.port) as tap:
        answered = perform(tap.port, script)
        (recording,) = tap.settle()
    assert b"".join(step.send for step in script) == bytes(recording.frontend)
    assert b"".join(m.raw for step in answered for m in step if m.code != "$") == bytes(recording.backend)
