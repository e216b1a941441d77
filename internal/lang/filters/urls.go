package filters

import (
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var urls = family{
	filters: []jinja.Filter{
		{Name: "urlsplit", Signature: "split_url(value, query='', alias='urlsplit')", Run: urlsplit},
	},
	tests: []jinja.Filter{
		{Name: "uri", Signature: "uri(value, schemes=None)", Run: uriTest(false, "")},
		{Name: "url", Signature: "url(value, schemes=None)", Run: uriTest(true, "")},
		{Name: "urn", Signature: "urn(value)", Run: uriTest(false, "urn")},
	},
}

// splitURL is urllib.parse.urlsplit.
type splitURL struct{ scheme, netloc, path, query, fragment string }

func parseURL(s string) (u splitURL, err error) {
	s = strings.TrimLeftFunc(s, func(r rune) bool { return r <= ' ' })
	s = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(s)
	if i := strings.IndexByte(s, ':'); i > 0 && (s[0]|0x20 >= 'a' && s[0]|0x20 <= 'z') {
		ok := true
		for _, c := range s[:i] {
			if !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || strings.ContainsRune("+-.", c)) {
				ok = false
			}
		}
		if ok {
			u.scheme, s = strings.ToLower(s[:i]), s[i+1:]
		}
	}
	if strings.HasPrefix(s, "//") {
		end := strings.IndexAny(s[2:], "/?#")
		if end < 0 {
			end = len(s) - 2
		}
		u.netloc, s = s[2:2+end], s[2+end:]
		if strings.Contains(u.netloc, "[") != strings.Contains(u.netloc, "]") {
			return u, value.ValueErrorf("Invalid IPv6 URL")
		}
	}
	s, u.fragment, _ = strings.Cut(s, "#")
	u.path, u.query, _ = strings.Cut(s, "?")
	return u, nil
}

func urlsplit(c *jinja.Call) (value.Value, error) {
	if err := undefinedArg(c.Args[0]); err != nil {
		return nil, err
	}
	s, ok := value.AsString(c.Args[0])
	if !ok {
		switch c.Args[0].(type) {
		case *value.List, *value.Dict, *value.Set:
			return nil, value.TypeErrorf("unhashable type: '%s'", c.Args[0].TypeName())
		}
		if t, err := truth(c.Args[0]); err == nil && !t {
			s = ""
		} else {
			return nil, noMethod(c.Args[0], "decode")
		}
	}
	u, err := parseURL(s)
	if err != nil {
		return nil, err
	}
	none := value.Value(value.None)
	user, pass, host, port := none, none, none, none
	hostinfo := u.netloc
	if i := strings.LastIndexByte(u.netloc, '@'); i >= 0 {
		hostinfo = u.netloc[i+1:]
		name, pw, has := strings.Cut(u.netloc[:i], ":")
		user = value.Str(name)
		if has {
			pass = value.Str(pw)
		}
	}
	name, portText := hostinfo, ""
	if strings.HasPrefix(hostinfo, "[") {
		end := strings.IndexByte(hostinfo, ']')
		name = hostinfo[1:end]
		portText = strings.TrimPrefix(hostinfo[end+1:], ":")
	} else {
		name, portText, _ = strings.Cut(hostinfo, ":")
	}
	if name != "" {
		host = value.Str(strings.ToLower(name))
	}
	if portText != "" {
		for _, r := range portText {
			if r < '0' || r > '9' {
				return nil, value.ValueErrorf("Port could not be cast to integer value as %s", repr(value.Str(portText)))
			}
		}
		n, err := strconv.Atoi(portText)
		if err != nil || n > 65535 {
			return nil, value.ValueErrorf("Port out of range 0-65535")
		}
		port = value.Int(n)
	}
	d := value.DictOf("fragment", value.Str(u.fragment), "hostname", host, "netloc", value.Str(u.netloc), "password", pass,
		"path", value.Str(u.path), "port", port, "query", value.Str(u.query), "scheme", value.Str(u.scheme), "username", user)
	want, err := value.ToStr(c.Args[1])
	if err != nil {
		return nil, err
	}
	if want == "" {
		return d, nil
	}
	v, ok := d.GetStr(want)
	if !ok {
		return nil, filterError("%s: unknown URL component: %s", textOf(c.Args[2]), want)
	}
	return v, nil
}

func uriTest(needHost bool, only string) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) {
		s, ok := value.AsString(c.Args[0])
		if !ok {
			return value.False, nil
		}
		u, err := parseURL(s)
		if err != nil {
			return value.False, nil
		}
		if only != "" && u.scheme != only {
			return value.False, nil
		}
		if len(c.Args) > 1 {
			if limited, err := truth(c.Args[1]); err != nil {
				return nil, err
			} else if limited {
				in, err := value.Contains(c.Args[1], value.Str(u.scheme))
				if err != nil || !in {
					return value.False, nil
				}
			}
		}
		return value.Bool(!needHost || u.netloc != "" || u.scheme == "file"), nil
	}
}
