"""The refusals of docs/ledger.md: number, name and sentence."""

REFUSALS = {
    "GenesisInvalid": (1, "The genesis document cannot found a network."),
    "Malformed": (2, "The bytes are not the canonical encoding of an operation."),
    "TooLarge": (3, "The operation is longer than 16 KiB."),
    "WrongNetwork": (4, "The operation is meant for another network."),
    "BadSignature": (5, "The signature is not that of the key."),
    "TimeReversed": (6, "Time cannot go back."),
    "Expired": (7, "The operation's time is over."),
    "KeyNotCurrent": (8, "The key is not the account's current key."),
    "SequencePast": (9, "The account's operation with this sequence was already made."),
    "SequenceFuture": (10, "An earlier operation of the account is missing."),
    "FeeUnpaid": (11, "The account cannot pay the operation's fee."),
    "NotIssuer": (20, "Only the issuer may do this."),
    "AmountZero": (21, "The amount must be more than nothing."),
    "SupplyExceeded": (22, "The supply would exceed 2^96 pico-credits."),
    "SelfTransfer": (23, "Sender and receiver are the same account."),
    "PayoutInvalid": (24, "A payout names 1 to 64 distinct artifacts in ascending order."),
    "NameInvalid": (30, "A name is 2 to 39 of a-z, 0-9 and single inner hyphens."),
    "NameReserved": (31, "This name is reserved."),
    "NameTaken": (32, "This name belongs to another account."),
    "AccountNamed": (33, "The account has a name already, and names are for good."),
    "KeyUnchanged": (34, "The new key is the current key."),
    "KeyUnproven": (35, "The new key did not sign its proof."),
    "AddressInvalid": (36, "An address is http:// or https://, a host and a "
                           "port, in at most 255 visible ASCII characters."),
    "ArtifactExists": (40, "An artifact with this manifest is published already."),
    "ArtifactNameInvalid": (41, "An artifact's name or tag is 1 to 64 of a-z, 0-9, '.', "
                                "'_' and '-', and begins with a letter or digit."),
    "PayeesInvalid": (42, "Payees are 1 to 16 accounts in ascending order, each with "
                          "a weight; none are needed where the royalty is zero."),
    "RoyaltyTooHigh": (43, "The royalty exceeds the network's limit."),
    "ParentsInvalid": (44, "Parents must be distinct, in ascending order, and not too many."),
    "ParentUnknown": (45, "A parent is not published."),
    "ParentRetired": (46, "A parent was retired by its publisher."),
    "WeightsInvalid": (47, "Weight files must be distinct, in ascending order, and not too many."),
    "LineageTooWide": (48, "The lineage holds too many works."),
    "AncestorMissing": (49, "A weight file was published before, and that artifact (or, if it "
                            "is your own, one of its parents) is not among the ancestors."),
    "ArtifactUnknown": (50, "There is no such artifact."),
    "NotPublisher": (51, "Only its publisher may do this."),
    "ArtifactRetired": (52, "The artifact was retired by its publisher."),
    "WeightUnknown": (53, "No artifact has this weight file."),
    "WeightLifted": (54, "The weight file is free already."),
    "ArtifactNotRunnable": (60, "Only models and adapters can be offered."),
    "OfferInvalid": (61, "An offer needs a context, a default output within it, "
                         "and short visible names of engine and quantization."),
    "OfferUnknown": (62, "There is no such offer."),
    "NotProvider": (63, "Only its provider may do this."),
    "OfferWithdrawn": (64, "The offer was withdrawn already."),
    "ChannelUnknown": (70, "There is no such channel."),
    "NotPayer": (71, "Only the channel's payer may do this."),
    "ChannelClosing": (72, "The channel is closing."),
    "ChannelOpen": (73, "The channel is not closing, or its dispute window is not over."),
    "VoucherWrongChannel": (74, "The voucher is not signed by the channel's gateway key."),
    "VoucherNotNewer": (75, "The voucher's number does not rise."),
    "VoucherLinesInvalid": (76, "A voucher's lines must be distinct offers in ascending "
                                "order, not too many, each within 2^48 tokens."),
    "VoucherFalls": (77, "A line of the voucher is missing or falls."),
    "VoucherOfferForeign": (78, "A line of the voucher is for an offer that is not this provider's."),
    "DepositExceeded": (79, "The voucher is worth more than the channel's deposit."),
    "SettlementTooWide": (80, "The settlement touches too many pots."),
    "NothingDue": (90, "Nothing is due from these pots."),
    "BalanceTooLow": (91, "The account has not enough credits."),
}

# Refusals below this number are given at the door and never stand in a log.
BEHIND_THE_DOOR = 20


class Refused(Exception):
    """An operation is refused, for a reason by name."""

    def __init__(self, name):
        self.number, self.sentence = REFUSALS[name]
        self.name = name
        super().__init__(f"{name}: {self.sentence}")


def need(holds, name):
    if not holds:
        raise Refused(name)
