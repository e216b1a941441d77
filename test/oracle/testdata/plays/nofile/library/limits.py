import resource
from ansible.module_utils.basic import AnsibleModule

AnsibleModule({}).exit_json(soft=resource.getrlimit(resource.RLIMIT_NOFILE)[0] == resource.getrlimit(resource.RLIMIT_NOFILE)[1], files=resource.getrlimit(resource.RLIMIT_NOFILE)[0])
