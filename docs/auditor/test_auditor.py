#!/usr/bin/env python3
"""The auditor against the worked example of docs/ledger.md, and against signatures that a lax verifier lets pass."""

import base64
import re
import sys
import threading
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.dont_write_bytecode = True

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402

from audit import Audit  # noqa: E402
from encoding import ENTRY, RECORD, RECORD_KEY, SIGNED_ORDER, SIGNED_RECEIPT, Malformed  # noqa: E402
from findings import Unreadable, Wrong  # noqa: E402
from log import Url, crc32c, tile_number  # noqa: E402
from refusals import REFUSALS  # noqa: E402
from rules import cost  # noqa: E402
from signatures import ORDER_8, SMALL_ORDER, L, P, verify, verify_signed  # noqa: E402
from trees import NOTHING, ListTree, StateTree, digest, follow, node_hash  # noqa: E402

PAGE = (Path(__file__).parent.parent / "ledger.md").read_text()


def example():
    """Name and bytes of each value of the worked example, and the lines that are words."""
    block = PAGE[PAGE.index("## Worked example"):].split("```")[1]
    items, words = [], []
    for line in block.removeprefix("text\n").splitlines():
        if line.startswith("  "):
            items[-1][1] += line.strip()
        elif ": " in line:
            words.append(line)
        else:
            items.append([line, ""])
    return [(name, bytes.fromhex(text)) for name, text in items], words


class Log:
    """Entries in memory."""

    checkpoint = network = None
    unfinished_bytes = 0

    def __init__(self, entries):
        self.listed = entries

    def entries(self):
        return ((number, None, entry) for number, entry in enumerate(self.listed))


def audited(entries):
    audit = Audit(Log(entries))
    audit.run()
    return audit


class WorkedExample(unittest.TestCase):
    def setUp(self):
        self.items, self.words = example()
        self.one = dict(self.items)
        self.entries = [data for name, data in self.items if name.startswith("entry ")]

    def test_it_replays_to_the_records_and_roots_it_tells(self):
        audit = audited(self.entries)
        self.assertEqual(audit.ledger.network, self.one["network"])
        self.assertEqual(audit.tree.root(), self.one["root of the log"])
        listed = [data for name, data in self.items if name in ("key", "record")]
        ours = {RECORD_KEY.encode((kind, key)): RECORD.encode((kind, record))
                for (kind, *key), record in audit.ledger.state.records.items()}
        self.assertEqual(ours, dict(zip(listed[::2], listed[1::2])))

    def test_its_receipt_is_signed_and_billed_as_told(self):
        ledger = audited(self.entries).ledger
        channel = ledger.state.get("Channel", self.one["channel id"])
        receipt = SIGNED_RECEIPT.decode(self.one["receipt 1"])
        self.assertEqual(receipt.body.order, SIGNED_ORDER.decode(self.one["order 1"]))
        self.assertTrue(verify_signed("pumasi/receipt/1", ledger.network, channel.provider_key, receipt))
        self.assertTrue(verify_signed("pumasi/order/1", ledger.network, channel.gateway_key, receipt.body.order))
        price = ledger.price(receipt.body.order.body.offer)
        bill = [cost(rates, receipt.body.usage) for _, _, rates in price]
        self.assertEqual([*bill, sum(bill)], [int(re.search(r"(\d+) pico", words)[1]) for words in self.words])
        leaves = [self.one["leaf 1"], self.one["leaf 2"]]
        self.assertEqual(digest(self.one["receipt 1"]), leaves[0])
        path = [digest(b"\0", leaves[1])]
        self.assertEqual(follow(leaves[0], 0, 2, path), channel.root)
        self.assertNotEqual(follow(leaves[1], 0, 2, path), channel.root)

    def test_every_bit_of_an_operation_counts(self):
        entry = self.entries[9]
        for at in range(0, len(entry), 7):
            changed = entry[:at] + bytes([entry[at] ^ 1]) + entry[at + 1:]
            with self.assertRaises(Wrong) as caught:
                audited(self.entries[:9] + [changed] + self.entries[10:])
            self.assertIn(caught.exception.entry, (9, 11), f"byte {at}")

    def test_the_groups_are_checked(self):
        root = self.entries[-1]
        for entries, wrong in (
            (self.entries + [root], len(self.entries)),
            ([self.entries[0], *self.entries[2:]], 1),
            (self.entries + [self.entries[0]], len(self.entries)),
            (self.entries[1:], 0),
        ):
            with self.assertRaises(Wrong) as caught:
                audited(entries)
            self.assertEqual(caught.exception.entry, wrong)

    def test_the_refusals_are_those_of_the_page(self):
        table = PAGE[PAGE.index("## Refusals"):PAGE.index("## The log")]
        rows = re.findall(r"^\| (\d+) \| (\w+) \| (.*) \|$", table, re.M)
        self.assertEqual({name: (int(number), sentence) for number, name, sentence in rows}, REFUSALS)


class Served(BaseHTTPRequestHandler):
    """A log of which full bundles are served, and of partial ones only those that are not full yet."""

    entries = [bytes([number % 251]) * (number % 7 + 1) for number in range(700)]

    def do_GET(self):
        path = self.path.removeprefix("/log/")
        if path == "checkpoint":
            self.answer(f"test\n{self.server.size}\n{base64.b64encode(bytes(32)).decode()}\n\n".encode())
        elif path in ("tile/entries/000", "tile/entries/001"):
            self.bundle(int(path[-3:]), 256)
        elif path == "tile/entries/002.p/188":
            self.bundle(2, 188)
        else:
            self.send_error(404)

    def bundle(self, index, width):
        part = self.entries[256 * index:256 * index + width]
        self.answer(b"".join(len(entry).to_bytes(2, "big") + entry for entry in part))

    def answer(self, data):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


