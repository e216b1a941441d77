package galaxy

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Server is a Galaxy server or Automation Hub.
type Server struct {
	Name     string // in ansible.cfg, "default", or "cmd_arg"
	URL      string
	Token    string
	AuthURL  string // where a token is exchanged for a bearer token (Keycloak)
	ClientID string
	User     string
	Password string
	Insecure bool
	Timeout  time.Duration
	Cache    *Cache // nil: answers are not kept

	api    string            // URL of the API, "" before it was found
	known  map[string]string // API version → path
	bearer string
}

// String names the server in messages.
func (s *Server) String() string { return s.Name + " " + s.base() }

// Options is what the operations of this package need from the command.
type Options struct {
	Servers     []*Server
	Paths       []string // collection paths, each with an ansible_collections below it
	Tmp         string   // a directory for this run
	Print       func(string)
	PrintErr    func(string)
	Verbose     func(level int, text string)
	Warn        func(string)
	Error       func(string)
	Out, Err    io.Writer // for what git says
	IgnoreCerts bool
	Pre         bool
	NoDeps      bool
	Force       bool
	ForceDeps   bool
	Upgrade     bool
	Offline     bool
	SkipErrors  bool
	Keyring     Keyring
}

func client(insecure bool, timeout time.Duration) *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	if insecure {
		t.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // asked for with --ignore-certs
	}
	return &http.Client{Transport: t, Timeout: timeout}
}

func userAgent() string {
	return "ansible-galaxy/2.18.0 (" + strings.ToUpper(runtime.GOOS[:1]) + runtime.GOOS[1:] + "; troupe)"
}

func (o *Options) get(ctx context.Context, address string, header http.Header) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	for k, v := range header {
		req.Header[k] = v
	}
	req.Header.Set("User-Agent", userAgent())
	return client(o.IgnoreCerts, 10*time.Minute).Do(req)
}

// base is the address of the API: what discovery found, or what is configured.
func (s *Server) base() string {
	if s.api != "" {
		return s.api
	}
	return s.URL
}

// httpError is an answer that is no success.
type httpError struct {
	status int
	msg    string
}

func (e *httpError) Error() string { return e.msg }

// plain shows a transport error the way Ansible does for the most frequent ones.
func plain(err error) string {
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	text := err.Error()
	switch {
	case strings.Contains(text, "connection refused"):
		return "<urlopen error [Errno 111] Connection refused>"
	case strings.Contains(text, "no such host"), strings.Contains(text, "server misbehaving"), strings.Contains(text, "dial tcp: lookup"):
		return "<urlopen error [Errno -2] Name or service not known>"
	}
	return "<urlopen error " + text + ">"
}

// authorize adds the server's credentials to a request.
func (s *Server) authorize(ctx context.Context, req *http.Request) error {
	switch {
	case s.AuthURL != "" && s.Token != "":
		if s.bearer == "" {
			id := s.ClientID
			if id == "" {
				id = "cloud-services"
			}
			form := url.Values{"grant_type": {"refresh_token"}, "client_id": {id}, "refresh_token": {s.Token}}
			r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.AuthURL, strings.NewReader(form.Encode()))
			if err != nil {
				return err
			}
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			resp, err := client(s.Insecure, s.Timeout).Do(r)
			if err != nil {
				return fail("Error authenticating to %s: %s", s.AuthURL, plain(err))
			}
			defer resp.Body.Close()
			var got struct {
				Token string `json:"access_token"`
			}
			if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || got.Token == "" {
				return fail("Error authenticating to %s: HTTP status %d", s.AuthURL, resp.StatusCode)
			}
			s.bearer = got.Token
		}
		req.Header.Set("Authorization", "Bearer "+s.bearer)
	case s.User != "":
		req.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(s.User+":"+s.Password)))
	case s.Token != "":
		req.Header.Set("Authorization", "Token "+s.Token)
	}
	return nil
}

// call sends one request and decodes a JSON answer. what is the beginning of the message when the server refuses.
func (s *Server) call(ctx context.Context, method, address, contentType string, body []byte, to any, what string) error {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", userAgent())
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	if err := s.authorize(ctx, req); err != nil {
		return err
	}
	resp, err := client(s.Insecure, s.Timeout).Do(req)
	if err != nil {
		return fail("Unknown error when attempting to call Galaxy at '%s': %s. %s", address, plain(err), plain(err))
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxMember))
	if err != nil {
		return fail("Unknown error when attempting to call Galaxy at '%s': %s. %s", address, plain(err), plain(err))
	}
	if resp.StatusCode >= 400 {
		return &httpError{resp.StatusCode, refusal(what, resp, data)}
	}
	if to == nil {
		return nil
	}
	if err := json.Unmarshal(data, to); err != nil {
		return fail("Failed to parse Galaxy response from '%s' as JSON:\n%s", address, data)
	}
	return nil
}

