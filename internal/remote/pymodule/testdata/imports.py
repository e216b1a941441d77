# Imports every module of the library given as the first argument.
import os
import sys

lib = sys.argv[1]
sys.path.insert(0, lib)
sys.dont_write_bytecode = True
bad = 0
for folder, _, files in os.walk(lib):
    for name in files:
        if not name.endswith('.py'):
            continue
        dotted = os.path.relpath(os.path.join(folder, name), lib)[:-3].replace(os.sep, '.')
        if dotted.endswith('.__init__'):
            dotted = dotted[:-9]
        if dotted == 'ansible.module_utils.compat.selinux':
            continue  # needs libselinux
        try:
            __import__(dotted)
        except Exception as e:
            bad += 1
            print(dotted, repr(e))
sys.exit(bad > 0)
