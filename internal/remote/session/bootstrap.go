package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/wire"
)

// starter returns a POSIX shell command line that becomes the agent. It tries the file at (when not ""), then the agent
// in the user's cache, and else asks for it: "MISS os machine encoding directory" after wire.Magic, answered by
// "bytes size" and that many bytes. When they cannot be stored it tries the next directory and asks again.
//
// The umask stays the user's, because modules inherit it. A directory is used only when it belongs to the user, is no link, and is closed to everybody else, and when files in
// it can be executed. The text has neither single quotes nor line ends nor exclamation marks, so that any login shell
// passes it on.
//
// With guest the agent is that of a become user, who gets nothing into the home: there is always /var/tmp, as for Ansible's modules.
func starter(at string, i *images, guest bool) string {
	args := ""
	for _, a := range i.args {
		args += " " + dquote(a)
	}
	exec := func(file string) string { return "exec " + file + args }
	var b strings.Builder
	if at != "" {
		q := dquote(at)
		fmt.Fprintf(&b, "if [ -x %s ]; then %s; fi; ", q, exec(q))
	}
	b.WriteString(`[ -t 0 ] && stty raw -echo; m=$(uname -sm); n=` + i.name + `-"${m##* }"; `)
	// ok: is $1 a private directory of ours?
	b.WriteString(`ok() { if [ -L "$1" ]; then return 1; fi; [ -d "$1" ] && [ -O "$1" ] && case $(ls -ld "$1") in drwx------*) ;; *) return 1 ;; esac; }; `)
	home := "$HOME/.cache/troupe"
	if guest {
		home = "/var/tmp/troupe-$u"
	}
	b.WriteString(`u=$(id -u); h="` + home + `"; if [ -x "$h/$n" ] && [ -O "$h/$n" ] && ok "$h"; then ` + exec(`"$h/$n"`) + `; fi; `)
	b.WriteString(`z=raw; w="no directory can be used"; `)
	if at == "" { // within one machine a pipe is faster than gzip
		b.WriteString(`command -v gzip >/dev/null 2>&1 && z=gz; `)
	}
	b.WriteString(`for d in "$h" "/var/tmp/troupe-$u" "/tmp/troupe-$u" "/dev/shm/troupe-$u" "/run/user/$u/troupe"; do `)
	b.WriteString(`[ -d "$d" ] || mkdir -p -m 700 "$d" 2>/dev/null || continue; ok "$d" || continue; f="$d/$n"; `)
	b.WriteString(`if [ -x "$f" ] && [ -O "$f" ]; then ` + exec(`"$f"`) + `; fi; `)
	b.WriteString(`t="$d/.new-$$"; ( echo : >"$t" && chmod 700 "$t" ) 2>/dev/null && [ -x "$t" ] || { rm -f "$t"; w="$d: not writable, or mounted noexec"; continue; }; `)
	b.WriteString(`printf "TRP\001\002MISS %s %s %s\n" "$m" $z "$d"; read -r c s || exit 1; [ "$c" -gt 0 ] || { rm -f "$t"; exit 1; }; `)
	b.WriteString(`if head -c "$c" | { if [ $z = gz ]; then gzip -dc; else cat; fi >"$t" 2>/dev/null || { cat >/dev/null; false; }; } && [ "$(wc -c <"$t")" -eq "$s" ] && mv -f "$t" "$f"; then ` + exec(`"$f"`) + `; fi; `)
	b.WriteString(`rm -f "$t"; w="$d: the agent could not be stored, is the disk full?"; done; printf "TRP\001\002NONE %s\n" "$w"; exit 1`)
	return b.String()
}

// dquote quotes a word with double quotes.
func dquote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`, "`", "\\`").Replace(s) + `"`
}

