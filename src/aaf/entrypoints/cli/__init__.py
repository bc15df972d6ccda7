"""The terminal: each command is one call of the HTTP API, or starts, checks and recovers an installation. It holds no rules."""
