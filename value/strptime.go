package value

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

func reprStr(s string) string {
	r, _ := Repr(Str(s))
	return r
}

var directives = map[byte]string{
	'd': `3[0-1]|[1-2]\d|0[1-9]|[1-9]| [1-9]`, 'f': `[0-9]{1,6}`, 'H': `2[0-3]|[0-1]\d|\d`, 'I': `1[0-2]|0[1-9]|[1-9]`,
	'j': `36[0-6]|3[0-5]\d|[1-2]\d\d|0[1-9]\d|00[1-9]|[1-9]\d|0[1-9]|[1-9]`, 'm': `1[0-2]|0[1-9]|[1-9]`, 'M': `[0-5]\d|\d`,
	'S': `6[0-1]|[0-5]\d|\d`, 'U': `5[0-3]|[0-4]\d|\d`, 'W': `5[0-3]|[0-4]\d|\d`, 'w': `[0-6]`, 'u': `[1-7]`, 'V': `5[0-3]|0[1-9]|[1-4]\d|\d`,
	'y': `\d\d`, 'Y': `\d\d\d\d`, 'G': `\d\d\d\d`, 'z': `[+-]\d\d:?[0-5]\d(?::?[0-5]\d(?:\.\d{1,6})?)?|Z`,
	'A': `Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday`, 'a': `Mon|Tue|Wed|Thu|Fri|Sat|Sun`,
	'B': `January|February|March|April|May|June|July|August|September|October|November|December`,
	'b': `Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec`, 'p': `am|pm`, 'Z': `utc|gmt`,
}

var compound = strings.NewReplacer("%c", "%a %b %d %H:%M:%S %Y", "%x", "%m/%d/%y", "%X", "%H:%M:%S", "%D", "%m/%d/%y", "%T", "%H:%M:%S", "%R", "%H:%M", "%F", "%Y-%m-%d")

var blanks = regexp.MustCompile(`\s+`)

// Strptime is datetime.strptime.
func Strptime(s, format string) (*Datetime, error) {
	bad := func() error {
		return ValueErrorf("time data %s does not match format %s", reprStr((s)), reprStr((format)))
	}
	var pat strings.Builder
	var fields []byte
	f := compound.Replace(format)
	pat.WriteString("(?i)^")
	for i := 0; i < len(f); {
		if loc := blanks.FindStringIndex(f[i:]); loc != nil && loc[0] == 0 {
			pat.WriteString(`\s+`)
			i += loc[1]
			continue
		}
		if f[i] != '%' {
			pat.WriteString(regexp.QuoteMeta(f[i : i+1]))
			i++
			continue
		}
		if i+1 >= len(f) {
			return nil, ValueErrorf("stray %% in format %s", reprStr((format)))
		}
		d := f[i+1]
		i += 2
		if d == '%' {
			pat.WriteString("%")
			continue
		}
		re, ok := directives[d]
		if !ok {
			return nil, ValueErrorf("%s is a bad directive in format %s", reprStr((f[i-1 : i])), reprStr((format)))
		}
		fields = append(fields, d)
		pat.WriteString("(" + re + ")")
	}
	re, err := regexp.Compile(pat.String())
	if err != nil {
		return nil, bad()
	}
	m := re.FindStringSubmatch(s)
	if m == nil {
		return nil, bad()
	}
	if len(m[0]) < len(s) {
		return nil, ValueErrorf("unconverted data remains: %s", s[len(m[0]):])
	}
	return assemble(fields, m[1:])
}

func assemble(fields []byte, text []string) (*Datetime, error) {
	year, month, day, hour, minute, sec, micro := 1900, 1, 1, 0, 0, 0, 0
	yday, week, weekday, pm, h12 := 0, -1, -1, -1, false
	var weekStart byte
	var zone *time.Location
	for i, d := range fields {
		n, _ := strconv.Atoi(strings.TrimSpace(text[i]))
		switch d {
		case 'Y':
			year = n
		case 'y':
			if year = n + 1900; n <= 68 {
				year = n + 2000
			}
		case 'm':
			month = n
		case 'd':
			day = n
		case 'H':
			hour = n
		case 'I':
			hour, h12 = n, true
		case 'p':
			pm = map[string]int{"am": 0, "pm": 1}[strings.ToLower(text[i])]
		case 'M':
			minute = n
		case 'S':
			sec = n
		case 'f':
			micro, _ = strconv.Atoi((text[i] + "000000")[:6])
		case 'j':
			yday = n
		case 'B', 'b':
			months := strings.Split(strings.ToLower(directives[d]), "|")
			for k, name := range months {
				if name == strings.ToLower(text[i]) {
					month = k + 1
				}
			}
		case 'A', 'a':
			for k, name := range strings.Split(strings.ToLower(directives[d]), "|") {
				if name == strings.ToLower(text[i]) {
					weekday = k
				}
			}
		case 'w':
			weekday = (n + 6) % 7
		case 'u':
			weekday = n - 1
		case 'U', 'W':
			week, weekStart = n, d
		case 'z':
			zone = parseOffset(text[i])
		}
	}
	if h12 {
		hour %= 12
		if pm == 1 {
			hour += 12
		}
	}
	if year < 1 {
		return nil, ValueErrorf("year %d is out of range", year)
	}
	if week >= 0 && weekday >= 0 && yday == 0 {
		first := (int(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Weekday()) + 6) % 7
		wd := weekday
		if weekStart == 'U' {
			first = (first + 1) % 7
			wd = (weekday + 1) % 7
		}
		week0 := (7 - first) % 7
		if week == 0 {
			yday = 1 + wd - first
		} else {
			yday = 1 + week0 + 7*(week-1) + wd
		}
	}
	if yday != 0 {
		t := time.Date(year, 1, yday, 0, 0, 0, 0, time.UTC)
		year, month, day = t.Year(), int(t.Month()), t.Day()
	}
	if sec > 59 {
		return nil, ValueErrorf("second must be in 0..59")
	}
	loc := time.UTC
	if zone != nil {
		loc = zone
	}
	t := time.Date(year, time.Month(month), day, hour, minute, sec, micro*1000, loc)
	if t.Day() != day {
		return nil, ValueErrorf("day is out of range for month")
	}
	return &Datetime{T: t, Zone: zone}, nil
}

func parseOffset(s string) *time.Location {
	if s == "Z" || s == "z" {
		return time.UTC
	}
	d := strings.ReplaceAll(s[1:], ":", "")
	h, _ := strconv.Atoi(d[:2])
	m, _ := strconv.Atoi(d[2:4])
	n := h*3600 + m*60
	if len(d) >= 6 {
		sec, _ := strconv.Atoi(d[4:6])
		n += sec
	}
	if s[0] == '-' {
		n = -n
	}
	if n == 0 {
		return time.UTC
	}
	return time.FixedZone("", n)
}
