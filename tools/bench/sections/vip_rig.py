"""Runs the rig of tests/integration: every fault on Holdfast's active node, then keepalived at its defaults and at
0.1 s adverts. Prints medians and worst; the JSON of each goes to the bench's folder while it runs."""
import pathlib
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parents[3] / "tests" / "integration"


def run(bench):
    trials = str(3 if bench.options.quick else bench.options.trials)
    subprocess.run([sys.executable, "vip_faults.py", bench.daemon, "--measure", "--trials", trials, "--json",
                    str(bench.work / "holdfast.json")], cwd=TESTS, check=True)
    for advert in ("1", "0.1"):
        subprocess.run([sys.executable, "vip_keepalived.py", "--trials", trials, "--advert", advert, "--json",
                        str(bench.work / f"keepalived-{advert}.json")], cwd=TESTS, check=True)
