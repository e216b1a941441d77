package galaxy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// candidate is one version of a collection that could be installed.
type candidate struct {
	Name    Name
	Version string
	source  Source // where it is; "" for one that is installed
	path    string // archive or directory
	server  *Server
	info    *Info    // of what is not on a server
	rel     *release // of what is, once asked for
	sigs    []string
	origin  string // what the user wrote
}

func (c *candidate) String() string { return string(c.Name) + ":" + c.Version }

// materialize turns files, directories, URLs and repositories into candidates; what is on servers stays a requirement.
func (o *Options) materialize(ctx context.Context, reqs []Requirement) ([]Requirement, []*candidate, error) {
	var out []Requirement
	var found []*candidate
	for _, r := range reqs {
		cs, err := o.read(ctx, r)
		if err != nil {
			return nil, nil, err
		}
		if cs == nil {
			out = append(out, r)
			continue
		}
		for _, c := range cs {
			one := r
			one.Name, one.Range = c.Name, Range(c.Version)
			if c.Version == "*" {
				one.Range = "*"
			}
			out = append(out, one)
			found = append(found, c)
		}
	}
	return out, found, nil
}

// read gives the candidates of one requirement, nil for names.
func (o *Options) read(ctx context.Context, r Requirement) ([]*candidate, error) {
	switch r.Source {
	case FromFile:
		abs, err := filepath.Abs(r.From)
		if err != nil {
			return nil, err
		}
		in, err := infoOfArchive(abs)
		if err != nil {
			return nil, fail("%s", strings.ReplaceAll(words(err), "'"+abs+"'", "'"+r.From+"'"))
		}
		return []*candidate{{Name: in.Name, Version: in.Version, source: FromFile, path: abs, info: in, origin: r.From}}, nil
	case FromURL:
		file, err := o.download(ctx, r.From, o.Tmp, "collection")
		if err != nil {
			return nil, fail("Failed to download collection tar from '%s': %s", r.From, plain(err))
		}
		in, err := infoOfArchive(file)
		if err != nil {
			return nil, err
		}
		return []*candidate{{Name: in.Name, Version: in.Version, source: FromURL, path: file, info: in, origin: r.From}}, nil
	case FromGit:
		dir, err := o.clone(ctx, parseGit(r.From, r.Range), o.Tmp)
		if err != nil {
			return nil, err
		}
		next, err := concrete(dir, "*")
		if err != nil {
			return nil, fail("%s\n\nCould not find %s.", notConcrete, dir)
		}
		cs, err := o.read(ctx, next)
		for _, c := range cs {
			c.origin = r.From
		}
		return cs, err
	case FromDir, FromSubdirs:
		dirs := []string{r.From}
		if r.Source == FromSubdirs || !hasMetadata(r.From) {
			dirs = subdirs(r.From)
		}
		var out []*candidate
		for _, d := range dirs {
			abs, err := filepath.Abs(d)
			if err != nil {
				return nil, err
			}
			in, err := ReadInfo(abs, o.Warn)
			if err != nil {
				return nil, err
			}
			out = append(out, &candidate{Name: in.Name, Version: in.Version, source: FromDir, path: abs, info: in, origin: d})
		}
		return out, nil
	}
	return nil, nil
}

// resolver looks for versions that satisfy every requirement at once: depth first, the newest first, going back where it
// gets stuck.
type resolver struct {
	o         *Options
	ctx       context.Context
	supplied  map[Name][]*candidate // what the user handed over
	installed map[Name][]*candidate
	listed    map[Name][]*candidate // what servers have
	steps     int
	conflict  []Requirement
}

// maxSteps bounds the search.
const maxSteps = 100_000

// need is a requirement with its place in the search.
type need struct {
	req    Requirement
	parent string // "ns.col:1.0.0"
}

