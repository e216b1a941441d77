// Package command is the command line of the server.
//
// Called by cmd/troupe-server.
package command

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/server"
	"github.com/troupe-automation/troupe/internal/server/runner"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// The flags that say where the server keeps what it knows.
var (
	dataFlag     = argparse.Flag{Names: []string{"--data"}, Dest: "data", Metavar: "DIR", Help: "where database, keys and projects are (~/.local/share/troupe)"}
	databaseFlag = argparse.Flag{Names: []string{"--database"}, Dest: "database", Metavar: "URL", Help: "postgres://… instead of a file in the data directory"}
)

// place is what they say.
func place(v *argparse.Values) (server.Config, error) {
	c := server.Config{Dir: v.Str("data"), Database: v.Str("database")}
	if c.Dir == "" {
		c.Dir = filepath.Join(os.Getenv("HOME"), ".local", "share", "troupe")
	}
	var err error
	c.Dir, err = filepath.Abs(c.Dir)
	return c, err
}

// open opens the database there.
func open(c server.Config) (*store.DB, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, err
	}
	return server.OpenStore(c)
}

func command(prog string) *argparse.Command {
	return &argparse.Command{
		Prog: prog, Summary: "Serves the platform: an API that clients of AWX know, and the jobs behind it.",
		Flags: []argparse.Flag{
			dataFlag,
			{Names: []string{"--listen"}, Dest: "listen", Metavar: "HOST:PORT", Help: "where to listen (127.0.0.1:8052)"},
			{Names: []string{"--tls-cert"}, Dest: "tls_cert", Metavar: "FILE", Help: "certificate chain in PEM; read again when it changes. Without it the server makes one where others than this machine can come"},
			{Names: []string{"--tls-key"}, Dest: "tls_key", Metavar: "FILE", Help: "its key"},
			{Names: []string{"--plain"}, Dest: "plain", Kind: argparse.True, Help: "no TLS: a proxy before the server does it"},
			databaseFlag,
			{Names: []string{"--nats"}, Dest: "nats", Metavar: "URL,...", Help: "an own NATS that several servers share; without it each has one inside"},
			{Names: []string{"--nats-credentials"}, Dest: "nats_credentials", Metavar: "FILE", Help: "a key for it"},
			{Names: []string{"--node"}, Dest: "node", Metavar: "NAME", Help: "name of this instance (the host's name)"},
			{Names: []string{"--admin"}, Dest: "admin", Metavar: "NAME", Help: "the first user (admin)"},
			{Names: []string{"--admin-password-file"}, Dest: "admin_password_file", Metavar: "FILE", Help: "the first user's password; without it one is made up and shown"},
			{Names: []string{"--isolation"}, Dest: "isolation", Metavar: "KIND", Choices: []string{"none", "user", "namespaces"}, Help: "how runs are kept apart from the server; without it as well as the system allows"},
			{Names: []string{"--run-as"}, Dest: "run_as", Metavar: "USER", Help: "the user that runs are, where the server is root; without it each has one of its own"},
			{Names: []string{"--run-memory"}, Dest: "run_memory", Metavar: "SIZE", Help: "memory that one run may have, as 512M or 2G; without it as much as the server may. One that needs more is killed"},
			{Names: []string{"--run-processes"}, Dest: "run_processes", Metavar: "N", Int: true, Help: "processes and threads that one run may have (8192)"},
			{Names: []string{"--run-cpu-weight"}, Dest: "run_cpu_weight", Metavar: "N", Int: true, Help: "share of the processors that a run has beside others that want them, 1 to 10000 (100)"},
			{Names: []string{"--container-engine"}, Dest: "container_engine", Metavar: "PROGRAM", Help: "podman or docker, or its path, for runs with an execution environment; none for no containers (podman or docker, where one works)"},
			{Names: []string{"--require-container-engine"}, Dest: "need_engine", Kind: argparse.True, Help: "runs with an execution environment fail where there is no engine, instead of running without it"},
			{Names: []string{"--plan"}, Dest: "plan", Kind: argparse.True, Help: "show what would be changed in the database, change nothing"},
			{Names: []string{"-v", "--verbose"}, Dest: "verbosity", Kind: argparse.Count, Help: "log more"},
		},
		Examples: "  " + prog + "\n  " + prog + " --listen 0.0.0.0:8052 --data /var/lib/troupe\n  " + prog + " export backup.zst\n  " + prog + " import backup.zst --database postgres://…",
	}
}

// moving is the command line of export and import.
func moving(prog, what string) *argparse.Command {
	summary := "Writes all that the database holds to a file, from which import fills another one, of the same or of another kind."
	if what == "import" {
		summary = "Fills an empty database with what export wrote. The server must have the key file that the other one had: DATA/secret.keys."
	}
	return &argparse.Command{
		Prog: prog + " " + what, Summary: summary, Args: []string{"file"},
		Flags: []argparse.Flag{dataFlag, databaseFlag},
	}
}

