"""Every way in which a configuration can be wrong: the place, what is said, and the hint. Nothing is ever loaded in part."""

import pytest

from aaf.domain.errors import Code, ConfigurationInvalid
from aaf.policy.configuration import load
from tests.policy.samples import MAIN, with_action, with_main, with_schema

IN_THE_MAIN_FILE: dict[str, tuple[str, list[str]]] = {
    "text that is no YAML": (
        "version: [1\nrules: []\n",
        ["aaf.yaml:2:6: not YAML: did not find expected ',' or ']' (check the indentation, quotes and brackets here)"],
    ),
    "a tab as indentation": (
        "version: 1\nlimits:\n\tagent: {}\n",
        [
            "aaf.yaml:3:1: not YAML: found character that cannot start any token (check the indentation, quotes and brackets here)"
        ],
    ),
    "an empty file": ("", ["aaf.yaml: the file is empty (write at least one key)"]),
    "only a comment": ("# nothing\n", ["aaf.yaml: the file is empty (write at least one key)"]),
    "a duplicate key": (
        "version: 1\nversion: 1\n",
        ["aaf.yaml:2:1: the key `version` stands here a second time (the first is at 1:1)"],
    ),
    "an anchor and an alias": (
        "version: 1\norganisation: &a name\nredact: [*a]\n",
        [
            "aaf.yaml:2:15: anchors are not allowed (write the value out where it is needed)",
            "aaf.yaml:3:10: aliases are not allowed (write the value out)",
        ],
    ),
    "a merge key": (
        "version: 1\napprovals:\n  <<: {quorum: 1}\n",
        ["aaf.yaml:3:3: merge keys are not allowed (write the keys out)"],
    ),
    "a tag": (
        "version: !!str 1\n",
        ["aaf.yaml:1:10: tags are not allowed (leave out the tag; quote a value to make it a string)"],
    ),
    "a tag on a list": (
        "version: 1\nrules: !!seq []\n",
        ["aaf.yaml:2:8: tags are not allowed (leave out the tag; quote a value to make it a string)"],
    ),
    "two documents": (
        "version: 1\n---\nversion: 1\n",
        ["aaf.yaml:2:1: a file holds one document (put the second one into a file of its own)"],
    ),
    "a directive": (
        "%YAML 1.1\n---\nversion: 1\n",
        ["aaf.yaml:1:1: directives are not allowed (leave out the lines that begin with %)"],
    ),
    "a tag directive": (
        "%TAG ! tag:example.com,2000:\n---\nversion: 1\n",
        ["aaf.yaml:1:1: directives are not allowed (leave out the lines that begin with %)"],
    ),
    "a key that is a number": ("version: 1\n2: x\n", ["aaf.yaml:2:1: a key is a string (quote it)"]),
    "a key that is a list": ("version: 1\n[a]: x\n", ["aaf.yaml:2:1: a key is a string (quote it)"]),
    "a key that is a mapping": ("version: 1\n{a: 1}: x\n", ["aaf.yaml:2:1: a key is a string (quote it)"]),
    "a number too large": (
        "version: 1\nuse_within: 9007199254740992\n",
        ["aaf.yaml:2:13: the number is beyond 9007199254740991 (quote it: large numbers are strings)"],
    ),
    "a number with too many digits": (
        "version: 1\nuse_within: 9999999999999999999999999999999999999999999999999999999999999999999999\n",
        ["aaf.yaml:2:13: the number is beyond 9007199254740991 (quote it: large numbers are strings)"],
    ),
    "infinity": (
        "version: 1\nuse_within: .inf\n",
        ["aaf.yaml:2:13: infinity and not-a-number are not allowed (leave the key out, or quote the value)"],
    ),
    "the root is a list": (
        "- version: 1\n",
        [
            "aaf.yaml: `connectors` lacks `files`, which files.read needs (add connectors.files)",
            "aaf.yaml:1:1: aaf.yaml must be a mapping (write it as `key: value` lines)",
        ],
    ),
    "an unknown key": (
        "version: 1\nrulez: []\n",
        ["aaf.yaml:2:1: aaf.yaml has no key `rulez` (did you mean `rules`?)"],
    ),
    "no version": (
        "organisation: x\nconnectors: {files: {root: .}}\n",
        ["aaf.yaml:1:1: aaf.yaml lacks `version` (add `version:`)"],
    ),
    "another version": (
        "version: 2\nconnectors: {files: {root: .}}\n",
        ["aaf.yaml:1:10: `version` must be 1 (this program reads version 1)"],
    ),
    "a version in quotes": (
        "version: '1'\nconnectors: {files: {root: .}}\n",
        ["aaf.yaml:1:10: `version` must be 1 (this program reads version 1)"],
    ),
    "rules that are no list": (
        "version: 1\nrules: {a: 1}\n",
        ["aaf.yaml:2:8: `rules` must be a list of rules (begin each item with a dash)"],
    ),
    "a rule that is no mapping": (
        "version: 1\nrules: [deny]\n",
        ["aaf.yaml:2:9: a rule must be a mapping (write it as `key: value` lines)"],
    ),
    "an organisation that is no string": (
        "version: 1\norganisation: 5\n",
        ["aaf.yaml:2:15: `organisation` must be a string (quote it)"],
    ),
    "an unknown class in defaults": (
        "version: 1\ndefaults: {reed: allow}\n",
        ["aaf.yaml:2:12: there is no action class `reed` (did you mean `read`?)"],
    ),
    "a default that is no decision": (
        "version: 1\ndefaults: {read: alow}\n",
        ["aaf.yaml:2:18: the default of read can't be `alow` (did you mean `allow`?)"],
    ),
    "a default that is a list": (
        "version: 1\ndefaults: {read: [allow]}\n",
        ["aaf.yaml:2:18: the default of read can't be `…` (known are: allow, deny, require_approval)"],
    ),
    "a default that allows a payment": (
        "version: 1\ndefaults: {payment: allow}\n",
        ["aaf.yaml:2:21: the default of payment can't be allow (only reads may be allowed by default; write a rule)"],
    ),
    "defaults that are no mapping": (
        "version: 1\ndefaults: deny\n",
        ["aaf.yaml:2:11: defaults must be a mapping (write it as `key: value` lines)"],
    ),
    "a fallback that allows": (
        "version: 1\nfallback: {decision: allow}\n",
        [
            "aaf.yaml:2:22: the fallback can only be require_approval (leave `fallback` out to deny unknown action types)"
        ],
    ),
    "a fallback without a decision": (
        "version: 1\nfallback: {}\n",
        ["aaf.yaml:2:11: fallback lacks `decision` (add `decision:`)"],
    ),
    "a fallback with an unknown key": (
        "version: 1\nfallback: {decision: require_approval, approvals: {}}\n",
        ["aaf.yaml:2:40: fallback has no key `approvals` (did you mean `approval`?)"],
    ),
    "a rate without a unit": (
        "version: 1\nlimits: {agent: {rate: '60'}}\n",
        ["aaf.yaml:2:24: `rate` must be a number per unit of time (write it like 60/m; units are s, m, h, d)"],
    ),
    "a limit without a rate": (
        "version: 1\nlimits: {agent: {burst: 3}}\n",
        ["aaf.yaml:2:17: limits of agents lacks `rate` (add `rate:`)"],
    ),
    "a burst of nothing": (
        "version: 1\nlimits: {agent: {rate: 60/m, burst: 0}}\n",
        ["aaf.yaml:2:37: `burst` must be a whole number from 1 to 100000"],
    ),
    "an unknown limit": (
        "version: 1\nlimits: {agents: {rate: 60/m}}\n",
        ["aaf.yaml:2:10: limits has no key `agents` (did you mean `agent`?)"],
    ),
    "an unknown connector's settings": (
        "version: 1\nconnectors: {file: {root: .}}\n",
        [
            "aaf.yaml: `connectors` lacks `files`, which files.read needs (add connectors.files)",
            "aaf.yaml:2:14: connectors has no key `file` (did you mean `files`?)",
        ],
    ),
    "files without a root": (
        "version: 1\nconnectors: {files: {max_bytes: 5}}\n",
        ["aaf.yaml:2:21: the connector files lacks `root` (add `root:`)"],
    ),
    "an action whose connector isn't configured": (
        "version: 1\nconnectors: {}\n",
        ["aaf.yaml: `connectors` lacks `files`, which files.read needs (add connectors.files)"],
    ),
    "a duration without a unit": (
        "version: 1\nuse_within: '15'\n",
        ["aaf.yaml:2:13: `use_within` must be a duration of at most 30 days (write it like 30s, 15m, 2h or 1d)"],
    ),
    "a duration of nothing": (
        "version: 1\nuse_within: 0s\n",
        ["aaf.yaml:2:13: `use_within` must be a duration of at most 30 days (write it like 30s, 15m, 2h or 1d)"],
    ),
    "a duration that is a number": (
        "version: 1\nuse_within: 15\n",
        ["aaf.yaml:2:13: `use_within` must be a duration of at most 30 days (write it like 30s, 15m, 2h or 1d)"],
    ),
    "a duration beyond thirty days": (
        "version: 1\nuse_within: 31d\n",
        ["aaf.yaml:2:13: `use_within` must be a duration of at most 30 days (write it like 30s, 15m, 2h or 1d)"],
    ),
    "a run of two hours": ("version: 1\nrun_timeout: 2h\n", ["aaf.yaml:2:14: `run_timeout` is at most 1h"]),
    "redact that is no list": (
        "version: 1\nredact: password\n",
        ["aaf.yaml:2:9: `redact` must be a list of strings (write it as [a, b])"],
    ),
    "redact with a number": ("version: 1\nredact: [1]\n", ["aaf.yaml:2:10: `redact` must hold strings (quote it)"]),
    "a rule without anything": (
        "version: 1\nrules:\n  - {}\n",
        [
            "aaf.yaml:3:5: a rule lacks `name` (add `name:`)",
            "aaf.yaml:3:5: a rule lacks `decision` (add `decision:`)",
            "aaf.yaml:3:5: a rule lacks `match` (add `match:`)",
        ],
    ),
    "a rule with an unknown key": (
        "version: 1\nrules:\n  - name: r\n    match: {tool: files}\n    decison: deny\n    decision: deny\n",
        ["aaf.yaml:5:5: rule r has no key `decison` (did you mean `decision`?)"],
    ),
    "a rule's decision misspelt": (
        "version: 1\nrules:\n  - name: r\n    match: {tool: files}\n    decision: requires_approval\n",
        ["aaf.yaml:5:15: `decision` can't be `requires_approval` (did you mean `require_approval`?)"],
    ),
    "a rule's name with capitals": (
        "version: 1\nrules:\n  - name: Rule One\n    match: {tool: files}\n    decision: deny\n",
        ["aaf.yaml:3:11: a rule's name is lower case letters, digits and hyphens (such as large-refunds)"],
    ),
    "two rules of one name": (
        "version: 1\nrules:\n  - name: r\n    match: {tool: files}\n    decision: deny\n  - {name: r, match: {tool: files}, decision: deny}\n",
        ["aaf.yaml:6:12: a second rule is named `r` (the first is at 3:11)"],
    ),
    "approval on a deny": (
        "version: 1\nrules:\n  - name: r\n    match: {tool: files}\n    decision: deny\n    approval: {quorum: 1}\n",
        ["aaf.yaml:6:5: `approval` goes with require_approval only (leave it out, or change the decision)"],
    ),
    "an approver role that doesn't exist": (
        "version: 1\nrules:\n  - name: r\n    decision: require_approval\n    match: {tool: files}\n    approval: {approvers: [role:aprover]}\n",
        ["aaf.yaml:6:28: `role:aprover` names nobody who can approve (did you mean `role:approver`?)"],
    ),
    "an approver role that can't review": (
        "version: 1\nrules:\n  - name: r\n    decision: require_approval\n    match: {tool: files}\n    approval: {approvers: [role:viewer]}\n",
        ["aaf.yaml:6:28: `role:viewer` names nobody who can approve (that role lacks org:approval:review)"],
    ),
    "an approver that is a name": (
        "version: 1\nrules:\n  - name: r\n    decision: require_approval\n    match: {tool: files}\n    approval: {approvers: [alice]}\n",
        ["aaf.yaml:6:28: `alice` names nobody who can approve (write role:<name> or user:<id>)"],
    ),
    "no approvers": (
        "version: 1\nrules:\n  - name: r\n    decision: require_approval\n    match: {tool: files}\n    approval: {approvers: []}\n",
        ["aaf.yaml:6:15: `approvers` names nobody (write approvers: [role:approver])"],
    ),
    "a quorum of nobody": (
        "version: 1\nrules:\n  - name: r\n    decision: require_approval\n    match: {tool: files}\n    approval: {quorum: 0}\n",
        ["aaf.yaml:6:24: `quorum` must be a whole number from 1 to 20"],
    ),
    "a quorum beyond the named users": (
        "version: 1\nrules:\n  - name: r\n    decision: require_approval\n    match: {tool: files}\n    approval: {approvers: ['user:01234567-89ab-cdef-0123-456789abcdef'], quorum: 2}\n",
        ["aaf.yaml:6:15: a quorum of 2 can't be met by 1 users (name more approvers, or a role)"],
    ),
    "escalation": (
        "version: 1\nrules:\n  - name: r\n    decision: require_approval\n    match: {tool: files}\n    approval: {on_timeout: escalate}\n",
        ["aaf.yaml:6:28: `on_timeout` can only be deny in this version (escalation isn't supported yet; write deny)"],
    ),
    "an unknown key of an approval": (
        "version: 1\nrules:\n  - name: r\n    decision: require_approval\n    match: {tool: files}\n    approval: {quorums: 2}\n",
        ["aaf.yaml:6:16: approval of rule r has no key `quorums` (did you mean `quorum`?)"],
    ),
    "reason_required as a word": (
        "version: 1\nrules:\n  - name: r\n    decision: require_approval\n    match: {tool: files}\n    approval: {reason_required: yes}\n",
        ["aaf.yaml:6:33: `reason_required` must be true or false (without quotes; yes and no are strings here)"],
    ),
    "match that is no mapping": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: files\n",
        ["aaf.yaml:5:12: `match` must be a mapping (write it as {tool: files, operation: [read]})"],
    ),
    "an allow of everything": (
        "version: 1\nrules:\n  - name: r\n    decision: allow\n    match: {}\n",
        ["aaf.yaml:5:12: an allow needs a condition (say at least which tool or class)"],
    ),
    "an unknown field": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {tol: files}\n",
        ["aaf.yaml:5:13: there is no field `tol` (did you mean `tool`?)"],
    ),
    "a parameter without its prefix": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {tool: files, path: x}\n",
        ["aaf.yaml:5:26: there is no field `path` (did you mean `params.path`?)"],
    ),
    "a field of later": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {tool: files, provenance: {gt: 5}}\n",
        ["aaf.yaml:5:26: the field `provenance` isn't supported yet (leave the condition out)"],
    ),
    "a session field": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {session.labels: x}\n",
        ["aaf.yaml:5:13: the field `session.labels` isn't supported yet (leave the condition out)"],
    ),
    "params without a name": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.: x}\n",
        ["aaf.yaml:5:13: there is no field `params.` (did you mean `params.to`?)"],
    ),
    "an unknown operator": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {tool: files, params.path: {startswith: /etc}}\n",
        ["aaf.yaml:5:40: there is no operator `startswith` (did you mean `starts_with`?)"],
    ),
    "no operator": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {tool: files, params.path: {}}\n",
        ["aaf.yaml:5:39: `params.path` has no operator (such as {eq: value})"],
    ),
    "a tool that doesn't exist": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {tool: fils}\n",
        ["aaf.yaml:5:19: no action type has the tool `fils` (did you mean `files`?)"],
    ),
    "an operation that doesn't exist": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {tool: files, operation: [read, wipe]}\n",
        ["aaf.yaml:5:37: no action type has the operation `wipe` (did you mean `write`?)"],
    ),
    "a tool that doesn't exist under not": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {not: {tool: fils}}\n",
        ["aaf.yaml:5:25: no action type has the tool `fils` (did you mean `files`?)"],
    ),
    "a tool and an operation that no type has together": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {tool: pay, operation: read}\n",
        ["aaf.yaml:5:12: rule r can't match any action type here (look at its tool and operation)"],
    ),
    "an alternative that matches nothing": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {any: [{tool: files}, {tool: {starts_with: shell}}]}\n",
        ["aaf.yaml:5:34: rule r can't match any action type here (look at its tool and operation)"],
    ),
    "a parameter that the action lacks": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {tool: files, params.pth: x}\n",
        [
            "aaf.yaml:5:26: `params.pth` is no parameter of files.read, files.write that rule r can match (did you mean `params.path`?)"
        ],
    ),
    "a parameter that only another action has": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {tool: files, params.amount: '1'}\n",
        [
            "aaf.yaml:5:26: `params.amount` is no parameter of files.read, files.write that rule r can match (did you mean `params.path`?)"
        ],
    ),
    "a parameter under a class that no action has": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {class: gui_control, params.path: x}\n",
        ["aaf.yaml:5:33: `params.path` is no parameter of any action type that rule r can match (none is known)"],
    ),
    "a parameter of the wrong alternative": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {any: [{tool: files, params.amount: '1'}, {tool: pay}]}\n",
        [
            "aaf.yaml:5:33: `params.amount` is no parameter of files.read, files.write that rule r can match (did you mean `params.path`?)"
        ],
    ),
    "an unknown class": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {class: payments}\n",
        ["aaf.yaml:5:20: `class`: `payments` is no action class (did you mean `payment`?)"],
    ),
    "an unknown risk": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {risk: {gte: hihg}}\n",
        ["aaf.yaml:5:25: `risk`: `hihg` is no risk (did you mean `high`?)"],
    ),
    "an unknown role": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {role: agnet}\n",
        ["aaf.yaml:5:19: there is no role `agnet` (did you mean `agent`?)"],
    ),
    "contains on a number": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.count: {contains: '5'}}\n",
        [
            "aaf.yaml:5:38: `params.count` of pay.send: `contains` doesn't fit a field that is a number (what fits: eq, exists, gt, gte, in, lt, lte, ne, not_in)"
        ],
    ),
    "gt with a word on a string": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.amount: {gt: lots}}\n",
        [
            'aaf.yaml:5:33: `params.amount` of pay.send: `gt` on a string takes a decimal number in quotes (such as "100.00")'
        ],
    ),
    "gt with a number on a string": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.amount: {gt: 100}}\n",
        [
            'aaf.yaml:5:33: `params.amount` of pay.send: `gt` on a string takes a decimal number in quotes (such as "100.00")'
        ],
    ),
    "gt with a string on a number": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.count: {gt: '100'}}\n",
        ["aaf.yaml:5:32: `params.count` of pay.send: `gt` takes a number here (write it without quotes)"],
    ),
    "gt with a word on a claim": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {context.age: {gt: old}}\n",
        ['aaf.yaml:5:31: `context.age`: `gt` takes a number, or a decimal number in quotes (such as 100 or "100.00")'],
    ),
    "a number where a string is": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.path: 5}\n",
        ["aaf.yaml:5:26: `params.path` of files.read: `5` can't equal a field that is a string (quote it)"],
    ),
    "a flag where a string is": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.path: true}\n",
        ["aaf.yaml:5:26: `params.path` of files.read: `true` can't equal a field that is a string (quote it)"],
    ),
    "a string where a number is": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.count: five}\n",
        [
            "aaf.yaml:5:27: `params.count` of pay.send: `five` can't equal a field that is a number (write it without quotes)"
        ],
    ),
    "a flag where a number is": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.count: true}\n",
        [
            "aaf.yaml:5:27: `params.count` of pay.send: `true` can't equal a field that is a number (write it without quotes)"
        ],
    ),
    "a string where a flag is": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.create: 'true'}\n",
        [
            "aaf.yaml:5:28: `params.create` of files.write: `true` can't equal a field that is true or false (write it without quotes)"
        ],
    ),
    "an empty list": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.path: []}\n",
        ["aaf.yaml:5:26: `params.path` of files.read: `in` takes a list that is not empty (write it as [a, b])"],
    ),
    "in with a scalar": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.path: {in: x}}\n",
        ["aaf.yaml:5:31: `params.path` of files.read: `in` takes a list that is not empty (write it as [a, b])"],
    ),
    "eq with a list": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.path: {eq: [x]}}\n",
        ["aaf.yaml:5:31: `params.path` of files.read: `eq` takes a single value (use `in` for several)"],
    ),
    "eq on a list field": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.cc: {eq: x}}\n",
        [
            "aaf.yaml:5:29: `params.cc` of pay.send: `eq` doesn't fit a field that is a list of strings (what fits: contains, every, exists, in, not_in, size, some)"
        ],
    ),
    "a number in a list field": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.cc: [5]}\n",
        ["aaf.yaml:5:24: `params.cc` of pay.send: `in` takes a string here (quote it)"],
    ),
    "an empty prefix": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.path: {starts_with: ''}}\n",
        ["aaf.yaml:5:40: `params.path` of files.read: `starts_with` takes a string here (quote it)"],
    ),
    "a glob with a question mark": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.path: {glob: 'a?'}}\n",
        [
            "aaf.yaml:5:33: `params.path` of files.read: only * is special in `glob` (? [ and { have no meaning there; use `any` for alternatives)"
        ],
    ),
    "exists with a word": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.path: {exists: 'yes'}}\n",
        ["aaf.yaml:5:35: `params.path` of files.read: `exists` takes true or false (without quotes)"],
    ),
    "a structure compared": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.meta: x}\n",
        ["aaf.yaml:5:26: `params.meta` of pay.send: `in` doesn't fit a field that is a structure (what fits: exists)"],
    ),
    "a secret looked into": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.token: x}\n",
        ["aaf.yaml:5:27: `params.token` of pay.send: `in` doesn't fit a field that is a secret (what fits: exists)"],
    ),
    "all that is no list": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {all: {tool: files}}\n",
        ["aaf.yaml:5:18: `all` takes a list of mappings that is not empty (such as {tool: files})"],
    ),
    "any that is empty": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {any: []}\n",
        ["aaf.yaml:5:18: `any` takes a list of mappings that is not empty (such as {tool: files})"],
    ),
    "not that is empty": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {not: {}}\n",
        ["aaf.yaml:5:18: `not` takes a mapping that is not empty (such as {tool: files})"],
    ),
    "not that is a list": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {not: [{tool: files}]}\n",
        ["aaf.yaml:5:18: `not` takes a mapping that is not empty (such as {tool: files})"],
    ),
    "a value that the schema doesn't list": (
        "version: 1\nrules:\n  - name: r\n    decision: deny\n    match: {params.encoding: base46}\n",
        ["aaf.yaml:5:30: `params.encoding` is never `base46` (did you mean `base64`?)"],
    ),
}

