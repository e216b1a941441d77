package galaxy

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Build writes the archive of the collection in dir to the directory out and returns its path.
func Build(dir, out string, force bool, warn func(string)) (*Info, string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return nil, "", err
	}
	if _, err := os.Stat(filepath.Join(abs, "galaxy.yml")); err != nil {
		if _, err := os.Stat(filepath.Join(abs, "galaxy.yaml")); err != nil {
			return nil, "", fail("The collection galaxy.yml path '%s' does not exist.", filepath.Join(abs, "galaxy.yml"))
		}
	}
	in, err := ReadSource(abs, warn)
	if err != nil {
		return nil, "", err
	}
	if out, err = filepath.Abs(out); err != nil {
		return nil, "", err
	}
	if st, err := os.Stat(out); err == nil && !st.IsDir() {
		return nil, "", fail("The output collection directory '%s' is a file - aborting", out)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return nil, "", err
	}
	file := filepath.Join(out, in.FileName())
	if st, err := os.Stat(file); err == nil {
		if st.IsDir() {
			return nil, "", fail("The output collection artifact '%s' already exists, but is a directory - aborting", file)
		}
		if !force {
			return nil, "", fail("The file '%s' already exists. You can use --force to re-create the collection artifact.", file)
		}
	}
	items, err := in.collect(warn)
	if err != nil {
		return nil, "", err
	}
	return in, file, in.pack(items, file)
}

// pack writes the archive beside its place and renames it.
func (in *Info) pack(items []item, file string) (err error) {
	files, manifest, err := in.manifests(items)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(file), ".collection-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	zw := gzip.NewWriter(f)
	tw := tar.NewWriter(zw)
	now := time.Now().Truncate(time.Second)
	for _, one := range []struct {
		name string
		data []byte
	}{{"MANIFEST.json", manifest}, {"FILES.json", files}} {
		if err = tw.WriteHeader(&tar.Header{Name: one.name, Mode: 0o644, Size: int64(len(one.data)), ModTime: now, Typeflag: tar.TypeReg}); err != nil {
			return err
		}
		if _, err = tw.Write(one.data); err != nil {
			return err
		}
	}
	for _, it := range items {
		if err = addItem(tw, it); err != nil {
			return err
		}
	}
	for _, c := range []io.Closer{tw, zw} {
		if err = c.Close(); err != nil {
			return err
		}
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), file)
}

func addItem(tw *tar.Writer, it item) error {
	st, err := os.Stat(it.path)
	if err != nil {
		return err
	}
	h := &tar.Header{Name: it.name, Mode: 0o644, ModTime: st.ModTime().Truncate(time.Second), Typeflag: tar.TypeReg, Size: st.Size()}
	if st.IsDir() || st.Mode()&0o100 != 0 {
		h.Mode = 0o755
	}
	switch {
	case it.link != "":
		h.Typeflag, h.Linkname, h.Size = tar.TypeSymlink, it.link, 0
		return tw.WriteHeader(h)
	case it.dir:
		h.Typeflag, h.Name, h.Size = tar.TypeDir, it.name+"/", 0
		return tw.WriteHeader(h)
	}
	if err := tw.WriteHeader(h); err != nil {
		return err
	}
	f, err := os.Open(it.path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyN(tw, f, h.Size)
	return err
}

// openTar reads an archive as Python's tarfile does with mode "r": plain, gzip or bzip2.
func openTar(file string) (*tar.Reader, io.Closer, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, nil, err
	}
	br := bufio.NewReader(f)
	magic, _ := br.Peek(3)
	var r io.Reader = br
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		if r, err = gzip.NewReader(br); err != nil {
			_ = f.Close()
			return nil, nil, err
		}
	case string(magic) == "BZh":
		r = bzip2.NewReader(br)
	}
	return tar.NewReader(r), f, nil
}

// isTar reports whether a file is an archive.
func isTar(file string) bool {
	tr, c, err := openTar(file)
	if err != nil {
		return false
	}
	defer c.Close()
	_, err = tr.Next()
	return err == nil
}

