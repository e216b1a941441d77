package galaxy

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/yamldoc"
)

// Verify compares installed collections with what a server has, or offline with their own manifests. It reports whether
// all are as they should be.
func (o *Options) Verify(ctx context.Context, reqs []Requirement) (bool, error) {
	good := true
	for _, r := range reqs {
		if r.Name == "" {
			return false, fail("'%s' type is not supported. The format namespace.name is expected.", r.Source)
		}
		ok, err := o.verify(ctx, r)
		if err != nil {
			if !o.SkipErrors {
				return false, err
			}
			o.Warn(fmt.Sprintf("Failed to verify collection '%s' but skipping due to --ignore-errors being set. Error: %s", &r, words(err)))
			continue
		}
		good = good && ok
	}
	return good, nil
}

func (o *Options) find(n Name) *Info {
	for _, p := range o.Paths {
		dir := filepath.Join(collectionsDir(p), n.dir())
		if st, err := os.Stat(dir); err == nil && st.IsDir() {
			return installedAt(dir, n, nil)
		}
	}
	return nil
}

func (o *Options) verify(ctx context.Context, r Requirement) (bool, error) {
	in := o.find(r.Name)
	if in == nil {
		return false, fail("Collection %s is not installed in any of the collection paths.", r.Name)
	}
	if !in.Installed {
		return false, fail("Collection %s does not appear to have a MANIFEST.json. A MANIFEST.json is expected if the collection has been built and installed via ansible-galaxy.", r.Name)
	}
	o.Print(fmt.Sprintf("Verifying '%s:%s'.", in.Name, in.Version))
	o.Print(fmt.Sprintf("Installed collection found at '%s'", in.Dir))
	manifest, err := os.ReadFile(filepath.Join(in.Dir, "MANIFEST.json"))
	if err != nil {
		return false, err
	}
	if !o.Keyring.Off && o.Keyring.File != "" {
		good, err := o.signed(ctx, in.Name, in.FileName(), r.Signatures, in.stored(), manifest)
		if err != nil || !good {
			return false, err
		}
	}
	want := manifest
	if !o.Offline {
		if r.Range != "*" && r.Range != "" {
			if ok, _ := r.Range.Allows(in.Version); !ok {
				o.PrintErr(fmt.Sprintf("%s has the version '%s' but is being compared to '%s'", in.Name, in.Version, r.Range))
				return false, nil
			}
		}
		if want, err = o.remoteManifest(ctx, r, in); err != nil {
			return false, err
		}
	}
	o.Print("MANIFEST.json hash: " + sumBytes(want))
	var modified []string
	if !bytes.Equal(want, manifest) {
		modified = append(modified, "MANIFEST.json")
	}
	more, err := in.changed(want)
	if err != nil {
		return false, err
	}
	modified = append(modified, more...)
	if len(modified) > 0 {
		o.PrintErr(fmt.Sprintf("Collection %s contains modified content in the following files:", in.Name))
		for _, f := range modified {
			o.PrintErr("    " + f)
		}
		return false, nil
	}
	what := "are internally consistent with its manifest"
	if !o.Offline {
		what = "match the remote collection"
	}
	o.Print(fmt.Sprintf("Successfully verified that checksums for '%s:%s' %s.", in.Name, in.Version, what))
	return true, nil
}

// remoteManifest downloads the collection and reads its manifest.
func (o *Options) remoteManifest(ctx context.Context, r Requirement, in *Info) ([]byte, error) {
	var last error
	for _, s := range o.pick(r.From) {
		rel, err := s.release(ctx, in.Name, in.Version)
		if err != nil {
			last = err
			continue
		}
		file, err := o.fetch(ctx, rel, in.FileName())
		if err != nil {
			return nil, err
		}
		m, err := members(file, "MANIFEST.json")
		if err != nil {
			return nil, err
		}
		return m["MANIFEST.json"], nil
	}
	if last != nil {
		o.Verbose(1, last.Error())
	}
	return nil, fail("Failed to find remote collection %s:%s on any of the galaxy servers", in.Name, in.Version)
}

// changed lists the files that differ from the manifest, are missing, or are not in it.
func (in *Info) changed(manifest []byte) ([]string, error) {
	var man struct {
		F struct {
			Sum string `json:"chksum_sha256"`
		} `json:"file_manifest_file"`
	}
	if err := json.Unmarshal(manifest, &man); err != nil {
		return nil, fail("MANIFEST.json of %s is not valid JSON", in.Name)
	}
	data, err := os.ReadFile(filepath.Join(in.Dir, "FILES.json"))
	if err != nil {
		return []string{"FILES.json"}, nil
	}
	var out []string
	if sumBytes(data) != man.F.Sum {
		out = append(out, "FILES.json")
	}
	entries, err := filesOf(data)
	if err != nil {
		return out, nil
	}
	listed := map[string]bool{"MANIFEST.json": true, "FILES.json": true}
	for _, e := range entries {
		name := path.Clean(e.Name)
		listed[name] = true
		if e.Ftype != "file" || !filepath.IsLocal(name) {
			continue
		}
		got, err := sum(filepath.Join(in.Dir, name))
		if want, _ := e.Sum.(string); err != nil || got != want {
			out = append(out, name)
		}
	}
	var extra []string
	err = filepath.WalkDir(in.Dir, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(in.Dir, p)
		rel = filepath.ToSlash(rel)
		if d.IsDir() && slices.Contains(skipped, d.Name()) {
			return filepath.SkipDir
		}
		if rel != "." && !listed[rel] && !strings.HasSuffix(rel, ".pyc") {
			extra = append(extra, rel)
		}
		return nil
	})
	return append(out, extra...), err
}

