package project

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"compress/bzip2"
	"compress/gzip"
	"context"
	"crypto/sha1" //nolint:gosec // AWX names revisions so; nothing is trusted because of it
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// Limits of an archive: what is larger is no project.
const (
	maxArchive  = 1 << 30 // packed
	maxUnpacked = 4 << 30
	maxFiles    = 200_000
)

// archives is the client that fetches archives; a redirect must not lead from https to something else.
var archives = &http.Client{Timeout: 30 * time.Minute, CheckRedirect: func(req *http.Request, via []*http.Request) error {
	if len(via) > 10 {
		return errors.New("it redirects too often")
	}
	if via[0].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return errors.New("it redirects from https to " + req.URL.Scheme)
	}
	return nil
}}

// fetchArchive downloads an archive, unpacks it and returns its revision, the digest of its bytes. The caller has the lock.
func (s *Store) fetchArchive(ctx context.Context, src Source, cache string) (revision string, err error) {
	u, err := url.Parse(src.URL)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return "", fmt.Errorf("%q is no address of an archive: it must be http or https", src.URL)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, src.URL, nil)
	if err != nil {
		return "", err
	}
	if src.Username != "" {
		req.SetBasicAuth(src.Username, src.Password)
	}
	res, err := archives.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s", u.Redacted(), res.Status)
	}
	trees := filepath.Join(cache, "troupe-trees")
	if err := os.MkdirAll(trees, 0o700); err != nil {
		return "", err
	}
	if err := prune(trees); err != nil {
		return "", err
	}
	making, err := os.MkdirTemp(trees, ".making-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(making)
	file, err := os.Create(filepath.Join(making, "archive"))
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha1.New() //nolint:gosec // as above
	n, err := io.Copy(io.MultiWriter(file, sum), io.LimitReader(res.Body, maxArchive+1))
	if err != nil {
		return "", err
	}
	if n > maxArchive {
		return "", fmt.Errorf("the archive is larger than %d bytes", maxArchive)
	}
	revision = hex.EncodeToString(sum.Sum(nil))
	tree := filepath.Join(trees, revision)
	now := time.Now()
	if os.Chtimes(tree, now, now) == nil {
		return revision, nil
	}
	files := filepath.Join(making, "files")
	if err := unpack(file, n, files); err != nil {
		return "", fmt.Errorf("unpacking the archive: %w", err)
	}
	// Most archives have one directory, with the name and version, that has all the rest.
	if entries, err := os.ReadDir(files); err == nil && len(entries) == 1 && entries[0].IsDir() {
		files = filepath.Join(files, entries[0].Name())
	}
	return revision, os.Rename(files, tree)
}

// unpack makes the files of an archive appear in a new directory, none of them outside.
func unpack(file *os.File, size int64, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	u := &unpacker{root: root}
	var magic [4]byte
	if _, err := file.ReadAt(magic[:], 0); err != nil {
		return errors.New("it is too short")
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	var r io.Reader = bufio.NewReader(file)
	switch {
	case string(magic[:2]) == "PK":
		return u.zip(file, size)
	case magic[0] == 0x1f && magic[1] == 0x8b:
		if r, err = gzip.NewReader(r); err != nil {
			return err
		}
	case string(magic[:3]) == "BZh":
		r = bzip2.NewReader(r)
	}
	return u.tar(r)
}

// unpacker counts what it has made.
type unpacker struct {
	root  *os.Root
	files int
	bytes int64
}

// place is where a member goes, "" for the archive's own directory.
func (u *unpacker) place(name string) (string, error) {
	if u.files++; u.files > maxFiles {
		return "", fmt.Errorf("it has more than %d files", maxFiles)
	}
	clean := path.Clean(strings.ReplaceAll(name, `\`, "/"))
	if clean == "." {
		return "", nil
	}
	if !filepath.IsLocal(clean) {
		return "", fmt.Errorf("%q would lie outside", name)
	}
	return clean, nil
}

func (u *unpacker) file(name string, mode fs.FileMode, r io.Reader) error {
	if err := u.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := u.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600|mode&0o100)
	if err != nil {
		return err
	}
	n, err := io.Copy(f, io.LimitReader(r, maxUnpacked-u.bytes+1))
	if u.bytes += n; u.bytes > maxUnpacked {
		err = fmt.Errorf("it has more than %d bytes", int64(maxUnpacked))
	}
	return errors.Join(err, f.Close())
}

func (u *unpacker) link(name, target string) error {
	if path.IsAbs(target) || !filepath.IsLocal(path.Join(path.Dir(name), target)) {
		return fmt.Errorf("the link %q leads outside, to %q", name, target)
	}
	if err := u.root.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	return u.root.Symlink(target, name)
}

func (u *unpacker) tar(r io.Reader) error {
	t := tar.NewReader(r)
	for {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := u.place(h.Name)
		if err != nil {
			return err
		}
		switch {
		case h.Typeflag == tar.TypeXGlobalHeader || name == "":
		case h.Typeflag == tar.TypeDir:
			err = u.root.MkdirAll(name, 0o700)
		case h.Typeflag == tar.TypeReg:
			err = u.file(name, h.FileInfo().Mode(), t)
		case h.Typeflag == tar.TypeSymlink:
			err = u.link(name, h.Linkname)
		default:
			err = fmt.Errorf("%q is neither file nor directory nor symbolic link", h.Name)
		}
		if err != nil {
			return err
		}
	}
}

func (u *unpacker) zip(file io.ReaderAt, size int64) error {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return err
	}
	for _, f := range z.File {
		if err := u.zipped(f); err != nil {
			return err
		}
	}
	return nil
}

func (u *unpacker) zipped(f *zip.File) error {
	name, err := u.place(f.Name)
	if err != nil || name == "" {
		return err
	}
	if f.Mode().IsDir() {
		return u.root.MkdirAll(name, 0o700)
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if f.Mode()&fs.ModeSymlink != 0 {
		target, err := io.ReadAll(io.LimitReader(r, 4096))
		if err != nil {
			return err
		}
		return u.link(name, string(target))
	}
	if !f.Mode().IsRegular() {
		return fmt.Errorf("%q is neither file nor directory nor symbolic link", f.Name)
	}
	return u.file(name, f.Mode(), r)
}
