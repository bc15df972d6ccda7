"""What can be wrong with `limits`, and with rules that ask for them: the place, what is said, and the hint."""

import pytest

from aaf.domain.errors import ConfigurationInvalid
from aaf.policy.configuration import load
from tests.policy.samples import with_main

RATES = "limits:\n  rates:\n    - "
SPEND = "limits:\n  spend:\n    - "
RULE = "rules:\n  - {name: x, decision: deny, match: %s}\n"

WRONG: dict[str, tuple[str, list[str]]] = {
    "a rate without anything": (
        RATES + "{}",
        [
            "aaf.yaml:4:7: a rate lacks `name` (add `name:`)",
            "aaf.yaml:4:7: a rate lacks `rate` (add `rate:`)",
            "aaf.yaml:4:7: a rate lacks `per` (add `per:`)",
        ],
    ),
    "a bad name": (
        RATES + "{name: Few, per: agent, rate: 1/h}",
        [
            "aaf.yaml:4:14: a limit's name is lower case letters, digits and hyphens, a letter first (such as refunds-per-day)",
        ],
    ),
    "the name of the short form": (
        RATES + "{name: agent, per: agent, rate: 1/h}",
        [
            "aaf.yaml:4:14: `agent` is the limit of the short form (choose another name)",
        ],
    ),
    "two of one name": (
        RATES + "{name: few, per: agent, rate: 1/h}\n    - {name: few, per: agent, rate: 1/h}",
        [
            "aaf.yaml:5:14: a second limit is named `few` (the first is at 4:14)",
        ],
    ),
    "two of one name in both lists": (
        RATES
        + "{name: few, per: agent, rate: 1/h}\n  spend:\n    - {name: few, per: agent, match: {tool: pay}, ceiling: '5', currency: EUR, window: 1d}",
        [
            "aaf.yaml:6:14: a second limit is named `few` (the first is at 4:14)",
        ],
    ),
    "an unknown per": (
        RATES + "{name: few, per: agents, rate: 1/h}",
        [
            "aaf.yaml:4:24: an item of `per` can't be `agents` (did you mean `agent`?)",
        ],
    ),
    "per twice": (
        RATES + "{name: few, per: [agent, agent], rate: 1/h}",
        [
            "aaf.yaml:4:32: `agent` stands twice in `per` (leave it out)",
        ],
    ),
    "per nothing": (
        RATES + "{name: few, per: [], rate: 1/h}",
        [
            "aaf.yaml:4:24: `per` names nothing (name some of: action, agent, organisation, user)",
        ],
    ),
    "organisation with another": (
        RATES + "{name: few, per: [organisation, agent], rate: 1/h}",
        [
            "aaf.yaml:4:25: `organisation` stands alone in `per` (an organisation's agents, users and actions are counted apart without it)",
        ],
    ),
    "over at the door": (
        RATES + "{name: few, per: agent, rate: 1/h, over: deny}",
        [
            "aaf.yaml:4:42: `over` goes with enforce: policy only (the door refuses what is over)",
        ],
    ),
    "an unknown over": (
        RATES + "{name: few, per: agent, rate: 1/h, enforce: policy, over: denny}",
        [
            "aaf.yaml:4:65: `over` can't be `denny` (did you mean `deny`?)",
        ],
    ),
    "an approval without a hold": (
        RATES + "{name: few, per: agent, rate: 1/h, enforce: policy, approval: {quorum: 2}}",
        [
            "aaf.yaml:4:59: `approval` goes with over: require_approval only (leave it out, or write over: require_approval)",
        ],
    ),
    "a rate without a unit": (
        RATES + "{name: few, per: agent, rate: 10}",
        [
            "aaf.yaml:4:37: `rate` must be a string (quote it)",
        ],
    ),
    "an unknown tool": (
        RATES + "{name: few, per: agent, rate: 1/h, match: {tool: fils}}",
        [
            "aaf.yaml:4:56: no action type has the tool `fils` (did you mean `files`?)",
        ],
    ),
    "an unknown operation": (
        RATES + "{name: few, per: agent, rate: 1/h, match: {operation: [reed]}}",
        [
            "aaf.yaml:4:62: no action type has the operation `reed` (did you mean `read`?)",
        ],
    ),
    "an unknown class": (
        RATES + "{name: few, per: agent, rate: 1/h, match: {class: paiment}}",
        [
            "aaf.yaml:4:57: there is no action class `paiment` (did you mean `payment`?)",
        ],
    ),
    "what never meets": (
        RATES + "{name: few, per: agent, rate: 1/h, match: {tool: files, operation: send}}",
        [
            "aaf.yaml:4:49: limit few can't match any action type (look at its tool, operation and class)",
        ],
    ),
    "an empty match": (
        RATES + "{name: few, per: agent, rate: 1/h, match: {}}",
        [
            "aaf.yaml:4:49: `match` names nothing (write a tool, an operation or a class, or leave `match` out)",
        ],
    ),
    "a match with an empty list": (
        RATES + "{name: few, per: agent, rate: 1/h, match: {tool: [], class: payment}}",
        [
            "aaf.yaml:4:56: `tool` names nothing (leave it out, or say which)",
        ],
    ),
    "a match on a parameter": (
        RATES + "{name: few, per: agent, rate: 1/h, match: {params.amount: 5}}",
        [
            "aaf.yaml:4:50: `match` of limit few has no key `params.amount` (a limit matches tool, operation and class only)",
        ],
    ),
    "a combinator": (
        RATES + "{name: few, per: agent, rate: 1/h, match: {any: []}}",
        [
            "aaf.yaml:4:50: `match` of limit few has no key `any` (a limit matches tool, operation and class only)",
        ],
    ),
    "a match that is a list": (
        RATES + "{name: few, per: agent, rate: 1/h, match: [files]}",
        [
            "aaf.yaml:4:49: `match` of limit few must be a mapping (write it as `key: value` lines)",
        ],
    ),
    "an operator": (
        RATES + "{name: few, per: agent, rate: 1/h, match: {tool: {glob: 'f*'}}}",
        [
            "aaf.yaml:4:56: `tool` must be a list of strings (write it as [a, b])",
        ],
    ),
    "a ceiling without anything": (
        SPEND + "{}",
        [
            "aaf.yaml:4:7: a ceiling lacks `name` (add `name:`)",
            "aaf.yaml:4:7: a ceiling lacks `ceiling` (add `ceiling:`)",
            "aaf.yaml:4:7: a ceiling lacks `currency` (add `currency:`)",
            "aaf.yaml:4:7: a ceiling lacks `window` (add `window:`)",
            "aaf.yaml:4:7: a ceiling lacks `match` (add `match:`)",
            "aaf.yaml:4:7: a ceiling lacks `per` (add `per:`)",
        ],
    ),
    "informing of a ceiling": (
        SPEND + "{name: cap, per: agent, match: {tool: pay}, ceiling: '5', currency: EUR, window: 1d, over: inform}",
        [
            "aaf.yaml:4:98: `over` of a ceiling can't be inform (write deny or require_approval)",
        ],
    ),
    "no amount declared": (
        SPEND + "{name: cap, per: agent, match: {class: [payment, read]}, ceiling: '5', currency: EUR, window: 1d}",
        [
            "aaf.yaml:4:38: limit cap needs an amount, and files.read declares none (declare it there, amount: {value: params.amount, currency: params.currency}, or match less)",
        ],
    ),
    "a number as a ceiling": (
        SPEND + "{name: cap, per: agent, match: {tool: pay}, ceiling: 5, currency: EUR, window: 1d}",
        [
            'aaf.yaml:4:60: a ceiling is a decimal number in quotes (such as "500.00": at most six decimals, below 1000000000)',
        ],
    ),
    "a negative ceiling": (
        SPEND + "{name: cap, per: agent, match: {tool: pay}, ceiling: '-5', currency: EUR, window: 1d}",
        [
            'aaf.yaml:4:60: a ceiling is a decimal number in quotes (such as "500.00": at most six decimals, below 1000000000)',
        ],
    ),
    "a currency in small letters": (
        SPEND + "{name: cap, per: agent, match: {tool: pay}, ceiling: '5', currency: eur, window: 1d}",
        [
            "aaf.yaml:4:75: a currency is three capital letters of ISO 4217 (such as EUR)",
        ],
    ),
    "a window too long": (
        SPEND + "{name: cap, per: agent, match: {tool: pay}, ceiling: '5', currency: EUR, window: 31d}",
        [
            "aaf.yaml:4:88: `window` must be a span of at most 30 days (write it like 15m, 2h or 1d)",
        ],
    ),
    "a window without a unit": (
        SPEND + "{name: cap, per: agent, match: {tool: pay}, ceiling: '5', currency: EUR, window: '60'}",
        [
            "aaf.yaml:4:88: `window` must be a span of at most 30 days (write it like 15m, 2h or 1d)",
        ],
    ),
    "ceilings and a ceiling": (
        SPEND
        + "{name: cap, per: agent, match: {tool: pay}, ceiling: '5', currency: EUR, window: 1d, ceilings: {EUR: '5'}}",
        [
            "aaf.yaml:4:51: `ceiling` doesn't go with `ceilings` (write every currency in `ceilings`)",
            "aaf.yaml:4:65: `currency` doesn't go with `ceilings` (write every currency in `ceilings`)",
        ],
    ),
    "no ceilings": (
        SPEND + "{name: cap, per: agent, match: {tool: pay}, ceilings: {}, window: 1d}",
        [
            'aaf.yaml:4:61: `ceilings` names no currency (such as {EUR: "500.00"})',
        ],
    ),
    "ceilings in a strange currency": (
        SPEND + "{name: cap, per: agent, match: {tool: pay}, ceilings: {Euro: '5', EUR: 'x'}, window: 1d}",
        [
            "aaf.yaml:4:62: a currency is three capital letters of ISO 4217 (such as EUR)",
            'aaf.yaml:4:78: a ceiling is a decimal number in quotes (such as "500.00": at most six decimals, below 1000000000)',
        ],
    ),
    "an unknown key": (
        SPEND + "{name: cap, per: agent, match: {tool: pay}, ceiling: '5', currency: EUR, window: 1d, burst: 5}",
        [
            "aaf.yaml:4:92: limit cap has no key `burst` (known are: approval, ceiling, ceilings, currency, match, name, over, per, window)",
        ],
    ),
    "rates that are no list": (
        "limits: {rates: {a: 1}}",
        [
            "aaf.yaml:2:17: `rates` must be a list of rates (begin each item with a dash)",
        ],
    ),
    "a rule about a limit that isn't there": (
        RULE % "{counters.fee.exceeded: true}" + RATES + "{name: few, per: agent, rate: 1/h, enforce: policy}",
        [
            "aaf.yaml:3:39: there is no limit `fee` (did you mean `few`?)",
        ],
    ),
    "a rule about a counter that isn't there": (
        RULE % "{counters.few.used: 5}" + RATES + "{name: few, per: agent, rate: 1/h, enforce: policy}",
        [
            "aaf.yaml:3:39: a limit has no counter `used` (known are: exceeded, remaining)",
        ],
    ),
    "a rule about a limit of the door": (
        RULE % "{counters.few.exceeded: true}" + RATES + "{name: few, per: agent, rate: 1/h}",
        [
            "aaf.yaml:3:39: the door enforces the limit `few`, so no rule sees it (write enforce: policy to have it judged)",
        ],
    ),
    "a rule with a wrong operator": (
        RULE % "{counters.few.exceeded: {gt: 5}}" + RATES + "{name: few, per: agent, rate: 1/h, enforce: policy}",
        [
            "aaf.yaml:3:67: `counters.few.exceeded`: `gt` doesn't fit a field that is true or false (what fits: eq, exists, in, ne, not_in)",
        ],
    ),
    "a rule on existence": (
        RULE % "{counters.few.exceeded: {exists: true}}"
        + RATES
        + "{name: few, per: agent, rate: 1/h, enforce: policy}",
        [
            "aaf.yaml:3:71: `counters.few.exceeded`: is always there (ask for `exceeded` or `remaining`)",
        ],
    ),
    "a rule that compares units with money": (
        RULE % "{counters.few.remaining: {lt: '5.00'}}" + RATES + "{name: few, per: agent, rate: 1/h, enforce: policy}",
        [
            "aaf.yaml:3:68: `counters.few.remaining`: `lt` takes a number here (write it without quotes)",
        ],
    ),
    "a rule that compares money with a number": (
        RULE % "{counters.cap.remaining: {lt: 5}}"
        + SPEND
        + "{name: cap, per: agent, match: {tool: pay}, ceiling: '5', currency: EUR, window: 1d}",
        [
            'aaf.yaml:3:68: `counters.cap.remaining`: `lt` on a string takes a decimal number in quotes (such as "100.00")',
        ],
    ),
    "a rule that wants money to equal": (
        RULE % "{counters.cap.remaining: '0.00'}"
        + SPEND
        + "{name: cap, per: agent, match: {tool: pay}, ceiling: '5', currency: EUR, window: 1d}",
        [
            "aaf.yaml:3:63: `counters.cap.remaining`: `in` doesn't fit an amount of money (what fits: gt, gte, lt, lte)",
        ],
    ),
    "a rule about counters": (
        RULE % "{counters: 5}" + RATES + "{name: few, per: agent, rate: 1/h, enforce: policy}",
        [
            "aaf.yaml:3:39: there is no field `counters` (known are: agent, all, amount, any, class, findings, labels, not, operation, params.amount, params.cc, params.count, params.create, params.currency, params.encoding, params.meta, params.meta.note, params.meta.urgent, params.mode, params.path, …)",
        ],
    ),
}


