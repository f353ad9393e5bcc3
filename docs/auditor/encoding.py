"""The encoding of docs/ledger.md: every value has exactly one byte string, and every structure is listed here once."""

from types import SimpleNamespace


class Malformed(Exception):
    """The bytes are not the encoding of a value."""


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        end = self.at + count
        if end > len(self.data):
            raise Malformed("the bytes end within a value")
        self.at, taken = end, self.data[self.at:end]
        return taken


class Codec:
    def decode(self, data):
        """The value that these bytes are, all of them."""
        reader = Reader(data)
        value = self.read(reader)
        if reader.at != len(data):
            raise Malformed("bytes follow the value")
        return value


class Int(Codec):
    def __init__(self, size):
        self.size = size

    def encode(self, value):
        return value.to_bytes(self.size, "little")

    def read(self, reader):
        return int.from_bytes(reader.take(self.size), "little")


class Number(Codec):
    """A byte that is below a bound."""

    def __init__(self, bound):
        self.bound = bound

    def encode(self, value):
        return bytes([value])

    def read(self, reader):
        value = reader.take(1)[0]
        if value >= self.bound:
            raise Malformed(f"{value} is not a number below {self.bound}")
        return value


class Bool(Number):
    def __init__(self):
        super().__init__(2)

    def read(self, reader):
        return bool(super().read(reader))


class Fixed(Codec):
    def __init__(self, size):
        self.size = size

    def encode(self, value):
        assert len(value) == self.size
        return value

    def read(self, reader):
        return reader.take(self.size)


class Text(Codec):
    def encode(self, value):
        data = value.encode()
        return U32.encode(len(data)) + data

    def read(self, reader):
        try:
            return reader.take(U32.read(reader)).decode()
        except UnicodeDecodeError as error:
            raise Malformed("a text is not UTF-8") from error


class List(Codec):
    def __init__(self, item):
        self.item = item

    def encode(self, value):
        return U32.encode(len(value)) + b"".join(map(self.item.encode, value))

    def read(self, reader):
        return [self.item.read(reader) for _ in range(U32.read(reader))]


class Option(Codec):
    def __init__(self, item):
        self.item = item

    def encode(self, value):
        return b"\0" if value is None else b"\1" + self.item.encode(value)

    def read(self, reader):
        return self.item.read(reader) if BOOL.read(reader) else None


class Tuple(Codec):
    def __init__(self, *items):
        self.items = items

    def encode(self, value):
        return b"".join(item.encode(one) for item, one in zip(self.items, value, strict=True))

    def read(self, reader):
        return tuple(item.read(reader) for item in self.items)


class Struct(Codec):
    """Its values have the fields as attributes."""

    def __init__(self, **fields):
        self.fields = fields

    def encode(self, value):
        return b"".join(codec.encode(getattr(value, name)) for name, codec in self.fields.items())

    def read(self, reader):
        return SimpleNamespace(**{name: codec.read(reader) for name, codec in self.fields.items()})


class Choice(Codec):
    """Its values are pairs: the name of the case, and what it holds. Cases are numbered in the order given."""

    def __init__(self, **cases):
        self.cases, self.names = cases, list(cases)

    def encode(self, value):
        name, body = value
        return bytes([self.names.index(name)]) + self.cases[name].encode(body)

    def read(self, reader):
        number = reader.take(1)[0]
        if number >= len(self.names):
            raise Malformed(f"there is no case {number}")
        name = self.names[number]
        return name, self.cases[name].read(reader)


U8, U16, U32, U64, U128 = (Int(size) for size in (1, 2, 4, 8, 16))
BOOL, TEXT = Bool(), Text()
DIGEST = ACCOUNT = KEY = CHANNEL_ID = OFFER_ID = ARTIFACT_ID = Fixed(32)
SIGNATURE, ORDER_ID = Fixed(64), Fixed(16)
AMOUNT, TIME = U128, U64
RATES = USAGE = Tuple(U64, U64)
LINES = List(Tuple(OFFER_ID, USAGE))


def signed(body):
    return Struct(body=body, signature=SIGNATURE)


GENESIS = Struct(
    origin=TEXT,
    founded=TIME,
    issuer=ACCOUNT,
    replicas=List(KEY),
    beneficiary=ACCOUNT,
    fees=Struct(operation=AMOUNT, byte=AMOUNT, pot=AMOUNT),
    deposits=Struct(name=AMOUNT, artifact=AMOUNT, offer=AMOUNT, channel=AMOUNT),
    royalty_max=U64,
    dispute_window_ms=U64,
    limits=Struct(parents=U32, weights=U32, priced_works=U32, lineage_walk=U32, voucher_offers=U32,
                  settlement_pots=U32, payout_pots=U32),
)
PUBLISH = Struct(manifest=ARTIFACT_ID, kind=Number(5), parents=List(ARTIFACT_ID), royalty=RATES,
                 payees=List(Tuple(ACCOUNT, U32)), weights=List(DIGEST), name=TEXT, tag=TEXT)
