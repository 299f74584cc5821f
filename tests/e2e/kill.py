#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Kills the program at system calls that change the disk, then looks at what is left and runs it again.

    kill.py PROGRAM

A scenario is a copy onto an older copy with all kinds of changes. It is traced once to learn which calls it makes;
then it is run again and again and killed (SIGKILL, by strace) at the k-th pwrite, rename, fsync, ... of a thread, for
a sample of all k. After the kill every file is old or new. With --update=inplace a file may be half updated as long
as its journal lies in .syncline; a run that copies nothing then makes it old or new. The next copy finishes the work
and leaves no .syncline. SYNCLINE_KILL_POINTS: how many kills for each way of updating (default 25).
Exits with 77 where strace is missing or may not trace."""
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile

CALLS = ["write", "pwrite64", "pwritev", "rename", "renameat", "renameat2", "fsync", "fdatasync", "syncfs", "unlink",
         "unlinkat", "linkat", "symlinkat", "mkdir", "mkdirat", "ftruncate", "fallocate", "copy_file_range",
         "utimensat", "fchmod"]
SEED = 20
POINTS = int(os.environ.get("SYNCLINE_KILL_POINTS", 25))
# A tracer and the leak sanitizer exclude each other.
ENVIRONMENT = os.environ | {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":detect_leaks=0"}


def old_tree():
    rng = random.Random(SEED)
    tree = {f"d{i % 3}/f{i}": rng.randbytes(20_000 * i) for i in range(9)}
    tree |= {"large": rng.randbytes(3_000_000), "moved/here": rng.randbytes(50_000), "replaced": b"old" * 5000}
    return tree


def new_tree(old):
    rng = random.Random(SEED + 1)
    tree = dict(old)
    large = tree["large"]
    tree["large"] = large[:1_000_000] + b"inserted" + large[1_000_000:2_000_000] + rng.randbytes(5000) + large[2_010_000:]
    tree["d1/f7"] = tree["d1/f7"][:-1] + b"!"
    tree["replaced"] = b"new" * 7000
    tree["there/here"] = tree.pop("moved/here")
    tree["added/one"] = rng.randbytes(400_000)
    tree["added/empty"] = b""
    del tree["d2/f5"]
    return tree


def write_tree(root, tree, before):
    """Edits as a person would: a file that did not change is not touched; `moved` is renamed."""
    if "there/here" in tree:
        os.rename(os.path.join(root, "moved"), os.path.join(root, "there"))
        before = {"there/here": tree["there/here"]} | before
    for name, content in tree.items():
        if before.get(name) != content:
            os.makedirs(os.path.dirname(os.path.join(root, name)), exist_ok=True)
            with open(os.path.join(root, name), "wb") as file:
                file.write(content)
    for name in set(before) - set(tree) - {"moved/here"}:
        os.unlink(os.path.join(root, name))


def read_tree(root):
    tree = {}
    for directory, subdirs, files in os.walk(root):
        if ".syncline" in subdirs:
            subdirs.remove(".syncline")
        for name in files:
            path = os.path.join(directory, name)
            with open(path, "rb") as file:
                tree[os.path.relpath(path, root)] = file.read()
    return tree


class Scenario:
    def __init__(self, program, root, how):
        self.program, self.root, self.how = program, root, how
        self.source, self.target, self.state = (os.path.join(root, name) for name in ("source", "target", "state"))
        self.old = old_tree()
        self.new = new_tree(self.old)
        os.makedirs(self.source)
        write_tree(self.source, self.old, {})
        self.copy_well()
        write_tree(self.source, self.new, self.old)

    def command(self, *options):
        return [self.program, "copy", "--delete", "--durability=batch", f"--update={self.how}", "--threads=2", "--state",
                self.state, *options, self.source + "/", self.target + "/"]

    def copy_well(self, *options):
        done = subprocess.run(self.command(*options), capture_output=True, text=True, errors="replace", env=ENVIRONMENT,
                              timeout=120)
        assert done.returncode == 0, f"exit {done.returncode}: {done.stderr[-1000:]}"

    def trace(self):
        """All (call, k) that a run makes, k counted for each thread as strace does."""
        log = os.path.join(self.root, "trace")
        names = ",".join("?" + name for name in CALLS)
        subprocess.run(["strace", "-f", "-qq", "-o", log, "-e", "trace=" + names, "-e", "signal=none", *self.command()],
                       check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT, timeout=300)
        counts = {}
        with open(log, errors="replace") as lines:
            for line in lines:
                # A call that strace has no name for is a new one, and those that we make only read.
                if found := re.match(r"(\d+)\s+(?!syscall_0x)(\w+)\(", line):
                    counts[found.groups()] = counts.get(found.groups(), 0) + 1
        most = {}
        for (_, call), count in counts.items():
            most[call] = max(count, most.get(call, 0))
        return [(call, k) for call in sorted(most) for k in range(1, most[call] + 1)]

    def kill(self, call, k):
        """True when the run was killed, false when it ended before."""
        done = subprocess.run(["strace", "-f", "-qq", "-o", os.devnull, "-e", "trace=" + call, "-e",
                               f"inject={call}:signal=SIGKILL:when={k}", *self.command()],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=300)
        if done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL):
            return True
        assert done.returncode == 0, f"exit {done.returncode}: {done.stderr.decode(errors='replace')[-1000:]}"
        return False

    def half_done(self):
        """Files that are neither old nor new."""
        return [name for name, content in read_tree(self.target).items()
                if content not in (self.old.get(name), self.new.get(name))]

    def left_over(self):
        return os.path.lexists(os.path.join(self.target, ".syncline"))

    def check_after_kill(self, recover_first):
        half_done = self.half_done()
        if self.how == "inplace":
            assert not half_done or self.left_over(), f"half updated without a journal: {half_done}"
        else:
            assert not half_done, f"neither old nor new after the kill: {half_done}"
        if recover_first:
            self.copy_well("--exclude=*")
            assert not self.half_done(), f"neither old nor new after recovery: {self.half_done()}"
        self.copy_well()
        found = read_tree(self.target)
        assert found == self.new, f"not equal: {sorted(n for n in set(found) | set(self.new) if found.get(n) != self.new.get(n))}"
        assert not self.left_over(), "something is left in .syncline"


def can_trace(scratch):
    if shutil.which("strace") is None:
        return "strace is not installed"
    done = subprocess.run(["strace", "-f", "-qq", "-o", os.path.join(scratch, "probe"), "-e",
                           "inject=getpid:signal=SIGKILL:when=1", "sh", "-c", "exit 0"], capture_output=True, text=True)
    return None if done.returncode in (0, -signal.SIGKILL, 128 + signal.SIGKILL) else f"strace cannot trace: {done.stderr.strip()}"


def kill_all(program, scratch, how):
    points = Scenario(program, os.path.join(scratch, how), how).trace()
    sample = sorted(random.Random(SEED).sample(points, min(POINTS, len(points))))
    print(f"{how}: {len(points)} points, {len(sample)} tried", flush=True)
    failures = struck = 0
    for number, (call, k) in enumerate(sample):
        root = os.path.join(scratch, f"{how}-{call}-{k}")
        try:
            scenario = Scenario(program, root, how)
            struck += scenario.kill(call, k)
            scenario.check_after_kill(recover_first=number % 2 == 1)
            shutil.rmtree(root)
        except AssertionError as error:
            failures += 1
            print(f"FAILED {how}, killed at {call} number {k} (kept in {root}): {error}", flush=True)
    print(f"{how}: {struck} killed, {failures} failed", flush=True)
    return failures + (struck < len(sample) // 2)  # a test that kills nothing proves nothing


def main(program):
    scratch = tempfile.mkdtemp(prefix="syncline-kill-")
    reason = can_trace(scratch)
    if reason is not None:
        shutil.rmtree(scratch)
        print("skipped:", reason)
        return 77
    failures = sum(kill_all(program, scratch, how) for how in ("atomic", "inplace"))
    if not failures:
        shutil.rmtree(scratch)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
