package ssh

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// knownKey is one line of a known_hosts file. Lines that OpenSSH would skip are skipped.
type knownKey struct {
	names  []string // patterns, or one hashed name
	marker string   // "", "revoked" or "cert-authority"
	key    ssh.PublicKey
	file   string
	line   int
}

type knownFile struct {
	stamp time.Time
	size  int64
	keys  []knownKey
	exact map[string][]int // plain names to indices of keys
	other []int            // indices of keys with patterns or hashes
}

var knownFiles = struct {
	sync.Mutex
	files map[string]*knownFile
}{files: map[string]*knownFile{}}

// readKnown reads a known_hosts file, once for all hosts while it does not change.
func readKnown(file string) *knownFile {
	st, err := os.Stat(file)
	if err != nil {
		return &knownFile{}
	}
	knownFiles.Lock()
	defer knownFiles.Unlock()
	if k := knownFiles.files[file]; k != nil && k.stamp.Equal(st.ModTime()) && k.size == st.Size() {
		return k
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return &knownFile{}
	}
	k := &knownFile{stamp: st.ModTime(), size: st.Size(), exact: map[string][]int{}}
	scan := bufio.NewScanner(bytes.NewReader(data))
	scan.Buffer(nil, 1<<20)
	for n := 1; scan.Scan(); n++ {
		words := strings.Fields(scan.Text())
		entry := knownKey{file: file, line: n}
		if len(words) > 0 && words[0][0] == '@' {
			entry.marker, words = words[0][1:], words[1:]
		}
		if len(words) < 3 || words[0][0] == '#' {
			continue
		}
		blob, err := base64.StdEncoding.DecodeString(words[2])
		if err != nil {
			continue
		}
		if entry.key, err = ssh.ParsePublicKey(blob); err != nil {
			continue
		}
		entry.names = strings.Split(words[0], ",")
		plain := true
		for _, name := range entry.names {
			if name == "" || strings.ContainsAny(name, "*?!|") {
				plain = false
			}
		}
		i := len(k.keys)
		k.keys = append(k.keys, entry)
		if plain {
			for _, name := range entry.names {
				name = strings.ToLower(name)
				k.exact[name] = append(k.exact[name], i)
			}
		} else {
			k.other = append(k.other, i)
		}
	}
	knownFiles.files[file] = k
	return k
}

// find returns the keys listed for a name.
func (k *knownFile) find(name string) []knownKey {
	var found []knownKey
	for _, i := range k.exact[name] {
		found = append(found, k.keys[i])
	}
	for _, i := range k.other {
		names := k.keys[i].names
		if len(names) == 1 && strings.HasPrefix(names[0], "|1|") {
			if hashedMatch(names[0], name) {
				found = append(found, k.keys[i])
			}
		} else if matchList(names, name) {
			found = append(found, k.keys[i])
		}
	}
	return found
}

func hashedMatch(hashed, name string) bool {
	parts := strings.Split(hashed, "|")
	if len(parts) != 4 {
		return false
	}
	salt, err1 := base64.StdEncoding.DecodeString(parts[2])
	want, err2 := base64.StdEncoding.DecodeString(parts[3])
	if err1 != nil || err2 != nil {
		return false
	}
	return hmac.Equal(hashName(salt, name), want)
}

func hashName(salt []byte, name string) []byte {
	m := hmac.New(sha1.New, salt)
	m.Write([]byte(name))
	return m.Sum(nil)
}

// hostKeys judges a server's host key by OpenSSH's rules.
type hostKeys struct {
	e     *endpoint
	name  string // in known_hosts
	user  []string
	known []knownKey
}

func newHostKeys(e *endpoint) *hostKeys {
	h := &hostKeys{e: e, name: e.knownAs()}
	files := func(key, def string) []string {
		text := def
		if v := e.set.get(key); v != "" {
			text = v
		}
		var list []string
		for _, f := range strings.Fields(text) {
			if f = e.view.expandHome(e.view.expand(f)); f != "none" {
				list = append(list, f)
			}
		}
		return list
	}
	h.user = files("userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2")
	for _, f := range append(slices.Clone(h.user), files("globalknownhostsfile", "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2")...) {
		h.known = append(h.known, readKnown(f).find(h.name)...)
	}
	return h
}

// defaultHostKeys are the algorithms in our order of preference.
var defaultHostKeys = []string{
	ssh.CertAlgoED25519v01, ssh.CertAlgoECDSA256v01, ssh.CertAlgoECDSA384v01, ssh.CertAlgoECDSA521v01, ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01,
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256,
}

// algorithms returns the host key algorithms to offer: those of known keys first, so that the server shows a key we know.
func (h *hostKeys) algorithms() []string {
	first := map[string]bool{}
	for _, k := range h.known {
		switch {
		case k.marker == "cert-authority":
			for _, a := range defaultHostKeys[:6] {
				first[a] = true
			}
		case k.marker == "revoked":
		case k.key.Type() == ssh.KeyAlgoRSA:
			first[ssh.KeyAlgoRSASHA512], first[ssh.KeyAlgoRSASHA256] = true, true
		default:
			first[k.key.Type()] = true
		}
	}
	list := h.e.list("hostkeyalgorithms", defaultHostKeys)
	if len(first) == 0 {
		return list[:len(list):len(list)]
	}
	var known, rest []string
	for _, a := range list {
		if first[a] {
			known = append(known, a)
		} else {
			rest = append(rest, a)
		}
	}
	return append(known, rest...)
}

