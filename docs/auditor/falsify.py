"""Falsifies a history that `crates/replica/examples/history` wrote, as an operator would who holds all keys.

Each function below changes the entries of a history in one way and tells what an audit must find: the first wrong entry
(None if it is no single entry) and a word of the reason. Unless the falsification is about it, checksums are right and
the head is signed again, so that nothing but the rules can find it.
"""

import base64
import copy
import json
import random
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from encoding import ENTRY, SIGNED_RECEIPT
from log import FRAME_BYTES, HEADER_BYTES, Folder, checkpoint_body, crc32c, key_id, record
from refusals import REFUSALS, Refused
from rules import Ledger
from signatures import L, message
from trees import ListTree, digest

OTHER_NETWORK = digest(b"another network")
# Where it depends on what was hit.
ANYWHERE = "anywhere"
STRANGER = Ed25519PrivateKey.from_private_bytes(digest(b"a stranger"))


class History:
    def __init__(self, folder):
        self.folder = Path(folder)
        log = Folder(self.folder / "ledger")
        self.raw = [data for _, _, data in log.entries()]
        self.entries = [ENTRY.decode(data) for data in self.raw]
        self.genesis = self.entries[0][1]
        self.network, self.checkpoint = log.network, log.checkpoint
        secrets = json.loads((self.folder / "secrets.json").read_text())
        self.secrets = {bytes.fromhex(key): bytes.fromhex(secret) for key, secret in secrets.items()}
        self.receipt = json.loads((self.folder / "receipt.json").read_text())
        self.head = (self.folder / "head").read_text()

    def key(self, public):
        return Ed25519PrivateKey.from_private_bytes(self.secrets[public])

    def change(self, number):
        """An entry, to be changed."""
        self.entries[number] = copy.deepcopy(self.entries[number])
        self.raw[number] = None
        return self.entries[number][1]

    def sign_again(self, signed):
        request = signed.body
        signed.signature = self.key(request.key).sign(message("pumasi/operation/1", request.network, request))

    def insert(self, number, kind, entry):
        self.entries.insert(number, (kind, entry))
        self.raw.insert(number, None)

    def remove(self, first, end):
        del self.entries[first:end], self.raw[first:end]

    def operation(self, fits, begin=0.4):
        """The number of the first operation behind some part of the log that fits."""
        for number in range(int(len(self.entries) * begin), len(self.entries) - 1):
            kind, entry = self.entries[number]
            if kind == "Operation" and fits(number, entry):
                return number
        raise LookupError("the history holds no such operation")

    def applied(self, name, begin=0.4):
        """The number of an operation of a kind that was applied."""
        return self.operation(lambda _, entry: entry.result == 0 and entry.signed.body.operation[0] == name, begin)

    def next_root(self, number):
        return next(at for at in range(number, len(self.entries)) if self.entries[at][0] == "Root")

    def data(self):
        return [raw or ENTRY.encode(entry) for raw, entry in zip(self.raw, self.entries)]

    def sign_head(self, key=None):
        """The head over the entries as they are now, signed by the replica or in its name."""
        tree = ListTree()
        for data in self.data():
            tree.push(data)
        replica, origin = self.genesis.replicas[0], self.genesis.origin
        body = checkpoint_body(origin, tree.size, tree.root())
        signature = key_id(origin, replica) + (key or self.key(replica)).sign(body.encode())
        self.checkpoint = f"{body}\n\u2014 {origin} {base64.b64encode(signature).decode()}\n"

    def journal(self):
        header = b"pumasi journal\n\0" + (1).to_bytes(4, "little") + self.network
        parts, begins = [header + crc32c(header).to_bytes(4, "little")], True
        for data, (kind, _) in zip(self.data(), self.entries):
            parts.append(record(data, begins))
            begins = kind == "Root"
        return b"".join(parts)

    def write(self, folder, journal=None):
        """Writes the replica's folder. Its mark says that all of the journal was acknowledged."""
        folder.mkdir(parents=True)
        whole = self.journal()
        mark = len(whole).to_bytes(8, "little")
        (folder / "journal").write_bytes(whole if journal is None else journal)
        (folder / "acknowledged").write_bytes(mark + crc32c(mark).to_bytes(4, "little"))
        (folder / "checkpoint").write_text(self.checkpoint)
        (folder / "receipt.json").write_text(json.dumps(self.receipt))


