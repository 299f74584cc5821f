#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Running watches, asked from outside.

    control.py PROGRAM

A wait after which both sides are compared at once, the states that a status can have, deletions that are approved,
single paths, watches that end or are killed."""
import filecmp
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from processes import PATIENCE_S, check, wait_until

PROGRAM = os.path.abspath(sys.argv[1])
NOBODY = 65534
IN_STEP, BEHIND, PERSON, NOT_RUNNING, TIMEOUT, INTERRUPTED = 0, 40, 41, 42, 30, 20


class Scene:
    def __init__(self, root, runtime=None, user=None):
        self.root = root
        self.user = user
        self.started = []
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        self.environment |= {"HOME": root, "XDG_CONFIG_HOME": self.path("config"), "XDG_STATE_HOME": self.path("state")}
        if runtime:
            self.environment["XDG_RUNTIME_DIR"] = runtime
        os.mkdir(self.path("src"))

    def path(self, name):
        return os.path.join(self.root, name)

    def start(self, log, *args):
        with open(self.path(log), "a") as file:
            process = subprocess.Popen([PROGRAM, *args], env=self.environment, stdout=file, stderr=file, cwd=self.root,
                                       user=self.user)
        self.started.append(process)
        return process

    def run(self, *args, code=0):
        done = subprocess.run([PROGRAM, *args], env=self.environment, capture_output=True, text=True, cwd=self.root,
                              timeout=300, user=self.user)
        if code is not None:
            check(done.returncode == code, f"{args}: exit {done.returncode}, not {code}: {done.stderr}{done.stdout}")
        return done

    def status(self, *args):
        """The records of all watches, whatever the exit code."""
        return [json.loads(line) for line in self.run("status", "--json", *args, code=None).stdout.splitlines()]

    def state(self, *args):
        records = self.status(*args)
        return records[0].get("state") if records else None

    def write(self, name, content="x"):
        with open(self.path(name), "w") as file:
            file.write(content)
        if self.user is not None:
            os.chown(self.path(name), self.user, -1)

    def fill(self, name, count):
        for number in range(count):
            self.write(f"{name}/{number}", str(number))

    def text(self, name):
        with open(self.path(name)) as file:
            return file.read()

    def wait_for_state(self, state):
        wait_until(lambda: self.state() == state, f"the state is {state}")

    def wait_for_failure(self, cause=""):
        """Behind is also what waits to be copied; here a copy has failed."""
        def has_failed():
            record, = self.status()
            return record["state"] == "behind" and cause in record.get("failure", {}).get("cause", "nothing")
        wait_until(has_failed, f"a copy fails: {cause}")

    def end(self, process):
        process.send_signal(signal.SIGTERM)
        check(process.wait(PATIENCE_S) in (0, INTERRUPTED), f"the end by a signal: exit {process.returncode}")

    def end_all(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.wait()


def is_equal(left, right):
    found = filecmp.dircmp(left, right, ignore=[".syncline"])
    return not (found.left_only or found.right_only or found.funny_files) and all(
        filecmp.cmp(os.path.join(left, name), os.path.join(right, name), shallow=False) for name in found.common_files)


def waits_for_all_that_was_written(scene):
    for command in ("status", "wait", "approve"):
        check("no watch runs" in scene.run(command, code=NOT_RUNNING).stderr, f"{command} says that nothing runs")
    watch = scene.start("watch.log", "watch", "src/", "dst/")
    wait_until(lambda: scene.status(), "it can be asked")
    for number in range(100):
        scene.write(f"src/{number % 7}", f"content {number}")
        if number % 10 == 9:
            os.unlink(scene.path(f"src/{number % 7}"))
        scene.run("wait", f"src/{number % 7}" if number % 2 else "src")
        check(is_equal(scene.path("src"), scene.path("dst")), f"both are equal after wait {number}")
    record, = scene.status("src")
    check(record["state"] == "in-step" and record["running"], f"in step: {record}")
    check(record["source"] == os.path.realpath(scene.path("src")), f"the source: {record}")
    check(record["destination"] == scene.path("dst"), f"the destination: {record}")
    check(record["pid"] == watch.pid and re.fullmatch("[0-9a-f]{64}", record["proof"]["root"]), f"proof: {record}")
    check("in step since" in scene.run("why", "src/0").stdout, "a copied file is in step")
    check("not in SRC" in scene.run("why", "src/nothing").stdout, "what is not there is said")
    check("not watched" in scene.run("why", "dst/1", code=NOT_RUNNING).stderr, "what nobody watches is said")
    scene.run("status", "dst", code=NOT_RUNNING)
    scene.run("status", "--state", "elsewhere", code=NOT_RUNNING)
    check(scene.run("approve").stdout == "nothing is held\n", "nothing is held")
    scene.run("why", code=1)
    scene.run("wait", "--timeout", "x", code=1)
    scene.run("status", "src", "dst", "more", code=1)
    scene.end(watch)
    scene.run("status", code=NOT_RUNNING)
    watch = scene.start("soon.log", "watch", "src/", "dst/")
    scene.run("wait")  # of which nothing is there yet
    scene.end(watch)


def waits_for_several(scene):
    watches = [scene.start("two.log", "watch", "src/", name) for name in ("one", "two")]
    wait_until(lambda: len(scene.status()) == 2, "both can be asked")
    scene.write("src/both", "x")
    scene.run("wait", "src/both")
    check(is_equal(scene.path("src"), scene.path("one")) and is_equal(scene.path("src"), scene.path("two")), "both")
    again = scene.start("again.log", "watch", "src/", "one")
    wait_until(lambda: "cannot be asked" in scene.text("again.log"), "a second one of the same kind says so")
    again.kill()
    again.wait()
    check(len(scene.status()) == 2, "the first one is still asked")
    for watch in watches:
        scene.end(watch)
    names = ("first", "second", "third")
    for number in range(6):
        watch = scene.start("three.log", "watch", "src/", *(f"{name}-{number}" for name in names))
        scene.run("wait", "src")  # of which some may have their sockets and others not
        check(all(is_equal(scene.path("src"), scene.path(f"{name}-{number}")) for name in names), f"all three at once, {number}")
        scene.end(watch)


def tells_of_a_destination_that_is_away(scene):
    serve = ["serve", "--state", scene.path("server"), scene.path("shared"), "--listen"]
    server = scene.start("server.log", *serve, "127.0.0.1:0")
    wait_until(lambda: re.search(r"syncline pair (\S+) (\S+)", scene.text("server.log")), "what to type is printed")
    code = re.search(r"syncline pair (\S+) (\S+)", scene.text("server.log")).group(2)
    port = re.search(r"listening on 127\.0\.0\.1:(\d+)", scene.text("server.log")).group(1)
    url = f"syncline://127.0.0.1:{port}/"
    scene.run("pair", url, code)
    watch = scene.start("remote.log", "watch", "src/", url + "shared/")
    wait_until(lambda: scene.status(), "it can be asked")
    scene.run("wait", "src")
    check(scene.status()[0]["destination"] == url + "shared/", "the destination as it was typed")
    server.kill()
    server.wait()
    scene.write("src/away", "x")
    done = scene.run("wait", "--timeout", "1.5", "src/away", code=TIMEOUT)
    check("not in step in time" in done.stderr, "it says what it waited for: " + done.stderr)
    scene.wait_for_failure()
    record, = scene.status()
    check("changed" in record and "retry_in_ms" in record and record["failure"]["cause"], f"behind: {record}")
    check("behind" in scene.run("status", code=BEHIND).stdout, "people are told too")
    check("waiting" in scene.run("why", "src/away", code=BEHIND).stdout, "what is not copied yet waits")
    waiting = scene.start("wait.log", "wait", "src/away")
    wait_until(lambda: "still waiting" in scene.text("wait.log"), "it says that it waits on")
    server = scene.start("server.log", *serve, "127.0.0.1:" + port)
    check(waiting.wait(PATIENCE_S * 2) == 0, "what was waited for came once the server is back")
    check(is_equal(scene.path("src"), scene.path("shared")), "both are equal once the server is back")
    check(scene.state() == "in-step", "in step again")
    server.kill()
    server.wait()
    scene.write("src/away", "y")
    waiting = scene.start("ended.log", "wait")
    wait_until(lambda: "still waiting" in scene.text("ended.log"), "it waits again")
    stopped = scene.start("stopped.log", "wait")
    wait_until(lambda: "still waiting" in scene.text("stopped.log"), "and another one")
    stopped.send_signal(signal.SIGINT)
    check(stopped.wait(PATIENCE_S) == INTERRUPTED, "a signal ends a wait")
    watch.terminate()
    watch.wait(PATIENCE_S)
    check(waiting.wait(PATIENCE_S) == NOT_RUNNING, "a wait ends with its watch")


def tells_of_a_copy_under_way(scene):
    with open(scene.path("src/large"), "wb") as file:
        file.write(os.urandom(8 << 20))
    watch = scene.start("slow.log", "watch", "--bwlimit=500", "src/", "slow/")
    wait_until(lambda: any("missing" in one for one in scene.status()), "what is left is known")
    record, = scene.status()
    check(record["state"] == "copying" and record["missing"]["bytes"] > 0, f"copying: {record}")
    check("to go" in scene.run("status", code=BEHIND).stdout, "people are told too")
    scene.run("wait", "--timeout", "0.2", code=TIMEOUT)
    watch.kill()
    watch.wait()
    check("not running" in scene.run("status", code=NOT_RUNNING).stdout, "a killed one is told")
    check("no watch runs" in scene.run("status", code=NOT_RUNNING).stderr, "once")
    os.unlink(scene.path("src/large"))


def releases_deletions(scene):
    os.mkdir(scene.path("many"))
    scene.fill("many", 100)
    watch = scene.start("guard.log", "watch", "many/", "copy/")
    wait_until(lambda: scene.status(), "it can be asked")
    for turn in range(2):
        scene.fill("many", 100)
        scene.run("wait", "many")
        os.kill(watch.pid, signal.SIGSTOP)  # so that it sees all of it at once
        for number in range(60):
            os.unlink(scene.path(f"many/{number}"))
        os.kill(watch.pid, signal.SIGCONT)
        scene.wait_for_state("holding")
        check(scene.status()[0]["held"] == 60, "how many are held")
        check("60 deletions are held" in scene.run("status", code=PERSON).stdout, "people are told too")
        check("held" in scene.run("why", "many/0", code=PERSON).stdout, "a held path")
        done = scene.run("wait", "--timeout", "0.5", code=PERSON)
        check("approve" in done.stderr, "what to do is said: " + done.stderr)
        check(os.path.exists(scene.path("copy/0")), "what is held is not deleted")
        scene.run("approve", "src", code=NOT_RUNNING)
        listed = scene.run("approve", "-n", "many").stdout.splitlines()
        check("60 deletions are held" in listed[0], f"how many are held is listed: {listed[0]}")
        check(sorted(listed[1:]) == sorted(f"*deleting   {number}" for number in range(60)), f"by name: {listed}")
        record = json.loads(scene.run("approve", "-n", "--json").stdout)
        check({one["path"] for one in record["held_first"]} == {str(number) for number in range(60)}, f"the same: {record}")
        time.sleep(0.3)
        check(scene.state() == "holding" and len(os.listdir(scene.path("copy"))) >= 100, "a list lets nothing be made")
        check("60 deletions" in scene.run("approve", "many").stdout, "what is approved is said")
        scene.run("wait", "many")
        check(is_equal(scene.path("many"), scene.path("copy")), f"the deletions are made, turn {turn}")
    scene.end(watch)
    watch = scene.start("limit.log", "watch", "--max-delete=5", "many/", "copy/")
    wait_until(lambda: scene.status(), "it can be asked")
    scene.run("wait", "many")
    os.kill(watch.pid, signal.SIGSTOP)
    for number in range(60, 70):
        os.unlink(scene.path(f"many/{number}"))
    os.kill(watch.pid, signal.SIGCONT)
    scene.wait_for_state("holding")
    check("--max-delete" in scene.run("status", code=PERSON).stdout, "the limit is told")
    held = [line for line in scene.run("approve", "-n").stdout.splitlines() if line.startswith("*deleting   ")]
    check(len(held) == 5, f"those above the limit are listed: {held}")
    check(all(os.path.exists(scene.path("copy/" + line.split()[1])) for line in held), "and are there")
    scene.run("approve")
    scene.run("wait", "many")
    check(is_equal(scene.path("many"), scene.path("copy")), "the deletions above the limit are made")
    scene.end(watch)


def tells_of_a_source_that_is_away(scene):
    watch = scene.start("root.log", "watch", "many/", "copy/")
    wait_until(lambda: scene.status(), "it can be asked")
    scene.run("wait")
    os.rename(scene.path("many"), scene.path("unmounted"))
    os.mkdir(scene.path("many"))
    scene.wait_for_state("blocked")
    scene.run("status", code=PERSON)
    done = scene.run("wait", "--timeout", "0.5", code=PERSON)
    check("not the directory that it was" in done.stderr, "why nothing comes is said: " + done.stderr)
    os.rmdir(scene.path("many"))
    os.rename(scene.path("unmounted"), scene.path("many"))
    scene.run("wait", "--timeout", str(PATIENCE_S))
    scene.end(watch)


def stays_up_under_rules_that_pass_a_limit(scene):
    os.makedirs(scene.path("ruled/a/b"))
    scene.write("ruled/a/f", "one")
    watch = scene.start("ruled.log", "watch", "ruled/", "ruled-copy/")
    wait_until(lambda: scene.status(), "it can be asked")
    scene.run("wait")
    for name in ("ruled/a/b/.synclineignore", "ruled/.synclineignore"):
        scene.write(name, "".join(f"{number}\n" for number in range(20000)))
        shown = os.path.relpath(scene.path(name), scene.path("ruled"))
        scene.wait_for_failure(f"'{shown}' in the source has more than 16384")
        status = scene.run("status", code=BEHIND).stdout
        check(f"'{shown}' in the source has more than 16384" in status, "status names it: " + status + scene.text("ruled.log"))
        told = scene.run("why", name, code=BEHIND).stdout
        check(f"'{shown}' in the source has more than 16384" in told, "why names it: " + told)
        time.sleep(4)  # the next try by itself is some seconds away
        check(watch.poll() is None and scene.state() in ("behind", "copying"), "it stays up: " + scene.text("ruled.log"))
        scene.write(name, "*.o\n")
        begun = time.monotonic()
        scene.wait_for_state("in-step")
        check(time.monotonic() - begun < 3, "it goes on soon after the file was mended")
        check(is_equal(scene.path("ruled/a"), scene.path("ruled-copy/a")), "both are equal then")
        os.unlink(scene.path(name))
        scene.run("wait")
    scene.end(watch)
    scene.write("ruled/.synclineignore", "x" * ((1 << 20) + 1))
    watch = scene.start("ruled.log", "watch", "ruled/", "ruled-copy/")
    wait_until(lambda: scene.status(), "it can be asked")
    scene.wait_for_failure()
    os.unlink(scene.path("ruled/.synclineignore"))
    scene.run("wait", "--timeout", str(PATIENCE_S))
    scene.end(watch)


def tells_what_is_left_out(scene):
    scene.write("many/.gitignore", "*.o\n")
    scene.write("many/a.o")
    scene.write("many/b.tmp")
    watch = scene.start("rules.log", "watch", "--gitignore", "--exclude=*.tmp", "many", "named/")
    wait_until(lambda: scene.status(), "it can be asked")
    scene.run("wait", "many")
    check(".gitignore:1:*.o" in scene.run("why", "many/a.o").stdout, "a .gitignore file's rule")
    check("--exclude=*.tmp" in scene.run("why", "many/b.tmp").stdout, "a rule of the command line")
    check("in step" in scene.run("why", "many/99").stdout, "what no rule leaves out")
    scene.end(watch)


def tells_of_a_failing_path(scene):
    """As somebody who may not read everything."""
    scene.write("src/closed")
    scene.write("src/fine")
    os.chmod(scene.path("src/closed"), 0)
    watch = scene.start("failing.log", "watch", "src/", "dst/")
    wait_until(lambda: scene.state() == "behind" and scene.status()[0]["failing"] == 1, "one entry fails")
    done = scene.run("why", "src/closed", code=BEHIND)
    check("fails since" in done.stdout and "Permission denied" in done.stdout, "with what it fails: " + done.stdout)
    check("in step" in scene.run("why", "src/fine").stdout, "another one is in step")
    check("closed: Permission denied" in scene.run("status", code=BEHIND).stdout, "people are told too")
    scene.run("wait", "--timeout", "0.5", code=TIMEOUT)
    os.chmod(scene.path("src/closed"), 0o644)
    scene.run("wait")
    check("in step" in scene.run("why", "src/closed").stdout, "it is in step once it may be read")
    scene.end(watch)
    os.chmod(scene.path("src/closed"), 0)
    watch = scene.start("under.log", "watch", "-c", "src", "dst")
    wait_until(lambda: scene.state() == "behind" and scene.status()[0]["failing"] == 1, "one entry fails under its name")
    check("fails since" in scene.run("why", "src/closed", code=BEHIND).stdout, "without a slash behind SRC too")
    scene.end(watch)


def opens_what_was_closed(scene):
    """As somebody who may not read everything: a mode that went to DST as well does not keep anything out for good."""
    serve = ["serve", "--state", scene.path("server"), scene.path("shared"), "--listen", "127.0.0.1:0"]
    scene.start("opens-server.log", *serve)
    wait_until(lambda: re.search(r"syncline pair (\S+) (\S+)", scene.text("opens-server.log")), "what to type is printed")
    code = re.search(r"syncline pair (\S+) (\S+)", scene.text("opens-server.log")).group(2)
    port = re.search(r"listening on 127\.0\.0\.1:(\d+)", scene.text("opens-server.log")).group(1)
    url = f"syncline://127.0.0.1:{port}/"
    scene.run("pair", url, code)
    os.mkdir(scene.path("src/dir"))
    os.chown(scene.path("src/dir"), scene.user if scene.user is not None else -1, -1)
    scene.write("src/dir/f", "one")
    watches = [scene.start("opens.log", "watch", "src/", to) for to in ("opened/", url + "shared/")]
    copies = (scene.path("opened/dir"), scene.path("shared/dir"))
    wait_until(lambda: len(scene.status()) == 2, "both can be asked")
    scene.run("wait")
    os.chmod(scene.path("src/dir"), 0)
    wait_until(lambda: all(os.stat(one).st_mode & 0o777 == 0 for one in copies), "the mode is there too")
    wait_until(lambda: all(one["state"] == "behind" for one in scene.status()), "what cannot be read fails")
    os.chmod(scene.path("src/dir"), 0o755)
    scene.write("src/dir/g", "two")
    scene.run("wait", "--timeout", str(PATIENCE_S))
    for one in copies:
        check(is_equal(scene.path("src/dir"), one) and os.stat(one).st_mode & 0o777 == 0o755, f"{one} is in step again")
    for watch in watches:
        scene.end(watch)
    for to, one in zip(("opened/", url + "shared/"), copies):
        os.chmod(one, 0)
        scene.run("copy", "--delete", "src/", to)
        check(is_equal(scene.path("src/dir"), one), f"a copy opens {one}")
    os.chmod(scene.path("opened/dir"), 0)
    scene.run("copy", url + "shared/", "opened/")
    check(is_equal(scene.path("src/dir"), scene.path("opened/dir")), "so does one from a server")


def changes_what_is_closed(scene):
    """As somebody who is not root: directories that their owner may not write to, as Go's module cache has them."""
    os.mkdir(scene.path("src/mod"))
    os.chown(scene.path("src/mod"), scene.user if scene.user is not None else -1, -1)
    scene.write("src/mod/f", "one")
    os.chmod(scene.path("src/mod"), 0o555)
    watch = scene.start("closed.log", "watch", "src/", "closed/")
    wait_until(lambda: len(scene.status()) == 1, "it can be asked")
    scene.run("wait")

    def change(action):
        os.chmod(scene.path("src/mod"), 0o755)
        action()
        os.chmod(scene.path("src/mod"), 0o555)
        scene.run("wait", "--timeout", str(PATIENCE_S))
        check(is_equal(scene.path("src/mod"), scene.path("closed/mod")), "it is in step")
        check(os.stat(scene.path("closed/mod")).st_mode & 0o777 == 0o555, "the mode is that of SRC")

    change(lambda: scene.write("src/mod/g", "two"))
    change(lambda: os.remove(scene.path("src/mod/f")))
    scene.end(watch)
    os.chmod(scene.path("src/mod"), 0o755)
    shutil.rmtree(scene.path("src/mod"))
    os.chmod(scene.path("closed/mod"), 0)
    scene.run("copy", "--delete", "src/", "closed/")
    check(not os.path.exists(scene.path("closed/mod")), "it goes as a whole")


