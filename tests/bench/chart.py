#!/usr/bin/env python3
"""Draws the figures of docs/performance.md from raw reports, as SVG that is readable in light and in dark.

    tests/bench/chart.py --out FOLDER FILE...    FILE: JSON lines of bench.sh; those of all its sets together

ratios.svg: CPU a message of each broker by case, compared with FlashMQ, or Mosquitto if FlashMQ took no part. latency.svg: p50, p99
and p99.9 of the paced cases. growth.svg: CPU a message by number of connections. A chart without reports is left out.
"""
import argparse
import math
import os
from xml.sax.saxutils import escape

from reports import by_round, cases_of, field, labels_of, load, median, ratios

COLOURS = {"tandem": "#2f7fd6", "tandem-pair": "#9a5fd0", "tandem-pair-disk": "#d0568f", "tandem-pair-peer-disk": "#d9822b",
           "mosquitto": "#3f9b5f", "flashmq": "#d0503f", "relay": "#8a8f98"}
NAMES = {"flashmq": "FlashMQ", "mosquitto": "Mosquitto"}
OTHERS = ("#7d8c1f", "#1f8c8c", "#8c5a1f")
LEFT, WIDTH, RIGHT = 190, 560, 45
STYLE = """<style>
text{font:12px system-ui,sans-serif;fill:#24292f}
.title{font-size:14px;font-weight:600}
.back{fill:#fff}
.soft{fill:#57606a}
.grid{stroke:#d0d7de}
.one{stroke:#57606a;stroke-dasharray:4 3}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}
.back{fill:#161b22}
.soft{fill:#9da7b1}
.grid{stroke:#30363d}
.one{stroke:#9da7b1}
}
</style>"""


def colour(label, labels):
    return COLOURS.get(label) or OTHERS[labels.index(label) % len(OTHERS)]


class Canvas:
    def __init__(self, width, height, title):
        self.width, self.height, self.parts = width, height, []
        self.text(16, 24, title, "title")

    def text(self, x, y, text, kind="", anchor="start"):
        self.parts.append(f'<text x="{x:.1f}" y="{y:.1f}" class="{kind}" text-anchor="{anchor}">{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, kind="", stroke="", width=1):
        paint = f' stroke="{stroke}"' if stroke else ""
        self.parts.append(f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"{paint} '
                          f'stroke-width="{width}"/>')

    def dot(self, x, y, paint, hint, radius=4.5):
        self.parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{paint}"><title>{escape(hint)}</title></circle>')

    def legend(self, labels, y):
        x = 16
        for label in labels:
            self.dot(x + 5, y - 4, colour(label, labels), label)
            self.text(x + 14, y, label)
            x += 30 + 7 * len(label)

    def save(self, path):
        with open(path, "w") as f:
            f.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" width="{self.width}" '
                    f'height="{self.height}" role="img">\n{STYLE}\n<rect width="100%" height="100%" rx="6" class="back"/>\n')
            f.write("\n".join(self.parts) + "\n</svg>\n")


class Log:
    """A logarithmic axis from `low` to `high`, in pixels from `begin` to `end`."""

    def __init__(self, low, high, begin, end):
        self.low, self.high, self.begin, self.end = math.log10(low), math.log10(high), begin, end

    def at(self, value):
        return self.begin + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.begin)

    def ticks(self):
        """Fewer of each decade, the more decades there are."""
        decades = self.high - self.low
        steps = (1, 1.5, 2, 3, 5, 7) if decades < 1.3 else (1, 2, 5) if decades < 2.2 else (1,)
        every = [step * 10 ** power for power in range(math.floor(self.low), math.ceil(self.high) + 1) for step in steps]
        return [tick for tick in every if self.low - 1e-9 <= math.log10(tick) <= self.high + 1e-9]


def axis_of(values, begin, end):
    """Holds all values with room at both ends; at least half a decade."""
    low, high = min(values) / 1.2, max(values) * 1.2
    if high / low < 3:
        low, high = low / 1.5, high * 1.5
    return Log(low, high, begin, end)


def plain(value):
    return f"{value:,.0f}" if value >= 10 else f"{value:g}"


def dot_rows(canvas, axis, names, top, step, unit):
    """Grid and row names; returns the rows' heights."""
    bottom = top + step * len(names)
    for tick in axis.ticks():
        canvas.line(axis.at(tick), top, axis.at(tick), bottom, "grid")
        canvas.text(axis.at(tick), bottom + 16, plain(tick) + unit, "soft", "middle")
    rows = [top + step * (i + 0.5) for i in range(len(names))]
    for name, y in zip(names, rows):
        canvas.text(LEFT - 10, y + 4, name, "", "end")
    return rows


