package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"sync"
)

// Writing is where stream halves send their frames.
type Writing interface{ Write(Frame) error }

// ErrStopped is what a Sender returns after its reader lost interest.
var ErrStopped = errors.New("the reader of the stream stopped")

// Sender is the writing half of a byte stream. At most Window bytes are under way unread.
type Sender struct {
	w      Writing
	node   uint16
	stream uint32

	mu     sync.Mutex
	wake   *sync.Cond
	credit int
	err    error
}

// NewSender returns the writing half of a stream.
func NewSender(w Writing, node uint16, stream uint32) *Sender {
	s := &Sender{w: w, node: node, stream: stream, credit: Window}
	s.wake = sync.NewCond(&s.mu)
	return s
}

// Write sends p in chunks, waiting for the reader when it is behind.
func (s *Sender) Write(p []byte) (int, error) {
	done := 0
	for len(p) > 0 {
		s.mu.Lock()
		for s.credit <= 0 && s.err == nil {
			s.wake.Wait()
		}
		if s.err != nil {
			s.mu.Unlock()
			return done, s.err
		}
		n := min(len(p), ChunkSize, s.credit)
		s.credit -= n
		s.mu.Unlock()
		if err := s.w.Write(Frame{Node: s.node, Kind: KindData, Stream: s.stream, Data: p[:n]}); err != nil {
			return done, err
		}
		done, p = done+n, p[n:]
	}
	return done, nil
}

// Close ends the stream; cause is nil when everything was sent.
func (s *Sender) Close(cause error) error {
	text := ""
	if cause != nil {
		text = cause.Error()
	}
	s.Abort(io.ErrClosedPipe)
	return s.w.Write(Frame{Node: s.node, Kind: KindEnd, Stream: s.stream, Data: []byte(text)})
}

// Credit takes the body of a KindCredit frame.
func (s *Sender) Credit(body []byte) {
	if len(body) != 4 {
		return
	}
	s.mu.Lock()
	s.credit = min(s.credit+int(binary.BigEndian.Uint32(body)), Window)
	s.mu.Unlock()
	s.wake.Broadcast()
}

// Abort makes pending and later Writes fail with err.
func (s *Sender) Abort(err error) {
	s.mu.Lock()
	if s.err == nil {
		s.err = err
	}
	s.mu.Unlock()
	s.wake.Broadcast()
}

// Receiver is the reading half of a byte stream.
type Receiver struct {
	w      Writing
	node   uint16
	stream uint32

	mu     sync.Mutex
	wake   *sync.Cond
	chunks [][]byte
	held   int // bytes in chunks
	owed   int // bytes read and not yet credited
	err    error
	closed bool
}

// NewReceiver returns the reading half of a stream.
func NewReceiver(w Writing, node uint16, stream uint32) *Receiver {
	r := &Receiver{w: w, node: node, stream: stream}
	r.wake = sync.NewCond(&r.mu)
	return r
}

// Push takes the body of a KindData frame. A sender that ignores the window ends the stream.
func (r *Receiver) Push(b []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil || r.closed {
		return
	}
	if r.held += len(b); r.held > Window+ChunkSize {
		r.err = ErrProtocol
	}
	r.chunks = append(r.chunks, b)
	r.wake.Broadcast()
}

// End takes the body of a KindEnd frame.
func (r *Receiver) End(body []byte) {
	if len(body) > 0 {
		r.Abort(errors.New(string(body)))
		return
	}
	r.Abort(io.EOF)
}

// Abort makes Reads fail with err after what has already arrived.
func (r *Receiver) Abort(err error) {
	r.mu.Lock()
	if r.err == nil {
		r.err = err
	}
	r.mu.Unlock()
	r.wake.Broadcast()
}

// Read implements io.Reader.
func (r *Receiver) Read(p []byte) (int, error) {
	r.mu.Lock()
	for len(r.chunks) == 0 && r.err == nil && !r.closed {
		r.wake.Wait()
	}
	if r.closed {
		r.mu.Unlock()
		return 0, io.ErrClosedPipe
	}
	if len(r.chunks) == 0 {
		defer r.mu.Unlock()
		return 0, r.err
	}
	n := copy(p, r.chunks[0])
	if n == len(r.chunks[0]) {
		r.chunks = r.chunks[1:]
	} else {
		r.chunks[0] = r.chunks[0][n:]
	}
	r.held -= n
	r.owed += n
	owed := 0
	if r.owed >= Window/4 && r.err == nil {
		owed, r.owed = r.owed, 0
	}
	r.mu.Unlock()
	if owed > 0 {
		if err := r.w.Write(Frame{Node: r.node, Kind: KindCredit, Stream: r.stream, Data: binary.BigEndian.AppendUint32(nil, uint32(owed))}); err != nil {
			return n, err
		}
	}
	return n, nil
}

// Close tells the sender to stop, unless all has been read.
func (r *Receiver) Close() error {
	r.mu.Lock()
	over := r.err != nil || r.closed
	r.closed, r.chunks = true, nil
	r.mu.Unlock()
	r.wake.Broadcast()
	if over {
		return nil
	}
	return r.w.Write(Frame{Node: r.node, Kind: KindStop, Stream: r.stream})
}
