#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`syncline watch` under random edits and faults; whenever `syncline wait` returns both trees must be equal.

    watch_faults.py PROGRAM [SCENE...]

Equal are names, types, bytes, modes, owners, times, link targets, extended attributes and groups of hard links. Faults: a
queue of events that overflows, a connection that is cut, either process killed, a full disk, a source that is unmounted.
SYNCLINE_TEST_SEED repeats the edits of a run (not its timing), SYNCLINE_WATCH_ROUNDS is how often each scene edits and compares
(default 8). Trees and logs of a run that failed are kept. What may be done by nobody here (mounts in a namespace, a system
setting) is left out with a message."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from live_edits import regular_bytes, what_differs
from processes import check, wait_until
from watch_trial import KEEPING, SEED, UNGUARDED, Trial

PROGRAM = os.path.abspath(sys.argv[1])
ROUNDS = int(os.environ.get("SYNCLINE_WATCH_ROUNDS", 8))
QUEUE = "/proc/sys/fs/inotify/max_queued_events"
SHORT_QUEUE = 16
IN_NAMESPACE = "SYNCLINE_WATCH_IN_NAMESPACE"


def follow_edits(trial):
    for number in range(ROUNDS):
        trial.edit(trial.rng.choice([1, 5, 40]))
        if trial.rng.random() < 0.3:
            trial.edit_for(0.5)
        trial.check_in_step(f"round {number}")
    trial.end(trial.watch)


def local_edits(trial):
    trial.edit(30)
    trial.follow()
    follow_edits(trial)


def remote_edits(trial):
    trial.serve_behind_proxy()
    local_edits(trial)


def edits_seen_by_fanotify(trial):
    trial.edit(30)
    watch = trial.start("here", "watch.log", "watch", *UNGUARDED, "--watch-with=fanotify", "src/", "dst/")
    wait_until(lambda: watch.poll() is not None or trial.text("watch.log"), "the watch begins or ends")
    said = trial.text("watch.log")
    if "use --watch-with=inotify" in said:
        check(watch.wait(60) == 1, "what cannot be had there ends it as wrong usage: " + said)
    if "use --watch-with=inotify" in said or "watch the file system" in said:
        return "left out: " + said.strip()
    trial.watch = watch
    wait_until(trial.can_be_asked, "the watch can be asked")
    check("watched by fanotify" in trial.status_text(), "how it watches is told: " + trial.status_text())
    follow_edits(trial)
    return None


def fanotify_is_refused(trial):
    if IN_NAMESPACE not in os.environ:
        return "left out: nothing can be mounted here"
    for name in ("lower", "upper", "work", "over"):
        os.mkdir(trial.path(name))
    options = ",".join(f"{key}={trial.path(name)}" for key, name in
                       (("lowerdir", "lower"), ("upperdir", "upper"), ("workdir", "work")))
    # An overlay on an overlay, say, cannot be had everywhere.
    if subprocess.run(["mount", "-t", "overlay", "overlay", "-o", options, trial.path("over")], capture_output=True).returncode != 0:
        return "left out: no overlay can be mounted here"
    watch = trial.start("here", "over.log", "watch", "--watch-with=fanotify", "over/", "dst/")
    check(watch.wait(60) == 1, f"a file system that cannot be watched so is wrong usage: exit {watch.returncode}")
    said = trial.text("over.log")
    check("cannot be watched so" in said and "--watch-with=inotify" in said, "what to do is told: " + said)
    subprocess.run(["umount", trial.path("over")], check=True)
    return None


