"""Who gets onto the links between members, and who may speak for a client: real daemons, certificates made by the
openssl program (TLS-01, -02, -10, -11, -12, -13, LOG-06; loop protection of forwarded requests)."""
import base64
import datetime
import http.client
import re
import socket
import ssl
import subprocess
import sys

from cluster_harness import Cluster
from harness import BASIC, Workplace, need_program, wait_for

SERVER_NAME = "cluster.holdfast.internal"


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True, check=False)
    expect(done.returncode == 0, f"openssl {arguments}: {done.stderr.decode()}")
    return done.stdout


class Authority:
    """A root with its key in a folder of its own; signs node certificates as the daemon does, or wrongly."""

    def __init__(self, folder, root=None):
        self.folder = folder
        folder.mkdir()
        self.cert, self.key = folder / "root.pem", folder / "root.key"
        if root is None:
            openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", self.key, "-out", self.cert, "-days", 9,
                    "-subj", "/CN=stranger root", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
        else:
            seed = base64.b64decode(root["Key"])[:32]
            pkcs8 = bytes.fromhex("302e020100300506032b657004220420") + seed  # RFC 8410 §7
            self.key.touch(0o600)
            self.key.write_bytes(openssl("pkey", "-inform", "DER", data=pkcs8))
            self.cert.write_bytes(openssl("x509", "-inform", "DER", data=base64.b64decode(root["Data"][0])))
        (folder / "index").touch()
        self.config = folder / "ca.cnf"
        self.count = 0

    def issue(self, node_id, address, start=None):
        """(certificate, key) as paths. `start` moves the beginning of its day."""
        self.count += 1
        name = self.folder / f"node-{self.count}"
        key, request, cert = (name.with_suffix(end) for end in (".key", ".csr", ".pem"))
        openssl("req", "-newkey", "ed25519", "-nodes", "-keyout", key, "-out", request, "-subj", f"/CN={node_id}")
        self.config.write_text(
            f"[ca]\ndefault_ca=d\n[d]\ndatabase={self.folder}/index\nnew_certs_dir={self.folder}\n"
            f"rand_serial=yes\ndefault_md=default\npolicy=p\nunique_subject=no\nx509_extensions=e\n[p]\n"
            f"commonName=supplied\n[e]\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
            f"extendedKeyUsage=serverAuth,clientAuth\n"
            f"subjectAltName=IP:{address},URI:holdfast:node:{node_id}\n")
        start = start or datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=10)
        stamp = lambda at: at.strftime("%Y%m%d%H%M%SZ")
        openssl("ca", "-batch", "-config", self.config, "-cert", self.cert, "-keyfile", self.key, "-in", request,
                "-out", cert, "-notext", "-startdate", stamp(start), "-enddate",
                stamp(start + datetime.timedelta(days=1)))
        return cert, key