// maxMember bounds the manifests that are read into memory.
const maxMember = 64 << 20

// members reads some files of an archive; names are relative.
func members(file string, names ...string) (map[string][]byte, error) {
	tr, c, err := openTar(file)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	out := map[string][]byte{}
	for len(out) < len(names) {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		name := path.Clean(h.Name)
		for _, want := range names {
			if name == want && h.Typeflag == tar.TypeReg {
				if out[want], err = io.ReadAll(io.LimitReader(tr, maxMember)); err != nil {
					return nil, err
				}
			}
		}
	}
	return out, nil
}

// infoOfArchive reads the manifest of a built collection.
func infoOfArchive(file string) (*Info, error) {
	if !isTar(file) {
		return nil, fail("Collection artifact at '%s' is not a valid tar file.", file)
	}
	m, err := members(file, "MANIFEST.json")
	if err != nil {
		return nil, fail("Collection artifact at '%s' is not a valid tar file.", file)
	}
	data, ok := m["MANIFEST.json"]
	if !ok {
		return nil, fail("Collection at '%s' does not contain the required file MANIFEST.json.", file)
	}
	return infoOfManifest(data, file)
}

// unpack writes a built collection to dir. What is written is what FILES.json lists, with the checksums it has; nothing
// else is taken out of the archive. dir is replaced in one step when everything was right.
func unpack(file, dir string) error {
	m, err := members(file, "MANIFEST.json", "FILES.json")
	if err != nil {
		return err
	}
	entries, err := filesOf(m["FILES.json"])
	if err != nil || m["FILES.json"] == nil {
		return fail("Collection at '%s' does not contain the required file FILES.json.", file)
	}
	want := map[string]entry{}
	for _, e := range entries {
		want[path.Clean(e.Name)] = e
	}
	var man struct {
		F struct {
			Sum string `json:"chksum_sha256"`
		} `json:"file_manifest_file"`
	}
	if err := jsonInto(m["MANIFEST.json"], &man); err != nil {
		return err
	}
	if got := sumBytes(m["FILES.json"]); got != man.F.Sum {
		return fail("Checksum mismatch for 'FILES.json' inside collection at '%s'", file)
	}
	return replace(dir, func(tmp string) error {
		for _, name := range []string{"MANIFEST.json", "FILES.json"} {
			if err := os.WriteFile(filepath.Join(tmp, name), m[name], 0o644); err != nil {
				return err
			}
		}
		return unpackListed(file, tmp, want)
	})
}

func unpackListed(file, dir string, want map[string]entry) error {
	tr, c, err := openTar(file)
	if err != nil {
		return err
	}
	defer c.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	seen := map[string]bool{}
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		name := path.Clean(h.Name)
		e, listed := want[name]
		if !listed || name == "." || seen[name] {
			continue
		}
		if !filepath.IsLocal(name) {
			return fail("Cannot extract tar entry '%s' as it will be placed outside the collection directory", h.Name)
		}
		seen[name] = true
		if e.Ftype == "dir" && h.Typeflag == tar.TypeSymlink {
			if target := path.Join(path.Dir(name), h.Linkname); path.IsAbs(h.Linkname) || !filepath.IsLocal(target) {
				return fail("Cannot extract symlink '%s' in collection: path points to location outside of collection '%s'", h.Name, h.Linkname)
			}
			if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
				return err
			}
			if err := root.Symlink(h.Linkname, name); err != nil {
				return err
			}
			continue
		}
		if e.Ftype == "dir" {
			if err := root.MkdirAll(name, 0o755); err != nil {
				return err
			}
			continue
		}
		if h.Typeflag != tar.TypeReg {
			return fail("Cannot extract tar entry '%s': it is no file", h.Name)
		}
		if err := writeMember(root, tr, name, h, e, file); err != nil {
			return err
		}
	}
	for name, e := range want {
		if e.Ftype == "file" && !seen[name] {
			return fail("Collection tar at '%s' does not contain the expected file '%s'.", file, name)
		}
	}
	return nil
}

