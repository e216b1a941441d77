package syntax

import "unicode/utf8"

// Line is the line of a byte offset.
func Line(src string, off int) int {
	if off > len(src) {
		off = len(src)
	}
	n := 1
	for i := 0; i < off; i++ {
		if src[i] == '\n' {
			n++
		}
	}
	return n
}

// Column is the column of a byte offset, counted in code points from 1.
func Column(src string, off int) int {
	if off > len(src) {
		off = len(src)
	}
	start := off
	for start > 0 && src[start-1] != '\n' {
		start--
	}
	return utf8.RuneCountInString(src[start:off]) + 1
}
