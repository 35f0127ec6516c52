"""The rows of a run: medians, spread, ratios; printed as they come, kept for JSON."""
import statistics


def spread(values):
    values = list(values)
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "samples": len(values)}


def percentile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


class Table:
    HEAD = f"{'work':<44} {'unit':>5} {'holdfast':>11} {'peer':>11} {'ratio':>8}  {'goal':<16} spread"

    def __init__(self):
        self.rows = []
        self.section = ""

    def begin(self, section):
        self.section = section
        print(f"\n[{section}]\n{Table.HEAD}", flush=True)

    def add(self, name, unit, ours, theirs=None, goal="", peer="etcd", note=""):
        """`ours` and `theirs` are lists of samples. `goal` is ("ratio", "value" or "worst", "<=" or ">=",
        number), or empty: of the ratio, of our median, of our greatest sample."""
        mine, other = spread(ours), spread(theirs) if theirs else None
        ratio = mine["median"] / other["median"] if other and other["median"] else None
        met = None
        if goal:
            kind, order, bound = goal
            shown = {"ratio": ratio, "value": mine["median"], "worst": mine["max"]}[kind]
            met = None if shown is None else (shown <= bound if order == "<=" else shown >= bound)
        self.rows.append({"section": self.section, "name": name, "unit": unit, "holdfast": mine, "peer": other,
                          "peer_name": peer if other else "", "ratio": ratio,
                          "goal": f"{'worst ' if goal[0] == 'worst' else ''}{goal[1]} {goal[2]:g}{' x' if goal[0] == 'ratio' else ''}"
                                  if goal else "",
                          "met": met, "note": note})
        row = self.rows[-1]
        text = f"{mine['min']:.1f}..{mine['max']:.1f}"
        if other:
            text += f" | {other['min']:.1f}..{other['max']:.1f}"
        verdict = {True: " met", False: " MISSED", None: ""}[met]
        print(f"{name:<44} {unit:>5} {mine['median']:>11.1f} "
              f"{format(other['median'], '>11.1f') if other else ' ' * 11} "
              f"{f'{ratio:.2f} x' if ratio else '':>8}  {row['goal'] + verdict:<16} {text}"
              + (f"  ({note})" if note else ""), flush=True)