// Keyring says how signatures of collections are checked.
type Keyring struct {
	File       string
	Signatures []string // addresses of further detached signatures
	Required   string   // how many must be good: a number or "all"; "+" in front: at least one signature must be there
	Ignore     []string // gpg status codes that do not count as failures
	Off        bool
}

// checkSignatures asks gpg about the signatures of a collection that is to be installed.
func (o *Options) checkSignatures(ctx context.Context, c *candidate, file string) error {
	if o.Keyring.Off || o.Keyring.File == "" {
		return nil
	}
	m, err := members(file, "MANIFEST.json")
	if err != nil {
		return err
	}
	var inline []string
	if c.rel != nil {
		inline = c.rel.Sigs
	}
	good, err := o.signed(ctx, c.Name, c.String(), c.sigs, inline, m["MANIFEST.json"])
	if err == nil && !good {
		err = fail("Not installing %s because GnuPG signature verification failed.", c.Name)
	}
	return err
}

// signed reports whether a manifest has as many good signatures as are wanted: those at the given addresses, those of the
// command line, and those that a server handed out.
func (o *Options) signed(ctx context.Context, name Name, shown string, addresses, inline []string, manifest []byte) (bool, error) {
	required, strict := strings.CutPrefix(o.Keyring.Required, "+")
	var texts [][]byte
	for _, s := range append(slices.Clone(o.Keyring.Signatures), addresses...) {
		p, err := o.download(ctx, s, o.Tmp, "signature")
		if err != nil {
			return false, fail("Failed to read the signature %s: %s", s, err)
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return false, err
		}
		texts = append(texts, data)
	}
	for _, s := range inline {
		texts = append(texts, []byte(s))
	}
	if len(texts) == 0 {
		if strict {
			o.Print(fmt.Sprintf("Signature verification failed for '%s': no successful signatures", name))
			return false, nil
		}
		o.Warn(fmt.Sprintf("The GnuPG keyring used for collection signature verification was configured but no signatures were provided by the Galaxy server. Skipping signature verification for %s.", shown))
		return true, nil
	}
	file := filepath.Join(o.Tmp, "MANIFEST.json")
	if err := os.WriteFile(file, manifest, 0o600); err != nil {
		return false, err
	}
	good := 0
	for i, text := range texts {
		sig := filepath.Join(o.Tmp, "signature"+strconv.Itoa(i)+".asc")
		if err := os.WriteFile(sig, text, 0o600); err != nil {
			return false, err
		}
		bad, err := o.gpg(ctx, sig, file)
		if err != nil {
			return false, err
		}
		if bad == "" {
			good++
			continue
		}
		o.Verbose(1, fmt.Sprintf("Signature %d of %s: %s", i+1, shown, bad))
	}
	enough := good == len(texts)
	if required != "all" {
		n, err := strconv.Atoi(required)
		if err != nil {
			return false, fail("%s is not a valid signature verification count", o.Keyring.Required)
		}
		enough = good >= n
	}
	if !enough {
		o.Print(fmt.Sprintf("Signature verification failed for '%s': fewer successful signatures than required", name))
	}
	return enough, nil
}

// stored are the signatures that were kept when a collection was installed.
func (in *Info) stored() []string {
	file := filepath.Join(filepath.Dir(filepath.Dir(in.Dir)), string(in.Name)+"-"+in.Version+".info", "GALAXY.yml")
	data, err := os.ReadFile(file)
	if err != nil {
		return nil
	}
	root, err := yamldoc.LoadYAML(data, yamldoc.Options{File: file, Data: true})
	if err != nil {
		return nil
	}
	var out []string
	if list := root.Get("signatures"); list != nil {
		for _, one := range list.Items {
			if sig := one.Get("signature"); sig != nil {
				out = append(out, sig.Text)
			}
		}
	}
	return out
}

// gpg checks one signature; it returns the status code of a failure that is not ignored.
func (o *Options) gpg(ctx context.Context, sig, file string) (string, error) {
	tool, err := exec.LookPath("gpg")
	if err != nil {
		return "", fail("Could not find/use gpg: it is needed to verify signatures")
	}
	c := exec.CommandContext(ctx, tool, "--verify", "--batch", "--no-tty", "--no-default-keyring", "--keyring", o.Keyring.File, "--status-fd=1", sig, file)
	var out bytes.Buffer
	c.Stdout = &out
	_ = c.Run()
	valid := false
	for line := range strings.Lines(out.String()) {
		word, ok := strings.CutPrefix(line, "[GNUPG:] ")
		if !ok {
			continue
		}
		f := strings.Fields(word)
		if len(f) == 0 {
			continue
		}
		if f[0] == "VALIDSIG" || f[0] == "GOODSIG" {
			valid = true
		}
		if slices.Contains(SignatureCodes, f[0]) && !slices.Contains(o.Keyring.Ignore, f[0]) {
			return f[0], nil
		}
	}
	if !valid && len(o.Keyring.Ignore) == 0 {
		return "NODATA", nil
	}
	return "", nil
}

// SignatureCodes are gpg's status codes of signatures that are not good, which may be ignored.
var SignatureCodes = []string{"EXPSIG", "EXPKEYSIG", "REVKEYSIG", "BADSIG", "ERRSIG", "NO_PUBKEY", "MISSING_PASSPHRASE", "BAD_PASSPHRASE", "NODATA", "UNEXPECTED", "ERROR", "FAILURE", "BADARMOR", "KEYEXPIRED", "KEYREVOKED", "NO_SECKEY"}
