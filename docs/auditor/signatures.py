"""Signatures: Ed25519 by the rule of ZIP 215, as docs/ledger.md asks for it. What the `cryptography` package accepts is good; what it
refuses is looked at here once more, because it asks for the equation without the cofactor."""

import hashlib

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
D = -121665 * pow(121666, P - 2, P) % P
# The y-coordinates of the eight points of small order: of order 1, 2, 4, and two of order 8 with either sign of x.
ORDER_8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
SMALL_ORDER = {1, P - 1, 0, ORDER_8, P - ORDER_8}
# Points are X, Y, Z, T of RFC 8032, 5.1.4.
NEUTRAL = (0, 1, 1, 0)


def y_of(point):
    return int.from_bytes(point, "little") & (2**255 - 1)


def decode(point):
    """The point, or None. A y-coordinate that is not below P stands for the reduced one, and x = 0 may have either sign."""
    y = y_of(point) % P
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * v**3 * pow(u * v**7, (P - 5) // 8, P) % P
    if (v * x * x + u) % P == 0:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (v * x * x - u) % P:
        return None
    if x & 1 != point[31] >> 7:
        x = -x % P
    return x, y, 1, x * y % P


def add(one, other):
    (x1, y1, z1, t1), (x2, y2, z2, t2) = one, other
    a, b = (y1 - x1) * (y2 - x2) % P, (y1 + x1) * (y2 + x2) % P
    c, d = 2 * t1 * t2 * D % P, 2 * z1 * z2 % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def multiply(times, point):
    found = NEUTRAL
    for bit in bin(times)[2:]:
        found = add(found, found)
        if bit == "1":
            found = add(found, point)
    return found


BASE = decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def verify(key, message, signature):
    """True if the signature is good: S below L, A and R points, [8][S]B = [8]R + [8][k]A; A canonical and not of small order."""
    s = int.from_bytes(signature[32:], "little")
    if s >= L or y_of(key) >= P or y_of(key) in SMALL_ORDER:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        a, r = decode(key), decode(signature[:32])
    if a is None or r is None:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    x, y, z, _ = multiply(8, add(multiply(s, BASE), multiply(L - 1, add(r, multiply(k, a)))))
    return x == 0 and y == z


def message(purpose, network, body):
    return TEXT.encode(purpose) + network + PURPOSES[purpose].encode(body)


def verify_signed(purpose, network, key, signed):
    return verify(key, message(purpose, network, signed.body), signed.signature)
