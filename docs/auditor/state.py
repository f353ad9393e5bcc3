"""The state: records under keys, their tree, and the sums of money that must agree after every operation."""

from types import SimpleNamespace

from encoding import RECORD, RECORD_KEY
from trees import StateTree


class State:
    def __init__(self, genesis):
        self.deposits, self.tree = genesis.deposits, StateTree()
        self.records, self.counted = {}, {}
        # Keys whose money was not counted again, and keys whose record in the tree is old.
        self.uncounted, self.stale = set(), set()
        self.sums = {"balances": 0, "deposits": 0, "pots": 0}
        self.put(SimpleNamespace(time=genesis.founded, operations=0, issued=0, redeemed=0, deposits=0, pots=0,
                                 artifacts=0), "Totals")

    def get(self, *key):
        return self.records.get(key)

    def account(self, account):
        """An account without a record reads as one that was never used."""
        found = self.get("Account", account)
        return found or SimpleNamespace(key=account, sequence=0, balance=0, name=None, door=None)

    def write(self, *key):
        """The record to be changed; a new one of an account that has none."""
        if key[0] == "Account" and key not in self.records:
            self.records[key] = self.account(key[1])
        self._changed(key)
        return self.records[key]

    def put(self, record, *key):
        self.records[key] = record
        self._changed(key)

    def remove(self, *key):
        del self.records[key]
        self._changed(key)

    def _changed(self, key):
        self.uncounted.add(key)
        self.stale.add(key)

    def root(self):
        for kind, *key in self.stale:
            encoded, record = RECORD_KEY.encode((kind, key)), self.get(kind, *key)
            if record is None:
                self.tree.remove(encoded)
            else:
                self.tree.put(encoded, RECORD.encode((kind, record)))
        self.stale.clear()
        return self.tree.root()

    def money_is_wrong(self):
        """What is wrong with the sums of money, or None. Only what changed is counted again."""
        for key in self.uncounted:
            where, before = self.counted.pop(key, ("balances", 0))
            self.sums[where] -= before
            if where_and_amount := self._money(key):
                where, amount = self.counted[key] = where_and_amount
                self.sums[where] += amount
        self.uncounted.clear()
        totals, sums = self.get("Totals"), self.sums
        supply, held = totals.issued - totals.redeemed, sum(sums.values())
        if supply != held:
            return f"{supply} pico-credits are in the world, and balances, deposits and pots hold {held}"
        for name in ("deposits", "pots"):
            if getattr(totals, name) != sums[name]:
                return f"the {name} hold {sums[name]} pico-credits, and the totals say {getattr(totals, name)}"
        return None

    def _money(self, key):
        """Where the money that a record stands for is, and how much."""
        kind, record, deposits = key[0], self.records.get(key), self.deposits
        if record is None:
            return None
        if kind == "Account":
            return "balances", record.balance
        if kind == "Pot":
            return "pots", record.lifetime - sum(record.paid)
        if kind == "Channel":
            return "deposits", record.deposit - record.spent + deposits.channel
        if kind == "Offer":
            return "deposits", 0 if record.withdrawn else deposits.offer
        if kind in ("Name", "Artifact"):
            return "deposits", deposits.name if kind == "Name" else deposits.artifact
        return None
