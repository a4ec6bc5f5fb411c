#!/usr/bin/python3
"""Man pages and completion know every command and option of tandemctl, and every key of etc/tandem.toml.

usage: documents_test.py ROOT BIN    ROOT is the project, BIN has tandemd and tandemctl
"""
import os
import re
import shutil
import subprocess
import sys
import unittest

ROOT, BIN = sys.argv[1:3]
COMMAND = re.compile(r"^  ([a-z][a-z-]*)", re.MULTILINE)
OPTION = re.compile(r"^ *(?:-[a-z],)?(--?[a-z][a-z-]*)", re.MULTILINE)


def read(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        return file.read()


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **more)


def help_of(words):
    return run([os.path.join(BIN, "tandemctl"), *words, "--help"]).stdout


def commands_of(words):
    return COMMAND.findall(help_of(words).partition("\nSubcommands:\n")[2])


def options_of(words):
    return set(OPTION.findall(help_of(words).partition("\nSubcommands:\n")[0]))


def all_commands(words=()):
    """Every command with its words, the one above before those below; () is tandemctl itself."""
    found = [tuple(words)]
    for name in commands_of(words):
        found += all_commands((*words, name))
    return found


def plain(roff):
    """The text of a man page's source, a line each, without fonts; requests keep their name."""
    return roff.replace("\\-", "-").replace('"', "").replace("\\fI", "").replace("\\fP", "")


def entry_of(page, words):
    """The page's text about a command: from the line that names it to the next one that names a command or a section."""
    names = "|".join(re.escape(" ".join(one)) for one in COMMANDS if one)
    begin = re.search(rf"^\.TP\n\.BR? {re.escape(' '.join(words))}(?= |$).*$", page, re.MULTILINE)
    if not begin:
        return None
    end = re.search(rf"^\.(?:TP\n\.BR? (?:{names})(?= |$)|SH )", page[begin.end():], re.MULTILINE)
    return page[begin.start():begin.end() + end.start()] if end else page[begin.start():]


COMMANDS = all_commands()


class ManPages(unittest.TestCase):
    def test_tandemctl_1_names_every_command_with_its_options(self):
        page = plain(read("docs/man/tandemctl.1"))
        missing = []
        for words in COMMANDS:
            has_own_page_part = not commands_of(words)  # "setup" is described by its subcommands
            entry = page if not words else entry_of(page, words)
            if entry is None:
                if has_own_page_part:
                    missing.append(" ".join(words))
                continue
            wanted = options_of(words) - ({"--help", "--help-all"} if words else set())  # said once
            missing += [" ".join((*words, option)) for option in sorted(wanted)
                        if not re.search(rf"(?<![\w-]){option}(?![\w-])", entry)]
        self.assertEqual(missing, [], "not in docs/man/tandemctl.1")

    def test_tandemd_8_names_every_option(self):
        page = plain(read("docs/man/tandemd.8"))
        options = set(OPTION.findall(run([os.path.join(BIN, "tandemd"), "--help"]).stdout))
        self.assertIn("--config", options)
        self.assertEqual([option for option in sorted(options) if option not in page], [], "not in docs/man/tandemd.8")

    def test_tandem_toml_5_names_every_key_in_its_table(self):
        page = plain(read("docs/man/tandem.toml.5"))
        tables = {part.partition("\n")[0].strip(" []"): part for part in page.split("\n.SH ")[1:]}
        table, keys, missing = None, 0, []
        for line in read("etc/tandem.toml").split("\n"):
            if found := re.match(r"(?:# )?\[+(\w+)\]+$", line):
                table = found[1]
            elif found := re.match(r"(?:# )?(\w+) = ", line):
                keys += 1
                if not re.search(rf"^\.BR? {found[1]}(?= |$)", tables.get(table, ""), re.MULTILINE):
                    missing.append(f"[{table}] {found[1]}")
        self.assertGreater(keys, 40)
        self.assertEqual(missing, [], "not in docs/man/tandem.toml.5")

    def test_they_are_well_formed(self):
        if not shutil.which("man"):
            self.skipTest("man is not installed")
        for name in ("tandemd.8", "tandemctl.1", "tandem.toml.5"):
            shown = run(["man", "--warnings=w", "-E", "UTF-8", "-l", "-Tutf8", os.path.join(ROOT, "docs/man", name)],
                        env=dict(os.environ, MANWIDTH="100", PAGER="cat", MANPAGER="cat"))
            self.assertEqual(shown.stderr, "", name)
            self.assertIn("NAME", re.sub(".\b", "", shown.stdout))  # without overstriking


class Completion(unittest.TestCase):
    def setUp(self):
        self.environment = dict(os.environ, PATH=BIN + ":" + os.environ["PATH"])

    def words_of(self, shell, script):
        result = run([*shell, script], env=self.environment, cwd=ROOT)
        self.assertEqual(result.stderr, "")
        return set(result.stdout.split("\n")) - {""}

    def test_bash_offers_every_command_and_option(self):
        def offered(words, current):
            quoted = " ".join(f"'{word}'" for word in ("tandemctl", *words, current))
            return self.words_of(["bash", "-c"], f""". cli/completion/tandemctl.bash
COMP_WORDS=({quoted}); COMP_CWORD={len(words) + 1}; _tandemctl; printf '%s\\n' "${{COMPREPLY[@]}}" """)
        for words in COMMANDS:
            if commands_of(words):
                self.assertEqual(offered(words, ""), set(commands_of(words)), words)
            self.assertLessEqual(options_of(words), offered(words, "-"), words)
        self.assertEqual(offered(("--socket", "status"), "statu"), {"status"})  # the socket's name is no command

    def test_zsh_offers_every_command_and_option(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed")
        for words in COMMANDS:
            said = self.words_of(["zsh", "-fc"], f"""source cli/completion/_tandemctl
_tandemctl_commands {' '.join(words)}; _tandemctl_options {' '.join(words)}""")
            names = {line.partition(":")[0] for line in said}
            self.assertEqual(set(commands_of(words)) | options_of(words), names, words)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=1)
