#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Directories that keep themselves in step, as processes of their own.

    watch.py PROGRAM [SEED]

Edits of all kinds until both trees are equal byte by byte, a server that goes away and comes back, a source that is
exchanged, deletions and changes that guards hold, the end by a signal; several destinations, what a configuration names,
hooks, what a service manager is told."""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

from processes import PATIENCE_S, check, wait_until
from watching import Scene, picture

PROGRAM = os.path.abspath(sys.argv[1])
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else random.randrange(1 << 30)


def follows_changes(scene):
    scene.write("src/sub/f", "first")
    watch = scene.start("here", "watch.log", "watch", "src/", "dst/")
    wait_until(lambda: "syncline: in step" in scene.text("watch.log"), "it is in step")
    scene.wait_equal("src", "dst", "at first")
    scene.write("src/sub/f", "second")
    scene.wait_equal("src", "dst", "after an edit")
    for number in range(200):
        scene.write(f"src/made-{number}/in/f", str(number))
    scene.wait_equal("src", "dst", "after 200 new directories")
    os.rename(scene.path("src/made-0"), scene.path("src/sub/moved"))
    scene.write("src/sub/moved/in/later", "x")
    scene.wait_equal("src", "dst", "after a directory was moved")
    rng = random.Random(SEED)
    for _ in range(40):
        edit(scene, rng)
        if rng.random() < 0.2:
            scene.wait_equal("src", "dst", "after random edits")
    scene.wait_equal("src", "dst", "at the end")
    scene.end(watch)
    check("held" not in scene.text("watch.log"), "nothing was held: " + scene.text("watch.log"))


def edit(scene, rng):
    top = scene.path("src")
    dirs = [path for path, _, _ in os.walk(top)]
    files = [os.path.join(path, name) for path, _, names in os.walk(top) for name in names]
    files = [name for name in files if not os.path.islink(name)]
    one = rng.choice(files)
    fresh = os.path.join(rng.choice(dirs), f"n{rng.randrange(10**6)}")
    kind = rng.randrange(9)
    if kind == 0:
        with open(one, "ab") as file:
            file.write(rng.randbytes(rng.randrange(10000)))
    elif kind == 1:
        with open(one, "wb") as file:
            file.write(rng.randbytes(rng.randrange(10000)))
    elif kind == 2:
        with open(fresh, "wb") as file:
            file.write(rng.randbytes(5))
        os.rename(fresh, one)
    elif kind == 3:
        os.makedirs(fresh + "/a/b")
        with open(fresh + "/a/b/f", "wb") as file:
            file.write(rng.randbytes(9))
    elif kind == 4:
        os.rename(one, fresh)
    elif kind == 5:
        os.chmod(one, 0o600 + rng.randrange(0o100))
    elif kind == 6:
        os.symlink("nowhere", fresh)
    elif kind == 7:
        os.unlink(one)
        with open(one, "w") as file:
            file.write("anew")
    else:
        os.truncate(one, 0)


def outlives_server(scene):
    server, port = scene.serve()
    url = f"syncline://127.0.0.1:{port}/"
    refused = scene.run("here", "watch", "src/", url + "shared/", code=41)
    check("syncline pair" in refused.stderr, "an unknown server ends it: " + refused.stderr)
    scene.pair(url)
    watch = scene.start("here", "remote.log", "watch", "src/", url + "shared/")
    scene.wait_equal("src", "shared", "at first")
    server.kill()
    server.wait()
    scene.write("src/while/away", "x")
    scene.write("src/sub/f", "while the server is away")
    wait_until(lambda: "behind" in scene.text("remote.log"), "it is told that the server is away")
    check(watch.poll() is None, "it goes on without a server")
    scene.serve(port)
    scene.wait_equal("src", "shared", "once the server is back")
    watch.kill()
    watch.wait()
    scene.write("src/while/watch/was/away", "x")
    shutil.rmtree(scene.path("src/made-1"))
    watch = scene.start("here", "remote.log", "watch", "src/", url + "shared/")
    scene.wait_equal("src", "shared", "once watch is back")
    scene.end(watch)


def deletes_nothing_by_mistake(scene):
    for number in range(100):
        scene.write(f"many/{number}", str(number))
    watch = scene.start("here", "guard.log", "watch", "many/", "copy/")
    scene.wait_equal("many", "copy", "at first")
    before = picture(scene.path("copy"))
    os.rename(scene.path("many"), scene.path("unmounted"))
    os.mkdir(scene.path("many"))
    wait_until(lambda: "not the directory that it was" in scene.text("guard.log"), "another directory is noticed")
    check(picture(scene.path("copy")) == before, "a source that is away deletes nothing")
    os.rmdir(scene.path("many"))
    os.rename(scene.path("unmounted"), scene.path("many"))
    scene.write("many/back", "x")
    scene.wait_equal("many", "copy", "once the source is back")
    os.kill(watch.pid, signal.SIGSTOP)  # so that it sees all of it at once
    for number in range(60):
        os.unlink(scene.path(f"many/{number}"))
    scene.write("many/also", "x")
    os.kill(watch.pid, signal.SIGCONT)
    wait_until(lambda: "60 deletions are held" in scene.text("guard.log"), "many deletions are held and told")
    wait_until(lambda: os.path.exists(scene.path("copy/also")), "the rest goes on")
    check(os.path.exists(scene.path("copy/0")), "what is held is not deleted")
    scene.run("here", "copy", "--delete", "many/", "copy/")
    scene.wait_equal("many", "copy", "once a person allowed it")
    scene.write("many/later", "x")
    scene.wait_equal("many", "copy", "later on")
    os.kill(watch.pid, signal.SIGSTOP)
    for name in os.listdir(scene.path("many")):
        os.unlink(scene.path("many/" + name))
    os.kill(watch.pid, signal.SIGCONT)
    wait_until(lambda: scene.text("guard.log").count("deletions are held") == 2, "an emptied source is held")
    check(len(picture(scene.path("copy"))) > 40, "an emptied source deletes nothing")
    scene.end(watch)
    for number in range(200):
        scene.write(f"slow/{number}", str(number))
    watch = scene.start("here", "slow.log", "watch", "slow/", "slow-copy/")
    scene.wait_equal("slow", "slow-copy", "at first")
    for number in range(120):
        os.unlink(scene.path(f"slow/{number}"))
        time.sleep(0.01)
    wait_until(lambda: "deletions are held" in scene.text("slow.log"), "deletions one by one are held in the end")
    wait_until(lambda: len(os.listdir(scene.path("slow-copy"))) >= 150, "most of them are not made")
    scene.end(watch)


def guards_its_directories(scene):
    """Those that were in step before, also by a watch that was ended since; and what was held by that."""
    for number in range(30):
        scene.write(f"ours/{number}", str(number))

    def start():
        return scene.start("here", "roots.log", "watch", "ours/", "theirs/")

    def noticed(count):
        wait_until(lambda: scene.text("roots.log").count("is not the directory that it was") == count, "it is noticed")
    watch = start()
    wait_until(lambda: "in step" in scene.text("roots.log"), "it is in step at first")
    scene.end(watch)
    os.rename(scene.path("ours"), scene.path("away"))
    scene.write("ours/only", "x")
    watch = start()
    noticed(1)
    check(len(os.listdir(scene.path("theirs"))) == 30, "another SRC deletes nothing: " + scene.text("roots.log"))
    scene.run("here", "status", code=41)
    check("everything is held" in scene.run("here", "approve", "-n").stdout, "what would be approved is told")
    shutil.rmtree(scene.path("ours"))
    os.rename(scene.path("away"), scene.path("ours"))
    scene.write("ours/new", "x")
    scene.wait_equal("ours", "theirs", "once SRC is back")
    os.rename(scene.path("theirs"), scene.path("away"))
    noticed(2)
    scene.write("ours/newer", "x")
    wait_until(lambda: "theirs" in scene.run("here", "status", code=41).stdout, "the state tells it")
    check(not os.path.exists(scene.path("theirs")), "no other DST is made")
    os.rename(scene.path("away"), scene.path("theirs"))
    scene.wait_equal("ours", "theirs", "once DST is back")
    scene.run("here", "wait")  # nothing of a copy is there any more
    shutil.rmtree(scene.path("theirs"))
    noticed(3)
    check("taken for what it was" in scene.run("here", "approve").stdout, "a person says that it is meant")
    scene.wait_equal("ours", "theirs", "once it is approved")
    os.kill(watch.pid, signal.SIGSTOP)
    for name in os.listdir(scene.path("ours")):
        os.unlink(scene.path("ours/" + name))
    os.kill(watch.pid, signal.SIGCONT)
    wait_until(lambda: "32 deletions are held" in scene.text("roots.log"), "an emptied SRC is held")
    scene.write("ours/x", "x")
    wait_until(lambda: os.path.exists(scene.path("theirs/x")), "what is new is copied")
    watch.kill()
    watch.wait()
    watch = start()
    scene.write("ours/y", "y")
    wait_until(lambda: os.path.exists(scene.path("theirs/y")), "also after a new start")
    check(len(os.listdir(scene.path("theirs"))) == 34, "what is held stays")
    wait_until(lambda: scene.run("here", "approve").stdout.startswith(scene.path("ours")), "there is something to be approved")
    scene.wait_equal("ours", "theirs", "once it is approved")
    scene.end(watch)


def kept_versions(top):
    """Relative path and content of each version that was kept below `top`."""
    out = {}
    for parent, _, names in os.walk(top):
        for name in names:
            path = os.path.join(parent, name)
            if ".conflict-" in os.path.relpath(path, top):
                with open(path) as file:
                    out[os.path.relpath(path, top)] = file.read()
    return out


def keeps_what_others_change(scene):
    """A server on the receiving side: what is edited there is put right, and nothing of it is lost."""
    os.makedirs(scene.path("kept-share"))
    server, port = scene.serve(directory="kept-share", state="kept-server")
    url = f"syncline://127.0.0.1:{port}/"
    scene.pair(url, "kept-server")
    share = scene.path("kept-share")
    scene.write("kept-share/first", "theirs, before the first copy")
    scene.write("edits/first", "ours")
    scene.write("edits/sub/f.txt", "ours")
    watch = scene.start("here", "kept.log", "watch", "-i", "edits/", url + "kept-share/")
    wait_until(lambda: os.path.exists(share + "/sub/f.txt") and scene.text("kept-share/first") == "ours", "the first copy")
    check(list(kept_versions(share).values()) == ["theirs, before the first copy"], "what was there before is kept")
    scene.write("kept-share/sub/f.txt", "theirs")
    scene.write("kept-share/extra/x", "made there")
    wait_until(lambda: scene.text("kept-share/sub/f.txt") == "ours" and not os.path.exists(share + "/extra"), "it is put right")
    expected = ["made there", "theirs", "theirs, before the first copy"]
    check(sorted(kept_versions(share).values()) == expected, f"every version is kept: {kept_versions(share)}")
    wait_until(lambda: re.search(r"\*keeping +sub/f\.txt as sub/f\.conflict-\S+-1\.txt", scene.text("kept.log")),
               "the name is told")
    log = scene.run("here", "log", "edits/sub/f.txt").stdout
    check(re.search(r"kept .*sub/f\.txt as sub/f\.conflict-\S+-1\.txt", log), "the log knows it: " + log)
    before = scene.text("kept.log")
    time.sleep(2.5)  # two looks of the server at what stirs there
    check(scene.text("kept.log") == before, "what was kept makes no further round: " + scene.text("kept.log"))
    scene.write("edits/more", "ours")
    wait_until(lambda: os.path.exists(share + "/more"), "it goes on")
    check(sorted(kept_versions(share).values()) == expected, "what was kept stays")
    scene.end(watch)
    watch = scene.start("here", "reported.log", "watch", "--drift=report", "edits/", url + "kept-share/")
    scene.write("kept-share/sub/f.txt", "theirs again")
    wait_until(lambda: "was changed in DST (drift)" in scene.text("reported.log"), "it is reported")
    wait_until(lambda: "was changed in DST (drift)" in scene.run("here", "why", "edits/sub/f.txt", code=None).stdout,
               "why names it")
    check(scene.text("kept-share/sub/f.txt") == "theirs again", "and left alone")
    scene.end(watch)
    server.terminate()
    server.wait()


def holds_sudden_changes(scene):
    """As of something that encrypts one file after the other in place."""
    for number in range(200):
        scene.write(f"precious/{number}", f"plain {number}")
    scene.run("here", "copy", "precious/", "precious-copy/")  # what watch has only just made may go on changing
    watch = scene.start("here", "sudden.log", "watch", "precious/", "precious-copy/")
    wait_until(lambda: "in step" in scene.text("sudden.log"), "it is in step at first")
    for number in range(200):
        scene.write(f"precious/{number}", f"CIPHER {number}")
        if number % 5 == 0:
            time.sleep(0.01)
    scene.write("precious/new", "x")
    wait_until(lambda: "changes of files are held" in scene.text("sudden.log"), "many changes are held and told")
    wait_until(lambda: os.path.exists(scene.path("precious-copy/new")), "the rest goes on")
    # A look at what changed last may be under way still.
    wait_until(lambda: scene.run("here", "status", "precious", code=None).returncode == 41, "status tells that it holds")
    changed = sum("CIPHER" in scene.text(f"precious-copy/{number}") for number in range(200))
    check(changed <= 50, f"most of them are not made: {changed}")
    status = scene.run("here", "status", "precious", code=None).stdout
    check(f"{200 - changed} changes of files are held" in status, "status tells how many: " + status)
    listed = scene.run("here", "approve", "-n", "precious").stdout.splitlines()
    held = {line.split()[1] for line in listed if line.startswith(">f")}
    check(held == {str(number) for number in range(200) if "CIPHER" not in scene.text(f"precious-copy/{number}")},
          f"they are listed: {listed}")
    check("perhaps this one" in scene.run("here", "why", "precious/199", code=41).stdout, "why tells of a file")
    check("made now" in scene.run("here", "approve", "precious").stdout, "approve lets them be made")
    scene.run("here", "wait", "--timeout", "60", "precious")
    check(picture(scene.path("precious")) == picture(scene.path("precious-copy")), "what was approved is made")
    scene.end(watch)
    watch = scene.start("here", "free.log", "watch", "--no-guard-changes", "precious/", "precious-copy/")
    wait_until(lambda: "in step" in scene.text("free.log"), "it follows again")
    for number in range(200):
        scene.write(f"precious/{number}", f"other {number}")
    scene.wait_equal("precious", "precious-copy", "without the guard")
    scene.end(watch)
    check("no-guard-changes" in scene.run("here", "copy", "--no-guard-changes", "precious/", "x/", code=1).stderr,
          "copy has no such guard")


def tells_no_more_of_what_has_moved(scene):
    """Changes that were held, of files that are somewhere else by now: there they are new."""
    for number in range(120):
        scene.write(f"moving/d/{number}", f"plain {number}")
    scene.run("here", "copy", "moving/", "moving-copy/")
    watch = scene.start("here", "moving.log", "watch", "moving/", "moving-copy/")
    wait_until(lambda: "in step" in scene.text("moving.log"), "it is in step at first")
    for number in range(120):
        scene.write(f"moving/d/{number}", f"CIPHER {number}")
    wait_until(lambda: "changes of files are held" in scene.text("moving.log"), "many changes are held")
    os.rename(scene.path("moving/d"), scene.path("moving/e"))

    def standing():
        return json.loads(scene.run("here", "status", "--json", "moving", code=None).stdout.splitlines()[0])
    wait_until(lambda: standing().get("held") == 121, "the deletions are held then")
    check(standing().get("held_changes") == 0, f"and no changes: {standing()}")
    scene.end(watch)


def heals_what_others_change(scene):
    shell = scene.path("shell")
    with open(shell, "w") as file:
        # What ssh does: a host, then a command for a shell over there.
        file.write(f'#!/bin/sh\nshift\ncd {scene.path("")} || exit 1\nexec sh -c "$*"\n')
    os.chmod(shell, 0o755)
    scene.write("own/sub/f", "right")
    for name, to, options in (("local.log", "healed/", ["--drift-keep=none"]),
                              ("shell.log", "machine:healed-by-shell/", ["-e", shell, "--syncline-path", PROGRAM, "--drift-keep=none"])):
        copy = to.split(":")[-1].rstrip("/")
        watch = scene.start("here", name, "watch", *options, "own/", to)
        scene.wait_equal("own", copy, "at first")
        scene.write(copy + "/sub/f", "wrong")
        scene.write(copy + "/extra", "x")
        scene.wait_equal("own", copy, "once what others did there was noticed, " + name)
        scene.end(watch)


def follows_to_several(scene):
    scene.write("multi/f", "first")
    scene.write("multi-b/g", "in the way")
    watch = scene.start("here", "several.log", "watch", "-v", "--json", "--drift-keep=none", "multi/", "multi-a/", "multi-b/",
                        "nobody@nowhere:c", "-e", "false")
    for copy in ("multi-a", "multi-b"):
        scene.wait_equal("multi", copy, "at first")
    scene.write("multi/sub/h", "second")
    for copy in ("multi-a", "multi-b"):
        scene.wait_equal("multi", copy, "while another destination is away")
    for copy in ("multi-a", "multi-b"):
        scene.run("here", "wait", "multi", copy)
    status = [json.loads(line) for line in scene.run("here", "status", "--json", "multi", code=40).stdout.splitlines()]
    check({one["destination"] for one in status} == {scene.path("multi-a"), scene.path("multi-b"), "nobody@nowhere:c"},
          f"status tells of each destination: {status}")
    check(len(scene.run("here", "status", "multi", scene.path("multi-b")).stdout.split(" -> ")) == 2, "status tells of one")
    scene.run("here", "why", "multi/sub/h", "multi-b/")
    scene.run("here", "why", "multi/sub/h", "nobody@nowhere:c", code=40)
    scene.run("here", "status", "multi", "multi-c", code=42)
    os.kill(watch.pid, signal.SIGSTOP)
    for number in range(100):
        scene.write(f"multi/n{number}")
    os.kill(watch.pid, signal.SIGCONT)
    scene.wait_equal("multi", "multi-a", "with many")
    scene.wait_equal("multi", "multi-b", "with many")
    os.kill(watch.pid, signal.SIGSTOP)
    for number in range(60):
        os.unlink(scene.path(f"multi/n{number}"))
    os.kill(watch.pid, signal.SIGCONT)
    wait_until(lambda: scene.text("several.log").count('"holding"') >= 2, "both hold the deletions")
    check("several" in scene.run("here", "approve", "multi", code=1).stderr, "what holds must be named")
    scene.run("here", "approve", "multi", "multi-a")
    scene.wait_equal("multi", "multi-a", "once its deletions are approved")
    check(os.path.exists(scene.path("multi-b/n0")), "the other one holds them still")
    watch.send_signal(signal.SIGINT)
    check(watch.wait(PATIENCE_S) in (0, 20), f"Ctrl-C ends all: exit {watch.returncode}")
    runs = [json.loads(line) for line in scene.text("here/state/syncline/log/events.jsonl").splitlines()]
    check({one["destination"]["path"] for one in runs if one["type"] == "run_began"} >= {"multi-a/", "multi-b/"},
          "the event log has a run for each destination")


def follows_configuration(scene):
    config = "here/config/syncline/client.toml"
    scene.write("conf/a/f", "x")
    scene.write("conf/b/f", "y")
    os.mkdir(scene.path("conf/to"))
    check("client.toml" in scene.run("here", "watch", code=1).stderr, "without a configuration it is told where one could be")
    scene.write(config, '[[watch]]\nname = "a"\nsource = "a/"\ndestination = "/d"\nhok = "x"\n'
                        '[[watch]]\nname = "b"\nsource = "/b"\ndestination = "/c"\noptions = ["--bogus"]\n')
    os.chmod(scene.path(config), 0o600)
    place = "syncline: " + scene.path(config)
    for command in (["watch", "--only", "b"], ["config", "check", "--client"]):
        told = scene.run("here", *command, code=1).stderr
        check(told.splitlines() == [
            place + ":3:1: watch[0].source: 'a/' is relative; write the path from / or ~/ on",
            place + ":5:1: watch.hok: is not a known key; did you mean 'hook'?",
            place + ":10:1: watch[1].options: unknown option --bogus"], "all is told at once: " + told)
    scene.write(config, f"""[[watch]]
