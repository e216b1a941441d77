package value

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Datetime is datetime.datetime with microseconds. Zone nil means naive; T then holds the wall clock as if in UTC.
type Datetime struct {
	T    time.Time
	Zone *time.Location
}

// Date is datetime.date. T is midnight UTC.
type Date struct{ T time.Time }

// Time is datetime.time without zone: the time since midnight.
type Time struct{ D time.Duration }

// Timedelta is datetime.timedelta, in steps of a microsecond.
type Timedelta struct{ D time.Duration }

func (*Datetime) TypeName() string  { return "datetime" }
func (*Date) TypeName() string      { return "date" }
func (*Time) TypeName() string      { return "time" }
func (*Timedelta) TypeName() string { return "timedelta" }

func (*Datetime) qualified() string { return "datetime.datetime" }
func (*Date) qualified() string     { return "datetime.date" }

// QualifiedTypeName is the name Jinja prints in "… has no attribute".
func (*Datetime) QualifiedTypeName() string { return "datetime.datetime" }

// QualifiedTypeName is the name Jinja prints in "… has no attribute".
func (*Date) QualifiedTypeName() string { return "datetime.date" }

// QualifiedTypeName is the name Jinja prints in "… has no attribute".
func (*Time) QualifiedTypeName() string { return "datetime.time" }

// QualifiedTypeName is the name Jinja prints in "… has no attribute".
func (*Timedelta) QualifiedTypeName() string { return "datetime.timedelta" }

// NewDatetime returns a naive datetime with t's wall clock.
func NewDatetime(t time.Time) *Datetime {
	return &Datetime{T: time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond()/1000*1000, time.UTC)}
}

// NewZonedDatetime returns an aware datetime.
func NewZonedDatetime(t time.Time) *Datetime { return &Datetime{T: t, Zone: t.Location()} }

// NewDate returns the date of t.
func NewDate(t time.Time) *Date {
	return &Date{T: time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)}
}

func (d *Datetime) equal(o *Datetime) bool {
	return (d.Zone == nil) == (o.Zone == nil) && d.T.Equal(o.T)
}

// HashKey makes equal datetimes one key.
func (d *Datetime) HashKey() any {
	return [2]any{"datetime", d.T.UnixMicro()}
}

// HashKey makes equal dates one key.
func (d *Date) HashKey() any { return [2]any{"date", d.T.Unix()} }

// HashKey makes equal durations one key.
func (d *Timedelta) HashKey() any { return [2]any{"timedelta", d.D} }

// Isoformat is d.isoformat(sep).
func (d *Datetime) Isoformat(sep string) string {
	s := d.T.Format("2006-01-02") + sep + clock(d.T.Hour(), d.T.Minute(), d.T.Second(), d.T.Nanosecond()/1000)
	if d.Zone != nil {
		s += offset(d.T, ":")
	}
	return s
}

func clock(h, m, s, us int) string {
	out := fmt.Sprintf("%02d:%02d:%02d", h, m, s)
	if us != 0 {
		out += fmt.Sprintf(".%06d", us)
	}
	return out
}

func offset(t time.Time, colon string) string {
	_, off := t.Zone()
	sign := '+'
	if off < 0 {
		sign, off = '-', -off
	}
	s := fmt.Sprintf("%c%02d%s%02d", sign, off/3600, colon, off/60%60)
	if off%60 != 0 {
		s += fmt.Sprintf("%s%02d", colon, off%60)
	}
	return s
}

// Str is str(d): the ISO format with a blank.
func (d *Datetime) Str() (string, error) { return d.Isoformat(" "), nil }

// Repr is repr(d).
func (d *Datetime) Repr() (string, error) {
	t := d.T
	parts := []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute()}
	us := t.Nanosecond() / 1000
	if t.Second() != 0 || us != 0 {
		parts = append(parts, t.Second())
	}
	if us != 0 {
		parts = append(parts, us)
	}
	zone := ""
	if d.Zone != nil {
		if _, off := t.Zone(); off == 0 {
			zone = ", tzinfo=datetime.timezone.utc"
		} else {
			r, _ := (&Timedelta{D: time.Duration(off) * time.Second}).Repr()
			zone = ", tzinfo=datetime.timezone(" + r + ")"
		}
	}
	return "datetime.datetime(" + ints(parts) + zone + ")", nil
}

func ints(n []int) string {
	s := make([]string, len(n))
	for i, v := range n {
		s[i] = fmt.Sprint(v)
	}
	return strings.Join(s, ", ")
}

// Str is str(d).
func (d *Date) Str() (string, error) { return d.T.Format("2006-01-02"), nil }

// Repr is repr(d).
func (d *Date) Repr() (string, error) {
	return "datetime.date(" + ints([]int{d.T.Year(), int(d.T.Month()), d.T.Day()}) + ")", nil
}

func (d *Time) parts() (h, m, s, us int) {
	n := int(d.D / time.Microsecond)
	return n / 3_600_000_000, n / 60_000_000 % 60, n / 1_000_000 % 60, n % 1_000_000
}

// Str is str(d).
func (d *Time) Str() (string, error) { return clock(d.parts()), nil }

// Repr is repr(d).
func (d *Time) Repr() (string, error) {
	h, m, s, us := d.parts()
	p := []int{h, m}
	if s != 0 || us != 0 {
		p = append(p, s)
	}
	if us != 0 {
		p = append(p, us)
	}
	return "datetime.time(" + ints(p) + ")", nil
}

