"""No file over 600 lines, no function over 60 in src, mirror and cli.

Functions are found by matching braces, not by a C++ parser: comments, literals and preprocessor lines are blanked, then
a brace at namespace or class level whose head has a parameter list opens a function. Its length counts from the first
line of its head to its closing brace; lambdas and local classes inside count as part of it.
"""
import os
import re

import tree

MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 60

# In the order of precedence at one place: what must not be searched for braces.
HIDDEN = re.compile(
    r'//(?:\\\n|[^\n])*'
    r'|/\*.*?\*/'
    r'|R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'"
    r'|^[ \t]*#(?:\\\n|[^\n])*',
    re.DOTALL | re.MULTILINE)
SCOPE_WORD = re.compile(r'\b(namespace|class|struct|union|enum|extern)\b')
NAME = re.compile(r'([A-Za-z_~][\w:~]*|operator\s*\S{1,3})\s*\(')


def blanked(text):
    """The text with comments, literals and preprocessor lines as blanks; newlines stay."""
    return HIDDEN.sub(lambda match: re.sub(r'[^\n]', ' ', match[0]), text)


def without_template(head):
    """The head without a leading template<...> clause, whose "class" opens no class."""
    head = head.strip()
    while head.startswith("template"):
        depth, end = 0, None
        for place, sign in enumerate(head):
            depth += (sign == "<") - (sign == ">")
            if sign == ">" and depth == 0:
                end = place
                break
        if end is None:
            return head
        head = head[end + 1:].strip()
    return head


def kind_of(head):
    """What a brace after this head opens: "scope" (looked into), "function" (measured) or "other" (skipped)."""
    head = without_template(head)
    before_parameters = head.split("(")[0]
    if SCOPE_WORD.search(before_parameters) and not re.search(r'\b(class|struct|enum|union)\b[^(]*\s\S+\s*$',
                                                              before_parameters if "(" in head else ""):
        return "scope"
    if "(" in head and not re.search(r'(?<![=!<>+\-*/%&|^])=\s*$', head):
        return "function"
    return "other"


def functions(text):
    """(name, first line, length in lines) of every function, in order. Lines count from 1."""
    code = blanked(text)
    found, scopes, head_start, place = [], [], 0, 0
    while place < len(code):
        sign = code[place]
        if sign == "{":
            head = code[head_start:place]
            kind = kind_of(head)
            if kind == "scope":
                scopes.append(place)
            else:
                end = closing(code, place)
                if kind == "function":
                    first = head_start + len(head) - len(head.lstrip())
                    name = NAME.search(without_template(head))
                    line = code.count("\n", 0, first) + 1
                    found.append((name[1] if name else "?", line, code.count("\n", first, end) + 1))
                place = end
            head_start = place + 1
        elif sign in ";}":
            head_start = place + 1
        elif sign == ":" and re.search(r'\b(public|private|protected)\s*$', code[head_start:place]):
            head_start = place + 1
        place += 1
    return found


def closing(code, opening):
    """Place of the brace that closes the one at `opening`; the end of the text if there is none."""
    depth = 0
    for match in re.finditer(r'[{}]', code[opening:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return opening + match.start()
    return len(code) - 1


def problems(root):
    found = []
    for path in tree.code_files(root):
        text = tree.read(os.path.join(root, path))
        lines = text.count("\n")
        if lines > MAX_FILE_LINES:
            found.append(f"{path}: {lines} lines, more than {MAX_FILE_LINES}")
        for name, line, length in functions(text):
            if length > MAX_FUNCTION_LINES:
                found.append(f"{path}:{line}: {name} has {length} lines, more than {MAX_FUNCTION_LINES}")
    return found
