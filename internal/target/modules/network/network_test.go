package network

import (
	"crypto/tls"
	"encoding/hex"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/troupe-automation/troupe/internal/target/modules/moduletest"
	"github.com/troupe-automation/troupe/module"
)

// The recordings name this address.
const serverAddress = "127.0.0.1:8199"

const (
	secureAddress = "127.0.0.1:8197"
	socketAddress = "/tmp/troupe-recordings.sock"
)

// serve answers as the server did that the recordings were made with: in the clear, with TLS, and on a socket.
func serve(t *testing.T) {
	t.Helper()
	cert, err := tls.LoadX509KeyPair("testdata/tls/server.pem", "testdata/tls/server.key")
	if err != nil {
		t.Fatal(err)
	}
	_ = os.Remove(socketAddress) // of a test that was killed
	for _, place := range [][2]string{{"tcp", serverAddress}, {"tcp", secureAddress}, {"unix", socketAddress}} {
		l, err := net.Listen(place[0], place[1])
		if err != nil {
			t.Skipf("an address of the recordings is taken on this machine: %v", err)
		}
		if place[1] == secureAddress {
			l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequestClientCert, MaxVersion: tls.VersionTLS12})
		}
		s := &http.Server{Handler: http.HandlerFunc(answer), ErrorLog: log.New(io.Discard, "", 0)}
		done := make(chan struct{})
		go func() { defer close(done); _ = s.Serve(l) }()
		t.Cleanup(func() { s.Close(); <-done })
	}
}

func answer(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	reply := func(code int, body, kind string, headers ...string) {
		h := w.Header()
		h.Set("Date", "Thu, 01 Jan 2026 00:00:00 GMT")
		h.Set("Server", "srv")
		if kind != "" {
			h.Set("Content-Type", kind)
		} else {
			h["Content-Type"] = nil
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		for i := 0; i+1 < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		if r.Method != http.MethodHead {
			_, _ = io.WriteString(w, body)
		}
	}
	const text = "text/plain"
	switch r.URL.Path {
	case "/f":
		if r.Header.Get("If-Modified-Since") != "" {
			reply(304, "", "", "Content-Length", "0")
			return
		}
		reply(200, "hello\n", text)
	case "/json":
		reply(200, `{"a": 1, "b": [1.5, null]}`, "application/json")
	case "/redir":
		reply(302, "", text, "Location", "http://"+serverAddress+"/f")
	case "/redir307":
		reply(307, "", text, "Location", "/echo")
	case "/404":
		reply(404, "nope", text)
	case "/500":
		reply(500, `{"e":"x"}`, "application/json")
	case "/cookie":
		reply(200, "c", text, "Set-Cookie", "k=v; Path=/")
	case "/auth":
		if r.Header.Get("Authorization") != "Basic dTpzM2NyM3Q=" {
			reply(401, "no", text, "WWW-Authenticate", `Basic realm="x"`)
			return
		}
		reply(200, "yes", text)
	case "/sum":
		reply(200, "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03  f\n", text)
	case "/cd":
		reply(200, "x", text, "Content-Disposition", `attachment; filename="named.txt"`)
	case "/utf":
		reply(200, "\xe9", "text/plain; charset=latin-1")
	case "/gz":
		zipped, _ := hex.DecodeString("1f8b0800000000000203abca2c28484d01005768c2e206000000") // "zipped"
		reply(200, string(zipped), text, "Content-Encoding", "gzip")
	case "/peer":
		name := "nobody"
		if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		reply(200, name, text)
	case "/to-echo":
		reply(302, "", text, "Location", "http://"+serverAddress+"/echo")
	case "/empty":
		reply(204, "", "")
	default:
		h := map[string]any{"content-length": strconv.FormatInt(r.ContentLength, 10)}
		for k, v := range r.Header {
			if k := strings.ToLower(k); k != "accept-encoding" {
				h[k] = v[0]
			}
		}
		reply(200, module.JSON(map[string]any{"m": r.Method, "h": h, "b": string(body)}), "application/json")
	}
}

func TestURI(t *testing.T)    { serve(t); moduletest.Replay(t, All, "testdata/uri.json") }
func TestGetURL(t *testing.T) { serve(t); moduletest.Replay(t, All, "testdata/get_url.json") }

func TestURIOptions(t *testing.T) { serve(t); moduletest.Replay(t, All, "testdata/uri_more.json") }
func TestGetURLOptions(t *testing.T) {
	serve(t)
	moduletest.Replay(t, All, "testdata/get_url_more.json")
}
