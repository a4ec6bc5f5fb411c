"""The commands of docs/runbook.md, in the order of the page.

A fenced block says in its first line what it is: "console WHERE [repeat] [status=N]" has commands ("# " as root, "$ " as a
user) and below each what it prints; "hands WHERE" is what a person does. "..." in an expected line stands for anything; a
line "..." for any lines.
"""
import re
from dataclasses import dataclass, field

FENCE = re.compile(r"^( *)```(.*)$")
PROMPTS = ("# ", "$ ")


@dataclass
class Block:
    kind: str  # "console" or "hands"
    where: str
    line: int
    repeat: bool = False
    status: int = 0  # exit status of its commands
    lines: list = field(default_factory=list)

    def commands(self):
        """(command, expected lines) each."""
        found = []
        for line in self.lines:
            if line.startswith(PROMPTS):
                found.append((line[2:], []))
            elif not found:
                raise ValueError(f"docs/runbook.md:{self.line}: output before the first command")
            else:
                found[-1][1].append(line)
        return found


def block_of(info, line):
    words = info.split()
    if not words or words[0] not in ("console", "hands"):
        raise ValueError(f"docs/runbook.md:{line}: a fenced block is 'console WHERE' or 'hands WHERE', not '{info}'")
    block = Block(words[0], "", line)
    where = []
    for word in words[1:]:
        if word == "repeat":
            block.repeat = True
        elif word.startswith("status="):
            block.status = int(word.removeprefix("status="))
        else:
            where.append(word)
    block.where = " ".join(where)
    return block


def blocks(text):
    found, current, indent = [], None, ""
    for number, line in enumerate(text.split("\n"), 1):
        fence = FENCE.match(line)
        if fence and current is None:
            indent = fence[1]
            current = block_of(fence[2], number)
        elif fence:
            found.append(current)
            current = None
        elif current is not None:
            current.lines.append(line.removeprefix(indent))
    if current is not None:
        raise ValueError(f"docs/runbook.md:{current.line}: the block has no end")
    return found


def missing_line(printed, expected):
    """The first expected line that no line of the output begins with, in order; None if it has all."""
    lines = iter(printed.split("\n"))
    for wanted in expected:
        if wanted.strip() == "...":
            continue
        pattern = ".*".join(re.escape(part) for part in wanted.strip().split("..."))
        if not any(re.match(pattern, line.strip()) for line in lines):
            return wanted
    return None
