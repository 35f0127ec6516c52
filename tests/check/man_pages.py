#!/usr/bin/env python3
"""The man pages name exactly the options that --help does, and the daemon's also each variable and exit code. What --help
says of objects is English.

    man_pages.py DAEMON CLI ROOT
"""
import pathlib
import re
import subprocess
import sys

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
VARIABLE = re.compile(r"\bRS_[A-Z_]+\b")


def shown(program):
    text = subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout
    heads = [re.split(r"\s{2,}", line.strip())[0] for line in text.splitlines() if re.match(r"\s+-", line)]
    return text, {name for head in heads for name in OPTION.findall(head)}


def section(page, name):
    text = page.read_text().replace("\\-", "-")
    found = re.search(rf"^\.SH {name}\n(.*?)(?=^\.SH |\Z)", text, re.M | re.S)
    assert found, f"{page} has no section {name}"
    return found.group(1)


def options_in(page):
    """Of the lines that name an option, not of what is said about it."""
    heads = re.findall(r"^\.TP\n(.*)$", section(page, "OPTIONS"), re.M)
    return {name for head in heads for name in OPTION.findall(head)}


def wrong_articles(cli):
    """"a endpoint" and the like in the help of the verbs of objects."""
    for noun in ("endpoints", "interfaces", "machines", "users"):
        text = subprocess.run([cli, noun, "--help"], capture_output=True, text=True, check=True).stdout
        yield from re.findall(r"\ba [aeio]\w+|\ban (?:[^aeio\W]|u[sn])\w+", text)


def main():
    daemon, cli, root = sys.argv[1:4]
    man = pathlib.Path(root) / "docs" / "man"
    bad = []
    for program, page in ((daemon, man / "holdfastd.8"), (cli, man / "holdfast.1")):
        text, wanted = shown(program)
        assert len(wanted) > 10, f"no options found in {program} --help"
        have = options_in(page)
        bad += [f"{page.name} lacks {name}" for name in sorted(wanted - have)]
        bad += [f"{page.name} has {name}, which --help does not" for name in sorted(have - wanted)]
        if program == daemon:
            told = set(VARIABLE.findall(section(page, "OPTIONS")))
            bad += [f"{page.name} and --help differ about {name}" for name in sorted(told ^ set(VARIABLE.findall(text)))]
    codes = re.findall(r"^  \w+ = (\d+),", (pathlib.Path(root) / "messages" / "fatal.hpp").read_text(), re.M)
    assert len(codes) > 5, "no exit codes found"
    told = set(re.findall(r"^\.B (\d+)$", section(man / "holdfastd.8", "EXIT STATUS"), re.M))
    bad += [f"holdfastd.8 and messages/fatal.hpp differ about exit code {code}" for code in sorted(told ^ set(codes))]
    bad += [f"{cli} --help says '{words}'" for words in wrong_articles(cli)]
    for line in bad:
        print(line)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
