// Package didyoumean finds the known name a mistyped one was probably meant to be: keywords, modules, variables,
// filters, hosts, flags. Everybody who writes a diagnostic about a name calls it.
package didyoumean

import "strings"

// Nearest returns the candidate closest to name, or "" when none is close enough to be worth suggesting.
// Case is ignored. Distance counts insertions, deletions, substitutions and swaps of neighbours as one each; the
// limit is a third of the name's length (at least 1), so short names get no wild guesses.
func Nearest(name string, candidates []string) string {
	name = strings.ToLower(name)
	limit := max(1, len([]rune(name))/3)
	best, bestDist := "", limit+1
	for _, c := range candidates {
		if c == "" {
			continue
		}
		if d := distance(name, strings.ToLower(c), bestDist); d < bestDist {
			best, bestDist = c, d
		}
	}
	return best
}

// distance is the optimal string alignment distance of a and b, or any number >= limit when it reaches limit.
func distance(as, bs string, limit int) int {
	a, b := []rune(as), []rune(bs)
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	before, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		lowest := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			lowest = min(lowest, row[j])
		}
		if lowest >= limit {
			return limit
		}
		before, prev, row = prev, row, before
	}
	return prev[len(b)]
}
