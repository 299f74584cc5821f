#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The units are what systemd understands, and confine the server well: units_test.py UNIT..."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# In tenths; systemd calls up to 2.0 "OK". A watch must reach all files and run what its user wants.
SERVER_EXPOSURE_MAX = 20
WATCH_EXPOSURE_MAX = {"system": 60, "user": 80}
SKIPPED = 77


def analyze(*arguments):
    return subprocess.run(["systemd-analyze", *arguments], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def placed(unit, folder):
    """The unit with programs that exist; a template as its instance for root."""
    name = unit.name.replace("@.", "@root.")
    text = unit.read_text()
    assert not re.search(r"@[a-z_]+@", text), f"{unit}: not filled in"
    text = re.sub(r"^(ExecStart|ExecReload)=\S+", r"\1=/bin/sh", text, flags=re.M)
    # The account is made by sysusers.d, and not on the machine that builds.
    text = re.sub(r"^(User|Group)=syncline$", r"\1=root", text, flags=re.M)
    (folder / name).write_text(text)
    return folder / name


def manager_of(unit):
    return "user" if "/user/" in unit else "system"


def main(*units):
    version = analyze("--version") if shutil.which("systemd-analyze") else None
    if version is None or int(re.search(r"systemd (\d+)", version.stdout).group(1)) < 250:
        print("no systemd-analyze that works without a running systemd")
        return SKIPPED
    failures = 0
    with tempfile.TemporaryDirectory() as scratch:
        folders = {manager: pathlib.Path(scratch) / manager for manager in WATCH_EXPOSURE_MAX}
        for folder in folders.values():
            folder.mkdir()
        for unit, path in [(unit, placed(pathlib.Path(unit), folders[manager_of(unit)])) for unit in units]:
            verified = analyze("verify", "--man=no", path)
            sound = verified.returncode == 0 and not verified.stdout
            print(f"{path.name}: {'verified' if sound else verified.stdout}")
            failures += not sound
            if path.suffix != ".service":
                continue
            is_watch = path.name.startswith("syncline@")
            threshold = SERVER_EXPOSURE_MAX
            if is_watch:
                threshold = WATCH_EXPOSURE_MAX[manager_of(unit)]
            else:
                # As a user without privileges: what it really runs as.
                path.write_text(path.read_text().replace("User=root", "User=daemon").replace("User=%i", "User=daemon"))
            security = analyze("security", "--offline=true", f"--threshold={threshold}", "--no-pager", path)
            print("\n".join(line for line in security.stdout.splitlines() if "✗" in line or "Overall" in line))
            failures += security.returncode != 0
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
