package agent

import (
	"errors"
	"io"
	"sync"

	"github.com/troupe-automation/troupe/internal/wire"
)

// passOn gives a frame to our end of its stream. end is nil when the stream is over.
func passOn(end streamEnd, f wire.Frame) {
	switch e := end.(type) {
	case *wire.Receiver:
		if f.Kind == wire.KindData {
			e.Push(f.Data)
		} else if f.Kind == wire.KindEnd {
			e.End(f.Data)
		}
	case *sending:
		switch f.Kind {
		case wire.KindCredit:
			e.Credit(f.Data)
		case wire.KindStop:
			e.Abort(wire.ErrStopped)
		case wire.KindEnd:
			e.acknowledge(f.Data)
		}
	}
}

// pull opens a stream of bytes from the controller.
func (s *server) pull(call uint32, what string) (io.ReadCloser, error) {
	s.mu.Lock()
	number := s.newStream()
	r := wire.NewReceiver(s.out, 0, number)
	s.streams[number] = r
	s.mu.Unlock()
	if err := s.open(number, call, what); err != nil {
		return nil, err
	}
	if s.ctx.Err() != nil {
		r.Abort(s.ctx.Err())
	}
	return &pulled{r, s, number}, nil
}

func (s *server) newStream() uint32 {
	n := s.nextStream
	if s.nextStream++; s.nextStream < wire.AgentStreams {
		s.nextStream = wire.AgentStreams
	}
	return n
}

func (s *server) open(number, call uint32, what string) error {
	err := s.out.Write(wire.Frame{Kind: wire.KindOpen, Stream: number, Data: wire.Encode(wire.Open{Call: call, What: what})})
	if err != nil {
		s.drop(number)
	}
	return err
}

func (s *server) drop(number uint32) {
	s.mu.Lock()
	delete(s.streams, number)
	s.mu.Unlock()
}

type pulled struct {
	*wire.Receiver
	s      *server
	number uint32
}

func (p *pulled) Close() error {
	p.s.drop(p.number)
	return p.Receiver.Close()
}

// send streams r to the controller and returns when all of it is stored there.
func (s *server) send(call uint32, r io.Reader) error {
	s.mu.Lock()
	number := s.newStream()
	out := &sending{Sender: wire.NewSender(s.out, 0, number), stored: make(chan error, 1)}
	s.streams[number] = out
	s.mu.Unlock()
	defer s.drop(number)
	if err := s.open(number, call, "receive"); err != nil {
		return err
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{out}, struct{ io.Reader }{r}, make([]byte, wire.ChunkSize))
	if closeErr := out.Close(err); err == nil {
		err = closeErr
	}
	if err != nil {
		return err
	}
	select {
	case err = <-out.stored:
		return err
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

// sending is a Sender whose reader says when it has stored everything.
type sending struct {
	*wire.Sender
	once   sync.Once
	stored chan error
}

func (e *sending) acknowledge(body []byte) {
	var err error
	if len(body) > 0 {
		err = errors.New(string(body))
		e.Abort(err)
	}
	e.once.Do(func() { e.stored <- err })
}

// blobs are contents by their hash, kept as long as the agent lives.
type blobs struct {
	mu   sync.Mutex
	data map[string]*blob
}

type blob struct {
	mu   sync.Mutex
	data []byte
}

func newBlobs() *blobs { return &blobs{data: map[string]*blob{}} }

// blob returns a blob, pulled when this is its first use. Concurrent callers wait for one transfer.
func (s *server) blob(call uint32, hash string) ([]byte, error) {
	s.blobs.mu.Lock()
	b := s.blobs.data[hash]
	if b == nil {
		b = &blob{}
		s.blobs.data[hash] = b
	}
	s.blobs.mu.Unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.data != nil {
		return b.data, nil
	}
	r, err := s.pull(call, "blob:"+hash)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err == nil {
		b.data = data
	}
	return data, err
}
