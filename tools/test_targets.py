#!/usr/bin/env python3
"""Prints the build targets behind the tests of some suites, so that a sanitizer build makes nothing else.

    test_targets.py BUILD_FOLDER SUITE…
"""
import json
import pathlib
import subprocess
import sys


def main(folder, suites):
    root = pathlib.Path(folder).resolve()
    tests = json.loads(subprocess.run(["meson", "introspect", str(root), "--tests"], check=True, capture_output=True,
                                      text=True).stdout)
    targets = set()
    for test in tests:
        if not {suite.split(":")[-1] for suite in test["suite"]} & set(suites):
            continue
        for word in test["cmd"]:
            path = pathlib.Path(word)
            if path.is_absolute() and path.is_relative_to(root):
                targets.add(str(path.relative_to(root)))
    print("\n".join(sorted(targets)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
