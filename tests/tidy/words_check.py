"""No notes of unfinished work and no paths of somebody's own machine in what is shipped."""
import os
import re

import tree

# Marks of unfinished work: finish it, or write an issue.
UNFINISHED = re.compile(r'\b(TODO|FIXME|XXX|HACK)\b|\b(placeholder|for now)\b', re.IGNORECASE)
# Absolute paths that exist on one machine only.
SOMEBODYS = re.compile(r'(?<![\w.:-])/(home|work|workspace|Users)/\w')

SHIPPED = ["src", "mirror", "cli", "systemd", "etc"]


def problems(root):
    found = []
    for path in tree.files(root, SHIPPED):
        found.extend(line_problems(root, path, UNFINISHED, "a note of unfinished work"))
    everything = tree.files(root, SHIPPED + ["docs", "tests", ".ci"])
    everything += [name for name in ("README.md", "CHANGELOG.md", "Makefile", "CMakeLists.txt", "CMakePresets.json")
                   if os.path.exists(os.path.join(root, name))]
    for path in everything:
        if not path.startswith("tests/tidy/"):
            found.extend(line_problems(root, path, SOMEBODYS, "a path of somebody's own machine"))
    return found


def line_problems(root, path, pattern, what):
    for number, line in enumerate(tree.read(os.path.join(root, path)).split("\n"), 1):
        match = pattern.search(line)
        if match:
            yield f'{path}:{number}: "{match[0]}" is {what}'
