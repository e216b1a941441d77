"""hostvars are computed by Troupe."""
from troupe_host.remote import RemoteMapping as HostVars  # noqa: F401