func writeMember(root *os.Root, tr *tar.Reader, name string, h *tar.Header, e entry, file string) error {
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	mode := os.FileMode(0o644)
	if h.Mode&0o100 != 0 {
		mode = 0o755
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	got, err := copySum(f, tr)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	if s, _ := e.Sum.(string); s != got {
		return fail("Checksum mismatch for '%s' inside collection at '%s'", name, file)
	}
	return nil
}

// replace fills a new directory beside dir and puts it in dir's place; on failure dir is as it was.
func replace(dir string, fill func(tmp string) error) error {
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return err
	}
	tmp, err := os.MkdirTemp(parent, ".new-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	if err := os.Chmod(tmp, 0o755); err != nil {
		return err
	}
	if err := fill(tmp); err != nil {
		_ = os.RemoveAll(tmp)
		_ = os.Remove(parent) // when nothing else is in it
		return err
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

// unpackRole writes a role's archive to dir, without the directory that holds the role in it. Names with a part like
// "~user" or "$VAR" are left out, as Ansible does.
func unpackRole(file, dir string) error {
	base, problem := roleBase(file)
	if problem != nil {
		return problem
	}
	tr, c, err := openTar(file)
	if err != nil {
		return err
	}
	defer c.Close()
	cwd, _ := os.Getwd()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg && h.Typeflag != tar.TypeSymlink {
			continue
		}
		name, ok := strings.CutPrefix(h.Name, base)
		if base != "" && ok {
			name, ok = strings.CutPrefix(name, "/")
		}
		if !ok || name == "" {
			continue
		}
		if clean := path.Clean(name); !filepath.IsLocal(clean) || strings.HasPrefix(name, "/") {
			return fail("Invalid name for tarfile member: path %s is not a subpath of the role %s", filepath.Join(cwd, base)+"/"+name, filepath.Join(cwd, base))
		}
		name = path.Clean(name)
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		if h.Typeflag == tar.TypeSymlink {
			target := h.Linkname
			if path.IsAbs(target) {
				target = filepath.Clean(target)
			} else {
				target = path.Join(path.Dir(name), target)
			}
			if path.IsAbs(target) || !filepath.IsLocal(target) {
				shown := target
				if !path.IsAbs(shown) {
					shown = filepath.Join(cwd, base, shown)
				}
				return fail("Invalid linkname for tarfile member: path %s is not a subpath of the role %s", shown, filepath.Join(cwd, base))
			}
			if oddName(name) {
				continue
			}
			_ = root.Remove(name)
			if err := root.Symlink(h.Linkname, name); err != nil {
				return err
			}
			continue
		}
		if oddName(name) {
			continue
		}
		_ = root.Remove(name)
		mode := os.FileMode(h.Mode).Perm() &^ 0o022
		f, err := root.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, mode|0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, tr)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
		if !h.ModTime.IsZero() {
			_ = root.Chtimes(name, h.ModTime, h.ModTime)
		}
	}
}

// oddName reports whether a part of the name would be expanded by a shell.
func oddName(name string) bool {
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, "~") || strings.Contains(part, "$") {
			return true
		}
	}
	return false
}

// roleBase is the directory in an archive that holds the role: the one with meta/main.yml, the topmost when there are more.
func roleBase(file string) (string, error) {
	tr, c, err := openTar(file)
	if err != nil {
		return "", err
	}
	defer c.Close()
	found, at := false, ""
	for {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", fail("the file downloaded was not a tar.gz: %s", err)
		}
		for _, meta := range []string{"meta/main.yml", "meta/main.yaml"} {
			if dir, ok := strings.CutSuffix(h.Name, meta); ok && (dir == "" || strings.HasSuffix(dir, "/")) {
				dir = strings.TrimSuffix(dir, "/")
				if !found || len(dir) < len(at) {
					found, at = true, dir
				}
			}
		}
	}
	if !found {
		return "", fail("this role does not appear to have a meta/main.yml file.")
	}
	return at, nil
}