// refusal is the message of an answer with an error.
func refusal(what string, resp *http.Response, data []byte) string {
	var doc struct {
		Errors []struct{ Detail, Title, Code string } `json:"errors"`
		Detail string                                 `json:"detail"`
		Code   string                                 `json:"code"`
		Msg    string                                 `json:"message"`
	}
	_ = json.Unmarshal(data, &doc)
	reason := http.StatusText(resp.StatusCode)
	var msgs []string
	for _, e := range doc.Errors {
		m := e.Detail
		if m == "" {
			m = e.Title
		}
		if m == "" {
			m = reason
		}
		code := e.Code
		if code == "" {
			code = "Unknown"
		}
		msgs = append(msgs, fmt.Sprintf("(HTTP Code: %d, Message: %s Code: %s)", resp.StatusCode, m, code))
	}
	if len(msgs) > 0 {
		return what + " " + strings.Join(msgs, ", ")
	}
	m := doc.Detail
	if m == "" {
		m = doc.Msg
	}
	if m == "" {
		m = reason
	}
	if doc.Code != "" {
		return fmt.Sprintf("%s (HTTP Code: %d, Message: %s Code: %s)", what, resp.StatusCode, m, doc.Code)
	}
	return fmt.Sprintf("%s (HTTP Code: %d, Message: %s)", what, resp.StatusCode, m)
}

// open finds the server's API: at the configured address, or at /api below it.
func (s *Server) open(ctx context.Context) error {
	if s.known != nil {
		return nil
	}
	base := strings.TrimSuffix(s.URL, "/")
	tries := []string{s.URL, base + "/api"}
	if u, err := url.Parse(s.URL); err == nil && u.Host == "galaxy.ansible.com" && strings.Trim(u.Path, "/") == "" {
		tries = []string{base + "/api/"}
	}
	var last error
	for _, at := range tries {
		var doc struct {
			Versions map[string]string `json:"available_versions"`
		}
		err := s.ask(ctx, at, &doc, "Error when finding available api versions from "+s.Name+" ("+at+")")
		if err == nil && len(doc.Versions) > 0 {
			s.api, s.known = at, doc.Versions
			return nil
		}
		if err == nil {
			err = fail("Tried to find galaxy API root at %s but no 'available_versions' are available on %s", s.URL, at)
		}
		last = err
	}
	return last
}

func (s *Server) at(version string, parts ...string) (string, error) {
	p, ok := s.known[version]
	if !ok {
		return "", fail("Galaxy action requires API versions '%s' but only '%s' are available on %s %s", version, strings.Join(keys(s.known), ", "), s.Name, s.base())
	}
	all := append([]string{strings.TrimSuffix(s.api, "/"), strings.Trim(p, "/")}, parts...)
	return strings.Join(all, "/") + "/", nil
}

func keys(m map[string]string) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

// release is one version of a collection on a server.
type release struct {
	server   *Server
	URL      string
	Sum      string
	Filename string
	Deps     []Dependency
	Sigs     []string
}

