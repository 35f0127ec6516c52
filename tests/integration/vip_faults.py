"""The virtual address under faults: who holds it at every sample, and when a client's writes succeed again
(VIP-01..07, -09, -15, -16, TRB-03, TRB-04, PRE-11).

    vip_faults.py DAEMON [--ipv6 | --script]      the short sets of tools/test.sh
    vip_faults.py DAEMON --random N               N random faults in a row on five members
    vip_faults.py DAEMON --measure [--trials N] [--json FILE]   every fault N times: gaps and two-holder times
    vip_faults.py DAEMON --serve              trials as the bench asks for them: a fault's name a line, JSON back
"""
import argparse
import json
import os
import pathlib
import random
import signal
import statistics
import sys
import time

from harness import Workplace, wait_for
from vip_actions import FAULTS, KERNEL_LIFETIME, TWO_FAULTS, trial
from vip_contract import (AddressChanges, check_after_setup, check_open_ports, check_present_at_take_over,
                          check_script_alone)
from vip_rig import Rig, VipCluster, Watch, Writer, serve_trials, sh
from vip_tickets import check_refused_tickets, check_second_path
from vip_told import check_events, check_told_everywhere
from vip_writers import WriterSamples

# A measured trial begins in a healthy cluster, as keepalived's do: a member that just came back may not vote for one
# election timeout. The tests do not wait.
SETTLE = 1.5


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def check_never_two(cluster, watch):
    for name in FAULTS:
        began = time.monotonic()
        gap, overlap, moments, _ = trial(cluster, watch, cluster.writer, name)
        limit = KERNEL_LIFETIME if name in TWO_FAULTS else 0.0
        print(f"{name}: next write after {gap * 1000:.0f} ms, two holders {overlap * 1000:.0f} ms "
              f"({time.monotonic() - began:.1f} s)", flush=True)
        expect(overlap <= limit, f"{name}: two nodes held the address for {overlap:.3f} s: {moments}")


def check_status(cluster):
    active = cluster.active()
    status = active.vip_status()
    expect(status["Holding"] and status["Holder"] == status["ConsensusID"], f"vip status: {status}")
    expect(status["LeaseLeftMs"] > 0 and status["Guard"]["Ready"], f"vip status: {status}")
    expect(status["LastAnnouncementAgoMs"] >= 0, f"vip status: {status}")
    for node in cluster.nodes:
        if node is not active:
            passive = node.vip_status()
            expect(not passive["Holding"] and passive["Holder"] == status["ConsensusID"], f"{passive}")


def check_strays(cluster):
    """VIP-04: the address by hand on a node that is not the active one."""
    active = cluster.active()
    other = next(node for node in cluster.nodes if node is not active)
    sh(f"ip -n {cluster.rig.ns(other.k)} addr add {cluster.rig.cidr} dev c0")
    wait_for(lambda: cluster.rig.holders() == [active.k], 3, "the stray address to be removed")
    expect(other.vip_status()["Counters"]["Strays"] >= 1, "the stray is counted")


def check_actor_killed(cluster):
    """A new life of the vip actor adopts what the guard holds: the address does not blink."""
    active = cluster.active()
    term, moment = active.vip_status()["Epoch"], time.monotonic()
    active.client().call("POST", "system/actors/vip/kill", {})

    def holding():
        try:
            return active.vip_status()["Holding"]
        except AssertionError:  # 503: being restarted
            return False
    wait_for(holding, 5, "the new actor to know that the address is held")
    seen = [row for row in cluster.watch.changes() if row[0] > moment]
    if active.vip_status()["Epoch"] == term:  # otherwise an election came between, for a reason of its own
        expect(not seen, f"the address blinked with the actor: {seen}")
    cluster.active()


def check_term(cluster):
    """TRB-04: gone before the process is."""
    node = cluster.active()
    stopped = node.count_stops()
    node.signal(signal.SIGTERM)
    node.wait_stopped(stopped)
    expect(node.k not in cluster.rig.holders(), "TRB-04: the address outlived the process")
    node.finish(stopped)
    node.start()
    cluster.active()


