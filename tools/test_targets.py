#!/usr/bin/env python3
"""Prints the build targets behind the tests of some suites, so that a sanitizer build makes nothing else.

    test_targets.py BUILD_FOLDER SUITE…
"""
import json
import pathlib
import subprocess
import sys


def introspect(root, what):
    return json.loads(subprocess.run(["meson", "introspect", str(root), what], check=True, capture_output=True,
                                     text=True).stdout)


def main(folder, suites):
    root = pathlib.Path(folder).resolve()
    built = {str(pathlib.Path(name)) for target in introspect(root, "--targets") for name in target["filename"]}
    targets = set()
    for test in introspect(root, "--tests"):
        if {suite.split(":")[-1] for suite in test["suite"]} & set(suites):
            words = {str(root / word) for word in test["cmd"]}  # an absolute word stays as it is
            targets |= {str(pathlib.Path(word).relative_to(root)) for word in words & built}
    print("\n".join(sorted(targets)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