IN_AN_ACTION: dict[str, tuple[str, list[str]]] = {
    "an action without anything": (
        "x: 1\n",
        [
            "actions/x.yaml:1:1: the action type lacks `name` (add `name:`)",
            "actions/x.yaml:1:1: the action type lacks `class` (add `class:`)",
            "actions/x.yaml:1:1: the action type lacks `risk` (add `risk:`)",
            "actions/x.yaml:1:1: the action type lacks `input` (add `input:`)",
            "actions/x.yaml:1:1: the action type lacks `effect` (add `effect:`)",
            "actions/x.yaml:1:1: the action type has no key `x` (known are: amount, class, description, effect, idempotent, input, name, output, reversible, risk, run_when_approved, secret, secrets, targets, trust)",
        ],
    ),
    "an action that is a list": (
        "- name\n",
        ["actions/x.yaml:1:1: the action type must be a mapping (write it as `key: value` lines)"],
    ),
    "an action type without a dot": (
        "name: send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\n",
        [
            "actions/x.yaml:1:7: a name is lowercase words with dots between, at most 128 characters (such as email.send)"
        ],
    ),
    "an action type in the long form": (
        "name: mail.send.action.do\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\n",
        ["actions/x.yaml:1:7: the ending .action.do is understood by itself (write mail.send)"],
    ),
    "an action type declared twice": (
        "name: files.read\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\n",
        [
            "actions/x.yaml:1:1: the action type `files.read` is declared a second time (the first is in actions/files.read.yaml:1)"
        ],
    ),
    "an unknown key of an action": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\ntarget: [params.to]\n",
        ["actions/x.yaml:6:1: the action type has no key `target` (did you mean `targets`?)"],
    ),
    "a class misspelt": (
        "name: mail.send\nclass: external_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\n",
        ["actions/x.yaml:2:8: `class` can't be `external_call` (did you mean `external_api_call`?)"],
    ),
    "a risk misspelt": (
        "name: mail.send\nclass: external_api_call\nrisk: lo\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\n",
        ["actions/x.yaml:3:7: `risk` can't be `lo` (did you mean `low`?)"],
    ),
    "a trust misspelt": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\ntrust: yes\n",
        ["actions/x.yaml:6:8: `trust` can't be `yes` (known are: trusted, untrusted)"],
    ),
    "a target that isn't declared": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\ntargets: [params.too]\n",
        ["actions/x.yaml:6:11: `params.too` is not declared by the input schema (did you mean `params.to`?)"],
    ),
    "a target without its prefix": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\ntargets: [to]\n",
        ["actions/x.yaml:6:11: `to` is not declared by the input schema (known are: params.n, params.pw, params.to)"],
    ),
    "targets that are no list": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\ntargets: params.to\n",
        ["actions/x.yaml:6:10: `targets` must be a list of strings (write it as [a, b])"],
    ),
    "a secret that isn't declared": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\nsecret: [params.password]\n",
        ["actions/x.yaml:6:10: `params.password` is not declared by the input schema (did you mean `params.pw`?)"],
    ),
    "a secret that is a target": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\nsecret: [params.to]\ntargets: [params.to]\n",
        [
            "actions/x.yaml:6:10: `params.to` is a target or an amount, which an approver must see (take it out of one of the two)"
        ],
    ),
    "an amount that is secret": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\nsecret: [params.pw]\namount: {value: params.pw, currency: params.to}\n",
        [
            "actions/x.yaml:6:10: `params.pw` is a target or an amount, which an approver must see (take it out of one of the two)"
        ],
    ),
    "an amount that is a number": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\namount: {value: params.n, currency: params.to}\n",
        [
            'actions/x.yaml:6:17: an amount is a decimal string (declare it `type: string`, so that "100.00" stays exact)'
        ],
    ),
    "an amount without a currency": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\namount: {value: params.to}\n",
        ["actions/x.yaml:6:9: amount lacks `currency` (add `currency:`)"],
    ),
    "an amount that isn't declared": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\namount: {value: params.sum, currency: params.to}\n",
        ["actions/x.yaml:6:17: `params.sum` is not declared by the input schema (did you mean `params.n`?)"],
    ),
    "an unknown key of an amount": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\namount: {value: params.to, currency: params.to, unit: x}\n",
        ["actions/x.yaml:6:49: amount has no key `unit` (known are: currency, value)"],
    ),
    "a handle with capitals": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\nsecrets: [SMTP]\n",
        ["actions/x.yaml:6:11: a secret's handle is lower case letters, digits and _ (such as smtp_password)"],
    ),
    "an unknown connector": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: {connector: flies}\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\n",
        ["actions/x.yaml:4:9: there is no connector `flies` (did you mean `files`?)"],
    ),
    "an effect that is a word": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: files\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\n",
        [
            "actions/x.yaml:4:9: `effect` is `caller` or a connector (write effect: caller, or effect: {connector: files})"
        ],
    ),
    "an effect that names caller as a connector": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: {connector: caller}\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\n",
        ["actions/x.yaml:4:9: `caller` is no connector (write effect: caller)"],
    ),
    "an effect without a connector": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: {}\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\n",
        ["actions/x.yaml:4:9: effect lacks `connector` (add `connector:`)"],
    ),
    "a flag as a word": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\nreversible: 'no'\n",
        ["actions/x.yaml:6:13: `reversible` must be true or false (without quotes; yes and no are strings here)"],
    ),
    "an output schema with a fault": (
        "name: mail.send\nclass: external_api_call\nrisk: low\neffect: caller\ninput: {type: object, additionalProperties: false, properties: {to: {type: string}, n: {type: integer}, pw: {type: string}}}\noutput: {type: objet}\n",
        [
            "actions/x.yaml:6:9: the top of a schema must be `type: object` (describe the parameters by name)",
            "actions/x.yaml:6:16: `type` names a JSON type (did you mean `object`?)",
        ],
    ),
}

