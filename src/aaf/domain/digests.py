"""Compare digests and tokens that a caller sent, without telling by time how much of them was right."""

import hmac


def same_digest(given: str, expected: str) -> bool:
    """Whether two texts are the same; empty ones and texts beyond ASCII never are."""
    if not given or not given.isascii() or not expected:
        return False
    return hmac.compare_digest(given.encode(), expected.encode())
