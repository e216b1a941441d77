package callback

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/event"
	"github.com/troupe-automation/troupe/internal/content/config"
)

// dingtalk tells a DingTalk group how a playbook ended.
type dingtalk struct {
	*Display
	to     *poster
	secret string // of a robot that wants signed messages
	now    func() time.Time
}

func newDingTalk(d *Display, opt Options) Callback {
	address := opt.settingText(config.Setting{Name: "webhook_url", Env: []string{"DINGTALK_WEBHOOK_URL"}, Ini: []config.IniKey{{Section: "callback_dingtalk", Key: "webhook_url"}}})
	if address == "" {
		return silent{}
	}
	return &dingtalk{
		Display: d, to: newPoster(address, true), now: opt.clock(),
		secret: opt.settingText(config.Setting{Name: "secret", Env: []string{"DINGTALK_SECRET"}, Ini: []config.IniKey{{Section: "callback_dingtalk", Key: "secret"}}}),
	}
}

// Emit implements event.Sink.
func (t *dingtalk) Emit(e event.Event) {
	stats, ok := e.(*event.Stats)
	if !ok {
		return
	}
	failed, title := failedHosts(stats), "Ansible execution succeeded"
	if failed != nil {
		title = "Ansible execution failed"
	}
	text := fmt.Sprintf("### %s\n- Execution time: %s\n- Host count: %d\n", title, t.now().Format(time.DateTime), len(stats.Hosts))
	if failed != nil {
		text += "- Failed hosts: " + strings.Join(failed, ", ") + "\n"
	}
	err := t.to.post(t.address(), map[string]any{"msgtype": "markdown", "markdown": map[string]string{"title": "Ansible Task Notification", "text": text}})
	if err != nil {
		t.Warning("DingTalk notification failed: " + err.Error())
	}
}

// address is the robot's, signed when it has a secret.
func (t *dingtalk) address() string {
	if t.secret == "" {
		return t.to.url
	}
	stamp := strconv.FormatInt(t.now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(t.secret))
	mac.Write([]byte(stamp + "\n" + t.secret))
	sep := "?"
	if strings.Contains(t.to.url, "?") {
		sep = "&"
	}
	return t.to.url + sep + url.Values{"timestamp": {stamp}, "sign": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}.Encode()
}