IN_A_SCHEMA: dict[str, tuple[str, list[str]]] = {
    "a schema that is a word": (
        "object",
        ["actions/x.yaml:6:3: a schema must be a mapping (write it as `type: string` and so on)"],
    ),
    "a schema whose top is no object": (
        "type: string",
        ["actions/x.yaml:6:3: the top of a schema must be `type: object` (describe the parameters by name)"],
    ),
    "an unknown keyword": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: string, maxlength: 5}\n",
        ["actions/x.yaml:9:23: `maxlength` is not a keyword of schemas here (did you mean `maxLength`?)"],
    ),
    "a keyword that isn't supported": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: string, not: {type: integer}}\n",
        ["actions/x.yaml:9:23: `not` is not a keyword of schemas here (say what is allowed, not what isn't)"],
    ),
    "a field's schema that is true": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: true\n",
        ["actions/x.yaml:9:8: a schema must be a mapping (write it as `type: string` and so on)"],
    ),
    "a field without a type": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {minLength: 1}\n",
        ["actions/x.yaml:9:8: the schema doesn't say what it takes (add `type`)"],
    ),
    "an unknown type": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: strin}\n",
        ["actions/x.yaml:9:15: `type` names a JSON type (did you mean `string`?)"],
    ),
    "a type that is a number": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: 5}\n",
        [
            "actions/x.yaml:9:15: `type` names a JSON type (known are: array, boolean, integer, null, number, object, string)"
        ],
    ),
    "an unknown type in a list": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: [string, nul]}\n",
        ["actions/x.yaml:9:24: `type` names a JSON type (did you mean `null`?)"],
    ),
    "an empty list of types": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: []}\n",
        [
            "actions/x.yaml:9:15: `type` names a JSON type (known are: array, boolean, integer, null, number, object, string)"
        ],
    ),
    "an unknown format": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: string, format: mail}\n",
        ["actions/x.yaml:9:31: the format `mail` is unknown (did you mean `email`?)"],
    ),
    "a pattern with look-ahead": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: string, pattern: '(?=a)b'}\n",
        [
            "actions/x.yaml:9:32: `pattern` is no regular expression of linear time (leave out look-around and back references)"
        ],
    ),
    "a length that is a string": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: string, maxLength: '5'}\n",
        ["actions/x.yaml:9:34: `maxLength` must be a whole number from 0"],
    ),
    "a minimum that is a string": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: integer, minimum: '5'}\n",
        ["actions/x.yaml:9:33: `minimum` must be a number"],
    ),
    "an empty enum": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {enum: []}\n",
        ["actions/x.yaml:9:15: `enum` must be a list that is not empty"],
    ),
    "properties that are no mapping": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: object, additionalProperties: false, properties: [a]}\n",
        ["actions/x.yaml:9:64: `properties` must be a mapping"],
    ),
    "an object that is neither open nor closed": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: object, properties: {b: {type: string}}}\n",
        [
            "actions/x.yaml:9:8: an object is either closed or open (write `additionalProperties: false`, or `open: true` where any other field may come)"
        ],
    ),
    "an object that is both": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: object, additionalProperties: false, open: true}\n",
        [
            "actions/x.yaml:9:8: an object is either closed or open (write `additionalProperties: false`, or `open: true` where any other field may come)"
        ],
    ),
    "additional properties allowed": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: object, additionalProperties: true}\n",
        [
            "actions/x.yaml:9:8: an object is either closed or open (write `additionalProperties: false`, or `open: true` where any other field may come)"
        ],
    ),
    "a list type with an object that isn't closed": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: [object, 'null']}\n",
        [
            "actions/x.yaml:9:8: an object is either closed or open (write `additionalProperties: false`, or `open: true` where any other field may come)"
        ],
    ),
    "a required field that isn't declared": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: string}\nrequired: [aa]",
        ["actions/x.yaml:10:14: `required` names `aa`, which is not declared (did you mean `a`?)"],
    ),
    "a required field that is a number": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: string}\nrequired: [1]",
        ["actions/x.yaml:10:14: `required` must hold strings (quote it)"],
    ),
    "a remote reference": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {$ref: 'https://example.com/s.json'}\n",
        ["actions/x.yaml:9:15: `$ref` must be #/$defs/<name> of a definition in this schema (none is known)"],
    ),
    "a reference to nothing": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {$ref: '#/$defs/money'}\n$defs: {mony: {type: string}}",
        ["actions/x.yaml:9:15: `$ref` must be #/$defs/<name> of a definition in this schema (did you mean `mony`?)"],
    ),
    "a reference that is a number": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {$ref: 5}\n",
        [
            "actions/x.yaml:9:15: `$ref` must be a string",
            "actions/x.yaml:9:15: `$ref` must be #/$defs/<name> of a definition in this schema (none is known)",
        ],
    ),
    "something beside a reference": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {$ref: '#/$defs/m', maxLength: 5}\n$defs: {m: {type: string}}",
        ["actions/x.yaml:9:28: `maxLength` can't stand beside $ref (put it into the definition)"],
    ),
    "a definition that refers to itself": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {$ref: '#/$defs/m'}\n$defs: {m: {type: array, items: {$ref: '#/$defs/n'}}, n: {type: array, items: {$ref: '#/$defs/m'}}}",
        [
            "actions/x.yaml:10:11: the definition `m` refers to itself (write it flat)",
            "actions/x.yaml:10:57: the definition `n` refers to itself (write it flat)",
        ],
    ),
    "definitions inside": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: string, $defs: {b: {type: string}}}\n",
        ["actions/x.yaml:9:23: `$defs` stands at the top of a schema only (move it there)"],
    ),
    "a default of the wrong type": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: integer, default: five}\n",
        ["actions/x.yaml:9:33: default must be integer (a default must satisfy its own schema)"],
    ),
    "a default beside a reference that it doesn't satisfy": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {$ref: '#/$defs/m', default: 5}\n$defs: {m: {type: string}}",
        ["actions/x.yaml:9:37: default must be string (a default must satisfy its own schema)"],
    ),
    "a default in an alternative": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {anyOf: [{type: string, default: x}, {type: integer}]}\n",
        [
            "actions/x.yaml:9:32: `default` has no effect in an alternative (put it beside anyOf or oneOf, or leave it out)"
        ],
    ),
    "control characters allowed in an alternative": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {oneOf: [{type: string, x-allow-control: true}, {type: integer}]}\n",
        [
            "actions/x.yaml:9:32: `x-allow-control` has no effect in an alternative (put it beside anyOf or oneOf, or leave it out)"
        ],
    ),
    "alternatives that are no list": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {anyOf: {type: string}}\n",
        ["actions/x.yaml:9:16: `anyOf` must be a list that is not empty"],
    ),
    "required that is no list": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: object, additionalProperties: false, required: b}\n",
        ["actions/x.yaml:9:62: `required` must be a list that is not empty"],
    ),
    "something that jsonschema-rs refuses": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: number, multipleOf: 0}\n",
        ["actions/x.yaml:6:3: the schema can't be compiled (0 is less than or equal to the minimum of 0)"],
    ),
    "items with a fault": (
        "type: object\nadditionalProperties: false\nproperties:\n  a: {type: array, items: {type: strin}}\n",
        ["actions/x.yaml:9:36: `type` names a JSON type (did you mean `string`?)"],
    ),
}


