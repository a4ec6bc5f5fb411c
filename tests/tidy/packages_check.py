"""Every package of etc/dev/packages.txt has its reason in docs/dependencies.md, and nothing else is in there."""
import os
import re

import tree

LIST = "etc/dev/packages.txt"
REASONS = "docs/dependencies.md"


def problems(root):
    if not os.path.exists(os.path.join(root, LIST)):
        return []
    lines = tree.read(os.path.join(root, LIST)).split("\n")
    listed = {line.split()[1] for line in lines if line.strip() and not line.startswith("#")}
    reasons = tree.read(os.path.join(root, REASONS)) if os.path.exists(os.path.join(root, REASONS)) else ""
    explained = set(re.findall(r'^\| `([^`]+)` \|', reasons, re.MULTILINE))
    found = [f"{REASONS}: no reason for {package} of {LIST}" for package in sorted(listed - explained)]
    found += [f"{REASONS}: {package} is not in {LIST}" for package in sorted(explained - listed)]
    return found
