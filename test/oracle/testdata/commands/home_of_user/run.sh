# ~NAME is the home of NAME for files of the controller, too.
try() { ansible localhost "$@" >/dev/null 2>&1; echo "$?"; }
try -m copy -a "src=~root/../etc/passwd dest=$PWD/copied"
cmp copied /etc/passwd && echo same
try -m copy -a "src=~nobody-of-that-name/passwd dest=$PWD/copied"
try -m assert -a '{"that": ["lookup(\"file\", \"~root/../etc/passwd\") == lookup(\"file\", \"/etc/passwd\")"]}'