def dial(node, port, source, credential=None, highest=None):
    """A TLS connection from that source address; raises OSError when either side refuses the handshake."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if highest:
        context.maximum_version = highest
    if credential:
        context.load_cert_chain(*map(str, credential))
    raw = socket.create_connection((node.address, port), timeout=3, source_address=(source, 0))
    return context.wrap_socket(raw, server_hostname=SERVER_NAME)


def accepted(node, port, source, credential=None, highest=None):
    """Whether the link stands: in TLS 1.3 a caller hears of its refusal with the first read."""
    try:
        with dial(node, port, source, credential, highest) as link:
            link.settimeout(1.0)
            return link.recv(1) != b""
    except TimeoutError:
        return True  # it waits for our hello
    except OSError:
        return False


def node_id_of(cluster, node):
    """From the certificate it shows on the consensus address."""
    with dial(node, cluster.consensus_port, f"{cluster.net}.99") as link:
        return openssl("x509", "-inform", "DER", "-noout", "-text", data=link.getpeercert(True)).decode()


def test_shown_certificate(cluster):
    """TLS-10: short-lived, signed by a listed root, with the IP of ConsensusAddr."""
    for node in cluster.nodes:
        text = node_id_of(cluster, node)
        expect(f"IP Address:{node.address}" in text and "ED25519" in text, f"TLS-10: {text}")
        when = [datetime.datetime.strptime(found, "%b %d %H:%M:%S %Y GMT")
                for found in re.findall(r"Not (?:Before|After) ?: (.*)", text)]
        expect(when[1] - when[0] <= datetime.timedelta(days=1), f"TLS-10: valid for {when[1] - when[0]}")
    expect(all(node.state_file()["Roots"] == cluster.nodes[0].state_file()["Roots"] for node in cluster.nodes),
           "TLS-02: one set of roots")


def test_who_gets_in(cluster, ours, stranger):
    port, far = cluster.consensus_port, f"{cluster.net}.98"
    node = cluster.nodes[0]
    name = "550e8400-e29b-41d4-a716-446655440000"
    good = ours.issue(name, far)
    expect(accepted(node, port, far, good), "TLS-02: a certificate from a listed root is taken")
    expect(not accepted(node, port, far), "TLS-01: without a certificate")
    expect(not accepted(node, port, far, good, ssl.TLSVersion.TLSv1_2), "TLS-01: with TLS 1.2")
    expect(not accepted(node, port, far, stranger.issue(name, far)), "TLS-02: from another root")
    expect(not accepted(node, port, f"{cluster.net}.97", good), "TLS-10: from another address than its own")
    for days, number in ((1, 96), (-2, 95)):
        source = f"{cluster.net}.{number}"
        start = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)
        expect(not accepted(node, port, source, ours.issue(name, source, start)), f"TLS-12: {days} days off")
        wait_for(lambda s=source: re.search(rf"peer_refused.*{re.escape(s)}.*clock", node.log_text()), 5,
                 f"TLS-12: the log to name the clocks for {source}")
    with socket.create_connection((node.address, port), timeout=3) as plain:
        plain.sendall(b"hello, this is no TLS\r\n\r\n" * 10)
        plain.settimeout(5)
        try:
            while plain.recv(4096):
                pass
        except ConnectionResetError:
            pass  # closed with our bytes unread


def as_member(node, port, source, credential, method, path, headers=()):
    link = dial(node, port, source, credential)
    connection = http.client.HTTPConnection(node.address, port)
    connection.sock = link
    connection.request(method, path, headers={"Authorization": BASIC, **dict(headers)})
    answer = connection.getresponse()
    data = answer.read()
    connection.close()
    return answer.status, {k.lower(): v for k, v in answer.getheaders()}, data


def test_no_circles(cluster, ours):
    """What a member passed on is answered or refused, never passed on again; only members may pass on."""
    active = cluster.active()
    sender, passive = [node for node in cluster.nodes if node is not active]
    sender_id = re.search(r"Subject: CN ?= ?(\S+)", node_id_of(cluster, sender)).group(1)
    credential = ours.issue(sender_id, sender.address)
    ask = lambda node, use=credential, **more: as_member(
        node, cluster.api_port, sender.address, use, "GET", "/api/v3/profiles", **more)
    status, headers, data = ask(passive)
    expect(status == 503 and "x-holdfast-not-done" in headers and "retry-after" in headers, f"{status} {headers}")
    expect(active.state_file()["ConsensusID"].encode() in data, f"it says who is active: {data}")
    expect(ask(active)[0] == 200, "the active answers a member")
    expect(ask(active, headers={"Authorization": ""})[0] == 401, "nothing is granted for coming from a member")
    unknown = ours.issue("550e8400-e29b-41d4-a716-446655440000", sender.address)
    expect(ask(active, unknown)[0] == 403, "TLS-11: a certificate of no present member")
    wrong = base64.b64encode(b"rocketskates:wrong").decode()
    ask(active, headers={"Authorization": "Basic " + wrong, "X-Holdfast-Client": "198.51.100.7:1"})
    wait_for(lambda: "peer=198.51.100.7:1" in active.log_text(), 5, "the log to name the client, not the member")


def test_quiet(cluster):
    """LOG-06: dialling a dead peer over and over is one line a minute."""
    active = cluster.active()
    dead = next(node for node in cluster.nodes if node is not active)
    dead.kill()
    marks = {node: len(re.findall("peer_dial_failed", node.log_text())) for node in cluster.alive()}
    for number in range(300):
        cluster.put(active, f"quiet-{number}", "x")
    wait_for(lambda: any(peer["Offline"] for peer in active.client().call("GET", "system/consensus/peers")), 10,
             "the dead peer to be marked")
    for node, before in marks.items():
        lines = len(re.findall("peer_dial_failed", node.log_text())) - before
        expect(lines <= 4, f"LOG-06: {lines} lines about one dead peer on {node.address}")
    dead.start()
    cluster.active()


def main():
    need_program("openssl")
    with Workplace(sys.argv[1]) as workplace:
        cluster = Cluster(workplace).start()
        expect(cluster.nodes[0].state_file()["Roots"] == [], "TLS-13: no root while alone")
        cluster.found(cluster.nodes[0])
        roots = cluster.nodes[0].state_file()["Roots"]
        expect(len(roots) == 1, "TLS-13: enrolling in place makes the first root")
        for node in cluster.nodes[1:]:
            cluster.enroll(node)
        ours = Authority(workplace.path / "ours", roots[0])
        stranger = Authority(workplace.path / "stranger")
        test_shown_certificate(cluster)
        test_who_gets_in(cluster, ours, stranger)
        test_no_circles(cluster, ours)
        test_quiet(cluster)
        print("peer links: certificates, refusals, no circles, a quiet log")


if __name__ == "__main__":
    main()
