# SPDX-License-Identifier: Apache-2.0
"""Random edits of a tree that is being watched, and what both trees must have in common afterwards."""
import ctypes
import os
import shutil
import stat

from random_trees import Editor, difference, snapshot

RENAME_EXCHANGE = 2
AT_FDCWD = -100
libc = ctypes.CDLL(None, use_errno=True)


def exchange(left, right):
    if libc.renameat2(AT_FDCWD, left, AT_FDCWD, right, RENAME_EXCHANGE) != 0:
        raise OSError(ctypes.get_errno(), "renameat2")


class LiveEditor(Editor):
    """What people and programs do while somebody looks: names that swap, directories that come and go at once, entries
    that become something else. `edit` makes one."""

    def __init__(self, rng, stealth=False):
        super().__init__(rng, stealth=stealth, renames=not stealth)
        kinds = [(6, self.append), (4, self.replace), (4, self.file_and_dir), (4, self.flip_symlink), (4, self.fleeting),
                 (3, self.nest), (2, self.chmod_dir), (2, self.xattr_dir), (2, self.drop_xattr), (3, self.touch),
                 (2, self.held_open)]
        if not stealth:
            kinds += [(4, self.swap), (4, self.swap_by_three), (4, self.rename_dir), (3, self.dir_again), (3, self.rename_over)]
        self.weights += [weight for weight, _ in kinds]
        self.edits += [edit for _, edit in kinds]
        self.top = None
        self.open = None

    def edit(self, root):
        self.top = os.fsencode(root)
        super().edit(root)

    def entry(self):
        return self.rng.choice(self.entries + self.dirs[1:])

    def append(self, _):
        with open(self.rng.choice(self.regular), "ab") as file:
            file.write(self.rng.randbytes(self.rng.randint(1, 5000)))

    def replace(self, path):
        """As editors save."""
        with open(path + b"~", "wb") as file:
            file.write(self.content())
        os.rename(path + b"~", self.rng.choice(self.regular))

    def rename_over(self, _):
        one, other = self.rng.sample(self.entries, 2)
        os.rename(one, other)

    def swap(self, _):
        one, other = self.entry(), self.entry()
        if not (one.startswith(other + b"/") or other.startswith(one + b"/")):
            exchange(one, other)

    def swap_by_three(self, path):
        one, other = self.rng.sample(self.regular, 2)
        os.rename(one, path + b"3")
        os.rename(other, one)
        os.rename(path + b"3", other)

    def rename_dir(self, path):
        if not os.path.lexists(path):
            os.rename(self.rng.choice(self.dirs[1:]), path)

    def dir_again(self, _):
        """A directory is renamed and made anew under its old name."""
        one = self.rng.choice(self.dirs[1:])
        os.rename(one, one + b"'")
        os.mkdir(one)
        with open(one + b"/inside", "wb") as file:
            file.write(self.content())

    def file_and_dir(self, _):
        one = self.rng.choice(self.regular) if self.rng.random() < 0.5 else self.rng.choice(self.dirs[1:])
        if os.path.isdir(one):
            shutil.rmtree(one)
            with open(one, "wb") as file:
                file.write(self.content())
        else:
            os.unlink(one)
            os.makedirs(one + b"/d")
            with open(one + b"/d/f", "wb") as file:
                file.write(self.content())

    def flip_symlink(self, path):
        links = [one for one in self.entries if os.path.islink(one)]
        target = self.rng.choice([b".", b"..", b"a", b"b", b"/nowhere"])
        path = self.rng.choice(links) if links and self.rng.random() < 0.7 else path
        if os.path.lexists(path):
            os.unlink(path)
        os.symlink(target, path)

    def fleeting(self, path):
        """There and gone, while somebody may be looking into it."""
        for _ in range(self.rng.randint(1, 4)):
            os.makedirs(path + b"/x/y")
            with open(path + b"/x/y/z", "wb") as file:
                file.write(b"z")
            shutil.rmtree(path)
        if self.rng.random() < 0.5:
            os.mkdir(path)

    def nest(self, path):
        os.makedirs(path + b"/1/2/3")
        for depth in (b"/1/f", b"/1/2/f", b"/1/2/3/f"):
            with open(path + depth, "wb") as file:
                file.write(self.content())

    def chmod_dir(self, _):
        os.chmod(self.rng.choice(self.dirs), self.rng.choice([0o755, 0o700, 0o2775]))

    def xattr_dir(self, _):
        os.setxattr(self.rng.choice(self.dirs), "user.t", self.rng.randbytes(5))

    def drop_xattr(self, _):
        path = self.rng.choice(self.regular)
        for name in os.listxattr(path):
            os.removexattr(path, name)

    def touch(self, _):
        path = self.rng.choice(self.regular + self.dirs)
        os.utime(path, ns=(0, self.rng.randrange(10**18, 2 * 10**18)))

    def held_open(self, _):
        """A file that stays open from one edit to another, whatever becomes of its name meanwhile."""
        if self.open is None:
            self.open = open(self.rng.choice(self.regular), "ab", buffering=0)
        self.open.write(self.rng.randbytes(100))
        if self.rng.random() < 0.5:
            self.let_go()

    def let_go(self):
        if self.open is not None:
            self.open.close()
        self.open = None


def tree_of(top):
    """What random_trees.snapshot() tells, without what the engine keeps there while it works."""
    out = snapshot(top)
    return {name: value for name, value in out.items()
            if not (isinstance(name, bytes) and (name == b".syncline" or name.startswith(b".syncline/")))}


def what_differs(left, right):
    """None, or lines about paths."""
    before, after = tree_of(left), tree_of(right)
    return None if before == after else difference(before, after)


def regular_bytes(top):
    return sum(info.st_size for path, _, names in os.walk(top) for name in names
               if stat.S_ISREG((info := os.lstat(os.path.join(path, name))).st_mode))