def queue_overflows(trial):
    try:
        with open(QUEUE) as file:
            usual = file.read()
        with open(QUEUE, "w") as file:
            file.write(str(SHORT_QUEUE))
    except OSError as error:
        return f"left out: the length of the queue cannot be set ({error})"
    try:
        trial.edit(30)
        trial.follow()  # has its queues by now, of the length that held then
    finally:
        with open(QUEUE, "w") as file:
            file.write(usual)
    for number in range(ROUNDS):
        trial.check_in_step(f"round {number}, before")
        # While it stands still, so that it finds a full queue.
        trial.watch.send_signal(signal.SIGSTOP)
        trial.edit(trial.rng.choice([10, 40]))
        os.makedirs(trial.path(f"src/burst-{number}/in"))
        for file in range(3 * SHORT_QUEUE):
            trial.write(f"src/burst-{number}/in/{file}", "x")
        trial.edit(trial.rng.choice([0, 10]))
        trial.watch.send_signal(signal.SIGCONT)
        trial.check_in_step(f"round {number}, after an overflow")
        # Directories that were made when nobody was told are followed too.
        for path, _, _ in os.walk(trial.path("src")):
            with open(os.path.join(path, "later"), "w") as file:
                file.write(str(number))
            os.unlink(os.path.join(path, "later"))
            os.mkdir(os.path.join(path, "later"))
        trial.check_in_step(f"round {number}, in every directory")
        for path, names, _ in os.walk(trial.path("src"), topdown=False):
            for name in names:
                if name == "later" or name.startswith("burst-"):
                    shutil.rmtree(os.path.join(path, name))
    check("events were lost" in trial.text("watch.log"), "that events were lost is told: " + trial.text("watch.log"))
    check(trial.status()["overflows"] > 0, f"and counted: {trial.status()}")
    with open(trial.path("here/state/syncline/log/events.jsonl")) as file:
        check("events were lost" in file.read(), "and stands in the event log")
    trial.end(trial.watch)
    return None


def connection_is_cut(trial):
    trial.serve_behind_proxy()
    trial.edit(30)
    trial.follow()
    trial.check_in_step("at first")
    for number in range(ROUNDS):
        if trial.rng.random() < 0.6:
            trial.proxy.cut_after(trial.rng.choice([1, 500, 5_000, 50_000, 300_000]))
            trial.edit_for(0.3)
        else:
            trial.proxy.cut()
            trial.edit(10)
        time.sleep(trial.rng.random() * 0.2)
        trial.proxy.restore()
        trial.edit(3)
        trial.check_in_step(f"round {number}")
    trial.end(trial.watch)


def processes_are_killed(trial):
    """What they had brought is not taken for what others made."""
    trial.serve_behind_proxy()
    trial.edit(30)
    trial.follow(*KEEPING)
    for number in range(ROUNDS):
        both = trial.rng.random() < 0.2
        dies = [trial.watch, trial.server] if both else [trial.rng.choice([trial.watch, trial.server])]
        trial.edit(20)
        time.sleep(trial.rng.random() * 0.1)
        for process in dies:
            process.kill()
            process.wait()
        trial.edit(trial.rng.choice([0, 10]))
        if trial.server in dies:
            trial.serve_again()
        if trial.watch in dies:
            trial.follow(*KEEPING)
        trial.edit(3)
        trial.check_in_step(f"round {number}")
    trial.end(trial.watch)


def new_directories(trial):
    """The race of inotify: what comes into a directory before it is watched."""
    trial.serve_behind_proxy()
    trial.follow()
    trial.check_in_step("at first")
    made, seen = {}, {}

    def look():
        for name in list(made.keys() - seen.keys()):
            if os.path.exists(trial.path(f"{trial.to}/{name}")):
                seen[name] = time.monotonic() - made[name]
    for number in range(200):
        name = f"made-{number}/in/f" if number % 2 else f"made-{number}/f"
        trial.write("src/" + name, str(number))
        made[name] = time.monotonic()
        look()
        if number % 10 == 0:
            time.sleep(trial.rng.random() * 0.03)
    wait_until(lambda: look() or len(seen) == len(made), "all new files are at the other side")
    latest = sorted(seen.values())
    print(f"  new files in new directories: median {latest[100] * 1e3:.0f} ms, latest {latest[-1] * 1e3:.0f} ms", flush=True)
    check(latest[-1] < 30, "none of them waits for a look at everything")
    trial.check_in_step("after all")
    trial.end(trial.watch)


