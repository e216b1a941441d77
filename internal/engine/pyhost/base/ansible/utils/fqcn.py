"""Names with and without their collection."""


def add_internal_fqcns(names):
    out = []
    for name in names:
        out.append(name)
        if '.' not in name:
            out += ['ansible.builtin.' + name, 'ansible.legacy.' + name]
    return out
