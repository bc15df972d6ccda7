"""The whole product in process, without a server or an event loop.

`product` drives one core call by call; `firewall` is an agent's way in and `reviewing` a person's, with the client's models and errors;
`opening` says where things lie, `translating` turns our errors into the client's.
"""

from aaf.embedded.firewall import Firewall
from aaf.embedded.product import Embedded
from aaf.embedded.reviewing import Reviewer

__all__ = ["Embedded", "Firewall", "Reviewer"]
