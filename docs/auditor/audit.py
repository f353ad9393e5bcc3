#!/usr/bin/env python3
"""Audits a Pumasi network: replays its whole log by docs/ledger.md, or tells the first wrong entry and exits with 1."""

import argparse
import json
import sys
from pathlib import Path

sys.dont_write_bytecode = True

from encoding import ENTRY, Malformed  # noqa: E402
from findings import Finding, History, Unreadable, Wrong  # noqa: E402
from log import signed_head, source, unchecked_head  # noqa: E402
from receipt import Receipt, ReceiptWrong  # noqa: E402
from refusals import REFUSALS, Refused  # noqa: E402
from rules import Ledger  # noqa: E402
from trees import ListTree  # noqa: E402

NAMES = {number: name for name, (number, _) in REFUSALS.items()}


def told(result):
    return f"{result} ({NAMES.get(result, 'unknown')})" if result else "0 (applied)"


class Audit:
    """`watch` sees the ledger after each entry that holds an operation, the entry's number, and the operation."""

    def __init__(self, log, watch=lambda ledger, number, operation: None):
        self.log, self.watch = log, watch
        self.ledger, self.tree = None, ListTree()
        self.applied = self.refused = self.in_group = 0
        self.expected, self.signed = [], None

    def expect(self, head, whose):
        """The log must lead to this head."""
        self.expected.append((head, whose))

    def run(self):
        for number, offset, data in self.log.entries():
            try:
                self._replay(*ENTRY.decode(data), number)
            except Malformed as error:
                raise Wrong(number, offset, f"the bytes are not the canonical encoding of an entry: {error}") from error
            except Refused as refused:
                raise Wrong(number, offset, f"an operation that must be refused at the door: {refused}") from refused
            except AssertionError as error:
                raise Wrong(number, offset, str(error)) from error
            self.tree.push(data)
            if number == 0:
                self._open_checkpoint()
            self._check_heads()
        self._finish()

    def _replay(self, kind, entry, number):
        if (kind == "Genesis") != (number == 0):
            raise AssertionError("a second founding document" if number
                                 else "the log does not begin with a founding document")
        if kind == "Genesis":
            self.ledger = Ledger(entry)
            self.in_group = 1
        elif kind == "Operation":
            self._apply(entry, number)
        else:
            self._check_root(entry)

    def _apply(self, entry, number):
        if number == 1:
            raise AssertionError("the first group is the founding document and a root")
        result = self.ledger.apply(entry.at, entry.signed)
        if result != entry.result:
            raise AssertionError(f"the log says result {told(entry.result)}, and the rules say {told(result)}")
        self.in_group += 1
        self.applied, self.refused = self.applied + (result == 0), self.refused + (result != 0)
        if wrong := self.ledger.state.money_is_wrong():
            raise AssertionError(f"{wrong}; this is a fault in the rules")
        if result == 0:
            self.watch(self.ledger, number, entry.signed.body)

    def _check_root(self, entry):
        root = self.ledger.state.root()
        if root != entry.root:
            raise AssertionError(f"the state's root is {root.hex()}, and the log says {entry.root.hex()}")
        if not self.in_group:
            raise AssertionError("a root follows a root")
        self.in_group = 0

    def _open_checkpoint(self):
        if self.log.checkpoint is not None:
            self.signed = signed_head(self.log.checkpoint, self.ledger.genesis)
            if self.signed is None:
                raise History("the signed head is not good: no replica of the network signed it")
            self.expect(self.signed, "that the replica signed")

    def _check_heads(self):
        for (size, root), whose in self.expected:
            if size == self.tree.size and root != self.tree.root():
                raise History(f"the log was rewritten: its first {size} entries have the root {self.tree.root().hex()},"
                              f" and the head {whose} says {root.hex()}")

    def _finish(self):
        size = self.tree.size
        for (expected, _), whose in self.expected:
            if expected > size:
                raise History(f"the log has {size} entries, and the head {whose} is over {expected}")
        if self.ledger is None or self.in_group:
            raise History("the log does not end with the root of the state")
        if self.log.network not in (None, self.ledger.network):
            raise History("the journal's header names another network than its log founded")

    def report(self, kept):
        ledger, totals = self.ledger, self.ledger.totals
        return {
            "good": True,
            "network": f"sha256:{ledger.network.hex()}",
            "origin": ledger.genesis.origin,
            "entries": self.tree.size,
            "applied": self.applied,
            "refused": self.refused,
            "settlements": ledger.settlements,
            "settled_pico": str(ledger.settled),
            "paid_out_pico": str(ledger.paid_out),
            "supply_pico": str(totals.issued - totals.redeemed),
            "head": head_json((self.tree.size, self.tree.root())),
            "signed_head": head_json(self.signed),
            "kept_head": head_json(kept),
            "unfinished_bytes": self.log.unfinished_bytes,
        }