def ratio_chart(reports, path):
    labels = labels_of(reports)
    reference = next((name for name in ("flashmq", "mosquitto") if name in labels), None)
    quantities = [("cpu_us", ""), ("in_us", " in"), ("out_us", " out")]
    rows = []
    for case in cases_of(reports):
        for key, suffix in quantities:
            base = by_round(reports, case, reference, field(key))
            found = {label: ratios(by_round(reports, case, label, field(key)), base) for label in labels if label != reference}
            if any(found.values()):
                rows.append((case + suffix, {label: values for label, values in found.items() if values}))
    if not rows:
        return False
    step, top = 22, 66
    canvas = Canvas(LEFT + WIDTH + RIGHT, top + step * len(rows) + 34, f"CPU of the broker a delivered message, as a multiple of {NAMES.get(reference, reference)}'s")
    every = [value for _, found in rows for values in found.values() for value in values.values()]
    axis = axis_of(every + [1], LEFT, LEFT + WIDTH)
    shown = [label for label in labels if any(label in found for _, found in rows)]
    canvas.legend(shown, 48)
    heights = dot_rows(canvas, axis, [name for name, _ in rows], top, step, "x")
    canvas.line(axis.at(1), top, axis.at(1), top + step * len(rows), "one")
    for (name, found), y in zip(rows, heights):
        for label, values in found.items():
            paint = colour(label, shown)
            canvas.line(axis.at(min(values.values())), y, axis.at(max(values.values())), y, stroke=paint, width=2)
            canvas.dot(axis.at(median(values)), y, paint, f"{name}, {label}: {median(values):.3g}x")
    canvas.save(path)
    return True


def latency_chart(reports, path):
    paced = [r for r in reports if r.get("rate", 0) > 0 and "latency_us" in r]
    labels, rows = labels_of(paced), []
    for case in cases_of(paced):
        for label in labels:
            points = [by_round(paced, case, label, field("latency_us", name)) for name in ("p50", "p99", "p99.9")]
            if all(points):
                rows.append((case, label, [max(median(values), 1) for values in points]))
    if not rows:
        return False
    step, top = 20, 66
    canvas = Canvas(LEFT + WIDTH + RIGHT, top + step * len(rows) + 34,
                    "Latency of paced messages: p50 (small), p99 (middle), p99.9 (large)")
    axis = axis_of([value for _, _, points in rows for value in points], LEFT, LEFT + WIDTH)
    canvas.legend(labels, 48)
    heights = dot_rows(canvas, axis, [f"{case}, {label}" if i == 0 or rows[i - 1][0] != case else label
                                      for i, (case, label, _) in enumerate(rows)], top, step, " us")
    for i, ((case, label, points), y) in enumerate(zip(rows, heights)):
        paint = colour(label, labels)
        if i > 0 and rows[i - 1][0] != case:
            canvas.line(16, y - step / 2, LEFT + WIDTH, y - step / 2, "grid")
        canvas.line(axis.at(points[0]), y, axis.at(points[-1]), y, stroke=paint, width=2)
        for name, value, radius in zip(("p50", "p99", "p99.9"), points, (3, 4.5, 6)):
            canvas.dot(axis.at(value), y, paint, f"{case}, {label}: {name} {value:.0f} us", radius)
    canvas.save(path)
    return True


def growth_chart(reports, path):
    conns = [r for r in reports if r["case"].startswith("conns-")]
    labels, lines = labels_of(conns), {}
    for label in labels:
        points = {2 * r["count"]: by_round(conns, r["case"], label, field("cpu_us")) for r in conns if r["label"] == label}
        lines[label] = sorted((count, median(values)) for count, values in points.items() if values)
    if not any(lines.values()):
        return False
    top, bottom = 66, 330
    canvas = Canvas(LEFT + WIDTH + RIGHT, bottom + 44, "CPU of the broker a delivered message (us), by number of connections")
    canvas.legend(labels, 48)
    across = axis_of([count for points in lines.values() for count, _ in points], 80, LEFT + WIDTH)
    up = axis_of([us for points in lines.values() for _, us in points], bottom, top)
    for tick in across.ticks():
        canvas.line(across.at(tick), top, across.at(tick), bottom, "grid")
        canvas.text(across.at(tick), bottom + 18, plain(tick), "soft", "middle")
    for tick in up.ticks():
        canvas.line(80, up.at(tick), LEFT + WIDTH, up.at(tick), "grid")
        canvas.text(72, up.at(tick) + 4, plain(tick), "soft", "end")
    for label, points in lines.items():
        paint = colour(label, labels)
        for (x1, y1), (x2, y2) in zip(points, points[1:]):
            canvas.line(across.at(x1), up.at(y1), across.at(x2), up.at(y2), stroke=paint, width=2)
        for count, us in points:
            canvas.dot(across.at(count), up.at(us), paint, f"{label}, {count:,} connections: {us:.3g} us")
    canvas.save(path)
    return True


def draw_all(reports, folder):
    """The names of the charts that were drawn."""
    standard = [r for r in reports if not r["case"].startswith(("conns-", "steps-", "paced-"))]
    latency = [r for r in reports if r["case"].startswith("paced-")]
    drawn = []
    for name, draw, of in (("ratios", ratio_chart, standard), ("latency", latency_chart, latency), ("growth", growth_chart, reports)):
        if draw(of, os.path.join(folder, name + ".svg")):
            drawn.append(name)
    return drawn


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("files", nargs="+")
    args = parser.parse_args()
    print("drawn:", *draw_all(load(args.files), args.out))


if __name__ == "__main__":
    main()