name = "a"
source = "{scene.path('conf/a/')}"
destination = ["{scene.path('conf/to/a1')}", "{scene.path('conf/to/a2')}"]
[[watch]]
name = "b"
source = "~/../conf/b/"
destination = "{scene.path('conf/to/b')}"
options = ["-v"]
""")
    check("2 watches, 3 destinations" in scene.run("here", "config", "check", "--client").stdout, "what is there is counted")
    check(scene.path("here/../conf/b/") in scene.run("here", "config", "show", "--client").stdout, "the home directory is shown")
    check("a, b" in scene.run("here", "watch", "--only", "c", code=1).stderr, "an unknown name is told with those that there are")
    watch = scene.start("here", "config.log", "watch")
    for source, copy in (("a", "a1"), ("a", "a2"), ("b", "b")):
        scene.wait_equal("conf/" + source, "conf/to/" + copy, "by the configuration")
    scene.write("conf/b/g", "z")
    wait_until(lambda: "\nb: g\n" in scene.text("config.log"), "lines begin with the name of the watch")
    wait_until(lambda: f"a {scene.path('conf/to/a2')}: in step" in scene.text("config.log"), "and its destination")
    scene.end(watch)
    watch = scene.start("here", "only.log", "watch", "--only", "b")
    scene.write("conf/a/later", "x")
    scene.write("conf/b/later", "x")
    scene.wait_equal("conf/b", "conf/to/b", "alone")
    check(not os.path.exists(scene.path("conf/to/a1/later")), "what was not chosen is not followed")
    scene.end(watch)
    names_what_has_ended(scene, config)


def names_what_has_ended(scene, config):
    scene.write(config, f"""[[watch]]
