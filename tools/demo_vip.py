#!/usr/bin/env python3
"""The virtual address at work: three nodes and a client in network namespaces of their own (root). The client
keeps writing through the address while the active node is killed; prints the gap it saw. This is demo.sh --vip.

    demo_vip.py [DAEMON CLI]      without the two it installs what is needed and builds them

HOLDFAST_DEMO_BUILD names a build directory that is there already: nothing is installed or built then.
"""
import os
import pathlib
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "integration"))
from harness import Workplace  # noqa: E402
from vip_rig import Rig, VipCluster, Watch, Writer  # noqa: E402


def say(text):
    print(f"\n\033[1m{text}\033[0m", flush=True)


def show(cli, endpoint, work):
    print(f"$ holdfast -E {endpoint} vip status")
    env = {**os.environ, "RS_ENDPOINT": endpoint, "RS_TOKEN_CACHE": str(work / "tokens")}
    subprocess.run([cli, "vip", "status"], env=env, check=False)


def build():
    given = os.environ.get("HOLDFAST_DEMO_BUILD")
    folder = pathlib.Path(given) if given else ROOT / "build" / "demo"
    daemon, cli = folder / "tools/holdfastd/holdfastd", folder / "tools/holdfast/holdfast"
    if given:
        missing = [str(program) for program in (daemon, cli) if not os.access(program, os.X_OK)]
        if missing:
            sys.exit(f"demo_vip.py: HOLDFAST_DEMO_BUILD={given} lacks {' and '.join(missing)}: build them, or unset it")
        return str(daemon), str(cli)
    say("Installing and building (the first time takes some minutes)")
    subprocess.run([str(ROOT / "tools/deps.sh"), "build"], check=True)
    if not (folder / "build.ninja").exists():
        subprocess.run(["meson", "setup", str(folder), str(ROOT)], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["ninja", "-C", str(folder), "tools/holdfastd/holdfastd", "tools/holdfast/holdfast"], check=True,
                   stdout=subprocess.DEVNULL)
    return str(daemon), str(cli)


def main(daemon, cli):
    with Rig(3) as rig, Workplace(os.path.abspath(daemon)) as workplace:
        say(f"Three nodes on a bridge, a client beside them, {rig.cidr} as their virtual address")
        cluster = VipCluster(rig, workplace).form()
        active = cluster.active()
        print(f"node {active.k} ({active.address}) is active and holds {rig.vip}")
        show(os.path.abspath(cli), f"https://{rig.vip}:8092", workplace.path)
        watch = Watch(rig, workplace.path / "holders.jsonl")
        writer = Writer(rig, workplace.path / "writes.jsonl")
        try:
            for number, name, done in ((signal.SIGKILL, "kill -9", "killed"), (signal.SIGTERM, "kill", "ended")):
                active = cluster.active()
                writer.wait_after(time.monotonic(), 20)
                say(f"The client writes through {rig.vip} without a pause; now: {name} of the active node")
                moment = time.monotonic()
                active.signal(number)
                writer.wait_after(moment + 0.002, 20)
                time.sleep(1)
                times = [moment] + sorted(at for at, _ in writer.acknowledged() if at > moment)
                gap = max(b - a for a, b in zip(times, times[1:]))
                active.process.wait(20)
                print(f"node {active.k} {done}; the client's next acknowledged write came after "
                      f"\033[1m{gap * 1000:.0f} ms\033[0m, on node {rig.holders()[0]}")
                active.start()
            cluster.active()
            overlap, _ = watch.overlap()
            print(f"two nodes held the address at once for {overlap * 1000:.0f} ms")
        finally:
            writer.stop()
            watch.stop()
        say("Done; the namespaces are gone")


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("demo_vip.py: needs root, for network namespaces")
    main(*(sys.argv[1:3] or build()))
