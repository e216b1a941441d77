# -*- coding: utf-8 -*-
"""A module as it was run here: its code, the libraries that it imports, and its arguments.

Without a word this file runs the module again. "explode" writes code and arguments into debug_dir beside this file, where
they can be read and changed; "execute" runs what lies there.
"""
import base64
import io
import os
import runpy
import shutil
import sys
import tempfile
import zipfile


class Sources:
    """Shows the code of the archive to respawn_module; it finds nothing itself."""

    def __init__(self, archive):
        self.sources, self.packages = {}, set()
        for name in archive.namelist():
            dotted = name[:-3].replace('/', '.')
            if dotted.endswith('.__init__'):
                dotted = dotted[:-9]
                self.packages.add(dotted)
            self.sources[dotted] = archive.read(name).decode('utf-8')

    def find_spec(self, name, path=None, target=None):
        return None


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    # A module that lies here must not be taken for a part of Python.
    sys.path[:] = [p for p in sys.path if p not in ('', '.') and os.path.realpath(p) != os.path.realpath(here)]
    try:
        os.getcwd()
    except OSError:
        os.chdir('/')
    words = sys.argv[1:]
    exploded = os.path.join(here, 'debug_dir')
    params = PARAMS.encode('utf-8', 'surrogateescape')
    data = base64.b64decode(ARCHIVE)
    archive = zipfile.ZipFile(io.BytesIO(data))
    if words == ['explode']:
        archive.extractall(exploded)
        with open(os.path.join(exploded, 'args'), 'wb') as f:
            f.write(params)
        print('Module expanded into:\n' + exploded)
        return 0
    if words == ['execute']:
        with open(os.path.join(exploded, 'args'), 'rb') as f:
            params = f.read()
        return run(exploded, archive, params)
    if words:
        print('WARNING: Unknown debug command.  Doing nothing.')
        return 0
    place = tempfile.mkdtemp(prefix='ansible_' + NAME + '_payload_')
    try:
        file = os.path.join(place, 'ansible_' + NAME + '_payload.zip')
        with open(file, 'wb') as f:
            f.write(data)
        return run(file, archive, params)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def run(place, archive, params):
    sys.path.insert(0, place)
    sources = Sources(archive)
    sys.meta_path.append(sources)
    from ansible.module_utils import basic
    basic._ANSIBLE_ARGS = params
    basic._ANSIBLE_PROFILE = 'legacy'
    sys.argv[1:] = []
    runpy.run_module(FULL, init_globals={'__troupe_source__': sources.sources[FULL]}, run_name='__main__', alter_sys=True)
    print('{"msg": "New-style module did not handle its own exit", "failed": true}')
    return 1


