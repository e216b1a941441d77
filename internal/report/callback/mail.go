package callback

import (
	"fmt"
	"io"
	"mime"
	"net"
	"net/mail"
	"net/smtp"
	"path/filepath"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/config"
	"github.com/troupe-automation/troupe/value"
)

// mailer mails what fails: one letter for each task that failed on a host. Results of no_log tasks come here without what they hold.
type mailer struct {
	*Display
	server      string
	sender      *mail.Address
	to, cc, bcc []*mail.Address
	now         func() time.Time
	book        string
	items       string // what failed in the loop at hand
	itemSubject string
}

func newMail(d *Display, opt Options) Callback {
	ini := func(key string) []config.IniKey { return []config.IniKey{{Section: "callback_mail", Key: key}} }
	m := &mailer{Display: d, now: opt.clock()}
	host := opt.settingText(config.Setting{Name: "mta", Default: "localhost", Env: []string{"SMTPHOST"}, Ini: ini("smtphost")})
	m.server = net.JoinHostPort(host, opt.settingText(config.Setting{Name: "mtaport", Type: "integer", Default: 25, Ini: ini("smtpport")}))
	addresses := func(s config.Setting) []*mail.Address {
		var out []*mail.Address
		for _, text := range opt.settingList(s) {
			a, err := mail.ParseAddress(text)
			if err != nil { // a name of this machine, as root
				a = &mail.Address{Address: text}
			}
			out = append(out, a)
		}
		return out
	}
	m.to = addresses(config.Setting{Name: "to", Default: "root", Ini: ini("to")})
	m.cc, m.bcc = addresses(config.Setting{Name: "cc", Ini: ini("cc")}), addresses(config.Setting{Name: "bcc", Ini: ini("bcc")})
	if from := addresses(config.Setting{Name: "sender", Ini: ini("sender")}); len(from) > 0 {
		m.sender = from[0]
	} else {
		d.Warning("The callback mail has no sender: set sender under [callback_mail].")
		return silent{}
	}
	return m
}

// Emit implements event.Sink.
func (m *mailer) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.PlaybookStart:
		m.book = filepath.Base(e.File)
	case *event.ItemResult:
		if e.Status == event.Failed {
			m.itemSubject = text(e.Result, "msg")
			m.items += blob(dumped(e.Result), "failed item dump '"+e.Label+"'")
		}
	case *event.Result:
		switch {
		case e.Status == event.Failed && !e.Ignored:
			m.letter(e, "Failed")
		case e.Status == event.Unreachable:
			m.letter(e, "Unreachable")
		}
		m.items, m.itemSubject = "", ""
	}
}

// blob is text of a result, indented under an introduction.
func blob(s, kind string) string {
	return "with the following " + kind + ":\n\n" + indented(strings.Trim(s, "\r\n"), 8) + "\n\n"
}

func dumped(r *value.Dict) string { return toJSON(visible(r, 0, false), 4) }

func (m *mailer) letter(e *event.Result, kind string) {
	r := e.Result
	line := func(key string, last bool) string {
		lines := strings.Split(strings.Trim(text(r, key), "\r\n"), "\n")
		if last {
			return kind + ": " + lines[len(lines)-1]
		}
		return kind + ": " + lines[0]
	}
	var subject string
	by, _ := r.GetStr("failed_when_result")
	switch {
	case m.items != "":
		subject = m.itemSubject
	case by == value.True:
		subject = "Failed due to 'failed_when' condition"
	case text(r, "msg") != "":
		subject = line("msg", false)
	case text(r, "stderr") != "":
		subject = line("stderr", true)
	case text(r, "stdout") != "":
		subject = line("stdout", true)
	default:
		subject = kind + ": " + e.Task.Name
	}
	body := fmt.Sprintf("Playbook: %s\nTask: %s\nModule: %s\nHost: %s\n\nThe following task failed:\n\n%s\n\n",
		m.book, e.Task.Name, e.Task.Written, e.Host.Name, indented(e.Task.Name+" ("+e.Task.Written+")", 8))
	if body += m.items; m.items == "" && text(r, "msg") != "" {
		body += blob(text(r, "msg"), "message")
	}
	for _, part := range [][2]string{{"stdout", "standard output"}, {"stderr", "error output"}, {"exception", "exception"}} {
		if s := text(r, part[0]); s != "" {
			body += blob(s, part[1])
		}
	}
	body += "and a complete dump of the error:\n\n" + indented(kind+": "+dumped(r), 8) + "\n"
	if err := m.send(subject, body); err != nil {
		m.Warning("Could not send mail: " + err.Error())
	}
}

// send hands a letter to the server. What comes from a host cannot add lines to its head: the subject is encoded.
func (m *mailer) send(subject, body string) error {
	var head strings.Builder
	field := func(name string, list ...*mail.Address) {
		var texts []string
		for _, a := range list {
			texts = append(texts, a.String())
		}
		if texts != nil {
			head.WriteString(name + ": " + strings.Join(texts, ", ") + "\r\n")
		}
	}
	now := m.now()
	head.WriteString("Date: " + now.Format(time.RFC1123Z) + "\r\n")
	field("From", m.sender)
	field("To", m.to...)
	field("Cc", m.cc...)
	subject = strings.TrimSpace(strings.NewReplacer("\r", " ", "\n", " ").Replace(subject))
	fmt.Fprintf(&head, "Message-ID: <%d.troupe@%s>\r\nSubject: %s\r\n", now.UnixNano(), "localhost", mime.QEncoding.Encode("utf-8", subject))
	head.WriteString("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n")
	conn, err := net.DialTimeout("tcp", m.server, notifyTimeout)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(notifyTimeout)) // a connection that cannot have one is read without
	host, _, _ := net.SplitHostPort(m.server)
	c, err := smtp.NewClient(conn, host)
	if err != nil {
		return err
	}
	if err := c.Mail(m.sender.Address); err != nil {
		return err
	}
	for _, list := range [][]*mail.Address{m.to, m.cc, m.bcc} {
		for _, a := range list {
			if err := c.Rcpt(a.Address); err != nil {
				return err
			}
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := io.WriteString(w, head.String()+strings.ReplaceAll(body, "\n", "\r\n")); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}