// resolve finds candidates for the requirements and all they depend on, in the order of installation.
func (o *Options) resolve(ctx context.Context, reqs []Requirement, supplied, installed []*candidate) ([]*candidate, error) {
	r := &resolver{o: o, ctx: ctx, supplied: map[Name][]*candidate{}, installed: map[Name][]*candidate{}, listed: map[Name][]*candidate{}}
	for _, c := range supplied {
		r.supplied[c.Name] = append(r.supplied[c.Name], c)
	}
	for _, c := range installed {
		r.installed[c.Name] = append(r.installed[c.Name], c)
	}
	var needs []need
	for _, q := range reqs {
		needs = append(needs, need{req: q})
	}
	chosen, err := r.solve(needs, nil)
	if err != nil {
		return nil, err
	}
	if chosen == nil {
		var b strings.Builder
		b.WriteString("Failed to resolve the requested dependencies map. Could not satisfy the following requirements:")
		for _, q := range r.conflict {
			why := "direct request"
			if q.Parent != nil {
				why = fmt.Sprintf("dependency of %s:%s", q.Parent.Name, q.Parent.Version)
			}
			fmt.Fprintf(&b, "\n* %s (%s)", q.String(), why)
		}
		if !o.Pre {
			b.WriteString("\nHint: Pre-releases hosted on Galaxy or Automation Hub are not installed by default unless a specific version is requested. To enable pre-releases globally, use --pre.")
		}
		return nil, fail("%s", b.String())
	}
	return chosen, nil
}

// solve chooses a candidate for the first name without one and goes on. It returns nil when there is no way.
func (r *resolver) solve(needs []need, chosen []*candidate) ([]*candidate, error) {
	if r.steps++; r.steps > maxSteps {
		return nil, fail("the requirements are too entangled: no solution after %d steps", maxSteps)
	}
	if err := r.ctx.Err(); err != nil {
		return nil, err
	}
	var open *need
	for i := range needs {
		name := needs[i].req.Name
		at := slices.IndexFunc(chosen, func(c *candidate) bool { return c.Name == name })
		if at < 0 {
			if open == nil {
				open = &needs[i]
			}
			continue
		}
		if ok, err := allows(&needs[i].req, chosen[at]); err != nil {
			return nil, err
		} else if !ok {
			r.stuck(needs, name)
			return nil, nil
		}
	}
	if open == nil {
		return append([]*candidate{}, chosen...), nil
	}
	cs, err := r.candidates(open.req)
	if err != nil {
		return nil, err
	}
	tried := false
next:
	for _, c := range cs {
		for i := range needs {
			if needs[i].req.Name != c.Name {
				continue
			}
			ok, err := allows(&needs[i].req, c)
			if err != nil {
				return nil, err
			}
			if !ok || r.unwanted(c, needs) {
				continue next
			}
		}
		tried = true
		deps, err := r.deps(c)
		if err != nil {
			return nil, err
		}
		more := append(slices.Clone(needs), deps...)
		got, err := r.solve(more, append(slices.Clone(chosen), c))
		if err != nil || got != nil {
			return got, err
		}
	}
	if !tried {
		r.stuck(needs, open.req.Name)
	}
	return nil, nil
}

// unwanted reports a pre-release that nobody asked for by its exact version.
func (r *resolver) unwanted(c *candidate, needs []need) bool {
	v, ok := ParseVersion(c.Version)
	if r.o.Pre || !ok || len(v.Pre) == 0 || c.server == nil {
		return false
	}
	return !slices.ContainsFunc(needs, func(n need) bool { return n.req.Name == c.Name && n.req.Range.pinned() == c.Version })
}

// stuck keeps the requirements of a name, for the message.
func (r *resolver) stuck(needs []need, name Name) {
	r.conflict = nil
	for _, n := range needs {
		if n.req.Name == name {
			r.conflict = append(r.conflict, n.req)
		}
	}
}

func allows(q *Requirement, c *candidate) (bool, error) {
	if c.Version == "*" {
		return true, nil
	}
	ok, problem := q.Range.Allows(c.Version)
	if problem != "" {
		return false, fail("Invalid version %q in the requirement %s", problem, q)
	}
	return ok, nil
}

// candidates are the versions of a name, in the order they are tried.
func (r *resolver) candidates(q Requirement) ([]*candidate, error) {
	if cs, ok := r.supplied[q.Name]; ok {
		return cs, nil
	}
	out := slices.Clone(r.installed[q.Name])
	if r.o.Offline {
		return out, nil
	}
	if slices.ContainsFunc(out, func(c *candidate) bool { ok, _ := q.Range.Allows(c.Version); return ok }) {
		if _, known := r.listed[q.Name]; !known && r.o.onlyInstalled(q) {
			return out, nil
		}
	}
	listed, ok := r.listed[q.Name]
	if !ok {
		var err error
		if listed, err = r.list(q); err != nil {
			return nil, err
		}
		r.listed[q.Name] = listed
	}
	return append(out, listed...), nil
}

