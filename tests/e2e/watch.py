#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Directories that keep themselves in step, as processes of their own.

    watch.py PROGRAM [SEED]

Edits of all kinds until both trees are equal byte by byte, a server that goes away and comes back, a source that is
exchanged, deletions and changes that a guard holds, the end by a signal."""
import os
import random
import shutil
import signal
import sys
import tempfile
import time

from processes import check, wait_until
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
    changed = sum("CIPHER" in scene.text(f"precious-copy/{number}") for number in range(200))
    check(changed <= 50, f"most of them are not made: {changed}")
    status = scene.run("here", "status", "precious", code=41).stdout
    check(f"{200 - changed} changes of files are held" in status, "status tells how many: " + status)
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
    check("option of 'syncline watch'" in scene.run("here", "copy", "--no-guard-changes", "precious/", "x/", code=1).stderr,
          "copy has no such guard")


def heals_what_others_change(scene):
    shell = scene.path("shell")
    with open(shell, "w") as file:
        # What ssh does: a host, then a command for a shell over there.
        file.write(f'#!/bin/sh\nshift\ncd {scene.path("")} || exit 1\nexec sh -c "$*"\n')
    os.chmod(shell, 0o755)
    scene.write("own/sub/f", "right")
    for name, to, options in (("local.log", "healed/", []),
                              ("shell.log", "machine:healed-by-shell/", ["-e", shell, "--syncline-path", PROGRAM])):
        copy = to.split(":")[-1].rstrip("/")
        watch = scene.start("here", name, "watch", *options, "own/", to)
        scene.wait_equal("own", copy, "at first")
        scene.write(copy + "/sub/f", "wrong")
        scene.write(copy + "/extra", "x")
        scene.wait_equal("own", copy, "once what others did there was noticed, " + name)
        scene.end(watch)


def refuses(scene):
    check("one SRC" in scene.run("here", "watch", "src/", "many/", "dst/", code=1).stderr, "several sources are refused")
    check("this machine" in scene.run("here", "watch", "syncline://h/s/", "dst/", code=1).stderr, "a remote source is refused")
    check("dry-run" in scene.run("here", "watch", "-n", "src/", "dst/", code=1).stderr, "a dry run is refused")
    scene.run("here", "watch", "nothing/", "dst/", code=3)
    scene.run("here", "watch", "src/sub/f", "dst/", code=3)


def main():
    print("seed", SEED, flush=True)
    with tempfile.TemporaryDirectory() as root:
        scene = Scene(PROGRAM, root)
        try:
            for step in (follows_changes, outlives_server, deletes_nothing_by_mistake, holds_sudden_changes,
                         heals_what_others_change, refuses):
                step(scene)
                print("ok", step.__name__)
        finally:
            scene.end_all()


main()
