"""The commands of `aaf config`: reading releases, changing them, drafts, and how both are printed."""
