"""The rules of docs/ledger.md: what one operation does to the state, or why it is refused."""

import re
from types import SimpleNamespace

from encoding import GENESIS, SIGNED_REQUEST, TEXT, U64
from refusals import BEHIND_THE_DOOR, Refused, need
from signatures import message, verify, verify_signed
from state import State
from trees import digest

OPERATION_BYTES_MAX = 16_384
SUPPLY_MAX = 2**96
LINE_TOKENS_MAX = 2**48
PAYEES_MAX = 16
TIME_MAX = 2**64 - 1
CEILING = {"parents": 64, "weights": 256, "priced_works": 256, "lineage_walk": 65_536, "voucher_offers": 64,
           "settlement_pots": 1_024, "payout_pots": 64}
MODEL, ADAPTER = 0, 1
RESERVED = set("""admin api artifacts blobs gateway healthz issuer ledger log metrics official owner provider pumasi
    receipts replica root security support system v1 v2 www""".split())


def ascending(items):
    return all(a < b for a, b in zip(items, items[1:]))


def is_account_name(name):
    return re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) is not None and 2 <= len(name) <= 39


def is_label(text):
    return re.fullmatch(r"[a-z0-9][a-z0-9._-]{0,63}", text) is not None


def is_address(address):
    parts = re.fullmatch(r"https?://([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([1-9][0-9]{0,4})", address)
    return parts is not None and len(address) <= 255 and int(parts[2]) <= 65_535


def is_visible(text, length_max):
    return 1 <= len(text) <= length_max and all(" " <= c <= "~" for c in text)


def derive(purpose, account, sequence):
    return digest(TEXT.encode(purpose), account, U64.encode(sequence))


def cost(rates, usage):
    return rates[0] * usage[0] + rates[1] * usage[1]