// move runs export and import.
func (env Env) move(ctx context.Context, what string, args []string) error {
	v, err := moving(env.Prog, what).Parse(args)
	if err != nil {
		return err
	}
	c, err := place(v)
	if err != nil {
		return err
	}
	db, err := open(c)
	if err != nil {
		return err
	}
	defer db.Close()
	name := v.Args[0]
	if what == "import" {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		defer f.Close()
		n, err := db.Restore(ctx, f)
		if err == nil {
			fmt.Fprintf(env.Stdout, "%d rows were read. Before the server starts, put the other one's secret.keys into %s.\n", n, c.Dir)
		}
		return err
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	n, err := db.Dump(ctx, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		os.Remove(name)
		return err
	}
	fmt.Fprintf(env.Stdout, "%d rows were written to %s. What is encrypted in it opens with %s.\n", n, name, filepath.Join(c.Dir, "secret.keys"))
	return nil
}

// Env is what the server is started with.
type Env struct {
	Prog    string // what it is called: "troupe server"
	Program string // the troupe that runs jobs
	Version string
	Args    []string
	Stdout  io.Writer
	Stderr  io.Writer
}

// Main runs the server and returns the exit code.
func Main(ctx context.Context, env Env) int {
	err := env.run(ctx)
	var help *argparse.HelpRequested
	var usage *argparse.UsageError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &help):
		fmt.Fprint(env.Stdout, help.Command.Help())
		return 0
	case errors.As(err, &usage):
		fmt.Fprintln(env.Stderr, usage)
		return 2
	}
	fmt.Fprintf(env.Stderr, "%s: %v\n", env.Prog, err)
	return 1
}

func (env Env) run(ctx context.Context) error {
	if len(env.Args) > 0 && (env.Args[0] == "export" || env.Args[0] == "import") {
		return env.move(ctx, env.Args[0], env.Args[1:])
	}
	v, err := command(env.Prog).Parse(env.Args)
	if err != nil {
		return err
	}
	or := func(name, def string) string {
		if s := v.Str(name); s != "" {
			return s
		}
		return def
	}
	level := slog.LevelWarn
	if v.Int("verbosity") > 0 {
		level = slog.LevelDebug
	}
	c, err := place(v)
	if err != nil {
		return err
	}
	c.Listen, c.TLSCert, c.TLSKey, c.Plain = or("listen", "127.0.0.1:8052"), v.Str("tls_cert"), v.Str("tls_key"), v.Bool("plain")
	c.Node, c.NATS, c.NATSCredentials = v.Str("node"), v.Str("nats"), v.Str("nats_credentials")
	c.Isolation, c.RunAs = v.Str("isolation"), v.Str("run_as")
	c.Engine, c.NeedEngine = v.Str("container_engine"), v.Bool("need_engine")
	c.Admin, c.Self, c.Version = or("admin", "admin"), []string{env.Program}, env.Version
	c.Out, c.Log = env.Stdout, slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level}))
	if c.Limits, err = limits(v); err != nil {
		return err
	}
	if f := v.Str("admin_password_file"); f != "" {
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		c.Password = string(bytes.TrimRight(b, "\r\n"))
	}
	if v.Bool("plan") {
		return plan(ctx, env.Stdout, c)
	}
	return server.Run(ctx, c)
}

// limits are those of runs.
func limits(v *argparse.Values) (l runner.Limits, err error) {
	l.Processes, l.Weight = int64(v.Int("run_processes")), int64(v.Int("run_cpu_weight"))
	if l.Memory, err = bytesOf(v.Str("run_memory")); err != nil {
		return l, err
	}
	if l.Processes < 0 || l.Processes > 0 && l.Processes < 32 {
		return l, errors.New("--run-processes: a run needs 32 at least")
	}
	if l.Weight < 0 || l.Weight > 10000 {
		return l, errors.New("--run-cpu-weight: a weight is a number from 1 to 10000")
	}
	return l, nil
}

// leastMemory is what a run needs to say anything at all.
const leastMemory = 32 << 20

// bytesOf reads a size: a number, and K, M or G.
func bytesOf(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	digits := strings.TrimRight(text, "KMGkmg")
	factor, known := map[string]int64{"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}[strings.ToUpper(text[len(digits):])]
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || !known || n > math.MaxInt64/factor || n*factor < leastMemory {
		return 0, fmt.Errorf("--run-memory %s: a size is a number with K, M or G behind it, 32M at least", text)
	}
	return n * factor, nil
}

// plan shows the statements that bring the database up to date.
func plan(ctx context.Context, w io.Writer, c server.Config) error {
	db, err := open(c)
	if err != nil {
		return err
	}
	defer db.Close()
	steps, err := db.Plan(ctx)
	if err != nil {
		return err
	}
	for _, s := range steps {
		fmt.Fprintln(w, s+";")
	}
	return nil
}
