"""Facts and rules -> decision. Pure: no sockets, no clock, no files. This module is the room's door."""

from proxy.policy.account import Account, AccountKind, Principal
from proxy.policy.compiler import PolicyMistakes, compile_policy
from proxy.policy.document import json_schema
from proxy.policy.marks import PolicyMistake, read_marked
from proxy.policy.rules import HOUSE_RULES, Limit, Miss, Mode, Policy, Rule, Sense
from proxy.policy.standing import Standing, restrain
from proxy.policy.verdict import Decision, Verdict, decide
from proxy.policy.wording import Explanation, Step, act_in_words, explain, steps

__all__ = [
    "HOUSE_RULES",
    "Account",
    "AccountKind",
    "Decision",
    "Explanation",
    "Limit",
    "Miss",
    "Mode",
    "Policy",
    "PolicyMistake",
    "PolicyMistakes",
    "Principal",
    "Rule",
    "Sense",
    "Standing",
    "Step",
    "Verdict",
    "act_in_words",
    "compile_policy",
    "decide",
    "explain",
    "json_schema",
    "read_marked",
    "restrain",
    "steps",
]
