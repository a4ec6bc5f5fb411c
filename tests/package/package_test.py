#!/usr/bin/python3
"""The Debian package on a bare Debian 12: checked by lintian, installed, upgraded, removed, purged without a trace.

usage: package_test.py ROOT BUILD [--from BARE] [--keep]

ROOT is the project; in BUILD everything has been built (the package is made of its programs).
--from  a bare Debian that root.sh has made: a copy of it is used, not a new one
--keep  leaves the bare Debian and the package
Exit: 0 holds, 1 does not, 77 skipped (it needs root and debootstrap).
"""
import argparse
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from bare_debian import SKIPPED, BareDebian, PlayedNode

UNIT = "/lib/systemd/system/tandemd.service"
ENABLED = "/etc/systemd/system/multi-user.target.wants/tandemd.service"
DROP_IN = "/etc/systemd/system/keepalived.service.d/tandem.conf"
CONFIG = "/etc/tandem/tandem.toml"
KEEPALIVED = "/etc/keepalived/keepalived.conf"
CONFIGURED = '[node]\nname = "boxa"\n[[listener]]\naddress = "127.0.0.1"\n[security]\nallow_anonymous = true\n'
SHIPPED = ["/usr/bin/tandemd", "/usr/bin/tandemctl", UNIT, DROP_IN, "/usr/lib/sysusers.d/tandem.conf",
           "/usr/lib/tmpfiles.d/tandem.conf", "/usr/lib/sysctl.d/60-tandem.conf", "/usr/share/man/man8/tandemd.8.gz",
           "/usr/share/man/man1/tandemctl.1.gz", "/usr/share/man/man5/tandem.toml.5.gz",
           "/usr/share/bash-completion/completions/tandemctl", "/usr/share/zsh/vendor-completions/_tandemctl",
           "/usr/share/doc/tandem/copyright", "/usr/share/doc/tandem/changelog.gz",
           "/usr/share/doc/tandem/docs/takeover.md", "/usr/share/doc/tandem/examples/tandem.toml"]


def expect(holds, what):
    if not holds:
        raise AssertionError(what)


def equal(got, wanted, what):
    expect(got == wanted, f"{what}: {got!r}, not {wanted!r}")


def same(before, after, what):
    differing = sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))
    expect(not differing, f"{what}: differs in " + ", ".join(f"/{path}" for path in differing[:20]))


def made_package(build, folder):
    ran = subprocess.run(["cpack", "-G", "DEB", "-B", folder], cwd=build, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         text=True, check=False)
    made = glob.glob(os.path.join(folder, "tandem_*.deb"))
    expect(ran.returncode == 0 and len(made) == 1, f"cpack makes one package: {made}\n{ran.stdout}")
    return made[0]


