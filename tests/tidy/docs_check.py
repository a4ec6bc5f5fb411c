"""A path that README.md, CHANGELOG.md or docs/*.md names exists; so does a document that a comment names."""
import glob
import os
import re

import tree

TOP = r'(?:src|mirror|cli|tests|systemd|etc|docs|\.ci)'
# A path from the top level, not part of a longer one (/etc/tandem, build/etc). May hold * and {a,b}.
NAMED = re.compile(r'(?<![\w./-])' + TOP + r'/[\w./*-]*(?:\{[\w,.]+\}[\w./*-]*)*')
LINK = re.compile(r'\]\(([^)#\s]+)(?:#[^)]*)?\)')
DOCUMENT = re.compile(r'(?<![\w./-])docs/[\w-]+\.md')


def spread(pattern):
    """"a.{h,c}" as ["a.h", "a.c"]."""
    match = re.search(r'\{([^}]*)\}', pattern)
    if not match:
        return [pattern]
    return [whole for part in match[1].split(",")
            for whole in spread(pattern[:match.start()] + part + pattern[match.end():])]


def exists(root, pattern):
    return all(glob.glob(os.path.join(root, one)) for one in spread(pattern.rstrip(".").rstrip("/")))


def named_paths(text):
    """(line, path) of every path from the top level that the text names."""
    for number, line in enumerate(text.split("\n"), 1):
        for match in NAMED.finditer(line):
            yield number, match[0]


def link_problems(root, path, text):
    for number, line in enumerate(text.split("\n"), 1):
        for match in LINK.finditer(line):
            target = match[1]
            if re.match(r'[a-z]+:', target):
                continue
            if not os.path.exists(os.path.join(root, os.path.dirname(path), target)):
                yield f"{path}:{number}: links to {target}, which does not exist"


def problems(root):
    found = []
    documents = [name for name in ("README.md", "CHANGELOG.md") if os.path.exists(os.path.join(root, name))]
    documents += tree.files(root, ["docs"], ".md")
    for path in documents:
        text = tree.read(os.path.join(root, path))
        for number, named in named_paths(text):
            if not exists(root, named):
                found.append(f"{path}:{number}: names {named}, which does not exist")
        found.extend(link_problems(root, path, text))
    for path in tree.files(root, ["src", "mirror", "cli", "tests", "etc", "systemd"]):
        if path.startswith("tests/tidy/"):
            continue
        text = tree.read(os.path.join(root, path))
        for number, line in enumerate(text.split("\n"), 1):
            for match in DOCUMENT.finditer(line):
                if not os.path.exists(os.path.join(root, match[0])):
                    found.append(f"{path}:{number}: names {match[0]}, which does not exist")
    return found
