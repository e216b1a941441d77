// Package server is `troupe server`: it opens the database, makes what a first start needs, and runs the API and the dispatcher
// until it is told to stop. What its parts do stands in the packages below it.
//
// Started by internal/cli/server.
package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/server/api"
	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/bus"
	"github.com/troupe-automation/troupe/internal/server/dispatch"
	"github.com/troupe-automation/troupe/internal/server/live"
	"github.com/troupe-automation/troupe/internal/server/notify"
	"github.com/troupe-automation/troupe/internal/server/project"
	"github.com/troupe-automation/troupe/internal/server/runner"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
	"github.com/troupe-automation/troupe/internal/server/store/postgres"
	"github.com/troupe-automation/troupe/internal/server/store/sqlite"
	"github.com/troupe-automation/troupe/internal/server/stream"
)

// Config is what an administrator may choose.
type Config struct {
	Dir    string // data directory
	Listen string // host:port
	// TLSCert and TLSKey are files; without them the server makes a certificate where others than this machine can come, unless Plain.
	TLSCert, TLSKey string
	Plain           bool
	Database        string // "" for SQLite in Dir, or postgres://…
	// NATS are the addresses of an own NATS that several servers share; "" runs one in this process. NATSCredentials is a file with a key for it.
	NATS, NATSCredentials string
	Node                  string // name of this instance, the host's name when empty
	// Admin and Password are the first user's, made when there is none. An empty password is made up and told.
	Admin, Password string
	Self            []string // this program
	// Isolation says how runs are kept apart from the server, RunAs the user that they all are; "" for the most that is possible.
	Isolation, RunAs string
	// Limits are what each run may take of this machine.
	Limits runner.Limits
	// Engine is the program that makes containers for runs that ask for an image: "" for podman or docker, where one works, "none" for no containers.
	Engine string
	// NeedEngine lets runs fail that ask for an image where there is no engine.
	NeedEngine bool
	Version    string
	Log        *slog.Logger
	Out        io.Writer // what a person wants to read: the address, a password that was made up
}

// OpenStore opens the database of a configuration.
func OpenStore(c Config) (*store.DB, error) {
	if strings.HasPrefix(c.Database, "postgres://") || strings.HasPrefix(c.Database, "postgresql://") {
		return postgres.Open(c.Database)
	}
	if c.Database != "" {
		return nil, fmt.Errorf("--database %s: only postgres:// addresses are known; without the flag the database is a file in the data directory", c.Database)
	}
	return sqlite.Open(filepath.Join(c.Dir, "troupe.db"))
}