def sentence(name):
    return REFUSALS[name][1]


# Operations.


def changed_amount(history):
    number = history.applied("Transfer")
    history.change(number).signed.body.operation[1].amount += 1
    return number, sentence("BadSignature")


def dropped_operation(history):
    last = history.operation(lambda at, entry: entry.result == 0 and history.entries[at + 1][0] == "Root"
                             and history.entries[at - 1][0] == "Operation")
    history.remove(last, last + 1)
    return last, "root"


def dropped_group(history):
    """The next operation of one of its accounts finds that one is missing, unless a root does before."""
    first = history.operation(lambda at, entry: history.entries[at - 1][0] == "Root" and entry.result == 0)
    end = history.next_root(first) + 1
    accounts = {entry.signed.body.account for _, entry in history.entries[first:end - 1]}
    history.remove(first, end)
    after = next(at for at in range(first, len(history.entries)) if history.entries[at][0] == "Root"
                 or history.entries[at][1].signed.body.account in accounts)
    return after, "root" if history.entries[after][0] == "Root" else sentence("SequenceFuture")


def swapped_order(history):
    def same_account(at, entry):
        kind, after = history.entries[at + 1]
        return kind == "Operation" and after.signed.body.account == entry.signed.body.account

    number = history.operation(same_account)
    for listed in (history.entries, history.raw):
        listed[number], listed[number + 1] = listed[number + 1], listed[number]
    return number, sentence("SequenceFuture")


def replayed_operation(history):
    number = history.applied("Transfer")
    history.insert(number + 1, *history.entries[number])
    return number + 1, sentence("SequencePast")


def forged_voucher(history):
    number = history.applied("Settle")
    signed = history.change(number).signed
    voucher = signed.body.operation[1].voucher
    voucher.signature = STRANGER.sign(message("pumasi/voucher/1", history.network, voucher.body))
    history.sign_again(signed)
    return number, "the log says result 0"


def other_network(history):
    number = history.applied("Transfer")
    signed = history.change(number).signed
    signed.body.network = OTHER_NETWORK
    history.sign_again(signed)
    return number, sentence("WrongNetwork")


def signature_of_other_network(history):
    number = history.applied("Transfer")
    signed = history.change(number).signed
    key = history.key(signed.body.key)
    signed.signature = key.sign(message("pumasi/operation/1", OTHER_NETWORK, signed.body))
    return number, sentence("BadSignature")


def changed_price(history):
    number = history.applied("Offer", begin=0)
    signed = history.change(number).signed
    offer = signed.body.operation[1]
    offer.fee = (offer.fee[0] + 1, offer.fee[1])
    history.sign_again(signed)
    return history.next_root(number), "root"


def changed_payee(history):
    number = history.operation(lambda _, entry: entry.result == 0 and entry.signed.body.operation[0] == "Publish"
                               and len(entry.signed.body.operation[1].payees) > 1)
    signed = history.change(number).signed
    publish = signed.body.operation[1]
    (account, weight), *rest = publish.payees
    publish.payees = [(account, weight - 1 or 2), *rest]
    history.sign_again(signed)
    return history.next_root(number), "root"


def refusal_made_good(history):
    number = history.operation(lambda _, entry: entry.result == REFUSALS["BalanceTooLow"][0])
    history.change(number).result = 0
    return number, "the log says result 0"


def other_refusal(history):
    number = history.operation(lambda _, entry: entry.result == REFUSALS["NotPublisher"][0])
    history.change(number).result = REFUSALS["ArtifactUnknown"][0]
    return number, "the log says result 50"


def time_reversed(history):
    number = history.operation(lambda at, _: True)
    history.change(number).at = history.genesis.founded
    return number, sentence("TimeReversed")


def expired(history):
    number = history.applied("Transfer")
    entry = history.change(number)
    entry.signed.body.not_after = entry.at - 1
    history.sign_again(entry.signed)
    return number, sentence("Expired")


def retired_key(history):
    rotation = history.operation(lambda _, entry: entry.result == 0 and entry.signed.body.operation[0] == "Rotate", 0.1)
    rotated = history.entries[rotation][1].signed.body
    number = history.operation(lambda at, entry: at > rotation and entry.signed.body.account == rotated.account, 0.1)
    signed = history.change(number).signed
    signed.body.key = rotated.key
    history.sign_again(signed)
    return number, sentence("KeyNotCurrent")


