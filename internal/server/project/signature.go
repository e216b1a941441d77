package project

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ProtonMail/go-crypto/openpgp"
)

// Where ansible-sign puts what it signed.
const (
	signed    = ".ansible-sign/sha256sum.txt"
	signature = signed + ".sig"
	manifest  = "MANIFEST.in"
)

// Verify makes sure that the files of a checkout are those that somebody signed whose public keys are given: the list of checksums has a good
// signature, each file in it is as it was, and there are no files beside it but those that the manifest leaves out.
func Verify(dir, keys string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	list, err := read(root, signed)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the project is not signed: it has no %s", signed)
	}
	if err != nil {
		return err
	}
	sig, err := read(root, signature)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the project is not signed: it has no %s", signature)
	}
	if err != nil {
		return err
	}
	if err := checkSignature(keys, list, sig); err != nil {
		return err
	}
	sums, err := checksums(list)
	if err != nil {
		return err
	}
	files, err := listed(root, dir)
	if err != nil {
		return err
	}
	var wrong []string
	for name := range files {
		if _, known := sums[name]; !known {
			wrong = append(wrong, name+" was added")
		}
	}
	for name, want := range sums {
		if !files[name] {
			wrong = append(wrong, name+" is missing")
			continue
		}
		sum, err := digest(root, name)
		if err != nil {
			return err
		}
		if sum != want {
			wrong = append(wrong, name+" was changed")
		}
	}
	if len(wrong) == 0 {
		return nil
	}
	slices.Sort(wrong)
	const told = 10
	if n := len(wrong) - told; n > 0 {
		wrong = append(wrong[:told], fmt.Sprintf("and %d more", n))
	}
	return fmt.Errorf("the project is not as it was signed: %s", strings.Join(wrong, ", "))
}

// maxSigned is how large the list of checksums may be.
const maxSigned = 64 << 20

func read(root *os.Root, name string) ([]byte, error) {
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSigned+1))
	if len(b) > maxSigned {
		err = fmt.Errorf("%s is larger than %d bytes", name, maxSigned)
	}
	return b, err
}

func checkSignature(keys string, list, sig []byte) error {
	ring, err := keyRing(keys)
	if err != nil {
		return fmt.Errorf("the public key of the project's credential cannot be read: %w", err)
	}
	if bytes.HasPrefix(bytes.TrimSpace(sig), []byte("-----BEGIN ")) {
		_, err = openpgp.CheckArmoredDetachedSignature(ring, bytes.NewReader(list), bytes.NewReader(sig), nil)
	} else {
		_, err = openpgp.CheckDetachedSignature(ring, bytes.NewReader(list), bytes.NewReader(sig), nil)
	}
	if err != nil {
		return fmt.Errorf("the project's signature does not hold: %w", err)
	}
	return nil
}

// keyRing reads armored keys, one block after the other.
func keyRing(keys string) (ring openpgp.EntityList, err error) {
	const begin = "-----BEGIN "
	_, rest, _ := strings.Cut(keys, begin)
	for block := range strings.SplitSeq(rest, begin) {
		more, err := openpgp.ReadArmoredKeyRing(strings.NewReader(begin + block))
		if err != nil {
			return nil, err
		}
		ring = append(ring, more...)
	}
	return ring, nil
}

var (
	gnuLine = regexp.MustCompile(`^([0-9a-f]{64}) [ *](.+)$`)
	bsdLine = regexp.MustCompile(`^SHA256 \((.+)\) = ([0-9a-f]{64})$`)
)

// checksums reads the list, in GNU's form or BSD's.
func checksums(list []byte) (map[string]string, error) {
	out := map[string]string{}
	n := 0
	lines := bufio.NewScanner(bytes.NewReader(list))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		n++
		line := strings.TrimSuffix(lines.Text(), "\r")
		if strings.TrimSpace(line) == "" {
			continue
		}
		name, sum := "", ""
		if m := bsdLine.FindStringSubmatch(line); m != nil {
			name, sum = m[1], m[2]
		} else if m := gnuLine.FindStringSubmatch(line); m != nil {
			name, sum = m[2], m[1]
		} else {
			return nil, fmt.Errorf("%s, line %d: no checksum", signed, n)
		}
		if _, twice := out[name]; twice || !filepath.IsLocal(name) {
			return nil, fmt.Errorf("%s, line %d: %q is there twice or lies outside", signed, n, name)
		}
		out[name] = sum
	}
	return out, lines.Err()
}

