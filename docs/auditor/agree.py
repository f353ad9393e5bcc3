#!/usr/bin/env python3
"""Runs `pumasi audit` and this auditor on one log and compares what they say; `--falsify` on all its falsifications too.

The folder is one that `crates/replica/examples/history` wrote, or any log with `--log`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True

from falsify import ALL, ANYWHERE, KEEP_HEAD, RECEIPTS, falsify, rewritten  # noqa: E402

AUDIT = Path(__file__).parent / "audit.py"


class Auditors:
    def __init__(self, pumasi):
        self.pumasi = pumasi

    def ask(self, log, head=None):
        """What each of the two says of a log."""
        kept = ["--head", head] if head else []
        return run(self.pumasi, "audit", log, "--json", *kept), run(sys.executable, AUDIT, log, "--json", *kept)

    def prove(self, log, receipt):
        """What each of the two says of a receipt."""
        ours = run(self.pumasi, "bill", receipt, "--log", log, "--json")
        return ours, run(sys.executable, AUDIT, log, "--receipt", receipt, "--json")

    def agree(self, log, head=None):
        """Fails unless both find a log right, and with the same numbers."""
        ours, theirs = self.ask(log, head)
        require(ours == theirs and ours["good"], f"{log}\n  pumasi audit  {ours}\n  auditor       {theirs}")
        return ours

    def agree_on_receipt(self, log, receipt):
        ours, theirs = self.prove(log, receipt)
        require(ours["good"] and theirs["good"], f"{receipt}\n  pumasi bill  {ours}\n  auditor      {theirs}")
        names = ("id", "what", "input_rate", "output_rate", "pico")
        lines = [[line[name] for name in names] for line in ours["bill"]["lines"]]
        require(lines == [[line[name] for name in names] for line in theirs["receipt"]["bill"]["lines"]]
                and ours["bill"]["pico"] == theirs["receipt"]["bill"]["pico"], f"{receipt}: the bills differ")

    def find(self, history, how, folder):
        """Fails unless both find a falsification, at the same entry, which must be the right one."""
        entry, why = falsify(history, how, folder)
        if how in RECEIPTS:
            ours, theirs = self.prove(folder, folder / "receipt.json")
            said = ours["checks"][-1]["what"]
        else:
            if how is rewritten:
                self.agree(folder)
            ours, theirs = self.ask(folder, history / "head" if how in KEEP_HEAD else None)
            said = ours.get("finding", "nothing")
            place = theirs["entry"] if entry == ANYWHERE else entry
            require(ours.get("entry") == theirs.get("entry") == place and ours.get("offset") == theirs.get("offset"),
                    f"{how.__name__}: entry {entry} is wrong\n  pumasi audit  {ours}\n  auditor       {theirs}")
        found = not ours["good"] and not theirs["good"] and why in said and reason(how, why) in theirs["finding"]
        require(found, f"{how.__name__}: not found ({why})\n  pumasi   {ours}\n  auditor  {theirs}")
        return f"entry {theirs['entry']}: {why}".rstrip(": ") if theirs.get("entry") is not None else why


def reason(how, why):
    # The one sentence that the two put differently.
    return "what the ledger's prices make" if how.__name__ == "receipt_billed_higher" else why


def require(holds, what):
    if not holds:
        sys.exit(f"the two auditors do not agree, or did not find it: {what}")


def run(*command):
    done = subprocess.run([*map(str, command)], capture_output=True, text=True)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        sys.exit(f"{command}: {done.stdout}{done.stderr}")
    require((done.returncode == 0) == said["good"], f"{command} ended with {done.returncode}")
    return said


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pumasi", metavar="PUMASI", type=Path, help="the program")
    parser.add_argument("history", metavar="DIR", nargs="?", type=Path)
    parser.add_argument("--log", metavar="DIR|URL", help="compare on this log alone")
    parser.add_argument("--receipt", metavar="FILE", help="with --log: compare on this receipt too")
    parser.add_argument("--falsify", action="store_true", help="falsify the history in every way")
    args = parser.parse_args()
    auditors = Auditors(args.pumasi)
    if args.log:
        report = auditors.agree(args.log)
        if args.receipt:
            auditors.agree_on_receipt(args.log, args.receipt)
    else:
        report = auditors.agree(args.history / "ledger", args.history / "head")
        auditors.agree_on_receipt(args.history / "ledger", args.history / "receipt.json")
    print(f"agreed on {report['entries']} entries: {report['applied']} operations applied, {report['refused']} refused")
    if args.falsify:
        with tempfile.TemporaryDirectory() as folder:
            for number, how in enumerate(ALL):
                found = auditors.find(args.history, how, Path(folder) / str(number))
                print(f"  {how.__name__:<32}{found}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
