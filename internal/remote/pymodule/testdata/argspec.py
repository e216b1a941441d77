# Runs AnsibleModule over recorded cases: LIBRARY CASES. Exits 1 when one differs.
import io
import json
import re
import sys

sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
from ansible.module_utils import basic  # noqa: E402
from ansible.module_utils.common import warnings  # noqa: E402


def normal(result):
    # The order of the valid booleans is that of a set.
    return re.sub(r'Valid booleans include: [^"]*', '', json.dumps(result, sort_keys=True))


bad = count = 0
for line in open(sys.argv[2]):
    case = json.loads(line)
    count += 1
    del warnings._global_warnings[:], warnings._global_deprecations[:]
    args = dict(case['args'], _ansible_check_mode=case.get('checkmode', False), _ansible_selinux_special_fs=[])
    name = case.get('module') or 'demo'
    args['_ansible_module_name'] = name if name == 'stat' else 'ansible.legacy.' + name
    basic._ANSIBLE_ARGS = json.dumps({'ANSIBLE_MODULE_ARGS': args}).encode()
    out, real = io.StringIO(), sys.stdout
    sys.stdout = out
    try:
        module = basic.AnsibleModule(case['spec'], supports_check_mode=case.get('supports') is not False, add_file_common_args=case.get('file', False), **case.get('rules', {}))
        module.exit_json(ran=True)
    except SystemExit:
        pass
    finally:
        sys.stdout = real
    got = json.loads(out.getvalue())
    if normal(got) != normal(case['want']):
        bad += 1
        print('%s\n  got  %s\n  want %s' % (case['name'], json.dumps(got, sort_keys=True), json.dumps(case['want'], sort_keys=True)))
print('%d cases, %d differ' % (count, bad))
sys.exit(bad > 0)
