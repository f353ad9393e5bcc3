"""What an audit finds wrong."""


class Finding(Exception):
    entry = offset = None
    read = True


class Wrong(Finding):
    """The first wrong entry, and where its record begins if the log is a file."""

    def __init__(self, entry, offset, what):
        self.entry, self.offset = entry, offset
        place = "" if offset is None else f" (byte {offset} of the journal)"
        super().__init__(f"entry {entry} is wrong{place}: {what}")


class History(Finding):
    """Each entry may be right, and the log as a whole is not what was signed or remembered."""


class Unreadable(Finding):
    """Nothing is known about the log."""

    read = False
