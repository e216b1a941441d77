package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/secret"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Place is what the secrets of a template's configuration are encrypted for; "." and the entry's name follow.
const Place = "notification_template.notification_configuration"

const (
	patience = 30 * time.Second
	look     = 5 * time.Second // after rows of other processes
	atOnce   = 8
)

// Sender sends what waits in the table of notifications.
type Sender struct {
	db   *store.DB
	box  *secret.Box
	node string
	log  *slog.Logger
	wake chan struct{}
}

// NewSender makes a Sender; Run starts it.
func NewSender(db *store.DB, box *secret.Box, node string, log *slog.Logger) *Sender {
	return &Sender{db: db, box: box, node: node, log: log, wake: make(chan struct{}, 1)}
}

// Wake makes it look for work now.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// sending is what a row says while this node sends it.
func (s *Sender) sending() string { return "being sent by " + s.node }

// Run sends until ctx is done.
func (s *Sender) Run(ctx context.Context) error {
	// What this node was about to send when it died may have been sent: it is not sent again.
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.UpdateWhere("notification", store.All(store.Is("status", "pending"), store.Is("error", s.sending())), domain.Record{"status": "failed", "error": "The server stopped while it was sent."})
		return err
	})
	if err != nil {
		return err
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		if err := s.all(ctx); err != nil && ctx.Err() == nil {
			s.log.Error("notifications", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.wake:
		case <-tick.C:
		}
	}
}

// all sends what waits now, some at a time.
func (s *Sender) all(ctx context.Context) error {
	for {
		rows, err := s.db.Read(ctx).List(domain.Of("notification"), store.Where("t.status = 'pending' AND t.error = ''"), store.Page{Limit: 100})
		if err != nil || len(rows) == 0 {
			return err
		}
		done := make(chan error)
		places := make(chan struct{}, atOnce)
		for _, rec := range rows {
			go func() {
				places <- struct{}{}
				err := s.one(ctx, rec)
				<-places
				done <- err
			}()
		}
		for range rows {
			err = errors.Join(err, <-done)
		}
		if err != nil {
			return err
		}
	}
}

// one sends a notification and stores how that went; of several processes that see it one sends it.
func (s *Sender) one(ctx context.Context, rec domain.Record) error {
	mine := int64(0)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		var err error
		mine, err = tx.UpdateWhere("notification", store.All(store.Is("id", rec.ID()), store.Is("status", "pending"), store.Is("error", "")), domain.Record{"error": s.sending()})
		return err
	})
	if err != nil || mine == 0 {
		return err
	}
	result := domain.Record{"status": "successful", "error": ""}
	n, failed := s.send(ctx, rec)
	result["notifications_sent"] = n
	if failed != nil {
		result["status"], result["error"] = "failed", failed.Error()
	}
	return s.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		_, err := tx.UpdateWhere("notification", store.Is("id", rec.ID()), result)
		return err
	})
}

// Letter is one thing to say, with the settings of the template that says it.
type Letter struct {
	Subject string
	Body    string
	to      []string
	conf    map[string]any
}

func (l *Letter) text(name string) string { s, _ := l.conf[name].(string); return s }
func (l *Letter) on(name string) bool     { b, _ := l.conf[name].(bool); return b }

func (l *Letter) number(name string, otherwise int) int {
	switch n := l.conf[name].(type) {
	case float64:
		return int(n)
	case string:
		var i int
		if _, err := fmt.Sscan(n, &i); err == nil {
			return i
		}
	}
	return otherwise
}

func (s *Sender) send(ctx context.Context, rec domain.Record) (int, error) {
	template, err := s.db.Read(ctx).Get("notification_template", rec.Int("notification_template"))
	if err != nil {
		return 0, err
	}
	ch := channels[template.Str("notification_type")]
	if ch.send == nil {
		return 0, fmt.Errorf("this server cannot send by %s", template.Str("notification_type"))
	}
	l := &Letter{Subject: rec.Str("subject"), conf: map[string]any{}}
	if err := rec.Into("body", &l.Body); err != nil {
		return 0, err
	}
	if err := template.Into("notification_configuration", &l.conf); err != nil {
		return 0, err
	}
	for k, v := range l.conf {
		if text, is := v.(string); is && secret.Sealed(text) {
			if l.conf[k], err = s.box.Open(Place+"."+k, text); err != nil {
				return 0, err
			}
		}
	}
	switch to := l.conf[ch.to].(type) {
	case string:
		l.to = []string{to}
	case []any:
		for _, x := range to {
			if text, is := x.(string); is {
				l.to = append(l.to, text)
			}
		}
	}
	if len(l.to) == 0 {
		return 0, fmt.Errorf("%s names nobody", ch.to)
	}
	ctx, stop := context.WithTimeout(ctx, patience)
	defer stop()
	return ch.send(ctx, l)
}
