package wire_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/troupe-automation/troupe/internal/wire"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestFrames(t *testing.T) {
	big := bytes.Repeat([]byte("abc"), wire.MaxFrame)
	want := []wire.Frame{
		{Kind: wire.KindCall, Stream: 1, Data: []byte("{}")},
		{Node: 7, Kind: wire.KindResult, Stream: 2, Data: big},
		{Node: 65535, Kind: wire.KindEnd, Stream: wire.AgentStreams},
	}
	var pipe bytes.Buffer
	w := wire.NewWriter(&pipe)
	for _, f := range want {
		if err := w.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	r := wire.NewReader(&pipe)
	for _, f := range want {
		got, err := r.ReadMessage()
		if err != nil || got.Node != f.Node || got.Kind != f.Kind || got.Stream != f.Stream || !bytes.Equal(got.Data, f.Data) {
			t.Errorf("%v %d/%d: got %v with %d bytes, %v", f.Kind, f.Node, f.Stream, got.Kind, len(got.Data), err)
		}
	}
	if _, err := r.ReadMessage(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestPartsOfMessagesMix(t *testing.T) {
	var pipe bytes.Buffer
	w := wire.NewWriter(&pipe)
	for _, f := range []wire.Frame{
		{Kind: wire.KindResult, Stream: 1, More: true, Data: []byte("a")},
		{Kind: wire.KindResult, Stream: 2, More: true, Data: []byte("x")},
		{Kind: wire.KindOutput, Stream: 1, Data: []byte("o")},
		{Kind: wire.KindResult, Stream: 1, Data: []byte("b")},
		{Kind: wire.KindResult, Stream: 2, Data: []byte("y")},
	} {
		w.Relay(f)
	}
	r := wire.NewReader(&pipe)
	for _, want := range []string{"o", "ab", "xy"} {
		if f, err := r.ReadMessage(); string(f.Data) != want {
			t.Errorf("got %q, %v, want %q", f.Data, err, want)
		}
	}
}

func TestBadFrames(t *testing.T) {
	head := func(f wire.Frame, n int) string {
		return string(wire.AppendHeader(nil, wire.Frame{Kind: f.Kind, Data: make([]byte, n)}))
	}
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"text":          {"-bash: troupe: command not found\n", wire.ErrProtocol},
		"too long":      {head(wire.Frame{Kind: wire.KindCall}, wire.MaxFrame+1), wire.ErrProtocol},
		"unknown kind":  {head(wire.Frame{Kind: 99}, 0), wire.ErrProtocol},
		"cut in header": {"\x00\x00", io.ErrUnexpectedEOF},
		"cut in body":   {head(wire.Frame{Kind: wire.KindCall}, 5) + "abc", io.ErrUnexpectedEOF},
		"no body":       {head(wire.Frame{Kind: wire.KindCall}, 5), io.ErrUnexpectedEOF},
	} {
		if _, err := wire.NewReader(strings.NewReader(c.in)).ReadMessage(); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
}

func TestSkipToMagic(t *testing.T) {
	for _, noise := range []string{"", "Welcome!\n", "TRP", "TTRP\x01TRTRP\x01\x01", strings.Repeat("x", 100000)} {
		r := wire.NewReader(strings.NewReader(noise + wire.Magic + "UP\nrest"))
		before, err := r.SkipToMagic()
		line, _ := r.ReadLine()
		if err != nil || line != "UP" || !strings.HasSuffix(noise, string(before)) || len(before) > 9000 {
			t.Errorf("after %.20q: before %.20q, line %q, %v", noise, before, line, err)
		}
	}
	if _, err := wire.NewReader(strings.NewReader("no agent here")).SkipToMagic(); err != io.EOF {
		t.Errorf("without magic: %v", err)
	}
}

// cross passes the frames of each half to the other, as controller and agent do.
type cross struct {
	mu       sync.Mutex
	sender   *wire.Sender
	receiver *wire.Receiver
	inFlight int
	most     int
}

func (c *cross) Write(f wire.Frame) error {
	switch f.Kind {
	case wire.KindData:
		c.mu.Lock()
		c.inFlight += len(f.Data)
		c.most = max(c.most, c.inFlight)
		c.mu.Unlock()
		c.receiver.Push(bytes.Clone(f.Data))
	case wire.KindEnd:
		c.receiver.End(f.Data)
	case wire.KindCredit:
		c.mu.Lock()
		c.inFlight -= int(f.Data[0])<<24 | int(f.Data[1])<<16 | int(f.Data[2])<<8 | int(f.Data[3])
		c.mu.Unlock()
		c.sender.Credit(f.Data)
	case wire.KindStop:
		c.sender.Abort(wire.ErrStopped)
	}
	return nil
}

func newCross() *cross {
	c := &cross{}
	c.sender, c.receiver = wire.NewSender(c, 0, 1), wire.NewReceiver(c, 0, 1)
	return c
}

func TestStream(t *testing.T) {
	c := newCross()
	data := make([]byte, 5*wire.Window+123)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	go func() {
		_, err := c.sender.Write(data)
		c.sender.Close(err)
	}()
	got, err := io.ReadAll(c.receiver)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if c.most > wire.Window {
		t.Errorf("%d bytes were under way", c.most)
	}
}

func TestStreamEnds(t *testing.T) {
	t.Run("with an error", func(t *testing.T) {
		c := newCross()
		c.sender.Write([]byte("half"))
		c.sender.Close(errors.New("the disk broke"))
		got, err := io.ReadAll(c.receiver)
		if string(got) != "half" || err == nil || err.Error() != "the disk broke" {
			t.Errorf("got %q, %v", got, err)
		}
	})
	t.Run("by the reader", func(t *testing.T) {
		c := newCross()
		done := make(chan error)
		go func() {
			_, err := c.sender.Write(make([]byte, 3*wire.Window))
			done <- err
		}()
		c.receiver.Read(make([]byte, 10))
		c.receiver.Close()
		if err := <-done; !errors.Is(err, wire.ErrStopped) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("by a sender that ignores the window", func(t *testing.T) {
		c := newCross()
		for range wire.Window/wire.ChunkSize + 2 {
			c.receiver.Push(make([]byte, wire.ChunkSize))
		}
		if _, err := io.ReadAll(c.receiver); !errors.Is(err, wire.ErrProtocol) {
			t.Errorf("got %v", err)
		}
	})
}

// FuzzReader: no input panics or allocates without limit, and what is read can be written and read again.
func FuzzReader(f *testing.F) {
	var seed bytes.Buffer
	w := wire.NewWriter(&seed)
	w.Write(wire.Frame{Kind: wire.KindHello, Data: []byte("{}")})
	w.Relay(wire.Frame{Node: 1, Kind: wire.KindResult, Stream: 5, More: true, Data: []byte("ab")})
	w.Write(wire.Frame{Node: 1, Kind: wire.KindResult, Stream: 5, Data: []byte("c")})
	f.Add(seed.Bytes())
	f.Add([]byte("motd\nTRP\x01\x02UP\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var messages []wire.Frame
		r := wire.NewReader(bytes.NewReader(in))
		for {
			m, err := r.ReadMessage()
			if err != nil {
				break
			}
			messages = append(messages, m)
		}
		var out bytes.Buffer
		w := wire.NewWriter(&out)
		for _, m := range messages {
			w.Write(m)
		}
		r = wire.NewReader(&out)
		for _, m := range messages {
			got, err := r.ReadMessage()
			if err != nil || got.Kind != m.Kind || got.Stream != m.Stream || got.Node != m.Node || !bytes.Equal(got.Data, m.Data) {
				t.Fatalf("got %v %v, want %v", got, err, m)
			}
		}
	})
}