class Tiles(unittest.TestCase):
    def served(self, size):
        server = ThreadingHTTPServer(("127.0.0.1", 0), Served)
        server.size = size
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return Url(f"http://127.0.0.1:{server.server_port}/")

    def test_a_log_is_read_in_bundles(self):
        for size in (0, 512, 700):
            read = list(self.served(size).entries())
            self.assertEqual(read, [(number, None, Served.entries[number]) for number in range(size)])

    def test_a_partial_bundle_that_became_full_is_read_from_the_full_one(self):
        for size in (1, 300):
            self.assertEqual([entry for _, _, entry in self.served(size).entries()], Served.entries[:size])

    def test_a_bundle_that_is_not_there_is_said(self):
        with self.assertRaisesRegex(Unreadable, "tile/entries/002"):
            list(self.served(600).entries())

    def test_a_tile_is_named_in_groups_of_digits(self):
        names = {0: "000", 67: "067", 1067: "x001/067", 1234067: "x001/x234/067", 100000: "x100/000"}
        self.assertEqual({index: tile_number(index) for index in names}, names)


class Encoding(unittest.TestCase):
    def test_what_is_no_encoding_is_refused(self):
        root = b"\2" + bytes(32)
        self.assertEqual(ENTRY.decode(root)[1].root, bytes(32))
        for data in (root + b"\0", root[:-1], b"\3" + bytes(32), b""):
            with self.assertRaises(Malformed):
                ENTRY.decode(data)

    def test_the_checksum_is_crc_32c(self):
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)


class Trees(unittest.TestCase):
    def test_a_record_that_is_removed_leaves_no_trace(self):
        keys = [bytes([number]) for number in range(60)]
        tree, other = StateTree(), StateTree()
        for key in keys:
            tree.put(key, key)
        for key in keys[:40]:
            tree.remove(key)
        for key in reversed(keys[40:]):
            other.put(key, key)
        self.assertEqual(tree.root(), other.root())
        for key in keys[40:]:
            tree.remove(key)
        self.assertEqual(tree.root(), NOTHING)

    def test_the_tree_of_a_list_is_that_of_rfc_6962(self):
        tree = ListTree()
        self.assertEqual(tree.root(), digest())
        a, b, c = (digest(b"\0", data) for data in (b"a", b"b", b"c"))
        for data in (b"a", b"b", b"c"):
            tree.push(data)
        self.assertEqual(tree.root(), node_hash(node_hash(a, b), c))


COFACTOR = [
    (
        "e53193c2580a5dd8f7ff537d8d2b58b43125d2ebbfc4393652eb26f4375603df",
        "29d31aca8add8f322c52c2fb7855fbde75e036c3f21c73b1a760ea0bb89a6bf0"
        "c080b66f49fcec9c267b4267fb9890245e8002987b722b3b8a7cf921fdbe660c",
    ),
    (
        "e152fd1d9d09cf39a165f81d10fb55f90747c661789860eed27805719e962479",
        "a8b282039212933b71d5ad87d735e51a673dfed5bc4bf6f9857594858e2583d7"
        "79c1b7a654f506733ca8f0f278ef56701b9c2f66e6d763eafb36159443030a04",
    ),
    (
        "93a5674063c640b89c021bad4612b0ea4d2b63f046a1b5d56326a2828bc030a8",
        "780b5c527d764975ee8f2ef4f1d0022586f4f3e8a36685ef4e372cc31c005de0"
        "fdf4a089d4252589dd642ef09f2fc7fe3b9b82f0e85d5451ff9939fd960b790f",
    ),
]


class Signatures(unittest.TestCase):
    def test_a_scalar_that_is_not_reduced_is_refused(self):
        secret = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))
        key, good = secret.public_key().public_bytes_raw(), secret.sign(b"text")
        self.assertTrue(verify(key, b"text", good))
        self.assertFalse(verify(key, b"other", good))
        raised = int.from_bytes(good[32:], "little") + L
        self.assertFalse(verify(key, b"text", good[:32] + raised.to_bytes(32, "little")))

    def test_a_key_of_small_order_is_refused(self):
        # Under the neutral element as a key, R = [1]B and S = 1 sign every text.
        base = (4 * pow(5, P - 2, P) % P).to_bytes(32, "little")
        signature = base + (1).to_bytes(32, "little")
        for y in SMALL_ORDER:
            for sign in (0, 1 << 255):
                self.assertFalse(verify((y | sign).to_bytes(32, "little"), b"text", signature))

    def test_the_equation_has_the_cofactor(self):
        # Keys and nonces with a part of small order; also in the tests of crates/ledger and of the page.
        for key, signature in COFACTOR:
            self.assertTrue(verify(bytes.fromhex(key), b"pumasi", bytes.fromhex(signature)))
            self.assertFalse(verify(bytes.fromhex(key), b"pumasj", bytes.fromhex(signature)))

    def test_the_points_of_order_8_are_on_the_curve(self):
        # Twice such a point has y = 0, which is so where d·y⁴ + 2·y² = 1.
        d = -121665 * pow(121666, P - 2, P)
        self.assertEqual((d * ORDER_8**4 + 2 * ORDER_8**2 - 1) % P, 0)


if __name__ == "__main__":
    unittest.main()
