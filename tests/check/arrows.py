#!/usr/bin/env python3
"""Checks who may include whom (docs/architecture.md, "The house") from the #include lines of the tree.

Exit 0 when every arrow points the allowed way, 1 with one line per offence otherwise.
`--self-test` plants an offence of every kind in a temporary tree and requires each to be reported.
"""
import pathlib
import re
import sys
import tempfile

ROOMS = ["node", "consensus", "replay", "transfer", "rotation", "vip", "api", "peer", "standby"]
SUBPROJECTS = ["raft", "wal", "pmap"]
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
CAF_OR_ASIO = re.compile(r"^(caf/|boost/asio|boost/beast)")


def owner(path):
    """The part of the house a path belongs to, e.g. actors/vip, net, subprojects/raft."""
    parts = path.split("/")
    if parts[0] in ("actors", "subprojects", "tools"):
        return "/".join(parts[:2])
    return parts[0]


def target(name, root):
    """The part of the house an include names, or None for a system or library header."""
    first = name.split("/")[0]
    if first in SUBPROJECTS and "/" in name:
        return "subprojects/" + first
    if first in ("messages", "runtime", "net", "actors", "tools", "tests") and "/" in name:
        return owner(name)
    return None


def allowed(source, dest):
    if source == dest or source == "tests":
        return True
    if source.startswith("subprojects/"):
        return False
    if source == "messages":
        return dest.startswith("subprojects/")
    if source == "runtime":
        return dest == "messages" or dest.startswith("subprojects/")
    if source == "net":
        return dest == "messages" or dest.startswith("subprojects/")
    if source.startswith("actors/"):
        return dest in ("messages", "runtime", "net") or dest.startswith("subprojects/")
    if source.startswith("tools/"):
        return not dest.startswith("tests")
    return False


def offences(root):
    found = []
    for path in sorted(root.rglob("*")):
        rel = path.relative_to(root).as_posix()
        if path.suffix not in (".hpp", ".cpp") or rel.startswith("build") or "/build" in rel:
            continue
        source = owner(rel)
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            quote, name = match.groups()
            if source.startswith("subprojects/") and CAF_OR_ASIO.match(name):
                found.append(f"{rel}:{number}: a subproject includes {name}")
            dest = target(name, root)
            if dest and not allowed(source, dest):
                found.append(f"{rel}:{number}: {source} may not include {dest} ({name})")
    return found


def self_test():
    cases = {
        "subprojects/raft/src/a.cpp": '#include "messages/x.hpp"',
        "subprojects/wal/src/a.cpp": "#include <caf/all.hpp>",
        "messages/a.hpp": '#include "net/x.hpp"',
        "net/a.hpp": '#include "actors/api/x.hpp"',
        "actors/api/a.cpp": '#include "actors/replay/x.hpp"',
        "runtime/a.cpp": '#include "net/x.hpp"',
        "actors/vip/a.cpp": '#include "tools/holdfastd/x.hpp"',
    }
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in cases.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text + "\n")
        seen = {line.split(":")[0] for line in offences(root)}
    missed = set(cases) - seen
    for name in sorted(missed):
        print(f"self-test: the offence in {name} was not reported")
    return not missed


def main():
    if not self_test():
        return 1
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    found = offences(root)
    print("\n".join(found) if found else "every include points the allowed way")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
