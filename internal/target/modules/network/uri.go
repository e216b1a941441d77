package network

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"mime"
	"mime/multipart"
	"net/textproto"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/troupe-automation/troupe/internal/target/hostos"
	"github.com/troupe-automation/troupe/module"
)

// uri gets the file of option src as Payload when it lies on the controller.
var uri = &module.Module{
	Name: "ansible.builtin.uri",
	Doc:  "Sends an HTTP request and checks the answer.",
	Spec: module.Spec{
		Options: []module.Option{
			{Name: "body", Type: module.TypeRaw},
			{Name: "body_format", Default: "raw", Choices: []any{"form-urlencoded", "json", "raw", "form-multipart"}},
			{Name: "ca_path", Type: module.TypePath},
			{Name: "ciphers", Type: module.TypeList, Elements: module.TypeStr},
			{Name: "client_cert", Type: module.TypePath},
			{Name: "client_key", Type: module.TypePath},
			{Name: "creates", Type: module.TypePath},
			{Name: "decompress", Type: module.TypeBool, Default: true},
			{Name: "dest", Type: module.TypePath},
			{Name: "follow_redirects", Default: "safe", Choices: []any{"all", "no", "none", "safe", "urllib2", "yes"}},
			{Name: "force", Type: module.TypeBool, Default: false},
			{Name: "force_basic_auth", Type: module.TypeBool, Default: false},
			{Name: "headers", Type: module.TypeDict, Default: map[string]any{}},
			{Name: "http_agent", Default: "ansible-httpget"},
			{Name: "method", Default: "GET"},
			{Name: "remote_src", Type: module.TypeBool, Default: false},
			{Name: "removes", Type: module.TypePath},
			{Name: "return_content", Type: module.TypeBool, Default: false},
			{Name: "src", Type: module.TypePath},
			{Name: "status_code", Type: module.TypeList, Elements: module.TypeInt, Default: []any{int64(200)}},
			{Name: "timeout", Type: module.TypeInt, Default: int64(30)},
			{Name: "unix_socket", Type: module.TypePath},
			{Name: "unredirected_headers", Type: module.TypeList, Elements: module.TypeStr, Default: []any{}},
			{Name: "url", Required: true},
			{Name: "url_password", Aliases: []string{"password"}, NoLog: true},
			{Name: "url_username", Aliases: []string{"user"}},
			{Name: "use_gssapi", Type: module.TypeBool, Default: false},
			{Name: "use_netrc", Type: module.TypeBool, Default: true},
			{Name: "use_proxy", Type: module.TypeBool, Default: true},
			{Name: "validate_certs", Type: module.TypeBool, Default: true},
		},
		Rules: module.Rules{
			MutuallyExclusive: [][]string{{"body", "src"}},
		},
		FileArgs:  true,
		CheckMode: true, // to word the refusal as the action does
	},
	Run: runURI,
}

