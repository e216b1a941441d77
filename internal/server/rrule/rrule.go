// Package rrule reads the rules of schedules: DTSTART with a zone, then RRULE and EXRULE as RFC 5545 has them, within the limits
// that clients of AWX know.
//
// Used by internal/server/api when a schedule is stored and by dispatch when one is due.
package rrule

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	lib "github.com/teambition/rrule-go"

	"github.com/troupe-automation/troupe/internal/server/domain"
)

// Rule is one schedule's rule.
type Rule struct {
	set   lib.Set
	Start time.Time
	Zone  string
	Until string // of the first rule, as it was written
	text  string
}

var (
	dtstart  = regexp.MustCompile(`DTSTART(?:;TZID=([^:;\s]+))?(?:;VALUE=DATE-TIME)?:(\d{8}T\d{6})(Z?)`)
	rule     = regexp.MustCompile(`(RRULE|EXRULE):([^\s]+)`)
	until    = regexp.MustCompile(`UNTIL=([^;\s]+)`)
	interval = regexp.MustCompile(`INTERVAL=\d+`)
	count    = regexp.MustCompile(`COUNT=(\d+)`)
)

// Parse reads a rule; its errors are for the client.
func Parse(text string) (*Rule, error) {
	start := dtstart.FindAllStringSubmatch(text, -1)
	switch {
	case len(start) == 0:
		return nil, errors.New("Valid DTSTART required in rrule. Value should start with: DTSTART:YYYYMMDDTHHMMSSZ")
	case len(start) > 1:
		return nil, errors.New("Multiple DTSTART is not supported.")
	case start[0][1] == "" && start[0][3] == "":
		return nil, errors.New("DTSTART cannot be a naive datetime. Require ;TZINFO= or YYYYMMDDTHHMMSSZZ")
	}
	zone := start[0][1]
	if zone == "" {
		zone = "UTC"
	}
	loc, err := time.LoadLocation(zone)
	if err != nil || zone == "Local" {
		return nil, fmt.Errorf("rrule parsing failed validation: no time zone %q", zone)
	}
	at, err := time.ParseInLocation("20060102T150405", start[0][2], loc)
	if err != nil {
		return nil, fmt.Errorf("rrule parsing failed validation: %v", err)
	}
	rules := rule.FindAllStringSubmatch(text, -1)
	r := &Rule{Start: at, Zone: zone, text: text}
	r.set.DTStart(at)
	n := 0
	for _, m := range rules {
		kind, body := m[1], m[2]
		switch {
		case !interval.MatchString(body) && kind == "RRULE":
			return nil, errors.New("INTERVAL required in rrule.")
		case strings.Contains(body, "FREQ=SECONDLY"):
			return nil, errors.New("SECONDLY is not supported.")
		case regexp.MustCompile(`BYDAY=[+-]?\d`).MatchString(body):
			return nil, errors.New("BYDAY with numeric prefix not supported.")
		case strings.Contains(body, "BYYEARDAY"):
			return nil, errors.New("BYYEARDAY not supported.")
		case strings.Contains(body, "BYWEEKNO"):
			return nil, errors.New("BYWEEKNO not supported.")
		case strings.Contains(body, "COUNT=") && strings.Contains(body, "UNTIL="):
			return nil, errors.New("RRULE may not contain both COUNT and UNTIL")
		}
		if c := count.FindStringSubmatch(body); c != nil && len(c[1]) > 3 {
			return nil, errors.New("COUNT > 999 is unsupported.")
		}
		if u := until.FindStringSubmatch(body); u != nil {
			if r.Until == "" {
				r.Until = u[1]
			}
			if len(u[1]) == 15 && zone != "UTC" { // local time: the library wants UTC
				if t, err := time.ParseInLocation("20060102T150405", u[1], loc); err == nil {
					body = strings.Replace(body, u[1], t.UTC().Format("20060102T150405Z"), 1)
				}
			}
		}
		opt, err := lib.StrToROptionInLocation(body, loc)
		if err != nil {
			return nil, fmt.Errorf("rrule parsing failed validation: %v", err)
		}
		opt.Dtstart = at
		one, err := lib.NewRRule(*opt)
		if err != nil {
			return nil, fmt.Errorf("rrule parsing failed validation: %v", err)
		}
		if kind == "EXRULE" {
			for _, t := range one.Between(at, at.AddDate(1, 0, 0), true) {
				r.set.ExDate(t)
			}
			continue
		}
		n++
		r.set.RRule(one)
	}
	if n == 0 {
		return nil, errors.New("One or more rule required in rrule.")
	}
	if strings.Contains(text, "EXDATE") {
		return nil, errors.New("EXDATE not allowed in rrule.")
	}
	if strings.Contains(text, "RDATE") {
		return nil, errors.New("RDATE not allowed in rrule.")
	}
	return r, nil
}

// Next is the first moment after t as it is stored, nil when there is none.
func (r *Rule) Next(t time.Time) any {
	next := r.set.After(t, false)
	if next.IsZero() {
		return nil
	}
	return domain.Stamp(next)
}

// List are the first n moments.
func (r *Rule) List(n int) []time.Time {
	var out []time.Time
	it := r.set.Iterator()
	for len(out) < n {
		t, more := it()
		if !more {
			break
		}
		out = append(out, t)
	}
	return out
}

// End is the last moment, nil when there is none to be seen.
func (r *Rule) End() any {
	if !strings.Contains(r.text, "COUNT=") && !strings.Contains(r.text, "UNTIL=") {
		return nil
	}
	all := r.List(10000)
	if len(all) == 0 {
		return nil
	}
	return domain.Stamp(all[len(all)-1])
}
