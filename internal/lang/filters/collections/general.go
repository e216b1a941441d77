package collections

import (
	"encoding/csv"
	"math/big"
	"regexp"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/lang/filters/argument"
	"github.com/troupe-automation/troupe/internal/lang/pyrandom"
	"github.com/troupe-automation/troupe/jinja"
	"github.com/troupe-automation/troupe/value"
)

var general = family{collections: []string{"community.general"}, filters: []jinja.Filter{
	{Name: "counter", Signature: "counter(sequence)", Run: counter},
	{Name: "dict_kv", Signature: "dict_kv(value, key)", Run: dictKV},
	{Name: "from_csv", Signature: "from_csv(content, dialect='excel', fieldnames=None, delimiter=None, skipinitialspace=None, strict=None)", Run: fromCSV},
	{Name: "groupby_as_dict", Signature: "groupby_as_dict(sequence, attribute)", Run: groupbyAsDict},
	{Name: "lists_mergeby", Run: listsMergeby},
	{Name: "random_mac", Signature: "random_mac(value, seed=None)", Run: randomMAC, Volatile: true},
	{Name: "to_days", Signature: "to_days(human_time, **kwargs)", Run: timeIn("d")},
	{Name: "to_hours", Signature: "to_hours(human_time, **kwargs)", Run: timeIn("h")},
	{Name: "to_milliseconds", Signature: "to_milliseconds(human_time, **kwargs)", Run: timeIn("ms")},
	{Name: "to_minutes", Signature: "to_minutes(human_time, **kwargs)", Run: timeIn("m")},
	{Name: "to_months", Signature: "to_months(human_time, **kwargs)", Run: timeIn("mo")},
	{Name: "to_seconds", Signature: "to_seconds(human_time, **kwargs)", Run: timeIn("s")},
	{Name: "to_time_unit", Signature: "to_time_unit(human_time, unit='ms', **kwargs)", Run: toTimeUnit},
	{Name: "to_weeks", Signature: "to_weeks(human_time, **kwargs)", Run: timeIn("w")},
	{Name: "to_years", Signature: "to_years(human_time, **kwargs)", Run: timeIn("y")},
}}

// fullNameOnly are filters whose short name would hide something of Jinja.
var fullNameOnly = []jinja.Filter{
	{Name: "community.general.dict", Signature: "dict_filter(sequence)", Run: func(c *jinja.Call) (value.Value, error) {
		return value.ToDict(c.Args[0])
	}},
}

