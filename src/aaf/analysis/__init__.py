"""What an action really does: one file per language or subject, pure computation."""
