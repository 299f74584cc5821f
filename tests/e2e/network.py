#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A server and its clients as processes of their own, on the loopback interface.

    network.py PROGRAM

Serving a directory in the short form, pairing, copies in both directions, the same through a remote shell, a server
that is killed in the middle of a file and comes back while the client tries again, SIGHUP and SIGTERM."""
import filecmp
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile

from processes import PATIENCE_S, check, wait_until

PROGRAM = os.path.abspath(sys.argv[1])


def same(left, right):
    compared = filecmp.dircmp(left, right, ignore=[".syncline"])
    names_agree = not compared.left_only and not compared.right_only and not compared.funny_files
    _, different, errors = filecmp.cmpfiles(left, right, compared.common_files, shallow=False)
    return names_agree and not different and not errors and all(
        same(os.path.join(left, sub), os.path.join(right, sub)) for sub in compared.common_dirs)


class Place:
    """Two machines on one: each has a home of its own."""

    def __init__(self, root):
        self.root = root
        self.server = None
        self.port = 0

    def path(self, name):
        return os.path.join(self.root, name)

    def environment(self, who):
        out = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        return out | {"HOME": self.path(who), "XDG_CONFIG_HOME": self.path(who + "/config"),
                      "XDG_STATE_HOME": self.path(who + "/state")}

    def run(self, who, *args, code=0):
        done = subprocess.run([PROGRAM, *args], env=self.environment(who), capture_output=True, text=True, cwd=self.root,
                              timeout=300)
        check(done.returncode == code, f"{args}: exit {done.returncode}, not {code}: {done.stderr}{done.stdout}")
        return done

    def serve(self, *args):
        with open(self.path("server.log"), "a") as log, open(self.path("server.out"), "w") as out:
            self.server = subprocess.Popen([PROGRAM, "serve", "--state", self.path("server"), *args], env=self.environment("there"), stdout=out, stderr=log,
                                           cwd=self.root)
        listening = []

        def found():
            check(self.server.poll() is None, "the server ended: " + self.log())
            listening[:] = re.findall(r"listening on 127\.0\.0\.1:(\d+)", self.log())
            return listening
        before = len(re.findall("listening on", self.log()))
        wait_until(lambda: found() and (before == 0 or len(listening) >= before), "the server listens")
        self.port = int(listening[-1])

    def log(self):
        with open(self.path("server.log")) as file:
            return file.read()

    def url(self, rest=""):
        return f"syncline://127.0.0.1:{self.port}/{rest}"


def write_tree(place, name):
    rng = random.Random(1)
    os.makedirs(place.path(name + "/sub dir"))
    for number in range(30):
        with open(place.path(f"{name}/sub dir/{number}"), "wb") as file:
            file.write(rng.randbytes(3000 * number))
    with open(place.path(name + "/large"), "wb") as file:
        file.write(rng.randbytes(40_000_000))


def pair_and_copy(place):
    place.serve(place.path("shared"), "--listen", "127.0.0.1:0")
    wait_until(lambda: "syncline pair" in open(place.path("server.out")).read(), "what to type is printed")
    code = re.search(r"syncline pair \S+ (\S+)", open(place.path("server.out")).read()).group(1)
    refused = place.run("here", "copy", "src/", place.url("shared/"), code=41)
    check("syncline pair" in refused.stderr, "an unknown server is told with the next step: " + refused.stderr)
    place.run("here", "pair", place.url(), "ZZZZ-ZZZZ-ZZZZ-ZZZZ", code=41)
    place.run("here", "pair", place.url(), code)
    place.run("here", "pair", place.url(), code, code=41)
    place.run("here", "copy", "src/", place.url("shared/"))
    check(same(place.path("src"), place.path("shared")), "a push makes equal")
    record = json.loads(place.run("here", "copy", "--json", "src/", place.url("shared/")).stdout.splitlines()[-1])
    check(record["in_step"] and record["files_changed"] == 0, "a second push changes nothing")
    check(record["sent_bytes"] + record["received_bytes"] < 4096, "it costs less than 4 KiB, handshake and all")
    place.run("here", "copy", place.url("shared/"), "back")
    check(same(place.path("src"), place.path("back")), "a pull makes equal")
    grants = place.run("there", "grants", "ls", "--state", place.path("server")).stdout.split()
    check(place.run("here", "id").stdout.strip() == grants[0], "grants ls names the client")


def kill_and_come_back(place):
    os.makedirs(place.path("src2"))
    with open(place.path("src2/large"), "wb") as file:
        file.write(random.Random(2).randbytes(60_000_000))
    address = f"127.0.0.1:{place.port}"
    client = subprocess.Popen([PROGRAM, "copy", "--json", "--bwlimit", "20M", "--retries", "20", "src2/",
                               place.url("shared/second/")], env=place.environment("here"), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, cwd=place.root)
    temps = place.path("shared/second/.syncline/tmp")

    def written():
        try:
            return max((os.stat(os.path.join(temps, name)).st_size for name in os.listdir(temps)), default=0)
        except FileNotFoundError:
            return 0
    wait_until(lambda: written() > 15_000_000, "a part of the file has arrived")
    place.server.kill()
    place.server.wait()
    place.serve(place.path("shared"), "--listen", address)
    out, errors = client.communicate(timeout=300)
    check(client.returncode == 0, "the client goes on by itself: " + errors + out)
    check(same(place.path("src2"), place.path("shared/second")), "what arrives is equal")
    record = json.loads(out.splitlines()[-1])
    check(record["sent_bytes"] < 60_000_000 + 30_000_000, f"what had come is not sent again: {record['sent_bytes']}")
    check(any('"notice"' in line for line in out.splitlines()), "the person hears of it")


def through_a_shell(place):
    shell = place.path("shell")
    with open(shell, "w") as file:
        # What ssh does: a host, then a command for a shell over there.
        file.write('#!/bin/sh\nshift\ncd "$HOME" || exit 1\nexec sh -c "$*"\n')
    os.chmod(shell, 0o755)
    os.makedirs(place.path("here"), exist_ok=True)
    place.run("here", "copy", "-e", shell, "--syncline-path", PROGRAM, "src/", "machine:through/shell/")
    check(same(place.path("src"), place.path("here/through/shell")), "a push through a shell makes equal")
    place.run("here", "copy", "-e", shell, "--syncline-path", PROGRAM, "me@machine:through/shell/", "back2")
    check(same(place.path("src"), place.path("back2")), "a pull through a shell makes equal")
    missing = place.run("here", "copy", "-e", shell, "--syncline-path", "/no/syncline", "--retries", "0", "src/", "m:x/",
                        code=12)
    check("--syncline-path" in missing.stderr, "a missing program is told: " + missing.stderr)
    with open(shell, "w") as file:
        file.write("#!/bin/sh\necho looking >&2\necho 'no such host: m' >&2\nexit 255\n")
    refused = place.run("here", "copy", "-e", shell, "--retries", "0", "src/", "m:x/", code=12).stderr
    check("looking\nno such host: m\n" in refused, "what it says is passed on: " + refused)
    check("the remote shell to 'm' ended with exit status 255 and said 'no such host: m'" in refused, "and told: " + refused)
    check("refused" not in refused, "no other cause is made up: " + refused)
    with open(shell, "w") as file:
        file.write("#!/bin/sh\nexit 9\n")
    refused = place.run("here", "copy", "-e", shell, "--retries", "0", "src/", "m:x/", code=12).stderr
    check("the remote shell to 'm' ended with exit status 9; " in refused, "one that says nothing: " + refused)


def reload_and_stop(place):
    place.server.send_signal(signal.SIGHUP)
    wait_until(lambda: "read again" in place.log(), "SIGHUP reads the configuration")
    place.server.terminate()
    check(place.server.wait(PATIENCE_S) == 0, "SIGTERM ends with 0")
    unreachable = place.run("here", "copy", "--retries", "0", "src/", place.url("shared/"), code=12)
    check("127.0.0.1" in unreachable.stderr, "a server that is not there is named: " + unreachable.stderr)


def main():
    with tempfile.TemporaryDirectory(prefix="syncline-network-") as root:
        place = Place(root)
        write_tree(place, "src")
        try:
            for step in (pair_and_copy, kill_and_come_back, through_a_shell, reload_and_stop):
                step(place)
                print(step.__name__ + ": ok", flush=True)
        finally:
            if place.server and place.server.poll() is None:
                place.server.kill()
                place.server.wait()


main()
