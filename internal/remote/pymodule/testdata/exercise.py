#!/usr/bin/python
# Uses most of what module_utils offers. Its result must be the same with any implementation.
import os
import stat
import tempfile

from ansible.module_utils.basic import AnsibleModule, bytes_to_human, env_fallback, get_all_subclasses, heuristic_log_sanitize, human_to_bytes
from ansible.module_utils.common.collections import ImmutableDict, count, is_iterable, is_sequence
from ansible.module_utils.common.dict_transformations import camel_dict_to_snake_dict, dict_merge, recursive_diff, snake_dict_to_camel_dict
from ansible.module_utils.common.network import is_mac, to_ipv6_network, to_ipv6_subnet, to_masklen, to_netmask, to_subnet
from ansible.module_utils.common.text.converters import container_to_bytes, container_to_text, jsonify, to_bytes, to_native, to_text
from ansible.module_utils.common.text.formatters import lenient_lowercase
from ansible.module_utils.common.validation import check_type_bits, check_type_bytes, check_type_dict, check_type_int, safe_eval
from ansible.module_utils.compat.version import LooseVersion, StrictVersion
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.module_utils.six import iteritems, string_types
from ansible.module_utils.six.moves.urllib.parse import urlencode
from ansible.module_utils.urls import basic_auth_header, url_argument_spec


def attempt(f, *args, **kwargs):
    try:
        return f(*args, **kwargs)
    except Exception as e:
        return '%s: %s' % (type(e).__name__, e)


