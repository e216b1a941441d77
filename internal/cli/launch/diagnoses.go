package launch

import (
	"fmt"
	"io"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/diag"
	"github.com/troupe-automation/troupe/internal/report/callback"
	"github.com/troupe-automation/troupe/internal/report/render"
)

// diagnoses tells at the end of a run why tasks failed, each mistake once with the hosts it was met on (cli-ux §3). It
// is used where Ansible's own words are not what somebody expects to read from stderr.
type diagnoses struct {
	display *callback.Display
	found   []*diagnosis
	byText  map[string]*diagnosis
}

type diagnosis struct {
	diag  *diag.Diagnostic
	task  string
	hosts []string
}

// Emit implements event.Sink.
func (d *diagnoses) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.Result:
		if e.Diagnosis == nil || e.Ignored || e.Task.NoLog || e.Status != event.Failed {
			return
		}
		key := e.Diagnosis.Error()
		one := d.byText[key]
		if one == nil {
			one = &diagnosis{diag: e.Diagnosis, task: e.Task.Name}
			if d.byText == nil {
				d.byText = map[string]*diagnosis{}
			}
			d.byText[key] = one
			d.found = append(d.found, one)
		}
		one.hosts = append(one.hosts, e.Host.Name)
	case *event.Stats:
		for _, one := range d.found {
			io.WriteString(d.display.Err.W, render.Full(one.diag, d.display.Err))
			fmt.Fprintf(d.display.Err.W, " in task %q on %s\n\n", one.task, hostList(one.hosts))
		}
		d.found, d.byText = nil, nil
	}
}

// hostList names a few hosts and counts the rest.
func hostList(hosts []string) string {
	const most = 5
	if len(hosts) <= most {
		return strings.Join(hosts, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(hosts[:most], ", "), len(hosts)-most)
}