def _problems(files: dict[str, bytes]) -> list[str]:
    with pytest.raises(ConfigurationInvalid) as caught:
        load(files)
    assert caught.value.code is Code.CONFIGURATION_INVALID
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.attack("G02", guard="aaf.policy.reading:Section.close")
def test_a_misspelt_key_is_refused_with_its_place() -> None:
    text = "version: 1\nrulez:\n  - {name: r, match: {tool: files}, decision: deny}\n"

    assert _problems(with_main(text)) == ["aaf.yaml:2:1: aaf.yaml has no key `rulez` (did you mean `rules`?)"]


@pytest.mark.attack("G03", guard="aaf.policy.rules:Check.parameter")
def test_a_rule_on_an_argument_that_the_action_lacks_is_refused_with_both_names() -> None:
    text = MAIN.decode() + "rules: [{name: r, match: {tool: pay, params.amonut: '1'}, decision: deny}]\n"

    assert _problems(with_main(text)) == [
        "aaf.yaml:3:38: `params.amonut` is no parameter of pay.send that rule r can match (did you mean `params.amount`?)"
    ]


@pytest.mark.attack("G02")
@pytest.mark.parametrize(("text", "expected"), IN_THE_MAIN_FILE.values(), ids=IN_THE_MAIN_FILE)
def test_a_fault_of_the_main_file_is_said_with_its_place(text: str, expected: list[str]) -> None:
    assert _problems(with_main(text)) == expected