def lintian_is_content(package):
    ran = subprocess.run(["lintian", "--allow-root", "--info", "--fail-on", "error,warning", package],
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    expect(ran.returncode == 0, f"lintian has no errors and warnings:\n{ran.stdout}")


def depended_on(package):
    field = subprocess.run(["dpkg-deb", "--field", package, "Depends"], capture_output=True, text=True, check=True).stdout
    return sorted(re.match(r"[\w.+-]+", one.strip())[0] for one in field.split(","))


def installed(debian, package):
    debian.apt("install", package)
    for path in SHIPPED:
        expect(debian.exists(path), f"{path} is installed")
    expect(not debian.exists(CONFIG), "a fresh box has no configuration: tandemctl setup writes it")
    expect(debian.exists(ENABLED), "the unit is enabled")
    equal(debian.run("stat", "-c", "%a %U %G", "/etc/tandem").strip(), "750 root tandem", "/etc/tandem")
    equal(debian.read("/run/tandem/vrrp.weight").strip(), "-254", "the weight before tandemd has ever run")
    equal(debian.run("stat", "-c", "%A %U", "/run/tandem/vrrp.fifo").strip(), "prw------- tandem", "the FIFO")
    verified = debian.run("systemd-analyze", "verify", "--man=no", "tandemd.service", check=False)
    expect("tandemd.service" not in verified, f"systemd finds nothing wrong with the unit:\n{verified}")
    expect("tandemd" in debian.run("tandemd", "--version"), "the program runs with what the package depends on")


def configuration_survives(debian, package):
    debian.write(CONFIG, CONFIGURED, 0o640)
    debian.run("chown", "root:tandem", CONFIG)
    equal(debian.run("tandemd", "--check-config").strip(), f"{CONFIG}: good", "the configuration")
    debian.run("install", "-d", "-o", "tandem", "-m", "750", "/var/lib/tandem")
    debian.write("/var/lib/tandem/log.db", "data")
    debian.write(DROP_IN, debian.read(DROP_IN) + "# mine\n")
    debian.run("dpkg", "--install", package)
    equal(debian.read(CONFIG), CONFIGURED, "tandem.toml after an upgrade")
    expect(debian.read(DROP_IN).endswith("# mine\n"), "an edited drop-in stays")


def node(name, role, reachable=True):
    return {"name": name, "role": role, "reachable": reachable}


def upgrade_restarts_no_active(debian, package):
    """What postinst asks of systemd when tandemd runs, by what the box is."""
    peer_serves = {"self": node("boxa", "standby"), "peer": node("boxb", "active")}
    serves = {"protected": True, "self": node("boxa", "active"), "peer": node("boxb", "standby")}
    alone = {"self": node("boxa", "standby"), "peer": node("boxb", "active", reachable=False)}
    single = {"self": node("boxa", "active"), "peer": None}
    for status, restarted in ((peer_serves, True), (serves, False), (alone, False), (single, True)):
        debian.play_state("active")
        with PlayedNode(debian.path("/run/tandem/tandemd.sock"), status):
            said = debian.run("dpkg", "--install", package)
        equal(debian.asked(), ["restart tandemd.service"] if restarted else [],
              f"what an upgrade asks of systemd with {status}\n{said}")
        equal("NOT restarted" in said, not restarted, f"what it says: {said}")
    debian.play_state("active")
    said = debian.run("dpkg", "--install", package)
    equal(debian.asked(), [], "a tandemd that does not answer is not restarted")
    expect("NOT restarted" in said and "standby" in said, f"and it says so: {said}")
    debian.play_state("inactive")
    debian.run("dpkg", "--install", package)
    equal(debian.asked(), ["start tandemd.service"], "one that does not run")


def removed(debian, package):
    debian.play_state("active")
    debian.run("dpkg", "--remove", "tandem")
    equal(debian.asked(), ["stop tandemd.service"], "what a removal asks of systemd")
    expect(not debian.exists("/usr/bin/tandemd") and not debian.exists(UNIT), "the programs are gone")
    equal(debian.read(CONFIG), CONFIGURED, "tandem.toml after a removal")
    equal(debian.read("/var/lib/tandem/log.db"), "data", "the data after a removal")
    # Its keepalived.conf is still there: without a broker keepalived must not take the virtual IP.
    expect("ConditionPathExists=/run/tandem/vrrp.weight" in debian.read(DROP_IN), "the drop-in stays")
    debian.play_state("inactive")
    debian.run("dpkg", "--install", package)
    equal(debian.asked(), ["start tandemd.service"], "it starts when it is back")
    expect(debian.exists(ENABLED), "the unit is enabled again")


def purged(debian, package, before):
    someone_elses = "# keepalived of somebody else\n"
    debian.write(KEEPALIVED, someone_elses)
    debian.run("dpkg", "--purge", "tandem")
    equal(debian.read(KEEPALIVED), someone_elses, "a keepalived.conf that tandemctl has not written")
    debian.run("dpkg", "--install", package)
    debian.write(KEEPALIVED, "# keepalived for one box of a Tandem pair, made by `tandemctl setup keepalived`\n")
    debian.play_state("active")
    debian.run("dpkg", "--purge", "tandem")
    equal(debian.asked(),
          ["stop tandemd.service", "stop keepalived.service"], "what a purge asks of systemd")
    expect(not debian.exists(KEEPALIVED), "tandemctl's keepalived.conf is gone")
    debian.end_systemd()
    os.rmdir(debian.path("/etc/keepalived"))
    same(before, debian.snapshot(), "after purge as before installation")


def check(debian, package):
    debian.apt("install", *depended_on(package))
    inside = debian.bring(package)
    before = debian.snapshot()
    steps = [("installed without a running systemd", lambda: installed(debian, inside)),
             ("configuration survives an upgrade", lambda: configuration_survives(debian, inside)),
             ("purged without a running systemd", lambda: (debian.run("dpkg", "--purge", "tandem"),
                                                           same(before, debian.snapshot(), "after purge as before"))),
             ("installed again, systemd played", lambda: (debian.play_systemd(), debian.apt("install", inside),
                                                          debian.write(CONFIG, CONFIGURED),
                                                          debian.write("/var/lib/tandem/log.db", "data"))),
             ("an upgrade restarts a standby, never an active", lambda: upgrade_restarts_no_active(debian, inside)),
             ("removed: configuration and data stay", lambda: removed(debian, inside)),
             ("purged without a trace", lambda: purged(debian, inside, before))]
    for name, step in steps:
        step()
        print(f"holds: {name}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("root")
    parser.add_argument("build")
    parser.add_argument("--from", dest="bare")
    parser.add_argument("--keep", action="store_true")
    arguments = parser.parse_args()
    missing = [name for name in ("debootstrap", "lintian", "dpkg-shlibdeps", "cpack") if not shutil.which(name)]
    if os.geteuid() != 0 or missing:
        print(f"skipped: needs root and {', '.join(missing) or 'nothing else'} (etc/dev/packages.txt)")
        return SKIPPED
    folder = tempfile.mkdtemp(prefix="tandem-package-")
    try:
        package = made_package(arguments.build, os.path.join(folder, "made"))
        print(f"made: {os.path.basename(package)}, {os.path.getsize(package)} bytes", flush=True)
        lintian_is_content(package)
        print("holds: lintian has no errors and warnings", flush=True)
        check(BareDebian(os.path.join(folder, "root"), depended_on(package), arguments.bare), package)
        return 0
    except AssertionError as problem:
        print(f"does not hold: {problem}")
        return 1
    finally:
        if arguments.keep:
            print(f"left in {folder}")
        else:
            subprocess.run(["rm", "-rf", "--one-file-system", folder], check=False)


if __name__ == "__main__":
    sys.exit(main())
