#!/usr/bin/env python3
"""Fills the "want" of every step in module case files from a real ansible-playbook.

usage: ANSIBLE_PLAYBOOK=/path/to/ansible-playbook record_modules.py FILE.json...

A file is a list of cases {name, files, modes, dirs, links, mounts, prepare, unwatched, random, environment, facts, steps}. Each case runs in a
directory of its own, whose path is written @DIR@. mounts puts folders and files of it in the place of the machine's ({"/etc/apt": "apt"}),
in a mount namespace; random are files with other content each time, for which, and for what results say of keys, words are recorded; prepare is a shell script that runs there before the first step; environment holds for all steps; facts compares
ansible_facts, too. A step is
{module, args, check, diff, payload, environment}; recording adds want (the result, or the last line of a traceback as crashed), tree (what the directory holds afterwards, but for
unwatched) and commands: the lines that programs of the case's own, first in PATH, have written to @DIR@/commands.
A step with untouched is one in which we change nothing while Ansible does.
The Go side that replays the files is internal/target/modules/moduletest.
"""
import json, os, re, shutil, subprocess, sys, tempfile

ROOT = tempfile.mkdtemp(prefix="oracle_cases")
VOLATILE = {"start", "end", "delta", "atime", "mtime", "ctime", "inode", "dev", "version", "invocation", "stdout_lines", "stderr_lines",
            "exception", "_ansible_no_log", "deprecations", "ansible_facts", "pid", "warnings"}
SNAP = r'''
import os, sys, json, stat, hashlib
top, to, unwatched = sys.argv[1], sys.argv[2], sys.argv[3:]
out = {}
for d, ds, fs in os.walk(top):
    ds[:] = [n for n in ds if os.path.relpath(os.path.join(d, n), top) not in unwatched]
    for n in ds + fs:
        p = os.path.join(d, n); r = os.path.relpath(p, top); s = os.lstat(p); m = "%04o" % stat.S_IMODE(s.st_mode)
        if r in unwatched or r == "commands": continue
        if s.st_uid or s.st_gid: m += " %d:%d" % (s.st_uid, s.st_gid)
        if os.path.islink(p): out[r] = ["link", os.readlink(p)]
        elif os.path.isdir(p): out[r] = ["dir", m]
        elif not os.path.isfile(p): out[r] = ["other", m]
        else:
            data = open(p, "rb").read()
            try: text = data.decode().replace("\r\n", "\n").replace(top, "@DIR@")
            except UnicodeDecodeError: text = "sha1 " + hashlib.sha1(data).hexdigest()
            out[r] = ["file", m, text]
log = os.path.join(top, "commands")
commands = None
if os.path.exists(log):
    commands = open(log).read().replace(top, "@DIR@").splitlines()
    os.unlink(log)
json.dump([out, commands], open(to, "w"))
'''


def clean(v, d, drop=VOLATILE):
    if isinstance(v, dict):
        return {clean(k, d): clean(x, d, drop) for k, x in v.items() if k not in drop}
    if isinstance(v, list):
        return [clean(x, d, drop) for x in v]
    if isinstance(v, str):
        v = v.replace(d, "@DIR@")
        v = re.sub(r"\.\d+\.\d{4}-\d\d-\d\d@\d\d:\d\d:\d\d~", ".@BACKUP@", v)
        v = re.sub(r"(case-temp-|/ansible\.)[a-z0-9_]+", r"\1@TEMP@", v)
        v = re.sub(r"held by process \d+", "held by process @PID@", v)
        v = re.sub(r"/root/\.ansible/tmp/ansible-tmp-[-.\d]+/", "@TMP@/", v)
        v = re.sub(r"/root/\.ansible/tmp/ansible-moduletmp-[-.\w]+/", "@TMP@/", v)
    return v


def mask(v):
    if isinstance(v, dict): return {k: mask(x) for k, x in v.items()}
    if isinstance(v, list): return [mask(x) for x in v]
    if isinstance(v, int) and len(str(v)) > 15: return "@NUMBER@"
    if not isinstance(v, str): return v
    v = re.sub(r"(?s)-----BEGIN ([A-Z0-9 ]+)-----.*?-----END [A-Z0-9 ]+-----", r"@\1@", v)
    return re.sub(r"^[A-Za-z0-9+/]{43}=$", "@KEY@", re.sub(r"([0-9a-f]{2}:){10,}[0-9a-f]{2}", "@FINGERPRINT@", v))


def results(text):
    out, buf = [], None
    for line in text.splitlines():
        if buf is None and line == "ok: [localhost]":  # setup shows nothing
            out.append({})
            continue
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


def write(path, text, mode="0644"):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    open(path, "w").write(text)
    os.chmod(path, int(mode, 8))


