# Runs Ansible's Python modules, and actions of the controller over them, one fork for each module: a line of JSON in, a line of
# JSON out. Speaks to main.go.
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
    if not request.get("ready"):
        args.update({"_ansible_check_mode": request["check"], "_ansible_diff": request["diff"], "_ansible_remote_tmp": "/tmp",
                     "_ansible_module_name": request["module"], "_ansible_version": __version__})
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": args}).encode()
    module.main()



def run(request):
    """the result of a module"""
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
    return (text[-1] if text else "{}").encode("utf-8", "replace").decode()


class Actions:
    """Ansible's action plugins on this machine, whose modules are forks of this process."""

    def __init__(self):
        from ansible.parsing.dataloader import DataLoader
        from ansible.playbook.play_context import PlayContext
        from ansible.plugins import action, loader
        self.errors = importlib.import_module("ansible.errors")
        self.loader, self.context, self.plugins = DataLoader(), PlayContext(), loader
        loader.init_plugin_loader()
        action.ActionBase._execute_module = self.module

    @staticmethod
    def module(plugin, module_name=None, module_args=None, task_vars=None, ignore_unknown_opts=False, **_):
        name = module_name or plugin._task.action
        args = dict(module_args if module_args is not None else plugin._task.args)
        plugin._update_module_args(name, args, task_vars, ignore_unknown_opts)
        return json.loads(run({"import": "ansible.modules." + name.rsplit(".", 1)[1], "module": name, "args": args, "ready": True}))

    def run(self, request):
        from ansible.playbook.task import Task
        from ansible.template import Templar
        task = Task.load({"name": "t", request["module"]: request["args"], "check_mode": request["check"], "diff": request["diff"]},
                         loader=self.loader)
        task.get_search_path = lambda: ["/tmp"]
        connection = self.plugins.connection_loader.get("local", self.context, os.devnull)
        connection.set_options()
        connection._shell.set_options()
        templar = Templar(loader=self.loader, variables=request["vars"])
        plugin = self.plugins.action_loader.get(request["module"], task=task, connection=connection, play_context=self.context,
                                                loader=self.loader, templar=templar, shared_loader_obj=self.plugins)
        try:
            result = plugin.run(task_vars=request["vars"])
        except self.errors.AnsibleActionFail as e:
            result = dict(e.result, failed=True, msg=e.message)
        except self.errors.AnsibleError as e:
            result = {"failed": True, "msg": e.message}
        except Exception as e:
            result = {"failed": True, "crashed": repr(e)}
        finally:
            plugin.cleanup()
        if "crashed" not in result and result.get("failed") in (None, False):
            result.pop("failed", None)
        result.setdefault("changed", False)
        return json.dumps({k: v for k, v in result.items() if not k.startswith("_ansible_")}, default=str)


actions = None
for line in sys.stdin:
    request = json.loads(line)
    if request["import"]:
        answer = run(request)
    else:
        actions = actions or Actions()
        answer = actions.run(request)
    sys.stdout.write(answer + "\n")
    sys.stdout.flush()
