package value

import "fmt"

// Error is a Python exception raised by an operation on values. Class is the exception's class name and Msg its text:
// together what a traceback's last line would say.
type Error struct {
	Class string // "TypeError", "ValueError", "ZeroDivisionError", "KeyError" …
	Msg   string
}

func (e *Error) Error() string { return e.Msg }

// TypeErrorf returns a TypeError.
func TypeErrorf(format string, args ...any) error { return Errorf("TypeError", format, args...) }

// ValueErrorf returns a ValueError.
func ValueErrorf(format string, args ...any) error { return Errorf("ValueError", format, args...) }

// Errorf returns a Python exception of the given class.
func Errorf(class, format string, args ...any) error {
	if len(args) == 0 {
		return &Error{Class: class, Msg: format}
	}
	return &Error{Class: class, Msg: fmt.Sprintf(format, args...)}
}
