"""Arguments in the form key=value."""
import re

from ansible.errors import AnsibleParserError
from ansible.parsing.quoting import unquote


def split_args(args):
    """Words at blanks; quotes and template marks keep words together."""
    words, word, quote, depth, i = [], '', None, 0, 0
    while i < len(args):
        c = args[i]
        two = args[i:i + 2]
        if quote is None and two in ('{{', '{%', '{#'):
            depth += 1
            word += two
            i += 2
            continue
        if quote is None and depth and two in ('}}', '%}', '#}'):
            depth -= 1
            word += two
            i += 2
            continue
        if c == '\\' and i + 1 < len(args):
            word += two
            i += 2
            continue
        if depth == 0 and c in '"\'':
            quote = None if quote == c else quote or c
        if quote is None and depth == 0 and c in ' \t\n':
            if word:
                words.append(word)
            word = ''
            i += 1
            continue
        word += c
        i += 1
    if quote or depth:
        raise AnsibleParserError('failed at splitting arguments, either an unbalanced jinja2 block or quotes: %s' % args)
    if word:
        words.append(word)
    return words


def parse_kv(args, check_raw=False):
    out, raw = {}, []
    if args is None:
        return out
    for word in split_args(args):
        m = re.match(r'^([^=\\]+(?:\\.[^=\\]*)*)=(.*)$', word, re.S)
        if m and (not check_raw or m.group(1).strip() in ('creates', 'removes', 'chdir', 'executable', 'warn', 'stdin', 'stdin_add_newline', 'strip_empty_ends')):
            out[m.group(1).strip()] = unquote(m.group(2).strip())
        else:
            raw.append(word)
    if raw:
        out['_raw_params'] = ' '.join(raw)
    return out


def join_args(s):
    return ' '.join(s)