def mount_disk(trial, place, mib):
    """A file system of that size on a loop device or, where there are none, in memory. Returns its type."""
    image = trial.path("disk-image")
    with open(image, "wb") as file:
        file.truncate(mib << 20)
    mkfs = shutil.which("mkfs.ext4", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    made = mkfs and subprocess.run([mkfs, "-q", "-F", "-m", "0", image], capture_output=True).returncode == 0 and \
        subprocess.run(["mount", "-o", "loop", image, trial.path(place)], capture_output=True).returncode == 0
    if made:
        os.rmdir(trial.path(place + "/lost+found"))
        return "ext4"
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={mib}m,mode=755", "none", trial.path(place)], check=True)
    return "tmpfs"


def disk_is_full(trial):
    if IN_NAMESPACE not in os.environ:
        return "left out: nothing can be mounted here"
    os.mkdir(trial.path("shared"))
    disk = mount_disk(trial, "shared", 32)
    os.mkdir(trial.path("shared/dst"))
    trial.serve_behind_proxy()
    trial.to = "shared/dst"
    to = f"syncline://127.0.0.1:{trial.proxy.port}/shared/dst/"
    trial.edit(20)
    trial.watch = trial.start("here", "watch.log", "watch", *UNGUARDED, "src/", to)
    wait_until(trial.can_be_asked, "the watch can be asked")
    trial.check_in_step("at first")
    for number in range(max(1, ROUNDS // 3)):
        with open(trial.path("shared/ballast"), "wb") as file:
            room = os.statvfs(trial.path("shared"))
            file.write(bytes(room.f_bavail * room.f_frsize - 200_000))
        trial.edit(10)
        seen = trial.text("watch.log").count("No space left")
        with open(trial.path(f"src/too-large-{number}"), "wb") as file:
            file.write(trial.rng.randbytes(3_000_000))
        wait_until(lambda: trial.text("watch.log").count("No space left") > seen, "a full disk is told")
        trial.edit(10)
        check(trial.watch.poll() is None and trial.server.poll() is None, "both go on: " + trial.text("watch.log")[-2000:])
        os.unlink(trial.path("shared/ballast"))
        trial.check_in_step(f"round {number}, once there is room (source of {regular_bytes(trial.path('src'))} bytes)")
        trial.remove_large_ones()
        trial.check_in_step(f"round {number}, after the large file")
    trial.end(trial.watch)
    trial.end_all()
    subprocess.run(["umount", "-l", trial.path("shared")], check=True)
    return f"ok, on {disk}"


def source_is_unmounted(trial):
    if IN_NAMESPACE not in os.environ:
        return "left out: nothing can be mounted here"
    os.rmdir(trial.path("src/sub"))
    disk = mount_disk(trial, "src", 64)
    trial.edit(60)
    if trial.is_far:
        trial.serve_behind_proxy()
    trial.follow()
    trial.check_in_step("at first")
    before = what_differs(trial.path("src"), trial.path("dst"))
    count = len(os.listdir(trial.path("dst")))
    os.mkdir(trial.path("kept"))
    subprocess.run(["mount", "--bind", trial.path("src"), trial.path("kept")], check=True)
    subprocess.run(["umount", trial.path("src")], check=True)  # fails where somebody holds something in it open
    if trial.is_far:  # nobody looks before something is to be done
        trial.proxy.cut()
        trial.proxy.restore()
    wait_until(lambda: "not the directory that it was" in trial.text("watch.log"), "the unmounted source is noticed")
    check(before is None and what_differs(trial.path("kept"), trial.path("dst")) is None, "an unmounted source deletes nothing")
    check(len(os.listdir(trial.path("dst"))) == count, "everything is there still")
    with open(trial.path("kept/meanwhile"), "w") as file:
        file.write("x")
    subprocess.run(["mount", "--move", trial.path("kept"), trial.path("src")], check=True)
    wait_until(lambda: os.path.exists(trial.path("dst/meanwhile")), "it goes on once the source is back")
    trial.edit(10)
    trial.check_in_step("once the source is back")
    trial.end(trial.watch)
    subprocess.run(["umount", "-l", trial.path("src")], check=True)
    return f"ok, on {disk}"


def mount_part(trial):
    part, kept = trial.path("src/part"), trial.path("kept")
    os.mkdir(part)
    os.mkdir(kept)
    return part, kept, mount_disk(trial, "src/part", 64)


def take_away(part, kept):
    """It is mounted at `kept` then, from where it can be moved back."""
    subprocess.run(["mount", "--bind", part, kept], check=True)
    subprocess.run(["umount", part], check=True)


def part_is_unmounted(trial):
    """Of SRC, while it is watched and while it is not; nobody is asked whether 40 of 80 files may be deleted."""
    if IN_NAMESPACE not in os.environ:
        return "left out: nothing can be mounted here"
    part, kept, disk = mount_part(trial)
    for number in range(40):
        trial.write(f"src/part/{number}", str(number))
        trial.write(f"src/{number}", str(number))

    if trial.is_far:
        trial.serve_behind_proxy()
    trial.follow("--drift-keep=none")
    trial.check_in_step("at first")
    for is_watched in (True, False):
        if not is_watched:
            trial.end(trial.watch)
        take_away(part, kept)
        trial.write("src/meanwhile", str(is_watched))
        seen = trial.text("watch.log").count("nothing is mounted at 'part'")
        if not is_watched:
            trial.follow("--drift-keep=none")
        wait_until(lambda: trial.text("watch.log").count("nothing is mounted at 'part'") > seen, "it is noticed")
        wait_until(lambda: trial.text("dst/meanwhile") == str(is_watched), "the rest goes on")
        check(len(os.listdir(trial.path("dst/part"))) == 40, "nothing of it is deleted")
        with open(kept + "/more", "w") as file:
            file.write(str(is_watched))
        subprocess.run(["mount", "--move", kept, part], check=True)
        wait_until(lambda: trial.text("dst/part/more") == str(is_watched), "it goes on once it is back")
        os.unlink(part + "/more")
        trial.check_in_step("once it is back")
    if disk == "ext4":
        subprocess.run(["umount", part], check=True)
        subprocess.run(["mount", "-o", "loop", trial.path("disk-image"), part], check=True)
        time.sleep(3)  # so that it is followed, and not just looked at once more
        trial.write("src/part/again", "x")
        wait_until(lambda: os.path.exists(trial.path("dst/part/again")), "it is followed, though it was away for a moment only")
    trial.end(trial.watch)
    subprocess.run(["umount", "-l", part], check=True)
    return f"ok, on {disk}"


def part_is_unmounted_while_deletions_are_held(trial):
    """What a person has not allowed is not allowed by a disk that goes and comes back."""
    if IN_NAMESPACE not in os.environ:
        return "left out: nothing can be mounted here"
    part, kept, disk = mount_part(trial)
    trial.write("src/part/on-disk", "x")
    for number in range(120):
        trial.write(f"src/{number}", str(number))
    trial.follow("--drift-keep=none")
    trial.check_in_step("at first")
    for number in range(60):
        os.unlink(trial.path(f"src/{number}"))
    wait_until(lambda: "60 deletions are held" in trial.text("watch.log"), "they are held")
    take_away(part, kept)
    wait_until(lambda: "nothing is mounted at 'part'" in trial.text("watch.log"), "that it is gone is noticed")
    for number in range(40):
        trial.write(f"src/{number}", str(number))
    trial.write("src/meanwhile", "x")
    wait_until(lambda: os.path.exists(trial.path("dst/meanwhile")), "the rest goes on")
    trial.end(trial.watch)
    subprocess.run(["mount", "--move", kept, part], check=True)
    trial.follow("--drift-keep=none")
    trial.write("src/again", "x")
    wait_until(lambda: os.path.exists(trial.path("dst/again")), "it goes on")
    time.sleep(0.5)
    check(all(os.path.exists(trial.path(f"dst/{number}")) for number in range(60)), "what was held is so still, few as they are")
    approved = subprocess.run([trial.program, "approve", "src"], env=trial.environment("here"), cwd=trial.root, capture_output=True, text=True)
    check(approved.returncode == 0, "it can be approved: " + approved.stderr)
    trial.check_in_step("then")
    trial.end(trial.watch)
    subprocess.run(["umount", "-l", part], check=True)
    return f"ok, on {disk}"


def destination_is_unmounted(trial):
    if IN_NAMESPACE not in os.environ:
        return "left out: nothing can be mounted here"
    os.mkdir(trial.path("shared"))
    disk = mount_disk(trial, "shared", 64)
    trial.edit(30)
    trial.serve_behind_proxy()
    trial.to = "shared/dst"
    to = f"syncline://127.0.0.1:{trial.proxy.port}/shared/dst/"
    trial.watch = trial.start("here", "watch.log", "watch", *UNGUARDED, "src/", to)
    wait_until(trial.can_be_asked, "the watch can be asked")
    trial.check_in_step("at first")
    os.mkdir(trial.path("kept"))
    subprocess.run(["mount", "--bind", trial.path("shared"), trial.path("kept")], check=True)
    subprocess.run(["umount", trial.path("shared")], check=True)  # fails where somebody holds something in it open
    trial.edit(5)
    wait_until(lambda: "not the directory that it was" in trial.text("watch.log"), "it is noticed")
    check(not os.listdir(trial.path("shared")), "nothing is written below it")
    trial.edit(5)
    subprocess.run(["mount", "--move", trial.path("kept"), trial.path("shared")], check=True)
    trial.check_in_step("once it is back")
    trial.end(trial.watch)
    trial.end_all()
    subprocess.run(["umount", "-l", trial.path("shared")], check=True)
    return f"ok, on {disk}"


def far(scene):
    """The same with a source that is at the server."""
    def act(trial):
        trial.is_far = True
        return scene(trial)
    act.__name__ = "far_" + scene.__name__
    return act


SCENES = (local_edits, remote_edits, far(remote_edits), edits_seen_by_fanotify, fanotify_is_refused, queue_overflows, connection_is_cut,
          far(connection_is_cut), processes_are_killed, far(processes_are_killed), new_directories, far(new_directories), disk_is_full,
          source_is_unmounted, far(source_is_unmounted), part_is_unmounted,
          far(part_is_unmounted), part_is_unmounted_while_deletions_are_held, destination_is_unmounted)


def enter_namespace():
    """Where mounts are this test's own, if that is allowed."""
    if IN_NAMESPACE in os.environ or os.geteuid() != 0:
        return
    command = ["unshare", "--mount", "--propagation", "private"]
    if shutil.which("unshare") and subprocess.run([*command, "true"], capture_output=True).returncode == 0:
        os.environ[IN_NAMESPACE] = "1"
        os.environ["SYNCLINE_TEST_SEED"] = str(SEED)
        os.execvp(command[0], [*command, sys.executable, *sys.argv])


def run(scene, root):
    os.mkdir(root)
    trial = Trial(PROGRAM, root, scene.__name__)
    begun = time.monotonic()
    try:
        said = scene(trial) or "ok"
    finally:
        trial.end_all()
    print(f"{scene.__name__}: {said} ({time.monotonic() - begun:.1f} s)", flush=True)
    shutil.rmtree(root)


def main():
    enter_namespace()
    print("seed", SEED, flush=True)
    chosen = [scene for scene in SCENES if len(sys.argv) < 3 or scene.__name__ in sys.argv[2:]]
    root = tempfile.mkdtemp(prefix="syncline-watch-")
    try:
        for scene in chosen:
            run(scene, os.path.join(root, scene.__name__))
    except BaseException:
        print(f"kept in {root}, seed {SEED}", flush=True)
        raise
    os.rmdir(root)


main()