// Run serves until ctx is done.
func Run(ctx context.Context, c Config) (err error) {
	if c.Node == "" {
		if c.Node, err = os.Hostname(); err != nil {
			return err
		}
	}
	for _, dir := range []string{c.Dir, filepath.Join(c.Dir, "projects"), filepath.Join(c.Dir, "runs")} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
	}
	holder, unlock, err := own(c.Dir)
	if err != nil {
		return err
	}
	defer unlock()
	box, err := secret.Open(filepath.Join(c.Dir, "secret.keys"))
	if err != nil {
		return err
	}
	db, err := OpenStore(c)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := db.Migrate(ctx); err != nil {
		return fmt.Errorf("bringing the database up to date: %w", err)
	}
	if err := errors.Join(clean(filepath.Join(c.Dir, "runs")), runner.Sweep(short(holder))); err != nil {
		return err
	}
	install, password, err := seed(ctx, db, box, c)
	if err != nil {
		return fmt.Errorf("filling the database: %w", err)
	}
	cage, note, err := runner.NewCage(ctx, runner.Setting{Isolation: runner.Isolation(c.Isolation), RunAs: c.RunAs, Hidden: c.Dir})
	if err != nil {
		return err
	}
	if note != "" {
		c.Log.Warn(note)
	}
	groups, note := runner.NewGroups(c.Limits, short(holder), c.Log)
	if note != "" {
		c.Log.Warn(note)
	}
	engine, note, err := runner.FindEngine(ctx, c.Engine, short(holder), c.Limits)
	if err != nil {
		return err
	}
	if note != "" {
		c.Log.Debug("no container engine", "why", note)
	}
	lines, err := bus.Open(ctx, bus.Config{URLs: c.NATS, Credentials: c.NATSCredentials, Dir: filepath.Join(c.Dir, "bus"), Log: c.Log})
	if err != nil {
		return err
	}
	defer lines.Close()
	hub, err := live.NewHub(lines, c.Node, c.Log)
	if err != nil {
		return err
	}
	defer hub.Close()
	sender := notify.NewSender(db, box, c.Node, c.Log)
	d := dispatch.New(dispatch.Config{DB: db, Bus: lines, Box: box, Holder: holder, Projects: project.New(filepath.Join(c.Dir, "projects")), Node: c.Node, Self: c.Self, Cage: cage, Groups: groups, Owner: short(holder), Engine: engine, NeedEngine: c.NeedEngine, Dir: filepath.Join(c.Dir, "runs"), Log: c.Log, Live: hub,
		Notifications: sender})
	who := auth.New(db)
	ending := make(chan struct{})
	watching := &stream.Server{DB: db, Auth: who, Hub: hub, Log: c.Log, Stop: ending}
	rest := api.New(api.Config{DB: db, Box: box, Auth: who, Dispatcher: d, Notifications: sender, Node: c.Node, InstallID: install, Release: c.Version, Log: c.Log, Projects: filepath.Join(c.Dir, "projects")})
	listener, scheme, note, err := listen(c)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: &root{rest: rest, stream: watching}, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug)}
	fmt.Fprintf(c.Out, "Troupe listens at %s://%s/\n", scheme, listener.Addr())
	if note != "" {
		fmt.Fprintln(c.Out, note)
	}
	if password != "" {
		fmt.Fprintf(c.Out, "user %s, password %s\n", c.Admin, password)
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var parts sync.WaitGroup
	failed := make(chan error, 3)
	parts.Go(func() { failed <- d.Run(ctx) })
	parts.Go(func() { failed <- sender.Run(ctx) })
	parts.Go(func() {
		err := srv.Serve(listener)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		failed <- err
	})
	systemd("READY=1")
	select {
	case <-ctx.Done():
	case err = <-failed:
		stop()
	}
	systemd("STOPPING=1")
	close(ending)
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
	defer cancel()
	if down := srv.Shutdown(last); down != nil {
		srv.Close()
	}
	parts.Wait()
	watching.Wait()
	return err
}

// own takes a data directory for this process alone and returns the name of its installation, which it keeps.
func own(dir string) (name string, unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(dir, "installation"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // descriptors are small
		return "", nil, errors.Join(fmt.Errorf("another server uses %s: give this one a directory of its own with --data", dir), f.Close())
	}
	b, err := io.ReadAll(f)
	if err == nil && len(b) == 0 {
		made, _ := auth.Token(16)
		b = []byte(made)
		_, err = f.Write(b)
	}
	if err != nil {
		return "", nil, errors.Join(err, f.Close())
	}
	return string(b), func() { f.Close() }, nil
}

// short is a name of an installation that may stand in names of directories.
func short(holder string) string { return auth.Digest(holder)[:12] }

// clean removes the private directories that a killed server left behind.
func clean(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// systemd hears how the service is, where it asked to be told.
func systemd(state string) {
	address := os.Getenv("NOTIFY_SOCKET")
	if address == "" {
		return
	}
	conn, err := net.Dial("unixgram", address)
	if err != nil {
		return
	}
	defer conn.Close()
	io.WriteString(conn, state)
}

// root sends requests to the part that answers them.
type root struct {
	rest   *api.Server
	stream *stream.Server
}

func (s *root) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/":
		http.Redirect(w, r, "/api/", http.StatusFound)
	case slices.Contains(stream.Paths, r.URL.Path):
		s.stream.ServeHTTP(w, r)
	default:
		s.rest.ServeHTTP(w, r)
	}
}
