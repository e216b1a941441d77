package system

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/internal/target/regex"
	"github.com/troupe-automation/troupe/module"
)

var waitFor = &module.Module{
	Name: "ansible.builtin.wait_for",
	Doc:  "Waits until a port answers, a file has a content, or neither does any more.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "active_connection_states", Type: module.TypeList, Elements: module.TypeStr, Default: []any{"ESTABLISHED", "FIN_WAIT1", "FIN_WAIT2", "SYN_RECV", "SYN_SENT", "TIME_WAIT"}},
			{Name: "connect_timeout", Type: module.TypeInt, Default: int64(5)},
			{Name: "delay", Type: module.TypeInt, Default: int64(0)},
			{Name: "exclude_hosts", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "host", Default: "127.0.0.1"},
			{Name: "msg"},
			{Name: "path", Type: module.TypePath},
			{Name: "port", Type: module.TypeInt},
			{Name: "search_regex"},
			{Name: "sleep", Type: module.TypeInt, Default: int64(1)},
			{Name: "state", Default: "started", Choices: []any{"absent", "drained", "present", "started", "stopped"}},
			{Name: "timeout", Type: module.TypeInt, Default: int64(300)},
		},
	},
	Run: runWaitFor,
}

// waiter is one run of wait_for.
type waiter struct {
	*module.Call
	re         *regex.Regex
	groups     []any
	named      map[string]any
	host, path string
	port       int64
}

func runWaitFor(ctx context.Context, c *module.Call) (module.Result, error) {
	w := &waiter{Call: c, host: c.Str("host"), path: c.Str("path"), port: c.Int("port"), groups: []any{}, named: map[string]any{}}
	state := c.Str("state")
	early := func(msg string) (module.Result, error) {
		return nil, module.Fail(msg, module.Result{"elapsed": int64(0)})
	}
	switch {
	case c.Has("port") && w.path != "":
		return early("port and path parameter can not both be passed to wait_for")
	case w.path != "" && state == "stopped":
		return early("state=stopped should only be used for checking a port in the wait_for module")
	case w.path != "" && state == "drained":
		return early("state=drained should only be used for checking a port in the wait_for module")
	case len(c.Strings("exclude_hosts")) > 0 && state != "drained":
		return early("exclude_hosts should only be with state=drained")
	}
	var err error
	if c.Has("search_regex") {
		if w.re, err = regex.Compile(c.Str("search_regex"), regex.Multiline); err != nil {
			return nil, module.Fail(err.Error(), nil)
		}
	}
	start := time.Now()
	if err := pause(ctx, time.Duration(c.Int("delay"))*time.Second); err != nil {
		return nil, err
	}
	timeout := time.Duration(c.Int("timeout")) * time.Second
	if w.port == 0 && w.path == "" && state != "drained" {
		if err := pause(ctx, timeout); err != nil {
			return nil, err
		}
	} else {
		end := start.Add(timeout)
		for done := false; !done; {
			if ctx.Err() != nil {
				return nil, context.Cause(ctx)
			}
			if done, err = w.reached(ctx, state); err != nil {
				return nil, err
			}
			if done {
				break
			}
			if !time.Now().Add(time.Duration(0)).Before(end) {
				return nil, module.Fail(w.late(state), module.Result{"elapsed": int64(time.Since(start).Seconds())})
			}
			nap := time.Duration(c.Int("sleep")) * time.Second
			if left := time.Until(end); nap > left {
				nap = max(left, 0)
			}
			if err := pause(ctx, nap); err != nil {
				return nil, err
			}
		}
	}
	r := module.Result{"state": state, "port": c.Args["port"], "search_regex": c.Args["search_regex"], "match_groups": w.groups,
		"match_groupdict": w.named, "path": c.Args["path"], "elapsed": int64(time.Since(start).Seconds())}
	hostos.AddPathInfo(r)
	return r, nil
}

