package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"github.com/troupe-automation/troupe/internal/wire"
)

// runOnce runs the call in a file and tells how it ended. It is both ends of the protocol in one process.
func runOnce(ctx context.Context, file string, cfg Config) (*wire.OnceReply, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var once wire.Once
	if err := json.Unmarshal(data, &once); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	toAgent, fromUs := io.Pipe()
	fromAgent, toUs := io.Pipe()
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, toAgent, toUs, cfg); toUs.Close() }() // ends with fromUs
	p := &peer{once: once, out: wire.NewWriter(fromUs), senders: map[uint32]*wire.Sender{}}
	reply, err := p.talk(wire.NewReader(fromAgent))
	fromUs.Close()
	go io.Copy(io.Discard, fromAgent) // what is left, until Serve ends
	if serr := <-served; err == nil {
		err = serr
	}
	return reply, err
}

// peer is the controller's side of the one call.
type peer struct {
	once     wire.Once
	out      *wire.Writer
	mu       sync.Mutex
	senders  map[uint32]*wire.Sender
	receiver *wire.Receiver
	into     uint32
	file     []byte
	stored   chan struct{}
}

const onceStream = 1

func (p *peer) talk(frames *wire.Reader) (*wire.OnceReply, error) {
	if _, err := frames.SkipToMagic(); err != nil {
		return nil, err
	}
	if _, err := frames.ReadLine(); err != nil {
		return nil, err
	}
	if _, err := frames.ReadMessage(); err != nil { // hello
		return nil, err
	}
	if err := p.out.Write(wire.Frame{Kind: wire.KindCall, Stream: onceStream, Data: wire.Encode(p.once.Call)}); err != nil {
		return nil, err
	}
	for {
		f, err := frames.ReadMessage()
		if err != nil {
			return nil, err
		}
		switch f.Kind {
		case wire.KindResult:
			if p.stored != nil {
				<-p.stored
			}
			return &wire.OnceReply{Result: json.RawMessage(append([]byte(nil), f.Data...)), File: p.file}, nil
		case wire.KindFail:
			var fail wire.Failure
			if err := json.Unmarshal(f.Data, &fail); err != nil {
				return nil, err
			}
			return &wire.OnceReply{Failure: &fail}, nil
		case wire.KindOpen:
			if err := p.open(f); err != nil {
				return nil, err
			}
		case wire.KindData, wire.KindEnd, wire.KindCredit, wire.KindStop:
			p.pass(f)
		}
	}
}

// open serves what the agent asks for: the payload, a blob, or a place for the file that the module sends.
func (p *peer) open(f wire.Frame) error {
	var open wire.Open
	if err := json.Unmarshal(f.Data, &open); err != nil {
		return err
	}
	if open.What == "receive" {
		r := wire.NewReceiver(p.out, 0, f.Stream)
		p.receiver, p.into, p.stored = r, f.Stream, make(chan struct{})
		go func() { // ends with the stream
			defer close(p.stored)
			data, err := io.ReadAll(r)
			why := ""
			if err != nil {
				why = err.Error()
			}
			p.file = data
			p.out.Write(wire.Frame{Kind: wire.KindEnd, Stream: f.Stream, Data: []byte(why)})
		}()
		return nil
	}
	data, known := p.once.Payload, true
	if hash, ok := strings.CutPrefix(open.What, "blob:"); ok {
		data, known = p.once.Blobs[hash]
	}
	s := wire.NewSender(p.out, 0, f.Stream)
	p.mu.Lock()
	p.senders[f.Stream] = s
	p.mu.Unlock()
	go func() { // ends when the agent has read it, or with the agent
		if !known {
			s.Close(fmt.Errorf("unknown stream %q", open.What))
			return
		}
		_, err := s.Write(data)
		s.Close(err)
	}()
	return nil
}

func (p *peer) pass(f wire.Frame) {
	p.mu.Lock()
	s := p.senders[f.Stream]
	p.mu.Unlock()
	switch {
	case f.Kind == wire.KindCredit && s != nil:
		s.Credit(f.Data)
	case f.Kind == wire.KindStop && s != nil:
		s.Abort(wire.ErrStopped)
	case f.Kind == wire.KindData && p.receiver != nil && f.Stream == p.into:
		p.receiver.Push(f.Data)
	case f.Kind == wire.KindEnd && p.receiver != nil && f.Stream == p.into:
		p.receiver.End(f.Data)
	}
}
