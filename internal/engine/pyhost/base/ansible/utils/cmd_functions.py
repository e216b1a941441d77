"""Running a command on the controller."""
import shlex
import subprocess


def run_cmd(cmd, live=False, readsize=10):
    p = subprocess.Popen(shlex.split(cmd), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = p.communicate()
    return p.returncode, out, err
