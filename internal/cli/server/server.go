// Package server is `troupe server`: many people's playbooks, inventories, credentials and history behind one address, with the
// interface that clients of AWX know.
//
// Called by internal/cli.
package server

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/troupe-automation/troupe/internal/cli/argparse"
	"github.com/troupe-automation/troupe/internal/cli/launch"
	"github.com/troupe-automation/troupe/internal/server"
)

func command(prog string) *argparse.Command {
	return &argparse.Command{
		Prog: prog, Summary: "Serves the platform: an API that clients of AWX know, and the jobs behind it.",
		Flags: []argparse.Flag{
			{Names: []string{"--data"}, Dest: "data", Metavar: "DIR", Help: "where database, keys and projects are (~/.local/share/troupe)"},
			{Names: []string{"--listen"}, Dest: "listen", Metavar: "HOST:PORT", Help: "where to listen (127.0.0.1:8052)"},
			{Names: []string{"--database"}, Dest: "database", Metavar: "URL", Help: "postgres://… instead of a file in the data directory"},
			{Names: []string{"--node"}, Dest: "node", Metavar: "NAME", Help: "name of this instance (the host's name)"},
			{Names: []string{"--admin"}, Dest: "admin", Metavar: "NAME", Help: "the first user (admin)"},
			{Names: []string{"--admin-password-file"}, Dest: "admin_password_file", Metavar: "FILE", Help: "the first user's password; without it one is made up and shown"},
			{Names: []string{"--plan"}, Dest: "plan", Kind: argparse.True, Help: "show what would be changed in the database, change nothing"},
			{Names: []string{"-v", "--verbose"}, Dest: "verbosity", Kind: argparse.Count, Help: "log more"},
		},
		Examples: "  " + prog + "\n  " + prog + " --listen 0.0.0.0:8052 --data /var/lib/troupe",
	}
}

// Main runs the command.
func Main(ctx context.Context, env *launch.Env, prog string, args []string) (int, error) {
	v, err := command(prog).Parse(args)
	if err != nil {
		return 0, err
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
	c := server.Config{
		Dir: or("data", filepath.Join(env.Getenv("HOME"), ".local", "share", "troupe")), Listen: or("listen", "127.0.0.1:8052"), Database: v.Str("database"), Node: v.Str("node"),
		Admin: or("admin", "admin"), Self: env.Self[:1], Version: launch.Version, Out: env.Stdout,
		Log: slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level})),
	}
	if c.Dir, err = filepath.Abs(c.Dir); err != nil {
		return 1, err
	}
	if f := v.Str("admin_password_file"); f != "" {
		b, err := os.ReadFile(f)
		if err != nil {
			return 1, err
		}
		for len(b) > 0 && (b[len(b)-1] == '\n' || b[len(b)-1] == '\r') {
			b = b[:len(b)-1]
		}
		c.Password = string(b)
	}
	if v.Bool("plan") {
		return 0, plan(ctx, env, c)
	}
	if err := server.Run(ctx, c); err != nil {
		return 1, err
	}
	return 0, nil
}

// plan shows the statements that bring the database up to date.
func plan(ctx context.Context, env *launch.Env, c server.Config) error {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return err
	}
	db, err := server.OpenStore(c)
	if err != nil {
		return err
	}
	defer db.Close()
	steps, err := db.Plan(ctx)
	if err != nil {
		return err
	}
	for _, s := range steps {
		fmt.Fprintln(env.Stdout, s+";")
	}
	return nil
}
