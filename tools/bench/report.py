#!/usr/bin/env python3
"""Writes the figures of a bench run into docs/performance.md and draws docs/performance.svg.

    report.py RUN.json… [--document FILE]

Only what stands between the two marks of the document is replaced. With several runs a later one's sections
replace an earlier one's of the same name, so one section can be measured again alone.
"""
import argparse
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from plot import svg  # noqa: E402

BEGIN, END = "<!-- figures: begin (tools/bench/report.py) -->", "<!-- figures: end -->"


def number(value):
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(side):
    if not side:
        return ""
    text = number(side["median"])
    if side["samples"] > 1:
        text += f" ({number(side['min'])}–{number(side['max'])})"
    return text


def table(rows):
    lines = []
    for section in dict.fromkeys(row["section"] for row in rows):
        lines += ["", f"### {section}", "",
                  "| work | unit | Holdfast | compared with | ratio | goal | |", "|---|---|---|---|---|---|---|"]
        for row in (row for row in rows if row["section"] == section):
            peer = f"{row['peer_name']}: {cell(row['peer'])}" if row["peer"] else ""
            ratio = f"{row['ratio']:.2f} ×" if row["ratio"] else ""
            verdict = {True: "met", False: "**missed**", None: ""}[row["met"]]
            note = f" ({row['note']})" if row["note"] else ""
            lines.append(f"| {row['name'].strip()}{note} | {row['unit']} | {cell(row['holdfast'])} | {peer} | {ratio} | "
                         f"{row['goal'].replace('<=', '≤').replace('>=', '≥').replace(' x', ' ×')} | {verdict} |")
    return lines


def merged(runs):
    rows = []
    for run in runs:
        fresh = {row["section"] for row in run["rows"]}
        rows = [row for row in rows if row["section"] not in fresh] + run["rows"]
    return rows


def figures(runs, rows):
    # A run of the vip section alone may have been made where there is no etcd.
    machine = next((run["machine"] for run in reversed(runs) if run["machine"]["etcd"]), runs[-1]["machine"])
    lines = [f"Machine class: {machine['cores']} × {machine['cpu']}, {machine['memory_gb']} GB, "
             f"Linux {machine['kernel']}; {machine['etcd']}.", ""]
    for run in runs:
        lines.append(f"- `{run['command']}`: {run['began']}, {run['minutes']} minutes, "
                     f"load before it {run['machine']['load_before']:.1f}"
                     + (f"; failed: {'; '.join(run['failed'])}" if run["failed"] else ""))
    met = sum(row["met"] is True for row in rows)
    missed = sum(row["met"] is False for row in rows)
    lines += ["", f"Medians, with the least and the most of the samples in brackets. {met} goals met, {missed} missed.",
              "", "![Times better than etcd](performance.svg)"]
    return lines + table(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", nargs="+", type=pathlib.Path)
    parser.add_argument("--document", type=pathlib.Path, default=HERE.parent.parent / "docs" / "performance.md")
    options = parser.parse_args()
    runs = [json.loads(path.read_text()) for path in options.run]
    rows = merged(runs)
    text = options.document.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit(f"report.py: {options.document} lacks the marks {BEGIN!r} and {END!r}")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    options.document.write_text(before + BEGIN + "\n" + "\n".join(figures(runs, rows)) + "\n\n" + END + after)
    options.document.with_suffix(".svg").write_text(svg(rows))
    print(f"{options.document}: {len(rows)} rows of {len(runs)} run(s)")


if __name__ == "__main__":
    main()