func runURI(ctx context.Context, c *module.Call) (module.Result, error) {
	if c.Check {
		return module.Result{"skipped": true, "msg": "This action (uri) does not support check mode."}, nil
	}
	if p := c.Str("creates"); p != "" && exists(p) {
		return module.Result{"stdout": fmt.Sprintf("skipped, since '%s' exists", p), "changed": false}, nil
	}
	if p := c.Str("removes"); p != "" && !exists(p) {
		return module.Result{"stdout": fmt.Sprintf("skipped, since '%s' does not exist", p), "changed": false}, nil
	}
	q := requestOf(c)
	q.method = strings.ToUpper(c.Str("method"))
	q.follow = followRule(c.Args["follow_redirects"])
	if err := q.setBody(c); err != nil {
		return nil, err
	}
	dest := c.Str("dest")
	if dest != "" {
		if info, err := os.Stat(dest); err == nil && !info.IsDir() && !c.Bool("force") {
			q.modifiedSince = info.ModTime()
		}
	}
	start := time.Now()
	res, err := q.do(ctx, c)
	if err != nil {
		return nil, err
	}
	r := module.Result{"elapsed": int64(time.Since(start).Seconds()), "changed": false, "redirected": res.url != q.url, "status": res.status,
		"url": res.url, "msg": res.msg()}
	for k, v := range res.header {
		r[strings.ReplaceAll(strings.ToLower(k), "-", "_")] = strings.Join(v, ", ")
	}
	if !res.failed() {
		jar, parts := map[string]any{}, []string{}
		for _, k := range res.cookies {
			jar[k.Name] = k.Value
			parts = append(parts, k.Name+"="+k.Value)
		}
		r["cookies"], r["cookies_string"] = jar, strings.Join(parts, "; ")
	}
	if dest != "" {
		if dest, err = saveAs(c, res, dest, r); err != nil {
			return nil, err
		}
		if res.status != 304 && !res.failed() {
			changed, err := hostos.AttrsOf(c).Apply(ctx, dest, false, nil)
			if err != nil {
				return nil, err
			}
			if changed {
				r["changed"] = true
			}
		}
		r["path"] = dest
		hostos.AddPathInfo(r)
	}
	kind, params, _ := mime.ParseMediaType(res.header.Get("Content-Type"))
	text := decode(res.body, params["charset"])
	if strings.HasSuffix(kind, "json") || strings.HasSuffix(kind, "javascript") {
		if v, err := module.DecodeJSON(res.body); err == nil && v != nil {
			r["json"] = v
		}
	}
	ok := slices.ContainsFunc(c.Args["status_code"].([]any), func(v any) bool { return v == int64(res.status) })
	if c.Bool("return_content") {
		r["content"] = text
	} else if ok && res.failed() && res.status != -1 {
		r["body"] = text
	}
	if ok {
		return r, nil
	}
	codes := make([]string, 0, 1)
	for _, v := range c.Args["status_code"].([]any) {
		codes = append(codes, module.Text(v))
	}
	return r, module.Fail(fmt.Sprintf("Status code was %d and not [%s]: %s", res.status, strings.Join(codes, ", "), r["msg"]), nil)
}

func exists(p string) bool {
	_, err := os.Stat(p)
	return err == nil
}

// followRule reduces the values of follow_redirects to none, safe and all.
func followRule(v any) string {
	switch fmt.Sprint(v) {
	case "all", "yes", "true", "True", "urllib2":
		return "all"
	case "none", "no", "false", "False":
		return "none"
	}
	return "safe"
}

// saveAs writes the body to dest, or into it under the name the server or the URL gives.
func saveAs(c *module.Call, res *response, dest string, r module.Result) (string, error) {
	if info, err := os.Stat(dest); err == nil && info.IsDir() {
		name := ""
		if _, params, err := mime.ParseMediaType(res.header.Get("Content-Disposition")); err == nil {
			name = path.Base(params["filename"])
		}
		if name == "" || name == "." {
			if u, err := url.Parse(res.url); err == nil {
				name = path.Base(u.Path)
			}
		}
		dest = filepath.Join(dest, name)
	}
	if res.failed() {
		return dest, nil
	}
	have, _ := hostos.Checksum(dest, "sha1")
	if have == hostos.SHA1(res.body) {
		return dest, nil
	}
	if err := hostos.WriteFile(dest, res.body, c.Bool("unsafe_writes")); err != nil {
		return dest, module.Fail(hostos.Errno(err), nil)
	}
	r["changed"] = true
	return dest, nil
}