OFFER = Struct(artifact=ARTIFACT_ID, fee=RATES, engine=TEXT, quantization=TEXT, context=U32, default_output=U32,
               bound=Tuple(U16, U16, U16))
DOOR = Struct(address=TEXT, tls_key=Option(DIGEST))
VOUCHER = Struct(channel=CHANNEL_ID, number=U64, usage=LINES, root=DIGEST)
ORDER = Struct(channel=CHANNEL_ID, id=ORDER_ID, offer=OFFER_ID, request=DIGEST, limit=USAGE, expires=TIME)
RECEIPT = Struct(order=signed(ORDER), number=U64, answer=DIGEST, usage=USAGE, finish=Number(4), time=TIME,
                 head=Tuple(U64, DIGEST))
OPERATION = Choice(
    Issue=Struct(to=ACCOUNT, amount=AMOUNT, reference=DIGEST),
    Redeem=Struct(amount=AMOUNT, reference=DIGEST),
    Lift=Struct(weight=DIGEST),
    Transfer=Struct(to=ACCOUNT, amount=AMOUNT, reference=DIGEST),
    Name=Struct(name=TEXT),
    Rotate=Struct(key=KEY, proof=SIGNATURE),
    Publish=PUBLISH,
    Tag=Struct(name=TEXT, tag=TEXT, artifact=ARTIFACT_ID),
    Retire=Struct(artifact=ARTIFACT_ID),
    Register=DOOR,
    Offer=OFFER,
    Withdraw=Struct(offer=OFFER_ID),
    Open=Struct(provider=ACCOUNT, gateway_key=KEY, deposit=AMOUNT),
    TopUp=Struct(channel=CHANNEL_ID, amount=AMOUNT),
    Settle=Struct(voucher=signed(VOUCHER)),
    Close=Struct(channel=CHANNEL_ID),
    Release=Struct(channel=CHANNEL_ID),
    Finish=Struct(channel=CHANNEL_ID),
    Payout=Struct(artifacts=List(ARTIFACT_ID)),
)
REQUEST = Struct(network=DIGEST, account=ACCOUNT, key=KEY, sequence=U64, not_after=TIME, operation=OPERATION)
SIGNED_REQUEST, SIGNED_VOUCHER = signed(REQUEST), signed(VOUCHER)
SIGNED_ORDER, SIGNED_RECEIPT = signed(ORDER), signed(RECEIPT)
KEY_PROOF = Struct(account=ACCOUNT, sequence=U64)
ENTRY = Choice(
    Genesis=GENESIS,
    Operation=Struct(at=TIME, signed=SIGNED_REQUEST, result=U16),
    Root=Struct(root=DIGEST),
)

# The state: what names a record, and what it holds.
RECORD_KEY = Choice(Totals=Tuple(), Account=Tuple(ACCOUNT), Name=Tuple(TEXT), Artifact=Tuple(ARTIFACT_ID),
                    Tag=Tuple(ACCOUNT, TEXT, TEXT), Weight=Tuple(DIGEST), Pot=Tuple(ARTIFACT_ID),
                    Offer=Tuple(OFFER_ID), Channel=Tuple(CHANNEL_ID))
RECORD = Choice(
    Totals=Struct(time=TIME, operations=U64, issued=AMOUNT, redeemed=AMOUNT, deposits=AMOUNT, pots=AMOUNT,
                  artifacts=U64),
    Account=Struct(key=KEY, sequence=U64, balance=AMOUNT, name=Option(TEXT), door=Option(DOOR)),
    Name=Struct(account=ACCOUNT),
    Artifact=Struct(publisher=ACCOUNT, publish=PUBLISH, time=TIME, ordinal=U64, priced=List(ARTIFACT_ID), retired=BOOL),
    Tag=Struct(artifact=ARTIFACT_ID),
    Weight=Struct(first=ARTIFACT_ID, lifted=BOOL),
    Pot=Struct(lifetime=AMOUNT, paid=List(AMOUNT)),
    Offer=Struct(provider=ACCOUNT, offer=OFFER, withdrawn=BOOL),
    Channel=Struct(payer=ACCOUNT, provider=ACCOUNT, provider_key=KEY, gateway_key=KEY, deposit=AMOUNT, spent=AMOUNT,
                   number=U64, usage=LINES, root=DIGEST, closing=Option(TIME)),
)