def check_all_links_down(cluster):
    """VIP-15: nobody is better off, so nobody hands over (an election for want of heartbeats is no matter)."""
    def handed_over():
        return sum(node.log_text().count("event=hand_over ") for node in cluster.nodes)
    cluster.active()
    before = handed_over()
    for node in cluster.nodes:
        cluster.rig.port(node.k, "c0", "down")
    time.sleep(2.5)
    for node in cluster.nodes:
        cluster.rig.port(node.k, "c0", "up")
    cluster.active()
    time.sleep(1.5)  # until every link has settled
    expect(handed_over() == before, "VIP-15: the role was handed over though no link was up")


def check_refusals(cluster):
    """SEL-06, CFG-07, -08, -20, VIP-14: before anything is formed."""
    node = cluster.node(1)
    before = (node.root / "ha-state.json").read_bytes()
    for change, text in [({"VirtAddr": cluster.rig.vip}, "prefix"), ({"VirtInterface": "nope"}, "no link"),
                         ({"VirtInterface": ""}, "VirtInterface is missing"),
                         ({"VirtInterface": "r0"}, "in the network of no address"),
                         ({"VirtAddr": "10.88.0.11/24"}, "consensus address"),
                         ({"LoadBalanced": True, "VirtAddr": "10.77.0.200"}, "VirtInterface"),
                         ({"LoadBalanced": True, "VirtAddr": "10.77.0.11", "VirtInterface": ""}, "on this host")]:
        status, _, data = node.client(timeout=30).request("POST", "/api/v3/system/consensus/enroll",
                                                          cluster.body(node, **change))
        expect(status == 422 and text in data.decode(), f"{change}: {status} {data[:300]!r}")
    expect((node.root / "ha-state.json").read_bytes() == before, "SEL-07")


def check_pause(cluster):
    """After a pause a former active answers nothing of its own before a quorum confirmed it."""
    active = cluster.active()
    sent = active.client(timeout=3)
    sent.call("POST", "profiles", {"Name": "paused", "Description": "old"})
    active.signal(signal.SIGSTOP)
    others = [node for node in cluster.nodes if node is not active]

    def write():
        for node in others:
            try:
                if node.client(timeout=1).request("PUT", "/api/v3/profiles/paused",
                                                  {"Name": "paused", "Description": "new"})[0] < 300:
                    return True
            except OSError:
                pass
        return False
    try:
        wait_for(write, 10, "a write on the new active")
        import threading
        answers = []

        def ask(method, path, body=None, headers=None):
            try:
                status, _, data = active.client(timeout=10).request(method, path, body, headers)
                answers.append((method, path, status, data))
            except Exception as error:  # no answer is an honest one
                answers.append((method, path, 0, str(error).encode()))
        profile = "/api/v3/profiles/paused"
        over_old = json.dumps([{"op": "test", "path": "/Description", "value": "old"},
                               {"op": "replace", "path": "/Description", "value": "late"}])
        questions = [("GET", profile), ("GET", profile), ("GET", "/health/active"), ("GET", "/health/active"),
                     ("GET", "/api/v3/info"), ("PATCH", profile, over_old), ("PATCH", profile, over_old)]
        askers = [threading.Thread(target=ask, args=question) for question in questions]
        for asker in askers:
            asker.start()
        time.sleep(0.2)  # until they wait in the queues of the stopped process
    finally:
        active.signal(signal.SIGCONT)
    for asker in askers:
        asker.join()
    expect(len(answers) == len(questions), f"{answers}")
    for method, path, status, data in answers:
        if method == "PATCH":
            expect(status >= 400 or status == 0, f"a write over a state that is gone was acknowledged: {status} {data!r}")
        elif path == profile:
            expect(status != 200 or b'"new"' in data, f"a stale read after a pause: {status} {data!r}")
        elif path == "/health/active":
            expect(status != 200, "a balancer was told that the former active is active")
        else:
            expect(b'"ha_is_active":true' not in data, "info of a former active says that it is active")
    cluster.active(30)


