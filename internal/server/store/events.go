package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// Event is one event of a job: a narrow row to search by, and a body that lies compressed in a segment.
type Event struct {
	Job       int64           `json:"-"`
	Counter   int64           `json:"c"`
	Event     string          `json:"e"`
	Host      int64           `json:"h,omitempty"`
	HostName  string          `json:"n,omitempty"`
	Play      string          `json:"p,omitempty"`
	Playbook  string          `json:"b,omitempty"`
	Task      string          `json:"t,omitempty"`
	Role      string          `json:"r,omitempty"`
	Failed    bool            `json:"f,omitempty"`
	Changed   bool            `json:"g,omitempty"`
	Stdout    string          `json:"s,omitempty"`
	StartLine int64           `json:"l"`
	EndLine   int64           `json:"m"`
	Parent    int64           `json:"u,omitempty"` // counter of the event that this one belongs to
	Created   string          `json:"d"`
	Data      json.RawMessage `json:"x,omitempty"`
}

var (
	encoder = sync.OnceValue(func() *zstd.Encoder {
		e, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithEncoderLevel(zstd.SpeedDefault))
		return e
	})
	decoder = sync.OnceValue(func() *zstd.Decoder {
		d, _ := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(256<<20))
		return d
	})
)

// AppendEvents stores events of one job that follow each other.
func (tx *Tx) AppendEvents(job int64, events []Event) error {
	if len(events) == 0 {
		return nil
	}
	var raw bytes.Buffer
	for i := range events {
		b, err := json.Marshal(&events[i])
		if err != nil {
			return err
		}
		raw.Write(b)
		raw.WriteByte('\n')
	}
	_, err := tx.Exec("INSERT INTO event_segment (job, first, last, data) VALUES (?, ?, ?, ?)", job, events[0].Counter, events[len(events)-1].Counter, encoder().EncodeAll(raw.Bytes(), nil))
	if err != nil {
		return err
	}
	const columns = "(job, counter, event, host, host_name, task, failed, changed, start_line, end_line, parent)"
	for len(events) > 0 {
		n := min(len(events), 80)
		var args []any
		for i := range events[:n] {
			e := &events[i]
			args = append(args, job, e.Counter, e.Event, nullID(e.Host), nullText(e.HostName), nullText(e.Task), raw1(e.Failed), raw1(e.Changed), e.StartLine, e.EndLine, e.Parent)
		}
		marks := strings.TrimSuffix(strings.Repeat("(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?), ", n), ", ")
		if _, err := tx.Exec("INSERT INTO event_index "+columns+" VALUES "+marks, args...); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

func nullID(id int64) any {
	if id == 0 {
		return nil
	}
	return id
}

func nullText(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func raw1(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// EventQuery selects events: a condition over the columns of event_index t.
type EventQuery struct {
	Where  Condition
	Order  string
	Limit  int
	Offset int
}

// CountEvents counts events.
func (tx *Tx) CountEvents(where Condition) (int64, error) {
	var n int64
	return n, tx.Value(&n, "SELECT COUNT(*) FROM event_index t WHERE "+where.SQL, where.Args...)
}

// Events reads events with their bodies.
func (tx *Tx) Events(q EventQuery) ([]Event, error) {
	if q.Order == "" {
		q.Order = "t.job, t.counter"
	}
	query := "SELECT t.job, t.counter FROM event_index t WHERE " + q.Where.SQL + " ORDER BY " + q.Order
	if q.Limit > 0 {
		query += fmt.Sprintf(" LIMIT %d OFFSET %d", q.Limit, q.Offset)
	}
	type key struct{ job, counter int64 }
	var keys []key
	err := tx.Query(query, q.Where.Args, func(scan func(...any) error) error {
		var k key
		err := scan(&k.job, &k.counter)
		keys = append(keys, k)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := make([]Event, 0, len(keys))
	segments := map[int64]map[int64]Event{} // by job, by counter
	for _, k := range keys {
		e, ok := segments[k.job][k.counter]
		if !ok {
			if err := tx.segment(k.job, k.counter, segments); err != nil {
				return nil, err
			}
			if e, ok = segments[k.job][k.counter]; !ok {
				return nil, fmt.Errorf("event %d of job %d has no body", k.counter, k.job)
			}
		}
		out = append(out, e)
	}
	return out, nil
}

// DropEvents removes the last segments of a job, with the rows that tell of them, and summaries of hosts: so many events and a segment at most.
// more says that there are others. What is left of a job, if nobody goes on, are its first events.
func (tx *Tx) DropEvents(job int64, limit int64) (more bool, err error) {
	var from, n int64
	err = tx.Query("SELECT first, last FROM event_segment WHERE job = ? ORDER BY first DESC LIMIT ?", []any{job, limit}, func(scan func(...any) error) error {
		var first, last int64
		if n >= limit {
			return nil
		}
		if err := scan(&first, &last); err != nil {
			return err
		}
		from, n = first, n+last-first+1
		return nil
	})
	if err != nil {
		return false, err
	}
	if n > 0 {
		for _, s := range []string{"DELETE FROM event_index WHERE job = ? AND counter >= ?", "DELETE FROM event_segment WHERE job = ? AND first >= ?"} {
			if _, err := tx.Exec(s, job, from); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	hosts, err := tx.Exec("DELETE FROM job_host_summary WHERE id IN (SELECT id FROM job_host_summary WHERE job = ? LIMIT ?)", job, limit)
	return hosts == limit, err
}

// segment reads the segment that holds an event.
func (tx *Tx) segment(job, counter int64, into map[int64]map[int64]Event) error {
	var data []byte
	err := tx.Query("SELECT data FROM event_segment WHERE job = ? AND first <= ? ORDER BY first DESC LIMIT 1", []any{job, counter}, func(scan func(...any) error) error { return scan(&data) })
	if err != nil {
		return err
	}
	return decodeSegment(job, data, func(e Event) {
		if into[job] == nil {
			into[job] = map[int64]Event{}
		}
		into[job][e.Counter] = e
	})
}

func decodeSegment(job int64, data []byte, f func(Event)) error {
	raw, err := decoder().DecodeAll(data, nil)
	if err != nil {
		return fmt.Errorf("events of job %d: %w", job, err)
	}
	for line := range bytes.Lines(raw) {
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			return fmt.Errorf("events of job %d: %w", job, err)
		}
		e.Job = job
		f(e)
	}
	return nil
}

// EachEvent runs f for all events of a job in their order; it reads one segment at a time.
func (tx *Tx) EachEvent(job int64, f func(Event)) error {
	var firsts []int64
	err := tx.Query("SELECT first FROM event_segment WHERE job = ? ORDER BY first", []any{job}, func(scan func(...any) error) error {
		var n int64
		err := scan(&n)
		firsts = append(firsts, n)
		return err
	})
	if err != nil {
		return err
	}
	for _, first := range firsts {
		var data []byte
		if err := tx.Query("SELECT data FROM event_segment WHERE job = ? AND first = ?", []any{job, first}, func(scan func(...any) error) error { return scan(&data) }); err != nil {
			return err
		}
		if err := decodeSegment(job, data, f); err != nil {
			return err
		}
	}
	return nil
}
