#!/usr/bin/python3
"""Deploys a release by switching a symbolic link, with a health check and roll-back."""

from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: deploy_release
short_description: Switch an application to a release
options:
  path:
    description: Folder of the application; its link C(current) names the release in force.
    type: path
    required: true
  version:
    description: The release to switch to.
    type: str
    required: true
  source:
    description: Folder with the files of the release.
    type: path
    required: true
  health_check:
    description: Program inside the release that must succeed; otherwise the former release comes back.
    type: str
"""

import os

from ansible.module_utils.basic import AnsibleModule


def switch(link, target):
    """Points link at target in one step: readers see the old or the new release, never neither."""
    fresh = link + ".new"
    if os.path.lexists(fresh):
        os.remove(fresh)
    os.symlink(target, fresh)
    os.rename(fresh, link)


def main():
    module = AnsibleModule(
        argument_spec=dict(
            path=dict(type="path", required=True),
            version=dict(type="str", required=True),
            source=dict(type="path", required=True),
            health_check=dict(type="str"),
        ),
        supports_check_mode=True,
    )
    path, version, source = (module.params[k] for k in ("path", "version", "source"))
    link = os.path.join(path, "current")
    before = os.readlink(link) if os.path.islink(link) else None
    result = dict(changed=before != source, version=version, previous=before)
    if not os.path.isdir(source):
        module.fail_json(msg="release %s is not on this host: %s is missing" % (version, source), **result)
    if not result["changed"] or module.check_mode:
        module.exit_json(**result)

    if not os.path.isdir(path):
        os.makedirs(path)
    switch(link, source)
    if module.params["health_check"]:
        rc, out, err = module.run_command([os.path.join(link, module.params["health_check"])])
        if rc != 0:
            if before:
                switch(link, before)
            else:
                os.remove(link)
            module.fail_json(msg="release %s failed its health check, rolled back to %s" % (version, before), rc=rc, stdout=out, stderr=err)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
