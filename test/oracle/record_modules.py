#!/usr/bin/env python3
"""Fills the "want" of every step in module case files from a real ansible-playbook.

usage: ANSIBLE_PLAYBOOK=/path/to/ansible-playbook record_modules.py FILE.json...

A file is a list of cases {name, files, dirs, links, steps}. Each case runs in a directory of its own, whose path is written
@DIR@. A step is {module, args, check, diff, payload}; recording adds want (the result) and tree (what the directory
holds afterwards). The Go side that replays the files is internal/target/modules/moduletest.
"""
import json, os, re, shutil, subprocess, sys, tempfile

ROOT = "/tmp/oracle_cases"
VOLATILE = {"start", "end", "delta", "atime", "mtime", "ctime", "inode", "dev", "version", "invocation", "stdout_lines", "stderr_lines",
            "exception", "_ansible_no_log", "deprecations", "ansible_facts", "pid", "warnings"}
SNAP = r'''
import os, sys, json, stat
out = {}
for d, ds, fs in os.walk(sys.argv[1]):
    for n in ds + fs:
        p = os.path.join(d, n); r = os.path.relpath(p, sys.argv[1]); s = os.lstat(p); m = "%04o" % stat.S_IMODE(s.st_mode)
        if os.path.islink(p): out[r] = ["link", os.readlink(p)]
        elif os.path.isdir(p): out[r] = ["dir", m]
        else: out[r] = ["file", m, open(p, errors="surrogateescape").read().replace(sys.argv[1], "@DIR@")]
json.dump(out, open(sys.argv[2], "w"))
'''


def clean(v, d):
    if isinstance(v, dict):
        return {clean(k, d): clean(x, d) for k, x in v.items() if k not in VOLATILE}
    if isinstance(v, list):
        return [clean(x, d) for x in v]
    if isinstance(v, str):
        v = v.replace(d, "@DIR@")
        v = re.sub(r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~", ".@BACKUP@", v)
        v = re.sub(r"/root/\.ansible/tmp/ansible-tmp-[-.\d]+/", "@TMP@/", v)
    return v


def results(text):
    out, buf = [], None
    for line in text.splitlines():
        m = re.match(r"^(ok|changed|fatal|skipping|failed): \[localhost\].*?=> (\{.*)$", line)
        if m and buf is None:
            kind = {"fatal": {"failed": True}, "skipping": {"skipped": True}}.get(m.group(1), {})
            if m.group(2).endswith("}"):
                out.append(json.loads(m.group(2)) | kind)
            else:
                buf = [m.group(2)]
        elif buf is not None:
            buf.append(line)
            if line == "}":
                out.append(json.loads("\n".join(buf)) | kind)
                buf = None
    return out


def record(path):
    cases = json.load(open(path))
    shutil.rmtree(ROOT, ignore_errors=True)
    os.makedirs(ROOT + "/.snap")
    open(ROOT + "/.snap/snap.py", "w").write(SNAP)
    tasks = []
    for i, c in enumerate(cases):
        d = f"{ROOT}/case{i}"
        os.makedirs(d)
        for n in c.get("dirs", []):
            os.makedirs(os.path.join(d, n), exist_ok=True)
        for n, v in c.get("files", {}).items():
            p = os.path.join(d, n)
            os.makedirs(os.path.dirname(p), exist_ok=True)
            open(p, "w").write(v.replace("@DIR@", d))
            os.chmod(p, int(c.get("modes", {}).get(n, "0644"), 8))
        for n, v in c.get("links", {}).items():
            os.symlink(v, os.path.join(d, n))
        for j, s in enumerate(c["steps"]):
            args = json.loads(json.dumps(s.get("args", {})).replace("@DIR@", d))
            if "payload" in s:
                if s["module"] == "script":
                    p = f"{ROOT}/.snap/p{i}_{j}"
                    open(p, "w").write(s["payload"])
                    args["cmd"] = p + " " + args.get("cmd", "")
                else:
                    args["content"] = s["payload"]
            t = {s["module"]: args, "ignore_errors": True, "name": "step"}
            if s.get("check"): t["check_mode"] = True
            if s.get("diff"): t["diff"] = True
            if s.get("environment"): t["environment"] = json.loads(json.dumps(s["environment"]).replace("@DIR@", d))
            tasks.append(t)
            tasks.append({"raw": f"python3 {ROOT}/.snap/snap.py {d} {ROOT}/.snap/{i}_{j}.json", "name": "snap"})
    book = tempfile.NamedTemporaryFile("w", suffix=".yml", delete=False)
    json.dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], book)
    book.close()
    env = dict(os.environ, LC_ALL="C.UTF-8", ANSIBLE_NOCOLOR="1", ANSIBLE_DEPRECATION_WARNINGS="0", ANSIBLE_INVENTORY_UNPARSED_WARNING="0")
    p = subprocess.run([os.environ["ANSIBLE_PLAYBOOK"], "-vvv", book.name], env=env, capture_output=True, text=True, cwd="/")
    got = results(p.stdout)
    if len(got) != len(tasks):
        sys.exit(f"{path}: {len(tasks)} tasks, {len(got)} results\n{p.stdout[-3000:]}\n{p.stderr[-2000:]}")
    k = 0
    for i, c in enumerate(cases):
        d = f"{ROOT}/case{i}"
        for j, s in enumerate(c["steps"]):
            s["want"] = clean(got[k], d)
            tree = json.load(open(f"{ROOT}/.snap/{i}_{j}.json"))
            s["tree"] = {clean(n, d): ([clean(x, d) for x in v]) for n, v in sorted(tree.items())}
            k += 2
    json.dump(cases, open(path, "w"), indent=1, sort_keys=True)
    open(path, "a").write("\n")
    shutil.rmtree(ROOT)
    os.unlink(book.name)


for f in sys.argv[1:]:
    record(f)
