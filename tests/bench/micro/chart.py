"""A line chart as SVG: cost by size, both logarithmic; readable on a light and on a dark page."""
import math
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 760, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 250, 40, 48
LIGHT = ("#0b62a8", "#b3420a", "#1c7a3d", "#8a2f8f", "#8a6d00", "#4b5563", "#c01f4e", "#00717a")
DARK = ("#6fb7f2", "#f39a63", "#6fd08c", "#d58be0", "#e0c252", "#aab2bd", "#f47b9d", "#5fd0d8")
LABEL_GAP = 15


def count(number):
    for unit, name in ((1_000_000, " M"), (1_000, " k")):
        if number >= unit and number % (unit // 10) == 0:
            return f"{number / unit:g}{name}"
    return str(number)


def duration(ns):
    for unit, name in ((1e6, "ms"), (1e3, "us")):
        if ns >= unit:
            return f"{ns / unit:.3g} {name}"
    return f"{ns:.3g} ns"


def style():
    light = "".join(f".c{i}{{stroke:{c}}}.t{i}{{fill:{c}}}" for i, c in enumerate(LIGHT))
    dark = "".join(f".c{i}{{stroke:{c}}}.t{i}{{fill:{c}}}" for i, c in enumerate(DARK))
    return ("<style>text{font:12px sans-serif;fill:#333}.title{font-weight:bold;font-size:14px}.grid{stroke:#d5d5d5}"
            f".line{{fill:none;stroke-width:2}}{light}"
            f"@media(prefers-color-scheme:dark){{text{{fill:#ccc}}.grid{{stroke:#444}}{dark}}}</style>")


class Axes:
    """Places of sizes and costs. A size of 0 stands a decade before the smallest other one."""

    def __init__(self, curves):
        sizes = sorted({size for points in curves.values() for size, _ in points})
        costs = [cost for points in curves.values() for _, cost in points]
        self.sizes = sizes
        self.zero = min((size for size in sizes if size > 0), default=1) / 10
        self.low = math.log10(max(sizes[0], self.zero) if sizes[0] == 0 else sizes[0])
        self.high = math.log10(sizes[-1] or self.zero)
        self.bottom, self.top = math.floor(math.log10(min(costs))), math.ceil(math.log10(max(costs)))

    def x(self, size):
        at = (math.log10(size or self.zero) - self.low) / ((self.high - self.low) or 1)
        return LEFT + at * (WIDTH - LEFT - RIGHT)

    def y(self, cost):
        at = (math.log10(cost) - self.bottom) / ((self.top - self.bottom) or 1)
        return HEIGHT - BOTTOM - at * (HEIGHT - TOP - BOTTOM)


def grid(axes, sizes_title):
    parts = []
    for decade in range(axes.bottom, axes.top + 1):
        y = axes.y(10 ** decade)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
                     f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end">{duration(10 ** decade)}</text>')
    for size in axes.sizes:
        parts.append(f'<text x="{axes.x(size):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{count(size)}</text>')
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(f'<text x="{middle}" y="{HEIGHT - 10}" text-anchor="middle">{escape(sizes_title)}</text>')
    return parts


def label_places(ends):
    """(y, index) from the top, moved apart; all stay inside."""
    places, last = [], TOP - LABEL_GAP
    for y, index in sorted(ends):
        last = max(y, last + LABEL_GAP)
        places.append([last, index])
    limit = HEIGHT - BOTTOM + 8
    for place in reversed(places):
        place[0] = min(place[0], limit)
        limit = place[0] - LABEL_GAP
    return places


def log_log(title, sizes_title, curves):
    """`curves`: name -> [(size, nanoseconds)] by size."""
    axes = Axes(curves)
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
             f'aria-label="{escape(title)}">', style(), f'<text class="title" x="{LEFT}" y="22">{escape(title)}</text>']
    parts += grid(axes, sizes_title)
    ends = []
    for index, points in enumerate(curves.values()):
        color = index % len(LIGHT)
        line = " ".join(f"{axes.x(size):.1f},{axes.y(cost):.1f}" for size, cost in points)
        parts.append(f'<polyline class="line c{color}" points="{line}"/>')
        parts += [f'<circle class="t{color}" cx="{axes.x(size):.1f}" cy="{axes.y(cost):.1f}" r="3"/>' for size, cost in points]
        ends.append((axes.y(points[-1][1]), index))
    names = list(curves)
    for y, index in label_places(ends):
        parts.append(f'<text class="t{index % len(LIGHT)}" x="{WIDTH - RIGHT + 10}" y="{y + 4:.1f}">{escape(names[index])}</text>')
    return "\n".join(parts) + "\n</svg>\n"
