#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Source rules that a compiler does not know: check_source.py RULE ROOT.

RULE is one of includes, raw-fs, text, links. Prints one line a finding and exits 1 if there is any.
"""
import fnmatch
import os
import re
import sys

CODE = (".hpp", ".cpp", ".h", ".c")
SCRIPTS = (".py", ".sh", ".build", ".ini", ".wrap", ".in", ".bash", ".fish", ".zsh")


def files_below(root, *tops):
    """Relative paths of all files below the given directories, sorted."""
    found = []
    for top in tops:
        for folder, folders, names in os.walk(os.path.join(root, top)):
            folders[:] = [name for name in folders if name not in ("__pycache__", "corpus", "data")]
            found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(name for name in found if not name.endswith(".pyc"))


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def table(root, name, separator, columns):
    """Rows of a small text table with # comments."""
    rows = []
    for line in read(root, os.path.join("tests/lint", name)).splitlines():
        line = line.split("#")[0].strip()
        if line:
            rows.append([cell.strip() for cell in line.split(separator, columns - 1)])
    return rows


def strip_comments_and_strings(text):
    """Code with comments, string and character literals blanked; line numbers stay."""
    pattern = re.compile(
        r'//[^\n]*|/\*.*?\*/|R"([^(\s]*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
    return pattern.sub(lambda match: re.sub(r"[^\n]", " ", match.group(0)), text)


def line_of(text, offset):
    return text.count("\n", 0, offset) + 1


# --- includes ------------------------------------------------------------------------------

def circle_in(edges):
    """A module that can reach itself, or None."""
    for start in edges:
        seen, todo = set(), list(edges[start])
        while todo:
            module = todo.pop()
            if module == start:
                return start
            if module not in seen:
                seen.add(module)
                todo += edges.get(module, [])
    return None


def allowed_modules(edges, module, path):
    allowed = set(edges.get(module, []))
    for pattern, modules in edges.items():
        if "/" in pattern and fnmatch.fnmatch(path, f"src/{pattern}"):
            allowed |= set(modules)
    return allowed | {module}


def check_includes(root):
    rows = table(root, "module_edges.txt", ":", 2)
    edges = {name: modules.split() for name, modules in rows if not name.startswith("<")}
    owners = [(name.strip("<>"), modules.split()) for name, modules in rows if name.startswith("<")]
    findings = []
    circle = circle_in(edges)
    if circle:
        findings.append(f"tests/lint/module_edges.txt: module {circle} depends on itself")
    for path in files_below(root, "src", "include"):
        if not path.endswith(CODE):
            continue
        parts = path.split("/")
        module = parts[1] if parts[0] == "src" and len(parts) > 2 else ""
        if parts[0] == "src" and module not in edges:
            findings.append(f"{path}: module '{module}' is not in tests/lint/module_edges.txt")
        for number, line in enumerate(read(root, path).splitlines(), 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                findings += check_one_include(path, number, module, match.group(1), match.group(2), edges, owners)
    return findings


def check_one_include(path, number, module, quote, target, edges, owners):
    place = f"{path}:{number}"
    if quote == "<":
        for pattern, modules in owners:
            if fnmatch.fnmatch(target, pattern) and module not in modules:
                return [f"{place}: <{target}> belongs to {', '.join(modules) or 'no module'}"]
        return []
    if target.startswith("syncline/"):
        return []
    other = target.split("/")[0]
    if "/" not in target or other not in edges:
        return [f"{place}: \"{target}\" does not name its module"]
    if not module:
        return [f"{place}: a public header includes \"{target}\""]
    if other not in allowed_modules(edges, module, path):
        return [f"{place}: {module} may not include {other}"]
    return []


# --- raw file-system calls -------------------------------------------------------------------

# Names that are also good names for members: raw only as ::name( or at the start of an expression.
# The real ones of the first line take two arguments or more.
COMMON_PAIRS = "open|creat|stat|lstat|rename|mkdir|link|symlink|readlink|chmod|chown|truncate|access"
COMMON_SINGLES = "unlink|rmdir|remove"
COMMON_CALLS = f"{COMMON_PAIRS}|{COMMON_SINGLES}"
CERTAIN_CALLS = (
    "fopen|freopen|openat|openat2|fstatat|statx|unlinkat|renameat|renameat2|mkdirat|linkat|symlinkat|readlinkat|"
    "fchmodat|fchownat|lchown|utimensat|utime|utimes|opendir|fdopendir|readdir|scandir|mknod|mknodat|mkfifo|mkstemp|"
    "mkostemp|mkdtemp|tmpfile|realpath|nftw|ftw|statvfs|statfs|faccessat|chdir|chroot|mount|setxattr|lsetxattr|"
    "getxattr|lgetxattr|listxattr|llistxattr|removexattr|lremovexattr|name_to_handle_at|open_by_handle_at")
SYSTEM_HEADER = re.compile(r"#\s*include\s*<(fcntl\.h|unistd\.h|sys/stat\.h|stdio\.h|cstdio)>")
RAW_FS = re.compile(
    rf"(?<![\w>:.])::(?P<a>{COMMON_CALLS}|{CERTAIN_CALLS})\s*\("
    rf"|(?:^|[=(,!;{{}}&|?]|\breturn)\s*(?P<b>(?:{COMMON_PAIRS})(?=\s*\([^()]*,)|(?:{COMMON_SINGLES})(?=\s*\())"
    rf"|(?<![\w.>:])(?P<c>{CERTAIN_CALLS})\s*\("
    r"|\bstd::(?P<d>fopen|remove|rename|tmpfile|filesystem|w?[io]?fstream|basic_[io]?fstream)\b"
    r"|#\s*include\s*<(?P<e>filesystem|fstream|dirent\.h|sys/xattr\.h|sys/mount\.h|ftw\.h)>", re.M)


def check_raw_fs(root):
    allowed = table(root, "raw_fs_allowed.txt", "|", 3)
    used, findings = set(), []
    for path in files_below(root, "src", "include"):
        if not path.endswith(CODE) or path.startswith("src/fs/"):
            continue
        text = strip_comments_and_strings(read(root, path))
        has_calls = SYSTEM_HEADER.search(text) is not None
        for match in RAW_FS.finditer(text):
            if match.lastgroup == "b" and not has_calls:
                continue  # a function of the module's own
            name = match.group(match.lastgroup)
            row = next((k for k, (pattern, call, _) in enumerate(allowed)
                        if call == name and fnmatch.fnmatch(path, pattern)), None)
            if row is None:
                findings.append(f"{path}:{line_of(text, match.start(match.lastgroup))}: {name} outside src/fs")
            used.add(row)
    for k, (pattern, call, _) in enumerate(allowed):
        if k not in used:
            print(f"note: tests/lint/raw_fs_allowed.txt: '{pattern} | {call}' is not needed any more")
    return findings


# --- text ------------------------------------------------------------------------------------

MACHINE_PATH = re.compile(r"(?<![\w./-])/(?:work|root)/")


def is_script(root, path):
    return path.endswith(SCRIPTS) or ("." not in os.path.basename(path) and read(root, path)[:2] == "#!")


def check_text(root):
    findings = []
    for path in files_below(root, "src", "include", "tests", "tools", "docs", "third_party", ".ci"):
        code = path.endswith(CODE)
        script = not code and is_script(root, path)
        if not (code or script or path.endswith((".md", ".txt", ".scd"))):
            continue
        text = read(root, path)
        lines = text.split("\n")
        if code and "SPDX-License-Identifier: Apache-2.0" not in "".join(lines[:3]):
            findings.append(f"{path}:1: no SPDX line")
        if text and not text.endswith("\n"):
            findings.append(f"{path}:{len(lines)}: no newline at the end")
        if code and len(lines) > 501:
            print(f"note: {path}: {len(lines) - 1} lines (500 is a smell)")
        prose = path.endswith(".md")
        for number, line in enumerate(lines, 1):
            findings += [f"{path}:{number}: {what}" for what in line_findings(path, line, prose)]
    return findings


def line_findings(path, line, prose):
    """What is wrong with one line."""
    if line.endswith("\r"):
        yield "carriage return"
    elif line != line.rstrip() and not prose:
        yield "space at the end"
    if "\t" in line and not path.endswith(".scd"):  # scdoc's own indentation is the tab
        yield "tab"
    if len(line) > 120 and path.endswith(CODE):
        yield f"{len(line)} columns (120 at most)"
    if "check_source" in path:
        return
    if MACHINE_PATH.search(line) or (path.startswith("src/") and re.search(r"(?<!\w)/tmp/", line)):
        yield "path of one machine"
    if path.endswith(CODE) and re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line):
        yield "unfinished work"


# --- links -----------------------------------------------------------------------------------

def check_links(root):
    """Relative links of the Markdown pages and paths they quote as `tools/...` must exist."""
    findings = []
    pages = [name for name in os.listdir(root) if name.endswith(".md")]
    pages += [path for path in files_below(root, "docs") if path.endswith(".md")]
    for page in sorted(pages):
        text = read(root, page)
        for match in re.finditer(r"\]\(([^)#\s]+)[^)]*\)|`((?:src|tests|tools|docs|include|\.ci)/[\w./-]+)`", text):
            target = match.group(1) or match.group(2)
            if re.match(r"[a-z]+:", target):
                continue
            base = os.path.dirname(page) if match.group(1) else ""
            if not os.path.exists(os.path.join(root, base, target)):
                findings.append(f"{page}:{line_of(text, match.start())}: {target} does not exist")
    return findings


RULES = {"includes": check_includes, "raw-fs": check_raw_fs, "text": check_text, "links": check_links}


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in RULES:
        print(__doc__, file=sys.stderr)
        return 2
    findings = RULES[arguments[0]](arguments[1])
    for finding in findings:
        print(finding)
    print(f"{arguments[0]}: {len(findings)} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
