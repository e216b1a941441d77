package value

import (
	"errors"
	"fmt"
)

// Error is a Python exception raised by an operation on values. Class is the exception's class name and Msg its text:
// together what a traceback's last line would say.
type Error struct {
	Class     string // "TypeError", "ValueError", "ZeroDivisionError", "KeyError", "UndefinedError" …
	Msg       string
	Undefined *Undefined // what was used, for UndefinedError
}

func (e *Error) Error() string { return e.Msg }

// TypeErrorf returns a TypeError.
func TypeErrorf(format string, args ...any) error { return Errorf("TypeError", format, args...) }

// ValueErrorf returns a ValueError.
func ValueErrorf(format string, args ...any) error { return Errorf("ValueError", format, args...) }

// Errorf returns a Python exception of the given class.
func Errorf(class, format string, args ...any) error {
	return &Error{Class: class, Msg: fmt.Sprintf(format, args...)}
}

// ErrorClass returns the Python class of err ("" when no *Error is in its chain).
func ErrorClass(err error) string {
	if e, ok := asError(err); ok {
		return e.Class
	}
	return ""
}

func asError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
