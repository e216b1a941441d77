// Package wire is what controller and agent say to each other: frames, the messages in them, and the flow control of
// byte streams. It decides nothing about where bytes come from or what is run.
//
// One byte pipe each way carries everything. A frame names a node (0 is the login agent, others are the agents of
// become users, started by node 0, which relays their frames unread) and a stream within it. Streams below
// AgentStreams are opened by the controller (one per call), those from it on by an agent (one per pulled or sent file).
//
// Called by internal/remote/session on the controller and internal/target/agent on targets. Standard library only.
package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
)

// Version is the protocol version both sides must share. The agent's file name holds a hash of its content, so a
// mismatch means a foreign program answered.
const Version = 1

// Magic opens what the remote side says: everything before it (banners of shell start files) is skipped. A line of text
// follows: LineUp, after which frames come, or what the starting script has to say (LineMiss, LineNone). A script can
// print it too: printf "TRP\001\002".
const Magic = "TRP\x01\x02"

// The lines after Magic.
const (
	LineUp   = "UP"   // the agent runs
	LineMiss = "MISS" // followed by OS, machine, gz or raw, directory: send the agent
	LineNone = "NONE" // followed by the reason why no agent can be started
)

// Sizes, in bytes.
const (
	HeaderSize = 12
	MaxFrame   = 256 << 10 // body of one frame
	MaxMessage = 512 << 20 // body of a message of several frames
	ChunkSize  = 64 << 10  // data frames of byte streams
	Window     = 1 << 20   // unacknowledged bytes of a byte stream
)

// AgentStreams is the first stream number that agents use for streams they open.
const AgentStreams = 1 << 31

// Kind says what a frame is.
type Kind uint8

// The kinds. C: controller to agent, A: agent to controller.
const (
	KindHello  Kind = 1 + iota // A: Hello, first frame of a node
	KindCall                   // C: Call, opens a stream
	KindCancel                 // C: stop the call of this stream
	KindBecome                 // C: Become, to node 0: start another node
	KindResult                 // A: the module's result, JSON; ends the call
	KindFail                   // A: Failure; ends the call, or the start of a node
	KindOutput                 // A: a stream byte (1 stdout, 2 stderr) and what the command printed
	KindOpen                   // A: Open, opens a stream
	KindData                   // both: bytes of a stream
	KindEnd                    // both: end of a stream; body is the error text, empty when all is well
	KindCredit                 // both: uint32, so many bytes of the stream were consumed
	KindStop                   // both: the reader of a stream wants no more
	KindGone                   // A: node ended; body is what it last said on stderr
	KindLeave                  // C: the node ends
	kindLimit
)

func (k Kind) String() string {
	names := [...]string{"?", "hello", "call", "cancel", "become", "result", "fail", "output", "open", "data", "end", "credit", "stop", "gone", "leave"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("kind %d", uint8(k))
}

// Frame is one message, or (as Reader.ReadFrame gives it) a part of one.
type Frame struct {
	Node   uint16
	Kind   Kind
	More   bool // the message goes on in the next frame of the same node, stream and kind
	Stream uint32
	Data   []byte
}

// ErrProtocol is wrapped by every error about bytes that are no frame.
var ErrProtocol = errors.New("not the agent protocol")

// Writer writes frames. It may be used by several goroutines.
type Writer struct {
	mu  sync.Mutex
	w   io.Writer
	buf []byte
	err error
}

// NewWriter returns a Writer on w. Each frame is one Write.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Write sends a message, in several frames when it is large. After an error every Write returns that error.
func (w *Writer) Write(f Frame) error {
	for len(f.Data) > MaxFrame {
		part := f
		part.Data, part.More = f.Data[:MaxFrame], true
		if err := w.writeFrame(part); err != nil {
			return err
		}
		f.Data = f.Data[MaxFrame:]
	}
	return w.writeFrame(f)
}

// Relay sends one frame as it is.
func (w *Writer) Relay(f Frame) error { return w.writeFrame(f) }

func (w *Writer) writeFrame(f Frame) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err != nil {
		return w.err
	}
	w.buf = append(AppendHeader(w.buf[:0], f), f.Data...)
	if _, err := w.w.Write(w.buf); err != nil {
		w.err = err
	}
	return w.err
}

