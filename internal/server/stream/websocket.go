package stream

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/troupe-automation/troupe/internal/server/api"
	"github.com/troupe-automation/troupe/internal/server/auth"
	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/live"
	"github.com/troupe-automation/troupe/internal/server/rbac"
	"github.com/troupe-automation/troupe/internal/server/store"
)

const (
	mostGroups  = 1000    // that one client may be in
	mostRequest = 1 << 20 // bytes of one message of a client
	mostAnswers = 1000    // that a client may leave unread
)

// eventGroups name the groups that have the events of one job of a kind.
var eventGroups = map[string]domain.Type{"job_events": "job", "project_update_events": "project_update", "inventory_update_events": "inventory_update", "ad_hoc_command_events": "ad_hoc_command",
	"system_job_events": "system_job"}

// client is one websocket.
type client struct {
	s    *Server
	ctx  context.Context
	conn *websocket.Conn
	tx   *store.Tx
	who  rbac.Actor
	csrf string
	wake chan struct{}

	mu        sync.Mutex // guards all below
	groups    []string
	followers map[string]*live.Follower // by group
	answers   [][]byte
}

// websocket speaks AWX's protocol: a client says which groups it wants to be in, again and again, and hears what goes on in them. What a session
// says must carry the session's token against forged requests. Beyond AWX, "after" gives for a job the counter of the event to go on after.
func (s *Server) websocket(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	tx := s.DB.Read(ctx)
	who, known, err := s.Auth.Request(tx, r)
	conn, acceptErr := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if acceptErr != nil {
		return // it has answered
	}
	defer conn.CloseNow()
	conn.SetReadLimit(mostRequest)
	if err != nil || !known {
		_ = write(ctx, conn, []byte(`{"close":true}`))
		_ = conn.Close(websocket.StatusPolicyViolation, "not logged in")
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := &client{s: s, ctx: ctx, conn: conn, tx: s.DB.Read(ctx), who: who, wake: make(chan struct{}, 1), followers: map[string]*live.Follower{}}
	if cookie, err := r.Cookie(auth.CSRFCookie); err == nil {
		c.csrf = cookie.Value
	}
	states := s.Hub.Watch(c.wake)
	defer states.Close()
	defer c.leave()
	if err := write(ctx, conn, domain.Encode(map[string]any{"accept": true, "user": who.ID})); err != nil {
		return
	}
	var reading sync.WaitGroup
	defer reading.Wait()
	defer cancel()
	reading.Go(func() {
		defer cancel()
		c.read()
	})
	if err := c.write(states); errors.Is(err, errMissed) {
		_ = conn.Close(websocket.StatusTryAgainLater, err.Error())
	}
}

var errMissed = errors.New("too slow: states of jobs were missed")

func write(ctx context.Context, conn *websocket.Conn, message []byte) error {
	ctx, cancel := context.WithTimeout(ctx, slow)
	defer cancel()
	return conn.Write(ctx, websocket.MessageText, message)
}

// answer lets the writing goroutine send something. A client that asks and asks and reads no answer is let go.
func (c *client) answer(v any) {
	c.mu.Lock()
	c.answers = append(c.answers, domain.Encode(v))
	tooMany := len(c.answers) > mostAnswers
	c.mu.Unlock()
	if tooMany {
		_ = c.conn.CloseNow()
	}
	c.knock()
}

func (c *client) knock() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// read takes the client's messages until there are no more.
func (c *client) read() {
	for {
		kind, body, err := c.conn.Read(c.ctx)
		if err != nil {
			return
		}
		var m struct {
			Token  string                     `json:"xrftoken"`
			Groups map[string]json.RawMessage `json:"groups"`
			After  map[string]int64           `json:"after"`
		}
		if kind != websocket.MessageText || json.Unmarshal(body, &m) != nil {
			c.answer(map[string]string{"error": "a message must be a JSON object"})
			continue
		}
		if c.csrf == "" || subtle.ConstantTimeCompare([]byte(m.Token), []byte(c.csrf)) != 1 {
			c.answer(map[string]string{"error": "access denied to channel"})
			continue
		}
		if m.Groups != nil {
			c.join(m.Groups, m.After)
		}
	}
}

// join puts the client into groups, and out of those it does not name again.
func (c *client) join(groups map[string]json.RawMessage, after map[string]int64) {
	var wanted []string
	for _, name := range sorted(groups) {
		var ids []any
		if json.Unmarshal(groups[name], &ids) != nil {
			c.answer(map[string]string{"error": "access denied to channel"})
			return
		}
		for _, v := range ids {
			if f, isNumber := v.(float64); isNumber {
				v = int64(f)
			}
			if group := fmt.Sprintf("%s-%v", name, v); !slices.Contains(wanted, group) && len(wanted) < mostGroups {
				wanted = append(wanted, group)
			}
		}
	}
	c.mu.Lock()
	old := c.groups
	c.mu.Unlock()
	current, joined, left := []string{}, []string{}, []string{}
	followers := map[string]*live.Follower{}
	for _, group := range wanted {
		name, word, _ := strings.Cut(group, "-")
		if slices.Contains(old, group) {
			current = append(current, group)
			continue
		}
		kind, isEvents := eventGroups[name]
		if isEvents || name == "workflow_events" {
			f, err := c.follow(kind, word, after)
			if err != nil {
				c.answer(map[string]string{"error": fmt.Sprintf("access denied to channel %s for resource id %s", name, word)})
				continue
			}
			if f != nil {
				followers[group] = f
			}
		}
		current, joined = append(current, group), append(joined, group)
	}
	for _, group := range old {
		if !slices.Contains(current, group) {
			left = append(left, group)
		}
	}
	c.mu.Lock()
	c.groups = current
	for group, f := range followers {
		c.followers[group] = f
	}
	for _, group := range left {
		if f := c.followers[group]; f != nil {
			f.Close()
			delete(c.followers, group)
		}
	}
	c.mu.Unlock()
	c.answer(map[string][]string{"groups_current": current, "groups_left": left, "groups_joined": joined})
}

func sorted(m map[string]json.RawMessage) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

var errDenied = errors.New("access denied")

// follow begins to follow a job that the user may see; workflows have no events of their own, their group is about their jobs' states.
func (c *client) follow(kind domain.Type, word string, after map[string]int64) (*live.Follower, error) {
	id, err := strconv.ParseInt(word, 10, 64)
	if err != nil {
		return nil, errDenied
	}
	real, err := c.tx.TypeOf("unified_job", id)
	if err != nil || kind != "" && real != kind || kind == "" && real != "workflow_job" {
		return nil, errDenied
	}
	if may, err := c.s.mayRead(c.tx, c.who, real, id); err != nil || !may {
		return nil, errDenied
	}
	if kind == "" {
		return nil, nil
	}
	from, given := after[word]
	if !given || from < 0 {
		from = -1 // as in AWX, what comes from now on
	}
	f := c.s.Hub.Follow(id, kind, from, c.wake)
	if err := f.Start(c.tx); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func (c *client) leave() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.followers {
		f.Close()
	}
}

// write sends what there is until ctx is done.
func (c *client) write(states *live.Watcher) error {
	alive := time.NewTicker(quiet)
	defer alive.Stop()
	for {
		c.mu.Lock()
		answers := c.answers
		c.answers = nil
		groups := c.groups
		followers := make([]*live.Follower, 0, len(c.followers))
		for _, f := range c.followers {
			followers = append(followers, f)
		}
		c.mu.Unlock()
		for _, a := range answers {
			if err := write(c.ctx, c.conn, a); err != nil {
				return err
			}
		}
		again := false
		for _, f := range followers {
			batches, more, _, err := f.Next(c.tx)
			if err != nil {
				return err
			}
			again = again || more
			for _, b := range batches {
				for _, text := range b.Shown(api.LiveEvent) {
					if err := write(c.ctx, c.conn, text); err != nil {
						return err
					}
				}
			}
		}
		list, missed := states.Next()
		if missed {
			return errMissed
		}
		for _, st := range list {
			if err := c.state(groups, st); err != nil {
				return err
			}
		}
		if again {
			continue
		}
		select {
		case <-c.ctx.Done():
			return c.ctx.Err()
		case <-c.wake:
		case <-alive.C:
			ctx, cancel := context.WithTimeout(c.ctx, slow)
			err := c.conn.Ping(ctx)
			cancel()
			if err != nil {
				return err
			}
		}
	}
}

// state sends a job's state to a client that is in a group of it, if its user may see the job.
func (c *client) state(groups []string, st *live.Status) error {
	changed := slices.Contains(groups, "jobs-status_changed")
	summary := slices.Contains(groups, "jobs-summary")
	message, ending := st.Shown(c.s.status)
	inWorkflow := ""
	if st.Launch == "workflow" {
		var m struct {
			Workflow int64 `json:"workflow_job_id"`
		}
		if json.Unmarshal(message, &m) == nil && slices.Contains(groups, fmt.Sprintf("workflow_events-%d", m.Workflow)) {
			inWorkflow = strings.Replace(string(message), `"group_name":"jobs"`, `"group_name":"workflow_events"`, 1)
		}
	}
	if !changed && !summary && inWorkflow == "" {
		return nil
	}
	if may, err := c.s.mayRead(c.tx, c.who, st.Kind, st.Job); err != nil || !may {
		return nil
	}
	if changed {
		if err := write(c.ctx, c.conn, message); err != nil {
			return err
		}
	}
	if inWorkflow != "" {
		if err := write(c.ctx, c.conn, []byte(inWorkflow)); err != nil {
			return err
		}
	}
	if summary && ending != nil {
		return write(c.ctx, c.conn, ending)
	}
	return nil
}
