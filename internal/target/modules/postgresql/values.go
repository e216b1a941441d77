package postgresql

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/troupe-automation/troupe/module"
)

// Numbers of PostgreSQL's types whose values are not text. Those of arrays of text are listed with them.
const (
	oidBool, oidInt8, oidInt2, oidInt4, oidOID         = 16, 20, 21, 23, 26
	oidFloat4, oidFloat8, oidNumeric                   = 700, 701, 1700
	oidJSON, oidJSONB                                  = 114, 3802
	oidDate, oidTimestamp, oidTimestampTZ, oidInterval = 1082, 1114, 1184, 1186
	oidText                                            = 25
)

// pgElements are the types of the elements of those arrays that become lists.
var pgElements = map[uint32]uint32{
	1000: oidBool, 1016: oidInt8, 1005: oidInt2, 1006: oidInt2, 1007: oidInt4, 1028: oidOID, 1013: oidOID,
	1021: oidFloat4, 1022: oidFloat8, 1231: oidNumeric, 199: oidJSON, 3807: oidJSONB,
	1182: oidDate, 1115: oidTimestamp, 1185: oidTimestampTZ, 1187: oidInterval,
	1002: oidText, 1003: oidText, 1009: oidText, 1014: oidText, 1015: oidText, 1041: oidText, 651: oidText, 1040: oidText, 1183: oidText, 1270: oidText,
}

// pgValue is a field as a value of a result.
func pgValue(kind uint32, raw []byte) (any, error) {
	if raw == nil {
		return nil, nil
	}
	if element, ok := pgElements[kind]; ok {
		return pgArray(element, string(raw))
	}
	text := string(raw)
	switch kind {
	case oidBool:
		return text == "t", nil
	case oidInt8, oidInt2, oidInt4, oidOID:
		return strconv.ParseInt(text, 10, 64)
	case oidFloat4, oidFloat8, oidNumeric:
		f, err := strconv.ParseFloat(text, 64)
		return module.Float(f), err
	case oidJSON, oidJSONB:
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			return nil, err
		}
		return pgJSON(v), nil
	case oidDate:
		switch text {
		case "infinity":
			return "9999-12-31", nil
		case "-infinity":
			return "0001-01-01", nil
		}
		return text, pgYear(text)
	case oidTimestamp, oidTimestampTZ:
		return pgTime(text, kind == oidTimestampTZ)
	case oidInterval:
		return pgInterval(text)
	}
	return text, nil
}

func pgJSON(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			v[k] = pgJSON(e)
		}
	case []any:
		for i, e := range v {
			v[i] = pgJSON(e)
		}
	case json.Number:
		if !strings.ContainsAny(string(v), ".eE") {
			return v
		}
		f, _ := v.Float64() // its range is JSON's concern
		return module.Float(f)
	}
	return v
}

// pgYear refuses years that Python's dates do not have.
func pgYear(text string) error {
	year, _, _ := strings.Cut(text, "-")
	if before := strings.HasSuffix(text, " BC"); before || len(year) > 4 {
		year = strings.TrimLeft(year, "0")
		if before {
			year = "-" + year
		}
		return driverError("year " + year + " is out of range")
	}
	return nil
}

// pgTime is a point of time as Python's isoformat writes it.
func pgTime(text string, zoned bool) (any, error) {
	utc := ""
	if zoned {
		utc = "+00:00"
	}
	switch text {
	case "infinity":
		return "9999-12-31T23:59:59.999999" + utc, nil
	case "-infinity":
		return "0001-01-01T00:00:00" + utc, nil
	}
	if err := pgYear(text); err != nil {
		return nil, err
	}
	day, clock, _ := strings.Cut(text, " ")
	zone := ""
	if i := strings.LastIndexAny(clock, "+-"); i >= 0 {
		clock, zone = clock[:i], clock[i:]
		if len(zone) == 3 {
			zone += ":00"
		}
	}
	if seconds, fraction, ok := strings.Cut(clock, "."); ok {
		clock = seconds + "." + (fraction + "000000")[:6]
	}
	return day + "T" + clock + zone, nil
}

var pgIntervalUnits = regexp.MustCompile(`([-+]?\d+) (year|mon|day)s?`)

var pgClock = regexp.MustCompile(`(-?)(\d+):(\d\d):(\d\d)(?:\.(\d+))?$`)

// pgInterval is a time span as Python's str writes a timedelta; months have 30 days and years 365.
func pgInterval(text string) (any, error) {
	days, span := 0, time.Duration(0)
	for _, m := range pgIntervalUnits.FindAllStringSubmatch(text, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return nil, err
		}
		days += n * map[string]int{"year": 365, "mon": 30, "day": 1}[m[2]]
	}
	if m := pgClock.FindStringSubmatch(text); m != nil {
		var part [4]int
		for i, s := range []string{m[2], m[3], m[4], (m[5] + "000000")[:6]} {
			n, err := strconv.Atoi(s)
			if err != nil {
				return nil, err
			}
			part[i] = n
		}
		days += part[0] / 24 * map[string]int{"": 1, "-": -1}[m[1]]
		span = time.Duration(part[0]%24)*time.Hour + time.Duration(part[1])*time.Minute + time.Duration(part[2])*time.Second + time.Duration(part[3])*time.Microsecond
		if m[1] == "-" {
			span = -span
		}
	}
	if span < 0 {
		span, days = span+24*time.Hour, days-1
	}
	out := ""
	switch days {
	case 0:
	case 1, -1:
		out = fmt.Sprintf("%d day, ", days)
	default:
		out = fmt.Sprintf("%d days, ", days)
	}
	out += fmt.Sprintf("%d:%02d:%02d", int(span.Hours()), int(span.Minutes())%60, int(span.Seconds())%60)
	if micro := span % time.Second / time.Microsecond; micro > 0 {
		out += fmt.Sprintf(".%06d", int(micro))
	}
	return out, nil
}

// pgArray reads the text of an array, with arrays in it.
func pgArray(element uint32, text string) (any, error) {
	if strings.HasPrefix(text, "[") { // its bounds, when they are not from 1
		_, text, _ = strings.Cut(text, "=")
	}
	v, rest, err := pgArrayPart(element, text)
	if err == nil && rest != "" {
		err = driverError("array text: " + text)
	}
	return v, err
}

func pgArrayPart(element uint32, text string) (list []any, rest string, err error) {
	if !strings.HasPrefix(text, "{") {
		return nil, "", driverError("array text: " + text)
	}
	list = []any{}
	for text = text[1:]; text != ""; {
		switch text[0] {
		case '}':
			return list, text[1:], nil
		case ',':
			text = text[1:]
		case '{':
			var inner []any
			if inner, text, err = pgArrayPart(element, text); err != nil {
				return nil, "", err
			}
			list = append(list, inner)
		default:
			word, quoted := "", text[0] == '"'
			word, text = pgArrayWord(text)
			raw := []byte(word)
			if word == "NULL" && !quoted {
				raw = nil
			}
			v, err := pgValue(element, raw)
			if err != nil {
				return nil, "", err
			}
			list = append(list, v)
		}
	}
	return nil, "", driverError("an array's text ends early")
}

// pgArrayWord takes an element off the front of an array's text.
func pgArrayWord(text string) (word, rest string) {
	if text[0] != '"' {
		end := strings.IndexAny(text, ",}")
		if end < 0 {
			end = len(text)
		}
		return text[:end], text[end:]
	}
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case text[i] == '"':
			return b.String(), text[i+1:]
		default:
			b.WriteByte(text[i])
		}
	}
	return b.String(), ""
}
