"""What is told of the virtual address: events, info, metrics, the health that `system ha doctor` judges."""
import os
import pathlib
import signal
import socket
import struct
import subprocess
import time

from harness import wait_for
from vip_rig import sh
from websocket_client import WebSocket


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def watch(node):
    """A stream of the address's events."""
    socket_ = WebSocket(node)
    expect(socket_.status == 101, f"websocket: {socket_.status}")
    socket_.send("register vip.*.*")
    answer = socket_.receive()
    expect(answer["Type"] == "websocket", f"{answer}")
    return socket_


def hear(stream, node, *actions, seconds=10):
    """These events of that node, in whatever order and among whatever else; the last of each."""
    member, found, heard = node.state_file()["ConsensusID"], {}, []
    deadline = time.monotonic() + seconds
    while set(actions) - set(found) and time.monotonic() < deadline:
        try:
            event = stream.receive(max(0.05, deadline - time.monotonic()))
        except TimeoutError:
            break
        expect(event is not None, f"the stream ended; heard {heard}")
        heard.append((event["Action"], event["Key"]))
        if event["Key"] == member:
            found[event["Action"]] = event
    missing = set(actions) - set(found)
    expect(not missing, f"events of node {node.k} that never came: {missing}; heard {heard}")
    return found


def claim(rig):
    """A gratuitous ARP reply from the client's MAC for the address."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as out:
        out.bind(("c0", 0x0806))
        mac = out.getsockname()[4]
        ip = socket.inet_aton(rig.vip)
        out.send(b"\xff" * 6 + mac + b"\x08\x06" + struct.pack(">HHBBH", 1, 0x0800, 6, 4, 2) + mac + ip + mac + ip)
        return ":".join(f"{byte:02x}" for byte in mac)


def check_events(cluster):
    """One watcher, connected to the active, hears of every member."""
    active = cluster.active(30)
    passive = next(node for node in cluster.nodes if node is not active)
    stream = watch(active)
    os.kill(passive.guard()[0], signal.SIGKILL)
    told = hear(stream, passive, "guard_died", "unfit", "guard_restarted", "fit")
    event = told["guard_died"]
    expect(event["Object"]["ConsensusID"] == event["Key"] and event["Object"]["Address"] == cluster.rig.cidr and
           event["Object"]["Interface"] == "c0" and event["Object"]["Detail"], f"{event}")
    ns = cluster.rig.ns(passive.k)
    sh(f"ip -n {ns} link set c0 down")
    hear(stream, passive, "link_lost")
    sh(f"ip -n {ns} link set c0 up")
    hear(stream, passive, "link_back")
    sh(f"ip -n {ns} addr add {cluster.rig.cidr} dev c0")
    hear(stream, passive, "stray_removed")
    sh(f"ip -n {cluster.rig.ns(active.k)} addr del {cluster.rig.vip}/32 dev c0")
    hear(stream, active, "restored")
    mac = claim(cluster.rig)
    event = hear(stream, active, "conflict")["conflict"]
    expect(event["Object"]["Detail"] == mac and event["Object"]["Epoch"] == active.vip_status()["Epoch"], f"{event}")
    stream.close()
    check_moving(cluster)


def check_moving(cluster):
    """Whoever watches the one that takes over hears both ends of the move."""
    active = cluster.active(30)
    next_one = next(node for node in cluster.nodes if node is not active)
    streams = [watch(node) for node in cluster.nodes]  # those of passives are the active's
    active.client().call("POST", f"system/consensus/transfer/{next_one.state_file()['ConsensusID']}", {})
    hear(streams[cluster.nodes.index(active)], active, "released")
    for stream in streams:
        stream.close()
    check_loss_told(cluster)


def check_loss_told(cluster):
    """A stream of the member that lost the address ends with its role: the loss is heard at the one that follows."""
    loser = cluster.active(30)
    lapses = loser.vip_status()["Counters"]["Lapsed"]
    others = [node for node in cluster.nodes if node is not loser]
    loser.signal(signal.SIGSTOP)  # the guard takes the address off for it
    try:
        stream = watch(wait_for(lambda: next((node for node in others if serves_as_active(node)), None), 20,
                                "another active"))
    finally:
        loser.signal(signal.SIGCONT)
    hear(stream, loser, "lost")
    expect(loser.vip_status()["Counters"]["Lapsed"] == lapses + 1, "the loss is counted")
    stream.close()
    cluster.active(30)


def serves_as_active(node):
    try:
        return node.client(timeout=1).request("GET", "/health/active")[0] == 200
    except OSError:
        return False


def metrics(node):
    text = node.client().request("GET", "/metrics")[2].decode()
    return {line.split()[0]: float(line.split()[1]) for line in text.splitlines()
            if line.startswith("holdfast_vip_")}


def doctor(cluster, node):
    """(exit code, output) of the CLI beside the daemon; nothing when it was not built."""
    cli = pathlib.Path(cluster.workplace.daemon).parent.parent / "holdfast" / "holdfast"
    if not cli.exists():
        return None
    env = {**os.environ, "RS_TOKEN_CACHE": str(cluster.workplace.path / "tokens")}
    done = subprocess.run([cli, "-E", f"https://{node.address}:{node.api_port}", "system", "ha", "doctor"], env=env,
                          capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def check_told_everywhere(cluster):
    """info, metrics, doctor: the same facts as vip status."""
    active = cluster.active(30)
    member = active.state_file()["ConsensusID"]
    for node in cluster.nodes:
        told, status = node.client().call("GET", "info")["vip"], node.vip_status()
        expect(told["mode"] == "address" and told["address"] == cluster.rig.cidr and told["interface"] == "c0",
               f"info: {told}")
        expect(told["holder"] == member and told["epoch"] == status["Epoch"], f"info: {told} {status}")
        expect(told["holding"] == (node is active) and told["guard"]["ready"] and told["link_up"], f"info: {told}")
        expect(told["conflicts"]["count"] == status["Conflicts"]["Count"], f"info: {told} {status}")
        text = metrics(node)
        expect(text["holdfast_vip_holding"] == (node is active), f"metrics: {text}")
        expect(text["holdfast_vip_tickets_refused_total"] == status["Counters"]["TicketsRefused"], f"metrics: {text}")
    expect(0 < active.client().call("GET", "info")["vip"]["lease_left_ms"] <= 400, "info: the lease runs")
    if doctor(cluster, active) is None:
        print("check_told_everywhere: no CLI beside the daemon, doctor is left out", flush=True)
        return
    mac = claim(cluster.rig)
    wait_for(lambda: cluster.active(30).vip_status()["Conflicts"]["Mac"] == mac, 5, "the claim to be heard")
    code, text = doctor(cluster, cluster.active(30))
    expect(code != 0 and f"heard another host ({mac}) claim {cluster.rig.cidr}" in text and "switch" in text,
           f"doctor: {code} {text}")
