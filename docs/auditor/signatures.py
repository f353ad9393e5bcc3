"""Signatures: strict Ed25519, as docs/ledger.md asks for it, around the equation of the `cryptography` package."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from encoding import KEY_PROOF, ORDER, RECEIPT, REQUEST, TEXT, VOUCHER

PURPOSES = {
    "pumasi/operation/1": REQUEST,
    "pumasi/key-proof/1": KEY_PROOF,
    "pumasi/order/1": ORDER,
    "pumasi/receipt/1": RECEIPT,
    "pumasi/voucher/1": VOUCHER,
}
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
# The y-coordinates of the eight points of small order: of order 1, 2, 4, and two of order 8 with either sign of x.
ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER = {1, P - 1, 0, ORDER_8, P - ORDER_8}


def y_of(point):
    return int.from_bytes(point, "little") & (2**255 - 1)


def verify(key, message, signature):
    """True if the signature is good by the strict rule, which leaves no choice to a library or its version."""
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= L or y_of(key) >= P or y_of(key) in SMALL_ORDER:
        return False
    # An R that is not canonical, or no point, cannot be the encoding that the equation gives.
    if y_of(r) >= P or y_of(r) in SMALL_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def message(purpose, network, body):
    return TEXT.encode(purpose) + network + PURPOSES[purpose].encode(body)


def verify_signed(purpose, network, key, signed):
    return verify(key, message(purpose, network, signed.body), signed.signature)
