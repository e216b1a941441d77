package lookup

import (
	"regexp"
	"sort"
	"strconv"
	"strings"

	"github.com/troupe-automation/troupe/internal/content/playbook"
	"github.com/troupe-automation/troupe/internal/source"
	"github.com/troupe-automation/troupe/value"
)

// maxSequence bounds what one term may give.
const maxSequence = 10_000_000

var shortSequence = regexp.MustCompile(`^(?i:(0?x?[0-9a-f]+)\s*-\s*)?(?i:(0?x?[0-9a-f]+))(?i:/(0?x?[0-9a-f]+))?(?::(.+))?$`)

// sequence gives numbers as text: "5", "2-8/2", "1-3:host%02d", "start=1 end=5 stride=2 format=…".
func sequence(c *Call) ([]value.Value, error) {
	var out []value.Value
	for _, t := range c.Terms {
		s, err := text(t)
		if err != nil {
			return nil, err
		}
		numbers, err := c.sequenceOf(s)
		if err != nil {
			return nil, err
		}
		out = append(out, numbers...)
	}
	return out, nil
}

func (c *Call) sequenceOf(term string) ([]value.Value, error) {
	given := map[string]value.Value{}
	if m := shortSequence.FindStringSubmatch(strings.TrimSpace(term)); m != nil {
		for i, name := range []string{"start", "end", "stride", "format"} {
			if m[i+1] != "" {
				given[name] = value.Str(m[i+1])
			}
		}
	} else {
		args, free, err := playbook.ParseKV(term, false, source.Pos{})
		if err != nil {
			return nil, errorf("unknown error parsing with_sequence arguments: '%s'. Caught exception: %s", term, err)
		}
		if free != nil {
			args.SetStr("_raw_params", free)
		}
		var unknown []string
		for k, v := range args.All() {
			name, _ := value.AsString(k)
			switch name {
			case "start", "end", "count", "stride", "format":
				given[name] = value.Str(shownText(v))
			default:
				unknown = append(unknown, "'"+name+"'")
			}
		}
		if len(unknown) > 0 {
			sort.Strings(unknown)
			return nil, errorf("unrecognized arguments to with_sequence: [%s]", strings.Join(unknown, ", "))
		}
	}
	short := len(given) > 0 && given["end"] != nil && shortSequence.MatchString(strings.TrimSpace(term))
	number := func(name string) (int, bool, error) { return c.intOption(name, given) }
	start, _, startErr := number("start")
	end, hasEnd, err := number("end")
	switch {
	case startErr != nil && (!short || err == nil):
		return nil, startErr
	case err != nil:
		return nil, err
	}
	count, hasCount, err := number("count")
	if err != nil {
		return nil, err
	}
	stride, _, err := number("stride")
	if err != nil {
		return nil, err
	}
	format, err := c.textOption("format", given)
	if err != nil {
		return nil, err
	}
	switch {
	case !hasCount && !hasEnd:
		return nil, errorf("must specify count or end in with_sequence")
	case hasCount && hasEnd:
		return nil, errorf("can't specify both count and end in with_sequence")
	case hasCount && count == 0:
		return nil, nil
	case hasCount:
		end = start + count*stride - 1
	}
	switch {
	case stride > 0 && end < start:
		return nil, errorf("to count backwards make stride negative")
	case stride < 0 && end > start:
		return nil, errorf("to count forward don't make stride negative")
	case strings.Count(format, "%") != 1:
		return nil, errorf("bad formatting string: %s", format)
	case stride == 0:
		return nil, nil
	case (end-start)/stride > maxSequence:
		return nil, errorf("with_sequence would give more than %d numbers", maxSequence)
	}
	var out []value.Value
	for i := start; stride > 0 && i <= end || stride < 0 && i >= end; i += stride {
		if format == "%d" {
			out = append(out, value.Str(strconv.Itoa(i)))
			continue
		}
		v, err := value.Mod(value.Str(format), value.Int(i))
		if err != nil {
			quoted, _ := value.Repr(value.Str(format))
			return nil, errorf("problem formatting %d with %s", i, quoted)
		}
		out = append(out, v)
	}
	return out, nil
}

// shownText is the text of a value that was parsed out of a term.
func shownText(v value.Value) string {
	if t, ok := v.(*value.Template); ok {
		return t.Text
	}
	s, _ := value.ToStr(v)
	return s
}
