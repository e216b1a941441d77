package galaxy

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// hub is a Galaxy server with the collections that a test built.
type hub struct {
	dir   string
	files map[string]string // "ns.col:version" → archive
	deps  map[string]map[string]string
	auth  []string
}

func (h *hub) add(t *testing.T, name, version string, deps map[string]string) {
	t.Helper()
	src := t.TempDir()
	sources(t, src, "")
	text, err := json.Marshal(deps)
	if err != nil {
		t.Fatal(err)
	}
	ns, col := Name(name).Split()
	doc := fmt.Sprintf("namespace: %s\nname: %s\nversion: %s\nauthors: [a]\nreadme: README.md\ndependencies: %s\n", ns, col, version, text)
	if err := os.WriteFile(filepath.Join(src, "galaxy.yml"), []byte(doc), 0o644); err != nil {
		t.Fatal(err)
	}
	_, file, err := Build(src, h.dir, true, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.files[name+":"+version] = file
	h.deps[name+":"+version] = deps
}

func (h *hub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.auth = append(h.auth, r.Header.Get("Authorization"))
	p := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	switch {
	case r.URL.Path == "/api":
		answer(map[string]any{"available_versions": map[string]string{"v3": "v3/"}})
	case len(p) == 6 && p[2] == "collections" && p[5] == "versions":
		list := []any{}
		for k := range h.files {
			if name, v, _ := strings.Cut(k, ":"); name == p[3]+"."+p[4] {
				list = append(list, map[string]string{"version": v})
			}
		}
		if len(list) == 0 {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		answer(map[string]any{"data": list, "links": map[string]any{"next": nil}})
	case len(p) == 7 && p[5] == "versions":
		key := p[3] + "." + p[4] + ":" + p[6]
		s, err := sum(h.files[key])
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		answer(map[string]any{"download_url": "/dl/" + filepath.Base(h.files[key]), "artifact": map[string]string{"sha256": s}, "metadata": map[string]any{"dependencies": h.deps[key]}})
	case p[0] == "dl":
		http.ServeFile(w, r, filepath.Join(h.dir, filepath.Base(p[1])))
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

// The outcomes are those of ansible-galaxy 2.18 against a server with the same collections.
func TestInstallFromServer(t *testing.T) {
	h := &hub{dir: t.TempDir(), files: map[string]string{}, deps: map[string]map[string]string{}}
	older := map[string]string{"ns.two": "<1.5.0"}
	h.add(t, "ns.one", "1.0.0", older)
	h.add(t, "ns.one", "1.1.0", older)
	h.add(t, "ns.one", "2.0.0-beta.1", older)
	h.add(t, "ns.two", "1.0.0", nil)
	h.add(t, "ns.two", "1.5.0", nil)
	h.add(t, "ns.bad", "1.0.0", map[string]string{"ns.two": ">1.0.0", "ns.one": "*"})
	h.add(t, "ns.loop", "1.0.0", map[string]string{"ns.pool": "*"})
	h.add(t, "ns.pool", "1.0.0", map[string]string{"ns.loop": "*"})
	srv := httptest.NewServer(h)
	defer srv.Close()
	const hint = "\nHint: Pre-releases hosted on Galaxy or Automation Hub are not installed by default unless a specific version is requested. To enable pre-releases globally, use --pre."
	for _, c := range []struct {
		name    string
		ask     []string
		set     func(*Options)
		want    []string
		problem string
	}{
		{"newest with what it needs", []string{"ns.one"}, nil, []string{"ns.one:1.1.0", "ns.two:1.0.0"}, ""},
		{"a range", []string{"ns.one:>=1.0.0,<1.1.0"}, nil, []string{"ns.one:1.0.0", "ns.two:1.0.0"}, ""},
		{"pre-releases", []string{"ns.one"}, func(o *Options) { o.Pre = true }, []string{"ns.one:2.0.0-beta.1", "ns.two:1.0.0"}, ""},
		{"a pre-release by name", []string{"ns.one:2.0.0-beta.1"}, nil, []string{"ns.one:2.0.0-beta.1", "ns.two:1.0.0"}, ""},
		{"without what it needs", []string{"ns.one"}, func(o *Options) { o.NoDeps = true }, []string{"ns.one:1.1.0"}, ""},
		{"each other", []string{"ns.loop"}, nil, []string{"ns.loop:1.0.0", "ns.pool:1.0.0"}, ""},
		{"unknown", []string{"ns.nope"}, nil, nil, "Failed to resolve the requested dependencies map. Could not satisfy the following requirements:\n* ns.nope:* (direct request)" + hint},
		{"no such version", []string{"ns.one:7.0.0"}, nil, nil, "Failed to resolve the requested dependencies map. Could not satisfy the following requirements:\n* ns.one:7.0.0 (direct request)" + hint},
		{"contradiction", []string{"ns.bad"}, nil, nil, "Failed to resolve the requested dependencies map. Could not satisfy the following requirements:\n* ns.two:>1.0.0 (dependency of ns.bad:1.0.0)\n* ns.two:<1.5.0 (dependency of ns.one:1.0.0)" + hint},
		{"offline", []string{"ns.one"}, func(o *Options) { o.Offline = true }, nil, "* ns.one:* (direct request)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			out := t.TempDir()
			o := &Options{Servers: []*Server{{Name: "test", URL: srv.URL, Token: "abc", Timeout: time.Minute}}, Paths: []string{out}, Tmp: t.TempDir(),
				Print: func(string) {}, Verbose: func(int, string) {}, Warn: func(string) {}}
			if c.set != nil {
				c.set(o)
			}
			var reqs []Requirement
			for _, a := range c.ask {
				r, err := ParseCollection(a)
				if err != nil {
					t.Fatal(err)
				}
				reqs = append(reqs, r)
			}
			err := o.Install(context.Background(), reqs, out, nil)
			if c.problem != "" {
				if err == nil || !strings.Contains(words(err), c.problem) {
					t.Fatalf("%v\nwant %s", err, c.problem)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			list, err := Installed(out, nil)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, in := range list {
				got = append(got, string(in.Name)+":"+in.Version)
			}
			slices.Sort(got)
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
			if ok, err := o.Verify(context.Background(), []Requirement{{Name: list[0].Name, Range: "*"}}); !ok || err != nil {
				t.Errorf("verify: %v %v", ok, err)
			}
		})
	}
	for _, a := range h.auth {
		if a != "Token abc" {
			t.Fatalf("a request went out with %q", a)
		}
	}
}
