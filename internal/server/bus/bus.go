// Package bus carries work and words between the processes of one installation: queues whose messages one of them takes, questions that
// one of them answers, and news for all. It is NATS: a server inside this process that listens nowhere, or an own one, single or a
// cluster, that several processes share. Nothing depends on it for the truth: what the database says counts, and a message that
// is lost or comes twice only costs time.
//
// Opened by internal/server for internal/server/dispatch and internal/server/live.
package bus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Config says where the bus is.
type Config struct {
	// URLs are the addresses of an own NATS, separated by commas; "" runs one inside this process.
	URLs string
	// Credentials is a file with a key for it, as NATS's tools make them; "" for none.
	Credentials string
	Dir         string // for the server inside this process
	Log         *slog.Logger
}

// Bus is one connection to it.
type Bus struct {
	log      *slog.Logger
	embedded *server.Server
	conn     *nats.Conn
	js       jetstream.JetStream
	stream   jetstream.Stream
}

const (
	streamName = "TROUPE_JOBS"
	work       = "troupe.jobs."
	words      = "troupe."
	// remembered is how long a message's id keeps a second one of the same id out.
	remembered = 2 * time.Minute
	// unanswered is when a message that was given to a process is given to another.
	unanswered = 10 * time.Second
)

// Open connects; the queues are there when it returns.
func Open(ctx context.Context, c Config) (b *Bus, err error) {
	b = &Bus{log: c.Log}
	defer func() {
		if err != nil {
			b.Close()
		}
	}()
	options := []nats.Option{nats.Name("troupe"), nats.MaxReconnects(-1), nats.ReconnectWait(250 * time.Millisecond), nats.RetryOnFailedConnect(false),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				c.Log.Warn("the bus is away", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { c.Log.Warn("bus", "error", err) })}
	urls, storage := c.URLs, jetstream.FileStorage
	if urls == "" {
		// In memory: when this process ends, so does everything that a message was for.
		storage = jetstream.MemoryStorage
		b.embedded, err = server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: c.Dir, NoSigs: true, NoLog: true, JetStreamMaxMemory: 64 << 20, JetStreamMaxStore: 1 << 20})
		if err != nil {
			return b, fmt.Errorf("starting the bus: %w", err)
		}
		b.embedded.Start()
		if !b.embedded.ReadyForConnections(10 * time.Second) {
			return b, errors.New("the bus inside this process did not start in ten seconds")
		}
		options = append(options, nats.InProcessServer(b.embedded))
	} else if c.Credentials != "" {
		options = append(options, nats.UserCredentials(c.Credentials))
	}
	if b.conn, err = nats.Connect(urls, options...); err != nil {
		return b, fmt.Errorf("connecting to the bus: %w", err)
	}
	if b.js, err = jetstream.New(b.conn); err != nil {
		return b, err
	}
	// Three copies where there are three servers. One that is there already keeps what an administrator gave it.
	if b.stream, err = b.js.Stream(ctx, streamName); err == nil {
		return b, nil
	}
	for _, copies := range []int{3, 1} {
		if copies > 1 && len(b.conn.Servers()) < copies {
			continue
		}
		b.stream, err = b.js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: streamName, Subjects: []string{work + ">"}, Retention: jetstream.WorkQueuePolicy, Storage: storage, Replicas: copies,
			Duplicates: remembered, MaxAge: 24 * time.Hour})
		if err == nil {
			return b, nil
		}
	}
	return b, fmt.Errorf("making the queue of jobs: %w", err)
}

// Close ends the connection, and the server inside this process.
func (b *Bus) Close() {
	if b.conn != nil {
		b.conn.Close()
	}
	if b.embedded != nil {
		b.embedded.Shutdown()
		b.embedded.WaitForShutdown()
	}
}

// Shared tells whether other processes may be on this bus.
func (b *Bus) Shared() bool { return b.embedded == nil }

// Put leaves a message in a queue; it is there when Put returns. A second message with the same id is dropped for a while.
func (b *Bus) Put(ctx context.Context, queue, id string, body []byte) error {
	_, err := b.js.Publish(ctx, work+queue, body, jetstream.WithMsgID(id))
	return err
}

// Queue is one process's end of a queue.
type Queue struct {
	name     string
	consumer jetstream.Consumer
}

// Queue opens a queue.
func (b *Bus) Queue(ctx context.Context, name string) (*Queue, error) {
	c, err := b.stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{Durable: "q" + name, FilterSubject: work + name, AckPolicy: jetstream.AckExplicitPolicy, AckWait: unanswered, MaxAckPending: 10000})
	if err != nil {
		return nil, fmt.Errorf("opening the queue %s: %w", name, err)
	}
	return &Queue{name, c}, nil
}

// Message is work that was taken from a queue. One that is not done comes again, here or elsewhere.
type Message struct {
	Body []byte
	msg  jetstream.Msg
}

// Done removes the message.
func (m *Message) Done() error { return m.msg.Ack() }

// Later gives the message back.
func (m *Message) Later(wait time.Duration) error { return m.msg.NakWithDelay(wait) }

// Take waits for the next message until ctx is done; nil when there was none. Processes that ask get messages in turn.
func (q *Queue) Take(ctx context.Context) (*Message, error) {
	batch, err := q.consumer.Fetch(1, jetstream.FetchContext(ctx))
	if err != nil {
		return nil, err
	}
	for m := range batch.Messages() {
		return &Message{Body: m.Data(), msg: m}, nil
	}
	if err := batch.Error(); err != nil && !errors.Is(err, nats.ErrTimeout) && ctx.Err() == nil {
		return nil, err
	}
	return nil, nil
}

// Tell says something to all who hear.
func (b *Bus) Tell(subject string, body []byte) error { return b.conn.Publish(words+subject, body) }

// Hear calls f with what is told under a subject, one after the other, until stop is called; "*" stands for any one word of it.
func (b *Bus) Hear(subject string, f func(subject string, body []byte)) (stop func(), err error) {
	sub, err := b.conn.Subscribe(words+subject, func(m *nats.Msg) { f(strings.TrimPrefix(m.Subject, words), m.Data) })
	if err != nil {
		return nil, err
	}
	return func() { _ = sub.Unsubscribe() }, b.conn.Flush()
}

// Answer calls f with the questions that are asked under a subject and sends what it returns.
func (b *Bus) Answer(subject string, f func(body []byte) []byte) (stop func(), err error) {
	sub, err := b.conn.Subscribe(words+subject, func(m *nats.Msg) { _ = m.Respond(f(m.Data)) })
	if err != nil {
		return nil, err
	}
	return func() { _ = sub.Unsubscribe() }, b.conn.Flush()
}

// ErrNobody says that nobody answers questions under a subject.
var ErrNobody = nats.ErrNoResponders

// Ask asks a question and waits for the answer.
func (b *Bus) Ask(ctx context.Context, subject string, body []byte) ([]byte, error) {
	m, err := b.conn.RequestWithContext(ctx, words+subject, body)
	if err != nil {
		return nil, err
	}
	return m.Data, nil
}
