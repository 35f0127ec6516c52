"""Time without service: the active is killed, falls silent, or hands over as planned."""
import functools
import os
import signal
import time

from load import Probe
from netns import Hosts
from systems import Etcd, Holdfast, wait_for


def trial_kill(system, probe, active):
    moment = time.monotonic()
    active.kill()
    gap = probe.first_after(moment)
    active.start(wait=False)
    return gap


def trial_silent(system, probe, active):
    """SIGSTOP: the host is as silent as behind a cut cable, and its connections stay open."""
    moment = time.monotonic()
    active.process.send_signal(signal.SIGSTOP)
    gap = probe.first_after(moment)
    active.process.send_signal(signal.SIGCONT)
    return gap


def trial_cut(hosts, system, probe, active):
    """The active's port of the switch stops forwarding; nobody is told."""
    moment = time.monotonic()
    hosts.cut(active.host)
    gap = probe.first_after(moment)
    hosts.heal(active.host)
    return gap


def trial_planned(system, probe, active):
    target = next(node for node in system.nodes if node is not active)
    moment = time.monotonic()
    system.hand_over(target)
    # What the old active still acknowledged before it let go is no proof of the new one.
    changed = time.monotonic()
    gap_end = changed + probe.first_after(changed)
    return probe.longest_gap(moment, gap_end)


KINDS = [("SIGKILL of the active to the next write", trial_kill, ("ratio", "<=", 0.25)),
         ("silent active (SIGSTOP) to the next write", trial_silent, ("value", "<=", 1000)),
         ("planned hand-over, time without a write", trial_planned, ("value", "<=", 100))]


def failover(bench):
    """Three members each; kill, silence, planned hand-over; 20 trials a kind and system, alternating."""
    compare(bench, None, KINDS)
    if os.geteuid() != 0:
        print("skipped: a cut network needs root (the silent active above stands for it)")
        return
    with Hosts(3) as hosts:
        cut = functools.partial(trial_cut, hosts)
        compare(bench, hosts, [("silent cut of the active's network to the next write", cut, ("value", "<=", 1000))])


def compare(bench, hosts, kinds):
    trials = 3 if bench.options.quick else bench.options.trials
    place = "cut" if hosts else "loopback"
    ours = Holdfast(bench.daemon, bench.work / f"holdfast-{place}", 3, hosts)
    theirs = Etcd(bench.work / f"etcd-{place}", 3, hosts)
    try:
        for system in (ours, theirs):
            system.start()
            system.fill(Probe.THREADS_A_NODE, 8, prefix="probe-")
        for name, trial, goal in kinds:
            got = {"holdfast": [], "etcd": []}
            for _ in range(trials):
                for system in (ours, theirs):
                    got[system.name].append(1000 * one_trial(system, trial))
            bench.table.add(name, "ms", got["holdfast"], got["etcd"], goal)
    finally:
        ours.stop()
        theirs.stop()


def one_trial(system, trial):
    wait_for(lambda: all(system.serves(node) for node in system.nodes), 60, "all members to serve", step=0.05)
    active = system.leader()
    # A member that just came back may not vote for one election timeout, and must not be half way through its
    # catching up: the trial begins in a healthy cluster.
    time.sleep(1.5)
    nodes = system.nodes if trial is trial_planned else [node for node in system.nodes if node is not active]
    probe = Probe(system, nodes)
    try:
        if trial is trial_planned:
            probe.first_after(time.monotonic())
            time.sleep(0.1)
        return trial(system, probe, active)
    finally:
        probe.stop()