// versions lists the versions of a collection; a server that does not have it gives none.
func (s *Server) versions(ctx context.Context, n Name) ([]string, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	ns, name := n.Split()
	address, err := s.at("v3", "collections", ns, name, "versions")
	if err != nil {
		return nil, err
	}
	address += "?limit=100"
	var out []string
	for address != "" {
		var page struct {
			Data []struct {
				Version string `json:"version"`
			} `json:"data"`
			Links struct {
				Next *string `json:"next"`
			} `json:"links"`
		}
		err := s.call(ctx, http.MethodGet, address, "", nil, &page, fmt.Sprintf("Error when getting available collection versions for %s from %s (%s)", n, s.Name, s.base()))
		var he *httpError
		if errors.As(err, &he) && he.status == http.StatusNotFound {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		for _, v := range page.Data {
			out = append(out, v.Version)
		}
		next := ""
		if page.Links.Next != nil && *page.Links.Next != "" {
			base, err := url.Parse(address)
			if err != nil {
				return nil, err
			}
			ref, err := base.Parse(*page.Links.Next)
			if err != nil {
				return nil, err
			}
			next = ref.String()
		}
		address = next
	}
	return out, nil
}

// release describes one version of a collection.
func (s *Server) release(ctx context.Context, n Name, version string) (*release, error) {
	if err := s.open(ctx); err != nil {
		return nil, err
	}
	ns, name := n.Split()
	address, err := s.at("v3", "collections", ns, name, "versions", version)
	if err != nil {
		return nil, err
	}
	var doc struct {
		URL      string `json:"download_url"`
		Artifact struct {
			Filename string `json:"filename"`
			Sum      string `json:"sha256"`
		} `json:"artifact"`
		Metadata struct {
			Dependencies map[string]string `json:"dependencies"`
		} `json:"metadata"`
		Signatures []struct {
			Signature string `json:"signature"`
		} `json:"signatures"`
	}
	err = s.ask(ctx, address, &doc, fmt.Sprintf("Error when getting collection version metadata for %s:%s from %s (%s)", n, version, s.Name, s.base()))
	if err != nil {
		return nil, err
	}
	base, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	ref, err := base.Parse(doc.URL)
	if err != nil {
		return nil, err
	}
	r := &release{server: s, URL: ref.String(), Sum: doc.Artifact.Sum, Filename: doc.Artifact.Filename}
	for _, k := range sortedKeys(doc.Metadata.Dependencies) {
		r.Deps = append(r.Deps, Dependency{Name: k, Range: Range(doc.Metadata.Dependencies[k])})
	}
	for _, sig := range doc.Signatures {
		r.Sigs = append(r.Sigs, sig.Signature)
	}
	return r, nil
}

// fetch downloads a release and checks its checksum.
func (o *Options) fetch(ctx context.Context, r *release, name string) (string, error) {
	base := strings.TrimSuffix(name, ".tar.gz")
	f, err := os.CreateTemp(o.Tmp, base+"-*")
	if err != nil {
		return "", err
	}
	defer f.Close()
	o.Print("Downloading " + r.URL + " to " + f.Name())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL, nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("User-Agent", userAgent())
	if sameHost(r.URL, r.server.base()) {
		if err := r.server.authorize(ctx, req); err != nil {
			return "", err
		}
	}
	resp, err := client(r.server.Insecure, 10*time.Minute).Do(req)
	if err != nil {
		return "", fail("Failed to download collection tar from '%s': %s", r.server.Name, plain(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return "", fail("Failed to download collection tar from '%s': HTTP Error %s", r.server.Name, resp.Status)
	}
	got, err := copySum(f, resp.Body)
	if err != nil {
		return "", err
	}
	if r.Sum != "" && got != r.Sum {
		return "", fail("Mismatch artifact hash with downloaded file")
	}
	return f.Name(), nil
}

func sameHost(a, b string) bool {
	ua, err1 := url.Parse(a)
	ub, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && ua.Host == ub.Host
}

// Publish uploads an archive; wait waits for the import and tells what it said.
func (o *Options) Publish(ctx context.Context, s *Server, file string, wait bool, timeout time.Duration) error {
	abs, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	if err := s.open(ctx); err != nil {
		return err
	}
	o.Print(fmt.Sprintf("Publishing collection artifact '%s' to %s", abs, s))
	data, err := os.ReadFile(abs)
	if err != nil {
		return fail("The collection path specified '%s' does not exist.", abs)
	}
	if !isTar(abs) {
		return fail("The collection path specified '%s' is not a tarball, use 'ansible-galaxy collection build' to create a proper release artifact.", abs)
	}
	var body bytes.Buffer
	mw := multipart.NewWriter(&body)
	_ = mw.WriteField("sha256", sumBytes(data))
	part, err := mw.CreateFormFile("file", filepath.Base(abs))
	if err != nil {
		return err
	}
	if _, err := part.Write(data); err != nil {
		return err
	}
	if err := mw.Close(); err != nil {
		return err
	}
	address, err := s.at("v3", "artifacts", "collections")
	if err != nil {
		return err
	}
	var task struct {
		Task string `json:"task"`
	}
	if err := s.call(ctx, http.MethodPost, address, mw.FormDataContentType(), body.Bytes(), &task, fmt.Sprintf("Error when publishing collection to %s (%s)", s.Name, s.base())); err != nil {
		return err
	}
	if !wait {
		o.Print(fmt.Sprintf("Collection has been pushed to the Galaxy server %s, not waiting until import has completed due to --no-wait being set. Import task results can be found at %s", s, task.Task))
		return nil
	}
	o.Print(fmt.Sprintf("Collection has been published to the Galaxy server %s", s))
	return o.await(ctx, s, task.Task, timeout)
}

// await polls an import until it ended.
func (o *Options) await(ctx context.Context, s *Server, task string, timeout time.Duration) error {
	base, err := url.Parse(s.base())
	if err != nil {
		return err
	}
	ref, err := base.Parse(task)
	if err != nil {
		return err
	}
	o.Print(fmt.Sprintf("Waiting until Galaxy import task %s has completed", ref))
	if timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	}
	for pause := 2 * time.Second; ; pause = min(pause*3/2, 30*time.Second) {
		var st struct {
			State    string  `json:"state"`
			Finished *string `json:"finished_at"`
			Messages []struct{ Level, Message string }
			Error    struct{ Code, Description string }
		}
		if err := s.call(ctx, http.MethodGet, ref.String(), "", nil, &st, fmt.Sprintf("Error when getting import task results at %s", ref)); err != nil {
			return err
		}
		if st.Finished == nil {
			select {
			case <-ctx.Done():
				return fail("Timeout while waiting for the Galaxy import process to finish, check progress at '%s'", ref)
			case <-time.After(pause):
			}
			continue
		}
		for _, m := range st.Messages {
			switch strings.ToLower(m.Level) {
			case "error":
				o.Print("Galaxy import error message: " + m.Message)
			case "warning":
				o.Warn("Galaxy import warning message: " + m.Message)
			default:
				o.Verbose(3, "Galaxy import message: "+m.Level+" - "+m.Message)
			}
		}
		if st.State == "failed" {
			code := st.Error.Code
			if code == "" {
				code = "UNKNOWN"
			}
			return fail("Galaxy import process failed: %s (Code: %s)", st.Error.Description, code)
		}
		o.Print(fmt.Sprintf("Collection has been successfully published and imported to the Galaxy server %s", s))
		return nil
	}
}
