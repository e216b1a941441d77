# A strategy that is not there is told with the place of its play.
for s in nothing my.col.linear ansible.builtin.free debug; do
    ansible-playbook $s.yml 2>&1 | sed '/WARNING/,/implicit localhost/d'
done
ANSIBLE_STRATEGY=none ansible localhost -m ping 2>&1 | grep ERROR