// AppendHeader appends the header of f.
func AppendHeader(b []byte, f Frame) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.Data)))
	b = binary.BigEndian.AppendUint16(b, f.Node)
	var more byte
	if f.More {
		more = 1
	}
	b = append(b, byte(f.Kind), more)
	return binary.BigEndian.AppendUint32(b, f.Stream)
}

// Reader reads frames. It is used by one goroutine.
type Reader struct {
	r       *bufio.Reader
	partial map[partKey][]byte
	size    int
}

type partKey struct {
	node   uint16
	kind   Kind
	stream uint32
}

// NewReader returns a Reader on r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 64<<10)} }

// SkipToMagic reads up to and including Magic and returns what came before it, at most its last 4 KiB.
func (r *Reader) SkipToMagic() (before []byte, err error) {
	matched := 0
	for {
		c, err := r.r.ReadByte()
		if err != nil {
			return before, err
		}
		if c == Magic[matched] {
			matched++
			if matched == len(Magic) {
				return before, nil
			}
			continue
		}
		before = append(before, Magic[:matched]...)
		matched = 0
		if c == Magic[0] {
			matched = 1
		} else {
			before = append(before, c)
		}
		if len(before) > 8<<10 {
			before = append(before[:0], before[len(before)-4<<10:]...)
		}
	}
}

// ReadLine reads a line of text, without its end, before the frames begin.
func (r *Reader) ReadLine() (string, error) {
	line, err := r.r.ReadSlice('\n')
	if err != nil {
		return string(line), err
	}
	return string(line[:len(line)-1]), nil
}

// Peek returns the next n bytes without consuming them.
func (r *Reader) Peek(n int) ([]byte, error) { return r.r.Peek(n) }

// ReadFrame returns the next frame as it came. Its Data belongs to the caller. io.EOF means the other side ended between frames.
func (r *Reader) ReadFrame() (Frame, error) {
	var h [HeaderSize]byte
	if _, err := io.ReadFull(r.r, h[:]); err != nil {
		return Frame{}, err
	}
	n := binary.BigEndian.Uint32(h[0:])
	f := Frame{Node: binary.BigEndian.Uint16(h[4:]), Kind: Kind(h[6]), More: h[7] == 1, Stream: binary.BigEndian.Uint32(h[8:])}
	if n > MaxFrame || f.Kind == 0 || f.Kind >= kindLimit || h[7] > 1 {
		return Frame{}, fmt.Errorf("%w: header %q", ErrProtocol, h[:])
	}
	f.Data = make([]byte, n)
	if _, err := io.ReadFull(r.r, f.Data); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	return f, nil
}

// ReadMessage returns the next whole message.
func (r *Reader) ReadMessage() (Frame, error) {
	for {
		f, err := r.ReadFrame()
		if err != nil {
			return f, err
		}
		if f, whole, err := r.Join(f); err != nil || whole {
			return f, err
		}
	}
}

// Join adds f to the message it is a part of, and returns the message when it is whole.
func (r *Reader) Join(f Frame) (Frame, bool, error) {
	if !f.More && len(r.partial) == 0 {
		return f, true, nil
	}
	k := partKey{f.Node, f.Kind, f.Stream}
	part, begun := r.partial[k]
	if !f.More && !begun {
		return f, true, nil
	}
	if r.size+len(f.Data) > MaxMessage {
		return f, false, fmt.Errorf("%w: message of more than %d bytes", ErrProtocol, MaxMessage)
	}
	r.size += len(f.Data)
	part = append(part, f.Data...)
	if f.More {
		if r.partial == nil {
			r.partial = map[partKey][]byte{}
		}
		r.partial[k] = part
		return f, false, nil
	}
	delete(r.partial, k)
	r.size -= len(part)
	f.Data = part
	return f, true, nil
}
