# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""PyYAML, when it is there."""
from functools import partial

HAS_LIBYAML = False
try:
    import yaml
    HAS_YAML = True
    try:
        from yaml import CSafeDumper as SafeDumper, CSafeLoader as SafeLoader
        HAS_LIBYAML = True
    except ImportError:
        from yaml import SafeDumper, SafeLoader
    yaml_load = partial(yaml.load, Loader=SafeLoader)
    yaml_load_all = partial(yaml.load_all, Loader=SafeLoader)
    yaml_dump = partial(yaml.dump, Dumper=SafeDumper)
    yaml_dump_all = partial(yaml.dump_all, Dumper=SafeDumper)
except ImportError:
    HAS_YAML = False
    yaml_load = yaml_load_all = yaml_dump = yaml_dump_all = None
