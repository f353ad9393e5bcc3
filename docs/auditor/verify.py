#!/usr/bin/env python3
"""Checks a proof by `pumasi prove` for a network that is known by its name (docs/ledger.md, Proofs), and says what it shows."""

import argparse
import json
import sys
from pathlib import Path
from types import SimpleNamespace

sys.dont_write_bytecode = True

from encoding import (DIGEST, ENTRY, GENESIS, RECORD, RECORD_KEY, SIGNED_RECEIPT, TEXT, Choice, List, Malformed,  # noqa: E402
                      Option, Reader, Struct, Tuple)
from log import from_base64, signed_head  # noqa: E402
from signatures import verify_signed  # noqa: E402
from trees import NOTHING, bit, digest, follow, node_hash  # noqa: E402

STATE_PROOF = Struct(siblings=List(DIGEST), end=Option(Tuple(DIGEST, DIGEST)))
CLAIM = Choice(
    Entry=ENTRY,
    Stood=Struct(key=RECORD_KEY, record=Option(RECORD), proof=STATE_PROOF, totals=RECORD.cases["Totals"],
                 totals_proof=STATE_PROOF),
    Settled=Struct(receipt=SIGNED_RECEIPT, path=List(DIGEST), settlement=ENTRY),
)


class NotProved(Exception):
    pass


def require(holds, what):
    if not holds:
        raise NotProved(what)


def number(text):
    require(text.isascii() and text.isdecimal() and text == str(int(text)), f"{text} is not a number")
    return int(text)


def parse(text):
    """Founding document, claim, index, path, signed head."""
    top, parted, note = text.partition("\n\n")
    first, extra, index, *path = top.split("\n")
    require(parted and first == "c2sp.org/tlog-proof@v1", "it is not a proof")
    require(extra.startswith("extra ") and index.startswith("index "), "it is not a proof of this kind")
    reader = Reader(from_base64(extra[6:]))
    genesis, claim = GENESIS.read(reader), CLAIM.read(reader)
    require(reader.at == len(reader.data), "bytes follow what is proved")
    return genesis, claim, number(index[6:]), [from_base64(line) for line in path], note


def state_root(key, record, proof):
    """The root under which a key holds a record, or none."""
    path = digest(RECORD_KEY.encode(key))
    if record is not None:
        require(proof.end == (path, digest(RECORD.encode(record))), "its path is of something else")
    elif proof.end:
        beside, depth = proof.end[0], len(proof.siblings)
        require(beside != path and all(bit(beside, at) == bit(path, at) for at in range(depth)), "it denies nothing")
    require(len(proof.siblings) <= 256, "its path is too long")
    node = digest(b"\0", *proof.end) if proof.end else NOTHING
    for depth, sibling in reversed(list(enumerate(proof.siblings))):
        node = node_hash(sibling, node) if bit(path, depth) else node_hash(node, sibling)
    return node


def check_operation(network, entry):
    require(verify_signed("pumasi/operation/1", network, entry.signed.body.key, entry.signed), "an operation is not signed")


def check_settled(network, claim):
    kind, entry = claim.settlement
    require(kind == "Operation" and entry.result == 0 and entry.signed.body.operation[0] == "Settle", "nothing is settled")
    check_operation(network, entry)
    voucher, receipt = entry.signed.body.operation[1].voucher.body, claim.receipt.body
    root = follow(digest(SIGNED_RECEIPT.encode(claim.receipt)), receipt.number - 1, voucher.number, claim.path)
    require(receipt.number > 0 and root == voucher.root and receipt.order.body.channel == voucher.channel,
            "the receipt is not under what was settled")


def entry_of(network, kind, claim):
    """The entry for which a claim stands, and when it was true."""
    if kind == "Entry":
        if claim[0] == "Operation":
            check_operation(network, claim[1])
        return claim, {"Operation": "at", "Genesis": "founded"}.get(claim[0])
    if kind == "Settled":
        check_settled(network, claim)
        return claim.settlement, "at"
    root = state_root(claim.key, claim.record, claim.proof)
    require(root == state_root(("Totals", ()), ("Totals", claim.totals), claim.totals_proof), "it is of two states")
    return ("Root", SimpleNamespace(root=root)), None


def check(text, network):
    """What a proof shows, or why it shows nothing."""
    genesis, (kind, claim), index, path, note = parse(text)
    found = digest(TEXT.encode("pumasi/genesis/1"), GENESIS.encode(genesis))
    require(found == network, f"it is of the network sha256:{found.hex()}")
    head = signed_head(note, genesis)
    require(head is not None, "no replica of the network signed its head")
    entry, time = entry_of(network, kind, claim)
    size, root = head
    require(follow(ENTRY.encode(entry), index, size, path) == root, "it is not in the log of its head")
    when = claim.totals.time if kind == "Stood" else time and getattr(entry[1], time)
    return {"good": True, "claim": kind, "network": f"sha256:{network.hex()}", "entry": index, "time": when,
            "head": {"size": size, "root": f"sha256:{root.hex()}"}}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("proof", metavar="FILE", type=Path)
    parser.add_argument("network", help="its name: sha256: and hexadecimal digits, from somebody whom you believe")
    args = parser.parse_args()
    try:
        print(json.dumps(check(args.proof.read_bytes().decode(), bytes.fromhex(args.network.removeprefix("sha256:")))))
    except (NotProved, Malformed, ValueError, OSError) as error:
        print(f"this proves nothing: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
