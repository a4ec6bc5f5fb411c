"""Walking the source tree: what the checks share."""
import os

CODE_FOLDERS = ["src", "mirror", "cli"]
CODE_ENDINGS = (".cpp", ".hpp", ".c", ".h")


def read(path):
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


def files(root, folders, endings=None):
    """Paths relative to root, sorted; endings None means every file."""
    found = []
    for folder in folders:
        for place, folders_below, names in os.walk(os.path.join(root, folder)):
            folders_below[:] = [name for name in folders_below if name != "__pycache__"]
            for name in names:
                if endings is None or name.endswith(endings):
                    found.append(os.path.relpath(os.path.join(place, name), root))
    return sorted(found)


def code_files(root):
    return files(root, CODE_FOLDERS, CODE_ENDINGS)
