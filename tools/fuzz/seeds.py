"""The folders that the fuzzer begins with, each as one text; the first says everything that a document can say."""

DOCUMENT = b"""\
=== aaf.yaml
# everything that a document can say
version: 1
organisation: acme
managed_by: file
include: [rules/payments.yaml, "teams/*.yaml"]
rules:
  - name: reads
    match: {tool: files, operation: [read, send]}
    decision: allow
    reason: Reading is allowed
  - name: large
    match:
      tool: pay
      params.amount: {gt: "100.00"}
      any: [{params.to: {glob: "a*"}}, {not: {params.cc: {contains: me}}}]
    decision: require_approval
    approval: {approvers: ["role:treasurer"], quorum: 1, timeout: 15m, on_timeout: deny}
  - {name: far, match: {params.url: {host: [api.example.com, "*.example.org:8443"]}, server: {exists: true}}, decision: deny}
  - {name: near, match: {all: [{params.address: {cidr: [10.0.0.0/8, "2001:db8::/32"]}}, {params.address: {ne: 10.0.0.1}}]}, decision: deny}
  - {name: beneath, match: {params.path: {under: [docs, src/generated]}, operation: {in: [read, send]}}, decision: deny}
  - {name: spelt, match: {params.path: {matches: "[a-z0-9_]+\\\\.csv", ends_with: .csv, starts_with: a}}, decision: deny}
  - {name: copies, match: {params.cc: {every: {ends_with: "@example.com"}, some: {matches: "a.*"}, size: {gte: 1, lte: 5}}}, decision: require_approval}
  - {name: sized, match: {params.cc: {size: [0, 3], some: [me, you], every: me}}, decision: deny}
  - {name: dear, match: {amount: {gt: "100.00", lte: "9999", currency: EUR}}, decision: require_approval}
  - {name: at-night, match: {not: {time: {within: {days: [mon-fri, sun], hours: "22:00-06:00", zone: Europe/Zurich}}}, tool: pay}, decision: require_approval}
  - {name: at-noon, match: {time: {within: {hours: ["12:00-13:00"], zone: UTC}, gte: "2026-12-24T18:00:00+01:00", lt: "2026-12-27T00:00:00Z"}, tool: pay}, decision: deny}
  - {name: counted, match: {params.count: {in: [1, 2], not_in: [3]}, tool: pay}, decision: deny}
  - {name: used-up, match: {tool: pay, counters.refunds.remaining: {lt: 2}, counters.per-day.remaining: {lt: "50.00"}}, decision: deny}
  - {name: over, match: {tool: pay, counters.all-payments.exceeded: true, labels: x, context.reason: {contains: urgent}}, decision: deny}
roles:
  treasurer: ["org:approval:read", "org:approval:review"]
approvals: {approvers: ["role:approver", "role:admin"], quorum: 1, timeout: 15m, reason_required: false}
fallback: {decision: require_approval, approval: {quorum: 2}}
defaults: {read: allow, payment: deny}
limits:
  agent: {rate: 60/m, burst: 30, enforce: door}
  rates:
    - {name: refunds, per: [agent, action], match: {tool: pay, operation: [send], class: payment}, rate: 10/h, burst: 3, enforce: policy, over: require_approval, approval: {quorum: 2}}
    - {name: everything, per: organisation, rate: 200/s, burst: 400}
  spend:
    - {name: per-day, per: agent, match: {tool: [pay], operation: send}, ceiling: "500.00", currency: EUR, window: 1d}
    - {name: all-payments, per: [user], match: {class: [payment]}, ceilings: {EUR: "5000.00", CHF: "5500"}, window: 30d, over: require_approval, approval: {approvers: ["role:treasurer"]}}
use_within: 15m
run_timeout: 30s
redact: [password, api_key]
retention: {values: 90d, records: 400d}
alerts:
  - {name: many-denials, event: action.denied, more_than: 10, within: 5m, per: agent, severity: warning, cooldown: 1h}
connectors:
  files: {root: ./workspace, max_bytes: 1048576, protect: ["*.key"]}
  http: {max_bytes: 65536, timeout: 20s, redirects: 1, redact: [token]}
egress:
  allow: [api.example.com, "*.example.org"]
  unsafe_allow:
    - {host: shop.internal, address: 10.0.0.5, port: 8443, scheme: https}
=== rules/payments.yaml
guard: true
include: [rules/more.yaml]
defaults: {payment: require_approval, read: deny}
rules:
  - {name: small, match: {class: payment, params.amount: {lte: "5"}, params.currency: EUR}, decision: allow}
=== rules/more.yaml
rules: [{name: stranger, match: {params.to: {not_in: [a, b]}, findings: secret_detected}, decision: deny}]
=== teams/a.yaml
redact: [iban]
rules: [{name: risky, match: {risk: {gte: high}, role: agent, agent: {starts_with: bot}}, decision: require_approval}]
=== actions/pay.send.yaml
name: pay.send
class: payment
risk: high
description: Pay somebody.
effect: caller
targets: [params.to]
amount: {value: params.amount, currency: params.currency}
secret: [params.token]
input:
  type: object
  additionalProperties: false
  required: [to, amount, currency]
  properties:
    to: {type: string, maxLength: 40}
    url: {type: string}
    address: {type: string}
    cc: {type: array, items: {$ref: "#/$defs/name"}, maxItems: 5}
    amount: {type: string, pattern: "^[0-9]+$"}
    currency: {type: string, enum: [EUR, CHF]}
    token: {type: [string, "null"], default: null}
    count: {type: integer, minimum: 0, maximum: 1e3}
    meta: {type: object, open: true, properties: {note: {type: string, format: date}}}
  $defs:
    name: {type: string}
=== actions/files.read.yaml
name: files.read
class: read
risk: low
effect: {connector: files}
targets: [params.path]
reversible: true
idempotent: true
trust: untrusted
input:
  type: object
  additionalProperties: false
  properties: {path: {type: string}}
output:
  type: object
  additionalProperties: false
  properties: {content: {type: string}}
"""
LISTED = b"""\
=== aaf.yaml
version: 1
managed_by: api
connectors:
  http:
    allow:
      - host: api.example.com
        methods: [GET, POST]
        paths: [/v1]
        ports: [443, 8443]
        schemes: [https]
        rate: 60/m
        burst: 5
        credential: {as: bearer, secret: api_key}
rules:
  - {name: reads, match: {tool: http, operation: [get], params.url: {host: api.example.com}}, decision: allow}
=== actions/http.get.yaml
name: http.get
class: external_api_call
risk: medium
effect: {connector: http}
secrets: [api_key]
run_when_approved: true
targets: [params.url]
input: {type: object, additionalProperties: false, required: [url], properties: {url: {type: string, format: uri}}}
"""
MODULES = b"""\
=== aaf.yaml
version: 1
limits:
  agent: {rate: 60/m, burst: 30, enforce: policy}
=== actions/pay.send.yaml
name: pay.send
class: payment
risk: high
effect: caller
input: {type: object, additionalProperties: false, properties: {amount: {type: number}, to: {type: string}}}
=== policies/pay.rego
# METADATA
# custom:
#   guard: true
package aaf.policies.pay

import rego.v1

decision := {"action": "deny", "reason": "too many"} if rate_limit_exceeded(input.agent_id)

decision := {"action": "require_approval"} if input.params.amount > data.aaf.lib.money.large
=== policies/money.rego
package aaf.lib.money

import rego.v1

large := 100
"""