func counter(c *jinja.Call) (value.Value, error) {
	elems, err := value.Collect(c.Args[0])
	if err != nil {
		return nil, filterError("Argument for community.general.counter must be a sequence (string or list). %s is not a sequence", textOf(c.Args[0]))
	}
	d := value.NewDict()
	for _, e := range elems {
		n, _, err := d.Get(e)
		if err != nil {
			return nil, filterError("community.general.counter needs a sequence with hashable elements (int, float or str) - %s", err.Error())
		}
		k, _ := value.ToBigInt(orZero(n))
		if err := d.Set(e, value.Int(k.Int64()+1)); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func orZero(v value.Value) value.Value {
	if v == nil {
		return value.Int(0)
	}
	return v
}

var macPrefix = regexp.MustCompile(`^[a-f0-9]{2}$`)

// randomMAC fills an address up with 40 random bits, of which as many as fit are used.
func randomMAC(c *jinja.Call) (value.Value, error) {
	prefix, ok := value.AsString(c.Args[0])
	if !ok {
		return nil, filterError("Invalid value type (%s) for random_mac (%s)", argument.Class(c.Args[0]), textOf(c.Args[0]))
	}
	prefix = value.Lower(prefix)
	parts := strings.Split(prefix, ":")
	if len(parts) > 5 {
		return nil, filterError("Invalid value (%s) for random_mac: 5 colon(:) separated items max", prefix)
	}
	for _, p := range parts {
		if !macPrefix.MatchString(p) {
			return nil, filterError("Invalid value (%s) for random_mac: %s not hexa byte", prefix, p)
		}
	}
	r, err := pyrandom.New(c.Args[1])
	if err != nil {
		return nil, err
	}
	const low, high = 0x1000000000, 0xffffffffff
	n := r.Below(big.NewInt(high - low + 1))
	digits := n.Add(n, big.NewInt(low)).Text(16)
	out := prefix
	for i := 0; i < 2*(6-len(parts)); i += 2 {
		out += ":" + digits[i:i+2]
	}
	return value.Str(out), nil
}

func dictKV(c *jinja.Call) (value.Value, error) {
	d := value.NewDict()
	return d, d.Set(c.Args[1], c.Args[0])
}

func fromCSV(c *jinja.Call) (value.Value, error) {
	s, err := toText(c.Args[0])
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(strings.NewReader(s))
	r.FieldsPerRecord = -1
	r.LazyQuotes = true
	switch d := textOf(c.Args[1]); d {
	case "excel", "unix":
	case "excel-tab":
		r.Comma = '\t'
	default:
		return nil, filterError("Dialect '%s' is not supported by your version of python.", d)
	}
	if d := textOf(c.Args[3]); c.Args[3] != value.None && d != "" {
		r.Comma = []rune(d)[0]
	}
	if c.Args[4] != value.None {
		if r.TrimLeadingSpace, err = truth(c.Args[4]); err != nil {
			return nil, err
		}
	}
	rows, err := r.ReadAll()
	if err != nil {
		return nil, filterError("Unable to process file: %s", err.Error())
	}
	var names []string
	if c.Args[2] != value.None {
		elems, err := value.Collect(c.Args[2])
		if err != nil {
			return nil, err
		}
		for _, e := range elems {
			names = append(names, textOf(e))
		}
	} else if len(rows) > 0 {
		names, rows = rows[0], rows[1:]
	}
	out := &value.List{Elems: []value.Value{}}
	for _, row := range rows {
		d := value.NewDict()
		for i, n := range names {
			if i < len(row) {
				d.SetStr(n, value.Str(row[i]))
			} else {
				d.SetStr(n, value.None)
			}
		}
		out.Elems = append(out.Elems, d)
	}
	return out, nil
}

func groupbyAsDict(c *jinja.Call) (value.Value, error) {
	elems, ok := isList(c.Args[0])
	if !ok {
		return nil, filterError("Input is not a sequence")
	}
	out := value.NewDict()
	for i, e := range elems {
		m, ok := e.(*value.Dict)
		if !ok {
			return nil, filterError("Sequence element #%d is not a mapping", i)
		}
		k, ok, err := m.Get(c.Args[1])
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, filterError("Attribute not contained in element #%d of sequence", i)
		}
		if _, dup, err := out.Get(k); err != nil {
			return nil, err
		} else if dup {
			return nil, filterError("Multiple sequence entries have attribute value %s", repr(k))
		}
		if err := out.Set(k, m); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// listsMergeby merges lists of dicts by the value of a key, which is the last argument.
func listsMergeby(c *jinja.Call) (value.Value, error) {
	if len(c.Args) < 2 {
		return nil, filterError("At least one argument is needed.")
	}
	for _, k := range c.Kw {
		if k.Name != "recursive" && k.Name != "list_merge" {
			return nil, filterError("'recursive' and 'list_merge' are the only valid keyword arguments.")
		}
	}
	index := c.Args[len(c.Args)-1]
	var lists [][]value.Value
	for _, a := range c.Args[:len(c.Args)-1] {
		l, ok := isList(a)
		if !ok {
			return nil, filterError("All arguments before the argument index for community.general.lists_mergeby must be lists. %s is %s", textOf(a), class(a))
		}
		nested := len(l) > 0
		for _, e := range l {
			if _, ok := isList(e); !ok {
				nested = false
			}
		}
		if nested {
			for _, e := range l {
				sub, _ := isList(e)
				lists = append(lists, sub)
			}
			continue
		}
		lists = append(lists, l)
	}
	if len(lists) == 1 {
		return value.NewList(lists[0]...), nil
	}
	merge, err := c.Ctx.Filter("combine")
	if err != nil {
		return nil, err
	}
	byKey := value.NewDict()
	for _, l := range lists {
		for _, e := range l {
			m, ok := e.(*value.Dict)
			if !ok {
				return nil, filterError("Elements of list arguments for lists_mergeby must be dictionaries. %s is %s", repr(e), class(e))
			}
			k, ok, err := m.Get(index)
			if err != nil {
				return nil, err
			}
			if !ok {
				continue
			}
			old, had, err := byKey.Get(k)
			if err != nil {
				return nil, err
			}
			var v value.Value = m
			if had {
				if v, err = c.Ctx.Apply(merge, old, []value.Value{m}, c.Kw); err != nil {
					return nil, err
				}
			}
			if err := byKey.Set(k, v); err != nil {
				return nil, err
			}
		}
	}
	out := &value.List{Elems: []value.Value{}}
	for _, v := range byKey.All() {
		out.Elems = append(out.Elems, v)
	}
	err = value.SortBy(out.Elems, func(v value.Value) (value.Value, error) { return c.Ctx.GetItem(v, index) }, false)
	return out, err
}

// milliseconds of the time units; months and years can be set by keyword.
var timeUnits = map[string]float64{"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000, "mo": 30 * 86_400_000, "y": 365 * 86_400_000}

var unitNames = map[string]string{
	"ms": "ms", "millisecond": "ms", "msec": "ms", "msecond": "ms", "s": "s", "sec": "s", "second": "s", "m": "m", "min": "m", "minute": "m",
	"h": "h", "hour": "h", "d": "d", "day": "d", "w": "w", "week": "w", "mo": "mo", "month": "mo", "y": "y", "year": "y",
}

var timePart = regexp.MustCompile(`^(-?\d+)([a-zA-Z]+)?$`)

func unitOf(name string) (string, bool) {
	low := strings.ToLower(name)
	if u, ok := unitNames[low]; ok {
		return u, true
	}
	u, ok := unitNames[strings.TrimSuffix(low, "s")]
	return u, ok
}

// humanTime converts text such as "1h 30m" to a unit.
func humanTime(v value.Value, unit string, kw *value.Dict) (value.Value, error) {
	u, ok := unitOf(unit)
	if !ok {
		return nil, filterError("to_time_unit() can not convert to the following unit: %s. Available units (singular or plural): year, month, week, day, hour, minute, second, millisecond. Available short units: y, mo, w, d, h, m, s, ms.", unit)
	}
	factor := map[string]float64{}
	for k, f := range timeUnits {
		factor[k] = f
	}
	for k, f := range kw.All() {
		name, _ := value.AsString(k)
		n, ok := value.ToFloat(f)
		if name != "year" && name != "month" || !ok {
			return nil, filterError("to_time_unit() got unknown keyword arguments: %s", name)
		}
		factor[map[string]string{"year": "y", "month": "mo"}[name]] = n * timeUnits["d"]
	}
	if n, ok := value.ToFloat(v); ok {
		if n != 0 {
			return nil, filterError("to_time_unit() can not interpret following string: %s", textOf(v))
		}
		return value.Int(0), nil
	}
	text, err := value.ToStr(v)
	if err != nil {
		return nil, err
	}
	total := 0.0
	for _, part := range strings.Fields(text) {
		m := timePart.FindStringSubmatch(part)
		if m == nil {
			return nil, filterError("to_time_unit() can not interpret following string: %s", text)
		}
		pu, ok := unitOf(m[2])
		if !ok {
			return nil, filterError("to_time_unit() can not interpret following string: %s", text)
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil {
			return nil, filterError("to_time_unit() can not interpret following string: %s", text)
		}
		total += n * factor[pu]
	}
	f, _ := strconv.ParseFloat(strconv.FormatFloat(total/factor[u], 'f', 12, 64), 64)
	return value.Float(f), nil
}

func timeIn(unit string) jinja.Func {
	return func(c *jinja.Call) (value.Value, error) { return humanTime(c.Args[0], unit, c.Args[1].(*value.Dict)) }
}

func toTimeUnit(c *jinja.Call) (value.Value, error) {
	return humanTime(c.Args[0], textOf(c.Args[1]), c.Args[2].(*value.Dict))
}