// decode turns the body to text by its charset; bytes that are not UTF-8 otherwise become U+FFFD.
func decode(b []byte, charset string) string {
	switch strings.ToLower(charset) {
	case "latin-1", "iso-8859-1", "latin1", "windows-1252":
		out := make([]rune, len(b))
		for i, c := range b {
			out[i] = rune(c)
		}
		return string(out)
	}
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// setBody makes the body from body and body_format, or src.
func (q *request) setBody(c *module.Call) error {
	if src := c.Str("src"); src != "" || c.Payload != nil {
		var err error
		if c.Payload != nil {
			q.body, err = readAll(c.Payload)
		} else {
			q.body, err = os.ReadFile(src)
		}
		if err != nil {
			return module.Fail("Unable to open source file "+src, nil)
		}
		return nil
	}
	body := c.Args["body"]
	switch format := c.Str("body_format"); format {
	case "json":
		if s, ok := body.(string); ok {
			q.body = []byte(s)
		} else if body != nil {
			q.body = []byte(module.JSON(body))
		}
		q.contentType = "application/json"
	case "form-urlencoded":
		if s, ok := body.(string); ok {
			q.body = []byte(s)
		} else {
			form, err := encodeForm(body)
			if err != nil {
				return err
			}
			q.body = []byte(form)
		}
		q.contentType = "application/x-www-form-urlencoded"
	case "form-multipart":
		fields, ok := body.(map[string]any)
		if !ok {
			return module.Fail("failed to parse body as form-multipart: Mapping is required, cannot be type "+fmt.Sprintf("%T", body), nil)
		}
		return q.multipart(fields)
	default:
		if body != nil {
			q.body = []byte(module.Text(body))
			q.contentType = "application/x-www-form-urlencoded"
		}
	}
	return nil
}

func readAll(p *module.Payload) ([]byte, error) {
	r, err := p.Open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(r)
	return b.Bytes(), err
}

// encodeForm writes a dict, or a list of pairs, as a form. A list as value repeats its key.
func encodeForm(body any) (string, error) {
	var parts []string
	add := func(k string, v any) {
		list, ok := v.([]any)
		if !ok {
			list = []any{v}
		}
		for _, e := range list {
			parts = append(parts, url.QueryEscape(k)+"="+url.QueryEscape(module.Text(e)))
		}
	}
	switch b := body.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(b)) {
			add(k, b[k])
		}
	case []any:
		for _, e := range b {
			pair, ok := e.([]any)
			if !ok || len(pair) != 2 {
				return "", module.Fail("failed to parse body as form_urlencoded: not a valid non-string sequence or mapping object", nil)
			}
			add(module.Text(pair[0]), pair[1])
		}
	}
	return strings.Join(parts, "&"), nil
}

func (q *request) multipart(fields map[string]any) error {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, k := range slices.Sorted(maps.Keys(fields)) {
		head := textproto.MIMEHeader{}
		var data []byte
		switch v := fields[k].(type) {
		case map[string]any:
			name, _ := v["filename"].(string)
			content, hasContent := v["content"].(string)
			data = []byte(content)
			if !hasContent && name != "" {
				var err error
				if data, err = os.ReadFile(name); err != nil {
					return module.Fail("failed to parse body as form-multipart: "+hostos.Errno(err), nil)
				}
			}
			kind, _ := v["mime_type"].(string)
			if kind == "" {
				kind = mime.TypeByExtension(filepath.Ext(name))
			}
			if kind == "" {
				kind = "application/octet-stream"
				if name == "" {
					kind = "text/plain"
				}
			}
			disposition := fmt.Sprintf("form-data; name=%q", k)
			if name != "" {
				disposition += fmt.Sprintf("; filename=%q", filepath.Base(name))
			}
			head.Set("Content-Disposition", disposition)
			head.Set("Content-Type", kind)
		default:
			head.Set("Content-Disposition", fmt.Sprintf("form-data; name=%q", k))
			head.Set("Content-Type", "text/plain")
			data = []byte(module.Text(v))
		}
		part, err := w.CreatePart(head)
		if err != nil {
			return err
		}
		if _, err := part.Write(data); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	q.body, q.contentType = b.Bytes(), w.FormDataContentType()
	return nil
}
