package session

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"strings"
	"sync"
)

// embedded holds the agents of a release build.
//
//go:embed agents
var embedded embed.FS

// images are the agents this program can send. Hosts keep them under a name made of their content's hash.
type images struct {
	name   string                    // "agent-" and a hash over all of them
	args   []string                  // arguments that make the program the agent
	file   string                    // the program itself, when it is the agent; else ""
	store  *store                    // else where they are,
	suffix string                    // as GOOS-GOARCH, suffix, ".gz"
	more   map[string]func() *images // further images, by name, whose hash is made when one is used; empty when this one has all modules
}

// store is a set of agents: files named GOOS-GOARCH.gz, and GOOS-GOARCH-NAME.gz of further images.
type store struct {
	files fs.FS
	kept  sync.Map // name → []byte, so that all hosts share one copy
}

// build is what the program was built with.
var build = sync.OnceValue(func() *images { return newImages(embedded, "agents") })

// newImages returns the agents in a directory, or nil when there are none.
func newImages(files fs.FS, dir string) *images {
	files, err := fs.Sub(files, dir)
	if err != nil {
		return nil
	}
	s := &store{files: files}
	names, err := fs.Glob(files, "*.gz")
	if err != nil {
		return nil
	}
	byImage := map[string][]string{} // "" is the first
	for _, n := range names {
		words := strings.SplitN(strings.TrimSuffix(n, ".gz"), "-", 3)
		image := strings.Join(words[min(2, len(words)):], "")
		byImage[image] = append(byImage[image], n)
	}
	first := s.images("", byImage[""])
	if first == nil {
		return nil
	}
	delete(byImage, "")
	first.more = map[string]func() *images{}
	for image, names := range byImage {
		first.more[image] = sync.OnceValue(func() *images { return s.images("-"+image, names) })
	}
	return first
}

// images are the agents in some files; nil when there are none, or one cannot be read.
func (s *store) images(suffix string, names []string) *images {
	if len(names) == 0 {
		return nil
	}
	sum := sha256.New()
	for _, n := range names {
		data, err := s.read(n)
		if err != nil {
			return nil
		}
		sum.Write(data)
	}
	return &images{name: "agent-" + hex.EncodeToString(sum.Sum(nil))[:16], store: s, suffix: suffix}
}

func (s *store) read(name string) ([]byte, error) {
	if data, ok := s.kept.Load(name); ok {
		return data.([]byte), nil
	}
	data, err := fs.ReadFile(s.files, name)
	if err != nil {
		return nil, err
	}
	kept, _ := s.kept.LoadOrStore(name, data)
	return kept.([]byte), nil
}

var selfHashes sync.Map // file → "agent-…"

// selfImages is the program itself as the agent. Its hash is that of the file, computed once per file.
func selfImages(self []string) (*images, error) {
	if len(self) == 0 {
		return nil, fmt.Errorf("this build has no agents, and the program does not say how it becomes one")
	}
	if name, ok := selfHashes.Load(self[0]); ok {
		return &images{name: name.(string), args: self[1:], file: self[0]}, nil
	}
	f, err := os.Open(self[0])
	if err != nil {
		return nil, err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return nil, err
	}
	name := "agent-" + hex.EncodeToString(sum.Sum(nil))[:16]
	selfHashes.Store(self[0], name)
	return &images{name: name, args: self[1:], file: self[0]}, nil
}

// choose returns the agents to use: the program itself on this machine, else the embedded ones, else the program itself.
func choose(here bool, cfg Config) (*images, error) {
	if cfg.Agents != nil {
		if i := newImages(cfg.Agents, "."); i != nil {
			return i, nil
		}
	} else if e := build(); e != nil && !cfg.PreferSelf && (!here || len(cfg.Self) == 0) {
		return e, nil
	}
	return selfImages(cfg.Self)
}

// machines are what uname -sm prints for the platforms Go names.
var machines = map[string]string{
	"Linux x86_64": "linux-amd64", "Linux amd64": "linux-amd64",
	"Linux aarch64": "linux-arm64", "Linux arm64": "linux-arm64",
	"Darwin arm64": "darwin-arm64", "Darwin x86_64": "darwin-amd64", "FreeBSD amd64": "freebsd-amd64",
}

// load returns the agent for a machine, compressed or not, and its plain size.
func (i *images) load(machine string, compressed bool) (data []byte, size int, err error) {
	platform, ok := machines[machine]
	if !ok {
		return nil, 0, fmt.Errorf("there is no agent for %s", machine)
	}
	if i.file != "" {
		if platform != runtime.GOOS+"-"+runtime.GOARCH {
			return nil, 0, fmt.Errorf("this build has no agent for %s", platform)
		}
		plain, err := os.ReadFile(i.file)
		if err != nil || !compressed {
			return plain, len(plain), err
		}
		return squeeze(i.name, plain), len(plain), nil
	}
	data, err = i.store.read(platform + i.suffix + ".gz")
	if err != nil {
		return nil, 0, fmt.Errorf("this build has no agent for %s", platform)
	}
	size = plainSize(data)
	if compressed {
		return data, size, nil
	}
	zr, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, 0, err
	}
	data, err = io.ReadAll(zr)
	return data, len(data), err
}

// plainSize reads the size of the uncompressed data from a gzip trailer.
func plainSize(gz []byte) int {
	t := gz[len(gz)-4:]
	return int(t[0]) | int(t[1])<<8 | int(t[2])<<16 | int(t[3])<<24
}

var squeezed struct {
	sync.Mutex
	name string
	data []byte
}

// squeeze compresses the program once for all hosts.
func squeeze(name string, plain []byte) []byte {
	squeezed.Lock()
	defer squeezed.Unlock()
	if squeezed.name != name {
		var b bytes.Buffer
		zw, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		zw.Write(plain)
		zw.Close()
		squeezed.name, squeezed.data = name, b.Bytes()
	}
	return squeezed.data
}