def raised_scalar(history):
    number = history.applied("Transfer")
    signed = history.change(number).signed
    scalar = int.from_bytes(signed.signature[32:], "little") + L
    signed.signature = signed.signature[:32] + scalar.to_bytes(32, "little")
    return number, sentence("BadSignature")


def small_order_key(history):
    """Under the neutral element as a key, R = [1]B and S = 1 sign everything, if a verifier lets them."""
    number = history.applied("Transfer")
    signed = history.change(number).signed
    signed.body.account = signed.body.key = (1).to_bytes(32, "little")
    signed.body.sequence = 0
    signed.signature = b"\x58" + b"\x66" * 31 + (1).to_bytes(32, "little")
    return number, sentence("BadSignature")


# Entries and groups.


def changed_root(history):
    number = history.next_root(len(history.entries) // 2)
    history.change(number).root = OTHER_NETWORK
    return number, "root"


def second_root(history):
    number = history.next_root(len(history.entries) // 2)
    history.insert(number + 1, *history.entries[number])
    return number + 1, "a root follows a root"


def no_first_root(history):
    history.remove(1, 2)
    return 1, "the first group"


def second_founding(history):
    number = history.applied("Transfer")
    history.insert(number, *history.entries[0])
    return number, "founding document"


def trailing_byte(history):
    number = history.applied("Transfer")
    history.raw[number] = history.data()[number] + b"\0"
    return number, "canonical encoding"


def wrong_before_unreadable(history):
    """The first of two wrong entries is told, whatever is wrong with the second."""
    number = history.operation(lambda at, _: history.entries[at + 1][0] == "Operation")
    history.change(number).signed.signature = bytes(64)
    history.raw[number + 1] += b"\0"
    return number, sentence("BadSignature")


# The log as a whole.


def rewritten(history):
    """All of it replayed with one amount changed, and signed again: right in itself, and not what was signed before."""
    number = history.applied("Issue", begin=0)
    signed = history.change(number).signed
    signed.body.operation[1].amount += 1
    history.sign_again(signed)
    ledger, entries, raw = None, [], []
    for (kind, entry), data in zip(history.entries, history.raw):
        if kind == "Genesis":
            ledger = Ledger(entry)
        elif kind == "Root":
            entry, data = copy.copy(entry), None
            entry.root = ledger.state.root()
        else:
            try:
                result = ledger.apply(entry.at, entry.signed)
            except Refused:
                continue
            if result != entry.result:
                entry, data = copy.copy(entry), None
                entry.result = result
        if kind != "Root" or entries[-1][0] != "Root":
            entries.append((kind, entry))
            raw.append(data)
    history.entries, history.raw = entries, raw
    return None, "rewritten"


def wrong_after_a_rewritten_head(history):
    """The head comes first where it contradicts what stands before a wrong entry."""
    found = rewritten(history)
    size = int(history.head.split("\n")[1])
    begin = (size + 2) / len(history.entries)
    number = history.operation(lambda at, entry: entry.result == 0, begin)
    history.change(number).signed.signature = bytes(64)
    return found


def cut_history(history):
    size = int(history.head.split("\n")[1])
    history.remove(history.next_root(size - 60) + 1, len(history.entries))
    return None, "the log has"


def quiet_swap(history):
    """Two operations that do not touch each other: all rules hold, and the signed head does not."""
    def independent(at, entry):
        kind, after = history.entries[at + 1]
        return (kind == "Operation" and after.signed.body.account != entry.signed.body.account
                and {entry.signed.body.operation[0], after.signed.body.operation[0]} <= {"Register", "Tag", "Name"}
                and 30 <= entry.result < 60 and 30 <= after.result < 60)

    number = history.operation(independent, begin=0)
    for listed in (history.entries, history.raw):
        listed[number], listed[number + 1] = listed[number + 1], listed[number]
    return None, "rewritten"


def flipped_bits(seed):
    """Any bit of any entry, under the old head: whichever rule it breaks, both must find it at the same place."""
    def flipped_bit(history):
        chance = random.Random(seed)
        number = chance.randrange(len(history.entries))
        data = bytearray(history.data()[number])
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        history.raw[number] = bytes(data)
        return ANYWHERE, ""

    return flipped_bit


def stranger_signs_head(history):
    history.sign_head(STRANGER)
    return None, "signed"


# The file.


def flipped_byte(history):
    number, offset = _place(history)
    journal = bytearray(history.journal())
    journal[offset + FRAME_BYTES + 40] ^= 1
    return number, "checksum", bytes(journal)


def cut_file(history):
    number, offset = _place(history)
    return number, "file", history.journal()[:offset]


def moved_group(history):
    """A record that says it begins a group where none begins."""
    number, offset = _place(history)
    journal, entry = history.journal(), history.data()[number]
    moved = journal[:offset] + record(entry, True) + journal[offset + FRAME_BYTES + len(entry):]
    return number, "a record is not where it was written", moved


def _place(history):
    """An entry that does not begin a group, and where its record begins."""
    number = history.operation(lambda at, _: history.entries[at - 1][0] == "Operation")
    return number, HEADER_BYTES + sum(FRAME_BYTES + len(data) for data in history.data()[:number])


# Receipts.


def receipt_not_under_root(history):
    """One token less, signed by the provider, with the bill that belongs to it."""
    view = history.receipt
    receipt = SIGNED_RECEIPT.decode(base64.b64decode(view["receipt"]))
    tokens_in, tokens_out = receipt.body.usage
    receipt.body.usage = tokens_in, tokens_out - 1
    _sign_receipt(history, receipt)
    view["output"] -= 1
    for line in view["bill"]["lines"]:
        line["pico"] = str(int(line["pico"]) - line["output_rate"])
    view["bill"]["pico"] = str(sum(int(line["pico"]) for line in view["bill"]["lines"]))
    return None, "the receipt is not under the voucher's root"


def _sign_receipt(history, receipt):
    channel = receipt.body.order.body.channel
    ledger = Ledger(history.genesis)
    for kind, entry in history.entries[1:]:
        if kind == "Operation":
            ledger.apply(entry.at, entry.signed)
        if found := ledger.state.get("Channel", channel):
            key = history.key(found.provider_key)
            receipt.signature = key.sign(message("pumasi/receipt/1", history.network, receipt.body))
            history.receipt["receipt"] = base64.b64encode(SIGNED_RECEIPT.encode(receipt)).decode()
            return


def receipt_billed_higher(history):
    bill = history.receipt["bill"]
    bill["lines"][0]["pico"] = str(int(bill["lines"][0]["pico"]) + 1)
    bill["pico"] = str(int(bill["pico"]) + 1)
    return None, "the ledger's prices make"


def receipt_of_stranger(history):
    receipt = SIGNED_RECEIPT.decode(base64.b64decode(history.receipt["receipt"]))
    receipt.signature = STRANGER.sign(message("pumasi/receipt/1", history.network, receipt.body))
    history.receipt["receipt"] = base64.b64encode(SIGNED_RECEIPT.encode(receipt)).decode()
    return None, "the receipt is not signed"


# Found by a head that was kept; under the head of the true history; on the receipt beside the log.
KEEP_HEAD = [rewritten, wrong_after_a_rewritten_head, cut_history]
FLIPS = [flipped_bits(seed) for seed in range(12)]
OLD_CHECKPOINT = [quiet_swap, stranger_signs_head, *FLIPS]
RECEIPTS = [receipt_not_under_root, receipt_billed_higher, receipt_of_stranger]
OPERATIONS = [changed_amount, dropped_operation, dropped_group, swapped_order, replayed_operation, forged_voucher,
              other_network, signature_of_other_network, changed_price, changed_payee, refusal_made_good, other_refusal,
              time_reversed, expired, retired_key, raised_scalar, small_order_key]
ENTRIES = [changed_root, second_root, no_first_root, second_founding, trailing_byte, wrong_before_unreadable]
FILES = [flipped_byte, cut_file, moved_group]
ALL = OPERATIONS + ENTRIES + FILES + KEEP_HEAD + OLD_CHECKPOINT + RECEIPTS


def falsify(history_folder, how, folder):
    """Writes a falsified history; gives the entry that must be found (or None) and a word of the reason."""
    history = History(history_folder)
    entry, why, *journal = how(history)
    if how not in OLD_CHECKPOINT:
        history.sign_head()
    history.write(folder, *journal)
    return entry, why
