package rrule_test

import (
	"testing"
	"time"

	"github.com/troupe-automation/troupe/internal/server/rrule"
)

// TestNext has moments that AWX 24.6.1 gave.
func TestNext(t *testing.T) {
	r, err := rrule.Parse("DTSTART;TZID=Europe/Madrid:20300101T030000 RRULE:FREQ=DAILY;INTERVAL=1")
	if err != nil {
		t.Fatal(err)
	}
	if next := r.Next(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)); next != "2030-01-01T02:00:00.000000Z" {
		t.Errorf("next %v", next)
	}
	if r.Zone != "Europe/Madrid" || r.End() != nil {
		t.Errorf("zone %s end %v", r.Zone, r.End())
	}
	r, err = rrule.Parse("DTSTART;TZID=Europe/Madrid:20300330T030000 RRULE:FREQ=DAILY;INTERVAL=1;COUNT=3")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"2030-03-30T02:00:00Z", "2030-03-31T01:00:00Z", "2030-04-01T01:00:00Z"} // summer time begins
	for i, m := range r.List(10) {
		if got := m.UTC().Format(time.RFC3339); got != want[i] {
			t.Errorf("%d: %s, want %s", i, got, want[i])
		}
	}
}

func TestRefused(t *testing.T) {
	for _, bad := range []string{"", "FREQ=DAILY", "DTSTART:20300101T000000Z", "DTSTART:20300101T000000 RRULE:FREQ=DAILY;INTERVAL=1", "DTSTART:20300101T000000Z RRULE:FREQ=SECONDLY;INTERVAL=1",
		"DTSTART:20300101T000000Z RRULE:FREQ=DAILY", "DTSTART:20300101T000000Z RRULE:FREQ=DAILY;INTERVAL=1 EXDATE:20300102T000000Z", "DTSTART;TZID=No/Where:20300101T000000 RRULE:FREQ=DAILY;INTERVAL=1",
		"DTSTART:20300101T000000Z RRULE:FREQ=DAILY;INTERVAL=1;COUNT=5;UNTIL=20310101T000000Z"} {
		if _, err := rrule.Parse(bad); err == nil {
			t.Errorf("%q is taken for a rule", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("DTSTART;TZID=Europe/Madrid:20300101T030000 RRULE:FREQ=DAILY;INTERVAL=1;COUNT=3")
	f.Fuzz(func(_ *testing.T, s string) {
		if r, err := rrule.Parse(s); err == nil {
			r.List(3)
		}
	})
}
