# A source of a plugin is not empty, and names the plugin as it was asked for; else the plugin cannot read it.
for plugin in constructed ansible.builtin.constructed generator; do
    export ANSIBLE_INVENTORY_ENABLED=$plugin
    for source in empty none other legacy builtin short; do
        ANSIBLE_INVENTORY_UNPARSED_FAILED=true ansible-inventory -i $source.yml --list >/dev/null 2>&1
        echo "$plugin $source: $?"
        ansible-inventory -i $source.yml --list 2>&1 >/dev/null | tr -s ' \n' ' ' | grep -o 'is empty\|Incorrect[^:]*: [a-z.]*'
    done
done
