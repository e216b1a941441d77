package module

// CheckAll checks raw by the spec and returns every mistake, in Ansible's words: what validate_argument_spec reports.
func (s *Spec) CheckAll(raw map[string]any) []string {
	c := &checker{}
	given := make(map[string]any, len(raw))
	for k, v := range raw {
		given[k] = normalise(v)
	}
	c.level(s.AllOptions(), &s.Rules, given, nil)
	return c.errs
}
