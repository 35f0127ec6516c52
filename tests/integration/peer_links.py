"""The links between members as a stranger meets them (TLS-01, -02, -10, -12, -13, TLS-11): openssl makes the
certificates, Python's ssl dials the consensus address.

usage: peer_links.py HOLDFASTD
"""
import base64
import datetime
import socket
import ssl
import subprocess
import sys

from cluster_harness import Cluster
from cluster_tools import expect, own_id
from harness import Workplace, need_program, wait_for

PKCS8_ED25519 = bytes.fromhex("302e020100300506032b657004220420")


def pem(label, der):
    text = base64.encodebytes(der).decode()
    return f"-----BEGIN {label}-----\n{text}-----END {label}-----\n"


def openssl(*words):
    done = subprocess.run(["openssl", *words], capture_output=True, text=True)
    expect(done.returncode == 0, f"openssl {' '.join(words)}: {done.stderr}")
    return done.stdout


class Authority:
    """A root: the cluster's own, taken from its introduction, or a stranger's."""

    def __init__(self, folder, name, root=None):
        self.folder, self.name = folder, name
        self.key, self.cert = folder / f"{name}.key", folder / f"{name}.crt"
        if root:
            self.key.write_text(pem("PRIVATE KEY", PKCS8_ED25519 + base64.b64decode(root["Key"])[:32]))
            self.cert.write_text(pem("CERTIFICATE", base64.b64decode(root["Data"][0])))
        else:
            openssl("genpkey", "-algorithm", "ed25519", "-out", str(self.key))
            openssl("req", "-x509", "-new", "-key", str(self.key), "-subj", "/CN=stranger", "-days", "30", "-out",
                    str(self.cert))

    def issue(self, name, node_id, ip, begins=-1, ends=24):
        """Certificate and key for the node id and address; valid from and until so many hours from now."""
        key, request, cert, more = (self.folder / f"{name}.{end}" for end in ("key", "csr", "crt", "ext"))
        openssl("genpkey", "-algorithm", "ed25519", "-out", str(key))
        openssl("req", "-new", "-key", str(key), "-subj", f"/CN={node_id}", "-out", str(request))
        more.write_text("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
                        "extendedKeyUsage=serverAuth,clientAuth\n"
                        f"subjectAltName=IP:{ip},URI:holdfast:node:{node_id}\n")
        database = self.folder / f"{name}.db"
        database.write_text("")
        settings = self.folder / f"{name}.cnf"
        settings.write_text(f"[ca]\ndefault_ca=x\n[x]\ndatabase={database}\nnew_certs_dir={self.folder}\nrand_serial=yes\n"
                            "default_md=default\npolicy=p\n[p]\ncommonName=supplied\n")
        when = [(datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=hours)).strftime("%y%m%d%H%M%SZ")
                for hours in (begins, ends)]
        openssl("ca", "-batch", "-notext", "-config", str(settings), "-cert", str(self.cert), "-keyfile", str(self.key), "-in",
                str(request), "-out", str(cert), "-extfile", str(more), "-startdate", when[0], "-enddate", when[1])
        return cert, key


def meet(node, port, source, own=None, version=ssl.TLSVersion.TLSv1_3):
    """Dials and reads one byte: "closed" when the other side took the handshake and waits for a hello or hung up
    without an alert, "open" when it waits, else the error."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    if own:
        context.load_cert_chain(*map(str, own))
    with socket.create_connection((node.address, port), timeout=2, source_address=(source, 0)) as plain:
        try:
            with context.wrap_socket(plain) as secure:
                secure.settimeout(1.0)
                got = secure.recv(1)
                return "closed" if not got else "answered"
        except TimeoutError:
            return "open"
        except (ssl.SSLError, OSError) as error:
            return str(error)


def refusals(node):
    return [line for line in node.log_text().splitlines() if "peer_refused" in line]


def main():
    need_program("openssl")
    with Workplace(sys.argv[1]) as workplace:
        cluster = Cluster(workplace, 3).form()
        node = cluster.nodes[1]
        port = cluster.consensus_port
        introduction = cluster.active().client().call("GET", "system/consensus/introduction")
        expect(len(introduction["Roots"]) == 1, "TLS-13: one root after the formation")
        ours = Authority(workplace.path, "ours", introduction["Roots"][0])
        strange = Authority(workplace.path, "strange")
        stranger_id = "550e8400-e29b-41d4-a716-446655440000"
        address = iter(f"{cluster.net}.{number}" for number in range(100, 200))

        def dial(authority=None, ip=None, **more):
            """From a fresh source address each time: the log tells each subject's trouble once."""
            source = next(address)
            own = None
            if authority:
                own = authority.issue(f"c{source}", stranger_id, ip or source, **more)
            return meet(node, port, source, own), source

        def told(source, text, what):
            line = wait_for(lambda: next((l for l in refusals(node) if source in l), None), 10, what + " in the log")
            expect(text in line, f"{what}: '{text}' is missing in: {line}")

        got, _ = dial(ours)
        expect(got == "open", f"a certificate of the cluster's root is let as far as the hello: {got}")
        refused_old = meet(node, port, next(address), None, ssl.TLSVersion.TLSv1_2)
        expect(refused_old not in ("open", "closed", "answered"), f"TLS-01: TLS 1.2 was taken: {refused_old}")
        got, source = dial()
        expect(got not in ("open", "answered"), f"TLS-01: no client certificate: {got}")
        told(source, "no certificate", "TLS-01")
        got, source = dial(strange)
        expect(got not in ("open", "answered"), f"TLS-02: a foreign authority: {got}")
        told(source, "not among this cluster's roots", "TLS-02")
        got, source = dial(ours, ip=f"{cluster.net}.9")
        expect(got not in ("open", "answered"), f"TLS-10: another address: {got}")
        told(source, f"is for {cluster.net}.9, but the link is with", "TLS-10")
        got, source = dial(ours, begins=23, ends=47)
        expect(got not in ("open", "answered"), f"TLS-12: a clock that is ahead: {got}")
        told(source, "the clocks of the two hosts differ", "TLS-12")
        got, source = dial(ours, begins=-48, ends=-24)
        expect(got not in ("open", "answered"), f"TLS-12: a clock that is behind: {got}")
        told(source, "a clock is wrong", "TLS-12")
        shown = subprocess.run(["openssl", "s_client", "-connect", f"{node.address}:{port}", "-showcerts"], input="",
                               capture_output=True, text=True).stdout
        leaf = shown[shown.index("-----BEGIN CERTIFICATE"):shown.index("-----END CERTIFICATE-----") + 26]
        text = subprocess.run(["openssl", "x509", "-noout", "-ext", "subjectAltName"], input=leaf, capture_output=True,
                              text=True).stdout
        expect(f"IP Address:{node.address}" in text, f"TLS-10: {text}")
        cluster.put(cluster.active(), "still-here", "x")
        print("peer_links: done")


if __name__ == "__main__":
    main()
