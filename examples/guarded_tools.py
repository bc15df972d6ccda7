"""An agent's own functions behind the firewall: small payments are allowed, large ones wait for a person, and only what was decided runs.

Run: python guarded_tools.py; while it waits, approve with inbox.py from a second terminal, or let it give up after a second.
"""

from pathlib import Path

from aaf import Firewall
from aaf_client.errors import ActionRefused, ApprovalTimeout

ACTION = """\
name: pay.transfer
class: payment
risk: high
description: Transfer money.
input:
  type: object
  additionalProperties: false
  required: [to, amount]
  properties:
    to: {type: string, maxLength: 34}
    amount: {type: string, pattern: '^[0-9]{1,9}[.][0-9]{2}$'}
targets: [params.to]
effect: caller
"""
RULES = """\
version: 1

rules:
  - name: small-payments
    match: {tool: pay, operation: transfer, params.amount: {lte: "20.00"}}
    decision: allow
    reason: Small payments are allowed

  - name: large-payments
    match: {tool: pay, operation: transfer, params.amount: {gt: "20.00"}}
    decision: require_approval
    reason: Payments over 20 need a person

approvals: {approvers: [role:approver, role:admin], quorum: 1, timeout: 15m, reason_required: false}
use_within: 15m
run_timeout: 30s
"""


def main() -> None:
    """Write the configuration, open the firewall, and pay twice."""
    (Path("config") / "actions").mkdir(parents=True, exist_ok=True)
    (Path("config") / "aaf.yaml").write_text(RULES, encoding="utf-8")
    (Path("config") / "actions" / "pay.transfer.yaml").write_text(ACTION, encoding="utf-8")
    with Firewall.open("aaf.db", agent="treasurer", config="config") as firewall:

        @firewall.guard("pay.transfer", timeout=1)
        def transfer(to: str, amount: str) -> str:
            print(f"paying {amount} to {to}")
            return "paid"

        print(transfer("DE02120300000000202051", "12.50"))
        try:
            print(transfer("DE02120300000000202051", amount="12500.00"))
        except ApprovalTimeout as pending:
            print("not paid:", pending)
        except ActionRefused as no:
            print("refused:", no)


if __name__ == "__main__":
    main()
