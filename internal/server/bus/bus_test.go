package bus_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/troupe-automation/troupe/internal/server/bus"
)

func open(t *testing.T) *bus.Bus {
	t.Helper()
	b, err := bus.Open(t.Context(), bus.Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// TestQueue puts a message twice and takes it once; one that was given back comes again.
func TestQueue(t *testing.T) {
	b := open(t)
	for range 2 {
		if err := b.Put(t.Context(), "7", "12/1", []byte("twelve")); err != nil {
			t.Fatal(err)
		}
	}
	q, err := b.Queue(t.Context(), "7")
	if err != nil {
		t.Fatal(err)
	}
	m, err := take(t, q, 5*time.Second)
	if err != nil || m == nil || string(m.Body) != "twelve" {
		t.Fatal(m, err)
	}
	if err := m.Later(time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if m, err = take(t, q, 5*time.Second); err != nil || m == nil {
		t.Fatal(m, err)
	}
	if err := m.Done(); err != nil {
		t.Fatal(err)
	}
	if m, err = take(t, q, 50*time.Millisecond); m != nil || err != nil {
		t.Fatalf("a message came twice: %v %v", m, err)
	}
}

func TestWords(t *testing.T) {
	b := open(t)
	heard := make(chan string, 1)
	stop, err := b.Hear("live.*", func(subject string, body []byte) { heard <- subject + " " + string(body) })
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	if err := b.Tell("live.5", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := <-heard; got != "live.5 x" {
		t.Error(got)
	}
	unanswer, err := b.Answer("cancel.n1", func(body []byte) []byte { return append(body, '!') })
	if err != nil {
		t.Fatal(err)
	}
	defer unanswer()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if got, err := b.Ask(ctx, "cancel.n1", []byte("hey")); err != nil || string(got) != "hey!" {
		t.Error(string(got), err)
	}
	if _, err := b.Ask(ctx, "cancel.n2", nil); !errors.Is(err, bus.ErrNobody) {
		t.Error(err)
	}
}

// TestClose leaves nothing behind.
func TestClose(t *testing.T) {
	before := goleak.IgnoreCurrent()
	b, err := bus.Open(t.Context(), bus.Config{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	b.Close()
	goleak.VerifyNone(t, before)
}

func take(t *testing.T, q *bus.Queue, wait time.Duration) (*bus.Message, error) {
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	return q.Take(ctx)
}
