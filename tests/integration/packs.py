#!/usr/bin/env python3
"""Content packs as files and folders: `holdfast contents bundle, unbundle, document` without a server, `bundlize` and
`convert` with one. The round trip is exact, nothing is written outside the target, bad input is refused by name.

    packs.py DAEMON CLI
"""
import json
import os
import pathlib
import subprocess
import sys

from cli import Cli
from harness import Workplace

SCRIPT = "#!/bin/sh\n  echo {{.Param \"a/b\"}}\n\n# end\n"
PACK = {
    "meta": {"Name": "sample", "Version": "1.0", "Description": "Two\nlines\n", "Documentation": "# Title\n\ntext\n",
             "Tags": "", "Overwritable": False},
    "sections": {
        "params": {"a/b": {"Name": "a/b", "Schema": {"type": "string", "default": "yes"}},
                   "a.b": {"Name": "a.b", "Description": "12:30", "Schema": {"maximum": 1e300, "enum": [1, 1.5, None]}}},
        "profiles": {"wide": {"Name": "wide", "Documentation": "What it is for.\n", "Params": {
            "text": SCRIPT, "no": "no", "0x1f": "0x1f", "date": "2001-01-01", "tail": "x ", "lead": " x\ny\n", "": "",
            "nul": "a\u0000b", "two": "a\n\n", "bell": "\u0007", "tab": "\ta\n", "hash": "# x", "umlaut": "äöü 日本",
            "deep": {"list": [[], {}, [[1]], True, ""]}, "minus": "-", "colon": "a: b", "big": 18446744073709551615}}},
        "stages": {},
        "templates": {"run.sh": {"ID": "run.sh", "Contents": SCRIPT},
                      "dir/run.sh": {"ID": "dir/run.sh", "Contents": "x"},
                      "like.yaml": {"ID": "like.yaml", "Contents": "a: b\n"},
                      "told": {"ID": "told", "Contents": "", "Description": "said"}},
    },
}


class Local:
    """The CLI with no server anywhere."""

    def __init__(self, program, path):
        self.program, self.path = program, path
        self.env = {"PATH": os.environ["PATH"], "HOME": str(path), "RS_ENDPOINT": "https://127.0.0.1:1"}

    def run(self, *words, code=0, cwd=None):
        done = subprocess.run([self.program, "contents", *map(str, words)], env=self.env, capture_output=True, text=True,
                              cwd=cwd or self.path, timeout=60)
        assert done.returncode == code, (words, done)
        return done.stdout if code == 0 else done.stderr