def set_up(c, d, aux):
    """Makes a case's directory and returns the tasks that run before its first step, and after its last."""
    os.makedirs(d)
    for n in c.get("dirs", []) + [n for n in c.get("mounts", {}).values() if n not in c.get("files", {})]:
        os.makedirs(os.path.join(d, n), exist_ok=True)
    for n, v in c.get("files", {}).items():
        write(os.path.join(d, n), v.replace("@DIR@", d), c.get("modes", {}).get(n, "0644"))
    for n, v in c.get("links", {}).items():
        os.symlink(v, os.path.join(d, n))
    mounts = c.get("mounts", {})
    before, after = [], []
    for m in sorted(mounts):
        above, o = os.path.realpath(os.path.dirname(m)), f"{d}.over{len(before)}"
        if not os.path.exists(m):  # what lies above gets a layer that has the place
            before.append({"raw": f"mkdir {o} && mount -t tmpfs tmpfs {o} && mkdir -p {o}/up/{os.path.basename(m)} {o}/work && "
                                  f"mount -t overlay -o lowerdir={above},upperdir={o}/up,workdir={o}/work overlay {above}"})
            after.insert(0, {"raw": f"umount --lazy {above} {o}"})
        before.append({"raw": f"mount --bind {d}/{mounts[m]} {m}"})
        after.insert(0, {"raw": f"umount {m}"})
    if "prepare" in c:
        write(aux, "set -e\ncd " + d + "\n" + c["prepare"].replace("@DIR@", d))
        before.append({"raw": f"/bin/sh {aux} </dev/null >/dev/null"})
    return before, after


def task(s, c, d, script):
    args = json.loads(json.dumps(s.get("args", {})).replace("@DIR@", d))
    if "payload" in s:
        if s["module"] == "script":
            write(script, s["payload"])
            args["cmd"] = script + " " + args.get("cmd", "")
        else:
            args["content"] = s["payload"]
    t = {s["module"]: args, "ignore_errors": True}
    if "_async_dir" in args: t["vars"] = {"ansible_async_dir": args.pop("_async_dir")}  # what the controller adds
    if s.get("check"): t["check_mode"] = True
    if s.get("diff"): t["diff"] = True
    env = c.get("environment", {}) | s.get("environment", {})
    if env: t["environment"] = json.loads(json.dumps(env).replace("@DIR@", d))
    return t


def record(path):
    cases = json.load(open(path))
    aux = ROOT + "/.aux"
    write(aux + "/snap.py", SNAP)
    tasks, where = [], {}
    for i, c in enumerate(cases):
        d = f"{ROOT}/case{i}"
        before, after = set_up(c, d, f"{aux}/prepare{i}")
        tasks += before
        for j, s in enumerate(c["steps"]):
            where[i, j] = len(tasks)
            tasks.append(task(s, c, d, f"{aux}/{i}_{j}/script"))
            if s["module"] == "setup":  # which shows nothing
                tasks[-1]["register"] = "answer"
                where[i, j] = len(tasks)
                tasks.append({"debug": {"var": "answer"}})
            tasks.append({"raw": " ".join(["/usr/bin/python3", aux + "/snap.py", d, f"{aux}/{i}_{j}.json"] + c.get("unwatched", []))})
        tasks += after
    write(aux + "/book.yml", json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [t | {"name": "step"} for t in tasks]}]))
    env = dict(os.environ, LC_ALL="C.UTF-8", ANSIBLE_NOCOLOR="1", ANSIBLE_DEPRECATION_WARNINGS="0", ANSIBLE_INVENTORY_UNPARSED_WARNING="0",
               ANSIBLE_PYTHON_INTERPRETER="/usr/bin/python3")
    command = [os.environ["ANSIBLE_PLAYBOOK"], "-vvv", aux + "/book.yml"]
    if any("mounts" in c for c in cases):
        command = ["unshare", "--mount", "--uts", "--propagation", "private"] + command
    p = subprocess.run(command, env=env, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL)
    got = results(p.stdout)
    if len(got) != len(tasks):
        sys.exit(f"{path}: {len(tasks)} tasks, {len(got)} results\n{p.stdout[-3000:]}\n{p.stderr[-2000:]}")
    for n, (t, g) in enumerate(zip(tasks, got)):
        if n not in where.values() and g.get("rc"):
            sys.exit(f"{path}: {t}: {g}")
    for i, c in enumerate(cases):
        d = f"{ROOT}/case{i}"
        for j, s in enumerate(c["steps"]):
            if "answer" in got[where[i, j]]: got[where[i, j]] = got[where[i, j]]["answer"]
            s["want"] = clean(got[where[i, j]], d)
            if "Traceback" in s["want"].get("module_stderr", ""): s["want"] = {"failed": True, "crashed": s["want"]["module_stderr"].strip().splitlines()[-1]}
            if c.get("facts"): s["want"]["ansible_facts"] = clean(got[where[i, j]].get("ansible_facts"), d, {})
            tree, commands = json.load(open(f"{aux}/{i}_{j}.json"))
            if "random" in c:
                s["want"] = mask(s["want"])
                for n in tree:
                    if re.sub(r"\.\d+\.\d{4}-\d\d-\d\d@.*", "", n) in c["random"]: tree[n][-1] = "@RANDOM@"
            s["tree"] = {clean(n, d): ([clean(x, d) for x in v]) for n, v in sorted(tree.items())}
            s.pop("commands", None)
            if commands: s["commands"] = commands
    json.dump(cases, open(path, "w"), indent=1, sort_keys=True)
    open(path, "a").write("\n")
    shutil.rmtree(ROOT)


for f in sys.argv[1:]:
    record(f)
