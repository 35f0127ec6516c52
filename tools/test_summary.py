#!/usr/bin/env python3
"""Adds up Meson test logs (testlog.json) and prints one line: N passed, N failed, N skipped.

Exit 1 when anything failed or when no test ran at all.
"""
import json
import sys

PASSED = {"OK", "EXPECTEDFAIL"}
SKIPPED = {"SKIP"}


def main(paths):
    passed = failed = skipped = 0
    for path in paths:
        try:
            lines = open(path).read().splitlines()
        except OSError as error:
            print(f"test_summary: {error}")
            failed += 1
            continue
        for line in lines:
            test = json.loads(line)
            if test["result"] in PASSED:
                passed += 1
            elif test["result"] in SKIPPED:
                skipped += 1
                reason = (test.get("stderr") or test.get("stdout") or "no reason given").strip().splitlines()
                print(f"skipped: {test['name']}: {reason[-1] if reason else 'no reason given'}")
            else:
                failed += 1
                print(f"failed: {test['name']} ({test['result']})")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed or not passed + skipped else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
