#!/usr/bin/env python3
"""Every planted mistake still applies to the code it is meant for: most are tried by a soak alone (mutants/run.sh).

    mutants.py ROOT
"""
import pathlib
import subprocess
import sys


def main():
    bad, count = [], 0
    for library in ("raft", "wal"):
        folder = pathlib.Path(sys.argv[1]) / "subprojects" / library
        for patch in sorted(folder.glob("mutants/*.patch")):
            count += 1
            with open(patch, "rb") as text:
                done = subprocess.run(["patch", "--dry-run", "-s", "-p1", "-F3", "-d", folder], stdin=text,
                                      capture_output=True, text=True)
            if done.returncode:
                bad.append(f"{library}/mutants/{patch.name}: {' '.join(done.stdout.split())}")
    for line in bad:
        print(line)
    assert count > 50, f"{count} mutants found"
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
