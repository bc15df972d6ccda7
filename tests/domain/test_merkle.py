"""Merkle arithmetic against the definitions of RFC 6962, the well-known test tree, and every small tree."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaf.domain.merkle import (
    EMPTY_ROOT,
    Frontier,
    ProofFault,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    subtree_of,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

# The test tree of the certificate transparency project (RFC 6962 implementations): leaves, and the root after each.
CT_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
CT_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LARGEST = 300
LEAVES = [leaf_hash(b"%d" % number) for number in range(LARGEST)]
SUBTREE = subtree_of(LEAVES)
ROOTS = [EMPTY_ROOT, *(SUBTREE(0, size) for size in range(1, LARGEST + 1))]


def split(size: int) -> int:
    k = 1
    while 2 * k < size:
        k *= 2
    return k


def defined_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, as it stands there, over leaf hashes."""
    if len(leaves) < 2:
        return leaves[0] if leaves else sha256().digest()
    k = split(len(leaves))
    return sha256(b"\x01" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


def defined_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH of RFC 6962 section 2.1.1."""
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*defined_path(index, leaves[:k]), defined_root(leaves[k:])]
    return [*defined_path(index - k, leaves[k:]), defined_root(leaves[:k])]


def defined_subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of RFC 6962 section 2.1.2."""
    if old == len(leaves):
        return [] if whole else [defined_root(leaves)]
    k = split(len(leaves))
    if old <= k:
        return [*defined_subproof(old, leaves[:k], whole=whole), defined_root(leaves[k:])]
    return [*defined_subproof(old - k, leaves[k:], whole=False), defined_root(leaves[:k])]


def mutations(path: Sequence[bytes]) -> list[list[bytes]]:
    """Every path that differs a little: a changed hash, one missing, one too many, two exchanged."""
    found = [[*path, bytes(32)], [bytes(32), *path]]
    for at, part in enumerate(path):
        found.append([*path[:at], bytes([part[0] ^ 1]) + part[1:], *path[at + 1 :]])
        found.append([*path[:at], *path[at + 1 :]])
        found.append([*path[:at], part[:31], *path[at + 1 :]])
    if len(path) > 1:
        found.append([path[1], path[0], *path[2:]])
    return found


def test_the_well_known_tree_has_its_well_known_roots() -> None:
    frontier = Frontier()
    leaves = [leaf_hash(bytes.fromhex(leaf)) for leaf in CT_LEAVES]
    for size, (leaf, root) in enumerate(zip(leaves, CT_ROOTS, strict=True), start=1):
        frontier.append(leaf)
        assert frontier.root().hex() == root
        assert tree_root(leaves[:size]).hex() == root
        assert subtree_of(leaves)(0, size).hex() == root


def test_the_tree_without_leaves_has_the_hash_of_nothing_as_its_root() -> None:
    assert EMPTY_ROOT.hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert Frontier().root() == tree_root([]) == EMPTY_ROOT


def test_a_leaf_is_never_a_node() -> None:
    left, right = LEAVES[:2]
    assert leaf_hash(left + right) != node_hash(left, right)


def test_the_frontier_has_the_defined_root_at_every_size() -> None:
    frontier = Frontier()
    for size in range(LARGEST + 1):
        assert frontier.size == size
        assert len(frontier.peaks) == size.bit_count()
        assert frontier.root() == ROOTS[size]
        if size < 70:
            assert frontier.root() == defined_root(LEAVES[:size])
        if size < LARGEST:
            frontier.append(LEAVES[size])


@given(st.integers(0, LARGEST), st.integers(0, 40))
def test_a_frontier_grows_on_from_its_stored_bytes(size: int, more: int) -> None:
    frontier = Frontier()
    for leaf in LEAVES[:size]:
        frontier.append(leaf)
    stored = frontier.to_bytes()
    again = Frontier.from_bytes(size, stored)
    twin = frontier.copy()
    for leaf in LEAVES[size : size + more]:
        again.append(leaf)
    assert again.root() == ROOTS[min(size + more, LARGEST)]
    assert again.peaks == Frontier.from_bytes(again.size, again.to_bytes()).peaks
    assert twin.to_bytes() == frontier.to_bytes() == stored


@pytest.mark.parametrize(
    ("size", "raw"), [(-1, bytes(32)), (0, bytes(32)), (1, b""), (1, bytes(31)), (2, bytes(64)), (3, bytes(32))]
)
def test_a_frontier_of_the_wrong_size_is_not_rebuilt(size: int, raw: bytes) -> None:
    with pytest.raises(ValueError, match="one hash for each set bit"):
        Frontier.from_bytes(size, raw)


def test_only_a_hash_is_appended() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier().append(b"body")


def test_proofs_are_those_that_the_rfc_defines() -> None:
    for size in range(1, 34):
        leaves = LEAVES[:size]
        for index in range(size):
            assert inclusion_path(index, size, SUBTREE) == defined_path(index, leaves)
            assert consistency_path(index + 1, size, SUBTREE) == defined_subproof(index + 1, leaves, whole=True)


@pytest.mark.requirement("R26")
def test_every_inclusion_proof_of_every_tree_up_to_300_leaves_verifies() -> None:
    for size in range(1, LARGEST + 1):
        root = ROOTS[size]
        for index in range(size):
            path = inclusion_path(index, size, SUBTREE)
            assert verify_inclusion(index=index, size=size, leaf=LEAVES[index], path=path, root=root) is None


@pytest.mark.requirement("R26")
def test_every_consistency_proof_of_every_tree_up_to_300_leaves_verifies() -> None:
    for new in range(LARGEST + 1):
        for old in range(new + 1):
            path = consistency_path(old, new, SUBTREE)
            verdict = verify_consistency(old=old, new=new, old_root=ROOTS[old], new_root=ROOTS[new], path=path)
            assert verdict is None, (old, new)


def test_a_changed_inclusion_proof_proves_nothing() -> None:
    other = leaf_hash(b"other")
    for size in [*range(1, 20), 31, 32, 33, 63, 64]:
        for index in range(size):
            path = inclusion_path(index, size, SUBTREE)
            for wrong in mutations(path):
                assert verify_inclusion(index=index, size=size, leaf=LEAVES[index], path=wrong, root=ROOTS[size])
            assert verify_inclusion(index=index, size=size, leaf=other, path=path, root=ROOTS[size])
            assert verify_inclusion(index=index, size=size, leaf=LEAVES[index], path=path, root=other)
            assert verify_inclusion(index=index ^ 1, size=size, leaf=LEAVES[index], path=path, root=ROOTS[size])


def test_a_changed_consistency_proof_proves_nothing() -> None:
    other = leaf_hash(b"other")
    for new in [*range(1, 20), 32, 33, 64]:
        for old in range(new + 1):
            path = consistency_path(old, new, SUBTREE)
            roots = {"old_root": ROOTS[old], "new_root": ROOTS[new]}
            for wrong in mutations(path):
                assert verify_consistency(old=old, new=new, path=wrong, **roots), (old, new)
            assert verify_consistency(old=old, new=new, path=path, old_root=other, new_root=ROOTS[new])
            if old:
                assert verify_consistency(old=old, new=new, path=path, old_root=ROOTS[old], new_root=other)


@given(st.data())
def test_a_tree_that_rewrote_a_leaf_is_not_consistent(data: st.DataObject) -> None:
    new = data.draw(st.integers(2, 64))
    old = data.draw(st.integers(1, new))
    changed = data.draw(st.integers(0, old - 1))
    leaves = [*LEAVES[:new]]
    leaves[changed] = leaf_hash(b"rewritten")
    forged = subtree_of(leaves)
    path = consistency_path(old, new, forged)
    assert verify_consistency(old=old, new=new, old_root=ROOTS[old], new_root=forged(0, new), path=path)


def test_each_fault_has_its_name() -> None:
    path = inclusion_path(2, 7, SUBTREE)
    leaf, root = LEAVES[2], ROOTS[7]
    for index, size in ((-1, 7), (7, 7), (0, 0)):
        fault = verify_inclusion(index=index, size=size, leaf=leaf, path=path, root=root)
        assert fault is ProofFault.NO_SUCH_LEAF
    assert verify_inclusion(index=2, size=7, leaf=leaf, path=path[1:], root=root) is ProofFault.WRONG_PATH_LENGTH
    assert verify_inclusion(index=2, size=7, leaf=leaf[1:], path=path, root=root) is ProofFault.WRONG_HASH_LENGTH
    assert verify_inclusion(index=2, size=7, leaf=leaf, path=path, root=leaf) is ProofFault.ROOT_DIFFERS
    roots = {"old_root": ROOTS[3], "new_root": ROOTS[7]}
    path = consistency_path(3, 7, SUBTREE)
    for old, new in ((-1, 7), (7, 3)):
        assert verify_consistency(old=old, new=new, path=path, **roots) is ProofFault.SIZES_REVERSED
    assert verify_consistency(old=3, new=7, path=path[1:], **roots) is ProofFault.WRONG_PATH_LENGTH
    assert verify_consistency(old=0, new=7, path=path, **roots) is ProofFault.WRONG_PATH_LENGTH
    assert verify_consistency(old=0, new=7, path=[], **roots) is ProofFault.OLD_ROOT_DIFFERS
    assert verify_consistency(old=7, new=7, path=[], **roots) is ProofFault.OLD_ROOT_DIFFERS
    short = {"old_root": ROOTS[3][1:], "new_root": ROOTS[7]}
    assert verify_consistency(old=3, new=7, path=path, **short) is ProofFault.WRONG_HASH_LENGTH
    wrong_old = {"old_root": ROOTS[2], "new_root": ROOTS[7]}
    assert verify_consistency(old=3, new=7, path=path, **wrong_old) is ProofFault.OLD_ROOT_DIFFERS
    wrong_new = {"old_root": ROOTS[3], "new_root": ROOTS[6]}
    assert verify_consistency(old=3, new=7, path=path, **wrong_new) is ProofFault.NEW_ROOT_DIFFERS


def test_a_proof_of_what_is_not_there_is_a_bug_of_the_caller() -> None:
    for index, size in ((-1, 3), (3, 3), (0, 0)):
        with pytest.raises(ValueError, match="no such leaf"):
            inclusion_path(index, size, SUBTREE)
    for old, new in ((-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="no larger"):
            consistency_path(old, new, SUBTREE)


def test_a_proof_asks_for_each_subtree_once_and_for_no_leaf_of_a_large_one() -> None:
    asked: list[tuple[int, int]] = []

    def subtree(start: int, end: int) -> bytes:
        asked.append((start, end))
        return bytes(32)

    inclusion_path(5, 1_000_000, subtree)
    assert len(asked) == len(set(asked)) == 20
    assert (524288, 1_000_000) in asked
