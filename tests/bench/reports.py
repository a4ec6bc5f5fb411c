"""Reads the raw reports of the bench (JSON lines) and compares them within rounds, as tandem-bench-table does."""
import json
import statistics


def load(paths):
    """All reports, in order, without notes on the machine. Rounds become "file:round": only neighbours in time are comparable."""
    out = []
    for place, path in enumerate(paths):
        with open(path) as f:
            lines = [json.loads(line) for line in f if line.startswith("{")]
        out += [report | {"round": f"{place}:{report.get('round', 0)}"} for report in lines
                if "case" in report]
    return out


def notes(path):
    """The notes on the machine in a file."""
    with open(path) as f:
        return [note for line in f if line.startswith("{") for note in [json.loads(line).get("machine")] if note]


def labels_of(reports):
    """In order of first appearance, as are the cases."""
    return list(dict.fromkeys(r["label"] for r in reports))


def cases_of(reports):
    return list(dict.fromkeys(r["case"] for r in reports))


def field(*path):
    """A value of a report, by its keys."""
    def read(report):
        for key in path:
            report = report.get(key) if isinstance(report, dict) else None
        return report
    return read


def threads(chosen, process=0):
    """CPU us a message of those threads of the first process (a pair's active) whose name `chosen` takes."""
    def read(report):
        processes = report.get("cpu_us_by_process")
        if not processes:
            return None
        return sum(us for name, us in processes[process].get("threads_us", {}).items() if chosen(name))
    return read


def is_store(name):
    return name.startswith("store-")


def is_link(name):
    return name.startswith("ZMQbg")


def is_core(name):
    """The core thread and the edge threads."""
    return not is_store(name) and not is_link(name)


def by_round(reports, case, label, read):
    """{round: value} of this broker in this case; the last report of a round counts."""
    values = {r["round"]: read(r) for r in reports if r["case"] == case and r["label"] == label}
    return {number: value for number, value in values.items() if value is not None}


def combined(one, other, how):
    """{round: how(value of one, value of other)}, where both have one."""
    return {number: how(value, other[number]) for number, value in one.items() if number in other}


def ratios(one, other):
    return combined(one, {number: value for number, value in other.items() if value > 0}, lambda a, b: a / b)


def median(values):
    return statistics.median(values.values())


def digits(value):
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def spread(values, unit=""):
    """"median (smallest-largest) unit"."""
    if not values:
        return "-"
    return f"{digits(median(values))}{unit} ({digits(min(values.values()))}-{digits(max(values.values()))})"
