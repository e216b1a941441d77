# What may not be entered, as another user.
chmod 755 . ..
mkdir -m 700 closed
touch closed/file
ansible-playbook -v site.yml -e dir=$PWD 2>/dev/null | grep -v 'config file'
