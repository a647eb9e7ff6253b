"""What the cache says is what a judge without one would say."""

from __future__ import annotations

import random
import re

import pytest

from proxy.policy import Decision, decide
from proxy.server.judge import Judge, Profile, ProfileKey
from proxy.sql import Settings, Unreadable, expand, read_statements
from tests.redteam.corpus import ATTACKS
from tests.redteam.honest import HONEST
from tests.server.dockets import BOUNDS, account, default_policy, judge_of

SEED = 20_261_123
NUMBER = re.compile(r"(?<![\w$.'])\d+(?![\w.'])")
TEXT = re.compile(r"(?<![\w'$&])'[^'\\]*'(?!')")
SETTINGS = Settings(search_path=("public",), standard_conforming_strings=True, client_encoding="UTF8")
TEXTS = [line.strip() for text in (*ATTACKS.values(), HONEST.replace("\\\n", "")) for line in text.splitlines()]


def variants(chance: random.Random, text: str) -> list[str]:
    """Give a text, and the same with other constants."""
    numbers = NUMBER.sub(lambda _: str(chance.choice((0, 1, 7, 4_000_000_000))), text)
    texts = TEXT.sub(lambda _: chance.choice(("''", "'x'", "'role'", "'é'", "'1'")), text)
    return [text, numbers, texts, text]


def profile_of(judge: Judge, user: str) -> Profile:
    """Give the profile of a login in a fresh session."""
    return judge.profile(ProfileKey(account=account(user, judge.policy), database="demo", settings=SETTINGS))


def fresh(text: str, user: str, judge: Judge) -> Decision:
    """Decide as the command line does: no normalizing, no cache."""
    reading = read_statements(text, BOUNDS)
    if not isinstance(reading, Unreadable):
        reading = tuple(expand(facts, None, SETTINGS) for facts in reading)
    return decide(reading, account(user, judge.policy), judge.policy)


def gist(decision: Decision) -> tuple[object, ...]:
    """Give what a decision says, apart from the constants that its facts may quote."""
    acts = [(act.effect, act.target, act.modifiers) for facts in decision.facts for act in facts.acts]
    return decision.verdict, decision.rule, decision.refused, decision.because, acts


@pytest.mark.parametrize("user", ["model_x", "person_ada"])
@pytest.mark.parametrize("cached_decisions", [0, 50, 20_000])
def test_cached_decision_is_the_fresh_one(user: str, cached_decisions: int) -> None:
    """In any order, with any constants, however small the cache: what is remembered is what reading it anew gives."""
    chance = random.Random(SEED)  # noqa: S311 - a repeatable run
    policy = default_policy()
    judge = judge_of(policy, cached_decisions=cached_decisions)
    profile = profile_of(judge, user)
    texts = [variant for text in TEXTS if text for variant in variants(chance, text)]
    texts = chance.sample(texts, 500)
    wrong = [
        text for text in texts if gist(judge.rule(text.encode(), profile).decision) != gist(fresh(text, user, judge))
    ]
    assert wrong == []
    assert judge.hits + judge.misses == len(texts)
    assert profile.size <= max(cached_decisions, 3)
