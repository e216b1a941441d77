package lookup

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/lang/filters"
	"github.com/troupe-automation/troupe/internal/lang/pyrandom"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// charSets are the names that Python's string module has.
var charSets = map[string]string{
	"ascii_letters":   "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"ascii_lowercase": "abcdefghijklmnopqrstuvwxyz",
	"ascii_uppercase": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
	"digits":          "0123456789",
	"hexdigits":       "0123456789abcdefABCDEF",
	"octdigits":       "01234567",
	"punctuation":     "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
	"whitespace":      " \t\n\r\v\f",
	"printable":       "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ \t\n\r\v\f",
}

// passwordFiles lets one template at a time make a password file.
var passwordFiles sync.Mutex

type passwordOptions struct {
	length                     int
	encrypt, ident, salt, seed string
	seeded                     bool
	chars                      string
}

// password gives the password kept in a file, made when the file does not exist.
func password(c *Call) ([]value.Value, error) {
	var out []value.Value
	for _, t := range c.Terms {
		term, err := text(t)
		if err != nil {
			return nil, err
		}
		name, o, err := c.passwordTerm(term)
		if err != nil {
			return nil, err
		}
		v, err := c.password(name, o)
		if err != nil {
			return nil, err
		}
		out = append(out, value.Str(v))
	}
	return out, nil
}

// passwordTerm reads "path length=8 chars=digits": blanks before the first option belong to the path.
func (c *Call) passwordTerm(term string) (string, passwordOptions, error) {
	var o passwordOptions
	name := term
	inline := map[string]value.Value{}
	if i := strings.Index(term, "="); i >= 0 {
		cut := strings.LastIndexByte(term[:i], ' ')
		if cut >= 0 {
			name = term[:cut]
			args, _, err := playbook.ParseKV(term[cut+1:], false, source.Pos{})
			if err != nil {
				return "", o, errorf("%s", err)
			}
			var unknown []string
			for k, v := range args.All() {
				key, _ := value.AsString(k)
				switch key {
				case "length", "encrypt", "chars", "ident", "seed":
					inline[key] = value.Str(shownText(v))
				default:
					unknown = append(unknown, key)
				}
			}
			if len(unknown) > 0 {
				return "", o, errorf("Unrecognized parameter(s) given to password lookup: %s", strings.Join(unknown, ", "))
			}
		}
	}
	var err error
	if o.length, _, err = c.intOption("length", inline); err != nil {
		return "", o, err
	}
	if o.encrypt, err = c.textOption("encrypt", inline); err != nil {
		return "", o, err
	}
	if strings.EqualFold(o.encrypt, "true") || strings.EqualFold(o.encrypt, "false") {
		o.encrypt = ""
	}
	if o.ident, err = c.textOption("ident", inline); err != nil {
		return "", o, err
	}
	seed, err := c.option("seed", inline)
	if err != nil {
		return "", o, err
	}
	if seed != value.None {
		o.seeded = true
		if o.seed, err = text(seed); err != nil {
			return "", o, err
		}
	}
	chars, ok := inline["chars"]
	if !ok {
		chars, ok = c.given("chars")
	}
	if !ok {
		o.chars = charSets["ascii_letters"] + charSets["digits"] + ".,:-_"
		return name, o, nil
	}
	o.chars = passwordChars(chars)
	return name, o, nil
}

func passwordChars(v value.Value) string {
	var names []string
	if elems, ok := sequenceOf(v); ok {
		for _, e := range elems {
			s, _ := value.ToStr(e)
			names = append(names, s)
		}
	} else {
		s, _ := value.ToStr(v)
		if strings.Contains(s, ",,") {
			names = append(names, ",")
			s = strings.ReplaceAll(s, ",,", ",")
		}
		for _, part := range strings.Split(s, ",") {
			if part != "" {
				names = append(names, part)
			}
		}
	}
	var b strings.Builder
	for _, n := range names {
		if set, ok := charSets[n]; ok {
			b.WriteString(set)
		} else {
			b.WriteString(n)
		}
	}
	return strings.NewReplacer(`"`, "", "'", "").Replace(b.String())
}

func randomPassword(o passwordOptions) (string, error) {
	chars := []rune(o.chars)
	if len(chars) == 0 || o.length < 0 {
		return "", value.Errorf("AnsibleAssertionError", "no characters to make a password of")
	}
	var b strings.Builder
	var seeded *pyrandom.Random
	if o.seeded {
		var err error
		if seeded, err = pyrandom.New(value.Str(o.seed)); err != nil {
			return "", err
		}
	}
	for range o.length {
		if seeded != nil {
			b.WriteRune(chars[seeded.Intn(len(chars))])
			continue
		}
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(chars))))
		if err != nil {
			return "", err
		}
		b.WriteRune(chars[n.Int64()])
	}
	return b.String(), nil
}

func (c *Call) password(name string, o passwordOptions) (string, error) {
	path := filters.ExpandUser(name)
	if !filepath.IsAbs(path) {
		path = filepath.Join(c.Basedir(), path)
	}
	passwordFiles.Lock()
	defer passwordFiles.Unlock()
	keep := path != "/dev/null"
	plain, known := "", false
	if keep {
		data, err := c.read(path)
		switch {
		case err == nil:
			plain, known = strings.TrimRight(string(data), " \t\r\n"), true
		case !errors.Is(err, fs.ErrNotExist):
			return "", errorf("%s", pyOSError(err, path))
		}
	}
	changed := false
	if !known {
		var err error
		if plain, err = randomPassword(o); err != nil {
			return "", err
		}
		changed = true
	}
	plain, ident, _ := cutLast(plain, " ident=")
	plain, salt, _ := cutLast(plain, " salt=")
	if o.ident != "" {
		changed = changed || ident != o.ident
		ident = o.ident
	}
	if o.encrypt != "" && salt == "" {
		changed = true
		n := map[string]int{"bcrypt": 22, "blowfish": 22, "md5_crypt": 8, "md5": 8}[o.encrypt]
		if n == 0 {
			n = 8
		}
		var err error
		if salt, err = randomPassword(passwordOptions{length: n, chars: charSets["ascii_letters"] + charSets["digits"] + "./"}); err != nil {
			return "", err
		}
	}
	if changed && keep {
		line := plain
		if salt != "" {
			line += " salt=" + salt
			if ident != "" {
				line += " ident=" + ident
			}
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", errorf("%s", pyOSError(err, path))
		}
		if err := writePrivate(path, line+"\n"); err != nil {
			return "", errorf("%s", pyOSError(err, path))
		}
	}
	if o.encrypt == "" {
		return plain, nil
	}
	return c.HashPassword(plain, o.encrypt, salt, ident)
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// writePrivate replaces a file in one step; nobody else can read it.
func writePrivate(path, text string) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".password-*")
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(text)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
	}
	return err
}