// pause waits, or fails when ctx ends.
func pause(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// late is the message of a timeout.
func (w *waiter) late(state string) string {
	if m := w.Str("msg"); m != "" {
		return m
	}
	at := w.host + ":" + strconv.FormatInt(w.port, 10)
	switch state {
	case "absent", "stopped":
		if w.port != 0 {
			return "Timeout when waiting for " + at + " to stop."
		}
		return fmt.Sprintf("Timeout when waiting for %s to be absent.", w.path)
	case "drained":
		return "Timeout when waiting for " + at + " to drain"
	}
	switch {
	case w.port != 0 && w.re != nil:
		return fmt.Sprintf("Timeout when waiting for search string %s in %s", w.Str("search_regex"), at)
	case w.port != 0:
		return "Timeout when waiting for " + at
	case w.re != nil:
		return fmt.Sprintf("Timeout when waiting for search string %s in %s", w.Str("search_regex"), w.path)
	}
	return "Timeout when waiting for file " + w.path
}

func (w *waiter) reached(ctx context.Context, state string) (bool, error) {
	switch state {
	case "absent", "stopped":
		if w.path != "" {
			text, err := os.ReadFile(w.path)
			if err != nil {
				return os.IsNotExist(err), nil
			}
			return w.re != nil && !w.re.MatchString(string(text)), nil
		}
		conn, err := w.dial(ctx)
		if err != nil {
			return true, nil
		}
		return false, conn.Close()
	case "drained":
		n, err := w.connections()
		return n == 0, err
	}
	if w.path != "" {
		text, err := os.ReadFile(w.path)
		if err != nil {
			_, e := os.Stat(w.path)
			return e == nil && w.re == nil, nil
		}
		if w.re == nil {
			return true, nil
		}
		m, err := w.re.Find(string(text), 0)
		if err != nil || m == nil {
			return false, err
		}
		for i := 1; i < len(m.Groups); i++ {
			var v any
			if m.Groups[i][0] >= 0 {
				v = m.Group(string(text), i)
			}
			w.groups = append(w.groups, v)
		}
		for n, i := range m.Names {
			w.named[n] = m.Group(string(text), i)
		}
		return true, nil
	}
	conn, err := w.dial(ctx)
	if err != nil {
		return false, nil
	}
	defer conn.Close()
	if w.re == nil {
		return true, nil
	}
	var data []byte
	buf := make([]byte, 1024)
	if err := conn.SetReadDeadline(time.Now().Add(time.Duration(max(w.Int("connect_timeout"), 1)) * time.Second)); err != nil {
		return false, err
	}
	for len(data) < 1<<20 {
		n, err := conn.Read(buf)
		data = append(data, buf[:n]...)
		if w.re.MatchString(string(data)) {
			return true, nil
		}
		if err == io.EOF || err != nil {
			return false, nil
		}
	}
	return false, nil
}

func (w *waiter) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: time.Duration(w.Int("connect_timeout")) * time.Second}
	return d.DialContext(ctx, "tcp", net.JoinHostPort(w.host, strconv.FormatInt(w.port, 10)))
}

// tcpStates are the states of /proc/net/tcp by name.
var tcpStates = map[string]string{
	"ESTABLISHED": "01", "SYN_SENT": "02", "SYN_RECV": "03", "FIN_WAIT1": "04", "FIN_WAIT2": "05", "TIME_WAIT": "06",
}

// connections counts the active connections to the port.
func (w *waiter) connections() (int, error) {
	want := map[string]bool{}
	for _, s := range w.Strings("active_connection_states") {
		code, ok := tcpStates[s]
		if !ok {
			return 0, module.Fail(fmt.Sprintf("unknown active_connection_state (%s) defined", s), module.Result{"elapsed": int64(0)})
		}
		want[code] = true
	}
	exclude := map[string]bool{}
	for _, h := range w.Strings("exclude_hosts") {
		addrs, err := net.LookupHost(h)
		if err != nil {
			return 0, module.Fail(fmt.Sprintf("Failed to resolve %s: %s", h, err), nil)
		}
		for _, a := range addrs {
			exclude[a] = true
		}
	}
	local := map[string]bool{"0.0.0.0": true, "::": true}
	if addrs, err := net.LookupHost(w.host); err == nil {
		for _, a := range addrs {
			local[a] = true
		}
	}
	n := 0
	for _, file := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		data, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(data)) {
			f := strings.Fields(line)
			if len(f) < 4 || !want[f[3]] {
				continue
			}
			ip, port := procAddress(f[1])
			peer, _ := procAddress(f[2])
			if port == w.port && !exclude[peer] && (local[ip] || w.host == "0.0.0.0") {
				n++
			}
		}
	}
	return n, nil
}

// procAddress reads the kernel's "0100007F:1F90".
func procAddress(s string) (string, int64) {
	addr, port, _ := strings.Cut(s, ":")
	n, _ := strconv.ParseInt(port, 16, 64)
	b, err := hex.DecodeString(addr)
	if err != nil {
		return "", n
	}
	for i := 0; i+4 <= len(b); i += 4 {
		b[i], b[i+1], b[i+2], b[i+3] = b[i+3], b[i+2], b[i+1], b[i]
	}
	return net.IP(b).String(), n
}