@pytest.mark.attack("G02")
@pytest.mark.parametrize(("text", "expected"), IN_AN_ACTION.values(), ids=IN_AN_ACTION)
def test_a_fault_of_an_action_type_is_said_with_its_place(text: str, expected: list[str]) -> None:
    assert _problems(with_action(text)) == expected


@pytest.mark.requirement("R01")
@pytest.mark.parametrize(("text", "expected"), IN_A_SCHEMA.values(), ids=IN_A_SCHEMA)
def test_a_fault_of_a_schema_is_said_with_its_place(text: str, expected: list[str]) -> None:
    assert _problems(with_schema(text)) == expected


def test_every_problem_of_every_file_is_said_at_once() -> None:
    files = with_main("version: 2\nrulez: []\n") | {
        "actions/files.read.yaml": b"name: files.read\n",
        "policies/a.rego": b"package a",
        "aaf.yml": b"",
    }

    problems = _problems(files)

    assert problems == [
        "aaf.yaml:1:10: `version` must be 1 (this program reads version 1)",
        "aaf.yaml:2:1: aaf.yaml has no key `rulez` (did you mean `rules`?)",
        "aaf.yml: this file has no place in a configuration (did you mean `aaf.yaml`?)",
        "actions/files.read.yaml:1:1: the action type lacks `class` (add `class:`)",
        "actions/files.read.yaml:1:1: the action type lacks `risk` (add `risk:`)",
        "actions/files.read.yaml:1:1: the action type lacks `input` (add `input:`)",
        "actions/files.read.yaml:1:1: the action type lacks `effect` (add `effect:`)",
        "policies/a.rego: policy modules in Rego need the engine, which isn't installed (install agent-action-firewall[rego])",
    ]


def test_a_folder_without_the_main_file_is_refused() -> None:
    assert _problems({}) == ["aaf.yaml: the file is missing (write at least `version: 1` into it)"]


def test_an_action_file_that_is_no_yaml_is_refused() -> None:
    assert _problems(with_action("{")) == [
        "actions/x.yaml:2:1: not YAML: did not find expected node content (check the indentation, quotes and brackets here)"
    ]


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    assert _problems({"aaf.yaml": b"version: 1\n# \xc3\xa9 \xff\n"}) == [
        "aaf.yaml:2:5: not UTF-8 (save the file as UTF-8)"
    ]
    assert _problems({"aaf.yaml": b"version: 1\nx: \x1b[2J\n"}) == [
        'aaf.yaml:2:4: the character U+001B is not allowed (write it as an escape in a "quoted" string)'
    ]


def test_a_file_that_is_too_large_or_too_deep_is_refused() -> None:
    assert _problems({"aaf.yaml": b"#" * 1_048_577}) == [
        "aaf.yaml: the file is larger than 1048576 bytes (split it, or take something out)"
    ]
    assert _problems({"aaf.yaml": b"[" * 100_000}) == ["aaf.yaml:1:33: nested deeper than 32 levels (make it flatter)"]
