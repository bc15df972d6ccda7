"""The way to a firewall over HTTP: what is asked (`requests`), how often (`calling`), in which order (`flows`), and what came (`answers`, `events`).

The procedures are `async` and await nothing but the port `Wire`; `blocking` and `asynchronous` are its two forms, so the two clients can't drift.
"""
