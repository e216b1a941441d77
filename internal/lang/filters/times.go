package filters

import (
	"time"

	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/jinja/builtins"
	"github.com/troupe-automation/troupe/value"
)

var times = family{filters: []jinja.Filter{
	{Name: "strftime", Signature: "strftime(string_format, second=None, utc=False)", Run: strftime, Volatile: true},
	{Name: "to_datetime", Signature: "to_datetime(string, format='%Y-%m-%d %H:%M:%S')", Run: toDatetime},
}}

func strftime(c *jinja.Call) (value.Value, error) {
	utc, err := truth(c.Args[2])
	if err != nil {
		return nil, err
	}
	t := time.Now()
	if c.Args[1] != value.None {
		if err := undefinedArg(c.Args[1]); err != nil {
			return nil, err
		}
		f, ok, err := builtins.ToFloat(c.Args[1])
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, filterError("Invalid value for epoch value (%s)", textOf(c.Args[1]))
		}
		if f > 1e15 || f < -1e15 || f != f {
			return nil, value.Errorf("OverflowError", "timestamp out of range for platform time_t")
		}
		t = time.Unix(int64(f), 0)
	}
	format, err := str(c.Args[0], func(v value.Value) error {
		name := v.TypeName()
		if v == value.None {
			name = "None"
		}
		return value.TypeErrorf("strftime() argument 1 must be str, not %s", name)
	})
	if err != nil {
		return nil, err
	}
	zone, off := "GMT", "+0000"
	if utc {
		t = t.UTC()
	} else {
		t = t.Local()
		zone, _ = t.Zone()
		off = t.Format("-0700")
	}
	return value.Str(value.FormatTime(t, format, zone, off)), nil
}

func toDatetime(c *jinja.Call) (value.Value, error) {
	var text [2]string
	for i := range text {
		s, err := str(c.Args[i], func(v value.Value) error {
			name := v.TypeName()
			if v == value.None {
				name = "None"
			}
			return value.TypeErrorf("strptime() argument %d must be str, not %s", i+1, name)
		})
		if err != nil {
			return nil, err
		}
		text[i] = s
	}
	return value.Strptime(text[0], text[1])
}