def main():
    m = AnsibleModule(
        argument_spec=dict(dir=dict(type='path', required=True), token=dict(no_log=True), n=dict(type='int', default=3), from_env=dict(fallback=(env_fallback, ['EX_ENV']))),
        supports_check_mode=True)
    d = m.params['dir']
    r = {}
    f = os.path.join(d, 'file')
    with open(f, 'w') as out:
        out.write('hello\n')
    os.chmod(f, 0o644)
    r['digests'] = [m.md5(f), m.sha1(f), m.sha256(f), m.digest_from_file(f, 'sha512'), m.sha1(f + 'x')]
    modes = []
    for mode in ('u+x', 'g=rw,o=', 'a+X', 'u=rwx,g=u-w,o=g', '0600', 0o640, 'u+s,g+s', 'ug-s', '+t', 'o-t', '=r', 'u=rw,go=r', 'u+rwX', 'a=,u=rw', '01755', 'u=g,o+w'):
        changed = m.set_mode_if_different(f, mode, False)
        modes.append([str(mode), changed, oct(stat.S_IMODE(os.stat(f).st_mode))])
    r['modes'] = modes
    diff = {}
    r['fs'] = m.set_fs_attributes_if_different(m.load_file_common_arguments(dict(path=f, mode='0604', owner='1', group='bin')), False, diff)
    r['fsdiff'] = diff
    r['info'] = dict((k, v) for k, v in m.add_path_info(dict(path=f)).items() if k not in ('path',))
    r['absent'] = m.add_path_info(dict(path=f + 'x')).get('state')
    tmp = os.path.join(d, 'new')
    with open(tmp, 'w') as out:
        out.write('second\n')
    backup = m.backup_local(f)
    r['backup'] = [open(backup).read(), oct(stat.S_IMODE(os.stat(backup).st_mode)), os.path.basename(backup).split('.')[0]]
    m.atomic_move(tmp, f)
    r['moved'] = [open(f).read(), oct(stat.S_IMODE(os.stat(f).st_mode)), os.stat(f).st_uid, os.path.exists(tmp)]
    with open(tmp, 'w') as out:
        out.write('third\n')
    os.chmod(tmp, 0o600)
    m.atomic_move(tmp, f + '2')
    r['created'] = oct(stat.S_IMODE(os.stat(f + '2').st_mode))
    r['run'] = [
        m.run_command(['echo', 'a b', '$HOME/~', '*']), m.run_command('echo "a b" c'), m.run_command('echo a; echo b >&2; exit 3', use_unsafe_shell=True),
        m.run_command(['cat'], data='text'), m.run_command(['cat'], data=b'bytes', binary_data=True), m.run_command(['pwd'], cwd=d)[0],
        m.run_command(['printenv', 'XX'], environ_update={'XX': 'é'}), m.run_command(['sh', '-c', 'umask'], umask=0o077), m.run_command(['printf', '\\377\\n'], encoding=None)[1] == b'\xff\n',
        m.run_command(['true'], path_prefix='/x'), m.run_command(['echo', '$HOME'], expand_user_and_vars=False),
    ]
    r['bin'] = [os.path.basename(m.get_bin_path('sh')), m.get_bin_path('no-such-program')]
    r['token'] = 'the token is %s' % m.params['token']
    r['params'] = sorted(m.params)
    r['sizes'] = [human_to_bytes('10M'), human_to_bytes('1.5 KB'), human_to_bytes(7, 'G'), human_to_bytes('8Mb', isbits=True), attempt(human_to_bytes, '10 apples'), attempt(human_to_bytes, 'x'),
                  bytes_to_human(1536), bytes_to_human(10 ** 9), bytes_to_human(3), bytes_to_human(1 << 20, isbits=True), bytes_to_human(5 << 30, unit='M')]
    r['types'] = [attempt(check_type_bytes, '1K'), attempt(check_type_bits, '1Kb'), attempt(check_type_bits, '1KB'), check_type_dict('a=1, b="x y"'), check_type_dict("{'a': 1}"), attempt(check_type_dict, 'a'),
                  attempt(check_type_int, '3.0'), attempt(check_type_int, '3.5'), attempt(check_type_int, ' 7 '), safe_eval('[1, 2]'), safe_eval('a.b()'), attempt(check_type_int, True)]
    r['bools'] = [boolean('Yes'), boolean('off'), boolean(1), boolean('x', strict=False), boolean(0.0), boolean(' t ')]
    camel = {'HTTPEndpoint': 1, 'targetGroupARNs': [{'KeyName': 2}], 'Tags': {'AName': 'x'}, 'someThing': {'innerURL': None}}
    r['camel'] = [camel_dict_to_snake_dict(camel), camel_dict_to_snake_dict(camel, ignore_list=['Tags']), camel_dict_to_snake_dict(camel, reversible=True),
                  snake_dict_to_camel_dict({'a_key_name': [{'b_c': 1}], 'x': 2, '_y': 1}), snake_dict_to_camel_dict({'a_key': 1}, capitalize_first=True)]
    r['merge'] = [dict_merge({'a': {'b': 1, 'c': [1]}}, {'a': {'c': [2], 'd': 3}}), recursive_diff({'a': 1, 'b': {'c': 1}}, {'b': {'c': 2}, 'd': 4}), recursive_diff({'a': 1}, {'a': 1})]
    r['versions'] = [LooseVersion('1.10') > LooseVersion('1.9'), LooseVersion('1.0') < '1.0.1', StrictVersion('1.0a1') < StrictVersion('1.0'), str(StrictVersion('1.2.0')),
                     LooseVersion('2.4rc1').version, LooseVersion('1') == LooseVersion('1.0')]
    r['text'] = [to_text(b'\xc3\xa9'), to_bytes(u'\xe9') == b'\xc3\xa9', to_native(5), to_text(None, nonstring='empty'), attempt(to_text, 5, nonstring='strict'), to_text(b'\xff', errors='replace'),
                 container_to_text({b'a': [b'b', (b'c',)]}), container_to_bytes({'a': ['b']}) == {b'a': [b'b']}, jsonify({'a': set([1])}), lenient_lowercase(['A', 1])]
    r['net'] = [to_masklen('255.255.252.0'), to_netmask(20), to_subnet('10.1.2.3', 20), to_subnet('10.1.2.3', '255.255.0.0', True), to_ipv6_subnet('2001:db8::1'), to_ipv6_network('2001:db8:1:2::3'),
                is_mac('00:11:22:aa:bb:cc'), is_mac('00:11:22:aa:bb'), attempt(to_masklen, '1.2.3.4')]
    r['collections'] = [dict(ImmutableDict(a=1).union({'b': 2})), is_iterable('a'), is_iterable([]), is_sequence({}), count('aab') if False else count(['a', 'a', 'b'])]
    r['urls'] = [to_native(basic_auth_header('u', 'p')), sorted(url_argument_spec()), urlencode({'a': 'b c'})]
    r['log'] = [heuristic_log_sanitize('http://user:secret@host/path'), heuristic_log_sanitize('plain text')]
    r['check'] = m.check_mode
    r['tmp'] = os.path.isdir(m.tmpdir)
    r['cleaned'] = m._clean_args(['mysql', '-pfoo', '--password=x', '--password', 'y', 'a b'])
    m.warn('a warning')
    m.deprecate('old', version='9.9', collection_name='acme.tools')
    m.exit_json(**r)


if __name__ == '__main__':
    main()