def may_run_as(user):
    try:
        return subprocess.run([PROGRAM, "--version"], user=user, cwd="/", capture_output=True).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def holds_through_partial_rounds(scene):
    """What was held stays so while something in SRC cannot be read, where nothing is deleted for that reason."""
    for number in range(100):
        scene.write(f"src/{number}", str(number))
    watch = scene.start("partial.log", "watch", "src/", "dst/")
    wait_until(lambda: "in step" in scene.text("partial.log"), "it is in step at first")
    os.kill(watch.pid, signal.SIGSTOP)
    for number in range(60):
        os.unlink(scene.path(f"src/{number}"))
    os.kill(watch.pid, signal.SIGCONT)
    wait_until(lambda: "60 deletions are held" in scene.text("partial.log"), "deletions are held")
    for number in range(40):
        scene.write(f"src/{number}", str(number))
    wait_until(lambda: "20 deletions are held" in scene.text("partial.log"), "those that are left as well")
    os.mkdir(scene.path("src/secret"), 0o000)
    wait_until(lambda: scene.status()[0]["failing"] > 0, "something cannot be read")
    check(scene.status()[0]["holding"], "what is held is so still")
    os.chmod(scene.path("src/secret"), 0o755)
    wait_until(lambda: scene.status()[0]["failing"] == 0, "nothing fails any more")
    scene.write("src/more", "x")
    wait_until(lambda: os.path.exists(scene.path("dst/more")), "another round has passed")
    check(all(scene.text(f"dst/{number}") == str(number) for number in range(40, 60)), "nothing of it is deleted")
    scene.run("approve")
    scene.run("wait", "--timeout", str(PATIENCE_S))
    check(is_equal(scene.path("src"), scene.path("dst")), "once it is approved it is")
    scene.end(watch)


