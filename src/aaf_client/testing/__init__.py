"""For the tests of programs that use a gate: a firewall that answers as it is told, and a server with bad weather."""

from aaf_client.testing.scripted import AsyncScriptedFirewall, ScriptedFirewall, Verdict, allow, deny, hold
from aaf_client.testing.weather import ScriptedServer

__all__ = ["AsyncScriptedFirewall", "ScriptedFirewall", "ScriptedServer", "Verdict", "allow", "deny", "hold"]
