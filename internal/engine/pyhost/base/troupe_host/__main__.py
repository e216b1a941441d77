"""Start of the process: descriptor 3 is where calls come from, 4 where answers go to."""

import os
import sys


def main():
    sys.dont_write_bytecode = False
    from troupe_host import link, output, calls
    link.open_pipes(3, 4)
    real_out, real_err = sys.stdout, sys.stderr
    sys.stdout = output.Stream('stdout', real_out)
    sys.stderr = output.Stream('stderr', real_err)
    try:
        link.serve(calls.HANDLERS)
    finally:
        import atexit
        try:
            atexit._run_exitfuncs()
        finally:
            for f in (real_out, real_err):
                try:
                    f.flush()
                except Exception:
                    pass
            os._exit(0)


main()
