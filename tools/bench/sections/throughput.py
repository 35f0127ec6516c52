"""Puts, linearizable gets, mixed load and a list, against one member and against three."""
from load import bare_disk, wrk
from systems import Etcd, Holdfast

KEYS, VALUE = 1000, 64

# name, mode, connections, field, unit, goal with one member, goal with three
PLANS = [
    ("put, 1 client, p50", "put", 1, "p50_us", "us", ("ratio", "<=", 0.5), ("ratio", "<=", 0.6)),
    ("put, 8 clients", "put", 8, "rate", "/s", "", ""),
    ("put, 64 clients", "put", 64, "rate", "/s", ("ratio", ">=", 4), ("ratio", ">=", 3)),
    ("put, 256 clients", "put", 256, "rate", "/s", "", ""),
    ("linearizable get, 1 client, p50", "get", 1, "p50_us", "us", "", ""),
    ("linearizable get, 64 clients", "get", 64, "rate", "/s", ("ratio", ">=", 5), ("ratio", ">=", 4)),
    ("mixed (8 gets, 2 puts), 64 clients", "mixed", 64, "rate", "/s", "", ""),
]
QUICK = {"put, 1 client, p50", "put, 64 clients", "linearizable get, 64 clients"}


def compare(bench, members):
    ours = Holdfast(bench.daemon, bench.work / f"holdfast-{members}", members)
    theirs = Etcd(bench.work / f"etcd-{members}", members)
    try:
        for system in (ours, theirs):
            system.start()
            system.fill(KEYS, VALUE)
        for name, mode, clients, field, unit, goal_one, goal_three in PLANS:
            if bench.options.quick and name not in QUICK:
                continue
            got, cpu, disk = {"holdfast": [], "etcd": []}, {"holdfast": [], "etcd": []}, []
            failed = {"holdfast": 0, "etcd": 0}
            for number in range(bench.options.rounds):
                for system in (ours, theirs) if number % 2 == 0 else (theirs, ours):
                    result = wrk(system, mode, clients, bench.options.seconds, KEYS, VALUE)
                    got[system.name].append(result[field])
                    cpu[system.name].append(result["cpu_us"])
                    failed[system.name] += result["errors"]
                if field == "p50_us" and mode == "put":
                    disk.append(bare_disk(bench.work, 1))
            goal = goal_one if members == 1 else goal_three
            notes = [f"a bare write + fdatasync: {sorted(disk)[len(disk) // 2]:.0f} us"] if disk else []
            notes += [f"{count} requests failed: {who}" for who, count in failed.items() if count]
            bench.table.add(name, unit, got["holdfast"], got["etcd"], goal, note="; ".join(notes))
            bench.table.add(f"  CPU a request, all members: {mode}, {clients}", "us", cpu["holdfast"], cpu["etcd"])
    finally:
        ours.stop()
        theirs.stop()


def single(bench):
    """One member: puts and linearizable gets with 1, 8, 64, 256 clients, mixed load."""
    compare(bench, 1)


def three(bench):
    """Three members: the same, sent to the active node and to etcd's leader."""
    compare(bench, 3)


def listing(bench):
    """All of 10,000 objects in one answer."""
    count = 1000 if bench.options.quick else 10_000
    ours, theirs = Holdfast(bench.daemon, bench.work / "holdfast-list"), Etcd(bench.work / "etcd-list")
    try:
        got = {"holdfast": [], "etcd": []}
        for system in (ours, theirs):
            system.start()
            system.fill(count, 256)
        for _ in range(bench.options.rounds):
            for system in (ours, theirs):
                got[system.name].append(wrk(system, "list", 1, bench.options.seconds, 1, 8)["p50_us"] / 1000)
        bench.table.add(f"list of {count} objects, p50", "ms", got["holdfast"], got["etcd"])
    finally:
        ours.stop()
        theirs.stop()