SCRIPT = """#!/bin/sh
me=$(ip -o -4 addr show r0 | sed 's/.*10[.]88[.]0[.]1\\([0-9]\\).*/\\1/')
echo "$me $# $1 $2 $3" >>{folder}/calls
[ ! -e {folder}/refuse-$me ] || {{ echo "no address today" >&2; exit 3; }}
case $1 in
  add) ip addr replace "$3" dev "$2" ;;
  remove) ip addr del "$3" dev "$2" 2>/dev/null || true ;;
esac
"""


def check_script(cluster, folder):
    """VIP-08..11: the script instead of the kernel calls, and what its failure leads to; OBS-05: the observer votes
    in every hand-over and never runs `add`."""
    calls = folder / "calls"
    active = cluster.active()
    expect(f"{active.k} 3 add c0 {cluster.rig.cidr}" in calls.read_text(), f"VIP-08: {calls.read_text()}")
    words = {line.split()[2] for line in calls.read_text().splitlines()}
    expect(words <= {"add", "remove"}, f"CFG-12: {words}")
    active.signal(signal.SIGKILL)
    active.process.wait()
    wait_for(lambda: f"{active.k} 3 remove c0 {cluster.rig.cidr}" in calls.read_text(), 5,
             "the guard of the killed daemon to run the script")
    wait_for(lambda: any(k != active.k for k in cluster.rig.holders()), 10, "another holder")
    active.start()
    second = cluster.active()
    others = [node for node in cluster.nodes if node not in (second, cluster.node(4))]
    (folder / f"refuse-{others[0].k}").touch()
    stopped = second.count_stops()
    second.signal(signal.SIGTERM)
    second.finish(stopped)
    wait_for(lambda: cluster.rig.holders() == [others[1].k], 20, "VIP-10: the holder to be the one whose script works")
    second.start()
    (folder / f"refuse-{others[0].k}").unlink()
    cluster.active()
    lines = calls.read_text().splitlines()
    expect(any("add" in line for line in lines) and not any(line.startswith("4 ") and " add " in line for line in lines),
           f"OBS-05: {lines}")


def random_faults(cluster, watch, count, seed, folder):
    """At every sample at most one holder and at most one writer; every acknowledged write is there in the end."""
    print(f"random faults: seed {seed}", flush=True)
    dice = random.Random(seed)
    single = [name for name in FAULTS if name not in TWO_FAULTS]
    with WriterSamples(cluster, folder) as samples:
        for number in range(count):
            name = dice.choice(single)
            victim = dice.choice(cluster.nodes) if dice.random() < 0.3 else cluster.active(60)
            if name == "address deleted" and victim is not cluster.active(60):
                continue
            began = time.monotonic()
            undo = FAULTS[name](cluster, victim)
            time.sleep(dice.uniform(0.05, 1.5))
            undo()
            wait_for(victim.ready, 40, f"node {victim.k} after {name}")
            cluster.active(60)
            overlap, moments = watch.overlap()
            print(f"{number} {name} on {victim.k}: {time.monotonic() - began:.1f} s", flush=True)
            expect(overlap == 0, f"{number} {name}: two nodes held the address: {moments}")
            samples.check()
        rows = samples.check()
    writers = {(row[0], row[1]) for row in rows}
    expect(len(rows) > 3 * count and len(writers) > 1, f"too few samples of writers: {len(rows)} {writers}")
    print(f"{len(rows)} writes acknowledged by the member asked, {len(writers)} times another one wrote; never two",
          flush=True)


def check_writes(cluster, writer):
    numbers = {number for _, number in writer.acknowledged()}
    client = cluster.active().client(timeout=60)
    have = {row["Name"] for row in client.call("GET", "profiles")}
    lost = [number for number in numbers if f"w-{number}" not in have]
    expect(not lost, f"CON-04: {len(lost)} of {len(numbers)} acknowledged writes are lost: {lost[:5]}")
    print(f"{len(numbers)} acknowledged writes, all there", flush=True)


