"""Includes go down a floor or stay in the folder; never up, never to a sibling. Libraries stay behind their walls."""
import os
import re

import tree

FLOORS = {
    "src/base": 0,
    "src/mqtt": 1, "src/store": 1, "src/vip": 1, "mirror": 1,
    "src/core": 2, "src/edge": 2, "src/admin": 2,
    "src/broker": 3, "cli": 3,
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)

# A library header and where it may be included, as path starts: elsewhere its types would leak through the house.
WALLS = {
    "zmq": ("mirror/link", "mirror/keys", "mirror/zap"),  # the files of the target tandem_link
    "sqlite3.h": ("src/store/",),
    "toml++/": ("src/base/toml",),
    "spdlog/": ("src/base/journal",),
    "systemd/": ("src/broker/service_manager",),
    "doctest/": (),
}


def folder_of(path):
    """"src/base" of "src/base/ids.hpp", "mirror" of "mirror/role.hpp"."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "src" else parts[0]


def target_of(root, included):
    """The file that a quoted include means, relative to root, or None."""
    for start in ("src/", ""):
        if os.path.isfile(os.path.join(root, start + included)):
            return start + included
    return None


def include_problem(root, path, included):
    target = target_of(root, included)
    if target is None:
        return f'"{included}" is no file below src/ or the top level'
    own, other = folder_of(path), folder_of(target)
    if other not in FLOORS:
        return f'"{included}" is in {other}, which is on no floor'
    if own == other or FLOORS[other] < FLOORS[own]:
        return None
    way = "goes up" if FLOORS[other] > FLOORS[own] else "goes sideways to a sibling"
    return f'"{included}" {way}: {own} is on floor {FLOORS[own]}, {other} on floor {FLOORS[other]}'


def wall_problem(path, included):
    for library, places in WALLS.items():
        if included.startswith(library) and not path.startswith(places):
            return f"<{included}> is included only in {', '.join(places) or 'tests'}"
    return None


def problems(root):
    found = []
    for path in tree.code_files(root):
        if folder_of(path) not in FLOORS:
            found.append(f"{path}: its folder is on no floor (tests/tidy/floors_check.py)")
            continue
        text = tree.read(os.path.join(root, path))
        for match in INCLUDE.finditer(text):
            quoted, included = match[1] == '"', match[2]
            problem = wall_problem(path, included)
            if problem is None and quoted:
                problem = include_problem(root, path, included)
            if problem:
                line = text.count("\n", 0, match.start(1)) + 1
                found.append(f"{path}:{line}: {problem}")
    return found
