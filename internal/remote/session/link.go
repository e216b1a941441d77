package session

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/remote/become"
	"github.com/troupe-automation/troupe/internal/remote/connection"
	"github.com/troupe-automation/troupe/internal/remote/pymodule"
	"github.com/troupe-automation/troupe/internal/wire"
)

// link is the controller's end of a running agent: it hands out stream numbers and gives each incoming frame to the
// call or stream it belongs to.
type link struct {
	hello wire.Hello
	cfg   Config
	imgs  *images
	here  bool   // the host is this machine
	stop  func() // ends the process
	proc  connection.Process
	out   *wire.Writer
	tail  *tail // of stderr
	read  chan struct{}

	mu         sync.Mutex
	nextStream uint32
	nextNode   uint16
	nodes      map[string]*node // by become key and image
	byNumber   map[uint16]*node
	calls      map[uint32]*call
	pulls      map[pullKey]*pull
	err        error // set when the link is lost
	closing    bool
}

// node is an agent: the login user's is number 0.
type node struct {
	number uint16
	pass   string
	user   string        // that tasks became, "" for the login user
	busy   int           // calls that have the node; link.mu is held
	offer  *call         // stands for a further image while the node may ask for it, or nil
	err    error         // why it did not start or ended
	ended  chan struct{} // closed when err is set
}

type call struct {
	Call
	image  *images // what is offered instead of running a module, or nil
	stream uint32
	node   *node
	done   chan outcome // capacity 1
	once   sync.Once
}

type outcome struct {
	result json.RawMessage
	err    error
}

func (c *call) finish(o outcome) { c.once.Do(func() { c.done <- o }) }

// pull is a stream that an agent opened: bytes to it (payload, blob) or from it (receive).
type pull struct {
	call     *call
	sender   *wire.Sender
	receiver *wire.Receiver
}

type pullKey struct {
	node   uint16
	stream uint32
}

func newLink(proc connection.Process, frames *wire.Reader, out *wire.Writer, hello wire.Hello, errTail *tail, cfg Config, imgs *images, here bool, stop func()) *link {
	l := &link{
		hello: hello, cfg: cfg, imgs: imgs, here: here, stop: stop, proc: proc, out: out, tail: errTail, read: make(chan struct{}), nextNode: 1,
		nodes: map[string]*node{}, byNumber: map[uint16]*node{}, calls: map[uint32]*call{}, pulls: map[pullKey]*pull{},
	}
	n := &node{ended: make(chan struct{})}
	l.nodes[""], l.byNumber[0] = n, n
	go func() {
		defer close(l.read)
		l.lose(l.receive(frames))
	}()
	return l
}

func (l *link) lost() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err != nil
}

// close asks the agent to end by closing its input, and waits a moment for it to clean up.
func (l *link) close() {
	l.mu.Lock()
	l.closing = true
	l.mu.Unlock()
	l.proc.Stdin().Close()
	select {
	case <-l.read:
	case <-time.After(2 * time.Second):
	}
	l.stop()
}

// lose fails everything under way.
func (l *link) lose(cause error) {
	l.mu.Lock()
	if l.err == nil {
		if l.closing {
			l.err = errClosed
		} else {
			l.err = lostError(l.tail.String(), cause)
		}
	}
	err, calls, pulls, nodes := l.err, l.calls, l.pulls, l.byNumber
	l.calls, l.pulls, l.byNumber, l.nodes = map[uint32]*call{}, map[pullKey]*pull{}, map[uint16]*node{}, map[string]*node{}
	l.mu.Unlock()
	for _, n := range nodes {
		n.end(err)
	}
	for _, c := range calls {
		c.finish(outcome{err: err})
	}
	for _, p := range pulls {
		p.abort(err)
	}
}

func (n *node) end(err error) {
	select {
	case <-n.ended:
	default:
		n.err = err
		close(n.ended)
	}
}

func (p *pull) abort(err error) {
	if p.sender != nil {
		p.sender.Abort(err)
	}
	if p.receiver != nil {
		p.receiver.Abort(err)
	}
}

func (l *link) receive(frames *wire.Reader) error {
	for {
		f, err := frames.ReadMessage()
		if err != nil {
			return err
		}
		if err := l.dispatch(f); err != nil {
			return err
		}
	}
}

