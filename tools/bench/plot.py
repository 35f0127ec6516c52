"""A plot of a run as SVG, drawn by hand: one bar a ratio on a logarithmic scale, its goal as a mark."""
import math
from xml.sax.saxutils import escape

LEFT, BAR, STEP, WIDTH = 330, 14, 24, 420
GOOD, BAD, NEUTRAL, INK, FAINT = "#2e7d4f", "#b3452e", "#5b7ea6", "#222", "#ccc"


def better_when_lower(row):
    return row["goal"].startswith("<=") or row["unit"] in ("us", "ms", "MB", "s")


def advantage(row):
    """How many times better than the peer: above 1 is better, whichever way the unit counts."""
    ratio = row["ratio"]
    return 1 / ratio if better_when_lower(row) else ratio


def goal_advantage(row):
    if not row["goal"].endswith(" x"):
        return None
    bound = float(row["goal"].split()[1])
    return 1 / bound if better_when_lower(row) else bound


def svg(rows):
    shown = [row for row in rows if row["ratio"] and row["peer_name"] == "etcd" and not row["name"].startswith("  ")]
    span = max([2.0] + [abs(math.log2(value)) for row in shown
                        for value in (advantage(row), goal_advantage(row) or 1)]) * 1.05
    lowest = min([0.0] + [math.log2(advantage(row)) for row in shown])
    scale = WIDTH / (span - lowest)

    def x(value):
        return LEFT + (math.log2(value) - lowest) * scale

    height = 60 + STEP * len(shown)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" height="{height}" '
           f'font-family="sans-serif" font-size="12" fill="{INK}">',
           f'<rect width="100%" height="100%" fill="white"/>',
           '<text x="10" y="20" font-weight="bold">Times better than etcd in the same run (mark: the goal)</text>']
    power = math.ceil(lowest)
    while power <= span:
        at = x(2.0 ** power)
        out.append(f'<line x1="{at:.1f}" y1="34" x2="{at:.1f}" y2="{height - 18}" stroke="{INK if power == 0 else FAINT}"/>')
        out.append(f'<text x="{at:.1f}" y="{height - 5}" text-anchor="middle" font-size="10">{2.0 ** power:g} x</text>')
        power += 1
    for number, row in enumerate(shown):
        top, value = 40 + STEP * number, advantage(row)
        left, right = sorted((x(1), x(value)))
        colour = {True: GOOD, False: BAD, None: NEUTRAL}[row["met"]]
        out.append(f'<text x="{LEFT - 8}" y="{top + 11}" text-anchor="end">'
                   f'{escape(row["section"] + ": " + row["name"])}</text>')
        out.append(f'<rect x="{left:.1f}" y="{top}" width="{max(right - left, 1):.1f}" height="{BAR}" fill="{colour}"/>')
        out.append(f'<text x="{max(right, x(1)) + 5:.1f}" y="{top + 11}">{value:.2f} x</text>')
        if goal := goal_advantage(row):
            out.append(f'<line x1="{x(goal):.1f}" y1="{top - 3}" x2="{x(goal):.1f}" y2="{top + BAR + 3}" '
                       f'stroke="{INK}" stroke-width="2"/>')
    return "\n".join(out + ["</svg>"]) + "\n"
