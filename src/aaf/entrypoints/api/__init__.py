"""The HTTP door: translates requests to one service call each, and back. No rule is kept here but those of the wire.

`app` puts it together; `edge` is the outermost layer, `receiving` finds out who and reads what, `problems` answers refusals;
`requests`, `answers` and `openapi` are the shapes, `waking` tells those who wait, and `routes/` holds the routes.
"""

from aaf.entrypoints.api.app import create_app
from aaf.entrypoints.api.receiving import ApiLimits

__all__ = ["ApiLimits", "create_app"]
