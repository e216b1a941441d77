package hostos

import (
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
)

// permBits are the bits of a mode that chmod sets.
const permBits = 0o7777

// ParseMode reads an option mode: a number is the mode, a text is octal ("0644") or symbolic ("u=rw,g+X") on top of
// the current bits of a file that is a directory or not.
func ParseMode(v any, current uint32, isDir bool) (uint32, error) {
	switch m := v.(type) {
	case int64:
		return checkPerm(m)
	case float64:
		if m == math.Trunc(m) {
			return checkPerm(int64(m))
		}
	case string:
		if n, err := strconv.ParseUint(strings.TrimPrefix(strings.TrimPrefix(m, "0o"), "0O"), 8, 32); err == nil {
			return uint32(n), nil // more than permission bits are left to chmod(2), which ignores them
		}
		return symbolicMode(m, current, isDir)
	}
	return 0, fmt.Errorf("bad symbolic permission for mode: %v", v)
}

// errInvalidMode is the message for numbers with more than permission bits.
const errInvalidMode = "Invalid mode supplied, only permission info is allowed"

func checkPerm(n int64) (uint32, error) {
	if n < 0 || n&^permBits != 0 {
		return 0, fmt.Errorf("%s", errInvalidMode)
	}
	return uint32(n), nil
}

// symbolicMode applies one or more of chmod(1)'s clauses.
func symbolicMode(s string, current uint32, isDir bool) (uint32, error) {
	mode := current & permBits
	for clause := range strings.SplitSeq(s, ",") {
		i := strings.IndexAny(clause, "+-=")
		who := clause
		if i >= 0 {
			who = clause[:i]
		}
		if i < 0 || strings.Trim(who, "ugoa") != "" {
			return 0, fmt.Errorf("bad symbolic permission for mode: %s", s)
		}
		umask := uint32(0)
		if who == "" {
			umask = Umask()
		}
		if who == "" || strings.Contains(who, "a") {
			who = "ugo"
		}
		prev := mode
		for rest := clause[i:]; rest != ""; {
			op := rest[0]
			end := strings.IndexAny(rest[1:], "+-=")
			if end < 0 {
				end = len(rest) - 1
			}
			perms := rest[1 : end+1]
			rest = rest[end+1:]
			for _, w := range who {
				bits, ok := permsFor(byte(w), perms, prev, isDir)
				if !ok {
					return 0, fmt.Errorf("bad symbolic permission for mode: %s", s)
				}
				bits &^= umask
				switch op {
				case '+':
					mode |= bits
				case '-':
					mode &^= bits
				case '=':
					mode = mode&^whoMask(byte(w)) | bits
				}
			}
		}
	}
	return mode, nil
}

func shiftOf(who byte) uint {
	switch who {
	case 'u':
		return 6
	case 'g':
		return 3
	}
	return 0
}

func whoMask(who byte) uint32 {
	switch who {
	case 'u':
		return 0o4700
	case 'g':
		return 0o2070
	}
	return 0o1007
}

func permsFor(who byte, perms string, prev uint32, isDir bool) (uint32, bool) {
	shift := shiftOf(who)
	var bits uint32
	for i := range len(perms) {
		switch perms[i] {
		case 'r':
			bits |= 4 << shift
		case 'w':
			bits |= 2 << shift
		case 'x':
			bits |= 1 << shift
		case 'X':
			if isDir || prev&0o111 != 0 {
				bits |= 1 << shift
			}
		case 's':
			switch who {
			case 'u':
				bits |= 0o4000
			case 'g':
				bits |= 0o2000
			}
		case 't':
			if who == 'o' {
				bits |= 0o1000
			}
		case 'u', 'g', 'o':
			bits |= (prev >> shiftOf(perms[i]) & 7) << shift
		default:
			return 0, false
		}
	}
	return bits, true
}

// Perm is the mode of info as chmod(2) knows it, with setuid, setgid and sticky bits.
func Perm(info fs.FileInfo) uint32 {
	m := uint32(info.Mode().Perm())
	if info.Mode()&fs.ModeSetuid != 0 {
		m |= 0o4000
	}
	if info.Mode()&fs.ModeSetgid != 0 {
		m |= 0o2000
	}
	if info.Mode()&fs.ModeSticky != 0 {
		m |= 0o1000
	}
	return m
}

// ModeText writes a mode as stat does: "0644", "4755".
func ModeText(m uint32) string { return fmt.Sprintf("%04o", m) }

// PathMode writes a mode as results about files do: "0644", "04755".
func PathMode(m uint32) string { return fmt.Sprintf("0%03o", m) }
