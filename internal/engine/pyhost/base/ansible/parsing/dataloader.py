"""Files of the controller: YAML, vaults, and where names lead."""
import os
import tempfile

from ansible.errors import AnsibleFileNotFound, AnsibleParserError
from ansible.module_utils.common.text.converters import to_text
from ansible.utils.path import unfrackpath
from troupe_host import link, state


class DataLoader:
    """Reads files as Troupe does."""

    def __init__(self):
        self._basedir = None
        self._tempfiles = set()
        self._vaults = {}

    def set_vault_secrets(self, vault_secrets):
        pass

    def load(self, data, file_name='<string>', show_content=True, json_only=False):
        return link.ask('yaml', text=to_text(data, errors='surrogate_or_strict'), file=file_name)

    def load_from_file(self, file_name, cache='all', unsafe=False, json_only=False, trusted_as_template=False):
        file_name = self.path_dwim(file_name)
        return link.ask('yaml', text=to_text(self._read(file_name), errors='surrogate_or_strict'), file=file_name)

    def _read(self, path):
        try:
            return link.ask('read', path=path)
        except AnsibleFileNotFound as e:
            raise AnsibleFileNotFound('Unable to retrieve file contents', file_name=path) from e

    def _get_file_contents(self, file_name):
        if not file_name or not isinstance(file_name, (bytes, str)):
            raise AnsibleParserError("Invalid filename: '%s'" % to_text(file_name))
        return self._read(self.path_dwim(to_text(file_name))), True

    def get_text_file_contents(self, file_name, encoding=None):
        return to_text(self._get_file_contents(file_name)[0])

    def path_exists(self, path):
        return os.path.exists(self.path_dwim(path))

    def is_file(self, path):
        path = self.path_dwim(path)
        return os.path.isfile(path) or path == os.devnull

    def is_directory(self, path):
        return os.path.isdir(self.path_dwim(path))

    def list_directory(self, path):
        return os.listdir(self.path_dwim(path))

    def is_executable(self, path):
        return os.access(self.path_dwim(path), os.X_OK)

    def get_basedir(self):
        return self._basedir or state.basedir or os.getcwd()

    def set_basedir(self, basedir):
        if basedir is not None:
            self._basedir = to_text(basedir)

    def path_dwim(self, given):
        given = to_text(given, errors='surrogate_or_strict').strip("'\"")
        if given.startswith(os.sep) or given.startswith('~'):
            return unfrackpath(given, follow=False)
        return unfrackpath(os.path.join(self.get_basedir(), given), follow=False)

    def path_dwim_relative(self, path, dirname, source, is_role=False):
        return self.path_dwim_relative_stack([path], dirname, source, is_role)

    def path_dwim_relative_stack(self, paths, dirname, source, is_role=False):
        tried = []
        source = to_text(source, errors='surrogate_or_strict')
        if source.startswith(('~', os.sep)):
            tried = [unfrackpath(source, follow=False)]
        else:
            for path in list(paths or []) + [self.get_basedir()]:
                for p in (os.path.join(path, dirname, source), os.path.join(path, 'tasks', source) if is_role else None, os.path.join(path, source)):
                    if p and p not in tried:
                        tried.append(unfrackpath(p, follow=False))
        for p in tried:
            if os.path.exists(p):
                return p
        raise AnsibleFileNotFound(file_name=source, paths=tried)

    def get_real_file(self, file_path, decrypt=True):
        path = self.path_dwim(file_path)
        if not self.path_exists(path) or not self.is_file(path):
            raise AnsibleFileNotFound(file_name=file_path)
        with open(path, 'rb') as f:
            vault = f.read(14) == b'$ANSIBLE_VAULT'
        if not (decrypt and vault):
            return path
        fd, tmp = tempfile.mkstemp()
        with os.fdopen(fd, 'wb') as f:
            f.write(self._read(path))
        self._tempfiles.add(tmp)
        return tmp

    def cleanup_tmp_file(self, file_path):
        if file_path in self._tempfiles:
            os.unlink(file_path)
            self._tempfiles.remove(file_path)

    def cleanup_all_tmp_files(self):
        for f in list(self._tempfiles):
            self.cleanup_tmp_file(f)

    def find_vars_files(self, path, name, extensions=None, allow_dir=True):
        found = []
        for ext in extensions or ['', '.yml', '.yaml', '.json']:
            full = os.path.join(to_text(path), name) + ext
            if os.path.isdir(full):
                if allow_dir and ext == '':
                    for base, dirs, files in os.walk(full):
                        dirs.sort()
                        found += [os.path.join(base, f) for f in sorted(files) if not f.startswith('.') and not f.endswith('~')
                                  and os.path.splitext(f)[1] in ('', '.yml', '.yaml', '.json')]
                    break
            elif os.path.exists(full):
                found.append(full)
                break
        return found
