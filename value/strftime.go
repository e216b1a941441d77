package value

import (
	"fmt"
	"strings"
	"time"
)

// Strftime is d.strftime(format) with glibc's conversions in the C locale.
func Strftime(d *Datetime, format string) (string, error) {
	zone := ""
	off := ""
	if d.Zone != nil {
		zone, _ = d.T.Zone()
		off = offset(d.T, "")
	}
	return FormatTime(d.T, format, zone, off), nil
}

// FormatTime is C's strftime; zone and off are what %Z and %z give.
func FormatTime(t time.Time, format, zone, off string) string {
	var b strings.Builder
	num := func(flag byte, n, width int, fill byte) {
		switch flag {
		case '-':
			width = 0
		case '_':
			fill = ' '
		case '0':
			fill = '0'
		}
		s := itoa(n)
		for i := len(s); i < width; i++ {
			b.WriteByte(fill)
		}
		b.WriteString(s)
	}
	for i := 0; i < len(format); i++ {
		c := format[i]
		if c != '%' || i+1 >= len(format) {
			b.WriteByte(c)
			continue
		}
		start := i
		i++
		var flag byte
		for strings.IndexByte("-_0^#EO", format[i]) >= 0 && i+1 < len(format) {
			flag = format[i]
			i++
		}
		mark := b.Len()
		iy, iw := t.ISOWeek()
		h12 := t.Hour() % 12
		if h12 == 0 {
			h12 = 12
		}
		switch format[i] {
		case 'Y':
			b.WriteString(itoa(t.Year()))
		case 'm':
			num(flag, int(t.Month()), 2, '0')
		case 'd':
			num(flag, t.Day(), 2, '0')
		case 'e':
			num(flag, t.Day(), 2, ' ')
		case 'H':
			num(flag, t.Hour(), 2, '0')
		case 'k':
			num(flag, t.Hour(), 2, ' ')
		case 'I':
			num(flag, h12, 2, '0')
		case 'l':
			num(flag, h12, 2, ' ')
		case 'M':
			num(flag, t.Minute(), 2, '0')
		case 'S':
			num(flag, t.Second(), 2, '0')
		case 'f':
			fmt.Fprintf(&b, "%06d", t.Nanosecond()/1000)
		case 'y':
			num(flag, t.Year()%100, 2, '0')
		case 'C':
			num(flag, t.Year()/100, 2, '0')
		case 'j':
			num(flag, t.YearDay(), 3, '0')
		case 'a':
			b.WriteString(t.Format("Mon"))
		case 'A':
			b.WriteString(t.Format("Monday"))
		case 'b', 'h':
			b.WriteString(t.Format("Jan"))
		case 'B':
			b.WriteString(t.Format("January"))
		case 'p':
			s := t.Format("PM")
			if flag == '#' {
				s = strings.ToLower(s)
			}
			b.WriteString(s)
		case 'P':
			b.WriteString(strings.ToLower(t.Format("PM")))
		case 'w':
			num(flag, int(t.Weekday()), 1, '0')
		case 'u':
			num(flag, (int(t.Weekday())+6)%7+1, 1, '0')
		case 'U':
			num(flag, (t.YearDay()+6-int(t.Weekday()))/7, 2, '0')
		case 'W':
			num(flag, (t.YearDay()+6-(int(t.Weekday())+6)%7)/7, 2, '0')
		case 'V':
			num(flag, iw, 2, '0')
		case 'G':
			b.WriteString(itoa(iy))
		case 'g':
			num(flag, iy%100, 2, '0')
		case 'c':
			b.WriteString(t.Format("Mon Jan _2 15:04:05 2006"))
		case 'x', 'D':
			b.WriteString(t.Format("01/02/06"))
		case 'X', 'T':
			b.WriteString(t.Format("15:04:05"))
		case 'F':
			b.WriteString(t.Format("2006-01-02"))
		case 'R':
			b.WriteString(t.Format("15:04"))
		case 'r':
			b.WriteString(t.Format("03:04:05 PM"))
		case 's':
			fmt.Fprint(&b, t.Unix())
		case 'z':
			b.WriteString(off)
		case 'Z':
			b.WriteString(zone)
		case 'n':
			b.WriteByte('\n')
		case 't':
			b.WriteByte('\t')
		case '%':
			b.WriteByte('%')
		default:
			b.WriteString(format[start : i+1])
		}
		if flag == '^' {
			s := b.String()
			b.Reset()
			b.WriteString(s[:mark] + strings.ToUpper(s[mark:]))
		}
	}
	return b.String()
}