// check implements ssh.HostKeyCallback.
func (h *hostKeys) check(remote string, key ssh.PublicKey) error {
	mode := strings.ToLower(h.e.set.get("stricthostkeychecking"))
	if cert, ok := key.(*ssh.Certificate); ok {
		checker := ssh.CertChecker{IsHostAuthority: func(auth ssh.PublicKey, _ string) bool {
			return slices.ContainsFunc(h.known, func(k knownKey) bool {
				return k.marker == "cert-authority" && bytes.Equal(k.key.Marshal(), auth.Marshal())
			})
		}}
		host := h.e.host
		if cert.CertType == ssh.HostCert && checker.IsHostAuthority(cert.SignatureKey, remote) {
			if err := checker.CheckCert(host, cert); err == nil {
				return nil
			}
		}
		key = cert.Key
	}
	var listed []knownKey
	for _, k := range h.known {
		same := bytes.Equal(k.key.Marshal(), key.Marshal())
		if k.marker == "revoked" && same {
			return &hostKeyError{text: fmt.Sprintf("Host key for %s was revoked.\r\nHost key verification failed.", h.e.host)}
		}
		if k.marker != "" {
			continue
		}
		if same {
			return nil
		}
		listed = append(listed, k)
	}
	i := slices.IndexFunc(listed, func(k knownKey) bool { return k.key.Type() == key.Type() })
	if i >= 0 {
		if mode == "no" || mode == "off" {
			return nil
		}
		return changedKey(h, key, listed[i])
	}
	switch mode {
	case "no", "off", "accept-new":
		if len(listed) > 0 && mode == "accept-new" {
			return changedKey(h, key, listed[0])
		}
		h.remember(key)
		return nil
	case "yes":
		return &hostKeyError{text: fmt.Sprintf("No %s host key is known for %s and you have requested strict checking.\r\nHost key verification failed.", shortType(key), h.name),
			hints: unknownHints(h, key)}
	}
	return &hostKeyError{text: "Host key verification failed.", hints: unknownHints(h, key)}
}

func unknownHints(h *hostKeys, key ssh.PublicKey) []string {
	return []string{
		fmt.Sprintf("the host key of %s is not in known_hosts: %s %s", h.name, shortType(key), ssh.FingerprintSHA256(key)),
		fmt.Sprintf("check the fingerprint and add the key with: ssh-keyscan -p %s %s >> ~/.ssh/known_hosts", h.e.port, h.e.host),
	}
}

// hostKeyError is a refused host key; its text is what OpenSSH prints.
type hostKeyError struct {
	text  string
	hints []string
}

func (e *hostKeyError) Error() string { return e.text }

func changedKey(h *hostKeys, key ssh.PublicKey, old knownKey) error {
	bar := strings.Repeat("@", 59)
	user := "~/.ssh/known_hosts"
	if len(h.user) > 0 {
		user = h.user[0]
	}
	return &hostKeyError{
		text: strings.Join([]string{
			bar, "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @", bar,
			"IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!",
			"Someone could be eavesdropping on you right now (man-in-the-middle attack)!",
			"It is also possible that a host key has just been changed.",
			"The fingerprint for the " + shortType(key) + " key sent by the remote host is\n" + ssh.FingerprintSHA256(key) + ".",
			"Please contact your system administrator.",
			"Add correct host key in " + user + " to get rid of this message.",
			fmt.Sprintf("Offending %s key in %s:%d", shortType(old.key), old.file, old.line),
			fmt.Sprintf("Host key for %s has changed and you have requested strict checking.", h.name),
			"Host key verification failed.",
		}, "\r\n"),
		hints: []string{fmt.Sprintf("if the host was reinstalled, forget its old key with: ssh-keygen -f %s -R %q", user, h.name)},
	}
}

// shortType is OpenSSH's short name of a key type.
func shortType(key ssh.PublicKey) string {
	switch t := key.Type(); {
	case strings.Contains(t, "ed25519"):
		return "ED25519"
	case strings.Contains(t, "ecdsa"):
		return "ECDSA"
	default:
		return "RSA"
	}
}

var remembering sync.Mutex

// remember appends a new key to the user's file. That it cannot is no reason not to connect, as with OpenSSH.
func (h *hostKeys) remember(key ssh.PublicKey) {
	if len(h.user) == 0 || h.user[0] == "/dev/null" {
		return
	}
	name := h.name
	if h.e.set.is("hashknownhosts", false) {
		salt := make([]byte, sha1.Size)
		rand.Read(salt)
		name = "|1|" + base64.StdEncoding.EncodeToString(salt) + "|" + base64.StdEncoding.EncodeToString(hashName(salt, name))
	}
	remembering.Lock()
	defer remembering.Unlock()
	os.MkdirAll(filepath.Dir(h.user[0]), 0o700)
	f, err := os.OpenFile(h.user[0], os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return
	}
	defer f.Close()
	line := name + " " + key.Type() + " " + base64.StdEncoding.EncodeToString(key.Marshal()) + "\n"
	if st, err := f.Stat(); err == nil && st.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, st.Size()-1); err == nil && last[0] != '\n' {
			line = "\n" + line
		}
	}
	f.WriteString(line)
}
