"""Where a log comes from: a replica's folder (docs/journal.md) or an address (C2SP tlog-tiles)."""

import base64
import urllib.error
import urllib.request
from pathlib import Path

from findings import Unreadable, Wrong
from signatures import verify
from trees import digest

MAGIC = b"pumasi journal\n\0" + (1).to_bytes(4, "little")
HEADER_BYTES, FRAME_BYTES = 56, 8
BEGINS_GROUP, ENTRY_BYTES_MAX = 1 << 31, 65_535
ROOT_ENTRY = 2
BUNDLE = 256


def crc_table():
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0x82F63B78 * (byte & 1)
        yield byte


CRC_TABLE = list(crc_table())


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = CRC_TABLE[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF


def record(entry, begins_group):
    """An entry as it lies in a journal."""
    length = (len(entry) | BEGINS_GROUP * begins_group).to_bytes(4, "little")
    return length + crc32c(length + entry).to_bytes(4, "little") + entry


def take_record(data, at):
    """Whether the record at a place begins a group, its entry, and where it ends; or what is wrong with it."""
    if len(data) - at < FRAME_BYTES:
        return "the file ends within a record"
    length = int.from_bytes(data[at:at + 4], "little")
    begins, length = length >= BEGINS_GROUP, length % BEGINS_GROUP
    if not 1 <= length <= ENTRY_BYTES_MAX:
        return "a record has an impossible length"
    end = at + FRAME_BYTES + length
    if end > len(data):
        return "the file ends within a record"
    entry = data[at + FRAME_BYTES:end]
    if record(entry, begins) != data[at:end]:
        return "the checksum of a record is wrong"
    return begins, entry, end


class Folder:
    """A replica's folder. It may be running: the head is read first, and the journal as far as it goes then."""

    def __init__(self, path):
        self.path = Path(path)
        self.unfinished_bytes = 0
        try:
            head = self.path / "checkpoint"
            self.checkpoint = head.read_text() if head.exists() else None
            self.acknowledged = self._mark()
            self.data = (self.path / "journal").read_bytes()
        except OSError as error:
            raise Unreadable(f"the log cannot be read: {error}") from error
        header = self.data[:HEADER_BYTES]
        if header[:20] != MAGIC or crc32c(header[:52]).to_bytes(4, "little") != header[52:]:
            raise Unreadable(f"the log cannot be read: {self.path / 'journal'} is not a journal")
        self.network = header[20:52]

    def _mark(self):
        path = self.path / "acknowledged"
        mark = path.read_bytes() if path.exists() else b""
        good = len(mark) == 12 and crc32c(mark[:8]).to_bytes(4, "little") == mark[8:]
        return int.from_bytes(mark[:8], "little") if good else 0

    def entries(self):
        """Number, place and bytes of each entry in a whole group."""
        at, number, end, group, wrong = HEADER_BYTES, 0, HEADER_BYTES, [], None
        while at < len(self.data):
            taken = take_record(self.data, at)
            if isinstance(taken, str):
                wrong = taken
                break
            begins, entry, after = taken
            if begins != (not group):
                wrong = "a record is not where it was written"
                break
            group.append((number, at, entry))
            at, number = after, number + 1
            if entry[0] == ROOT_ENTRY:
                yield from group
                group, end = [], at
        if end < self.acknowledged or wrong and self._group_behind(at + 1):
            raise Wrong(number, at, wrong or "the file ends before what was acknowledged")
        self.unfinished_bytes = len(self.data) - end

    def _group_behind(self, at):
        """True if a whole record that begins a group lies behind a place: then what lies there had been synced."""
        candidates = (place for place in range(at, len(self.data) - FRAME_BYTES) if self.data[place + 3] == 0x80)
        return any(not isinstance(taken := take_record(self.data, place), str) and taken[0] for place in candidates)


class Url:
    """A log at an address. Only `/log` is asked."""

    network, unfinished_bytes = None, 0

    def __init__(self, base):
        self.base = base.rstrip("/") + "/log"
        self.checkpoint = self._fetch("checkpoint").decode(errors="replace")
        self.size = unchecked_head(self.checkpoint)[0]

    def _fetch(self, path):
        try:
            with urllib.request.urlopen(f"{self.base}/{path}", timeout=30) as answer:
                return answer.read()
        except OSError as error:
            raise Unreadable(f"the log cannot be read: {self.base}/{path}: {error}") from error

    def entries(self):
        for first in range(0, self.size, BUNDLE):
            bundle = self._bundle(first // BUNDLE, min(BUNDLE, self.size - first))
            yield from ((first + i, None, entry) for i, entry in enumerate(bundle))

    def _bundle(self, index, width):
        path = f"tile/entries/{tile_number(index)}"
        try:
            data = self._fetch(path if width == BUNDLE else f"{path}.p/{width}")
        except Unreadable as error:
            # Once a bundle is full a log may forget the partial ones; the full one begins with the same entries.
            if width == BUNDLE or not isinstance(error.__cause__, urllib.error.HTTPError):
                raise
            data = self._fetch(path)
        entries, at = [], 0
        while at < len(data):
            length = int.from_bytes(data[at:at + 2], "big")
            entries.append(data[at + 2:at + 2 + length])
            at += 2 + length
        if at != len(data) or len(entries) < width:
            raise Unreadable(f"the log cannot be read: {path} does not hold {width} entries")
        return entries[:width]


def tile_number(index):
    """Groups of three digits, all but the last behind an x: 1234067 is x001/x234/067."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    *groups, last = (digits[at:at + 3] for at in range(0, len(digits), 3))
    return "/".join([f"x{group}" for group in groups] + [last])


def source(named):
    if named.startswith(("http://", "https://")):
        return Url(named)
    inner = Path(named) / "ledger"
    return Folder(inner if inner.is_dir() else named)


# Tree heads: signed notes (C2SP tlog-checkpoint).


def from_base64(text):
    """Bytes from their one text; a ValueError for any other."""
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError(f"{text} is not base64")
    return data


def unchecked_head(note):
    """Size and root of a tree head whose signature is checked once the network's keys are known."""
    try:
        _, size, root = note.split("\n")[:3]
        root = from_base64(root)
        if len(root) == 32 and size.isascii() and size.isdecimal():
            return int(size), root
    except ValueError:
        pass
    raise Unreadable("the log cannot be read: its checkpoint is not a tree head")


def key_id(name, key):
    return digest(name.encode(), b"\n\1", key)[:4]


def checkpoint_body(origin, size, root):
    return f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"


def signed_head(note, genesis):
    """Size and root of a tree head that a replica of the network signed, or None."""
    body, _, signatures = note.partition("\n\n")
    body += "\n"
    if body.split("\n")[0] != genesis.origin:
        return None
    for line in signatures.split("\n"):
        dash, _, rest = line.partition(" ")
        name, _, encoded = rest.partition(" ")
        try:
            signature = from_base64(encoded)
        except ValueError:
            continue
        if dash != "\u2014" or name != genesis.origin or len(signature) != 68:
            continue
        for key in genesis.replicas:
            if signature[:4] == key_id(name, key) and verify(key, body.encode(), signature[4:]):
                return unchecked_head(body)
    return None
