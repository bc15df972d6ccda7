"""The client of Agent Action Firewall: what an agent's program imports. It holds no server and never imports one.

`AgentFirewallClient` and `AsyncAgentFirewallClient` ask over HTTP; `Gate` and `AsyncGate` are what they and every other way to a firewall offer.
"""

from aaf_client._root import AgentFirewallError
from aaf_client.client import AgentFirewallClient, AsyncAgentFirewallClient
from aaf_client.gate import AsyncGate, Gate
from aaf_client.models import Action, ActionStatus, Consumed, Permit

__all__ = [
    "Action",
    "ActionStatus",
    "AgentFirewallClient",
    "AgentFirewallError",
    "AsyncAgentFirewallClient",
    "AsyncGate",
    "Consumed",
    "Gate",
    "Permit",
]