func (l *link) dispatch(f wire.Frame) error {
	if f.Stream >= wire.AgentStreams {
		return l.dispatchPull(f)
	}
	switch f.Kind {
	case wire.KindHello:
		l.nodeUp(f.Node)
		return nil // its calls were sent ahead
	case wire.KindGone:
		l.nodeEnded(f.Node, lostError(strings.TrimSpace(string(f.Data)), nil))
		return nil
	}
	l.mu.Lock()
	c := l.calls[f.Stream]
	l.mu.Unlock()
	switch f.Kind {
	case wire.KindOutput:
		if c != nil && c.Output != nil && len(f.Data) > 1 {
			c.Output(streamName(f.Data[0]), f.Data[1:])
		}
	case wire.KindResult:
		if c != nil {
			c.finish(outcome{result: f.Data})
		}
	case wire.KindFail:
		var failure wire.Failure
		if err := json.Unmarshal(f.Data, &failure); err != nil {
			return fmt.Errorf("%w: failure: %w", wire.ErrProtocol, err)
		}
		if f.Stream == 0 {
			l.nodeEnded(f.Node, asTaskError(&failure))
		} else if c != nil {
			c.finish(outcome{err: asTaskError(&failure)})
		}
	default:
		return fmt.Errorf("%w: unexpected %s frame", wire.ErrProtocol, f.Kind)
	}
	return nil
}

// nodeUp withdraws the image that a node was offered.
func (l *link) nodeUp(number uint16) {
	l.mu.Lock()
	n := l.byNumber[number]
	var offer *call
	if n != nil {
		offer, n.offer = n.offer, nil
	}
	l.mu.Unlock()
	if offer != nil {
		l.forget(offer)
	}
}

// nodeEnded fails what runs on a node. The next call for the same user starts another.
func (l *link) nodeEnded(number uint16, err error) {
	l.nodeUp(number)
	l.mu.Lock()
	n := l.byNumber[number]
	delete(l.byNumber, number)
	for k, v := range l.nodes {
		if v == n {
			delete(l.nodes, k)
		}
	}
	var calls []*call
	for _, c := range l.calls {
		if c.node == n {
			calls = append(calls, c)
		}
	}
	var pulls []*pull
	for k, p := range l.pulls {
		if k.node == number {
			pulls = append(pulls, p)
			delete(l.pulls, k)
		}
	}
	l.mu.Unlock()
	if n != nil {
		n.end(err)
	}
	for _, c := range calls {
		c.finish(outcome{err: err})
	}
	for _, p := range pulls {
		p.abort(err)
	}
}

func (l *link) dispatchPull(f wire.Frame) error {
	key := pullKey{f.Node, f.Stream}
	l.mu.Lock()
	p := l.pulls[key]
	l.mu.Unlock()
	if f.Kind == wire.KindOpen {
		if p != nil {
			return fmt.Errorf("%w: stream %d opened twice", wire.ErrProtocol, f.Stream)
		}
		return l.openPull(key, f.Data)
	}
	if p == nil {
		return nil // it was given up while this frame was under way
	}
	switch f.Kind {
	case wire.KindCredit:
		if p.sender != nil {
			p.sender.Credit(f.Data)
		}
	case wire.KindStop:
		if p.sender != nil {
			p.sender.Abort(wire.ErrStopped)
		}
	case wire.KindData:
		if p.receiver != nil {
			p.receiver.Push(f.Data)
		}
	case wire.KindEnd:
		if p.receiver != nil {
			p.receiver.End(f.Data)
		}
	default:
		return fmt.Errorf("%w: unexpected %s frame in a stream", wire.ErrProtocol, f.Kind)
	}
	return nil
}

func (l *link) openPull(key pullKey, body []byte) error {
	var open wire.Open
	if err := json.Unmarshal(body, &open); err != nil {
		return fmt.Errorf("%w: open: %w", wire.ErrProtocol, err)
	}
	l.mu.Lock()
	c := l.calls[open.Call]
	if c == nil || c.node.number != key.node {
		l.mu.Unlock()
		return l.refuse(key, "the call is over")
	}
	p := &pull{call: c}
	if open.What == "receive" {
		p.receiver = wire.NewReceiver(l.out, key.node, key.stream)
	} else {
		p.sender = wire.NewSender(l.out, key.node, key.stream)
	}
	l.pulls[key] = p
	l.mu.Unlock()
	// These end with the stream: the agent stops it, or lose and forget abort it.
	if p.receiver != nil {
		go l.store(key, p)
	} else {
		go l.serve(key, p, open.What)
	}
	return nil
}

func (l *link) refuse(key pullKey, why string) error {
	return l.out.Write(wire.Frame{Node: key.node, Kind: wire.KindEnd, Stream: key.stream, Data: []byte(why)})
}

