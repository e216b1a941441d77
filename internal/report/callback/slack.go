package callback

import (
	"crypto/rand"
	"encoding/hex"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/config"
)

// slack tells a Slack channel about playbooks and plays that begin, and how it ended.
type slack struct {
	*Display
	to                      *poster
	channel, username, guid string
	by                      Invocation
}

func newSlack(d *Display, opt Options) Callback {
	address := opt.settingText(config.Setting{Name: "webhook_url", Env: []string{"SLACK_WEBHOOK_URL"}, Ini: []config.IniKey{{Section: "callback_slack", Key: "webhook_url"}}})
	if address == "" {
		d.Warning("Slack Webhook URL was not provided. The Slack Webhook URL can be provided using the `SLACK_WEBHOOK_URL` environment variable.")
		return silent{}
	}
	certs := config.Truth(opt.setting(config.Setting{Name: "validate_certs", Type: "boolean", Default: true, Env: []string{"SLACK_VALIDATE_CERTS"}, Ini: []config.IniKey{{Section: "callback_slack", Key: "validate_certs"}}}))
	id := make([]byte, 3)
	_, _ = rand.Read(id) // never fails
	return &slack{
		Display: d, to: newPoster(address, certs), guid: hex.EncodeToString(id), by: opt.Invocation,
		channel:  opt.settingText(config.Setting{Name: "channel", Default: "#ansible", Env: []string{"SLACK_CHANNEL"}, Ini: []config.IniKey{{Section: "callback_slack", Key: "channel"}}}),
		username: opt.settingText(config.Setting{Name: "username", Default: "ansible", Env: []string{"SLACK_USERNAME"}, Ini: []config.IniKey{{Section: "callback_slack", Key: "username"}}}),
	}
}

// silent is a notification that has nobody to tell.
type silent struct{}

func (silent) Emit(event.Event) {}

type slackAttachment struct {
	Fallback string       `json:"fallback"`
	Text     string       `json:"text,omitempty"`
	Fields   []slackField `json:"fields,omitempty"`
	Color    string       `json:"color"`
	Markdown []string     `json:"mrkdwn_in"`
}

type slackField struct {
	Value string `json:"value"`
}

// Emit implements event.Sink.
func (s *slack) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.PlaybookStart:
		who, how := "", ""
		if s.Verbosity > 1 {
			who, how = s.invocation()
		}
		s.send("*Playbook initiated* (_"+s.guid+"_) "+who+"\n\n*"+filepath.Base(e.File)+"*"+how, "warning", true)
	case *event.PlayStart:
		name := e.Name
		if name == "" {
			name = "Play name not specified (" + e.ID + ")"
		}
		s.send("*Starting play* (_"+s.guid+"_)\n\n*"+name+"*", "warning", false)
	case *event.Stats:
		verdict, color := "*Success!*", "good"
		if failedHosts(e) != nil {
			verdict, color = "*Failed!*", "danger"
		}
		s.send("*Playbook Complete* (_"+s.guid+"_)\n\n"+verdict+"\n```\n"+recapTable(e)+"\n```", color, true)
	}
}

// invocation tells, at -vv, who started the run and what the command line was, as the collection's plugin does.
func (s *slack) invocation() (who, how string) {
	who = "None"
	if s.by.RemoteUser != "" {
		who = s.by.RemoteUser
	}
	var b strings.Builder
	line := func(title string, words []string, by string) {
		if len(words) > 0 {
			b.WriteString(title + strings.Join(words, by) + "\n")
		}
	}
	places := make([]string, len(s.by.Inventory))
	for i, p := range s.by.Inventory {
		if abs, err := filepath.Abs(p); err == nil {
			p = abs
		}
		places[i] = p
	}
	line("Inventory:  ", places, ", ")
	line("Tags:       ", s.by.Tags, ", ")
	line("Skip Tags:  ", s.by.SkipTags, ", ")
	if s.by.Limit != "" {
		line("Limit:      ", []string{s.by.Limit}, "")
	}
	line("Extra Vars: ", s.by.ExtraVars, " ")
	return "by *" + who + "* ", "\n```\n" + b.String() + "```"
}

func (s *slack) send(msg, color string, field bool) {
	a := slackAttachment{Fallback: msg, Color: color, Markdown: []string{"text", "fallback", "fields"}}
	if field {
		a.Fields = []slackField{{msg}}
	} else {
		a.Text = msg
	}
	err := s.to.post(s.to.url, map[string]any{"channel": s.channel, "username": s.username, "attachments": []slackAttachment{a}, "parse": "none"})
	if err != nil {
		s.Warning("Could not submit message to Slack: " + err.Error())
	}
}

// failedHosts are the hosts that failed or could not be reached, sorted.
func failedHosts(e *event.Stats) []string {
	var out []string
	for _, h := range e.Hosts {
		if s := e.ByHost[h]; s.Failed > 0 || s.Unreachable > 0 {
			out = append(out, h)
		}
	}
	slices.Sort(out)
	return out
}

// recapTable draws the recap as a table of text.
func recapTable(e *event.Stats) string {
	rows := [][]string{{"Host", "Ok", "Changed", "Unreachable", "Failures", "Rescued", "Ignored"}}
	hosts := slices.Sorted(slices.Values(e.Hosts))
	for _, h := range hosts {
		s, row := e.ByHost[h], []string{h}
		for _, n := range []int{s.OK, s.Changed, s.Unreachable, s.Failed, s.Rescued, s.Ignored} {
			row = append(row, strconv.Itoa(n))
		}
		rows = append(rows, row)
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	var b strings.Builder
	line := func() {
		for _, w := range width {
			b.WriteString("+" + strings.Repeat("-", w+2))
		}
		b.WriteString("+")
	}
	line()
	for i, row := range rows {
		b.WriteString("\n")
		for j, cell := range row {
			size := len([]rune(cell))
			left := (width[j] - size) / 2
			if (width[j]-size)%2 == 1 && size%2 == 0 {
				left++
			}
			b.WriteString("| " + strings.Repeat(" ", left) + cell + strings.Repeat(" ", width[j]-size-left) + " ")
		}
		b.WriteString("|")
		if i == 0 || i == len(rows)-1 {
			b.WriteString("\n")
			line()
		}
	}
	return b.String()
}
