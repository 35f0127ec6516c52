#!/usr/bin/env python3
"""Every scenario file can be read, there are at least 25, and each tells its own story.

    check_scenarios.py HOLDFAST_CHAOS FOLDER
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
    print(f"{len(files)} scenarios")


if __name__ == "__main__":
    main()
