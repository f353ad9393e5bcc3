"""Proves a receipt from the log: nothing that the gateway says of it is believed before it was recomputed."""

import base64

from encoding import SIGNED_ORDER, SIGNED_RECEIPT, SIGNED_VOUCHER, Malformed
from rules import cost, derive
from signatures import verify_signed
from trees import digest, follow


class ReceiptWrong(Exception):
    pass


def require(holds, what):
    if not holds:
        raise ReceiptWrong(what)


def decode(codec, text):
    try:
        return codec.decode(base64.b64decode(text, validate=True))
    except (Malformed, ValueError, TypeError) as error:
        raise ReceiptWrong(f"it cannot be read: {error}") from error


class Receipt:
    """What `GET /receipts/ID` gave, and what the log has to say of it."""

    def __init__(self, view):
        self.view, self.checks = view, []
        require(view.get("receipt") is not None, f"the order has no receipt: it is {view['state']}")
        self.encoded = base64.b64decode(view["receipt"])
        self.signed = decode(SIGNED_RECEIPT, view["receipt"])
        self.body, self.order = self.signed.body, self.signed.body.order
        self.head = self.body.head
        self.channel = self.settled = None

    def see(self, ledger, number, request):
        """Sees each operation as it is applied: a channel may be gone at the end."""
        channel_id, (name, operation) = self.order.body.channel, request.operation
        if name == "Open" and derive("pumasi/channel/1", request.account, request.sequence) == channel_id:
            self.channel = ledger.state.get("Channel", channel_id)
        if name == "Settle" and self.settled is None:
            voucher = operation.voucher.body
            if voucher.channel == channel_id and voucher.number >= self.body.number:
                self.settled = number, operation.voucher

    def prove(self, audit):
        """The checks that hold, and the bill as recomputed."""
        ledger = audit.ledger
        self._check_signatures(ledger.network)
        if self.view["state"] == "refused":
            require(self.view["bill"] is None, "it was refused, and billed all the same")
            self.checks.append("the gateway refused it: nothing is billed")
            return {"checks": self.checks, "bill": None}
        require(all(used <= most for used, most in zip(self.body.usage, self.order.body.limit)),
                "it counts more tokens than were ordered")
        bill = self._bill(ledger)
        if self.view["voucher"] is None:
            self.checks.append("not yet: no voucher covers it")
        else:
            self._check_voucher(ledger.network)
            self._check_settlement(audit)
        return {"checks": self.checks, "bill": bill}

    def _check_signatures(self, network):
        view, order, body = self.view, self.order.body, self.body
        require(view["network"] == f"sha256:{network.hex()}", "it is of another network")
        require(self.channel is not None, "nobody opened its channel in this log")
        require(verify_signed("pumasi/order/1", network, self.channel.gateway_key, self.order),
                "the order is not signed by the channel's gateway key")
        require(decode(SIGNED_ORDER, view["order"]) == self.order and view["id"] == order.id.hex()
                and view["offer"] == f"of_{order.offer.hex()}", "the receipt is of another order")
        require(verify_signed("pumasi/receipt/1", network, self.channel.provider_key, self.signed),
                "the receipt is not signed by the channel's provider key")
        require((view["input"], view["output"]) == body.usage, "it is shown with other tokens than it counts")
        self.checks.append("order and receipt are signed by the two keys of their channel")

    def _bill(self, ledger):
        offer = ledger.state.get("Offer", self.order.body.offer)
        require(offer is not None and offer.provider == self.channel.provider,
                "its offer is not of the channel's provider")
        lines = []
        for kind, payee, rates in ledger.price(self.order.body.offer):
            lines.append({"id": payee.hex() if kind == "provider" else f"sha256:{payee.hex()}",
                          "what": "provider_fee" if kind == "provider" else "royalty",
                          "input_rate": rates[0], "output_rate": rates[1],
                          "pico": str(cost(rates, self.body.usage))})
        shown = self.view["bill"]
        require(shown is not None, "no bill is shown")
        fees = [line for line in shown["lines"] if line["what"] == "gateway_fee"]
        rest = [{name: line[name] for name in lines[0]} for line in shown["lines"] if line["what"] != "gateway_fee"]
        require(rest == lines, "the bill is not what the ledger's prices make of its tokens")
        # The gateway's own fee is between it and the API key's holder: it can be summed, and not looked up.
        total = sum(int(line["pico"]) for line in lines + fees)
        require(shown["pico"] == str(total), f"the lines sum to {total} pico, and the bill says {shown['pico']}")
        self.checks.append(f"the bill: {total} pico-credits, each line a price on the ledger × the receipt's tokens")
        return {"lines": lines + fees, "pico": str(total)}

    def _check_voucher(self, network):
        proof = self.view["voucher"]
        signed = decode(SIGNED_VOUCHER, proof["voucher"])
        require(signed.body.channel == self.order.body.channel
                and verify_signed("pumasi/voucher/1", network, self.channel.gateway_key, signed),
                "the voucher is not signed by the channel's gateway key")
        path = [bytes.fromhex(text.removeprefix("sha256:")) for text in proof["path"]]
        root = follow(digest(self.encoded), proof["index"], signed.body.number, path)
        require(proof["index"] + 1 == self.body.number and root == signed.body.root,
                "the receipt is not under the voucher's root")
        self.checks.append("it is under the root of a voucher that the gateway signed")

    def _check_settlement(self, audit):
        if self.settled is None:
            require(self.view["settlement"] is None, "it is said to be settled, and the log holds no such settlement")
            self.checks.append("not yet: the voucher is not settled")
            return
        entry, voucher = self.settled
        if decode(SIGNED_VOUCHER, self.view["voucher"]["voucher"]) != voucher:
            self.checks.append(f"not yet: entry {entry} settled a newer voucher; get the receipt again")
            return
        self.checks.append(f"that voucher is settled by entry {entry}: everybody on the bill is paid")
        if audit.signed and audit.signed[0] > entry:
            self.checks.append(f"a replica signed a head over it ({audit.signed[0]} entries)")