def as_somebody_unprivileged(top, step):
    """Root may read everything, so that it needs another user; left out where that cannot be."""
    user = NOBODY if os.geteuid() == 0 else None
    if user is not None and not may_run_as(user):
        print("skipped", step.__name__)
        return
    os.chmod(top, 0o711)
    root = os.path.join(top, "unprivileged-" + step.__name__)
    os.mkdir(root)
    scene = Scene(root, user=user)
    if user is not None:
        for path in (root, scene.path("src")):
            os.chown(path, user, -1)
    try:
        step(scene)
        print("ok", step.__name__)
    finally:
        scene.end_all()


def main():
    with tempfile.TemporaryDirectory() as top:
        runtime = os.path.join(top, "runtime")
        os.mkdir(runtime)
        root = os.path.join(top, "a" * 100)  # too long for the address of a socket
        os.mkdir(root)
        scene = Scene(root)
        try:
            for step in (waits_for_all_that_was_written, waits_for_several, tells_of_a_destination_that_is_away,
                         tells_of_a_copy_under_way, releases_deletions, tells_of_a_source_that_is_away,
                         tells_what_is_left_out, stays_up_under_rules_that_pass_a_limit):
                step(scene)
                print("ok", step.__name__, flush=True)
                if step is waits_for_several:
                    scene.environment["XDG_RUNTIME_DIR"] = runtime
        finally:
            scene.end_all()
        check(not os.listdir(os.path.join(runtime, "syncline")), "nothing is left")
        as_somebody_unprivileged(top, tells_of_a_failing_path)
        as_somebody_unprivileged(top, opens_what_was_closed)
        as_somebody_unprivileged(top, changes_what_is_closed)
        as_somebody_unprivileged(top, holds_through_partial_rounds)


main()
