# Settings that go away are told when they are set, and names of settings when these are used.
said() { ansible -m meta -a noop localhost "$@" 2>&1 | tr '\n' ' ' | tr -s ' ' | grep -o '\[DEPRECATION.*version [0-9.]*' ; echo "--"; }
said
ANSIBLE_CONFIG=old.cfg said
ANSIBLE_CONFIG=paths.cfg said
ANSIBLE_COLLECTIONS_PATHS=/nowhere said
ANSIBLE_COLLECTIONS_PATH=/nowhere said
ANSIBLE_STRING_CONVERSION_ACTION=warn said
ANSIBLE_CONNECTION_PATH=/nowhere said
ANSIBLE_CONNECTION_PATH=/nowhere ANSIBLE_DEPRECATION_WARNINGS=false said
export ANSIBLE_CACHE_PLUGIN=kept ANSIBLE_CACHE_PLUGINS=cache_plugins
said
KEPT_URI=/x said
KEPT_PATH=/x said
KEPT_TIMEOUT=1 said
