"""The two trees of docs/ledger.md: RFC 6962 over a list, and the state's over its records."""

from hashlib import sha256

NOTHING = bytes(32)


def digest(*parts):
    return sha256(b"".join(parts)).digest()


def leaf_hash(data):
    return digest(b"\0", data)


def node_hash(left, right):
    return digest(b"\1", left, right)


class ListTree:
    """The RFC 6962 tree over a list that grows, kept as the roots of its full subtrees, largest first."""

    def __init__(self):
        self.size, self.peaks = 0, []

    def push(self, data):
        node, size = leaf_hash(data), self.size
        while size & 1:
            node, size = node_hash(self.peaks.pop(), node), size >> 1
        self.peaks.append(node)
        self.size += 1

    def root(self):
        if not self.peaks:
            return digest()
        *lefts, node = self.peaks
        for left in reversed(lefts):
            node = node_hash(left, node)
        return node


def follow(data, index, size, path):
    """The root that a leaf and its path lead to (RFC 9162, 2.1.3.2), or None if the path has another length."""
    if index >= size:
        return None
    node, last = leaf_hash(data), size - 1
    for sibling in path:
        if last == 0:
            return None
        if index & 1 or index == last:
            node = node_hash(sibling, node)
            while index and not index & 1:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    return node if last == 0 else None


def bit(path, depth):
    return path[depth // 8] >> (7 - depth % 8) & 1


class Leaf:
    def __init__(self, path, record):
        self.path, self.hash = path, digest(b"\0", path, record)


class Branch:
    def __init__(self):
        self.children, self.cached = [None, None], None

    @property
    def hash(self):
        if self.cached is None:
            self.cached = node_hash(*(child.hash if child else NOTHING for child in self.children))
        return self.cached


class StateTree:
    """The tree over the records. A change costs one walk, so that a root after each small group stays cheap."""

    def __init__(self):
        self.top = None

    def root(self):
        return self.top.hash if self.top else NOTHING

    def put(self, key, record):
        leaf = Leaf(digest(key), digest(record))
        self.top = self._put(self.top, 0, leaf)

    def remove(self, key):
        self.top = self._remove(self.top, 0, digest(key))

    def _put(self, node, depth, leaf):
        if node is None or isinstance(node, Leaf) and node.path == leaf.path:
            return leaf
        if isinstance(node, Leaf):
            branch = Branch()
            branch.children[bit(node.path, depth)] = node
            node = branch
        side = bit(leaf.path, depth)
        node.children[side], node.cached = self._put(node.children[side], depth + 1, leaf), None
        return node

    def _remove(self, node, depth, path):
        if node is None or isinstance(node, Leaf):
            return None if node is None or node.path == path else node
        side = bit(path, depth)
        node.children[side], node.cached = self._remove(node.children[side], depth + 1, path), None
        left = [child for child in node.children if child]
        # A part of one record is that record's leaf at once, however deep it lies.
        if all(isinstance(child, Leaf) for child in left) and len(left) < 2:
            return left[0] if left else None
        return node
