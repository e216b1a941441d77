package regex

import "strings"

// Glob reads a shell pattern as Python's fnmatch does, to be matched at the start: * crosses everything.
func Glob(p string) (*Regex, error) {
	var b strings.Builder
	for i := 0; i < len(p); i++ {
		switch c := p[i]; c {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteByte('.')
		case '[':
			j := i + 1
			if j < len(p) && p[j] == '!' {
				j++
			}
			if j < len(p) && p[j] == ']' {
				j++
			}
			end := strings.IndexByte(p[min(j, len(p)):], ']')
			if end < 0 {
				b.WriteString(`\[`)
				continue
			}
			class := strings.ReplaceAll(p[i+1:j+end], `\`, `\\`)
			if rest, ok := strings.CutPrefix(class, "!"); ok {
				class = "^" + rest
			}
			b.WriteString("[" + class + "]")
			i = j + end
		default:
			if strings.IndexByte(`\.+^$(){}|`, c) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(c)
		}
	}
	return Compile(b.String()+`\Z`, DotAll)
}