// parts are the normalised fields: days may be negative, the others not.
func (d *Timedelta) parts() (days, secs, us int) {
	n := int64(d.D / time.Microsecond)
	const day = 86_400_000_000
	days = int(n / day)
	n %= day
	if n < 0 {
		n += day
		days--
	}
	return days, int(n / 1_000_000), int(n % 1_000_000)
}

// Str is str(d): "1 day, 2:03:04".
func (d *Timedelta) Str() (string, error) {
	days, secs, us := d.parts()
	s := ""
	if days != 0 {
		word := "days"
		if days == 1 || days == -1 {
			word = "day"
		}
		s = fmt.Sprintf("%d %s, ", days, word)
	}
	s += fmt.Sprintf("%d:%02d:%02d", secs/3600, secs/60%60, secs%60)
	if us != 0 {
		s += fmt.Sprintf(".%06d", us)
	}
	return s, nil
}

// Repr is repr(d).
func (d *Timedelta) Repr() (string, error) {
	days, secs, us := d.parts()
	var p []string
	if days != 0 {
		p = append(p, fmt.Sprintf("days=%d", days))
	}
	if secs != 0 {
		p = append(p, fmt.Sprintf("seconds=%d", secs))
	}
	if us != 0 {
		p = append(p, fmt.Sprintf("microseconds=%d", us))
	}
	if p == nil {
		p = []string{"0"}
	}
	return "datetime.timedelta(" + strings.Join(p, ", ") + ")", nil
}

// timeOp is the arithmetic of dates. known is false when a and b are no such pair.
func timeOp(op string, a, b Value) (v Value, known bool, err error) {
	switch x := a.(type) {
	case *Datetime:
		switch y := b.(type) {
		case *Timedelta:
			switch op {
			case "+":
				return &Datetime{T: x.T.Add(y.D), Zone: x.Zone}, true, nil
			case "-":
				return &Datetime{T: x.T.Add(-y.D), Zone: x.Zone}, true, nil
			}
		case *Datetime:
			if op == "-" {
				if (x.Zone == nil) != (y.Zone == nil) {
					return nil, true, TypeErrorf("can't subtract offset-naive and offset-aware datetimes")
				}
				return &Timedelta{D: x.T.Sub(y.T)}, true, nil
			}
		}
		if op == "+" || op == "-" {
			return nil, true, TypeErrorf("unsupported operand type(s) for %s: 'datetime.datetime' and '%s'", op, qualifiedName(b))
		}
	case *Date:
		switch y := b.(type) {
		case *Timedelta:
			days, _, _ := y.parts()
			switch op {
			case "+":
				return &Date{T: x.T.AddDate(0, 0, days)}, true, nil
			case "-":
				return &Date{T: x.T.AddDate(0, 0, -days)}, true, nil
			}
		case *Date:
			if op == "-" {
				return &Timedelta{D: x.T.Sub(y.T)}, true, nil
			}
		}
		if op == "+" || op == "-" {
			return nil, true, TypeErrorf("unsupported operand type(s) for %s: 'datetime.date' and '%s'", op, qualifiedName(b))
		}
	case *Timedelta:
		switch y := b.(type) {
		case *Timedelta:
			switch op {
			case "+":
				return &Timedelta{D: x.D + y.D}, true, nil
			case "-":
				return &Timedelta{D: x.D - y.D}, true, nil
			case "/":
				if y.D == 0 {
					return nil, true, Errorf("ZeroDivisionError", "division by zero")
				}
				return Float(float64(x.D) / float64(y.D)), true, nil
			case "//":
				if y.D == 0 {
					return nil, true, Errorf("ZeroDivisionError", "integer division or modulo by zero")
				}
				return Int(math.Floor(float64(x.D) / float64(y.D))), true, nil
			}
		case *Datetime, *Date:
			if op == "+" {
				return timeOp(op, b, a)
			}
		case Int, Bool, Float:
			f, _ := toFloat(b)
			switch op {
			case "*":
				return &Timedelta{D: time.Duration(math.RoundToEven(float64(x.D/1000)*f)) * 1000}, true, nil
			case "/":
				if f == 0 {
					return nil, true, Errorf("ZeroDivisionError", "division by zero")
				}
				return &Timedelta{D: time.Duration(math.RoundToEven(float64(x.D/1000)/f)) * 1000}, true, nil
			case "//":
				if f == 0 {
					return nil, true, Errorf("ZeroDivisionError", "integer division or modulo by zero")
				}
				return &Timedelta{D: time.Duration(math.Floor(float64(x.D/1000)/f)) * 1000}, true, nil
			}
		}
	case Int, Bool, Float:
		if _, ok := b.(*Timedelta); ok && op == "*" {
			return timeOp(op, b, a)
		}
	}
	return nil, false, nil
}

// qualifiedName is how C code names the type of v in errors.
func qualifiedName(v Value) string {
	switch v.(type) {
	case *Datetime:
		return "datetime.datetime"
	case *Date:
		return "datetime.date"
	case *Time:
		return "datetime.time"
	case *Timedelta:
		return "datetime.timedelta"
	}
	return v.TypeName()
}

// CTypeName is the name that errors of Python's C code give the type of v: "datetime.datetime" where TypeName says
// "datetime".
func CTypeName(v Value) string { return qualifiedName(v) }
