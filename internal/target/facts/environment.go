package facts

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/troupe-automation/troupe/internal/target/hostos"
)

func env(h *host) {
	out := map[string]any{}
	for _, kv := range append(os.Environ(), h.Env...) {
		if k, v, ok := strings.Cut(kv, "="); ok {
			out[k] = v
		}
	}
	h.set("env", out)
}

func user(h *host) {
	uid := os.Getuid()
	if u, ok := hostos.LookupUID(uid); ok {
		h.set("user_id", u.Name)
		h.set("user_uid", int64(u.UID))
		h.set("user_gid", int64(u.GID))
		h.set("user_gecos", u.Gecos)
		h.set("user_dir", u.Home)
		h.set("user_shell", u.Shell)
	}
	h.set("real_user_id", int64(uid))
	h.set("effective_user_id", int64(os.Geteuid()))
	h.set("real_group_id", int64(os.Getgid()))
	h.set("effective_group_id", int64(os.Getegid()))
}

func dateTime(h *host) {
	now := time.Now()
	utc := now.UTC()
	epoch := strconv.FormatInt(now.Unix(), 10)
	zone, _ := now.Zone()
	h.set("date_time", map[string]any{
		"year": now.Format("2006"), "month": now.Format("01"), "weekday": now.Format("Monday"), "weekday_number": strconv.Itoa(int(now.Weekday())),
		"weeknumber": weekOfYear(now), "day": now.Format("02"), "hour": now.Format("15"), "minute": now.Format("04"), "second": now.Format("05"),
		"epoch": epoch, "epoch_int": epoch, "date": now.Format("2006-01-02"), "time": now.Format("15:04:05"),
		"iso8601_micro": utc.Format("2006-01-02T15:04:05.000000Z"), "iso8601": utc.Format("2006-01-02T15:04:05Z"),
		"iso8601_basic": strings.Replace(now.Format("20060102T150405.000000"), ".", "", 1), "iso8601_basic_short": now.Format("20060102T150405"),
		"tz": zone, "tz_dst": summerZone(now), "tz_offset": now.Format("-0700"),
	})
}

// weekOfYear is strftime's %W: weeks begin on Monday, days before the first Monday are in week 00.
func weekOfYear(t time.Time) string {
	monday := (int(t.Weekday()) + 6) % 7
	n := (t.YearDay() - 1 + 7 - monday) / 7
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// summerZone is the zone's name in daylight saving time, or its only name.
func summerZone(t time.Time) string {
	name, _ := t.Zone()
	for m := time.January; m <= time.December; m++ {
		d := time.Date(t.Year(), m, 1, 12, 0, 0, 0, t.Location())
		if d.IsDST() {
			n, _ := d.Zone()
			return n
		}
	}
	return name
}

func cmdline(h *host) {
	words, err := hostos.SplitWords(readLine("/proc/cmdline"))
	if err != nil {
		words = strings.Fields(readLine("/proc/cmdline"))
	}
	last, all := map[string]any{}, map[string]any{}
	for _, w := range words {
		k, v, has := strings.Cut(w, "=")
		if !has {
			last[k], all[k] = true, true
			continue
		}
		last[k] = v
		switch old := all[k].(type) {
		case nil, bool:
			all[k] = v
		case []any:
			all[k] = append(old, v)
		default:
			all[k] = []any{old, v}
		}
	}
	h.set("cmdline", last)
	h.set("proc_cmdline", all)
}

func dns(h *host) {
	out := map[string]any{}
	for _, l := range lines("/etc/resolv.conf") {
		if strings.HasPrefix(l, "#") || strings.HasPrefix(l, ";") || strings.TrimSpace(l) == "" {
			continue
		}
		f := strings.Fields(l)
		if len(f) < 2 {
			continue
		}
		switch f[0] {
		case "nameserver":
			list, _ := out["nameservers"].([]any)
			for _, s := range f[1:] {
				list = append(list, s)
			}
			out["nameservers"] = list
		case "domain":
			out["domain"] = f[1]
		case "search", "sortlist":
			list := []any{}
			for _, s := range f[1:] {
				list = append(list, s)
			}
			out[f[0]] = list
		case "options":
			opts := map[string]any{}
			for _, o := range f[1:] {
				k, v, has := strings.Cut(o, ":")
				if has {
					opts[k] = v
				} else {
					opts[k] = true
				}
			}
			out["options"] = opts
		}
	}
	h.set("dns", out)
}

func loadavg(h *host) {
	var si syscall.Sysinfo_t
	if syscall.Sysinfo(&si) != nil {
		return
	}
	at := func(i int) float64 { return float64(si.Loads[i]) / 65536 }
	h.set("loadavg", map[string]any{"1m": at(0), "5m": at(1), "15m": at(2)})
}

func sshKeys(h *host) {
	dirs := []string{"/etc/ssh", "/etc/openssh", "/etc"}
	for _, d := range dirs {
		found := false
		for _, kind := range []string{"dsa", "rsa", "ecdsa", "ed25519"} {
			f := strings.Fields(readLine(d + "/ssh_host_" + kind + "_key.pub"))
			if len(f) < 2 {
				continue
			}
			found = true
			h.set("ssh_host_key_"+kind+"_public", f[1])
			h.set("ssh_host_key_"+kind+"_public_keytype", f[0])
		}
		if found {
			return
		}
	}
}