// onlyInstalled reports whether an installed version that fits is enough, without asking a server.
func (o *Options) onlyInstalled(q Requirement) bool { return !o.Upgrade && q.Range.pinned() != "" }

// list asks the servers for the versions of a collection. A server that fails is skipped unless all fail.
func (r *resolver) list(q Requirement) ([]*candidate, error) {
	var out []*candidate
	seen := map[string]bool{}
	var last error
	for _, s := range r.o.pick(q.From) {
		vs, err := s.versions(r.ctx, q.Name)
		if err != nil {
			if r.ctx.Err() != nil {
				return nil, err
			}
			r.o.Warn(fmt.Sprintf("Skipping Galaxy server %s. Got an unexpected error when getting available versions of collection %s: %s", s.base(), q.Name, words(err)))
			last = err
			continue
		}
		for _, v := range vs {
			if !seen[v] {
				seen[v] = true
				out = append(out, &candidate{Name: q.Name, Version: v, source: FromGalaxy, server: s, sigs: q.Signatures})
			}
		}
	}
	if len(out) == 0 && last != nil {
		var he *httpError
		if errors.As(last, &he) {
			return nil, fail("%s", he.msg)
		}
		return nil, last
	}
	slices.SortStableFunc(out, func(a, b *candidate) int {
		va, aok := ParseVersion(a.Version)
		vb, bok := ParseVersion(b.Version)
		if !aok || !bok {
			return cmp.Compare(boolInt(bok), boolInt(aok))
		}
		return vb.Compare(va)
	})
	return out, nil
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// pick are the servers to ask: those of the configuration, or the one a requirement names.
func (o *Options) pick(source string) []*Server {
	if source == "" {
		return o.Servers
	}
	for _, s := range o.Servers {
		if s.Name == source || strings.TrimSuffix(s.URL, "/") == strings.TrimSuffix(source, "/") {
			return []*Server{s}
		}
	}
	s := &Server{Name: "explicit_requirement", URL: source, Insecure: o.IgnoreCerts}
	if len(o.Servers) > 0 {
		s.Timeout = o.Servers[0].Timeout
	}
	o.Servers = append(o.Servers[:len(o.Servers):len(o.Servers)], s)
	return []*Server{s}
}

// deps are the requirements of a candidate.
func (r *resolver) deps(c *candidate) ([]need, error) {
	if r.o.NoDeps {
		return nil, nil
	}
	var list []Dependency
	parent := c.info
	switch {
	case c.info != nil:
		list = c.info.Dependencies
	default:
		if c.rel == nil {
			rel, err := c.server.release(r.ctx, c.Name, c.Version)
			if err != nil {
				return nil, fail("%s", words(err))
			}
			c.rel = rel
		}
		list = c.rel.Deps
		parent = &Info{Name: c.Name, Version: c.Version}
	}
	var out []need
	for _, d := range list {
		q := Requirement{Name: Name(d.Name), Range: d.Range, Source: FromGalaxy, Parent: parent}
		if isGitURL(d.Name) || isURL(d.Name) {
			more, cs, err := r.repository(d, parent)
			if err != nil {
				return nil, err
			}
			for _, one := range cs {
				if r.supplied[one.Name] == nil {
					r.supplied[one.Name] = []*candidate{one}
				}
			}
			out = append(out, more...)
			continue
		}
		if !q.Name.Valid() {
			return nil, fail("Invalid collection name %q in the dependencies of %s", d.Name, c)
		}
		out = append(out, need{req: q, parent: c.String()})
	}
	return out, nil
}

// repository reads a dependency that is the address of a repository or an archive. Each is read once.
func (r *resolver) repository(d Dependency, parent *Info) ([]need, []*candidate, error) {
	key := Name(d.Name + "\x00" + string(d.Range))
	cs, ok := r.listed[key]
	if !ok {
		q := Requirement{Source: FromURL, From: d.Name, Range: d.Range}
		if isGitURL(d.Name) {
			q.Source = FromGit
		}
		var err error
		if cs, err = r.o.read(r.ctx, q); err != nil {
			return nil, nil, err
		}
		r.listed[key] = cs
	}
	var out []need
	for _, c := range cs {
		out = append(out, need{req: Requirement{Name: c.Name, Range: "*", Source: c.source, Parent: parent}})
	}
	return out, cs, nil
}
