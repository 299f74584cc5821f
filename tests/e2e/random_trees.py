#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Random trees and random edits through the program; after every run the two trees must be equal.

    random_trees.py PROGRAM [SEEDS [FIRST_SEED]]

Every seed is one scenario: a source is edited at random and copied with --delete, two to five times over, with edits
in the destination and loss of the state in between. Seeds are printed with every failure and the trees of a failed
one are kept; SYNCLINE_RANDOM_SEEDS overrides SEEDS (default 60), SYNCLINE_RANDOM_FIRST overrides FIRST_SEED.

An edit that keeps size and mtime is told by the state alone: ctime has moved against the record. So one is not drawn
in a scenario that loses its state (then nothing tells), nor together with renames and hard links (a file that is edited so, renamed
over another name and met again under an mtime that the record knows elsewhere cannot be told from one that was only
renamed). Everything else is drawn in all scenarios."""
import os
import random
import shutil
import stat
import subprocess
import sys
import tempfile

NAMES = [b"a", b"b", b"c", b"f1", b"f2", b"x\ny", b"\xff\xfe", b"-dash", b" sp ", b"n" * 200, b"d1", b"d2"]
OPTIONS = [[], [], ["--durability=none"], ["--update=inplace"], ["--update=atomic"]]
RUN_SECONDS_MAX = 120
FAILURES_MAX = 5


def snapshot(root):
    """What a person would call the state of a tree: path -> type, mode, owner, mtime, content, xattrs; hard links."""
    root = os.fsencode(root)
    out, inodes = {}, {}
    for directory, subdirs, files in os.walk(root):
        for name in subdirs + files:
            path = os.path.join(directory, name)
            relative = os.path.relpath(path, root)
            info = os.lstat(path)
            is_link = stat.S_ISLNK(info.st_mode)
            key = (stat.S_IFMT(info.st_mode), 0 if is_link else stat.S_IMODE(info.st_mode), info.st_mtime_ns,
                   info.st_uid, info.st_gid)
            if stat.S_ISREG(info.st_mode):
                with open(path, "rb") as file:
                    key += (file.read(),)
                inodes.setdefault(info.st_ino, []).append(relative)
            if is_link:
                key += (os.readlink(path),)
            else:
                key += (tuple(sorted((name, os.getxattr(path, name)) for name in os.listxattr(path))),)
            out[relative] = key
    out["hard links"] = sorted(tuple(sorted(names)) for names in inodes.values() if len(names) > 1)
    out["mtime of the root"] = os.stat(root).st_mtime_ns
    return out


class Editor:
    """Makes one random edit at a time. An edit that cannot be made (the name is taken) is no edit."""

    def __init__(self, rng, stealth, renames):
        self.rng = rng
        kinds = [(25, self.create), (10, self.make_dir), (20, self.change), (10, self.remove), (5, self.remove_dir),
                 (4, self.symlink), (2, self.fifo), (3, self.chmod), (2, self.xattr),
                 (2, self.duplicate)]
        if renames:
            kinds += [(10, self.rename), (4, self.hard_link)]
        if stealth:
            kinds.append((3, self.stealth))
        self.weights = [weight for weight, _ in kinds]
        self.edits = [edit for _, edit in kinds]

    def edit(self, root):
        self.dirs, self.entries = [], []
        for directory, _, files in os.walk(os.fsencode(root)):
            self.dirs.append(directory)
            self.entries += [os.path.join(directory, name) for name in files]
        self.regular = [path for path in self.entries if stat.S_ISREG(os.lstat(path).st_mode)]
        path = os.path.join(self.rng.choice(self.dirs), self.rng.choice(NAMES))
        try:
            self.rng.choices(self.edits, self.weights)[0](path)
        except (OSError, IndexError, ValueError, shutil.Error):
            pass

    def content(self):
        rng, kind = self.rng, self.rng.random()
        if kind < 0.2:
            return b""
        if kind < 0.4:
            return rng.randbytes(rng.randint(1, 3000))
        if kind < 0.6:
            return b"line %d\n" % rng.randint(0, 9) * rng.randint(1, 20000)
        if kind < 0.75:
            return bytes(rng.randint(0, 300000))
        return rng.randbytes(rng.randint(10000, 400000))

    def create(self, path):
        content = self.content()
        with open(path, "xb") as file:
            file.write(content)

    def make_dir(self, path):
        os.mkdir(path)

    def change(self, _):
        rng, kind = self.rng, self.rng.random()
        with open(rng.choice(self.regular), "r+b") as file:
            size = os.fstat(file.fileno()).st_size
            if kind < 0.3:
                file.seek(rng.randint(0, size))
                file.write(rng.randbytes(rng.randint(1, 500)))
            elif kind < 0.5:
                file.seek(0, os.SEEK_END)
                file.write(rng.randbytes(rng.randint(1, 70000)))
            elif kind < 0.7:
                file.truncate(rng.randint(0, size))
            else:
                content = file.read()
                at = rng.randint(0, size)
                file.seek(0)
                file.write(content[:at] + rng.randbytes(rng.randint(1, 2000)) + content[at:])

    def stealth(self, _):
        path = self.rng.choice(self.regular)
        info = os.stat(path)
        if info.st_size:
            with open(path, "r+b") as file:
                file.write(self.rng.randbytes(1))
            os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))

    def remove(self, _):
        os.unlink(self.rng.choice(self.entries))

    def remove_dir(self, _):
        shutil.rmtree(self.rng.choice(self.dirs[1:]))

    def rename(self, path):
        source = self.rng.choice(self.entries + self.dirs[1:])
        if not os.path.lexists(path):
            os.rename(source, path)

    def symlink(self, path):
        os.symlink(self.rng.choice([b"/etc/passwd", b"../x", b"a"]), path)

    def hard_link(self, path):
        os.link(self.rng.choice(self.regular), path)

    def fifo(self, path):
        os.mkfifo(path)

    def chmod(self, _):
        os.chmod(self.rng.choice(self.regular), self.rng.choice([0o644, 0o600, 0o4755]))

    def xattr(self, _):
        os.setxattr(self.rng.choice(self.regular), "user.t", self.rng.randbytes(5))

    def duplicate(self, path):
        if not os.path.lexists(path):
            shutil.copyfile(self.rng.choice(self.regular), path)


def difference(source, target):
    """Up to ten lines about paths that differ."""
    names = sorted((name for name in set(source) | set(target) if source.get(name) != target.get(name)), key=repr)
    return "\n".join(f"  {name!r}: {str(source.get(name))[:100]} | {str(target.get(name))[:100]}" for name in names[:10])


def scenario(program, seed, root):
    """Returns None, or what went wrong."""
    rng = random.Random(seed)
    source, target, state = (os.path.join(root, name) for name in ("source", "target", "state"))
    os.mkdir(source)
    loses_state = rng.random() < 0.2
    stealth = not loses_state and seed % 2 == 1
    editor = Editor(rng, stealth=stealth, renames=not stealth)
    options = rng.choice(OPTIONS)
    for turn in range(rng.randint(2, 5)):
        for _ in range(rng.randint(0, 25)):
            editor.edit(source)
        if turn and rng.random() < 0.3:
            for _ in range(rng.randint(1, 4)):
                editor.edit(target)
        if loses_state and rng.random() < 0.5:
            shutil.rmtree(state, ignore_errors=True)
        command = [program, "copy", "--delete", "--state", state, "-i", *options, source + "/", target + "/"]
        where = f"run {turn} with {options}"
        try:
            done = subprocess.run(command, capture_output=True, timeout=RUN_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            return f"{where}: no end after {RUN_SECONDS_MAX} s"
        if done.returncode:
            return f"{where}: exit {done.returncode}: {done.stderr.decode(errors='replace')[-600:]}"
        before, after = snapshot(source), snapshot(target)
        if before != after:
            return f"{where}: not equal, source | target:\n{difference(before, after)}"
    return None


def main(program, seeds=60, first=1):
    seeds = int(os.environ.get("SYNCLINE_RANDOM_SEEDS", seeds))
    first = int(os.environ.get("SYNCLINE_RANDOM_FIRST", first))
    print(f"seeds {first} to {first + seeds - 1}", flush=True)
    scratch = tempfile.mkdtemp(prefix="syncline-random-")
    failures = 0
    for seed in range(first, first + seeds):
        root = os.path.join(scratch, str(seed))
        os.mkdir(root)
        wrong = scenario(program, seed, root)
        if wrong is None:
            shutil.rmtree(root)
            continue
        failures += 1
        print(f"FAILED seed {seed} (kept in {root}), {wrong}", flush=True)
        if failures == FAILURES_MAX:
            break
    if not failures:
        shutil.rmtree(scratch)
    print(f"{failures} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2], *map(int, sys.argv[2:4])))
