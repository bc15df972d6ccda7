"""Agent Action Firewall: stands between an agent and its act."""