// serve sends a payload, a blob or an image.
func (l *link) serve(key pullKey, p *pull, what string) {
	defer l.drop(key)
	if what == "payload" {
		if p.call.Payload == nil {
			p.sender.Close(errors.New("no payload was offered"))
			return
		}
		r, err := p.call.Payload.Open()
		if err == nil {
			_, err = io.CopyBuffer(p.sender, struct{ io.Reader }{r}, make([]byte, wire.ChunkSize))
			r.Close()
		}
		p.sender.Close(err)
		return
	}
	if asked, ok := strings.CutPrefix(what, "image:"); ok && p.call.image != nil {
		machine, encoding, _ := strings.Cut(asked, ":")
		data, size, err := p.call.image.load(machine, encoding == "gz")
		if err == nil {
			l.cfg.Log(3, fmt.Sprintf("sending the agent's image %s, %d bytes", strings.TrimPrefix(p.call.image.suffix, "-"), len(data)))
			err = sendImage(p.sender, data, size)
		}
		p.sender.Close(err)
		return
	}
	blob, ok := findBlob(p.call.Python, strings.TrimPrefix(what, "blob:"))
	if !ok {
		p.sender.Close(fmt.Errorf("unknown stream %q", what))
		return
	}
	_, err := p.sender.Write(blob.Data)
	p.sender.Close(err)
}

func findBlob(m *pymodule.Module, hash string) (pymodule.Blob, bool) {
	if m == nil {
		return pymodule.Blob{}, false
	}
	if m.Source.Hash == hash {
		return m.Source, true
	}
	for _, b := range m.Libraries {
		if b.Hash == hash {
			return b, true
		}
	}
	return pymodule.Blob{}, false
}

// store takes the file that a module sends. The empty end frame tells the module that all is written.
func (l *link) store(key pullKey, p *pull) {
	defer l.drop(key)
	var w io.Writer = io.Discard
	if p.call.Receive != nil {
		w = p.call.Receive
	}
	_, err := io.CopyBuffer(struct{ io.Writer }{w}, struct{ io.Reader }{p.receiver}, make([]byte, wire.ChunkSize))
	why := ""
	if err != nil {
		why = err.Error()
	}
	l.refuse(key, why) // an error here means the link is lost, which the call learns by itself
}

func (l *link) drop(key pullKey) {
	l.mu.Lock()
	delete(l.pulls, key)
	l.mu.Unlock()
}

// further is an image beside the first, nil where that has its modules, too.
func (l *link) further(image string) (*images, error) {
	made := l.imgs.more[image]
	if made == nil {
		return nil, nil
	}
	imgs := made()
	if imgs == nil {
		return nil, &TaskError{Code: wire.FailInternal, Msg: "the agent's image " + image + " cannot be read"}
	}
	return imgs, nil
}

// node returns the agent of a become user, or of the login user when spec is nil, with the modules of an image;
// "" is the first. It is asked for without waiting: calls go after the request, and fail with it. The caller gives it back.
func (l *link) node(spec *become.Spec, image string, limit time.Duration) (*node, error) {
	key, pass := "", ""
	if spec != nil {
		key, pass = spec.Key(), spec.Pass
	}
	further, err := l.further(image)
	if err != nil {
		return nil, err
	}
	if further != nil {
		key += "\x00" + image
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return nil, l.err
	}
	if n := l.nodes[key]; n != nil && n.pass == pass {
		n.busy++
		return n, nil
	}
	imgs, at := l.imgs, l.hello.Exe
	if further != nil {
		imgs, at = further, ""
	}
	cmd := become.Command{Argv: []string{"/bin/sh", "-c", starter(at, imgs, spec != nil && spec.Guest())}}
	if spec != nil {
		if cmd, err = become.Build(*spec, starter(at, imgs, spec.Guest())); err != nil {
			return nil, &TaskError{Code: wire.FailBecome, Msg: err.Error()}
		}
	}
	n := &node{number: l.nextNode, pass: pass, busy: 1, ended: make(chan struct{})}
	if spec != nil {
		n.user = spec.User
	}
	l.nextNode++
	l.nodes[key], l.byNumber[n.number] = n, n
	request := wire.Frame{Kind: wire.KindBecome, Data: wire.Encode(wire.Become{
		Node: n.number, Command: cmd.Argv, Method: cmd.Method, Secret: pass, Prompts: cmd.Prompts,
		Wrong: cmd.Wrong, Missing: cmd.Missing, PTY: cmd.PTY, Seconds: seconds(limit),
	})}
	if further != nil {
		n.offer = &call{image: imgs, node: l.byNumber[0], done: make(chan outcome, 1)}
		l.register(n.offer)
		request.Stream = n.offer.stream
	}
	if err := l.out.Write(request); err != nil {
		return nil, lostError("", err)
	}
	return n, nil
}

