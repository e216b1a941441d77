package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// auth offers what we have to log in with, and remembers what the server asked for.
type auth struct {
	ctx  context.Context // ends when nobody waits for the login any more
	e    *endpoint
	ring *keyring
	// which methods the server let us come to
	publickey, password, keyboard, gssapi bool
}

func newAuth(ctx context.Context, e *endpoint, ring *keyring) *auth {
	return &auth{ctx: ctx, e: e, ring: ring}
}

// promptError says that the password was kept back, because nothing asked for it in the words of the option sshpass_prompt.
type promptError struct{ asked string }

func (e *promptError) Error() string { return "the prompt is " + strconv.Quote(e.asked) }

// expected holds a prompt, as the OpenSSH client would show it, against the option sshpass_prompt. sshpass waits for the right one as long
// as the client lives; here the wait ends with the connection's time limit.
func (a *auth) expected(asked string) error {
	if a.e.prompt == "" || strings.Contains(asked, a.e.prompt) {
		return nil
	}
	limit := time.NewTimer(a.e.timeout)
	defer limit.Stop()
	select {
	case <-limit.C:
	case <-a.ctx.Done():
	}
	return &promptError{asked}
}

// errNotOffered ends an attempt with a method that is only there to learn that the server has it.
var errNotOffered = errors.New("nothing to offer")

func (a *auth) methods() []ssh.AuthMethod {
	allowed := func(name, setting string, def bool) bool {
		if p := a.e.set.get("preferredauthentications"); p != "" && !slices.Contains(strings.Split(p, ","), name) {
			return false
		}
		return a.e.set.is(setting, def)
	}
	var list []ssh.AuthMethod
	if allowed("publickey", "pubkeyauthentication", true) {
		a.ring.dialAgent()
		list = append(list, ssh.PublicKeysCallback(func() ([]ssh.Signer, error) {
			a.publickey = true
			return a.ring.signers()
		}))
	}
	if a.e.password != "" {
		if allowed("password", "passwordauthentication", true) {
			list = append(list, ssh.PasswordCallback(func() (string, error) {
				a.password = true
				return a.e.password, a.expected(a.e.user + "@" + a.e.host + "'s password: ")
			}))
		}
		if allowed("keyboard-interactive", "kbdinteractiveauthentication", true) {
			list = append(list, ssh.KeyboardInteractive(a.answer))
		}
	}
	if a.e.set.is("gssapiauthentication", false) {
		list = append(list, ssh.GSSAPIWithMICAuthMethod(noGSSAPI{a}, a.e.host))
	}
	if a.e.password == "" {
		// Last, because its error ends the attempts: to name the method in the message.
		list = append(list, ssh.PasswordCallback(func() (string, error) {
			a.password = true
			return "", errNotOffered
		}))
	}
	return list
}

// answer gives the password to questions that hide what is typed.
func (a *auth) answer(_, _ string, questions []string, echos []bool) ([]string, error) {
	a.keyboard = true
	answers := make([]string, len(questions))
	for i := range questions {
		if !echos[i] {
			if err := a.expected("(" + a.e.user + "@" + a.e.host + ") " + questions[i]); err != nil {
				return nil, err
			}
			answers[i] = a.e.password
		}
	}
	return answers, nil
}

// noGSSAPI learns that the server has GSSAPI, which only the OpenSSH client speaks.
type noGSSAPI struct{ a *auth }

func (g noGSSAPI) InitSecContext(string, []byte, bool) ([]byte, bool, error) {
	g.a.gssapi = true
	return nil, false, errNotOffered
}
func (g noGSSAPI) GetMIC([]byte) ([]byte, error) { return nil, errNotOffered }
func (g noGSSAPI) DeleteSecContext() error       { return nil }

// explain turns the error of a handshake into what the ssh program prints for it.
func (a *auth) explain(err, keyErr error) error {
	e := a.e
	var hk *hostKeyError
	if errors.As(keyErr, &hk) {
		return unreachable(connection.PhaseHostKey, hk.text, keyErr, hk.hints...)
	}
	text := err.Error()
	var prompt *promptError
	switch {
	case errors.As(err, &prompt):
		return unreachable(connection.PhaseAuth, fmt.Sprintf("no prompt with %q (sshpass_prompt) came within %s, but %q", e.prompt, e.timeout, prompt.asked), err,
			"sshpass_prompt is a part of the text that asks for the password")
	case errors.Is(err, errNotOffered), strings.Contains(text, "unable to authenticate"), strings.Contains(text, "no supported methods remain"):
		if a.gssapi {
			return &opensshError{"the server accepts GSSAPI"}
		}
		if a.ring.openssh != "" {
			return &opensshError{a.ring.openssh}
		}
		var methods []string
		for _, m := range []struct {
			seen bool
			name string
		}{{a.publickey, "publickey"}, {a.password, "password"}, {a.keyboard, "keyboard-interactive"}} {
			if m.seen {
				methods = append(methods, m.name)
			}
		}
		denied := fmt.Sprintf("%s@%s: Permission denied (%s).", e.user, e.host, strings.Join(methods, ","))
		if e.password != "" && (a.password || a.keyboard) {
			return &connection.UnreachableError{Phase: connection.PhaseAuth, Msg: "Invalid/incorrect password: Permission denied, please try again.", Err: err, Hints: a.ring.hints}
		}
		return unreachable(connection.PhaseAuth, denied, err, a.ring.hints...)
	case strings.Contains(text, "no common algorithm"):
		return unreachable(connection.PhaseHandshake, fmt.Sprintf("Unable to negotiate with %s port %s: %s", e.host, e.port, text), err)
	case errors.Is(err, io.EOF), strings.Contains(text, "connection reset"):
		return unreachable(connection.PhaseHandshake, fmt.Sprintf("kex_exchange_identification: Connection closed by remote host\r\nConnection closed by %s port %s", e.host, e.port), err)
	}
	return unreachable(connection.PhaseHandshake, text, err)
}
