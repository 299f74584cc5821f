#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Files that editors save in a watched directory, each with the system calls of its own.

    editors.py PROGRAM [SAVES]

Whoever reads the copy meanwhile finds the old content or the new one, never none and no part of one; the save is one
change of content, and names that are there for a moment only do not travel. This is asked of saves that were made as
fast as an editor makes them: on a machine that is busy with something else, a moment may be a long time."""
import json
import multiprocessing
import os
import sys
import tempfile
import time

from processes import check, wait_until
from watching import Scene

PROGRAM = os.path.abspath(sys.argv[1])
SAVES = int(sys.argv[2]) if len(sys.argv) > 2 else 3
TRIES = 8
FAST_S = 0.06  # in all: a save is held together for limits::settle_complete_max from its first step on,
GAP_S = 0.0008  # and as long as no step is limits::settle_complete behind the one before
QUIET_S = 1.5  # after which the watch has looked at what its last copy did, once a second, and is idle
LOOK_S = 0.0002  # between two looks of the reader, which is not to take the processor from the others
SYNC_S = 0.01  # what an fsync takes on a disk


def content(number):
    """Of one save: as long as that of no other one, and no part of it is like a part of another one."""
    return b"".join(b"save %d, line %d of a text that somebody edits\n" % (number, line) for line in range(300 + number))


class Reader:
    """Reads the file all the time, in a process of its own, and notes what it sees and which names are beside it."""

    def __init__(self, path, old, new):
        self.seen, self.names = set(), set()
        self.told, self.stop = multiprocessing.Queue(), multiprocessing.Event()
        self.process = multiprocessing.Process(target=self.read, args=(path, old, new), daemon=True)
        self.process.start()
        check(self.told.get(timeout=60) == "began", "the reader reads")

    def read(self, path, old, new):
        words = {old: "old", new: "new", b"": "empty"}
        self.told.put("began")
        seen, names = set(), set()
        while True:
            is_last = self.stop.is_set()
            try:
                with open(path, "rb") as file:
                    seen.add(words.get(file.read(), "a part"))
            except FileNotFoundError:
                seen.add("absent")
            names.update(os.listdir(os.path.dirname(path)))
            if is_last:
                break
            time.sleep(LOOK_S)
        self.told.put((seen, names))

    def end(self):
        self.stop.set()
        try:
            return self.told.get(timeout=60)
        finally:
            self.process.join(60)


class Desk:
    """What an editor does, below one directory, and how long it does nothing in between."""

    def __init__(self, root):
        self.root = root
        self.begin()

    def begin(self):
        self.last, self.gap = None, 0.0

    def step(self):
        """The next one begins."""
        if self.last is not None:
            self.gap = max(self.gap, time.monotonic() - self.last)

    def done(self):
        self.last = time.monotonic()

    def path(self, name):
        return os.path.join(self.root, name)

    def write(self, name, data, flags=os.O_TRUNC, parts=1, sync=True, pause=0.0):
        """Opens, writes in so many parts, waits for the disk, closes."""
        self.step()
        file = os.open(self.path(name), os.O_WRONLY | os.O_CREAT | flags, 0o644)
        size = -(-len(data) // parts) or 1
        for at in range(0, len(data), size):
            os.write(file, data[at:at + size])
            time.sleep(pause)
        if sync:
            os.fsync(file)
            time.sleep(SYNC_S)
        os.close(file)
        self.done()

    def rename(self, old, new):
        self.step()
        os.rename(self.path(old), self.path(new))
        self.done()

    def remove(self, name):
        self.step()
        os.unlink(self.path(name))
        self.done()

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()


class Editor:
    """`fleeting`: names that a save uses for a moment. `is_never_open`: nobody writes to the file under its own name, nor
    is it away, however slow the editor is."""
    fleeting = set()
    is_never_open = False

    def __init__(self, desk):
        self.desk = desk

    def begin(self):
        """Before the first save: what is there as long as the file is being edited."""

    def edit(self):
        """Between two saves."""

    def end(self):
        """After the last one."""


class Vim(Editor):
    """vim with backupcopy=no: a probe of the directory, the old file out of the way, a new one."""
    fleeting = {"4913", "f~"}

    def begin(self):
        self.swap = os.open(self.desk.path(".f.swp"), os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self.edit()

    def edit(self):
        os.write(self.swap, os.urandom(4096))

    def save(self, data):
        self.desk.write("4913", b"", os.O_EXCL, sync=False)
        self.desk.remove("4913")
        self.edit()
        self.desk.rename("f", "f~")
        self.desk.write("f", data, parts=3)
        os.chmod(self.desk.path("f"), 0o644)
        self.desk.remove("f~")
        self.edit()

    def end(self):
        os.close(self.swap)
        self.desk.remove(".f.swp")


class VimBackupCopy(Vim):
    """vim with backupcopy=yes: a copy aside, and the file itself is written again."""
    fleeting = {"f~"}

    def save(self, data):
        self.desk.write("f~", self.desk.read("f"), os.O_EXCL, sync=False)
        self.edit()
        self.desk.write("f", data, parts=5, pause=0.002)
        self.desk.remove("f~")
        self.edit()


class Emacs(Editor):
    """emacs: a symlink as a lock, a file of its own for what is not saved yet; the old file becomes f~."""

    def edit(self):
        os.symlink("somebody@machine.4711:1", self.desk.path(".#f"))
        self.desk.write("#f#", b"not saved yet", sync=False)

    begin = edit

    def save(self, data):
        self.desk.rename("f", "f~")
        self.desk.write("f", data, parts=2)
        self.desk.remove("#f#")
        self.desk.remove(".#f")


class Gnome(Editor):
    """gedit and all that save by GIO: a new file takes the name."""
    fleeting = {".goutputstream-A1B2C3"}
    is_never_open = True

    def save(self, data):
        self.desk.write(".goutputstream-A1B2C3", data, os.O_EXCL, parts=3)
        self.desk.rename(".goutputstream-A1B2C3", "f")


class InPlace(Editor):
    """nano and VS Code: the file itself is emptied and written again."""

    def save(self, data):
        self.desk.write("f", data, parts=6, sync=False, pause=0.003)


class SafeWrite(Editor):
    """JetBrains and others that write safely: a new file, the old one out of the way, the new one into its place."""
    fleeting = {"f___jb_tmp___", "f___jb_old___"}

    def save(self, data):
        self.desk.write("f___jb_tmp___", data, os.O_EXCL, parts=3)
        self.desk.rename("f", "f___jb_old___")
        self.desk.rename("f___jb_tmp___", "f")
        self.desk.remove("f___jb_old___")


class LibreOffice(Editor):
    """LibreOffice, and Kate with backups: a copy of the old file stays, a temporary file takes the name."""
    fleeting = {"lu4711tmp.tmp"}
    is_never_open = True

    def save(self, data):
        self.desk.write("f.bak", self.desk.read("f"), sync=False)
        self.desk.write("lu4711tmp.tmp", data, os.O_EXCL, parts=4, pause=0.002)
        self.desk.rename("lu4711tmp.tmp", "f")


class EditorScene(Scene):
    def changes(self):
        """(itemized, path) of all that was brought over so far."""
        with open(self.path("here/state/syncline/log/events.jsonl"), errors="replace") as file:
            records = [json.loads(line) for line in file]
        return [(one["itemized"], one["path"]) for one in records if one["type"] == "change"]

    def read(self, name):
        """None where it is not there: a save that took long may have been copied while the name was free."""
        try:
            with open(self.path(name), "rb") as file:
                return file.read()
        except FileNotFoundError:
            return None

    def wait_in_step(self):
        self.run("here", "wait", "--timeout", "60", "src")


def save(scene, editor, number):
    """One save. Returns what is wrong with what came of it, "" for nothing, None where it was too slow to tell."""
    desk = editor.desk
    old, new = desk.read("f"), content(number)
    editor.edit() if number > 1 else editor.begin()
    scene.wait_in_step()
    time.sleep(QUIET_S)
    before = len(scene.changes())
    reader = Reader(scene.path("dst/f"), old, new)
    desk.begin()
    begun = time.monotonic()
    editor.save(new)
    seconds = time.monotonic() - begun
    wait_until(lambda: scene.read("dst/f") == new, "the save arrives")
    scene.wait_in_step()
    seen, names = reader.end()
    changes = scene.changes()[before:]
    is_fast = seconds <= FAST_S and desk.gap <= GAP_S
    name = type(editor).__name__
    told = f"save {number} by {name} in {seconds * 1000:.0f} ms, at rest for {desk.gap * 1e6:.0f} us: {sorted(seen)}, {sorted(names)}, {changes}"
    if editor.is_never_open:
        check(seen <= {"old", "new"}, "the copy is whole at every moment: " + told)
    if not is_fast:
        return None
    wrong = []
    if not seen <= {"old", "new"}:
        wrong.append("the copy was not whole at every moment")
    if sum(one.startswith(">f") for one, path in changes if path == "f") != 1:
        wrong.append("a save was not one change of content")
    if names & editor.fleeting or {path for _, path in changes} & editor.fleeting:
        wrong.append("fleeting names travelled")
    return ", ".join(wrong) and ", ".join(wrong) + ": " + told


def saves_are_whole(scene, kind):
    """One save of a kind may be met in its middle, by a round that something else began (decision 0015)."""
    desk = Desk(scene.path("src"))
    desk.write("f", content(0), sync=False)
    editor = kind(desk)
    good, bad, number = 0, [], 0
    while good < SAVES and number < TRIES:
        number += 1
        wrong = save(scene, editor, number)
        good += wrong == ""
        if wrong:
            bad.append(wrong)
            check(len(bad) < 2, "\n".join(bad))
    editor.end()
    scene.wait_in_step()
    check(desk.read("f") == scene.read("dst/f"), "the last save is what is there")
    print(f"ok {kind.__name__}: {good} of {number} saves are one change, {number - good - len(bad)} were too slow to be judged", *bad,
          sep="\n     ", flush=True)


def main():
    with tempfile.TemporaryDirectory() as root:
        scene = EditorScene(PROGRAM, root)
        try:
            watch = scene.start("here", "editors.log", "watch", "src/", "dst/")
            wait_until(lambda: "in step" in scene.text("editors.log"), "it is in step at first")
            for kind in (Vim, VimBackupCopy, Emacs, Gnome, InPlace, SafeWrite, LibreOffice):
                saves_are_whole(scene, kind)
            scene.end(watch)
        finally:
            scene.end_all()


main()
