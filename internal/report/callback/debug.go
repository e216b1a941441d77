package callback

import (
	"strings"

	"github.com/troupe-automation/troupe/value"
)

// newDebug is ansible.posix.debug: the default callback with the texts of a result set out below it.
func newDebug(d *Display, opt Options) Callback {
	s := &standard{Display: d, opt: opt}
	s.format = func(v *value.Dict, _ bool) string {
		var sections strings.Builder
		for _, k := range []string{"stdout", "stderr", "msg", "module_stdout", "module_stderr"} {
			t, ok := v.GetStr(k)
			if !ok {
				continue
			}
			v.DeleteStr(k)
			v.DeleteStr(k + "_lines")
			if !truthy(t) {
				continue
			}
			sections.WriteString("\n\n" + strings.ToUpper(k) + ":\n\n" + str(t) + "\n")
		}
		return toJSON(v, 4) + sections.String()
	}
	return s
}
