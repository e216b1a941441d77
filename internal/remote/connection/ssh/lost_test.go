package ssh

import (
	"crypto/ed25519"
	"crypto/rand"
	"net"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/troupe-automation/troupe/internal/remote/connection"
)

// A command that is started in the moment in which the connection ends gets an error. The protocol library alone would
// wait for ever: between its reader's end and its writer's knowledge of it, it takes a request that nobody answers.
func TestStartWhileTheConnectionEnds(t *testing.T) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		ours, theirs, err := pair()
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() {
			conf := &ssh.ServerConfig{NoClientAuth: true}
			conf.AddHostKey(signer)
			conn, channels, requests, err := ssh.NewServerConn(theirs, conf)
			if err != nil {
				t.Error(err)
				return
			}
			wg.Go(func() { ssh.DiscardRequests(requests) })
			conn.Close()
			for range channels {
			}
		})
		cc, chans, reqs, err := ssh.NewClientConn(ours, "", &ssh.ClientConfig{HostKeyCallback: ssh.InsecureIgnoreHostKey()})
		if err == nil {
			c := newClient(&endpoint{}, &keyring{}, nil, cc, chans, reqs)
			if _, err := c.Start(t.Context(), "true", connection.StartOptions{}); err == nil {
				t.Error("a lost connection starts commands")
			}
			c.Close()
			if _, err := c.Start(t.Context(), "true", connection.StartOptions{}); err == nil {
				t.Error("a closed connection starts commands")
			}
		}
		ours.Close()
		wg.Wait()
	}
}

func pair() (client, server net.Conn, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, nil, err
	}
	defer l.Close()
	if client, err = net.Dial("tcp", l.Addr().String()); err != nil {
		return nil, nil, err
	}
	server, err = l.Accept()
	return client, server, err
}
