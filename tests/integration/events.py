#!/usr/bin/env python3
"""The websocket of events against a real daemon (contract §6): the handshake of registrations, events of every
kind, who may see what, log lines, logins by header and by query, and what becomes of a stream when the API is
restarted.

    events.py DAEMON
"""
import base64
import sys

from harness import BASIC, PASSWORD, USER, Workplace, wait_for
from websocket_client import WebSocket


def register(socket, pattern, word="register"):
    """Exactly one acknowledgement, and nothing else unless something happens."""
    socket.send(f"{word} {pattern}")
    answer = socket.receive()
    assert (answer["Type"], answer["Action"], answer["Key"]) == ("websocket", word, pattern), answer
    assert set(answer) == {"Time", "Type", "Action", "Key", "Principal", "Object", "Original"}, answer


def expect(socket, kind, action, key):
    event = socket.receive()
    assert event is not None, f"the stream ended instead of {kind}.{action}.{key}"
    assert (event["Type"], event["Action"], event["Key"]) == (kind, action, key), event
    return event


def changes(node):
    client = node.client()
    socket = WebSocket(node)
    assert socket.status == 101, socket.status
    register(socket, "*.*.*")
    # `*.*.*` also matches log lines, which come when they like: what follows looks at profiles alone.
    register_only = WebSocket(node)
    register(register_only, "profiles.*.*")
    register(register_only, "profiles.create,update.bob")
    client.call("POST", "profiles", {"Name": "bob"})
    created = expect(register_only, "profiles", "create", "bob")
    assert created["Object"]["Name"] == "bob" and created["Original"] is None and created["Principal"] == USER
    client.call("POST", "profiles/bob/params/color", '"red"')
    changed = expect(register_only, "profiles", "update", "bob")
    assert changed["Original"]["Params"] == {} and changed["Object"]["Params"] == {"color": "red"}, changed
    client.call("DELETE", "profiles/bob")
    expect(register_only, "profiles", "delete", "bob")
    register(register_only, "profiles.*.*", "deregister")
    register(register_only, "profiles.create,update.bob", "deregister")
    client.call("POST", "profiles", {"Name": "jill"})
    assert register_only.silent(), "an event after the last registration was taken back"
    register(register_only, "custom.*.a.b")
    status, headers, body = client.request("POST", "/api/v3/events",
                                           {"Type": "custom", "Action": "x", "Key": "a.b", "Object": {"n": 1}})
    assert status < 300 and headers["content-type"].startswith("application/json") and body == b"", (status, body)
    assert expect(register_only, "custom", "x", "a.b")["Object"] == {"n": 1}
    client.call("POST", "events", {"Type": "websocket", "Action": "register", "Key": "x"})
    assert register_only.silent(), "a posted event looked like an acknowledgement"
    socket.close()
    register_only.close()


def rights(node):
    client = node.client()
    client.call("POST", "roles", {"Name": "watcher", "Claims": [{"scope": "profiles", "action": "get",
                                                                 "specific": "seen"}]})
    client.call("POST", "users", {"Name": "anna", "Roles": ["watcher"]})
    client.call("PUT", "users/anna/password", {"Password": "pass word"})
    anna = WebSocket(node, authorization="Basic " + base64.b64encode(b"anna:pass word").decode())
    register(anna, "*.*.*")
    client.call("POST", "profiles", {"Name": "hidden"})
    client.call("POST", "profiles", {"Name": "seen"})
    expect(anna, "profiles", "create", "seen")
    client.call("PATCH", "profiles/hidden", [{"op": "replace", "path": "/Description", "value": "x"}])
    assert anna.silent(), "an event of an object that anna may not get"
    anna.close()


def logins(node):
    token = node.client().call("GET", f"users/{USER}/token")["Token"]
    for path, authorization in ((f"/api/v3/ws?token={token}", None), (f"/api/v3/ws?Token={token}", None),
                                (f"/api/v3/ws?token={USER}:{PASSWORD}", None), ("/api/v3/ws", f"Bearer {token}")):
        socket = WebSocket(node, path, authorization)
        assert socket.status == 101, (path, socket.status)
        register(socket, "profiles.*.*")
        socket.close()
    for path, authorization, status in (("/api/v3/ws", None, 401), ("/api/v3/ws?token=x", None, 403),
                                        ("/api/v3/ws", "Basic " + base64.b64encode(b"a:b").decode(), 403)):
        assert WebSocket(node, path, authorization).status == status, path


def login_events(node):
    """A password that was checked and a token that was given out are events of the user, for who may get the user."""
    client = node.client()
    watcher = WebSocket(node)
    register(watcher, "users.login,token.*")
    client.call("PUT", "users/anna/password", {"Password": "new word"})
    anna = node.client(authorization="Basic " + base64.b64encode(b"anna:new word").decode())
    anna.call("GET", "users/anna/token")

    def next_of(user):
        event = wait_for(lambda: (seen := watcher.receive()) and seen["Key"] == user and seen, 10, f"an event of {user}")
        return event["Action"], event["Principal"], event["Object"]

    assert next_of("anna") == ("login", "anna", None)
    assert next_of("anna") == ("token", "anna", None)
    client.call("GET", "users/anna/token")
    assert next_of("anna") == ("token", USER, None)
    seen_by_anna = WebSocket(node, authorization=anna.authorization)
    register(seen_by_anna, "users.*.*")
    client.call("GET", f"users/{USER}/token")
    assert seen_by_anna.silent(), "anna was told of another user's token"
    for socket in (watcher, seen_by_anna):
        socket.close()


def log_lines(node):
    socket = WebSocket(node)
    register(socket, "log.*.*")
    node.client(authorization="Basic " + base64.b64encode(b"nobody:x").decode()).request("GET", "/api/v3/info")

    def refused_login():
        line = socket.receive()
        return line["Type"] == "log" and "nobody" in line["Object"]["Message"] and line

    line = wait_for(refused_login, 10, "the line of a refused login")["Object"]
    assert {"Group", "Seq", "Time", "Level", "Service", "Principal", "Message", "Data"} <= set(line), line
    assert any("nobody" in kept["Message"] for kept in node.client().call("GET", "logs"))
    socket.close()


def restart(node):
    """A stream ends rather than miss events in silence; the client connects again."""
    socket = WebSocket(node)
    register(socket, "profiles.*.*")
    node.client().request("POST", "/api/v3/system/actors/api/kill")
    assert socket.receive(20) is None, "the stream outlived the API"

    def again():
        fresh = WebSocket(node)
        return fresh.status == 101 and fresh

    fresh = wait_for(again, 20, "the websocket to be served again")
    register(fresh, "profiles.*.*")
    node.client().call("POST", "profiles", {"Name": "after"})
    expect(fresh, "profiles", "create", "after")
    fresh.close()


def main():
    with Workplace(sys.argv[1]) as place:
        node = place.node().start()
        changes(node)
        rights(node)
        logins(node)
        login_events(node)
        log_lines(node)
        restart(node)
        assert node.terminate() == 0
        print("events: handshake, changes, rights, logins and their events, log lines, restart")


if __name__ == "__main__":
    main()
