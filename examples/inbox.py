"""A person's inbox in a terminal, without a server: everything that waits, shown in full, answered one by one.

Run beside an agent: python inbox.py [aaf.db]. The first time it makes the administrator's key, with --first-key; keep it where no agent can read it.
"""

import sys
from getpass import getpass

from aaf import Firewall, Reviewer
from aaf_client.errors import AgentFirewallError


def decide(person: Reviewer, action: str) -> None:
    """Show one held action, open what is long, and answer."""
    approval = person.see(action)
    print(f"\n{approval}")
    for number in approval.unopened:
        print(f"\nvalue {number}, whole:\n{person.open_value(approval, number)}")
    match input("\n[a]pprove, [r]eject, anything else to leave it: "):
        case "a":
            print(person.approve(approval).status)
        case "r":
            print(person.reject(approval, input("Why? The agent is told: ")).status)


def main() -> None:
    """Make the first key, or show what waits."""
    names = [name for name in sys.argv[1:] if name != "--first-key"]
    folder = names[0] if names else "aaf.db"
    if "--first-key" in sys.argv:
        print(Firewall.first_key(folder))
        return
    with Firewall.reviewer(folder, key=getpass("Key: ")) as person:
        for held in person.waiting():
            try:
                decide(person, held.id)
            except AgentFirewallError as refusal:
                print(f"{refusal.code}: {refusal}")


if __name__ == "__main__":
    main()