func dateAttr(v Value, name string) (Value, bool) {
	switch d := v.(type) {
	case *Datetime:
		switch name {
		case "year":
			return Int(d.T.Year()), true
		case "month":
			return Int(d.T.Month()), true
		case "day":
			return Int(d.T.Day()), true
		case "hour":
			return Int(d.T.Hour()), true
		case "minute":
			return Int(d.T.Minute()), true
		case "second":
			return Int(d.T.Second()), true
		case "microsecond":
			return Int(d.T.Nanosecond() / 1000), true
		case "tzinfo":
			if d.Zone == nil {
				return None, true
			}
			return Str(d.Zone.String()), true
		}
	case *Date:
		switch name {
		case "year":
			return Int(d.T.Year()), true
		case "month":
			return Int(d.T.Month()), true
		case "day":
			return Int(d.T.Day()), true
		}
	case *Time:
		h, m, s, us := d.parts()
		switch name {
		case "hour":
			return Int(h), true
		case "minute":
			return Int(m), true
		case "second":
			return Int(s), true
		case "microsecond":
			return Int(us), true
		}
	case *Timedelta:
		days, secs, us := d.parts()
		switch name {
		case "days":
			return Int(days), true
		case "seconds":
			return Int(secs), true
		case "microseconds":
			return Int(us), true
		}
	}
	return nil, false
}

var (
	isoCalendar = &TupleKind{Name: "datetime.IsoCalendarDate", Fields: []string{"year", "week", "weekday"}}
	structTime  = &TupleKind{Name: "time.struct_time", Fields: []string{
		"tm_year", "tm_mon", "tm_mday", "tm_hour", "tm_min", "tm_sec", "tm_wday", "tm_yday", "tm_isdst",
	}}
)

var datetimeMethods, dateMethods, timeMethods, timedeltaMethods map[string]*method

