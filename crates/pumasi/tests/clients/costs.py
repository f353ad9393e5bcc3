"""What answers say that they cost, against what the ledger took for them.

The program of a client calls `watch()`. Run by itself, after everything was settled: ADDRESS OWNER_TOKEN FILE
"""
import json
import os
import re
import sys
import urllib.request
from decimal import Decimal

COST = re.compile(rb'"cost":([-+.0-9eE]+)')


def watch():
    """Writes every cost that this process sees to the file named by COSTS, a line each. The packages all read by one of two."""
    for name in ("httpx", "httpx2"):
        if name in sys.modules:
            watch_responses(sys.modules[name].Response)


def watch_responses(response):
    read = response.iter_raw

    def iter_raw(self, *arguments, **named):
        body = b""
        try:
            for piece in read(self, *arguments, **named):
                body += piece
                yield piece
        finally:
            # What is only read again costs nothing again.
            if self.request.method == "POST":
                with open(os.environ["COSTS"], "a") as file:
                    file.writelines(cost.decode() + "\n" for cost in COST.findall(body))

    response.iter_raw = iter_raw


def compare(address, token, file):
    def get(path):
        request = urllib.request.Request(address + path, headers={"Authorization": f"Bearer {token}"})
        return json.load(urllib.request.urlopen(request))

    costs = [Decimal(line) for line in open(file)]
    assert len(costs) > 2, "hardly anything was seen"
    seen = sum(costs) * 10**12
    taken = sum(int(get("/ledger/channels/" + channel["id"])["spent"]) for channel in get("/channels")["data"])
    assert seen == taken, f"clients saw {seen} pico-credits in {len(costs)} answers, and the ledger took {taken}"


if __name__ == "__main__":
    compare(*sys.argv[1:])