// startAgent starts the agent over conn and waits until it says hello. here says that the host is this machine.
func startAgent(ctx context.Context, conn connection.Conn, here bool, cfg Config) (*link, error) {
	imgs, err := choose(here, cfg)
	if err != nil {
		return nil, agentError(err.Error(), err)
	}
	at := ""
	if here {
		at = imgs.file
	}
	// The agent outlives the call that starts it: ctx limits the start only.
	life, stop := context.WithCancel(context.Background())
	proc, err := conn.Start(life, "exec /bin/sh -c '"+starter(at, imgs, false)+"'", connection.StartOptions{})
	if err != nil {
		stop()
		return nil, err
	}
	errTail := &tail{}
	drained := make(chan struct{})
	go func() { // ends when the process does
		defer close(drained)
		io.Copy(errTail, proc.Stderr())
	}()
	aborted := context.AfterFunc(ctx, stop)
	frames := wire.NewReader(proc.Stdout())
	out := wire.NewWriter(proc.Stdin())
	hello, err := greet(frames, proc.Stdin(), imgs, cfg)
	if !aborted() {
		err = ctx.Err()
	}
	if err != nil {
		stop()
		var unreachable *UnreachableError
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			select {
			case <-drained:
			case <-time.After(time.Second):
			}
			code, _ := proc.Wait()
			return nil, agentError(fmt.Sprintf("the agent did not start (exit code %d): %s", code, errTail), err)
		}
		if ctx.Err() != nil || errors.As(err, &unreachable) {
			return nil, err
		}
		return nil, agentError(err.Error(), err)
	}
	cfg.Log(3, fmt.Sprintf("agent runs: pid %d, uid %d, %s/%s, %s; it executes the modules, and an EXEC line is the command that does the same by hand", hello.PID, hello.UID, hello.OS, hello.Arch, hello.Exe))
	return newLink(proc, frames, out, hello, errTail, cfg, imgs, here, stop), nil
}

func agentError(msg string, cause error) *UnreachableError {
	return &UnreachableError{Phase: connection.PhaseAgent, Msg: msg, Err: cause}
}

// greet answers the starter until the agent is up.
func greet(frames *wire.Reader, stdin io.Writer, imgs *images, cfg Config) (wire.Hello, error) {
	for {
		before, err := frames.SkipToMagic()
		if err != nil {
			if len(before) > 0 && !errors.Is(err, io.EOF) {
				return wire.Hello{}, fmt.Errorf("%w (the host said %q)", err, before)
			}
			return wire.Hello{}, err
		}
		line, err := frames.ReadLine()
		if err != nil {
			return wire.Hello{}, err
		}
		what, rest, _ := strings.Cut(strings.TrimSuffix(line, "\r"), " ")
		switch what {
		case wire.LineUp:
			return readHello(frames)
		case wire.LineNone:
			return wire.Hello{}, agentError("no place for the agent on the host: "+rest, nil)
		case wire.LineMiss:
			words := strings.SplitN(rest, " ", 4)
			if len(words) != 4 {
				return wire.Hello{}, fmt.Errorf("%w: %q", wire.ErrProtocol, line)
			}
			data, size, err := imgs.load(words[0]+" "+words[1], words[2] == "gz")
			if err != nil {
				io.WriteString(stdin, "0 0\n")
				return wire.Hello{}, agentError(err.Error(), err)
			}
			cfg.Log(3, fmt.Sprintf("sending the agent, %d bytes, to %s", len(data), words[3]))
			if err := sendImage(stdin, data, size); err != nil {
				return wire.Hello{}, err
			}
		default:
			return wire.Hello{}, fmt.Errorf("%w: %q", wire.ErrProtocol, line)
		}
	}
}

// sendImage writes what a starter reads: a line with the sizes, sent and plain, and the agent.
func sendImage(w io.Writer, data []byte, size int) error {
	if _, err := fmt.Fprintf(w, "%d %d\n", len(data), size); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

func readHello(frames *wire.Reader) (wire.Hello, error) {
	f, err := frames.ReadMessage()
	if err != nil {
		return wire.Hello{}, err
	}
	var hello wire.Hello
	if f.Kind != wire.KindHello {
		return hello, fmt.Errorf("%w: %s frame instead of hello", wire.ErrProtocol, f.Kind)
	}
	if err := json.Unmarshal(f.Data, &hello); err != nil {
		return hello, fmt.Errorf("%w: hello: %w", wire.ErrProtocol, err)
	}
	if hello.Version != wire.Version {
		return hello, agentError(fmt.Sprintf("the agent on the host speaks protocol %d, this program %d", hello.Version, wire.Version), nil)
	}
	return hello, nil
}
