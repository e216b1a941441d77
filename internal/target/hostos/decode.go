package hostos

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"unicode/utf8"
)

// encodingError is an error that says what is wrong with bytes.
type encodingError string

func (e encodingError) Error() string { return string(e) }

// ErrEncoding says that bytes are not in the encoding they should be in.
const ErrEncoding = encodingError("encoding error")

// iconvName is an encoding as iconv names it, "" for UTF-8.
func iconvName(encoding string) string {
	switch name := strings.ReplaceAll(strings.ToLower(encoding), "_", "-"); name {
	case "utf-8", "utf8":
		return ""
	case "latin-1", "l1": // Python's names
		return "latin1"
	default:
		return name
	}
}

// CanDecode says whether Decode has what it needs: iconv, for all but UTF-8.
func CanDecode(encoding string) bool { return iconvName(encoding) == "" || FindBin("iconv") != "" }

// Decode makes UTF-8 of bytes in an encoding by one of its names in Python; "" is UTF-8.
func Decode(ctx context.Context, data []byte, encoding string) ([]byte, error) {
	name := iconvName(encoding)
	if name == "" {
		if !utf8.Valid(data) {
			return nil, ErrEncoding
		}
		return data, nil
	}
	iconv := func(data []byte) (Output, error) {
		return Run(ctx, Cmd{Args: []string{"iconv", "-f", name, "-t", "UTF-8"}, Stdin: bytes.NewReader(data), Locale: true})
	}
	out, err := iconv(data)
	switch {
	case err != nil:
		return nil, err
	case out.RC != 0:
		if nothing, err := iconv(nil); err == nil && nothing.RC != 0 { // its messages differ from host to host
			return nil, fmt.Errorf("unknown encoding: %s", encoding)
		}
		return nil, ErrEncoding
	}
	return []byte(out.Stdout), nil
}