def one_trial(cluster, watch, name):
    cluster.active(60)
    time.sleep(SETTLE)
    gap, overlap, _, _ = trial(cluster, watch, cluster.writer, name)
    return {"gap_ms": 1000 * gap, "two_holders_ms": 1000 * overlap}


def measure(cluster, watch, trials, out):
    rows = {}
    for name in FAULTS:
        done = [one_trial(cluster, watch, name) for _ in range(trials)]
        gaps = [one["gap_ms"] for one in done]
        row = rows[name] = {"trials": trials, "gap_ms_median": statistics.median(gaps), "gap_ms_worst": max(gaps),
                            "two_holders_ms_worst": max(one["two_holders_ms"] for one in done),
                            "gaps_ms": [round(g, 1) for g in gaps]}
        print(f"{name:20} median {row['gap_ms_median']:7.0f} ms  worst {row['gap_ms_worst']:7.0f} ms  "
              f"two holders at worst {row['two_holders_ms_worst']:5.0f} ms", flush=True)
    if out:
        pathlib.Path(out).write_text(json.dumps(rows, indent=2) + "\n")


def serve(cluster, watch):
    """Idle between trials: what is measured meanwhile is somebody else."""
    def run(name):
        cluster.writer.resume()
        try:
            return one_trial(cluster, watch, name)
        finally:
            cluster.writer.pause()
    cluster.writer.pause()
    serve_trials(run)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("daemon")
    parser.add_argument("--random", type=int, default=0)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--measure", action="store_true")
    parser.add_argument("--serve", action="store_true")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--json")
    parser.add_argument("--ipv6", action="store_true")
    parser.add_argument("--script", action="store_true")
    args = parser.parse_args()
    with Rig(5 if args.random else 4 if args.script else 3, ipv6=args.ipv6) as rig, Workplace(os.path.abspath(args.daemon)) as workplace:
        cluster = VipCluster(rig, workplace)
        script = workplace.path / "move-address"
        if args.script:
            script.write_text(SCRIPT.format(folder=workplace.path))
            script.chmod(0o755)
        elif not (args.random or args.measure or args.serve or args.ipv6):
            cluster.node(1).start()
            check_refusals(cluster)
            cluster.node(1).terminate()
        cluster.form(str(script) if args.script else "", observers=(4,) if args.script else ())
        cluster.active()
        watch = cluster.watch = Watch(rig, workplace.path / "holders.jsonl")
        writer = cluster.writer = Writer(rig, workplace.path / "writes.jsonl")
        try:
            if args.measure:
                measure(cluster, watch, args.trials, args.json)
            elif args.serve:
                serve(cluster, watch)
            elif args.random:
                random_faults(cluster, watch, args.random, args.seed, workplace.path)
            elif args.script:
                with AddressChanges(cluster) as changes:
                    check_script(cluster, workplace.path)
                check_script_alone(cluster, workplace.path / "calls", changes)
            elif args.ipv6:
                for name in ("SIGKILL daemon", "SIGSTOP daemon", "link set down", "address deleted"):
                    gap, overlap, moments, _ = trial(cluster, watch, writer, name)
                    print(f"IPv6, {name}: next write after {gap * 1000:.0f} ms", flush=True)
                    expect(overlap == 0, f"{name}: two holders {moments}")
            else:
                check_after_setup(cluster)
                check_status(cluster)
                check_never_two(cluster, watch)
                for check in (check_strays, check_actor_killed, check_term, check_refused_tickets,
                              check_second_path, check_all_links_down, check_pause, check_events,
                              check_told_everywhere, check_present_at_take_over, check_open_ports):
                    began = time.monotonic()
                    check(cluster)
                    print(f"{check.__name__}: {time.monotonic() - began:.1f} s", flush=True)
        finally:
            writer.stop()
            watch.stop()
        check_writes(cluster, writer)


if __name__ == "__main__":
    main()
