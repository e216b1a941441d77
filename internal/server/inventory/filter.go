package inventory

import (
	"strings"

	"github.com/troupe-automation/troupe/internal/server/domain"
	"github.com/troupe-automation/troupe/internal/server/store"
)

// Filter reads the language of smart inventories: terms as in a query string, "and" and "or" between them, parentheses around.
func Filter(db *store.DB, text string) (store.Condition, error) {
	p := &filterParser{db: db, words: filterWords(text)}
	c, err := p.or(0)
	if err == nil && len(p.words) > 0 {
		err = &store.FilterError{Message: "Invalid query " + text}
	}
	return c, err
}

type filterParser struct {
	db    *store.DB
	words []string
}

// filterWords splits at blanks and parentheses outside of quotes.
func filterWords(text string) []string {
	var out []string
	var b strings.Builder
	quoted := false
	flush := func() {
		if b.Len() > 0 {
			out = append(out, b.String())
			b.Reset()
		}
	}
	for _, r := range text {
		switch {
		case r == '"':
			quoted = !quoted
		case quoted:
			b.WriteRune(r)
		case r == ' ' || r == '\t' || r == '\n':
			flush()
		case r == '(' || r == ')':
			flush()
			out = append(out, string(r))
		default:
			b.WriteRune(r)
		}
	}
	flush()
	return out
}

func (p *filterParser) or(depth int) (store.Condition, error) {
	return p.joined("or", depth, p.and, func(a, b store.Condition) store.Condition {
		return store.Condition{SQL: "(" + a.SQL + ") OR (" + b.SQL + ")", Args: append(a.Args, b.Args...)}
	})
}

func (p *filterParser) and(depth int) (store.Condition, error) {
	return p.joined("and", depth, p.term, func(a, b store.Condition) store.Condition { return store.All(a, b) })
}

// joined reads what a word stands between.
func (p *filterParser) joined(word string, depth int, next func(int) (store.Condition, error), join func(a, b store.Condition) store.Condition) (store.Condition, error) {
	left, err := next(depth)
	for err == nil && len(p.words) > 0 && strings.EqualFold(p.words[0], word) {
		p.words = p.words[1:]
		var right store.Condition
		if right, err = next(depth); err == nil {
			left = join(left, right)
		}
	}
	return left, err
}

func (p *filterParser) term(depth int) (store.Condition, error) {
	if len(p.words) == 0 || depth > 50 {
		return store.Condition{}, &store.FilterError{Message: "Invalid query: it ends too early"}
	}
	word := p.words[0]
	p.words = p.words[1:]
	if word == "(" {
		c, err := p.or(depth + 1)
		if err == nil && (len(p.words) == 0 || p.words[0] != ")") {
			err = &store.FilterError{Message: "Invalid query: a parenthesis is not closed"}
		}
		if err == nil {
			p.words = p.words[1:]
		}
		return c, err
	}
	key, value, found := strings.Cut(word, "=")
	if !found {
		key, value = "search", word
	}
	if path, isFact := strings.CutPrefix(key, "ansible_facts__"); isFact {
		return p.db.JSON("ansible_facts", path, value)
	}
	return p.db.Filter(domain.Of("host"), map[string][]string{key: {value}})
}
