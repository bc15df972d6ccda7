"""Tree hashes of a stored ledger: complete subtrees of 256, 65,536 … leaves are read, the rest is computed from the bodies.

A stored node is written once, together with the checkpoint that covers it. It is a shortcut, never evidence: a verifier starts from bodies.
"""

import sqlite3
from dataclasses import dataclass

from aaf.adapters.sqlite import queries
from aaf.adapters.sqlite.rows import Row
from aaf.domain.merkle import leaf_hash, node_hash, tree_root

TILE = 256
"""Leaves of a stored node of level 1, and nodes of one below a node of the next level."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The tree of one organisation, read through one connection."""

    connection: sqlite3.Connection
    org: str

    def hash(self, start: int, end: int) -> bytes:
        """RFC 6962 section 2.1 tree hash of the leaves `start <= i < end`, all of which must be there."""
        count = end - start
        level = _level(count)
        if level and start % count == 0:
            row = self._one(queries.TREE_NODE, level, start // count)
            if row is not None:
                found: bytes = row[0]
                return found
        if count <= TILE:
            return tree_root(self._leaves(start, end))
        split = 1 << (count - 1).bit_length() - 1
        return node_hash(self.hash(start, start + split), self.hash(start + split, end))

    def new_nodes(self, size: int) -> list[Row]:
        """The complete subtrees of the first `size` leaves that aren't stored yet, as `INSERT_TREE_NODE` takes them."""
        made: list[Row] = []
        below: dict[int, bytes] = {}
        level, width = 1, TILE
        while size >= width:
            row = self._one(queries.LAST_TREE_NODE, level)
            first = row[0] + 1 if row else 0
            nodes: dict[int, bytes] = {}
            for place in range(first, size // width):
                nodes[place] = self._node(level, place, below)
                made.append((self.org, level, place, nodes[place]))
            below = nodes
            level, width = level + 1, width * TILE
        return made

    def _node(self, level: int, place: int, below: dict[int, bytes]) -> bytes:
        """One complete subtree, from the level below it."""
        if level == 1:
            return tree_root(self._leaves(place * TILE, (place + 1) * TILE))
        row = []
        for child in range(place * TILE, (place + 1) * TILE):
            made = below.get(child)
            row.append(
                self.hash(child * TILE ** (level - 1), (child + 1) * TILE ** (level - 1)) if made is None else made
            )
        while len(row) > 1:
            row = [node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)]
        return row[0]

    def _leaves(self, start: int, end: int) -> list[bytes]:
        """Leaf hashes from the bodies; leaf `i` is event `i + 1`."""
        bodies = self.connection.execute(queries.BODIES, (self.org, start, end)).fetchall()
        if len(bodies) != end - start:
            raise IndexError(f"the ledger has no leaves {start} to {end}")
        return [leaf_hash(body) for (body,) in bodies]

    def _one(self, query: str, *values: int) -> Row | None:
        row: Row | None = self.connection.execute(query, (self.org, *values)).fetchone()
        return row


def _level(count: int) -> int:
    """1 for 256, 2 for 65,536 …, 0 for every other number of leaves."""
    bits = count.bit_length() - 1
    return bits // 8 if count > 1 and count == 1 << bits and bits % 8 == 0 else 0
