// Package stream serves those who watch: the websocket that AWX's web pages speak, and server-sent events for everybody else. Both give all
// events of a job in their order, from any place on, and the states of all jobs that the user may see.
//
// Mounted by internal/server beside the API.
package stream

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/troupe-automation/troupe/internal/server/api"
	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/live"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Server answers those who watch.
type Server struct {
	DB   *store.DB
	Auth *auth.Auth
	Hub  *live.Hub
	Log  *slog.Logger
	// Stop is closed when the server ends: those who watch would keep it for ever.
	Stop <-chan struct{}

	active sync.WaitGroup
}

// Wait waits, after Stop, until everybody has been let go.
func (s *Server) Wait() { s.active.Wait() }

// Paths are the addresses it answers.
var Paths = []string{"/websocket/", "/api/websocket/", "/events/"}

const (
	quiet = 20 * time.Second // a sign of life goes out when there is nothing else
	slow  = 30 * time.Second // who takes longer for one message is let go
)

// ServeHTTP answers one who watches.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.active.Add(1)
	defer s.active.Done()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go func() { // ends with the request
		select {
		case <-s.Stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	if strings.HasSuffix(r.URL.Path, "/websocket/") {
		s.websocket(ctx, w, r)
		return
	}
	s.events(ctx, w, r)
}

// mayRead tells whether somebody may see a job.
func (s *Server) mayRead(tx *store.Tx, who rbac.Actor, kind domain.Type, id int64) (bool, error) {
	r := domain.Of(kind)
	return rbac.Check(tx, who, r, r.Access.Read, id)
}

// events are server-sent events: of one job with ?job=N, after the event that Last-Event-ID or ?after= names; of all jobs' states without.
func (s *Server) events(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	tx := s.DB.Read(ctx)
	refuse := func(status int, text string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprintf(w, "{\"detail\":%s}", domain.Encode(text))
	}
	if r.Method != http.MethodGet {
		refuse(http.StatusMethodNotAllowed, fmt.Sprintf("Method %q not allowed.", r.Method))
		return
	}
	who, known, err := s.Auth.Request(tx, r)
	if err != nil || !known {
		refuse(http.StatusUnauthorized, "Authentication credentials were not provided.")
		return
	}
	wake := make(chan struct{}, 1)
	var follower *live.Follower
	var watcher *live.Watcher
	if text := r.URL.Query().Get("job"); text != "" {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			refuse(http.StatusBadRequest, fmt.Sprintf("job must be a number, not %q.", text))
			return
		}
		kind, err := tx.TypeOf("unified_job", id)
		may := false
		if err == nil {
			may, err = s.mayRead(tx, who, kind, id)
		}
		if err != nil || !may {
			refuse(http.StatusNotFound, "Not found.")
			return
		}
		after := int64(0)
		for _, text := range []string{r.Header.Get("Last-Event-ID"), r.URL.Query().Get("after")} {
			if text != "" {
				if after, err = strconv.ParseInt(text, 10, 64); err != nil || after < 0 {
					refuse(http.StatusBadRequest, fmt.Sprintf("The number of an event must be a number, not %q.", text))
					return
				}
				break
			}
		}
		follower = s.Hub.Follow(id, kind, after, wake)
		defer follower.Close()
		if err := follower.Start(tx); err != nil {
			refuse(http.StatusInternalServerError, "A server error has occurred.")
			return
		}
	} else {
		watcher = s.Hub.Watch(wake)
		defer watcher.Close()
	}
	out := &sse{w: w, control: http.NewResponseController(w)}
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // a proxy before us must not collect
	w.WriteHeader(http.StatusOK)
	out.flush()
	alive := time.NewTicker(quiet)
	defer alive.Stop()
	for {
		if follower != nil {
			done, err := out.job(tx, follower)
			if err != nil || done {
				return
			}
		} else if !out.states(s, tx, who, watcher) {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-alive.C:
			out.line(": \n\n")
			out.flush()
		}
		if out.err != nil {
			return
		}
	}
}

// sse writes server-sent events.
type sse struct {
	w       http.ResponseWriter
	control *http.ResponseController
	err     error
}

func (o *sse) line(text string) {
	if o.err == nil {
		_ = o.control.SetWriteDeadline(time.Now().Add(slow))
		_, o.err = o.w.Write([]byte(text))
	}
}

func (o *sse) flush() {
	if o.err == nil {
		o.err = o.control.Flush()
	}
}

// job writes what a job has told; done says that it has ended and all of it was written.
func (o *sse) job(tx *store.Tx, f *live.Follower) (done bool, err error) {
	for {
		batches, more, ended, err := f.Next(tx)
		if err != nil {
			return false, err
		}
		for _, b := range batches {
			for i, text := range b.Shown(api.LiveEvent) {
				o.line("id: " + strconv.FormatInt(b.Events[i].Counter, 10) + "\ndata: " + string(text) + "\n\n")
			}
		}
		if ended {
			o.line(fmt.Sprintf("event: end\ndata: {\"final_counter\":%d}\n\n", f.At()))
		}
		if ended || !more {
			o.flush()
			return ended, o.err
		}
	}
}

// states writes the new states of jobs; false ends the stream, because some were missed.
func (o *sse) states(s *Server, tx *store.Tx, who rbac.Actor, w *live.Watcher) bool {
	list, missed := w.Next()
	for _, st := range list {
		if may, err := s.mayRead(tx, who, st.Kind, st.Job); err != nil || !may {
			continue
		}
		message, _ := st.Shown(s.status)
		o.line("event: status\ndata: " + string(message) + "\n\n")
	}
	if len(list) > 0 {
		o.flush()
	}
	return !missed && o.err == nil
}

// status is a job's state as AWX tells it, and what follows when all events are there.
func (s *Server) status(st *live.Status) (message, ending []byte) {
	m := map[string]any{"unified_job_id": st.Job, "status": st.Status, "type": st.Kind, "group_name": "jobs", "unified_job_template_id": nil}
	tx := s.DB.Read(context.Background())
	if st.Template != 0 {
		m["unified_job_template_id"] = st.Template
	}
	if st.Finished != "" {
		m["finished"] = st.Finished
	}
	if st.Group != 0 && st.Status != "pending" {
		if g, err := tx.Get("instance_group", st.Group); err == nil {
			m["instance_group_name"] = g.Str("name")
		}
	}
	if st.Project != 0 && st.Kind == "project_update" {
		m["project_id"] = st.Project
	}
	if st.Source != 0 {
		m["inventory_source_id"] = st.Source
	}
	if st.Launch == "workflow" {
		if node, err := tx.One("workflow_job_node", store.Is("job", st.Job)); err == nil {
			m["workflow_job_id"], m["workflow_node_id"] = node.Int("workflow_job"), node.ID()
		}
	}
	if st.Ended && st.Kind != "workflow_job" && st.Kind != "workflow_approval" {
		ending = domain.Encode(map[string]any{"group_name": "jobs", "unified_job_id": st.Job, "final_counter": st.Events})
	}
	return domain.Encode(m), ending
}
