package lookup

import (
	"math/rand/v2"

	"github.com/troupe-automation/troupe/value"
)

// randomChoice gives one of its terms.
func randomChoice(c *Call) ([]value.Value, error) {
	if len(c.Terms) == 0 {
		return nil, nil
	}
	return []value.Value{c.Terms[rand.IntN(len(c.Terms))]}, nil
}
