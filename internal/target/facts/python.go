package facts

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
)

// pythonInfo describes an interpreter.
type pythonInfo struct {
	executable    string
	numbers       [3]int64
	level         string
	serial        int64
	kind          string
	ssl, selinuxs bool
}

func (p *pythonInfo) version() string {
	return fmt.Sprintf("%d.%d.%d", p.numbers[0], p.numbers[1], p.numbers[2])
}

// pythons remembers interpreters for the life of this process, by path and time of change.
var pythons struct {
	sync.Mutex
	known map[string]*pythonInfo
}

// pythonProbe prints what the facts need.
const pythonProbe = `import sys,importlib.util as u
v=sys.version_info
print(v[0],v[1],v[2],v[3],v[4],getattr(getattr(sys,'implementation',None),'name','cpython'),int(u.find_spec('_ssl') is not None),int(u.find_spec('selinux') is not None))
print(sys.executable)`

// findPython describes the wanted interpreter, or the first that works of those where modules in Python would run; nil when there
// is none.
func findPython(ctx context.Context, want string) *pythonInfo {
	if want != "" {
		return describe(ctx, want)
	}
	for _, bin := range hostos.Interpreters(nil) {
		if p := describe(ctx, bin); p != nil {
			return p
		}
	}
	return nil
}

// describe runs an interpreter, unless it has been run before.
func describe(ctx context.Context, bin string) *pythonInfo {
	real, err := filepath.EvalSymlinks(bin)
	if err != nil {
		real = bin
	}
	key := bin
	if info, err := os.Stat(real); err == nil {
		key += "|" + info.ModTime().Format(time.RFC3339Nano) + "|" + strconv.FormatInt(info.Size(), 10)
	}
	pythons.Lock()
	defer pythons.Unlock()
	p, ok := pythons.known[key]
	if !ok {
		p = probePython(ctx, bin)
		if pythons.known == nil {
			pythons.known = map[string]*pythonInfo{}
		}
		if p != nil || ctx.Err() == nil { // one that does not work is not tried again
			pythons.known[key] = p
		}
	}
	return p
}

func probePython(ctx context.Context, bin string) *pythonInfo {
	out, err := hostos.Run(ctx, hostos.Cmd{Args: []string{bin, "-S", "-c", pythonProbe}})
	if err != nil || out.RC != 0 {
		return nil
	}
	first, second, _ := strings.Cut(strings.TrimSpace(out.Stdout), "\n")
	f := strings.Fields(first)
	if len(f) != 8 {
		return nil
	}
	p := &pythonInfo{executable: strings.TrimSpace(second), level: f[3], kind: f[5], ssl: f[6] == "1"}
	for i := range p.numbers {
		p.numbers[i], _ = strconv.ParseInt(f[i], 10, 64)
	}
	p.serial, _ = strconv.ParseInt(f[4], 10, 64)
	return p
}

func python(h *host) {
	p := findPython(h.ctx, h.Python)
	if p == nil {
		return
	}
	if h.Python == "" {
		h.mu.Lock()
		h.discovered = p.executable
		h.mu.Unlock()
	}
	n := p.numbers
	h.set("python", map[string]any{
		"version":      map[string]any{"major": n[0], "minor": n[1], "micro": n[2], "releaselevel": p.level, "serial": p.serial},
		"version_info": []any{n[0], n[1], n[2], p.level, p.serial},
		"executable":   p.executable, "has_sslcontext": p.ssl, "type": p.kind,
	})
}
