"""What can happen to a node that holds the virtual address, and one trial of it: how long until a client's next
acknowledged write, and how long two nodes held the address."""
import os
import signal
import time

from harness import wait_for
from vip_rig import sh

KERNEL_LIFETIME = 3.0  # promised; valid_lft is 2 s, for the kernel drops an address up to half a second late


# Each takes (cluster, node) and returns what undoes it.

def kill_daemon(_, node):
    node.signal(signal.SIGKILL)
    return lambda: restart(node)


def kill_guard(_, node):
    os.kill(node.guard()[0], signal.SIGKILL)
    return lambda: None


def kill_both(_, node):
    for pid in (*reversed(node.guard()), node.process.pid):
        os.kill(pid, signal.SIGKILL)
    return lambda: restart(node)


def stop_daemon(_, node):
    node.signal(signal.SIGSTOP)
    return lambda: node.signal(signal.SIGCONT)


def stop_guard(_, node):
    os.kill(node.guard()[0], signal.SIGSTOP)
    return lambda: None  # it is replaced


def stop_both(_, node):
    guard = node.guard()[0]
    node.signal(signal.SIGSTOP)
    os.kill(guard, signal.SIGSTOP)
    return lambda: node.signal(signal.SIGCONT)


def terminate(_, node):
    stopped = node.count_stops()
    node.signal(signal.SIGTERM)

    def undo():
        node.finish(stopped)
        node.start()
    return undo


def cut(cluster, node):
    cluster.rig.cut(node.k)
    return lambda: cluster.rig.cut(node.k, on=False)


def lose_carrier(cluster, node):
    cluster.rig.port(node.k, "c0", "down")
    return lambda: cluster.rig.port(node.k, "c0", "up")


def link_down(cluster, node):
    sh(f"ip -n {cluster.rig.ns(node.k)} link set c0 down")
    return lambda: sh(f"ip -n {cluster.rig.ns(node.k)} link set c0 up")


def delete_address(cluster, node):
    length = 128 if ":" in cluster.rig.vip else 32
    sh(f"ip -n {cluster.rig.ns(node.k)} addr del {cluster.rig.vip}/{length} dev c0")
    return lambda: None


def replace_interface(cluster, node):
    rig = cluster.rig
    sh(f"ip -n {rig.ns(node.k)} link del c0")
    rig.plug(rig.ns(node.k), node.k, "c0", "brC", f"10.77.0.1{node.k}/24", f"fd77::1{node.k}/64")
    for name in [rig.client, *(rig.ns(k) for k in range(1, rig.count + 1))]:
        sh(f"ip -n {name} neigh flush all")  # nobody announces the node's own address
    return lambda: None


FAULTS = {
    "SIGKILL daemon": kill_daemon, "SIGKILL guard": kill_guard, "SIGKILL both": kill_both,
    "SIGSTOP daemon": stop_daemon, "SIGSTOP guard": stop_guard, "SIGSTOP both": stop_both,
    "SIGTERM": terminate, "silent cut": cut, "carrier lost": lose_carrier, "link set down": link_down,
    "address deleted": delete_address, "interface replaced": replace_interface,
}
TWO_FAULTS = {"SIGKILL both"}  # nobody is left but the kernel


def restart(node):
    node.process.wait(10)
    wait_for(lambda: node.guard() == (None, None), 10, "the guard of the killed daemon to end")
    node.start()


def all_ready(cluster):
    for node in cluster.nodes:
        wait_for(node.ready, 30, f"node {node.k} to serve")


def trial(cluster, watch, writer, name):
    """One fault on the active node; (gap, time with two holders) in seconds."""
    node = cluster.active(40)
    writer.wait_after(time.monotonic(), 20)
    moment = time.monotonic()
    undo = FAULTS[name](cluster, node)
    # The first acknowledgement may still be one of before: what counts is the longest silence that follows.
    time.sleep(1.2)
    writer.wait_after(time.monotonic(), 30)
    edges = [moment, *sorted(at for at, _ in writer.acknowledged()[-4000:] if at > moment)]
    gap = max(b - a for a, b in zip(edges, edges[1:]))
    undo()
    all_ready(cluster)
    cluster.active(40)
    overlap, moments = watch.overlap(since=moment)
    return gap, overlap, moments, node