def _problems(text: str) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(with_main(f"version: 1\n{text}\nconnectors: {{files: {{root: .}}}}\n"))
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("name", WRONG)
def test_a_limit_that_is_wrong_is_refused_with_its_place(name: str) -> None:
    text, problems = WRONG[name]
    assert _problems(text) == problems


def test_there_are_at_most_fifty_limits_of_both_kinds_together() -> None:
    rates = "".join(f"    - {{name: r{number}, per: agent, rate: 1/h}}\n" for number in range(51))
    assert _problems(f"limits:\n  rates:\n{rates}") == [
        "aaf.yaml:54:7: a configuration has at most 50 limits (make one of several)"
    ]
    spend = "  spend:\n    - {name: cap, per: agent, match: {tool: pay}, ceiling: '5', currency: EUR, window: 1d}\n"
    fifty = rates.replace("    - {name: r50, per: agent, rate: 1/h}\n", "")
    assert _problems(f"limits:\n  rates:\n{fifty}{spend}") == [
        "aaf.yaml:55:7: a configuration has at most 50 limits (make one of several)"
    ]


def test_where_an_action_type_is_broken_what_limits_are_about_is_not_checked() -> None:
    files = with_main(
        f"version: 1\n{SPEND}{{name: cap, per: agent, match: {{tool: nobody}}, ceiling: '5', currency: EUR, window: 1d}}\n"
    )
    with pytest.raises(ConfigurationInvalid) as caught:
        load({**files, "actions/x.yaml": b"{}"})
    assert {problem.file for problem in caught.value.problems} == {"actions/x.yaml"}