func init() {
	asTime := func(v Value) (time.Time, *Datetime) {
		switch d := v.(type) {
		case *Datetime:
			return d.T, d
		case *Date:
			return d.T, &Datetime{T: d.T}
		}
		return time.Time{}, nil
	}
	strftime := &method{kind: positional, min: 1, max: 1, fn: func(self Value, a []Value) (Value, error) {
		f, err := wantStr(a[0], func(v Value) error { return TypeErrorf("strftime() argument 1 must be str, not %s", v.TypeName()) })
		if err != nil {
			return nil, err
		}
		if t, ok := self.(*Time); ok {
			return Str(FormatTime(time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC).Add(t.D), f, "", "")), nil
		}
		_, d := asTime(self)
		s, err := Strftime(d, f)
		return Str(s), err
	}}
	weekday := func(first int) *method {
		return on0(func(self Value) (Value, error) {
			t, _ := asTime(self)
			return Int((int(t.Weekday())+6)%7 + first), nil
		})
	}
	iso := on0(func(self Value) (Value, error) {
		s, err := ToStr(self)
		return Str(s), err
	})
	calendar := on0(func(self Value) (Value, error) {
		t, _ := asTime(self)
		y, w := t.ISOWeek()
		return &Tuple{Kind: isoCalendar, Elems: []Value{Int(y), Int(w), Int((int(t.Weekday())+6)%7 + 1)}}, nil
	})
	timetuple := on0(func(self Value) (Value, error) {
		t, d := asTime(self)
		if _, isDate := self.(*Date); isDate {
			t = time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
		}
		dst := -1
		if d != nil && d.Zone != nil {
			dst = 0
			if t.IsDST() {
				dst = 1
			}
		}
		out := &Tuple{Kind: structTime}
		for _, n := range []int{t.Year(), int(t.Month()), t.Day(), t.Hour(), t.Minute(), t.Second(), (int(t.Weekday()) + 6) % 7, t.YearDay(), dst} {
			out.Elems = append(out.Elems, Int(n))
		}
		return out, nil
	})
	ordinal := on0(func(self Value) (Value, error) {
		t, _ := asTime(self)
		day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
		return Int(day.Sub(time.Date(1970, 1, 1, 0, 0, 0, 0, time.UTC))/(24*time.Hour)) + 719163, nil
	})
	replace := &method{kind: anyArgs, raw: func(self Value, a []Value, kw []Kwarg) (Value, error) {
		t, d := asTime(self)
		f := map[string]int{"year": t.Year(), "month": int(t.Month()), "day": t.Day(), "hour": t.Hour(), "minute": t.Minute(), "second": t.Second(), "microsecond": t.Nanosecond() / 1000}
		names := []string{"year", "month", "day", "hour", "minute", "second", "microsecond"}
		for i, v := range a {
			if i < len(names) {
				kw = append(kw, Kwarg{names[i], v})
			}
		}
		for _, k := range kw {
			if k.Name == "tzinfo" {
				continue
			}
			if _, ok := f[k.Name]; !ok {
				return nil, TypeErrorf("'%s' is an invalid keyword argument for replace()", k.Name)
			}
			n, err := Index(k.Val)
			if err != nil {
				return nil, err
			}
			f[k.Name] = int(n)
		}
		if f["month"] < 1 || f["month"] > 12 {
			return nil, ValueErrorf("month must be in 1..12")
		}
		n := time.Date(f["year"], time.Month(f["month"]), f["day"], f["hour"], f["minute"], f["second"], f["microsecond"]*1000, t.Location())
		if n.Day() != f["day"] {
			return nil, ValueErrorf("day is out of range for month")
		}
		if _, ok := self.(*Date); ok {
			return NewDate(n), nil
		}
		return &Datetime{T: n, Zone: d.Zone}, nil
	}}
	datetimeMethods = map[string]*method{
		"strftime": strftime, "weekday": weekday(0), "isoweekday": weekday(1), "isocalendar": calendar, "toordinal": ordinal, "replace": replace,
		"timetuple": timetuple,
		"isoformat": {kind: keywords, max: 2, names: []string{"sep", "timespec"}, fn: func(self Value, a []Value) (Value, error) {
			sep := "T"
			if a[0] != nil {
				sep = text(a[0])
			}
			return Str(self.(*Datetime).Isoformat(sep)), nil
		}},
		"date": on0(func(self Value) (Value, error) { return NewDate(self.(*Datetime).T), nil }),
		"time": on0(func(self Value) (Value, error) {
			t := self.(*Datetime).T
			return &Time{D: time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())}, nil
		}),
		"timestamp": on0(func(self Value) (Value, error) {
			d := self.(*Datetime)
			t := d.T
			if d.Zone == nil {
				t = time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.Local)
			}
			return Float(float64(t.UnixMicro()) / 1e6), nil
		}),
		"ctime": on0(func(self Value) (Value, error) {
			return Str(self.(*Datetime).T.Format("Mon Jan _2 15:04:05 2006")), nil
		}),
		"utcoffset": on0(func(self Value) (Value, error) {
			d := self.(*Datetime)
			if d.Zone == nil {
				return None, nil
			}
			_, off := d.T.Zone()
			return &Timedelta{D: time.Duration(off) * time.Second}, nil
		}),
	}
	dateMethods = map[string]*method{"strftime": strftime, "weekday": weekday(0), "isoweekday": weekday(1), "isocalendar": calendar,
		"toordinal": ordinal, "isoformat": iso, "replace": replace, "timetuple": timetuple,
		"ctime": on0(func(self Value) (Value, error) { return Str(self.(*Date).T.Format("Mon Jan _2 15:04:05 2006")), nil })}
	timeMethods = map[string]*method{"strftime": strftime, "isoformat": iso}
	timedeltaMethods = map[string]*method{"total_seconds": on0(func(self Value) (Value, error) {
		return Float(float64(self.(*Timedelta).D/time.Microsecond) / 1e6), nil
	})}
}
