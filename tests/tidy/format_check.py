"""Every C++ file is as clang-format 14 (Debian 12) with .clang-format writes it. Skipped where it is not installed."""
import os
import re
import shutil
import subprocess

import tree


def formatter():
    """clang-format of version 14, or None: others format differently."""
    for name in ("clang-format-14", "clang-format"):
        path = shutil.which(name)
        if path:
            version = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
            if re.search(r'version 14\.', version):
                return path
    return None


def problems(root):
    program = formatter()
    names = tree.files(root, tree.CODE_FOLDERS + ["tests"], tree.CODE_ENDINGS)
    if program is None or not names or not os.path.exists(os.path.join(root, ".clang-format")):
        return []
    run = subprocess.run([program, "--dry-run", "--style=file", *names], cwd=root, capture_output=True, text=True,
                         check=False)
    first = {}
    for path, line in re.findall(r'^(\S+?):(\d+):\d+: warning: code should be clang-formatted', run.stderr, re.MULTILINE):
        first.setdefault(path, line)
    return [f"{path}:{line}: not formatted (make format)" for path, line in sorted(first.items())]
