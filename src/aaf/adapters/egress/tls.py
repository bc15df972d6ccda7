"""The one TLS context of outgoing calls: 1.2 or newer, certificate and name always checked.

The system's certificate authorities are trusted; a file may add some. Session keys are written nowhere, whatever the environment says.
"""

import ssl


def client_context(extra_authorities: str | None = None) -> ssl.SSLContext:
    """A context for the client's side; `extra_authorities` is the path of a PEM file.

    Raises:
        OSError: the file can't be read or holds no certificate (`ssl.SSLError` is one).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
    context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    if extra_authorities is not None:
        context.load_verify_locations(cafile=extra_authorities)
    return context
