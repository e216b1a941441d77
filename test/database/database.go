// Package database starts real database servers for tests and stops them with the test. Called by test/oracle and the tests of
// internal/server/store.
package database

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// as runs a command as another user.
func as(user, dir string, command ...string) *exec.Cmd {
	cmd := exec.Command("runuser", append([]string{"-u", user, "--"}, command...)...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// serve starts a server, waits until ready answers and stops it with the test.
func serve(t testing.TB, cmd *exec.Cmd, ready func() error) {
	t.Helper()
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { // ends with the server, which Cleanup ends
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(10 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
		}
	})
	var err error
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); {
		if err = ready(); err == nil {
			return
		}
		select {
		case <-ended:
			t.Fatalf("the server ended: %s", log.String())
		case <-time.After(50 * time.Millisecond): // another process: there is nothing to wait for
		}
	}
	t.Fatalf("%v: %s", err, log.String())
}

// Dir makes a directory for servers, which is removed with the test: their users may enter it, and its name is short enough for sockets.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "db-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// URL is the address of the server that PostgreSQL runs in dir.
func URL(dir string) string {
	return "postgres://postgres@/postgres?host=" + url.QueryEscape(filepath.Join(dir, "pg"))
}

// PostgreSQL runs a server whose socket is in the directory pg of dir, for the user postgres; dir is of Dir. It skips the test where there is no PostgreSQL.
func PostgreSQL(t testing.TB, dir string) {
	t.Helper()
	PostgreSQLWith(t, dir)
}

// PostgreSQLWith is PostgreSQL with further arguments of the server.
func PostgreSQLWith(t testing.TB, dir string, args ...string) {
	t.Helper()
	initdb, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(initdb) == 0 || os.Getuid() != 0 || exec.Command("id", "postgres").Run() != nil {
		t.Skip("no PostgreSQL that root could start")
	}
	data := filepath.Join(dir, "pg")
	for _, d := range []string{data, filepath.Join(dir, "space")} {
		if out, err := exec.Command("install", "-d", "-m", "0700", "-o", "postgres", d).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if out, err := as("postgres", data, initdb[0], "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "-E", "UTF8", "--locale", "C").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	startPostgreSQL(t, data, args...)
}

func startPostgreSQL(t testing.TB, data string, args ...string) {
	t.Helper()
	programs, _ := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	server := as("postgres", data, append([]string{programs[0], "-D", data, "-k", data, "-c", "listen_addresses=", "-c", "wal_level=logical", "-c", "fsync=off"}, args...)...)
	serve(t, server, func() error {
		return exec.Command("psql", "-h", data, "-U", "postgres", "-c", "select 1").Run()
	})
}

// RestartPostgreSQL stops the server that PostgreSQL started in dir, without waiting for its clients, and starts it again after pause.
func RestartPostgreSQL(t testing.TB, dir string, pause time.Duration) {
	t.Helper()
	data := filepath.Join(dir, "pg")
	b, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(b), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(30 * time.Second); syscall.Kill(pid, 0) == nil; {
		if time.Now().After(deadline) {
			t.Fatal("the database does not stop")
		}
		time.Sleep(20 * time.Millisecond) // another process: there is nothing to wait for
	}
	time.Sleep(pause)
	startPostgreSQL(t, data)
}

// MySQL runs a MariaDB server whose socket is my/s below dir, for the user root. It skips the test where there is none.
func MySQL(t testing.TB, dir string) {
	t.Helper()
	install, err := exec.LookPath("mariadb-install-db")
	if err != nil || os.Getuid() != 0 || exec.Command("id", "mysql").Run() != nil {
		t.Skip("no MariaDB that root could start")
	}
	data := filepath.Join(dir, "my")
	if out, err := exec.Command("install", "-d", "-m", "0755", "-o", "mysql", data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if out, err := exec.Command(install, "--no-defaults", "--user=mysql", "--datadir="+data, "--auth-root-authentication-method=normal", "--skip-test-db", "--tmpdir="+data).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	socket := filepath.Join(data, "s")
	server := exec.Command("/usr/sbin/mariadbd", "--no-defaults", "--user=mysql", "--datadir="+data, "--socket="+socket, "--skip-networking", "--pid-file="+data+"/pid", "--tmpdir="+data, "--server-id=1", "--log-bin=b")
	server.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	serve(t, server, func() error {
		return exec.Command("mariadb", "--no-defaults", "-S", socket, "-u", "root", "-e", "select 1").Run()
	})
}
