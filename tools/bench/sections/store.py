"""What the store costs: memory, restart, the price of a snapshot to a writer, growth over many puts."""
import time

from load import wrk
from sections.snapshot import snapshot_cost
from systems import Etcd, Holdfast, resident_mb


def memory(bench):
    """Resident memory of a member that holds 10,000 objects; one member, then three."""
    for members in (1, 3):
        ours = Holdfast(bench.daemon, bench.work / f"memory-{members}", members)
        theirs = Etcd(bench.work / f"etcd-memory-{members}", members)
        try:
            got = {}
            for system in (ours, theirs):
                system.start()
                system.fill(10_000, 256)
                got[system.name] = [resident_mb(pid) for pid in system.pids()]
            bench.table.add(f"resident with 10k objects, {members} member(s)", "MB", got["holdfast"], got["etcd"],
                            ("ratio", "<=", 0.3))
        finally:
            ours.stop()
            theirs.stop()
        if bench.options.quick:
            return


def restart(bench):
    """From SIGKILL's aftermath to ready, with 100,000 objects of 1 KB."""
    count = 10_000 if bench.options.quick else 100_000
    ours, theirs = Holdfast(bench.daemon, bench.work / "restart"), Etcd(bench.work / "etcd-restart")
    try:
        got = {"holdfast": [], "etcd": []}
        for system in (ours, theirs):
            system.start()
            system.fill(count, 1024)
        for _ in range(bench.options.rounds):
            for system in (ours, theirs):
                node = system.nodes[0]
                node.kill()
                began = time.monotonic()
                node.start()
                got[system.name].append((time.monotonic() - began) * 1000)
        bench.table.add(f"restart with {count} objects of 1 KB", "ms", got["holdfast"], got["etcd"],
                        ("value", "<=", 2000))
        snapshot_cost(bench, ours.nodes[0])
    finally:
        ours.stop()
        theirs.stop()


def growth(bench):
    """Does a put cost more when the log is longer? CPU of the first tenth of many puts against the last tenth."""
    wanted = 50_000 if bench.options.quick else 1_000_000
    ours = Holdfast(bench.daemon, bench.work / "growth")
    theirs = Etcd(bench.work / "etcd-growth")
    try:
        for system in (ours, theirs):
            system.start()
            system.fill(1000, 64)
            done, rows = 0, []
            while done < wanted:
                part = wrk(system, "put", 64, bench.options.seconds, 1000, 64)
                done += part["requests"]
                rows.append(part)
                if system is theirs and done > wanted / 4:
                    break  # etcd keeps every revision; a quarter shows its slope
            tenth = max(1, len(rows) // 10)
            early, late = rows[:tenth], rows[-tenth:]
            bench.table.add(f"{system.name}: CPU a put, last of {done} over first", "us",
                            [row["cpu_us"] for row in late], [row["cpu_us"] for row in early],
                            ("ratio", "<=", 1.1) if system is ours else "", peer="its first tenth")
            bench.table.add(f"{system.name}: puts/s, last over first", "/s", [row["rate"] for row in late],
                            [row["rate"] for row in early], peer="its first tenth")
    finally:
        ours.stop()
        theirs.stop()
