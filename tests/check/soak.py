#!/usr/bin/env python3
"""tools/soak.sh runs as long as told: every step is told how long it may take, a scenario that does not fit is not begun and
named, what is skipped is counted, and a failure ends it with the command that repeats it. The programs it calls are
stand-ins here.

    soak.py ROOT
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import time

LOG = 'echo "$(basename "$0") $*" >>"$ROOT/calls"\n'
SLEEP = 'while [ "$1" != --for ]; do shift; done; sleep "${2%s}"\n'
CHAOS = """
if [ "$1" = check ]; then
  case $4 in *very-long*) echo "$4: story; 9 steps, at least 600 s" ;; *) echo "$4: story; 3 steps, at least 1 s" ;; esac
  exit
fi
case $4 in *needs-root*) exit 77 ;; *breaks*) exit 1 ;; esac
sleep 1
"""
STUBS = {
    "tools/deps.sh": "",
    "bin/ninja": "",
    "subprojects/raft/mutants/run.sh": SLEEP,
    "subprojects/wal/mutants/run.sh": SLEEP,
    "build/test/subprojects/raft/sim/raft_sim": SLEEP,
    "build/test/tools/chaos/holdfast-chaos": CHAOS,
    "bin/python3": "shift\n" + SLEEP,  # runs kill9.py
}


def lay_out(root, source, scenarios):
    for name, text in STUBS.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("#!/bin/sh\n" + LOG + text)
        path.chmod(0o755)
    (root / "build/test/build.ninja").touch()
    (root / "tests/chaos").mkdir(parents=True)
    for name in scenarios:
        (root / f"tests/chaos/{name}.chaos").touch()
    script = (source / "tools/soak.sh").read_text()
    assert script.count("around=20") == 1, "soak.sh: the time around a scenario's own"
    (root / "tools/soak.sh").write_text(script.replace("around=20", "around=1"))


def soak(source, hours, *scenarios):
    """Exit code, output, calls, seconds."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        lay_out(root, source, scenarios)
        environment = {**os.environ, "ROOT": folder, "PATH": f"{root}/bin:{os.environ['PATH']}"}
        began = time.monotonic()
        done = subprocess.run(["bash", "tools/soak.sh", str(hours)], cwd=root, env=environment, capture_output=True,
                              text=True, timeout=120)
        return done.returncode, done.stdout + done.stderr, (root / "calls").read_text(), time.monotonic() - began


def main():
    source = pathlib.Path(sys.argv[1])
    code, text, calls, took = soak(source, 12 / 3600, "one", "needs-root", "very-long")
    last = text.splitlines()[-1]
    assert code == 0, text
    assert took < 12 + 8, f"{took:.0f} s instead of 12:\n{text}"
    for part in ("raft_sim --for", "kill9.py", "--rounds 200 --for", "holdfast-chaos run", "run.sh --for"):
        assert part in calls, f"never called: {part}\n{calls}"
    assert "holdfast-chaos run" not in "".join(line for line in calls.splitlines() if "very-long" in line), calls
    assert "not reached: 1 scenarios: very-long" in text and "for want of time: very-long" in text, text
    assert "mutants 2 passed 0 skipped" in last and "no failure" in last, last
    assert "scenario 0 passed" not in last and " 0 skipped, 1 scenarios not reached" not in last, last

    code, text, _, took = soak(source, 12 / 3600, "breaks")
    assert code == 1 and took < 12, f"exit code {code} after {took:.0f} s\n{text}"
    assert "FAILED: build/test/tools/chaos/holdfast-chaos run --seed" in text, text
    assert "breaks.chaos (exit code 1)" in text and "one failure" in text.splitlines()[-1], text

    assert soak_usage(source, "never") == 2 and soak_usage(source, "0") == 2
    print("soak.sh keeps to its time")


def soak_usage(source, hours):
    return subprocess.run(["bash", str(source / "tools/soak.sh"), hours], capture_output=True).returncode


if __name__ == "__main__":
    main()
