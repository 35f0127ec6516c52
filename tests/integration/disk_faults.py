#!/usr/bin/env python3
"""Disk full and I/O errors on the log: the node stops acknowledging, says why, ends with an exit code of its own,
and loses nothing acknowledged.

    disk_faults.py DAEMON full|eio

full: a small tmpfs of its own (root). eio: the n-th fdatasync fails (strace). Covers WAL-11.
"""
import http.client
import json
import subprocess
import sys

from harness import Workplace, need_program, need_root, wait_for

EXIT_LOG_IO, EXIT_DISK_FULL = 74, 75  # messages/fatal.hpp, docs/operating.md


def write_until_refused(node, limit=20000, size=4096):
    """Writes objects until one is not acknowledged. Returns the acknowledged keys and the refusal."""
    client = node.client(timeout=10.0)
    acknowledged = []
    for number in range(limit):
        key = f"w-{number}"
        try:
            status, _, data = client.request("POST", "/api/v3/profiles",
                                             {"Name": key, "Description": "x" * size})
        except (OSError, http.client.HTTPException) as error:
            return acknowledged, error
        if status >= 400:
            return acknowledged, json.loads(data)
        acknowledged.append(key)
    raise AssertionError("the disk never filled up")


def all_there(node, keys):
    names = {profile["Name"] for profile in node.client().call("GET", "profiles?slim=Params")}
    missing = [key for key in keys if key not in names]
    assert not missing, f"{len(missing)} acknowledged writes are gone, first {missing[:3]}"


def full(place):
    need_root()
    node = place.node()
    node.root.mkdir(parents=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(node.root)], check=True)
    try:
        node.start()
        acknowledged, refusal = write_until_refused(node)
        assert acknowledged, "nothing was acknowledged at all"
        if isinstance(refusal, dict) and refusal["Code"] == 504:
            # The one that was on its way when the disk was found full: its outcome is open, the next one's is not.
            _, _, data = node.client().request("POST", "/api/v3/profiles", {"Name": "next"})
            refusal = json.loads(data)
        text = json.dumps(refusal)
        assert isinstance(refusal, dict) and refusal["Code"] in (503, 507) and "space" in text.lower(), text
        wait_for(lambda: "space" in node.log_text().lower(), 5, "the log to say that the disk is full")
        code = node.wait_end(60)
        assert code == EXIT_DISK_FULL, f"ended with {code}:\n{node.log_tail()}"
        assert "make room" in node.log_text(), "the log does not say what to do"
        subprocess.run(["mount", "-o", "remount,size=200m", str(node.root)], check=True)
        node.start()
        all_there(node, acknowledged)
        status, _, _ = node.client().request("POST", "/api/v3/profiles", {"Name": "after"})
        assert status in (200, 201), "writes must go on once there is room"
        print(f"disk full: refused after {len(acknowledged)} acknowledged writes, none lost: {text[:160]}")
    finally:
        if node.process and node.process.poll() is None:
            node.kill()
        subprocess.run(["umount", str(node.root)], check=True)


def eio(place):
    need_program("strace")
    node = place.node()
    node.start()
    node.client().call("POST", "profiles", {"Name": "before"})
    assert node.terminate() == 0
    wrapper = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync",
               "-e", "inject=fdatasync:error=EIO:when=40+"]
    node.start(wrapper=wrapper, timeout=60)
    acknowledged, refusal = write_until_refused(node, size=64)
    code = node.wait_end(20)
    assert code == EXIT_LOG_IO, f"ended with {code}:\n{node.log_tail()}"
    assert "Input/output" in node.log_text(), node.log_tail()
    node.start()
    all_there(node, ["before", *acknowledged])
    print(f"EIO: exit code {code} after {len(acknowledged)} acknowledged writes, none lost ({refusal})")


def main():
    with Workplace(sys.argv[1]) as place:
        {"full": full, "eio": eio}[sys.argv[2]](place)


if __name__ == "__main__":
    main()
