# Runs Ansible's Python modules, one fork for each request: a line of JSON in, a line of JSON out. Speaks to main.go.
import importlib, json, os, sys, tempfile

try:
    from ansible.module_utils import basic
    from ansible.release import __version__
except ImportError as e:
    print("missing: %s" % e, flush=True)
    sys.exit(0)
print(__version__, flush=True)
basic.AnsibleModule.log = lambda *a, **k: None  # thousands of calls are no news for the system's log


def child(request, out):
    os.dup2(out, 1)
    os.chdir("/")
    module = importlib.import_module(request["import"])
    args = dict(request["args"])
    args.update({"_ansible_check_mode": request["check"], "_ansible_diff": request["diff"], "_ansible_remote_tmp": "/tmp",
                 "_ansible_module_name": request["module"], "_ansible_version": __version__})
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
    module.main()


for line in sys.stdin:
    request = json.loads(line)
    importlib.import_module(request["import"])
    with tempfile.TemporaryFile() as out:
        pid = os.fork()
        if not pid:
            code = 1
            try:
                child(request, out.fileno())
            except SystemExit:
                code = 0
            except BaseException as e:
                try:
                    if type(e).__module__.startswith("ansible"):
                        sys.excepthook(*sys.exc_info())  # what a module does with errors of its own
                    print(json.dumps({"failed": True, "crashed": repr(e)}))
                except SystemExit:
                    code = 0
            sys.stdout.flush()
            os._exit(code)
        os.waitpid(pid, 0)
        out.seek(0)
        text = out.read().decode("utf-8", "surrogateescape").strip().splitlines()
    sys.stdout.write((text[-1] if text else "{}").encode("utf-8", "replace").decode() + "\n")
    sys.stdout.flush()