class Ledger:
    """A network's state. `settlements`, `settled` and `paid_out` count what happened, for a report."""

    def __init__(self, genesis):
        limits = vars(genesis.limits)
        need(1 <= len(genesis.origin) <= 128 and all("!" <= c <= "~" and c != "+" for c in genesis.origin)
             and 1 <= len(genesis.replicas) <= 64 and ascending(genesis.replicas)
             and all(limits[name] <= most for name, most in CEILING.items()), "GenesisInvalid")
        self.genesis, self.limits = genesis, genesis.limits
        self.network = digest(TEXT.encode("pumasi/genesis/1"), GENESIS.encode(genesis))
        self.state = State(genesis)
        self.totals = self.state.get("Totals")
        self.settlements = self.settled = self.paid_out = 0

    def apply(self, at, signed):
        """The result of an operation. Refused is raised at the door, where nothing changes."""
        request = signed.body
        fee = self._door(at, signed)
        self._touch_totals()
        self.totals.time = at
        self.totals.operations += 1
        self.state.write("Account", request.account).sequence += 1
        self._move(request.account, self.genesis.beneficiary, fee)
        name, operation = request.operation
        try:
            getattr(self, f"_{name.lower()}")(request, operation)
        except Refused as refused:
            assert refused.number >= BEHIND_THE_DOOR
            return refused.number
        return 0

    def price(self, offer_id):
        """The lines of an offer's price: a payee (kind and id), and rates."""
        offer = self.state.get("Offer", offer_id)
        lines = [("provider", offer.provider, offer.offer.fee)]
        for work in self.state.get("Artifact", offer.offer.artifact).priced:
            lines.append(("artifact", work, self.state.get("Artifact", work).publish.royalty))
        return lines

    def _door(self, at, signed):
        request, encoded = signed.body, SIGNED_REQUEST.encode(signed)
        need(len(encoded) <= OPERATION_BYTES_MAX, "TooLarge")
        need(request.network == self.network, "WrongNetwork")
        need(verify_signed("pumasi/operation/1", self.network, request.key, signed), "BadSignature")
        need(at >= self.totals.time, "TimeReversed")
        need(at <= request.not_after, "Expired")
        account = self.state.account(request.account)
        need(request.key == account.key, "KeyNotCurrent")
        need(request.sequence >= account.sequence, "SequencePast")
        need(request.sequence <= account.sequence, "SequenceFuture")
        free = request.operation[0] == "Issue" and request.account == self.genesis.issuer
        fee = 0 if free else self.genesis.fees.operation + self.genesis.fees.byte * len(encoded)
        need(account.balance >= fee, "FeeUnpaid")
        return fee

    # Money.

    def _touch_totals(self):
        self.totals = self.state.write("Totals")

    def _balance(self, account):
        return self.state.account(account).balance

    def _credit(self, account, amount):
        # An account gets a record with its first credits, not with none.
        if amount:
            self.state.write("Account", account).balance += amount

    def _move(self, source, target, amount):
        if amount:
            self.state.write("Account", source).balance -= amount
            self._credit(target, amount)

    def _pay(self, account, amount):
        need(self._balance(account) >= amount, "BalanceTooLow")
        self.state.write("Account", account).balance -= amount
        self.totals.deposits += amount

    def _give_back(self, account, amount):
        self.totals.deposits -= amount
        self._credit(account, amount)

    def _pay_pot_fee(self, account, pots):
        fee = self.genesis.fees.pot * pots
        need(self._balance(account) >= fee, "BalanceTooLow")
        self._move(account, self.genesis.beneficiary, fee)

    def _issue(self, request, operation):
        need(request.account == self.genesis.issuer, "NotIssuer")
        need(operation.amount > 0, "AmountZero")
        issued = self.totals.issued + operation.amount
        need(issued < 2**128 and issued - self.totals.redeemed <= SUPPLY_MAX, "SupplyExceeded")
        self.totals.issued = issued
        self._credit(operation.to, operation.amount)

    def _redeem(self, request, operation):
        need(request.account == self.genesis.issuer, "NotIssuer")
        need(operation.amount > 0, "AmountZero")
        need(self._balance(request.account) >= operation.amount, "BalanceTooLow")
        self.totals.redeemed += operation.amount
        self.state.write("Account", request.account).balance -= operation.amount

    def _transfer(self, request, operation):
        need(operation.amount > 0, "AmountZero")
        need(operation.to != request.account, "SelfTransfer")
        need(self._balance(request.account) >= operation.amount, "BalanceTooLow")
        self._move(request.account, operation.to, operation.amount)

    # Accounts.

    def _name(self, request, operation):
        name = operation.name
        need(is_account_name(name), "NameInvalid")
        need(name not in RESERVED, "NameReserved")
        taken = self.state.get("Name", name)
        need(taken is None or taken.account == request.account, "NameTaken")
        need(self.state.account(request.account).name is None, "AccountNamed")
        self._pay(request.account, self.genesis.deposits.name)
        self.state.write("Account", request.account).name = name
        self.state.put(SimpleNamespace(account=request.account), "Name", name)

    def _rotate(self, request, operation):
        need(operation.key != request.key, "KeyUnchanged")
        proof = SimpleNamespace(account=request.account, sequence=request.sequence)
        proved = message("pumasi/key-proof/1", self.network, proof)
        need(verify(operation.key, proved, operation.proof), "KeyUnproven")
        self.state.write("Account", request.account).key = operation.key

    def _register(self, request, operation):
        need(is_address(operation.address), "AddressInvalid")
        self.state.write("Account", request.account).door = operation

    # Artifacts.

    def _lift(self, request, operation):
        need(request.account == self.genesis.issuer, "NotIssuer")
        weight = self.state.get("Weight", operation.weight)
        need(weight is not None, "WeightUnknown")
        need(not weight.lifted, "WeightLifted")
        self.state.write("Weight", operation.weight).lifted = True

    def _publish(self, request, operation):
        free = operation.royalty == (0, 0)
        need(self._artifact(operation.manifest) is None, "ArtifactExists")
        need(is_label(operation.name) and is_label(operation.tag), "ArtifactNameInvalid")
        payees = [account for account, _ in operation.payees]
        need(len(payees) <= PAYEES_MAX and ascending(payees) and all(weight > 0 for _, weight in operation.payees)
             and (free or len(payees) > 0), "PayeesInvalid")
        need(max(operation.royalty) <= self.genesis.royalty_max, "RoyaltyTooHigh")
        need(ascending(operation.parents) and len(operation.parents) <= self.limits.parents, "ParentsInvalid")
        parents = [self._artifact(parent) for parent in operation.parents]
        need(None not in parents, "ParentUnknown")
        need(not any(parent.retired for parent in parents), "ParentRetired")
        need(ascending(operation.weights) and len(operation.weights) <= self.limits.weights, "WeightsInvalid")
        priced = set() if free else {operation.manifest}
        priced = priced.union(*(parent.priced for parent in parents))
        need(len(priced) <= self.limits.priced_works, "LineageTooWide")
        self._check_ancestors(request.account, operation)
        self._pay(request.account, self.genesis.deposits.artifact)
        self._write_artifact(request.account, operation, sorted(priced))

    def _artifact(self, artifact):
        return self.state.get("Artifact", artifact)

    def _check_ancestors(self, publisher, publish):
        owed = self._owed(publisher, publish.weights)
        if not owed:
            return
        oldest = min(self._artifact(artifact).ordinal for artifact in owed)
        walked, ahead = set(), list(publish.parents)
        while ahead:
            artifact = ahead.pop()
            if artifact not in walked and self._artifact(artifact).ordinal >= oldest:
                walked.add(artifact)
                ahead += self._artifact(artifact).publish.parents
        need(len(walked) <= self.limits.lineage_walk, "LineageTooWide")
        need(owed <= walked, "AncestorMissing")

    def _owed(self, publisher, weights):
        owed = set()
        for weight in filter(None, (self.state.get("Weight", weight) for weight in weights)):
            first = self._artifact(weight.first)
            if not weight.lifted:
                owed |= {weight.first} if first.publisher != publisher else set(first.publish.parents)
        return owed

    def _write_artifact(self, publisher, publish, priced):
        put, artifact = self.state.put, publish.manifest
        put(SimpleNamespace(publisher=publisher, publish=publish, time=self.totals.time, ordinal=self.totals.artifacts,
                            priced=priced, retired=False), "Artifact", artifact)
        self.totals.artifacts += 1
        for weight in publish.weights:
            if self.state.get("Weight", weight) is None:
                put(SimpleNamespace(first=artifact, lifted=False), "Weight", weight)
        if publish.royalty != (0, 0):
            put(SimpleNamespace(lifetime=0, paid=[0] * len(publish.payees)), "Pot", artifact)
        put(SimpleNamespace(artifact=artifact), "Tag", publisher, publish.name, publish.tag)

    def _published(self, request, artifact):
        record = self._artifact(artifact)
        need(record is not None, "ArtifactUnknown")
        need(record.publisher == request.account, "NotPublisher")
        return record

    def _tag(self, request, operation):
        need(is_label(operation.name) and is_label(operation.tag), "ArtifactNameInvalid")
        self._published(request, operation.artifact)
        tagged = SimpleNamespace(artifact=operation.artifact)
        self.state.put(tagged, "Tag", request.account, operation.name, operation.tag)

    def _retire(self, request, operation):
        need(not self._published(request, operation.artifact).retired, "ArtifactRetired")
        self.state.write("Artifact", operation.artifact).retired = True

    # Offers.

    def _offer(self, request, operation):
        artifact = self._artifact(operation.artifact)
        need(artifact is not None, "ArtifactUnknown")
        need(not artifact.retired, "ArtifactRetired")
        need(artifact.publish.kind in (MODEL, ADAPTER), "ArtifactNotRunnable")
        need(0 < operation.default_output <= operation.context and is_visible(operation.engine, 63)
             and is_visible(operation.quantization, 31), "OfferInvalid")
        self._pay(request.account, self.genesis.deposits.offer)
        record = SimpleNamespace(provider=request.account, offer=operation, withdrawn=False)
        self.state.put(record, "Offer", derive("pumasi/offer/1", request.account, request.sequence))

    def _withdraw(self, request, operation):
        offer = self.state.get("Offer", operation.offer)
        need(offer is not None, "OfferUnknown")
        need(offer.provider == request.account, "NotProvider")
        need(not offer.withdrawn, "OfferWithdrawn")
        self.state.write("Offer", operation.offer).withdrawn = True
        self._give_back(request.account, self.genesis.deposits.offer)

    # Channels.

    def _channel(self, channel_id):
        channel = self.state.get("Channel", channel_id)
        need(channel is not None, "ChannelUnknown")
        return channel

    def _open(self, request, operation):
        need(operation.deposit > 0, "AmountZero")
        self._pay(request.account, operation.deposit + self.genesis.deposits.channel)
        record = SimpleNamespace(
            payer=request.account, provider=operation.provider,
            provider_key=self.state.account(operation.provider).key, gateway_key=operation.gateway_key,
            deposit=operation.deposit, spent=0, number=0, usage=[], root=digest(), closing=None)
        self.state.put(record, "Channel", derive("pumasi/channel/1", request.account, request.sequence))

    def _topup(self, request, operation):
        need(operation.amount > 0, "AmountZero")
        channel = self._channel(operation.channel)
        need(channel.payer == request.account, "NotPayer")
        need(channel.closing is None, "ChannelClosing")
        self._pay(request.account, operation.amount)
        self.state.write("Channel", operation.channel).deposit += operation.amount

    def _settle(self, request, operation):
        signed, voucher = operation.voucher, operation.voucher.body
        channel = self._channel(voucher.channel)
        need(channel.provider == request.account, "NotProvider")
        need(verify_signed("pumasi/voucher/1", self.network, channel.gateway_key, signed), "VoucherWrongChannel")
        self._check_voucher(channel, voucher)
        fee, royalties = self._charge(channel, voucher)
        total = fee + sum(royalties.values())
        need(total <= channel.deposit - channel.spent, "DepositExceeded")
        need(len(royalties) <= self.limits.settlement_pots, "SettlementTooWide")
        self._pay_pot_fee(request.account, len(royalties))
        channel = self.state.write("Channel", voucher.channel)
        channel.spent += total
        channel.number, channel.usage, channel.root = voucher.number, voucher.usage, voucher.root
        self._credit(request.account, fee)
        for artifact, amount in royalties.items():
            self.state.write("Pot", artifact).lifetime += amount
        self.totals.deposits -= total
        self.totals.pots += total - fee
        self.settlements += 1
        self.settled += total

    def _check_voucher(self, channel, voucher):
        need(voucher.number > channel.number, "VoucherNotNewer")
        lines = dict(voucher.usage)
        need(ascending([offer for offer, _ in voucher.usage]) and len(lines) <= self.limits.voucher_offers
             and all(max(usage) <= LINE_TOKENS_MAX for usage in lines.values()), "VoucherLinesInvalid")
        for offer, (tokens_in, tokens_out) in channel.usage:
            now = lines.get(offer)
            need(now is not None and now[0] >= tokens_in and now[1] >= tokens_out, "VoucherFalls")
        for offer in lines:
            record = self.state.get("Offer", offer)
            need(record is not None and record.provider == channel.provider, "VoucherOfferForeign")

    def _charge(self, channel, voucher):
        """What a voucher pays beyond what was settled: to the provider, and to each pot that gets something."""
        before, fee, royalties = dict(channel.usage), 0, {}
        for offer, usage in voucher.usage:
            settled = before.get(offer, (0, 0))
            new = (usage[0] - settled[0], usage[1] - settled[1])
            for kind, payee, rates in self.price(offer):
                if kind == "provider":
                    fee += cost(rates, new)
                elif amount := cost(rates, new):
                    royalties[payee] = royalties.get(payee, 0) + amount
        return fee, royalties

    def _close(self, request, operation):
        channel = self._channel(operation.channel)
        need(channel.payer == request.account, "NotPayer")
        need(channel.closing is None, "ChannelClosing")
        closing = min(self.totals.time + self.genesis.dispute_window_ms, TIME_MAX)
        self.state.write("Channel", operation.channel).closing = closing

    def _release(self, request, operation):
        need(self._channel(operation.channel).provider == request.account, "NotProvider")
        self._end(operation.channel)

    def _finish(self, request, operation):
        channel = self._channel(operation.channel)
        need(channel.closing is not None and channel.closing <= self.totals.time, "ChannelOpen")
        self._end(operation.channel)

    def _end(self, channel_id):
        channel = self.state.get("Channel", channel_id)
        self.state.remove("Channel", channel_id)
        self._give_back(channel.payer, channel.deposit - channel.spent + self.genesis.deposits.channel)

    # Payouts.

    def _payout(self, request, operation):
        artifacts = operation.artifacts
        need(1 <= len(artifacts) <= self.limits.payout_pots and ascending(artifacts), "PayoutInvalid")
        need(all(self._artifact(artifact) for artifact in artifacts), "ArtifactUnknown")
        due = {artifact: self._due(artifact) for artifact in artifacts if self.state.get("Pot", artifact)}
        due = {artifact: shares for artifact, shares in due.items() if any(shares)}
        need(len(due) > 0, "NothingDue")
        self._pay_pot_fee(request.account, len(due))
        for artifact, shares in due.items():
            pot = self.state.write("Pot", artifact)
            pot.paid = [paid + share for paid, share in zip(pot.paid, shares)]
            for (payee, _), share in zip(self._artifact(artifact).publish.payees, shares):
                self._credit(payee, share)
            self.totals.pots -= sum(shares)
            self.paid_out += sum(shares)

    def _due(self, artifact):
        pot, payees = self.state.get("Pot", artifact), self._artifact(artifact).publish.payees
        total = sum(weight for _, weight in payees)
        return [pot.lifetime * weight // total - paid for (_, weight), paid in zip(payees, pot.paid)]