// giveBack says that a call has done with its node.
func (l *link) giveBack(n *node) {
	l.mu.Lock()
	n.busy--
	l.mu.Unlock()
}

// leave ends the idle agents of a user that tasks became, and waits until they have. The next call for the user starts another.
func (l *link) leave(ctx context.Context, user string) error {
	var idle []*node
	l.mu.Lock()
	for _, n := range l.byNumber {
		if n.user == user && n.busy == 0 {
			idle = append(idle, n)
		}
	}
	maps.DeleteFunc(l.nodes, func(_ string, n *node) bool { return slices.Contains(idle, n) })
	l.mu.Unlock()
	for _, n := range idle {
		if err := l.out.Write(wire.Frame{Node: n.number, Kind: wire.KindLeave}); err != nil {
			return lostError("", err)
		}
	}
	for _, n := range idle {
		select {
		case <-n.ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// register gives a call its stream. l.mu is held.
func (l *link) register(c *call) {
	l.nextStream++
	if l.nextStream >= wire.AgentStreams {
		l.nextStream = 1
	}
	c.stream = l.nextStream
	l.calls[c.stream] = c
}

// ModuleArgs are the arguments of a module that is not native, complete, as it finds them in the directory tmp.
func (c *Call) ModuleArgs(tmp string) (map[string]json.RawMessage, error) {
	m := message(*c)
	return m.ModuleArgs(tmp)
}

// message is a call as it travels.
func message(c Call) wire.Call {
	m := wire.Call{
		Module: c.Module, Args: c.Args, Check: c.Check, Diff: c.Diff, Verbosity: c.Verbosity, Env: c.Env,
		Receive: c.Receive != nil, Output: c.Output != nil, RemoteTmp: c.RemoteTmp, Tmp: c.Tmp, Python: c.Interpreter,
	}
	if c.Payload != nil {
		m.Payload = &wire.Payload{Size: c.Payload.Size, SHA1: c.Payload.SHA1}
	}
	if p := c.Python; p != nil {
		m.Foreign = &wire.Foreign{Name: p.Name, Full: p.FullName, Style: p.Style, Source: p.Source.Hash, Interpreter: p.Interpreter, Probe: p.Probe, KeepFiles: c.Keep, File: c.File, NoFile: c.NoFile}
		for _, b := range p.Libraries {
			m.Foreign.Library = append(m.Foreign.Library, b.Hash)
		}
	}
	if c.Async != nil {
		m.Async = &wire.Async{JID: c.Async.JID, Seconds: seconds(c.Async.Limit), Dir: c.Async.Dir}
	}
	return m
}

func (l *link) run(ctx context.Context, n *node, c Call) (json.RawMessage, error) {
	m := message(c)
	body, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("arguments of module %s: %w", c.Module, err)
	}
	active := &call{Call: c, node: n, done: make(chan outcome, 1)}
	l.mu.Lock()
	if l.err != nil {
		l.mu.Unlock()
		return nil, l.err
	}
	l.register(active)
	l.mu.Unlock()
	defer l.forget(active)

	if err := l.out.Write(wire.Frame{Node: n.number, Kind: wire.KindCall, Stream: active.stream, Data: body}); err != nil {
		return nil, lostError(l.tail.String(), err)
	}
	select {
	case o := <-active.done:
		return o.result, o.err
	case <-n.ended:
		return nil, n.err
	case <-ctx.Done():
	}
	// The agent answers when the processes are gone; a host that does not answer is not waited for.
	if l.out.Write(wire.Frame{Node: n.number, Kind: wire.KindCancel, Stream: active.stream}) == nil {
		select {
		case <-active.done:
		case <-n.ended:
		case <-time.After(3 * time.Second):
		}
	}
	return nil, ctx.Err()
}

func (l *link) forget(c *call) {
	l.mu.Lock()
	delete(l.calls, c.stream)
	var left []*pull
	for _, p := range l.pulls {
		if p.call == c {
			left = append(left, p)
		}
	}
	l.mu.Unlock()
	for _, p := range left {
		p.abort(errors.New("the call is over"))
	}
}

// tail keeps the last bytes written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if len(t.text) > 8<<10 {
		t.text = append(t.text[:0], t.text[len(t.text)-4<<10:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.text))
}
