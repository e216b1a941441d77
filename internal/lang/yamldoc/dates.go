package yamldoc

import (
	"time"

	"github.com/troupe-automation/troupe/value"
)

func dateValue(t time.Time) value.Value { return value.Str(t.Format("2006-01-02")) }

func datetimeValue(t time.Time, aware bool) value.Value {
	layout := "2006-01-02 15:04:05"
	if t.Nanosecond() != 0 {
		layout += ".000000"
	}
	if aware {
		layout += "-07:00"
	}
	return value.Str(t.Format(layout))
}

func setValue(d *value.Dict) value.Value { return &value.List{Elems: d.Keys()} }
