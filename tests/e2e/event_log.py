#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The event log of real processes, and what `syncline log` tells from it.

    event_log.py PROGRAM [SEED]

A watch that is killed in the middle, a rename, several processes in one log, -f until Ctrl-C."""
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time

from processes import PATIENCE_S, check, wait_until

PROGRAM = os.path.abspath(sys.argv[1])
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)
LOG = "state/syncline/log/events.jsonl"


class Scene:
    def __init__(self, root):
        self.root = root
        self.started = []
        os.makedirs(self.path("src/sub"))

    def path(self, name):
        return os.path.join(self.root, name)

    def start(self, *args, out="out"):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        environment |= {"HOME": self.root, "XDG_STATE_HOME": self.path("state")}
        with open(self.path(out), "a") as file:
            process = subprocess.Popen([PROGRAM, *args], env=environment, stdout=file, stderr=file, cwd=self.root)
        self.started.append(process)
        return process

    def run(self, *args, code=0):
        name = f"run-{len(self.started)}"
        process = self.start(*args, out=name)
        process.wait(300)
        check(process.returncode == code, f"{args}: exit {process.returncode}, not {code}: {self.text(name)}")
        return self.text(name)

    def text(self, name):
        try:
            with open(self.path(name), errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def write(self, name, content="x"):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as file:
            file.write(content)

    def log(self, *args):
        return self.run("log", *args)

    def records(self, *args):
        return [json.loads(line) for line in self.log("--json", *args).splitlines() if line.startswith("{")]

    def end_all(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()


def outlives_kill(scene):
    scene.write("src/sub/f", "first")
    watch = scene.start("watch", "src/", "dst/")
    wait_until(lambda: "created   sub/f" in scene.log("sub/f"), "the first copy is in the log")
    scene.write("src/sub/f", "second, and longer")
    wait_until(lambda: "changed   sub/f (size, time)" in scene.log(scene.path("src/sub/f")), "the edit is in the log")
    os.rename(scene.path("src/sub/f"), scene.path("src/sub/g"))
    wait_until(lambda: "sub/g" in scene.log("sub/f") or "deleted   sub/f" in scene.log("sub/f"), "the rename is in the log")
    watch.kill()
    watch.wait()
    check([record["type"] for record in scene.records()].count("run_ended") == 0, "a run that was killed has no end")
    told = scene.log(scene.path("dst/sub/f"))
    for word in ("began", "created   sub/f", "changed   sub/f"):
        check(word in told, f"after the kill the log tells '{word}': {told}")
    check("nothing in the log" in scene.log("sub/other"), "of another path nothing is told")


def outlives_many_kills(scene):
    rng = random.Random(SEED)
    for turn in range(8):
        watch = scene.start("watch", "src/", "dst/")
        wait_until(lambda: scene.text(LOG).count("run_began") == turn + 2, "the run has begun")
        for number in range(200):
            scene.write(f"src/many/{turn}-{number}", str(rng.random()))
        time.sleep(rng.random() * 0.6)
        watch.kill()
        watch.wait()
    # A line as a crash leaves it.
    with open(scene.path(LOG), "a") as file:
        file.write('{"v":1,"type":"change","ts":"20')
    watch = scene.start("watch", "src/", "dst/")
    scene.write("src/last", "x")
    wait_until(lambda: "created   last" in scene.log("last"), "the log goes on after the kills")
    wait_until(lambda: scene.records("-n", "1")[0].get("standing") == "in-step", "it is in step")
    watch.send_signal(signal.SIGTERM)
    check(watch.wait(PATIENCE_S) == 0, f"it ends by a signal, not with {watch.returncode}")
    # A line that no run has written whole may be there for each kill, and the one from above.
    torn = 0
    for line in scene.text(LOG).splitlines():
        try:
            json.loads(line or "{}")
        except ValueError:
            torn += 1
    check(1 <= torn <= 9, f"torn lines: {torn}")
    told = scene.log()
    check(f"skipped lines: {torn} (" in told, "they are counted: " + told[-300:])
    runs = {record["run"] for record in scene.records()}
    check(len(runs) == 10, f"each run is there: {len(runs)}")
    check([record["type"] for record in scene.records("-n", "1")] == ["run_ended"], "the last one has an end")


def shares_one_log(scene):
    for number in range(400):
        scene.write(f"many/{number}", str(number))
    copies = [scene.start("copy", "--event-log", "many/", f"copy-{which}/") for which in range(4)]
    for copy in copies:
        check(copy.wait(PATIENCE_S) == 0, "a copy with --event-log")
    for which in range(4):
        records = scene.records(scene.path(f"copy-{which}"))
        paths = sorted(record["path"] for record in records if record["type"] == "change" and record["path"] != "./")
        check(paths == sorted(str(number) for number in range(400)), f"copy {which} is in the log as a whole")
    before = scene.records()
    scene.write("many/0", "more than before")
    scene.run("copy", "many/", "copy-0/")
    check(scene.records() == before, "a copy without --event-log notes nothing")
    refused = scene.run("copy", "-n", "--event-log", "many/", "copy-0/", code=1)
    check("--dry-run" in refused, "a dry run is not noted: " + refused)


def follows(scene):
    log = scene.start("log", "-f", "-n", "1", "0", "new", out="followed")
    wait_until(lambda: "created   0" in scene.text("followed"), "-f tells what happened before")
    scene.write("many/new", "x")
    scene.run("copy", "--event-log", "many/", "copy-0/")
    wait_until(lambda: "created   new" in scene.text("followed"), "-f tells what happens")
    check(log.poll() is None, "-f goes on")
    log.send_signal(signal.SIGINT)
    check(log.wait(PATIENCE_S) == 0, f"Ctrl-C ends it well, not with {log.returncode}")


def main():
    print("seed", SEED, flush=True)
    with tempfile.TemporaryDirectory() as root:
        scene = Scene(os.path.realpath(root))
        try:
            for step in (outlives_kill, outlives_many_kills, shares_one_log, follows):
                step(scene)
                print("ok", step.__name__, flush=True)
        finally:
            scene.end_all()


main()
