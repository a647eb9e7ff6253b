"""Every statement of the corpus, judged once for all tests of this folder."""

from __future__ import annotations

import pytest

from proxy.server.judge import Judge, ProfileKey
from proxy.server.ruled import Ruled
from proxy.sql import Settings
from tests.differential.corpus import statements
from tests.server.dockets import account, default_policy, judge_of


@pytest.fixture(scope="package")
def judge() -> Judge:
    """Make a judge who forgets nothing of the corpus."""
    return judge_of(default_policy(), cached_decisions=1_000_000)


@pytest.fixture(scope="package")
def rulings(judge: Judge) -> dict[str, Ruled]:
    """Rule on each statement for a person, under the shipped policy."""
    key = ProfileKey(account=account("person_ada", judge.policy), database="demo", settings=Settings())
    profile = judge.profile(key)
    return {text: judge.rule(text.encode(), profile) for text in statements()}
