package value

// Union is s | t.
func (s *Set) Union(t *Set) *Set {
	u := &Set{d: *s.d.Copy()}
	for k := range t.d.All() {
		_ = u.d.Set(k, None)
	}
	return u
}

// Intersection is s & t.
func (s *Set) Intersection(t *Set) *Set { return s.keep(t, true) }

// Difference is s - t.
func (s *Set) Difference(t *Set) *Set { return s.keep(t, false) }

func (s *Set) keep(t *Set, in bool) *Set {
	u := &Set{}
	for k := range s.d.All() {
		if _, ok, _ := t.d.Get(k); ok == in {
			_ = u.d.Set(k, None)
		}
	}
	return u
}
