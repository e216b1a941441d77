package inventory

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// maxExpanded bounds what one host line may expand to.
const maxExpanded = 1 << 20

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

var (
	bracketedPort = regexp.MustCompile(`^\[(.+)\]:([0-9]+)$`)
	plainPort     = regexp.MustCompile(`^((?:[^:\[\]]|\[[^\]]*\])+):([0-9]+)$`)
	hostName      = regexp.MustCompile(`^(?:[\p{L}\p{N}_.-]|\[[^\]:]+:[^\]:]+(?::[0-9]+)?\])+$`)
)

// SplitPort takes "host:port" apart; port is 0 when there is none. IPv6 addresses need brackets for a port, ranges in
// brackets may stand in the host.
func SplitPort(text string) (host string, port int) {
	if !strings.ContainsAny(text, ":[") { // nearly all names
		return text, 0
	}
	for _, form := range []*regexp.Regexp{bracketedPort, plainPort} {
		m := form.FindStringSubmatch(text)
		if m == nil {
			continue
		}
		_, notIP := netip.ParseAddr(m[1])
		n, err := strconv.Atoi(m[2])
		if err == nil && (notIP == nil || hostName.MatchString(m[1])) {
			return m[1], n
		}
	}
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		if _, err := netip.ParseAddr(text[1 : len(text)-1]); err == nil {
			return text[1 : len(text)-1], 0
		}
	}
	return text, 0
}

// expand turns a host pattern of an inventory source into host names and a port (0: none): "www[01:03].example.com:22".
func expand(pattern string) (hosts []string, port int, err error) {
	pattern, port = SplitPort(pattern)
	if !strings.Contains(pattern, "[") {
		return []string{pattern}, port, nil
	}
	budget := maxExpanded
	hosts, err = expandRange(pattern, &budget)
	return hosts, port, err
}

// expandRange expands the first bracket of a pattern and, recursively, the others.
func expandRange(pattern string, budget *int) ([]string, error) {
	parts := strings.Split(strings.Replace(strings.Replace(pattern, "[", "|", 1), "]", "|", 1), "|")
	if len(parts) < 3 {
		return nil, fmt.Errorf("not enough values to unpack (expected 3, got %d)", len(parts))
	}
	if len(parts) > 3 {
		return nil, fmt.Errorf("too many values to unpack (expected 3)")
	}
	bounds := strings.Split(parts[1], ":")
	if len(bounds) != 2 && len(bounds) != 3 {
		return nil, fmt.Errorf("host range must be begin:end or begin:end:step")
	}
	values, err := rangeValues(bounds, *budget)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, v := range values {
		name := parts[0] + v + parts[2]
		if strings.Contains(name, "[") {
			more, err := expandRange(name, budget)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
			continue
		}
		if *budget--; *budget < 0 {
			return nil, fmt.Errorf("host range %s expands to too many hosts", pattern)
		}
		out = append(out, name)
	}
	return out, nil
}

var errNoEnd = errors.New("host range must specify end value")

func rangeValues(bounds []string, limit int) ([]string, error) {
	begin, end, step := bounds[0], bounds[1], 1
	if len(bounds) == 3 {
		n, err := strconv.Atoi(bounds[2])
		if err != nil {
			return nil, notInt(bounds[2])
		}
		step = n
	}
	if begin == "" {
		begin = "0"
	}
	if end == "" {
		return nil, errNoEnd
	}
	width := 0
	if begin[0] == '0' && len(begin) > 1 {
		if width = len(begin); width != len(end) {
			return nil, fmt.Errorf("host range must specify equal-length begin and end formats")
		}
	}
	if from, to := strings.Index(letters, begin), strings.Index(letters, end); from >= 0 && to >= 0 {
		if from > to {
			return nil, fmt.Errorf("host range must have begin <= end")
		}
		if step == 0 {
			return nil, fmt.Errorf("slice step cannot be zero")
		}
		var out []string
		for i := from; i <= to && step > 0; i += step {
			out = append(out, letters[i:i+1])
		}
		return out, nil
	}
	from, err := strconv.Atoi(begin)
	if err != nil {
		return nil, notInt(begin)
	}
	to, err := strconv.Atoi(end)
	if err != nil {
		return nil, notInt(end)
	}
	if step == 0 {
		return nil, fmt.Errorf("range() arg 3 must not be zero")
	}
	var out []string
	for i := from; step > 0 && i <= to || step < 0 && i > to; i += step {
		if len(out) > limit {
			return nil, fmt.Errorf("host range %s expands to too many hosts", strings.Join(bounds, ":"))
		}
		out = append(out, fmt.Sprintf("%0*d", width, i))
	}
	return out, nil
}

func notInt(text string) error {
	return fmt.Errorf("invalid literal for int() with base 10: '%s'", text)
}
