package event

import (
	"encoding/json"
	"time"

	"github.com/troupe-automation/troupe/value"
)

// Version is the version of the lines that Encode writes. It grows when a line changes its meaning; new fields and new types of
// lines do not change it, so readers skip what they do not know.
const Version = 1

// Line is one event as a line of JSON: the machine interface of a run, for whoever is no part of this program. Fields that
// a type of event does not have are left out.
type Line struct {
	V      int       `json:"v"`
	Type   string    `json:"type"`
	Time   time.Time `json:"time"`
	Stdout string    `json:"stdout,omitempty"` // what the stdout callback and the warnings said because of the event

	Task    *TaskLine       `json:"task,omitempty"`
	Host    string          `json:"host,omitempty"`
	Address string          `json:"address,omitempty"` // of the host that the task was delegated to
	Status  Status          `json:"status,omitempty"`
	Ignored bool            `json:"ignored,omitempty"`
	Rescued bool            `json:"rescued,omitempty"`
	Loop    bool            `json:"loop,omitempty"`
	Item    string          `json:"item,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Started *time.Time      `json:"started,omitempty"`
	Seconds float64         `json:"seconds,omitempty"`

	ID      string                 `json:"id,omitempty"`
	Name    string                 `json:"name,omitempty"`
	Pattern string                 `json:"pattern,omitempty"`
	File    string                 `json:"file,omitempty"`
	Text    string                 `json:"text,omitempty"`
	Kind    string                 `json:"kind,omitempty"`
	Hosts   []string               `json:"hosts,omitempty"`
	ByHost  map[string]SummaryLine `json:"by_host,omitempty"`
	Custom  json.RawMessage        `json:"custom,omitempty"` // set_stats of the whole run
	Code    int                    `json:"code,omitempty"`
	Left    int                    `json:"left,omitempty"`
}

// TaskLine is the task of a line.
type TaskLine struct {
	ID      string  `json:"id"`
	Name    string  `json:"name"`
	Action  string  `json:"action"`
	Written string  `json:"written,omitempty"`
	Role    string  `json:"role,omitempty"`
	Section Section `json:"section,omitempty"`
	Path    string  `json:"path,omitempty"`
	NoLog   bool    `json:"no_log,omitempty"`
}

// SummaryLine is a host's line of the recap.
type SummaryLine struct {
	OK          int `json:"ok"`
	Changed     int `json:"changed"`
	Unreachable int `json:"unreachable"`
	Failed      int `json:"failed"`
	Skipped     int `json:"skipped"`
	Rescued     int `json:"rescued"`
	Ignored     int `json:"ignored"`
}

// NewLine is an event as a line; stdout is what was printed because of it. Results arrive here with their secrets hidden already.
func NewLine(e Event, at time.Time, stdout string) Line {
	l := Line{V: Version, Type: e.eventType(), Time: at.UTC(), Stdout: stdout}
	switch e := e.(type) {
	case *PlaybookStart:
		l.File = e.File
	case *PlayStart:
		l.ID, l.Name, l.Pattern, l.Hosts = e.ID, e.Name, e.Pattern, e.Hosts
	case *NoHostsMatched:
		l.Pattern = e.Pattern
	case *VarsPrompt:
		l.Name, l.Text = e.Name, e.Prompt
	case *TaskStart:
		l.task(e.Task)
		l.Host = e.Host
	case *HostStart:
		l.task(e.Task)
		l.host(e.Host)
	case *Result:
		l.task(e.Task)
		l.host(e.Host)
		l.Status, l.Ignored, l.Rescued, l.Loop = e.Status, e.Ignored, e.Rescued, e.Loop
		l.Result = resultJSON(e.Result)
		started := e.Started.UTC()
		l.Started, l.Seconds = &started, e.Duration.Seconds()
	case *ItemResult:
		l.task(e.Task)
		l.host(e.Host)
		l.Status, l.Ignored, l.Item = e.Status, e.Ignored, e.Label
		l.Result = resultJSON(e.Result)
	case *Retry:
		l.task(e.Task)
		l.host(e.Host)
		l.Left = e.Left
		l.Result = resultJSON(e.Result)
	case *AsyncPoll:
		l.task(e.Task)
		l.host(e.Host)
		l.ID, l.Kind = e.JobID, e.State
	case *Included:
		l.task(e.Task)
		l.Name, l.Hosts, l.Item = e.Name, e.Hosts, e.Label
	case *Notified:
		l.Host, l.Name = e.Host, e.Handler
	case *Progress:
		l.Host, l.Kind, l.Text = e.Host, e.Phase, string(e.Chunk)
	case *Message:
		l.Host, l.Text = e.Host, e.Text
	case *Warning:
		l.Kind, l.Text = e.Kind, e.Text
	case *Log:
		l.Host, l.Text = e.Host, e.Text
	case *Stats:
		l.Hosts, l.ByHost = e.Hosts, make(map[string]SummaryLine, len(e.ByHost))
		for host, s := range e.ByHost {
			l.ByHost[host] = SummaryLine(s)
		}
		l.Custom = resultJSON(e.Custom["_run"])
	case *End:
		l.Code = e.ExitCode
	}
	return l
}

func (l *Line) task(t *Task) {
	if t == nil {
		return
	}
	l.Task = &TaskLine{ID: t.ID, Name: t.Name, Action: t.Action, Written: t.Written, Role: t.Role, Section: t.Section, Path: t.Pos.String(), NoLog: t.NoLog}
}

func (l *Line) host(h Host) { l.Host, l.Address = h.Name, h.Delegate }

func resultJSON(d *value.Dict) json.RawMessage {
	if d == nil {
		return nil
	}
	s, err := value.JSON(d, value.JSONOptions{})
	if err != nil || !json.Valid([]byte(s)) { // NaN, say, is not JSON for everyone
		b, _ := json.Marshal(map[string]string{"msg": "the result cannot be written as JSON"})
		return b
	}
	return json.RawMessage(s)
}
