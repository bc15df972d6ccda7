"""Merkle arithmetic of RFC 6962 section 2.1 and RFC 9162 section 2.1: roots, and proofs of inclusion and consistency.

Everything is a function of 32-byte hashes. Where the hashes of subtrees lie is the caller's matter: proofs ask for them through a
callback, so a store answers from what it keeps. A proof of the wrong length is refused before anything is hashed. Signatures
over roots are not checked here.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum, unique
from hashlib import sha256
from typing import TypeAlias

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
"""The root of the tree without leaves."""

Subtree: TypeAlias = Callable[[int, int], bytes]
"""The tree hash of the leaves with index `start <= i < end`."""


def leaf_hash(body: bytes) -> bytes:
    """Return the hash of a leaf that holds `body`."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """What a tree needs to grow: its size and the roots of its complete subtrees, the largest first (a compact range).

    It changes in place; a caller that may have to go back keeps `to_bytes()` or a `copy()`.
    """

    __slots__ = ("_peaks", "_size")

    def __init__(self) -> None:
        """Begin with the empty tree."""
        self._size = 0
        self._peaks: list[bytes] = []

    @property
    def size(self) -> int:
        """How many leaves the tree has."""
        return self._size

    @property
    def peaks(self) -> tuple[bytes, ...]:
        """One hash for each bit of `size` that is set, from the highest bit down."""
        return tuple(self._peaks)

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf; two hashes a leaf on average."""
        if len(leaf) != HASH_SIZE:
            raise ValueError("a leaf hash has 32 bytes")
        peaks, rest = self._peaks, self._size
        while rest & 1:
            leaf = sha256(b"\x01" + peaks.pop() + leaf).digest()
            rest >>= 1
        peaks.append(leaf)
        self._size += 1

    def root(self) -> bytes:
        """Return the root of the tree as it stands."""
        if not self._peaks:
            return EMPTY_ROOT
        root = self._peaks[-1]
        for peak in reversed(self._peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def copy(self) -> "Frontier":
        """Return another frontier at the same place."""
        return Frontier.from_bytes(self._size, self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the peaks one after another; kept beside `size`."""
        return b"".join(self._peaks)

    @classmethod
    def from_bytes(cls, size: int, raw: bytes) -> "Frontier":
        """Rebuild from what `to_bytes` gave.

        Raises:
            ValueError: so many bytes don't belong to a tree of this size.
        """
        if size < 0 or len(raw) != HASH_SIZE * size.bit_count():
            raise ValueError("a frontier holds one hash for each set bit of its size")
        found = cls()
        found._size = size
        found._peaks = [raw[at : at + HASH_SIZE] for at in range(0, len(raw), HASH_SIZE)]
        return found


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root over these leaf hashes."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def subtree_of(leaves: Sequence[bytes]) -> Subtree:
    """Answer for subtrees of leaf hashes in memory; what was computed once is kept."""
    known: dict[tuple[int, int], bytes] = {}

    def subtree(start: int, end: int) -> bytes:
        if end - start == 1:
            return leaves[start]
        if (start, end) not in known:
            middle = start + _split(end - start)
            known[start, end] = node_hash(subtree(start, middle), subtree(middle, end))
        return known[start, end]

    return subtree


def _split(size: int) -> int:
    """Return the largest power of two below `size`, which is at least 2: the size of the left subtree."""
    return 1 << ((size - 1).bit_length() - 1)


# --- making proofs ----------------------------------------------------------------------------------------------------


def inclusion_path(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Prove that the leaf `index` is in the tree of `size` leaves (RFC 9162 section 2.1.3.1), lowest sibling first.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError("the tree has no such leaf")
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    path.reverse()
    return path


def consistency_path(old: int, new: int, subtree: Subtree) -> list[bytes]:
    """Prove that the tree of `new` leaves begins with the tree of `old` leaves (RFC 9162 section 2.1.4.1).

    The proof is empty where nothing has to be said: for an empty old tree, and for trees of one size.

    Raises:
        ValueError: the sizes are not `0 <= old <= new`.
    """
    if not 0 <= old <= new:
        raise ValueError("the old tree is no larger than the new one")
    path: list[bytes] = []
    start, end = 0, new
    while 0 < old < end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(subtree(middle, end))
            end = middle
        else:
            path.append(subtree(start, middle))
            start = middle
    if start:  # the old tree ends in a subtree that isn't the whole of it, so its hash has to be told
        path.append(subtree(start, end))
    path.reverse()
    return path


# --- checking proofs --------------------------------------------------------------------------------------------------


@unique
class ProofFault(StrEnum):
    """Why a proof proves nothing."""

    NEW_ROOT_DIFFERS = "new_root_differs"
    NO_SUCH_LEAF = "no_such_leaf"
    OLD_ROOT_DIFFERS = "old_root_differs"
    ROOT_DIFFERS = "root_differs"
    SIZES_REVERSED = "sizes_reversed"
    WRONG_HASH_LENGTH = "wrong_hash_length"
    WRONG_PATH_LENGTH = "wrong_path_length"


def verify_inclusion(*, index: int, size: int, leaf: bytes, path: Sequence[bytes], root: bytes) -> ProofFault | None:
    """Check that `leaf` is the leaf hash at `index` in the tree of `size` leaves with this root (RFC 9162 section 2.1.3.2).

    Returns:
        None where it is proven, otherwise why not.
    """
    if not 0 <= index < size:
        return ProofFault.NO_SUCH_LEAF
    inner, border = _shape(index, size)
    if len(path) != inner + border:
        return ProofFault.WRONG_PATH_LENGTH
    if any(len(part) != HASH_SIZE for part in (leaf, *path)):
        return ProofFault.WRONG_HASH_LENGTH
    return None if _climb(leaf, index, path, inner) == root else ProofFault.ROOT_DIFFERS


def verify_consistency(
    *, old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]
) -> ProofFault | None:
    """Check that the tree `new` begins with the tree `old` (RFC 9162 section 2.1.4.2).

    Returns:
        None where it is proven, otherwise why not.
    """
    if not 0 <= old <= new:
        return ProofFault.SIZES_REVERSED
    if old in {0, new}:
        if path:
            return ProofFault.WRONG_PATH_LENGTH
        if old_root != (new_root if old == new else EMPTY_ROOT):
            return ProofFault.OLD_ROOT_DIFFERS
        return None
    # The path climbs from the last subtree of the old tree, which spans 2^level leaves, to both roots. Where that subtree is
    # the whole old tree its hash is the old root and is not sent.
    last = old - 1
    level = (old & -old).bit_length() - 1
    whole = old == 1 << level
    inner, border = _shape(last, new)
    inner -= level
    if len(path) != inner + border + (0 if whole else 1):
        return ProofFault.WRONG_PATH_LENGTH
    if any(len(part) != HASH_SIZE for part in (old_root, *path)):
        return ProofFault.WRONG_HASH_LENGTH
    seed, rest = (old_root, path) if whole else (path[0], path[1:])
    if _climb_left(seed, last >> level, rest, inner) != old_root:
        return ProofFault.OLD_ROOT_DIFFERS
    return None if _climb(seed, last >> level, rest, inner) == new_root else ProofFault.NEW_ROOT_DIFFERS


def _shape(index: int, size: int) -> tuple[int, int]:
    """Split a path: siblings below the point where the leaf's way leaves that of the last leaf, and left siblings above it."""
    inner = (index ^ (size - 1)).bit_length()
    return inner, (index >> inner).bit_count()


def _climb(seed: bytes, index: int, path: Sequence[bytes], inner: int) -> bytes:
    """Hash up to the root: below `inner` the bits of `index` say on which side, above it every sibling is a left one."""
    for level, sibling in enumerate(path):
        on_right = level < inner and not index >> level & 1
        seed = node_hash(seed, sibling) if on_right else node_hash(sibling, seed)
    return seed


def _climb_left(seed: bytes, index: int, path: Sequence[bytes], inner: int) -> bytes:
    """Hash up with left siblings only: those on the right came after the old tree."""
    for level, sibling in enumerate(path):
        if level >= inner or index >> level & 1:
            seed = node_hash(sibling, seed)
    return seed
