# Copyright the Troupe authors. SPDX-License-Identifier: Apache-2.0
"""The base of classes that collect facts."""
import platform


class CollectorNotFoundError(KeyError):
    pass


class BaseFactCollector:
    _fact_ids = set()
    _platform = 'Generic'
    name = None
    required_facts = set()

    def __init__(self, collectors=None, namespace=None):
        self.collectors = collectors or []
        self.namespace = namespace
        self.fact_ids = set([self.name]) | set(self._fact_ids)

    @classmethod
    def platform_match(cls, platform_info):
        return cls if platform_info.get('system', None) == cls._platform else None

    def _transform_name(self, key_name):
        return self.namespace.transform(key_name) if self.namespace else key_name

    def _transform_dict_keys(self, fact_dict):
        for old in list(fact_dict):
            fact_dict[self._transform_name(old)] = fact_dict.pop(old)
        return fact_dict

    def collect_with_namespace(self, module=None, collected_facts=None):
        facts = self.collect(module=module, collected_facts=collected_facts)
        return self._transform_dict_keys(facts) if self.namespace else facts

    def collect(self, module=None, collected_facts=None):
        return {}


def this_platform():
    return {'system': platform.system()}
