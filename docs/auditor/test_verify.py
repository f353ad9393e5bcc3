#!/usr/bin/env python3
"""The check of proofs on the worked example of docs/ledger.md: its account, its entries, its receipt, and each with a bit changed."""

import base64
import sys
import unittest

sys.dont_write_bytecode = True

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402

from encoding import ENTRY, GENESIS, RECORD, RECORD_KEY, SIGNED_RECEIPT  # noqa: E402
from log import checkpoint_body, key_id  # noqa: E402
from test_auditor import audited, example  # noqa: E402
from trees import NOTHING, Branch, bit, digest, leaf_hash, node_hash  # noqa: E402
from types import SimpleNamespace  # noqa: E402
from verify import CLAIM, STATE_PROOF, check  # noqa: E402


def root_and_path(leaves, index):
    """The root over some leaves, and the hashes beside the way of one of them (RFC 6962, 2.1.1)."""
    if len(leaves) == 1:
        return leaves[0], []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    left, path = root_and_path(leaves[:split], index if index < split else 0)
    right, other = root_and_path(leaves[split:], index - split if index >= split else 0)
    return node_hash(left, right), path + [right] if index < split else other + [left]


def prove(tree, key, record):
    """The proof of a record in a state's tree."""
    siblings, node, path = [], tree.top, digest(key)
    while isinstance(node, Branch):
        side = bit(path, len(siblings))
        other = node.children[1 - side]
        siblings.append(other.hash if other else NOTHING)
        node = node.children[side]
    return SimpleNamespace(siblings=siblings, end=(path, digest(record)))


class Proofs(unittest.TestCase):
    def setUp(self):
        items, _ = example()
        self.one = dict(items)
        self.entries = [data for name, data in items if name.startswith("entry ")]
        self.ledger = audited(self.entries).ledger
        self.network = self.one["network"]

    def text(self, claim, index):
        leaves = [leaf_hash(entry) for entry in self.entries]
        root, path = root_and_path(leaves, index)
        self.assertEqual(root, self.one["root of the log"])
        replica = Ed25519PrivateKey.from_private_bytes(bytes([2] * 32))
        origin, key = self.ledger.genesis.origin, replica.public_key().public_bytes_raw()
        body = checkpoint_body(origin, len(leaves), root)
        lines = [base64.b64encode(part).decode() for part in (
            GENESIS.encode(self.ledger.genesis) + CLAIM.encode(claim), key_id(origin, key) + replica.sign(body.encode()), *path)]
        top = ["c2sp.org/tlog-proof@v1", f"extra {lines[0]}", f"index {index}", *lines[2:]]
        return "\n".join(top) + f"\n\n{body}\n\u2014 {origin} {lines[1]}\n"

    def stood(self):
        state, last = self.ledger.state, len(self.entries) - 1
        author = bytes.fromhex("ed4928c628d1c2c6eae90338905995612959273a5c63f93636c14614ac8737d1")
        key, record, totals = ("Account", (author,)), state.get("Account", author), state.get("Totals")
        encoded = RECORD_KEY.encode(key), RECORD.encode(("Account", record))
        proof = prove(state.tree, *encoded)
        self.assertEqual(STATE_PROOF.encode(proof), self.one["proof of the author's account"], "as the other program made it")
        totals_proof = prove(state.tree, RECORD_KEY.encode(("Totals", ())), RECORD.encode(("Totals", totals)))
        claim = SimpleNamespace(key=key, record=("Account", record), proof=proof, totals=totals, totals_proof=totals_proof)
        return self.text(("Stood", claim), last)

    def settled(self):
        claim = SimpleNamespace(receipt=SIGNED_RECEIPT.decode(self.one["receipt 1"]), settlement=ENTRY.decode(self.entries[12]),
                                path=[leaf_hash(self.one["leaf 2"])])
        return self.text(("Settled", claim), 12)

    def test_what_is_right_is_proved(self):
        self.assertEqual(check(self.stood(), self.network)["time"], self.ledger.totals.time)
        self.assertEqual(check(self.settled(), self.network)["claim"], "Settled")
        for index, entry in enumerate(self.entries):
            self.assertEqual(check(self.text(("Entry", ENTRY.decode(entry)), index), self.network)["entry"], index)

    def test_what_was_changed_is_not(self):
        for text in (self.stood(), self.settled(), self.text(("Entry", ENTRY.decode(self.entries[6])), 6)):
            for at in range(len(text)):
                changed = text[:at] + chr(ord(text[at]) ^ 1) + text[at + 1:]
                with self.assertRaises(Exception, msg=f"{at}: {changed}"):
                    check(changed, self.network)
        with self.assertRaisesRegex(Exception, "network"):
            check(self.stood(), bytes(32))
        with self.assertRaisesRegex(Exception, "not in the log"):
            check(self.text(("Entry", ENTRY.decode(self.entries[6])), 7), self.network)


if __name__ == "__main__":
    unittest.main()
