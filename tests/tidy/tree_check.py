"""The top level is exactly the list; something new belongs into one of the folders."""
import os

TOP_LEVEL = {
    "CMakeLists.txt", "src", "mirror", "cli", "tests", "systemd", "etc", "CHANGELOG.md", "README.md", "LICENSE",
    "Makefile", "docs", "CMakePresets.json", ".clang-format", ".clang-tidy", ".gitignore", ".ci",
}
NOT_OURS = ("build", "compile_commands.json")  # made by builds, ignored by git; so are other names with a dot


def problems(root):
    there = set(os.listdir(root))
    found = [f"{name}: missing from the top level" for name in sorted(TOP_LEVEL - there)]
    for name in sorted(there - TOP_LEVEL):
        if not name.startswith(".") and not name.startswith(NOT_OURS):
            found.append(f"{name}: not in the list of the top level (tests/tidy/tree_check.py)")
    return found