name = "fine"
source = "{scene.path('conf/a/')}"
destination = "{scene.path('conf/to/a1')}"
[[watch]]
name = "gone"
source = "{scene.path('conf/nothing/')}"
destination = "{scene.path('conf/to/nothing')}"
""")
    watch = scene.start("here", "ended.log", "watch")

    def states():
        lines = scene.run("here", "status", "--json", code=None).stdout.splitlines()
        return {os.path.basename(one["source"]): one for one in map(json.loads, lines)}
    wait_until(lambda: {name: one["state"] for name, one in states().items()} == {"a": "in-step", "nothing": "ended"},
               "one is in step, and one that has ended is named")
    ended = states()["nothing"]["ended"]
    check(ended["exit_code"] == 3 and "No such file" in ended["cause"], f"with its cause: {ended}")
    told = scene.run("here", "status", code=40).stdout
    check("ended with exit code 3" in told and "No such file" in told, "people are told too: " + told)
    told = scene.run("here", "wait", code=40).stderr
    check("ended: " in told and "No such file" in told, "a wait says so: " + told)
    scene.run("here", "wait", scene.path("conf/a"))
    watch.terminate()
    check(watch.wait(PATIENCE_S) == 3, f"the exit code is that of the first that failed: {watch.returncode}")


def runs_hooks(scene):
    scene.write("hooked/sub/f", "x")
    hook = 'while read -r path; do echo "$SYNCLINE_ROUND $path" >> hook.out; done; echo said; exit 3'
    watch = scene.start("here", "hook.log", "watch", "--hook", hook, "hooked", "hooks")
    wait_until(lambda: os.path.exists(scene.path("hook.out")) and "1 sub/f\n" in scene.text("hook.out"), "the first round is told")
    wait_until(lambda: "hook ended with 3" in scene.text("hook.log"), "its failure is told")
    scene.write("hooked/g", "y")
    wait_until(lambda: " g\n" in scene.text("hook.out"), "a change is told")
    check("\nsaid\n" in scene.text("hook.log"), "what it prints is printed")
    scene.end(watch)
    check("1 sub/f\n" in scene.text("hook.out") and "hooked" not in scene.text("hook.out"), "paths are relative to SRC")


def tells_service_manager(scene):
    scene.write("served/f", "x")
    address = scene.path("notify.sock")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(PATIENCE_S)
        environment = scene.environment("here") | {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}
        with open(scene.path("notify.log"), "w") as file:
            watch = subprocess.Popen([PROGRAM, "watch", "served/", "served-a/", "nobody@nowhere:b", "-e", "false"],
                                     env=environment, stdout=file, stderr=file, cwd=scene.root)
        scene.started.append(watch)
        told = []
        while not {"READY=1", "WATCHDOG=1", "STATUS=1 in step, 1 behind"} <= set(told):
            told.append(manager.recv(4096).decode())
        watch.send_signal(signal.SIGTERM)
        while "STOPPING=1" not in told:
            told.append(manager.recv(4096).decode())
    check(watch.wait(PATIENCE_S) in (0, 12, 20), f"the service ends: {watch.returncode}")


def refuses(scene):
    check("same directory" in scene.run("here", "watch", "src/", "dst/", "dst", code=1).stderr, "one DST twice is refused")
    check("beside it" in scene.run("here", "watch", "--only", "x", "src/", "dst/", code=1).stderr, "names and paths do not mix")
    check("dry-run" in scene.run("here", "watch", "-n", "src/", "dst/", code=1).stderr, "a dry run is refused")
    scene.run("here", "watch", "nothing/", "dst/", code=3)
    scene.run("here", "watch", "src/sub/f", "dst/", code=3)


def follows_share(scene):
    """From a server to a directory here, which others fill at the same time; and what is asked by the address of SRC."""
    os.makedirs(scene.path("hub"))
    server, port = scene.serve(directory="hub", state="hub-server")
    url = f"syncline://127.0.0.1:{port}/hub"
    scene.pair(f"syncline://127.0.0.1:{port}/", "hub-server")
    for number in range(100):
        scene.write(f"origin/sub/{number}", str(number))
    scene.write("origin/.synclineignore", "*.tmp\n")
    filling = scene.start("here", "filling.log", "watch", "origin/", url + "/")
    scene.wait_equal("origin", "hub", "at first")
    mirror = scene.start("here", "mirror.log", "watch", "-i", url, "mirror/")
    second = scene.start("here", "second.log", "watch", url + "/sub", "below/")
    scene.wait_equal("origin", "mirror", "at first")
    scene.wait_equal("origin/sub", "below/sub", "at first, under its name")
    for number in range(20):
        scene.write(f"origin/sub/{number % 4}", f"changed {number}")
        if number % 5 == 0:
            scene.wait_equal("origin", "mirror", "by way of the server")
            scene.wait_equal("origin/sub", "below/sub", "by way of the server")
    scene.write("mirror/sub/7", "changed here")
    wait_until(lambda: scene.text("mirror/sub/7") == "7", "what is changed here is put right")
    kept = kept_versions(scene.path("mirror"))
    check(list(kept.values()) == ["changed here"], f"and kept: {kept}")
    os.unlink(scene.path("mirror/" + next(iter(kept))))
    wait_until(lambda: scene.run("here", "status", url, code=None).returncode == 0, "all is in step again")
    status = scene.run("here", "status", url).stdout
    check(f"{url} -> " in status and "in step" in status and "watched by server" in status, "status by its address: " + status)
    scene.run("here", "wait", "--timeout", "60", url + "/sub/3")
    check("in step since" in scene.run("here", "why", url + "/sub/3").stdout, "why, by its address")
    check("in step since" in scene.run("here", "why", "mirror/sub/3").stdout, "and by the path here")
    check("in step since" in scene.run("here", "why", url + "/sub/5", "below").stdout, "of one of two")
    check(".synclineignore:1:*.tmp" in scene.run("here", "why", "mirror/sub/a.tmp").stdout, "which rule leaves it out")
    check("sub/3" in scene.run("here", "log", "mirror/sub/3").stdout, "the log knows it")
    scene.end(filling)
    os.kill(server.pid, signal.SIGSTOP)  # so that it sees all of it at once
    for number in range(60):
        os.unlink(scene.path(f"hub/sub/{number}"))
    scene.write("hub/also", "x")
    os.kill(server.pid, signal.SIGCONT)
    wait_until(lambda: "60 deletions are held" in scene.text("mirror.log"), "many deletions at the server are held here")
    wait_until(lambda: os.path.exists(scene.path("mirror/also")), "the rest goes on")
    check(os.path.exists(scene.path("mirror/sub/0")), "what is held is not deleted")
    planned = scene.run("here", "approve", "-n", url, "mirror").stdout
    check("sub/59" in planned, "what is held is known by name: " + planned)
    scene.run("here", "approve", url, "mirror")
    scene.wait_equal("hub", "mirror", "once a person allowed it")
    before = picture(scene.path("mirror"))
    os.rename(scene.path("hub"), scene.path("hub-away"))
    os.mkdir(scene.path("hub"))
    scene.write("hub/another", "x")
    server.terminate()
    server.wait()
    server, _ = scene.serve(port, "hub", "hub-server")
    wait_until(lambda: "not the directory that it was" in scene.text("mirror.log"), "another directory is noticed")
    check("blocked" in scene.run("here", "status", "--json", url, "mirror", code=41).stdout, "and told")
    wait_until(lambda: "not the directory that it was" in scene.text("second.log"), "so is one of which nothing is there")
    check(picture(scene.path("mirror")) == before, "a source that is away deletes nothing")
    shutil.rmtree(scene.path("hub"))
    os.rename(scene.path("hub-away"), scene.path("hub"))
    scene.write("hub/back", "x")
    scene.wait_equal("hub", "mirror", "once the source is back")
    many = [scene.start("here", f"many-{number}.log", "watch", url, f"many-{number}/") for number in range(4)]
    for number in range(6):
        for one in range(len(many)):
            scene.wait_equal("hub", f"many-{one}", f"of several that begin together, edit {number}")
        if number == 2:  # which takes nothing away from the others
            scene.run("here", "copy", url, "once/")
        scene.write("hub/sub/90", f"edit {number}")
    check(all("cannot watch" not in scene.text(f"many-{one}.log") for one in range(len(many))), "all of them are told")
    for process in (mirror, second, *many):
        scene.end(process)
    both = scene.run("here", "watch", url, url + "2", code=1).stderr
    check("cannot both be on other machines" in both, "two servers are refused: " + both)
    with_what = scene.run("here", "watch", "--watch-with=inotify", url, "mirror", code=1).stderr
    check("--watch-with" in with_what, "how SRC is watched there is not ours to say: " + with_what)
    single = scene.run("here", "watch", url + "/back", "mirror", code=1).stderr
    check("is no directory" in single, "a single entry is refused: " + single)
    os.symlink("hub", scene.path("linked"))
    linked = scene.run("here", "watch", "linked", "mirror", code=1).stderr
    check("is a symlink; write 'linked/'" in linked, "so is a link that is not to be followed: " + linked)


def main():
    print("seed", SEED, flush=True)
    with tempfile.TemporaryDirectory() as root:
        scene = Scene(PROGRAM, root)
        try:
            for step in (follows_changes, outlives_server, deletes_nothing_by_mistake, guards_its_directories, holds_sudden_changes,
                         tells_no_more_of_what_has_moved,
                         heals_what_others_change, keeps_what_others_change, follows_share, follows_to_several, follows_configuration,
                         runs_hooks, tells_service_manager, refuses):
                step(scene)
                print("ok", step.__name__)
        finally:
            scene.end_all()


main()
