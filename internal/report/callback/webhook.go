package callback

import (
	"slices"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/config"
)

// webhook sends events to an address, each as the line of JSON that it is for programs (event.Line). Results of no_log tasks
// come here without what they hold.
type webhook struct {
	*Display
	to   *poster
	want []string // types of events; "failed" are results of hosts that failed or could not be reached
	now  func() time.Time
}

func newWebhook(d *Display, opt Options) Callback {
	address := opt.settingText(config.Setting{Name: "url", Env: []string{"ANSIBLE_WEBHOOK_URL"}, Ini: []config.IniKey{{Section: "callback_webhook", Key: "url"}}})
	if address == "" {
		d.Warning("The callback webhook has no address: set ANSIBLE_WEBHOOK_URL, or url under [callback_webhook].")
		return silent{}
	}
	certs := config.Truth(opt.setting(config.Setting{Name: "validate_certs", Type: "boolean", Default: true, Env: []string{"ANSIBLE_WEBHOOK_VALIDATE_CERTS"}, Ini: []config.IniKey{{Section: "callback_webhook", Key: "validate_certs"}}}))
	w := &webhook{Display: d, to: newPoster(address, certs), now: opt.clock()}
	w.want = opt.settingList(config.Setting{Name: "events", Default: "playbook_start,failed,stats", Env: []string{"ANSIBLE_WEBHOOK_EVENTS"}, Ini: []config.IniKey{{Section: "callback_webhook", Key: "events"}}})
	if token := opt.settingText(config.Setting{Name: "token", Env: []string{"ANSIBLE_WEBHOOK_TOKEN"}, Ini: []config.IniKey{{Section: "callback_webhook", Key: "token"}}}); token != "" {
		w.to.header.Set("Authorization", "Bearer "+token)
	}
	return w
}

// Emit implements event.Sink.
func (w *webhook) Emit(e event.Event) {
	switch e := e.(type) {
	case *event.Result:
		failed := (e.Status == event.Failed || e.Status == event.Unreachable) && !e.Ignored
		if failed && slices.Contains(w.want, "failed") {
			w.send(e)
			return
		}
	case *event.Progress, *event.Log:
		return
	}
	if slices.Contains(w.want, event.NewLine(e, time.Time{}, "").Type) {
		w.send(e)
	}
}

func (w *webhook) send(e event.Event) {
	if err := w.to.post(w.to.url, event.NewLine(e, w.now(), "")); err != nil {
		w.Warning("Could not submit the event to the webhook: " + err.Error())
	}
}
