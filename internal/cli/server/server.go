// Package server is the command `troupe server`: it becomes the server, which is a program of its own (cmd/troupe-server). The
// databases and the bus that a server needs cost every start of every other command more than a millisecond as long as they were
// linked into it; so they lie compressed inside this program, and are unpacked once.
//
// Called by internal/cli.
package server

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"syscall"

	"github.com/troupe-automation/troupe/internal/cli/launch"
)

// embedded holds the server of a release build.
//
//go:embed image
var embedded embed.FS

const half = "troupe-server"

// Main runs the command.
func Main(_ context.Context, env *launch.Env, prog string, args []string) (int, error) {
	file, err := find(env.Self[0])
	if err != nil {
		return 1, err
	}
	return 1, syscall.Exec(file, append([]string{prog, env.Self[0], launch.Version}, args...), os.Environ())
}

// find is the server's file: the one beside this program, as `make dev` leaves it, or the embedded one, unpacked.
func find(program string) (string, error) {
	if real, err := filepath.EvalSymlinks(program); err == nil {
		beside := filepath.Join(filepath.Dir(real), half)
		if st, err := os.Stat(beside); err == nil && st.Mode().IsRegular() {
			return beside, nil
		}
	}
	packed, err := embedded.ReadFile("image/" + half + ".gz")
	if errors.Is(err, os.ErrNotExist) {
		return "", errors.New("this build of troupe has no server inside, and no " + half + " beside it: `make build` makes one that has, `make dev` puts one beside")
	}
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = "/var/cache" // a service without a home
	}
	return unpack(packed, filepath.Join(cache, "troupe"))
}

// unpack makes the file, under a name made of its content, in a directory that only this user can write.
func unpack(packed []byte, dir string) (string, error) {
	sum := sha256.Sum256(packed)
	path := filepath.Join(dir, "server-"+hex.EncodeToString(sum[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	st, err := os.Stat(dir)
	if err != nil {
		return "", err
	}
	if owner, known := st.Sys().(*syscall.Stat_t); known && (owner.Uid != uint32(os.Geteuid()) || st.Mode().Perm()&0o022 != 0) { //nolint:gosec // user ids are not negative
		return "", fmt.Errorf("%s can be written by others: the server is not unpacked there", dir)
	}
	if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() {
		return path, nil
	}
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return "", err
	}
	f, err := os.CreateTemp(dir, "unpacking-*")
	if err != nil {
		return "", err
	}
	defer os.Remove(f.Name())
	if _, err := io.Copy(f, r); err != nil { //nolint:gosec // our own image
		f.Close()
		return "", err
	}
	if err := errors.Join(f.Chmod(0o700), f.Close()); err != nil {
		return "", err
	}
	return path, os.Rename(f.Name(), path)
}
