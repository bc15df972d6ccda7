"""Calls to the outside over HTTP: what was vetted is what is dialled, at every hop, within caps and one deadline.

`client` holds the way of a call and knows no I/O; `blocking` and `on_loop` bring the two forms of it, `resolving` and `tls` what both need.
"""
