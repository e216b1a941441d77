# Renders templates with Python's Jinja2: one JSON request a line on stdin, one JSON answer a line on stdout.
import json
import resource
import signal
import sys
import warnings

try:
    import jinja2
except ImportError:
    print("jinja2 is missing", flush=True)
    sys.exit(3)

warnings.simplefilter("ignore")
resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31))


class Slow(BaseException):
    pass


def slow(signum, frame):
    raise Slow()


signal.signal(signal.SIGALRM, slow)
envs = {}
print(jinja2.__version__, "%d.%d" % sys.version_info[:2], flush=True)
for line in sys.stdin:
    req = json.loads(line)
    key = json.dumps(req["options"], sort_keys=True)
    env = envs.get(key)
    if env is None:
        options = dict(req["options"])
        env = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"], cache_size=0, **options)
        envs[key] = env
    signal.setitimer(signal.ITIMER_REAL, 2)
    try:
        answer = {"text": env.from_string(req["template"]).render(req["vars"])}
    except Slow:
        answer = {"skip": True}
    except (MemoryError, RecursionError):
        answer = {"skip": True}
    except Exception as e:
        answer = {"class": type(e).__name__, "message": str(e)}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
