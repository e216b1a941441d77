# Times Jinja2 on the cases given as JSON on stdin; prints nanoseconds of processor time for each, as JSON.
import json
import sys
import time
import timeit

try:
    import jinja2
except ImportError:
    print("jinja2 is missing", file=sys.stderr)
    sys.exit(3)

cases = json.load(sys.stdin)
out = {"version": "%s, Python %d.%d" % ((jinja2.__version__,) + sys.version_info[:2]), "ns": []}
for c in cases:
    env = jinja2.Environment(cache_size=0)
    data = c["vars"]
    if c["kind"] == "render":
        template = env.from_string(c["template"])
        run = lambda: template.render(data)
    elif c["kind"] == "compile and render":
        run = lambda: env.from_string(c["template"]).render(data)
    else:
        expression = env.compile_expression(c["template"])
        run = lambda: expression(data)
    run()
    timer = timeit.Timer(run, timer=time.process_time)
    n, took = timer.autorange()
    out["ns"].append(min([took] + timer.repeat(4, n)) / n * 1e9)
json.dump(out, sys.stdout)
