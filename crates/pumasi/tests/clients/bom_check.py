"""Finds bills of materials valid, and what is broken in each of them invalid. Usage: FILE..."""
import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

validator = JsonStrictValidator(SchemaVersion.V1_6)
longest = 0
for path in sys.argv[1:]:
    text = open(path, encoding="utf-8").read()
    wrong = validator.validate_str(text)
    assert wrong is None, (path, wrong)

    def broken(change):
        bom = json.loads(text)
        change(bom)
        return validator.validate_str(json.dumps(bom)) is not None

    assert broken(lambda bom: bom["metadata"]["component"].update(type="model")), path
    assert broken(lambda bom: bom["metadata"]["component"]["hashes"][0].update(content="00")), path
    assert broken(lambda bom: bom.update(author="kim")), path

    # What the schema cannot say: each reference leads to one component, and everything hangs together.
    bom = json.loads(text)
    refs = [component["bom-ref"] for component in [bom["metadata"]["component"], *bom["components"]]]
    edges = {one["ref"]: one.get("dependsOn", []) for one in bom["dependencies"]}
    assert len(refs) == len(set(refs)) and set(edges) == set(refs), path
    reached, waiting = set(), [refs[0]]
    while waiting:
        ref = waiting.pop()
        if ref not in reached:
            reached.add(ref)
            waiting += edges[ref]
    assert reached == set(refs), path
    longest = max(longest, len(refs))
assert len(sys.argv) > 3 and longest > 2, "no work here is built on others"