def head_json(head):
    return head and {"size": head[0], "root": f"sha256:{head[1].hex()}"}


def credits(pico):
    return f"{int(pico) // 10**12}.{int(pico) % 10**12:012}".rstrip("0").rstrip(".")


def say(report, ledger):
    sums = ledger.state.sums
    print(f"""The ledger is right: every signature, result, price, sum and root.
  network      {report['origin']}  {report['network']}
  log          {report['entries']} entries: {report['applied']} operations applied, {report['refused']} refused
  credits      {credits(report['supply_pico'])} in the world: {credits(sums['balances'])} in balances, \
{credits(sums['deposits'])} set aside, {credits(sums['pots'])} in pots
  settled      {credits(report['settled_pico'])} credits (settlements: {report['settlements']})
  royalties    {credits(report['paid_out_pico'])} credits paid out""")
    for name, title in (("signed_head", "signed head"), ("kept_head", "kept head")):
        print(f"  {title:<11}  " + (f"over {report[name]['size']} entries" if report[name] else "none"))
    if report["unfinished_bytes"]:
        print(f"  unfinished   {report['unfinished_bytes']} bytes of a group that is being written, or that a crash tore")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("log", metavar="DIR|URL", help="a replica's folder, or the address of a replica or gateway")
    parser.add_argument("--head", metavar="FILE", type=Path, help="a checkpoint that was kept: the log must lead to it")
    parser.add_argument("--receipt", metavar="FILE", type=Path, help="what GET /receipts/ID gave: recompute and prove it")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser.parse_args()


def run(args):
    note = args.head and args.head.read_text()
    receipt = args.receipt and Receipt(json.loads(args.receipt.read_text()))
    audit = Audit(source(args.log), receipt.see if receipt else lambda ledger, number, operation: None)
    kept = note and unchecked_head(note)
    if kept:
        audit.expect(kept, "that was remembered")
    if receipt:
        audit.expect(receipt.head, "that the provider had seen")
    audit.run()
    if kept and signed_head(note, audit.ledger.genesis) is None:
        raise History("the head that was kept is not good: no replica of the network signed it")
    report = audit.report(kept)
    if receipt:
        report["receipt"] = receipt.prove(audit)
    return report, audit.ledger


def main():
    args = arguments()
    try:
        report, ledger = run(args)
    except (Finding, ReceiptWrong, OSError) as error:
        finding = error if isinstance(error, Finding) else Unreadable(str(error))
        if isinstance(error, ReceiptWrong):
            finding = History(f"the receipt is wrong: {error}")
        if args.json:
            print(json.dumps({"good": False, "read": finding.read, "finding": str(finding), "entry": finding.entry,
                              "offset": finding.offset}))
        else:
            print(("the ledger is WRONG: " if finding.read else "not audited: ") + str(finding), file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(report))
    else:
        say(report, ledger)
        for line in report.get("receipt", {}).get("checks", []):
            print(f"  receipt      {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
