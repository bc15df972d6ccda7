"""Translate outside into one service call and back; no rules."""
