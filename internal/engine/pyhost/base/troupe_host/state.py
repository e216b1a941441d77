"""What the process was told when it was started."""

verbosity = 0
columns = 0
debug = False
cliargs = {}
basedir = ''
password = {}