def files_below(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def round_trip(cli):
    for form in ("json", "yaml"):
        here = cli.path / f"tree-{form}"
        pack = cli.path / f"first.{form}"
        (cli.path / "sample.json").write_text(json.dumps(PACK))
        assert cli.run("unbundle", cli.path / "sample.json", "--dst", here) == ""
        cli.run("bundle", pack, cwd=here)
        cli.run("unbundle", pack, "--dst", cli.path / f"again-{form}")
        cli.run("bundle", cli.path / f"second-{form}.json", "--src", cli.path / f"again-{form}")
        assert json.loads((cli.path / f"second-{form}.json").read_text()) == PACK
    tree = files_below(cli.path / "tree-json")
    assert tree["templates/run.sh"] == SCRIPT.encode() and tree["._Version.meta"] == b"1.0"
    assert "templates/dir.run.sh.json" in tree and {"params/a.b.json", "params/a.b-2.json"} <= set(tree)
    assert (cli.path / "tree-json" / "stages").is_dir()
    assert b"    #!/bin/sh\n" in files_below(cli.path / "again-yaml")["profiles/wide.yaml"], "lines stay readable"
    assert not list(cli.path.rglob("*.tmp"))


def metadata(cli):
    here = cli.path / "meta"
    (here / "profiles").mkdir(parents=True)
    (here / "docs").mkdir()
    (here / "docs" / "x.yaml").write_text("not: taken\n")
    (here / "profiles" / "a.yml").write_text("Name: a\n")
    (here / "profiles" / ".hidden").write_text("left out")
    (here / "meta.yaml").write_text("Name: of-map\nAuthor: of-map\nVersion: \"1\"\n")
    (here / "._Author.meta").write_text("of-file")
    cli.run("bundle", "../m.json", "Version=3=x", cwd=here)
    assert json.loads((cli.path / "m.json").read_text()) == {
        "meta": {"Name": "of-map", "Author": "of-file", "Version": "3=x"}, "sections": {"profiles": {"a": {"Name": "a"}}}}
    before = (cli.path / "m.json").read_bytes()
    (here / "profiles" / "b.json").write_text('{"Name": "a"}')
    assert "is the object a too" in cli.run("bundle", "../m.json", code=1, cwd=here)
    (here / "profiles" / "b.json").write_text('{"Title": "b"}')
    assert "profiles/b.json has no Name" in cli.run("bundle", "../m.json", code=1, cwd=here)
    (here / "profiles" / "b.json").write_text('{"Name": "b"')
    assert "profiles/b.json is neither JSON nor YAML" in cli.run("bundle", "../m.json", code=1, cwd=here)
    (here / "profiles" / "b.json").write_text("[" * 100000)
    cli.run("bundle", "../m.json", code=1, cwd=here)
    (here / "profiles" / "b.json").rename(here / "profiles" / "b.txt")
    assert "no idea how to read profiles/b.txt" in cli.run("bundle", "../m.json", code=1, cwd=here)
    (here / "profiles" / "b.txt").unlink()
    (here / "templates").mkdir()
    (here / "templates" / "bad").write_bytes(b"\xff")
    assert "templates/bad is not UTF-8" in cli.run("bundle", "../m.json", code=1, cwd=here)
    (here / "templates" / "bad").unlink()
    assert "Key=value" in cli.run("bundle", "../m.json", "noequals", code=1, cwd=here)
    assert "Unknown store extension" in cli.run("bundle", "../m.tar", code=1, cwd=here)
    assert "another name" in cli.run("bundle", "meta.yaml", code=1, cwd=here)
    (here / "._Name.meta").write_text("m\n")
    assert "line break" in cli.run("bundle", "../m.json", code=1, cwd=here)
    (here / "._Name.meta").unlink()
    (here / "meta.yaml").unlink()
    assert "no Name" in cli.run("bundle", "../m.json", code=1, cwd=here)
    assert (cli.path / "m.json").read_bytes() == before, "a refused bundle changed the pack"


def nothing_outside(cli):
    """Keys that would leave the folder, and links that lead out of it."""
    pack = cli.path / "evil.json"
    for prefix, key, member in (("profiles", "../../out", "Name"), ("profiles", "/etc/out", "Name"),
                                ("templates", "..", "ID"), ("profiles", "a/../../out", "Name"),
                                ("profiles", ".hidden", "Name"), ("profiles", "a\nb", "Name"), ("profiles", "", "Name"),
                                ("profiles", "x" * 300, "Name"), ("../profiles", "a", "Name")):
        target = cli.path / "evil" / "target"
        pack.write_text(json.dumps({"meta": {"Name": "evil"}, "sections": {
            "params": {"first": {"Name": "first"}}, prefix: {key: {member: key, "Contents": "x"}}}}))
        assert cli.run("unbundle", pack, "--dst", target, code=1).startswith("Error: "), key
        assert not target.exists(), f"something was written for {key!r} before it was refused"
    for key in ("../x", "a/b", ""):
        pack.write_text(json.dumps({"meta": {"Name": "evil", key: "x"}, "sections": {}}))
        assert "no name for a piece of metadata" in cli.run("unbundle", pack, "--dst", cli.path / "evil", code=1)
    victim = cli.path / "victim"
    victim.mkdir()
    (victim / "file").write_text("untouched")
    pack.write_text(json.dumps({"meta": {"Name": "evil"}, "sections": {"profiles": {"a": {"Name": "a"}}}}))
    linked = cli.path / "linked"
    linked.mkdir()
    (linked / "profiles").symlink_to(victim)
    assert "profiles" in cli.run("unbundle", pack, "--dst", linked, code=1)
    (linked / "profiles").unlink()
    (linked / "profiles").mkdir()
    (linked / "profiles" / "a.json").symlink_to(victim / "file")
    assert "a.json" in cli.run("unbundle", pack, "--dst", linked, code=1)
    assert files_below(victim) == {"file": b"untouched"}


def bad_packs(cli):
    pack = cli.path / "bad.yaml"
    for text, told in (("meta: {Name: x}\nextra: {}\n", "not 'extra'"), ("meta: {}\n", "no Name"), ("- 1\n", "is a map"),
                       ("meta: {Name: x}\nsections: {ships: {}}\n", "'ships'"),
                       ("meta: {Name: x}\nsections: {profiles: {a: {Name: b}}}\n", "has the key b inside"),
                       ("meta: {Name: x}\nsections: {profiles: {a: {}}}\n", "profiles/a has no Name"),
                       ("meta: {Name: x}\nmeta: {Name: y}\n", "twice"), ("meta: {Name: x}\n---\nmeta: {}\n", "more than one"),
                       ("a: &a [1,1,1,1,1,1,1,1]\n" + "".join(
                           f"{c}: &{c} [{','.join(['*' + chr(ord(c) - 1)] * 8)}]\n" for c in "bcdefghijk"), "1,000,000"),
                       ("a: &a [*a, *a]\n", "nested"), ("{", "neither JSON nor YAML"), ("", "neither JSON nor YAML")):
        pack.write_text(text)
        for verb in ("unbundle", "document"):
            assert told in cli.run(verb, pack, code=1), (text[:60], told)
    assert "cannot read" in cli.run("unbundle", "none.yaml", code=1)
    assert not (cli.path / "sections").exists()


def documentation(cli):
    text = cli.run("document", cli.path / "sample.json")
    assert text.startswith("# sample\n\nVersion 1.0\n\nTwo\nlines\n\n# Title\n\ntext\n\n## params\n"), text
    assert "\n## profiles\n\n### `wide`\n\nWhat it is for.\n" in text and "## stages" not in text
    assert "\n### `told`\n\nsaid\n" in text


def with_a_server(cli, place):
    """Objects become a pack, the pack takes them over; a pack becomes objects."""
    cli.run("profiles", "create", '{"Name":"one","Params":{"p":"x"}}')
    cli.run("profiles", "create", '{"Name":"two","Description":"mine"}')
    cli.run("params", "create", "a/b")
    pack = str(place.path / "made.yaml")
    assert "no object was named" in cli.run("contents", "bundlize", pack, "Name=made", code=1)
    assert "Not Found" in cli.run("contents", "bundlize", pack, "Name=made", "profiles:none", code=1)
    assert "'ships'" in cli.run("contents", "bundlize", pack, "Name=made", "ships:x", code=1)
    assert "no Name" in cli.run("contents", "bundlize", pack, "profiles:one", code=1)
    assert "--reload requires --delete" in cli.run("contents", "bundlize", "--reload", pack, "Name=made", "profiles:one",
                                                  code=1)
    assert not pathlib.Path(pack).exists()
    cli.run("contents", "bundlize", pack, "Name=made", "profiles:one", "profiles:Description=mine", "params:a/b")
    assert cli.json("profiles", "show", "one")["Bundle"] == "", "bundlize alone changes nothing on the server"
    cli.run("contents", "unbundle", pack, "--dst", str(place.path / "made"))
    assert {path.name for path in (place.path / "made").rglob("*.yaml")} == {"one.yaml", "two.yaml", "a.b.yaml"}
    assert "ReadOnly" not in pathlib.Path(pack).read_text()
    words = ("Name=made", "profiles:one", "profiles:Description=mine", "params:a/b")
    assert cli.json("contents", "bundlize", "--delete", "--reload", pack, *words)["Counts"] == {"params": 1, "profiles": 2}
    shown = cli.json("profiles", "show", "one")
    assert shown["Bundle"] == "made" and shown["ReadOnly"] is True and shown["Params"] == {"p": "x"}
    assert "already exists" in cli.run("contents", "convert", pack, code=1)
    cli.run("contents", "destroy", "made")
    assert "does not exist" in cli.run("profiles", "exists", "one", code=1)
    assert cli.run("contents", "convert", pack) == ""
    shown = cli.json("profiles", "show", "one")
    assert shown["Bundle"] == "" and shown["ReadOnly"] is False and shown["Params"] == {"p": "x"}
    assert "0 objects were created" in cli.run("contents", "convert", pack, code=1)
    cli.run("contents", "bundlize", "--delete", pack, *words)
    assert "does not exist" in cli.run("params", "exists", "a/b", code=1)


def main():
    daemon, program = map(os.path.abspath, sys.argv[1:3])
    with Workplace(daemon) as place:
        home = place.path / "home"
        home.mkdir()
        local = Local(program, home)
        for part in (round_trip, metadata, nothing_outside, bad_packs, documentation):
            part(local)
        node = place.node().start()
        with_a_server(Cli(program, node, home), place)
        assert node.terminate() == 0
        print("packs: round trip, metadata, nothing outside, bad packs, documentation, bundlize, convert")


if __name__ == "__main__":
    main()
