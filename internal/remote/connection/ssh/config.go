package ssh

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// settings are OpenSSH client options: lower-case keyword to its values. As in OpenSSH the first value that is found for
// a keyword counts, except for those in accumulating.
type settings map[string][]string

var accumulating = map[string]bool{
	"identityfile": true, "certificatefile": true, "sendenv": true, "setenv": true,
	"localforward": true, "remoteforward": true, "dynamicforward": true,
}

func (s settings) set(key string, value string) {
	if accumulating[key] {
		if !slices.Contains(s[key], value) {
			s[key] = append(s[key], value)
		}
		return
	}
	if _, ok := s[key]; !ok {
		s[key] = []string{value}
	}
}

// get returns a value, or "" when it is not set.
func (s settings) get(key string) string {
	if v := s[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (s settings) is(key string, def bool) bool {
	switch strings.ToLower(s.get(key)) {
	case "yes", "true":
		return true
	case "no", "false":
		return false
	}
	return def
}

// flagsWithValue are the one-letter options of ssh that take a value, and the keyword they stand for ("" when they
// stand for none that matters here).
var flagsWithValue = map[byte]string{
	'b': "bindaddress", 'B': "bindinterface", 'c': "ciphers", 'D': "dynamicforward", 'E': "", 'e': "", 'F': "-config", 'I': "pkcs11provider",
	'i': "identityfile", 'J': "proxyjump", 'L': "localforward", 'l': "user", 'm': "macs", 'O': "-control", 'o': "-o", 'p': "port", 'Q': "", 'R': "remoteforward",
	'S': "controlpath", 'W': "-stdio", 'w': "tunneldevice",
}

var flagsWithout = map[byte][2]string{
	'4': {"addressfamily", "inet"}, '6': {"addressfamily", "inet6"}, 'A': {"forwardagent", "yes"}, 'a': {"forwardagent", "no"},
	'C': {"compression", "yes"}, 'K': {"gssapiauthentication", "yes"}, 'k': {"gssapidelegatecredentials", "no"}, 'M': {"controlmaster", "yes"},
	'X': {"forwardx11", "yes"}, 'x': {"forwardx11", "no"}, 'Y': {"forwardx11", "yes"},
}

// parseArgs adds the options of a list of ssh arguments. configFile is the file of -F, "" when there is none.
func (s settings) parseArgs(words []string) (configFile string, err error) {
	for i := 0; i < len(words); i++ {
		w := words[i]
		if len(w) < 2 || w[0] != '-' {
			return configFile, fmt.Errorf("%q is no ssh option", w)
		}
		for j := 1; j < len(w); j++ {
			if kv, ok := flagsWithout[w[j]]; ok {
				s.set(kv[0], kv[1])
				continue
			}
			key, ok := flagsWithValue[w[j]]
			if !ok {
				continue // -q -v -T -t -n -N …: nothing that matters here
			}
			value := w[j+1:]
			if value == "" {
				if i++; i >= len(words) {
					return configFile, fmt.Errorf("ssh option -%c needs a value", w[j])
				}
				value = words[i]
			}
			switch key {
			case "":
			case "-o":
				k, v := keyword(value)
				s.set(k, v)
			case "-config":
				configFile = value
			case "-control", "-stdio":
				return configFile, fmt.Errorf("ssh option -%c makes no sense here", w[j])
			default:
				s.set(key, value)
			}
			break
		}
	}
	return configFile, nil
}

// keyword splits "Keyword value" or "Keyword=value". Quotes around the value go.
func keyword(line string) (key, value string) {
	line = strings.TrimSpace(line)
	i := strings.IndexAny(line, " \t=")
	if i < 0 {
		return strings.ToLower(line), ""
	}
	value = strings.TrimLeft(line[i:], " \t")
	value = strings.TrimSpace(strings.TrimPrefix(value, "="))
	if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' && strings.Count(value, `"`) == 2 {
		value = value[1 : len(value)-1]
	}
	return strings.ToLower(line[:i]), value
}

// host is the view a config file is read for.
type hostView struct {
	original string // as named on the command line
	user     string // "" when not given
	home     string
	local    string // our user
	set      settings
	depth    int
}

// readConfig adds the settings of a config file that apply to the host. A missing file is none.
func (v *hostView) readConfig(ctx context.Context, file string, systemWide bool) error {
	if v.depth > 16 {
		return fmt.Errorf("%s: too many nested Includes", file)
	}
	f, err := os.Open(file)
	if os.IsNotExist(err) || os.IsPermission(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	applies := true
	scan := bufio.NewScanner(f)
	for scan.Scan() {
		line := strings.TrimSpace(scan.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		key, value := keyword(line)
		switch key {
		case "host":
			words, err := connection.Split(value)
			applies = err == nil && matchList(words, v.original)
		case "match":
			if applies, err = v.match(ctx, value); err != nil {
				return fmt.Errorf("%s: Match %s: %w", file, value, err)
			}
		case "include":
			if !applies {
				continue
			}
			words, err := connection.Split(value)
			if err != nil {
				return fmt.Errorf("%s: Include %s: %w", file, value, err)
			}
			for _, w := range words {
				w = v.expandHome(w)
				if !filepath.IsAbs(w) {
					if systemWide {
						w = "/etc/ssh/" + w
					} else {
						w = v.home + "/.ssh/" + w
					}
				}
				files, err := filepath.Glob(w)
				if err != nil {
					return fmt.Errorf("%s: Include %s: %w", file, value, err)
				}
				for _, inc := range files {
					v.depth++
					err := v.readConfig(ctx, inc, systemWide)
					v.depth--
					if err != nil {
						return err
					}
				}
			}
		default:
			if applies {
				v.set.set(key, value)
			}
		}
	}
	return scan.Err()
}

// match evaluates the criteria of a Match line.
func (v *hostView) match(ctx context.Context, line string) (bool, error) {
	words, err := connection.Split(line)
	if err != nil {
		return false, err
	}
	result := true
	for i := 0; i < len(words); i++ {
		name, negated := strings.CutPrefix(strings.ToLower(words[i]), "!")
		var ok bool
		switch name {
		case "all":
			ok = true
		case "final", "canonical":
			ok = false // host names are not canonicalised here, so there is no second pass
		case "host", "originalhost", "user", "localuser", "exec", "tagged", "localnetwork", "version", "sessiontype", "command":
			if i++; i >= len(words) {
				return false, fmt.Errorf("%s needs a value", name)
			}
			list := strings.Split(words[i], ",")
			switch name {
			case "host":
				h := v.set.get("hostname")
				if h == "" {
					h = v.original
				}
				ok = matchList(list, strings.ReplaceAll(h, "%h", v.original))
			case "originalhost":
				ok = matchList(list, v.original)
			case "user":
				u := v.user
				if u == "" {
					u = v.set.get("user")
				}
				if u == "" {
					u = v.local
				}
				ok = matchList(list, u)
			case "localuser":
				ok = matchList(list, v.local)
			case "tagged":
				ok = matchList(list, v.set.get("tag"))
			case "sessiontype":
				ok = matchList(list, "exec")
			case "exec":
				if result {
					limited, cancel := context.WithTimeout(ctx, 10*time.Second)
					ok = exec.CommandContext(limited, "/bin/sh", "-c", v.expand(words[i])).Run() == nil
					cancel()
				}
			}
		default:
			return false, fmt.Errorf("unknown criterion %q", words[i])
		}
		if ok == negated {
			result = false
		}
	}
	return result, nil
}

// matchList matches OpenSSH's pattern lists: * ? and ! before a pattern that must not match.
func matchList(patterns []string, name string) bool {
	found := false
	for _, p := range patterns {
		p, negated := strings.CutPrefix(p, "!")
		ok, err := path.Match(strings.NewReplacer("[", `\[`, "]", `\]`).Replace(strings.ToLower(p)), strings.ToLower(name))
		// path.Match stops * at slashes, which host names do not have.
		if err == nil && ok {
			if negated {
				return false
			}
			found = true
		}
	}
	return found
}

func (v *hostView) expandHome(p string) string {
	if p == "~" || strings.HasPrefix(p, "~/") {
		return v.home + p[1:]
	}
	return p
}

// expand replaces the %-tokens and ${NAME} that OpenSSH knows in file names and commands.
func (v *hostView) expand(s string) string {
	if !strings.ContainsAny(s, "%$") {
		return s
	}
	host, port, remote := v.set.get("hostname"), v.set.get("port"), v.set.get("user")
	if host == "" {
		host = v.original
	}
	if port == "" {
		port = "22"
	}
	if v.user != "" {
		remote = v.user
	}
	if remote == "" {
		remote = v.local
	}
	name, _ := os.Hostname()
	short, _, _ := strings.Cut(name, ".")
	tokens := map[byte]string{
		'%': "%", 'h': host, 'n': v.original, 'p': port, 'r': remote, 'u': v.local, 'd': v.home, 'l': name, 'L': short,
		'i': fmt.Sprint(os.Getuid()), 'k': v.original, 'j': v.set.get("proxyjump"),
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+1 < len(s) {
			if t, ok := tokens[s[i+1]]; ok {
				b.WriteString(t)
				i++
				continue
			}
		}
		if s[i] == '$' && i+1 < len(s) && s[i+1] == '{' {
			if end := strings.IndexByte(s[i:], '}'); end > 0 {
				b.WriteString(os.Getenv(s[i+2 : i+end]))
				i += end
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// whoami returns our user's name and home.
func whoami() (name, home string) {
	home = os.Getenv("HOME")
	if u, err := user.Current(); err == nil {
		name = u.Username
		if home == "" {
			home = u.HomeDir
		}
	}
	if name == "" {
		name = os.Getenv("USER")
	}
	return name, home
}
