"""What runs an action for the firewall: one connector per file."""
