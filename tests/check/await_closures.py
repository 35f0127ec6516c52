#!/usr/bin/env python3
"""Finds closures with captures that are made inside a co_await expression.

g++ 12 destroys such a temporary twice: every captured string, shared_ptr or function is freed once too often.
A closure must get a name before the co_await; captures by reference and `this` are harmless.
Exit 0 when there is none, 1 with one line per offence otherwise.
`--self-test` requires planted offences to be found and harmless forms to be let through.
"""
import pathlib
import re
import sys

LAMBDA = re.compile(r"[(,=]\s*\[([^\[\]]*)\]\s*(?:\(|\{|mutable)")


def expression(text, start):
    """The text of a co_await expression from `start` to its end, with the bodies of closures left out."""
    depth = 0
    braces = 0
    out = []
    for char in text[start:]:
        if char == "{":
            braces += 1
        if braces == 0:
            if char in "([":
                depth += 1
            elif char in ")]":
                depth -= 1
                if depth < 0:
                    break
            elif char == ";":
                break
        if braces == 0 or (char == "{" and braces == 1):
            out.append(char)
        if char == "}":
            braces -= 1
    return "".join(out)


def harmless(captures):
    return all(not part or part == "this" or part.startswith("&")
               for part in (piece.strip() for piece in captures.split(",")))


def offences(text):
    text = re.sub(r"//[^\n]*", "", text)
    for match in re.finditer(r"\bco_await\b", text):
        for closure in LAMBDA.finditer(expression(text, match.end())):
            if not harmless(closure.group(1)):
                yield text.count("\n", 0, match.start()) + 1, closure.group(1)


def self_test():
    bad = ["co_await f([x] { return x; });", "co_await f(a,\n  [x = y.z](int) -> awaitable<int> { co_return 1; });",
           "auto r = co_await a.b([&with, pem]() -> std::string {\n  return pem; });"]
    good = ["co_await f([&] { g(); });", "const auto w = [x] { return x; };\nco_await f(w);", "co_await f([this] {});",
            "co_await f(a[x](1));", "co_await f();\nspawn([x] { h(); });",
            "// a name before the co_await\nconst auto w = [x] { return x; };"]
    fine = all(list(offences(text)) for text in bad) and not any(list(offences(text)) for text in good)
    print("self-test", "passed" if fine else "FAILED")
    return 0 if fine else 1


def main():
    if "--self-test" in sys.argv:
        return self_test()
    root = pathlib.Path(sys.argv[1])
    found = 0
    for room in ("runtime", "net", "actors", "tools", "tests"):
        for path in sorted((root / room).rglob("*.[ch]pp")):
            for line, captures in offences(path.read_text()):
                print(f"{path.relative_to(root)}:{line}: closure [{captures}] made inside a co_await expression")
                found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
