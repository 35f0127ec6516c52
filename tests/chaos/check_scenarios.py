#!/usr/bin/env python3
"""Every scenario file can be read, there are at least 25, each tells its own story; the daemon that is shipped has no
planted fault.

    check_scenarios.py HOLDFAST_CHAOS FOLDER DAEMON
"""
import pathlib
import re
import subprocess
import sys


def main():
    files = sorted(pathlib.Path(sys.argv[2]).glob("*.chaos"))
    done = subprocess.run([sys.argv[1], "check", *map(str, files)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(files) >= 25, f"{len(files)} scenarios"
    stories = [re.search(r'^scenario "(.*)"', file.read_text(), re.M).group(1) for file in files]
    assert len(set(stories)) == len(stories), "two scenarios tell the same story"
    wrong = subprocess.run([sys.argv[1], "check", "/dev/null"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "/dev/null:1:1: expected" in wrong.stderr, wrong.stderr
    assert b"HOLDFAST_UNSAFE" not in pathlib.Path(sys.argv[3]).read_bytes(), "the daemon has planted faults in it"
    print(f"{len(files)} scenarios")


if __name__ == "__main__":
    main()