func digest(root *os.Root, name string) (string, error) {
	f, err := root.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// listed are the files of the checkout that must be signed: all but what the manifest leaves out. Includes of the manifest only say what was to be
// signed; nothing may come in beside it.
func listed(root *os.Root, dir string) (map[string]bool, error) {
	var all []string
	err := fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == ".git" || name == ".ansible-sign"): // no repository can bring the first, and the second is the signature
			return fs.SkipDir
		case d.Name() == ".git" || d.IsDir():
			return nil
		case d.Type()&fs.ModeSymlink != 0:
			st, err := root.Stat(name)
			if _, lost := os.Stat(filepath.Join(dir, name)); errors.Is(lost, fs.ErrNotExist) {
				return nil // it leads nowhere
			}
			if err != nil {
				return fmt.Errorf("the project's link %s leads outside of it", name)
			}
			if st.IsDir() {
				return nil
			}
		}
		all = append(all, name)
		return nil
	})
	if err != nil {
		return nil, err
	}
	rules, err := read(root, manifest)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the project is not signed: it has no %s", manifest)
	}
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, name := range all {
		out[name] = true
	}
	n := 0
	for line := range strings.Lines(string(rules)) {
		n++
		keep, match, err := rule(strings.Fields(line))
		if err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", manifest, n, err)
		}
		if match == nil {
			continue
		}
		for _, name := range all {
			if match(name) {
				if keep {
					out[name] = true
				} else {
					delete(out, name)
				}
			}
		}
	}
	out[manifest] = true
	return out, nil
}

// rule is a line of the manifest: whether it takes files in or leaves them out, and which.
func rule(words []string) (keep bool, match func(string) bool, err error) {
	if len(words) == 0 || strings.HasPrefix(words[0], "#") {
		return false, nil, nil
	}
	directives := []string{"include", "exclude", "global-include", "global-exclude", "recursive-include", "recursive-exclude", "graft", "prune"}
	if len(words) == 1 && !slices.Contains(directives, words[0]) {
		words = []string{"include", words[0]} // a file alone
	}
	what, args := words[0], words[1:]
	least := 1
	before, after := "^", "$"
	switch what {
	case "include", "exclude":
	case "global-include", "global-exclude":
		before = "" // at the end of any path
	case "recursive-include", "recursive-exclude":
		least = 2
		if len(args) > 0 {
			before, args = "^"+glob(path.Clean(args[0]))+"/.*", args[1:]
			least--
		}
	case "graft", "prune":
		after = "/.*$"
	default:
		return false, nil, fmt.Errorf("%q is no directive", what)
	}
	if len(args) < least {
		return false, nil, fmt.Errorf("%s needs more words", what)
	}
	var patterns []*regexp.Regexp
	for _, a := range args {
		if what == "graft" || what == "prune" {
			a = path.Clean(a)
		}
		re, err := regexp.Compile("(?s)" + before + glob(a) + after)
		if err != nil {
			return false, nil, fmt.Errorf("%q is no pattern", a)
		}
		patterns = append(patterns, re)
	}
	return strings.HasSuffix(what, "include") || what == "graft", func(name string) bool {
		return slices.ContainsFunc(patterns, func(re *regexp.Regexp) bool { return re.MatchString(name) })
	}, nil
}

// glob is a pattern of file names as a regular expression: no sign of it goes over a slash.
func glob(pattern string) string {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; c {
		case '*':
			b.WriteString("[^/]*")
		case '?':
			b.WriteString("[^/]")
		case '[':
			end := strings.IndexByte(pattern[min(i+2, len(pattern)):], ']') // a bracket that comes first is a sign of the set
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			set := pattern[i+1 : i+2+end]
			i += 2 + end
			if strings.HasPrefix(set, "!") {
				set = "^" + set[1:]
			} else if strings.HasPrefix(set, "^") {
				set = `\` + set
			}
			b.WriteString("[" + strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(set) + "]")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return b.String()
}
